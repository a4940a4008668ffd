"""Set-up of all tests."""

import hashlib
import os
import signal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# One thread a process, before NumPy and torch are imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# A runner in the background may have Ctrl-C ignored, which the processes of the tests inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Numba's cache looks only at the file of a compiled function, not at those that it inlines. A
# folder named by the hash of all sources never serves code of other rules.
digest = hashlib.sha256()
FOLDERS = ("envs", "agents", "rewards")
for source in sorted(path for part in FOLDERS for path in ROOT.glob(f"{part}/**/*.py")):
    digest.update(source.read_bytes())
os.environ["NUMBA_CACHE_DIR"] = str(ROOT / ".pytest_cache" / f"numba-{digest.hexdigest()[:16]}")
