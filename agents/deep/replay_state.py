"""The replay buffers of Stable-Baselines3 as plain arrays, without its pickles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer

_KNOWN = (ReplayBuffer, DictReplayBuffer, NStepReplayBuffer)
_ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def is_plain_buffer(buffer: object) -> TypeGuard[ReplayBuffer]:
    """Tell whether a buffer is one that Stable-Baselines3 makes by itself, not a subclass of it."""
    return type(buffer) in _KNOWN


def replay_state(buffer: ReplayBuffer) -> dict[str, Any]:
    """Give what a replay buffer holds.

    Parameters
    ----------
    buffer : stable_baselines3.common.buffers.ReplayBuffer
        One for which `is_plain_buffer` holds.

    Returns
    -------
    dict
        ``pos`` (the row that is written next), ``full`` and ``arrays``: by name, the filled rows
        (rows, envs, ...). They are views of the buffer, not copies.
    """
    rows = _filled(buffer.pos, buffer.full, buffer)
    arrays = {name: array[: rows[name]] for name, array in _arrays(buffer)}
    return {"pos": int(buffer.pos), "full": bool(buffer.full), "arrays": arrays}


def check_replay_state(buffer: ReplayBuffer, state: Mapping[str, Any]) -> None:
    """Raise a `ValueError` if a state is not one of a buffer built as `buffer` is."""
    pos, full, arrays = state["pos"], state["full"], state["arrays"]
    if type(pos) is not int or type(full) is not bool or not 0 <= pos < buffer.buffer_size:
        raise ValueError(f"the replay buffer stands at row {pos!r}, of {buffer.buffer_size}")
    own = dict(_arrays(buffer))
    if set(own) != set(arrays):
        raise ValueError(f"the replay buffer holds {sorted(arrays)}, not {sorted(own)}")
    rows = _filled(pos, full, buffer)
    for name, array in own.items():
        wanted = (rows[name], *array.shape[1:])
        if arrays[name].shape != wanted or arrays[name].dtype != array.dtype:
            raise ValueError(
                f"{name} of the replay buffer are {arrays[name].dtype} {arrays[name].shape}, "
                f"not {array.dtype} {wanted}"
            )


def load_replay_state(buffer: ReplayBuffer, state: Mapping[str, Any]) -> None:
    """Fill a buffer with what `replay_state` gave, after `check_replay_state`.

    Parameters
    ----------
    buffer : stable_baselines3.common.buffers.ReplayBuffer
        Built as the other was. Rows that were not filled become 0, as in a new one.
    state : mapping of str to Any
        Its state.
    """
    used = _filled(buffer.pos, buffer.full, buffer)
    for name, array in _arrays(buffer):
        rows = state["arrays"][name]
        array[: len(rows)] = rows
        # No further than it was used: the system lends the memory of a new buffer only when it is
        # written to.
        array[len(rows) : used[name]] = 0
    buffer.pos, buffer.full = state["pos"], state["full"]


def _filled(pos: int, full: bool, buffer: ReplayBuffer) -> dict[str, int]:
    """Rows of each array that hold something."""
    rows = buffer.buffer_size if full else pos
    filled = dict.fromkeys((name for name, _ in _arrays(buffer)), rows)
    if buffer.optimize_memory_usage and pos and not full:
        # The row that comes next holds already what was seen last.
        filled.update({name: rows + 1 for name in filled if name.startswith("observations")})
    return filled


def _arrays(buffer: ReplayBuffer) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Every array of a buffer, those of `Dict` observations as ``observations/<key>``."""
    for name in _ARRAYS:
        part: Any = getattr(buffer, name, None)
        if isinstance(part, Mapping):
            yield from ((f"{name}/{key}", array) for key, array in part.items())
        elif isinstance(part, np.ndarray):
            yield name, part


__all__ = ["check_replay_state", "is_plain_buffer", "load_replay_state", "replay_state"]
