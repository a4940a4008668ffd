"""Temporary folders that also go when the process that made them was killed."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segue.envs.base.errors import SegueError

_PREFIX = ".segue-render"


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Lend a new hidden folder inside `parent`; it goes when the block ends.

    Its name tells host and process. Folders left by processes of this host that no longer live
    are removed first.

    Parameters
    ----------
    parent : Path
        Where to make it, so that a file can be renamed from it to its place.

    Yields
    ------
    Path
        The folder.

    Raises
    ------
    SegueError
        If `parent` is missing or cannot be written to.
    """
    if not parent.is_dir():
        raise SegueError(f"The folder {parent} does not exist; create it first.")
    host = re.sub(r"[^A-Za-z0-9]+", "", socket.gethostname()) or "host"
    _remove_stale(parent, host)
    try:
        name = tempfile.mkdtemp(prefix=f"{_PREFIX}-{host}-{os.getpid()}-", dir=parent)
    except OSError as error:
        raise SegueError(
            f"Cannot write into {parent} ({error.strerror}); choose another folder."
        ) from error
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)


def _remove_stale(parent: Path, host: str) -> None:
    """Remove the folders of dead processes."""
    for folder in parent.glob(f"{_PREFIX}-{host}-*"):
        match = re.fullmatch(rf"{re.escape(_PREFIX)}-{host}-(\d+)-\w+", folder.name)
        if match and not _alive(int(match[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    """Tell whether a process of this host lives."""
    if sys.platform == "win32":
        import ctypes

        synchronize = 0x0010_0000
        handle = ctypes.windll.kernel32.OpenProcess(synchronize, False, pid)
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True
