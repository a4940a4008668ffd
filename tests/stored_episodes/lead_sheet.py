"""Two bars and a cadence of a melody above chords."""

from __future__ import annotations

from math import sin
from typing import Any

import numpy as np
from stored_episodes.record import StoredEpisode, Told, play_out

from segue.envs.lead_sheet.env import LeadSheetEnv
from segue.envs.lead_sheet.types import LOW, Piece
from segue.envs.music.chords import Chord
from segue.envs.music.metre import Metre
from segue.envs.music.tune import ChordSpan
from segue.rewards import melody
from segue.rewards.melody import LEAD_SHEET


def progression() -> Piece:
    """Two bars in C: the tonic's chord and its dominant, with every kind of demand."""
    onset, hold, rest, free = melody.ONSET, melody.HOLD, melody.REST, melody.NO_MOTIF
    return Piece(
        mood="hopeful",
        tonic=0,
        mode="major",
        tempo=120.0,
        metre=Metre(4, 4),
        chords=tuple(
            ChordSpan(4 * bar, 4, Chord(root, "maj")) for bar, root in enumerate((0, 7, 0))
        ),
        template=np.array([onset, hold, onset, onset, rest, onset, hold, rest] * 3, dtype=np.int8),
        motif=np.array([free, free, 1, -1, free, 1, 0, free] * 3, dtype=np.int8),
        cadence=np.array([0] * 8 + [1] + [0] * 7 + [2] + [0] * 7, dtype=np.int8),
        target=np.array([67 + 5 * sin(slot / 3) for slot in range(24)]),
    )


# Pitches as MIDI numbers; rests, holds, one illegal leap and one pitch outside key and chord.
MELODY = [64, 1, 72, 71, 0, 69, 1, 0, 65, 64, 62, 1, 67, 73, 84, 1, 72, 71, 72, 1, 65, 69, 1, 0]


def play(**options: Any) -> Told:
    env = LeadSheetEnv(pieces=[progression()], **options)
    return play_out(env, (a if a < 2 else a - LOW + 2 for a in MELODY))


WEIGHTS = {
    "harmony": 1.0,
    "resolution": 1.0,
    "motion": 1.0,
    "leap_recovery": 1.0,
    "contour": 0.6,
    "rhythm": 2.5,
    "motif": 0.4,
    "cadence": 4.0,
    "approach": 2.0,
    "legality": 1.0,
}

# fmt: off
RAW = {
    "harmony": [
        1, 0, 0.25, -0.125, 0, -0.125, -0.25, 0, -1, -0.125, 0.25, 0, 0.5,
        0, 0, 0, 1, -0.125, 0.25, 0, -0.5, -0.125, -0.25, 0,
    ],
    "resolution": [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0,
    ],
    "motion": [
        0, 0, -0.4, 1, 0, 1, 0, 0, 0.5, 1, -2, 0, 0.3, 0, 0, 0, 0.3, 1, 1, 0, 0.2,
        0.5, 0, 0,
    ],
    "leap_recovery": [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0,
    ],
    "contour": [
        0.60653066, 0, 0.816866165, 0.99761418, 0, 0.611172593, 0, 0, 0.360336428,
        0.466331028, 0.402535281, 0, 0.451361759, 0, 0, 0, 0.010390184, 0.071497144,
        0.102953505, 0, 0.435014821, 0.912355871, 0, 0,
    ],
    "rhythm": [
        0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, -1, -1, -1, -0.5, 0, 0, -1, 0, -1, -1, 0, 0, 0,
    ],
    "motif": [
        0, 0, 1, 1, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0,
    ],
    "cadence": [
        0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ],
    "approach": [
        0, 0, 0, 0, 0, 0, 0, 0, -0.5, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0,
    ],
    "legality": [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0,
    ],
}
# fmt: on

EPISODE = StoredEpisode(LEAD_SHEET, play, WEIGHTS, RAW)
