"""What an agent sees of `segue/Counterpoint-v0`."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.counterpoint.cantus_firmi import MODES
from segue.envs.counterpoint.dynamics import context_of, move_index
from segue.envs.counterpoint.types import (
    AHEAD,
    BAR,
    BEFORE,
    CLIMAX,
    LENGTH,
    MOST_BARS,
    NO_MOVE,
    NO_PITCH,
    NOTE,
    NOTES,
    PITCH,
    PITCHES,
    RETURNED,
    VISIBLE,
    WIDEST_INTERVAL,
)

BAR_COLUMNS = AHEAD + 3
"""Integers that depend on the bar alone: the visible columns of `Bank.bar_table`."""
LEAST_GAP = -16
"""Lowest value of the last pitch above the note to be met: a note on the tenth, the final."""
GAPS = PITCHES - 1 + 12 - LEAST_GAP + 1
NO_GAP = GAPS


def space() -> spaces.MultiDiscrete:
    """Observation space: 17 integers, the same for any bank.

    Of the cantus firmus: the mode; the note before, the one to be met now and the next five
    (semitones above the octave under the final, 29 = none). Of the episode: bars played, bars
    left. Of the counterpoint: last pitch and the one before (semitones above the final, 20 =
    none); how far the last lies above the note to be met now (semitones plus 16, 48 = none); the
    last move (semitones plus 12, 25 = none); the climax (semitones above the final plus 1, 0 =
    none); whether it has been left and sounded again; the last interval above the cantus firmus
    (20 = none).
    """
    of_cantus = [len(MODES), *[NOTES + 1] * (BAR_COLUMNS - 1)]
    of_episode = [MOST_BARS + 1, MOST_BARS + 1]
    pitch = PITCHES + 1
    of_line = [pitch, pitch, GAPS + 1, NO_MOVE + 1, pitch, 2, WIDEST_INTERVAL + 2]
    return spaces.MultiDiscrete(np.array(of_cantus + of_episode + of_line), dtype=np.int16)  # type: ignore[arg-type]


@nb.njit(inline="always")
def encode(
    state: npt.NDArray[np.int32],
    bar_table: npt.NDArray[np.int32],
    row: int,
    interval: int,
    observation: npt.NDArray[np.int16],
    i: int,
) -> None:
    """Write row i of `observation` from row i of `state` and row `row` of the bar table.

    `interval` is that of the last pitch above the cantus firmus.
    """
    for column in range(np.uint64(BAR_COLUMNS)):
        observation[i, column] = bar_table[row, np.uint64(VISIBLE) + column]
    pitch, before = state[i, PITCH], state[i, BEFORE]
    sounds = int(pitch != NO_PITCH)
    observation[i, BAR_COLUMNS] = state[i, BAR]
    observation[i, BAR_COLUMNS + 1] = bar_table[row, LENGTH] - state[i, BAR]
    observation[i, BAR_COLUMNS + 2] = pitch
    observation[i, BAR_COLUMNS + 3] = before
    gap = pitch - bar_table[row, NOTE] - LEAST_GAP
    observation[i, BAR_COLUMNS + 4] = NO_GAP + sounds * (gap - NO_GAP)
    observation[i, BAR_COLUMNS + 5] = move_index(pitch, before)
    observation[i, BAR_COLUMNS + 6] = state[i, CLIMAX]
    observation[i, BAR_COLUMNS + 7] = state[i, RETURNED]
    observation[i, BAR_COLUMNS + 8] = interval


def decode(observed: npt.NDArray[np.int16]) -> tuple[int, int]:
    """Bar and context (see `dynamics.context_of`) that an observation stands for."""
    bar, _, pitch, before, _, _, climax, returned, _ = observed[BAR_COLUMNS:].tolist()
    return bar, int(context_of.py_func(pitch, before, climax, returned))
