"""A process that reads Minari's HDF5 files under limits; started by `EpisodeProcess` only.

The gate refuses what a file may do by its own rules. But the C library that parses it can be kept
busy, or crash, by a damaged one; that must not take the caller along. A job is a path; jobs and
answers are a length (eight bytes, big-endian) and that many bytes. An answer is a kind, one of
`EPISODE`, `END` and `ERROR`, and what it holds: an episode's arrays as safetensors, nothing, or a
sentence. Each job is answered by its episodes, then an end; or by an error at any point.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from segue.envs.base.errors import SegueError
from segue.envs.base.hdf5_gate import MOST_ARRAY_BYTES, array, entry, names, open_hdf5

EPISODE, END, ERROR = b"e", b".", b"x"

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
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The library may print; the answers get a descriptor of their own.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs = sys.stdin.buffer
    _limit_memory()
    _send(answers, END)
    while len(head := jobs.read(8)) == 8:
        _limit_time(seconds)
        path = Path(os.fsdecode(jobs.read(int.from_bytes(head, "big"))))
        try:
            for arrays in episodes_of(path):
                _send(answers, EPISODE, save(arrays))
            _send(answers, END)
        except SegueError as error:
            _send(answers, ERROR, str(error).encode("utf-8", "replace"))
        except MemoryError:
            _send(answers, ERROR, f"{path} asks for too much memory; give another.".encode())
        # Whatever else a damaged file makes the libraries raise is told, too.
        except Exception as error:
            said = f"{path} cannot be read ({type(error).__name__}); give another file."
            _send(answers, ERROR, said.encode("utf-8", "replace"))


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


def _send(answers: IO[bytes], kind: bytes, data: bytes = b"") -> None:
    answers.write((1 + len(data)).to_bytes(8, "big") + kind + data)
    answers.flush()


def _limit_memory() -> None:
    """Cap the address space, where the system can (not on Windows)."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
        # A crash is expected here and leaves no picture of itself behind.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(seconds: int) -> None:
    """Cap the processor time of one job."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


__all__ = ["episodes_of", "main"]
