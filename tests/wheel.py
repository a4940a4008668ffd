"""Build the wheel, install it in a fresh environment, and run the registry's tests against it.

Run by ``make test`` after pytest; by hand: ``python tests/wheel.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ("test_registry.py", "conftest.py")

IMPORTS = """
import importlib, sys
for name in ("envs", "agents", "rewards", "experiments"):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    sys.exit(f"import {name} works outside the repository; only segue.{name} should")
import segue.envs, segue.agents, segue.rewards, segue.experiments.cli
import pathlib
assert "site-packages" in segue.envs.__file__, segue.envs.__file__
from importlib import resources
assert (resources.files("segue.experiments") / "configs").is_dir(), "configs are missing"
assert (resources.files("segue.envs") / "py.typed").is_file(), "py.typed is missing"
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> None:
    """Run a command, or end with its exit code."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=os.environ | environment, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)


def main() -> None:
    """Build, install, import and test."""
    with tempfile.TemporaryDirectory(prefix="segue-wheel-") as name:
        folder = Path(name)
        run(sys.executable, "-m", "build", "--wheel", "-o", folder, ROOT, cwd=folder)
        wheel = next(folder.glob("segue-*.whl"))
        run(sys.executable, "-m", "venv", folder / "env", cwd=folder)
        python = folder / "env" / "bin" / "python"
        pinned = ("-r", ROOT / "requirements.txt", "pytest", "pytest-xdist")
        run(python, "-m", "pip", "install", "-q", wheel, *pinned, cwd=folder)
        for file in TESTS:
            (folder / file).write_text((ROOT / "tests" / file).read_text())
        run(python, "-c", IMPORTS, cwd=folder)
        options = ("-q", "-n", "auto", "--import-mode=importlib")
        run(python, "-m", "pytest", *options, folder, cwd=folder)


if __name__ == "__main__":
    main()
