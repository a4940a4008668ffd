"""Files of named arrays: safetensors with a hash, written whole or not at all, never unpickled."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError

_LARGEST = 1 << 32
"""Most bytes of a file, so that a forged one does not fill the memory."""
_NAME = "table-{:08d}.safetensors"

Arrays = Mapping[str, npt.NDArray[Any]]


class Saved(Protocol):
    """What can be kept in a folder of tables."""

    def save(self, path: Path) -> None:
        """Write to one file, atomically."""
        ...


class _Loadable(Saved, Protocol):
    @classmethod
    def load(cls: type[_Kept], path: Path) -> _Kept:
        """Read what `save` wrote; a damaged file raises a `SegueError`."""
        ...


_Kept = TypeVar("_Kept", bound=_Loadable)

_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    RecursionError,  # JSON nested too deep
    MemoryError,
    SafetensorError,
)


def write_arrays(path: Path, kind: str, arrays: Arrays, record: Mapping[str, Any]) -> None:
    """Write arrays and a small record as one safetensors file.

    The file is complete on the disk before it takes its name, so that a kill or a full disk at any
    moment leaves what was there before.

    Parameters
    ----------
    path : pathlib.Path
        File to write or to replace; its folder must exist.
    kind : str
        What the file is, with a version.
    arrays : mapping of str to numpy.ndarray
        What to keep.
    record : mapping of str to Any
        More of it, as JSON knows it.

    Raises
    ------
    SegueError
        If the file cannot be written; what was there before stays.
    """
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    text = json.dumps(record)
    metadata = {"kind": kind, "record": text, "sha256": _digest(kind, whole, text)}
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            file.write(save(whole, metadata))
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
    except OSError as error:
        raise SegueError(
            f"Cannot write {path}: {error.strerror or error}; make room there or choose another "
            "place."
        ) from error


def read_arrays(
    path: Path, kind: str, what: str
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Read what `write_arrays` wrote.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    kind : str
        As it was written.
    what : str
        Its name in a message, such as ``"a Q-table"``.

    Returns
    -------
    arrays : dict
        Equal to those written, bit for bit.
    record : dict
        The same of the record.

    Raises
    ------
    SegueError
        If the file is missing, damaged (its hash tells) or something else.
    """
    try:
        arrays, metadata = _read(path)
        if metadata.get("kind") != kind:
            raise SegueError(
                f"{path} is not {what} of this version of segue; name a file that it saved."
            )
        return arrays, json.loads(metadata["record"])
    except _UNREADABLE as error:
        raise SegueError(
            f"{path} cannot be read as {what} ({error}); name an undamaged file."
        ) from error


def save_newest(table: Saved, folder: Path) -> Path:
    """Save a table in a folder of its own, beside the one before it; older ones go.

    Parameters
    ----------
    table : Saved
        A `QTable`, or another record that has ``save(path)``.
    folder : pathlib.Path
        Made if missing.

    Returns
    -------
    pathlib.Path
        The new file.

    Raises
    ------
    SegueError
        If it cannot be written; what was saved before stays.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stray in folder.glob(".*.safetensors"):
            stray.unlink(missing_ok=True)  # Half a file of a run that was killed while it saved.
        earlier = saved_tables(folder)
        path = folder / _NAME.format(_serial(earlier[0]) + 1 if earlier else 0)
        table.save(path)
        _remove_superseded(earlier)
    except OSError as error:
        raise SegueError(
            f"A table cannot be written into {folder} ({error.strerror or error}); make room there "
            "or choose another folder, and go on from the one before it."
        ) from error
    return path


def _remove_superseded(earlier: list[Path]) -> None:
    """Of older tables, newest first, keep up to the first whole one."""
    for index, path in enumerate(earlier):
        try:
            _read(path)
        except _UNREADABLE:
            continue  # If it were counted as the one before, the last good one would go.
        for old in earlier[index + 1 :]:
            old.unlink(missing_ok=True)
        return


def load_newest(kind: type[_Kept], folder: Path) -> _Kept:
    """Load the newest undamaged table of a folder.

    Parameters
    ----------
    kind : type
        `QTable`, or another class that has ``load(path)``.
    folder : pathlib.Path
        Where `save_newest` wrote.

    Raises
    ------
    SegueError
        If there is none.

    Warns
    -----
    UserWarning
        For each damaged file that is passed over.
    """
    for path in saved_tables(folder):
        try:
            return kind.load(path)
        except SegueError as error:
            warnings.warn(f"{error} The one before it is tried.", stacklevel=2)
    raise SegueError(f"{folder} holds no undamaged table; name the folder of a saved run.")


def saved_tables(folder: Path) -> list[Path]:
    """List the tables that `save_newest` left in a folder, newest first."""
    found = [path for path in folder.glob("table-*.safetensors") if _is_serial(path.stem[6:])]
    return sorted(found, key=_serial, reverse=True)


def _is_serial(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _serial(path: Path) -> int:
    return int(path.stem[6:])


def _read(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """Give arrays and metadata of a file that matches its hash."""
    status = path.stat()
    # A pipe would be waited for.
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
        raise ValueError("it is no plain file, or too large")
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata() or {}
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if not metadata.keys() >= {"kind", "record", "sha256"}:
        raise ValueError("segue did not write it")
    if metadata["sha256"] != _digest(metadata["kind"], arrays, metadata["record"]):
        raise ValueError("it does not match its hash")
    return arrays, metadata


def _digest(kind: str, arrays: Arrays, record: str) -> str:
    """Hash all that a file says, however its header is laid out."""
    digest = hashlib.sha256(json.dumps([kind, record]).encode())
    for name, array in sorted(arrays.items()):
        digest.update(json.dumps([name, str(array.dtype), array.shape]).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder and writes its entries through.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["load_newest", "read_arrays", "save_newest", "saved_tables", "write_arrays"]
