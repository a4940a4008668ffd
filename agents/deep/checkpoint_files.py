"""The files of checkpoints: safetensors and JSON, never a pickle.

A checkpoint is a folder ``checkpoint-<serial>`` with ``arrays.safetensors``, ``state.json`` and
``manifest.json``, which is written last and holds the hashes of the others. It is made under
another name and renamed when it is whole, so that a kill at any moment leaves the previous one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import uuid
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from segue.agents.deep.tensor_tree import Arrays, join, split
from segue.envs.base.errors import SegueError

_FORMAT = "segue.checkpoint.v2"
_MANIFEST = "manifest.json"
_LARGEST = {"arrays.safetensors": 1 << 32, "state.json": 1 << 28, _MANIFEST: 1 << 16}
"""Most bytes of each file, so that a forged one does not fill the memory."""

_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    RecursionError,  # JSON nested too deep
    MemoryError,
    SafetensorError,
    SegueError,
)


def write_checkpoint(
    folder: Path, kind: str, state: Mapping[str, Any], extra: Mapping[str, Any]
) -> Path:
    """Write a checkpoint and keep the one before it.

    What an interrupted save left behind is removed. Equal states make equal files.

    Parameters
    ----------
    folder : pathlib.Path
        Where checkpoints lie; made if missing.
    kind : str
        What it is a state of.
    state, extra : mapping of str to Any
        Numbers, strings, lists, tuples, dicts, arrays and tensors, nested as need be.

    Returns
    -------
    pathlib.Path
        The new checkpoint's folder.

    Raises
    ------
    SegueError
        If they hold something else, are too large, or the disk is full or refuses; the
        checkpoints that were there stay.
    """
    arrays: Arrays = {}
    tree = {"class": kind, "model": dict(state), "extra": dict(extra)}
    text = json.dumps(split(tree, arrays)).encode()
    contents = {"arrays.safetensors": save_arrays(arrays), "state.json": text}
    for name, data in contents.items():
        if len(data) > _LARGEST[name]:
            raise SegueError(
                f"A checkpoint of this agent is {len(data) / 2**30:.1f} GiB large, and "
                f"{_LARGEST[name] / 2**30:g} is the most; choose a smaller buffer_size."
            )
    try:
        return _write(folder, contents)
    except OSError as error:
        raise SegueError(
            f"A checkpoint cannot be written into {folder} ({error.strerror or error}); make room "
            "there or choose another folder, and go on from the one before it."
        ) from error


def read_checkpoints(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Read the whole checkpoints of a folder, newest first.

    Yields
    ------
    tuple of pathlib.Path and dict
        The checkpoint's folder; and ``class``, ``model`` and ``extra`` as they were written.

    Warns
    -----
    UserWarning
        For each damaged checkpoint that is passed over.
    """
    for path in _checkpoints(folder):
        try:
            tree = _read(path)
        except _UNREADABLE as error:
            warnings.warn(
                f"The checkpoint {path} is damaged ({error}); the one before it is tried.",
                stacklevel=3,
            )
            continue
        yield path, tree


def _write(folder: Path, contents: Mapping[str, bytes]) -> Path:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        _sync_folder(folder.parent)
    for stray in folder.glob(".checkpoint-*"):
        shutil.rmtree(stray, ignore_errors=True)  # Of a run that was killed while it saved.
    earlier = _checkpoints(folder)
    serial = _serial(earlier[0]) + 1 if earlier else 0
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    manifest = {"format": _FORMAT, "serial": serial, "sha256": hashes}
    target = folder / f"checkpoint-{serial:08d}"
    temporary = folder / f".checkpoint-{uuid.uuid4().hex[:12]}"
    try:
        temporary.mkdir()
        for name, data in contents.items():
            _write_synced(temporary / name, data)
        _write_synced(temporary / _MANIFEST, json.dumps(manifest, indent=1).encode())
        _sync_folder(temporary)
        temporary.rename(target)
        _sync_folder(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _remove_superseded(earlier)
    return target


def _remove_superseded(earlier: list[Path]) -> None:
    """Of older checkpoints, newest first, keep up to the first whole one."""
    for index, path in enumerate(earlier):
        try:
            _verified(path)
        except _UNREADABLE:
            continue  # If it were counted as the one before, the last good one would go.
        for old in earlier[index + 1 :]:
            shutil.rmtree(old, ignore_errors=True)
        return


def _checkpoints(folder: Path) -> list[Path]:
    """List the checkpoints of a folder, newest first."""
    found = [path for path in folder.glob("checkpoint-*") if _is_serial(path.name[11:])]
    return sorted(found, key=_serial, reverse=True)


def _is_serial(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _serial(path: Path) -> int:
    return int(path.name[11:])


def _read(path: Path) -> dict[str, Any]:
    contents = _verified(path)
    arrays = load_arrays(contents["arrays.safetensors"])
    tree = join(json.loads(contents["state.json"]), arrays)
    if not isinstance(tree, dict) or tree.keys() != {"class", "model", "extra"}:
        raise ValueError("state.json holds something else")
    for name in ("model", "extra"):
        if not isinstance(tree[name], dict):
            raise ValueError(f"state.json holds no {name}")
    return tree


def _verified(path: Path) -> dict[str, bytes]:
    """Read the files of a checkpoint and compare them with its manifest."""
    if path.is_symlink():
        raise ValueError("it is a link")
    manifest = json.loads(_bytes(path, _MANIFEST))
    if manifest["format"] != _FORMAT:
        raise ValueError(f"unknown format {manifest['format']!r}")
    if manifest["serial"] != _serial(path):
        raise ValueError(f"its manifest is that of checkpoint {manifest['serial']!r}")
    contents = {}
    for name in ("state.json", "arrays.safetensors"):
        contents[name] = _bytes(path, name)
        if hashlib.sha256(contents[name]).hexdigest() != manifest["sha256"][name]:
            raise ValueError(f"{name} does not match its hash")
    return contents


def _bytes(folder: Path, name: str) -> bytes:
    """Read a plain file of a bounded size; a link or a pipe is none."""
    # The flags that Windows lacks guard against what it lacks too.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(folder / name, os.O_RDONLY | flags)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST[name]:
            raise ValueError(f"{name} is no plain file, or too large")
        return file.read(_LARGEST[name])


def _write_synced(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder and writes its entries through.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["read_checkpoints", "write_checkpoint"]
