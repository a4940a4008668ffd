"""A finished film that nobody made: its shots are known, no file is behind it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from segue.envs.film.shots import COLOURS, FEATURES, THIRDS, THUMBNAIL, Footage, ShotTable

RATE = 24


def film(shots: int = 30, seed: int = 0, length: int = 60) -> ShotTable:
    """Sharp, well exposed, moving shots of `length` frames, each of a colour of its own."""
    generator = np.random.default_rng(seed)
    frames = np.full(shots, length, dtype=np.int32)
    features = generator.uniform(0.3, 0.7, (shots, THIRDS, len(FEATURES))).astype(np.float32)
    colours = np.zeros((shots, THIRDS, COLOURS), np.float32)
    colours[np.arange(shots), :, np.arange(shots) % COLOURS] = 1.0
    return ShotTable(
        (Footage(Path("film.mp4"), "0", Fraction(RATE), int(frames.sum()), 64, 36, False, "", ""),),
        np.zeros(shots, np.int32),
        np.concatenate([[0], np.cumsum(frames)[:-1]]).astype(np.int32),
        frames,
        features,
        colours,
        np.zeros((shots, THIRDS, *THUMBNAIL, 3), np.uint8),
    )
