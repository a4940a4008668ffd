"""What was worked out about a file, kept in the user's cache folder under the file's content.

The name of an entry holds the SHA-256 of the file's bytes and the version of the method, so a file
that is moved or renamed keeps its entry, a changed one gets a new one, and nothing goes stale. An
entry that cannot be read, or is not what its reader expects, counts as missing.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError

Arrays = Mapping[str, npt.NDArray[np.generic]]

CACHE_VARIABLE = "SEGUE_CACHE"
"""Environment variable that names another folder than the user's cache folder."""


def cache_folder(folder: Path | None = None) -> Path:
    """Return the cache folder, made if missing.

    Parameters
    ----------
    folder : Path or None
        It; None asks `CACHE_VARIABLE` and then the system's place for caches.

    Raises
    ------
    SegueError
        If the folder cannot be made.
    """
    if folder is None:
        named = os.environ.get(CACHE_VARIABLE)
        folder = Path(named) if named else Path(platformdirs.user_cache_dir("segue"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SegueError(
            f"The cache folder {folder} cannot be made ({error.strerror}); "
            f"name another in {CACHE_VARIABLE}."
        ) from error
    return folder


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal.

    Raises
    ------
    SegueError
        If the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise SegueError(f"{path} cannot be read ({error.strerror}); check it.") from error
    return digest.hexdigest()


def load_arrays(
    folder: Path, kind: str, version: int, digest: str
) -> dict[str, npt.NDArray[np.generic]] | None:
    """Arrays of an entry, or None where there is none that can be read. Nothing is unpickled."""
    try:
        with (
            _entry(folder, kind, version, digest).open("rb") as file,
            np.load(file, allow_pickle=False) as entry,
        ):
            return {name: entry[name] for name in entry.files}
    except (OSError, ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile):
        return None


def store_arrays(folder: Path, kind: str, version: int, digest: str, arrays: Arrays) -> None:
    """Write an entry, whole or not at all. Object arrays are refused with ValueError."""
    with (
        atomic_path(_entry(folder, kind, version, digest)) as temporary,
        temporary.open("wb") as file,
    ):
        np.savez_compressed(file, allow_pickle=False, **dict(arrays))


def _entry(folder: Path, kind: str, version: int, digest: str) -> Path:
    return folder / f"{kind}-v{version}-{digest}.npz"
