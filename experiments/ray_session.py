"""Ray, started or joined on purpose: by a named address, with a token, and without reports.

Ray is an optional extra (``segue[ray]``). Its workers get code and arguments by pickle, as its
tasks always are; who has the cluster's token may run any code on it.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

from segue.envs.base.errors import SegueError

LOCAL = "local"
STORE_BYTES = 256 * 2**20
"""Memory for shared objects of a Ray that is started here; a film's features take 1 to 20 MB."""

_PREFIX = "segue-ray"
_QUIET = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Workers stay in the folder where segue was started, as its relative paths mean it.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
}


@contextmanager
def ray_session(address: str = LOCAL, workers: int | None = None) -> Iterator[None]:
    """Start Ray on this machine, or join a cluster, while the block runs.

    Parameters
    ----------
    address : str
        ``"local"`` starts Ray here, with a token that nobody else has and a folder that goes at the
        end. ``"auto"`` joins the cluster of this machine, ``host:port`` that one; its token is read
        from where Ray looks for it (``RAY_AUTH_TOKEN``, ``RAY_AUTH_TOKEN_PATH``,
        ``~/.ray/auth_token``).
    workers : int or None
        Processor cores that Ray is started with; None for all.

    Raises
    ------
    SegueError
        If Ray is not installed, or cannot be started or joined.
    """
    for name, value in _QUIET.items():
        os.environ[name] = value  # Before Ray is imported, which reads them.
    with ExitStack() as stack:
        if address == LOCAL:
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
            folder = stack.enter_context(_session_folder())
        ray = _imported()
        try:
            if address == LOCAL:
                ray.init(
                    address=LOCAL,
                    num_cpus=workers,
                    include_dashboard=False,
                    object_store_memory=STORE_BYTES,
                    _temp_dir=str(folder),
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            else:
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise SegueError(
                f"Ray at the address {address} cannot be used ({reason}); see that it runs and "
                "that RAY_AUTH_TOKEN holds its token."
            ) from error
        stack.callback(ray.shutdown)
        yield


def _imported() -> ModuleType:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise SegueError(
            "Ray is not installed; install segue[ray], or use the engine local."
        ) from error
    return ray


@contextmanager
def _session_folder() -> Iterator[Path]:
    """Lend Ray a folder with a short path, as its sockets need; those of killed processes go."""
    parent = Path(tempfile.gettempdir() if sys.platform == "win32" else "/tmp")
    for folder in parent.glob(f"{_PREFIX}-*"):
        match = re.fullmatch(rf"{_PREFIX}-(\d+)-\w+", folder.name)
        if match and not _alive(int(match[1])):
            shutil.rmtree(folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    if sys.platform == "win32":
        return True  # Nothing to ask with, and Ray is rare there.
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # Somebody else's.
    return True
