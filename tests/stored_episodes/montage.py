"""Five pieces of a film that stays partly empty."""

from __future__ import annotations

from fractions import Fraction
from math import cos
from typing import Any

import numpy as np
from stored_episodes.record import StoredEpisode, Told, play_out

from segue.envs.film.shots import FEATURES, THIRDS, THUMBNAIL
from segue.envs.montage.dynamics import clock
from segue.envs.montage.env import MontageEnv
from segue.envs.montage.types import Bank
from segue.rewards import film_view
from segue.rewards.film import MONTAGE


def montage_bank() -> Bank:
    """Five shots of few frames under twelve beats: the film stays partly empty."""
    shots, beats = 5, 12
    frames = np.array([[40, 48, 30, 24, 50]])
    grid = np.arange(beats + 1) * 12
    lengths, spans = clock(grid)
    number = np.arange(shots * THIRDS * len(FEATURES)).reshape(1, shots, THIRDS, len(FEATURES))
    signed = [name in ("motion_x", "motion_y", "centroid_x", "centroid_y") for name in FEATURES]
    features = number * 7 % 31 / 31
    # The fourth shot is a still.
    features[0, 3, :, FEATURES.index("motion")] = 0.0
    features[0, 3, :, [FEATURES.index("motion_x"), FEATURES.index("motion_y")]] = 0.5
    likeness = np.arange((shots * THIRDS) ** 2) * 11 % 37 / 36
    likeness = likeness.reshape(1, shots, THIRDS, shots, THIRDS)
    # A plain cut from the third shot to the first one jumps.
    likeness[0, 2, :, 0, :] = 0.98
    return Bank(
        rate=Fraction(24),
        beat_frames=grid,
        lengths=lengths,
        spans=spans,
        strength=np.array([1, 0.25, 0.5, 0.25, 0.75, 0.25] * 2, dtype=np.float32),
        energy=np.array([0.5 - 0.4 * cos(b / 2) for b in range(beats)], dtype=np.float32),
        row=np.arange(shots, dtype=np.int32)[None],
        frames=frames,
        features=np.where(signed, 2 * features - 1, features).astype(np.float32),
        similarity=likeness.astype(np.float32),
        position=np.array([[0.1, 0.3, 0.45, 0.7, 0.9]], dtype=np.float32),
        film=np.array([[0, 0, 0, 1, 1]], dtype=np.int32),
        thumbnails=np.zeros((shots, THIRDS, *THUMBNAIL, 3), dtype=np.uint8),
    )


# Shot, in-point, length, transition, effect; the third comes again and is replaced.
PIECES = [
    (2, 1, 0, film_view.CUT, film_view.FADE_IN),
    (0, 0, 1, film_view.CUT, film_view.MIRROR),
    (0, 2, 0, film_view.WIPE, film_view.NONE),
    (4, 1, 1, film_view.CUT, film_view.SLOW_MOTION),
    (3, 0, 1, film_view.FADE_THROUGH_BLACK, film_view.BLACK_AND_WHITE),
]


def play(**options: Any) -> Told:
    return play_out(MontageEnv(bank=montage_bank(), **options), map(np.array, PIECES))


WEIGHTS = {
    "sync": 1.0,
    "pacing": 4.0,
    "continuity": 1.0,
    "jump_cut": 1.0,
    "diversity": 0.5,
    "quality": 0.5,
    "stillness": 1.0,
    "energy": 0.8,
    "order": 2.5,
    "transition_fit": 1.0,
    "effect_fit": 1.0,
    "duration": 3.0,
    "legality": 0.1,
}

# fmt: off
RAW = {
    "sync": [
        0.041666667, 0.041666667, 0.020833333, 0.125, 0.166666667,
    ],
    "pacing": [
        3.8663e-05, 0.0090483, 0.000863687, 0.08427846, 0.137942389,
    ],
    "continuity": [
        0.041666667, 0.043717762, 0.030087092, 0.151628911, 0.123624043,
    ],
    "jump_cut": [
        0, -0.166666667, 0, 0, 0,
    ],
    "diversity": [
        0.041666667, 0.00333333, 0.002314816, 0.138888886, 0.055555552,
    ],
    "quality": [
        0.059282108, 0.078930226, 0.032114724, 0.085541738, 0.075043145,
    ],
    "stillness": [
        0, 0, 0, 0, -0.166666667,
    ],
    "energy": [
        0.01307306, 0.166299116, 0.082074169, 0.138487914, 0.001926947,
    ],
    "order": [
        0.041666667, 0, 0.066666663, 0.066666673, 0,
    ],
    "transition_fit": [
        0.070833333, 0.141666667, 0, 0.141666667, 0.055555552,
    ],
    "effect_fit": [
        0.083333333, 0.083333333, 0.075, 0.026898489, 0,
    ],
    "duration": [
        0, 0, 0, 0, -0.333333333,
    ],
    "legality": [
        0, 0, -1, 0, 0,
    ],
}
# fmt: on

EPISODE = StoredEpisode(MONTAGE, play, WEIGHTS, RAW)
