"""The one way in which HDF5 files are opened: plain arrays of a bounded size, inside one file.

MATLAB 7.3 files are HDF5, too. A file may name other files (external and virtual data sets,
external links) and filters that a library of its own unpacks: all refused. Nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError

MOST_BYTES = 512 << 20
"""Of a file."""
MOST_ARRAY_BYTES = 128 << 20
"""Of one array, unpacked."""
MOST_ENTRIES = 10_000
"""Of a group."""

_FILTERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Raises
    ------
    SegueError
        If it is missing, too large or no HDF5 file, or if what is read from it is damaged.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SegueError(f"{path} has {size >> 20} MB; give a file of {MOST_BYTES >> 20} MB.")
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise SegueError(
            f"{path} cannot be read as HDF5 ({str(error).splitlines()[0]}); give another file."
        ) from error


def names(group: Any, path: Path) -> list[str]:
    """Names in a group, in order.

    Raises
    ------
    SegueError
        If it is no group or has too many entries.
    """
    if not isinstance(group, h5py.Group) or len(group) > MOST_ENTRIES:
        raise SegueError(f"{path} is not laid out as expected; give another file.")
    return sorted(group)


def entry(group: Any, name: str, path: Path) -> Any:
    """Entry of a group that lies in the group itself.

    Raises
    ------
    SegueError
        If it is missing or a link to elsewhere.
    """
    if not isinstance(group, h5py.Group) or name not in group:
        raise SegueError(f"{path} has no entry {name!r}; give a file that has.")
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise SegueError(f"{path} links {name!r} to elsewhere; give a file without such links.")
    return group[name]


def array(dataset: Any, path: Path) -> npt.NDArray[Any]:
    """Numbers of a data set.

    Raises
    ------
    SegueError
        If it is no array of numbers, too large, lies outside the file or is packed unusually.
    """
    checked(dataset, path)
    if dataset.dtype.kind not in "iufb":
        raise SegueError(f"{path} holds {dataset.name!r} as {dataset.dtype}; give numbers.")
    return np.asarray(dataset[()])


def references(dataset: Any, path: Path) -> list[Any]:
    """What a data set of object references points at, in MATLAB's order: its cell array.

    Raises
    ------
    SegueError
        If it is no such data set, or a reference leads nowhere.
    """
    checked(dataset, path)
    if h5py.check_ref_dtype(dataset.dtype) is not h5py.Reference:
        raise SegueError(f"{path} does not hold {dataset.name!r} as cells; give another file.")
    cells = np.asarray(dataset[()]).ravel().tolist()
    if len(cells) > MOST_ENTRIES or not all(cells):
        raise SegueError(f"{path} has empty or too many cells in {dataset.name!r}.")
    return [dataset.file[cell] for cell in cells]


def checked(dataset: Any, path: Path) -> None:
    """Refuse what is no data set, too large, kept in another file or packed unusually."""
    if not isinstance(dataset, h5py.Dataset):
        raise SegueError(f"{path} is not laid out as expected; give another file.")
    if dataset.size is None or dataset.size * dataset.dtype.itemsize > MOST_ARRAY_BYTES:
        raise SegueError(
            f"{path} has an array {dataset.name!r} of {dataset.shape}; "
            f"give one of {MOST_ARRAY_BYTES >> 20} MB at the most."
        )
    if dataset.is_virtual or dataset.external:
        raise SegueError(f"{path} keeps {dataset.name!r} in other files; give a file of its own.")
    packing = dataset.id.get_create_plist()
    filters = [packing.get_filter(k)[0] for k in range(packing.get_nfilters())]
    if not set(filters) <= set(_FILTERS):
        raise SegueError(
            f"{path} packs {dataset.name!r} unusually; pack it with gzip or not at all."
        )
