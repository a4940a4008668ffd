"""A process that reads Minari's HDF5 files under limits; started by `EpisodeProcess` only.

The gate refuses what a file may do by its own rules. But the C library that parses it can be kept
busy, or crash, by a damaged one. A job is a path, the parts of its answer are its episodes, each
one's arrays as safetensors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from segue.envs.base.errors import SegueError
from segue.envs.base.hdf5_gate import MOST_ARRAY_BYTES, array, entry, names, open_hdf5
from segue.envs.base.reader_worker import serve

ARRAYS = ("observations", "actions", "rewards", "terminations", "truncations")
"""What each episode must have; the observations may be a group of arrays."""
MASK = "action_mask"
"""The one thing that is read of an episode's infos, where it is there."""
MOST_TOTAL_BYTES = 512 << 20
"""Of all arrays of a file together, unpacked."""

_MEMORY = 4 * MOST_ARRAY_BYTES
_NAME = re.compile(r"episode_(0|[1-9]\d{0,5})")

Arrays = dict[str, npt.NDArray[Any]]


def main(seconds: int) -> None:
    """Work until the input ends.

    Parameters
    ----------
    seconds : int
        Processor time of a job, in case that nobody is left to end it.
    """
    serve(_read, _MEMORY, seconds)


def _read(job: bytes) -> Iterator[bytes]:
    """Episodes of the file whose path the job is, each as safetensors."""
    path = Path(os.fsdecode(job))
    try:
        yield from map(save, episodes_of(path))
    except SegueError:
        raise
    except MemoryError as error:
        raise SegueError(f"{path} asks for too much memory; give another.") from error
    # Whatever else a damaged file makes the libraries raise is told, too.
    except Exception as error:
        said = f"{path} cannot be read ({type(error).__name__}); give another file."
        raise SegueError(said) from error


def episodes_of(path: Path) -> Iterator[Arrays]:
    """Read the episodes of a file, in order.

    Parameters
    ----------
    path : Path
        Minari's ``main_data.hdf5``.

    Yields
    ------
    dict of str to ndarray
        What `ARRAYS` names; in place of ``"observations"`` there may be several
        ``"observations/<key>"``; ``"action_mask"`` and ``"seed"``, a number, where it has them.

    Raises
    ------
    SegueError
        If it is damaged, something else, or too large.
    """
    left = MOST_TOTAL_BYTES
    with open_hdf5(path) as file:
        found = names(file, path)
        if any(not _NAME.fullmatch(name) for name in found):
            raise SegueError(f"{path} is not laid out as Minari does it; give another file.")
        for number in range(len(found)):
            arrays, left = _episode(entry(file, f"episode_{number}", path), path, left)
            yield arrays


def _episode(group: Any, path: Path, left: int) -> tuple[Arrays, int]:
    """Arrays of an episode, and how many bytes the ones to come may have."""
    parts = {name: entry(group, name, path) for name in ARRAYS}
    if isinstance(parts["observations"], h5py.Group):
        seen = parts.pop("observations")
        parts |= {f"observations/{key}": entry(seen, key, path) for key in names(seen, path)}
    if "infos" in names(group, path):
        infos = entry(group, "infos", path)
        if MASK in names(infos, path):
            parts[MASK] = entry(infos, MASK, path)
    arrays: Arrays = {}
    for name, part in parts.items():
        size = part.size if isinstance(part, h5py.Dataset) else 0
        left -= (size or 0) * (part.dtype.itemsize if size else 0)
        if left < 0:
            raise SegueError(
                f"{path} holds more than {MOST_TOTAL_BYTES >> 20} MB; split it into several."
            )
        numbers = array(part, path)
        arrays[name] = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("="))
    if h5py.h5a.exists(group.id, b"seed"):
        seed = h5py.h5a.open(group.id, b"seed")
        if seed.shape == () and seed.dtype.kind in "iu":
            arrays["seed"] = np.array(group.attrs["seed"], np.int64)
    return arrays, left


__all__ = ["episodes_of", "main"]
