"""What an agent sees of `segue/LeadSheet-v0`."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.lead_sheet.types import (
    MOVE,
    MOVES,
    PITCH,
    PITCHES,
    PREVIOUS,
    SLOT,
    SOUNDING,
    UNRESOLVED,
    VISIBLE,
)
from segue.envs.music.chords import QUALITIES
from segue.envs.music.scales import MODES

SLOT_COLUMNS = 10
"""Integers that depend on the slot alone: the visible columns of `Bank.slot_table`."""


def space(slots: int, slots_per_bar: int) -> spaces.MultiDiscrete:
    """Observation space: 16 integers.

    Of the slot: position in the bar, root of the chord above the tonic (semitones), its quality,
    those of the chord after it, the mode, template, motif (plus one), cadence, arch (pitch
    index, 25 = none). Of the melody: slots played, last pitch and the one before (index, 25 =
    none), how the last was reached, whether it still sounds, whether it waits to be resolved.
    """
    chord = [12, len(QUALITIES)]
    of_slot = [slots_per_bar, *chord, *chord, len(MODES), 4, 4, 3, PITCHES + 1]
    of_melody = [slots + 1, PITCHES + 1, PITCHES + 1, MOVES, 2, 2]
    return spaces.MultiDiscrete(np.array(of_slot + of_melody), dtype=np.int16)  # type: ignore[arg-type]


@nb.njit(inline="always")
def encode(
    state: npt.NDArray[np.int32],
    slot_table: npt.NDArray[np.int32],
    slot: int,
    observation: npt.NDArray[np.int16],
    i: int,
) -> None:
    """Write row i of `observation` from row i of `state` and row `slot` of the slot table."""
    for column in range(np.uint64(SLOT_COLUMNS)):
        observation[i, column] = slot_table[slot, np.uint64(VISIBLE) + column]
    observation[i, SLOT_COLUMNS] = state[i, SLOT]
    observation[i, SLOT_COLUMNS + 1] = state[i, PITCH]
    observation[i, SLOT_COLUMNS + 2] = state[i, PREVIOUS]
    observation[i, SLOT_COLUMNS + 3] = state[i, MOVE]
    observation[i, SLOT_COLUMNS + 4] = state[i, SOUNDING]
    observation[i, SLOT_COLUMNS + 5] = state[i, UNRESOLVED]
