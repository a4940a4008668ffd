"""What the reward of `segue/LeadSheet-v0` may see of a step, as the axes of one open grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.envs.base.reward_table import along
from segue.envs.lead_sheet.dynamics import NO_INTERVAL
from segue.envs.lead_sheet.types import (
    CHORD_TONES,
    LEAP_DOWN,
    LEAP_UP,
    LOW,
    MOVES,
    NO_PITCH,
    PITCHES,
    REPEATED,
    RUN_DOWN,
    RUN_UP,
    WIDEST_LEAP,
    Bank,
)
from segue.rewards.melody import LONGEST_RUN, MOST_REPEATS, NoteView

AXES = 7
"""Slot of the bank, kind, pitch sounding, interval, move before, unresolved before, illegal."""


def open_grid(bank: Bank) -> NoteView:
    """Build the view of every combination at once, each field on its own axes."""

    def axis(values: npt.ArrayLike, number: int) -> npt.NDArray[np.int64]:
        return along(values, number, AXES)

    def per_slot(name: str) -> npt.NDArray[np.int64]:
        return axis(np.concatenate([getattr(piece, name) for piece in bank.pieces]), 0)

    rows = len(bank.strength)
    index = np.arange(PITCHES + 1)
    # Bit NO_PITCH is never set: silence is no chord tone.
    chord_tone = bank.slot_table[:, CHORD_TONES, None] >> index & 1
    tonic = np.repeat([piece.tonic for piece in bank.pieces], bank.slots)
    degree = np.where(index == NO_PITCH, -1, (index + LOW - tonic[:, None]) % 12)
    interval = np.arange(NO_INTERVAL + 1)
    leap, run, repeats = (np.zeros(MOVES, dtype=np.int64) for _ in range(3))
    leap[LEAP_UP], leap[LEAP_DOWN] = 1, -1
    lengths = np.arange(1, LONGEST_RUN + 1)
    run[RUN_UP + lengths], run[RUN_DOWN + lengths] = lengths, -lengths
    repeats[REPEATED + 1 : REPEATED + MOST_REPEATS + 1] = np.arange(1, MOST_REPEATS + 1)
    return NoteView(
        kind=axis(np.arange(3), 1),
        pitch=axis(np.where(index == NO_PITCH, -1, index + LOW), 2),
        chord_tone=chord_tone.reshape(rows, 1, PITCHES + 1, 1, 1, 1, 1) == 1,
        degree=degree.reshape(rows, 1, PITCHES + 1, 1, 1, 1, 1),
        moves=axis(interval, 3) != NO_INTERVAL,
        interval=axis(np.where(interval == NO_INTERVAL, 0, interval - WIDEST_LEAP), 3),
        leap=axis(leap, 4),
        run=axis(run, 4),
        repeats=axis(repeats, 4),
        unresolved=axis(np.arange(2), 5) == 1,
        strength=axis(bank.strength, 0).astype(np.float64),
        target=per_slot("target").astype(np.float64),
        template=per_slot("template"),
        motif=per_slot("motif"),
        cadence=per_slot("cadence"),
        illegal=axis(np.arange(2), 6) == 1,
    )
