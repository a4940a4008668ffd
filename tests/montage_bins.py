"""Bins of the montage made by hand, for its tests."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.film.shots import FEATURES, THIRDS, THUMBNAIL
from segue.envs.montage import dynamics
from segue.envs.montage.env import MontageEnv
from segue.envs.montage.types import LENGTHS, Bank
from segue.rewards.film_view import CUT, NONE

Array = npt.NDArray[Any]
ONE, TWO, THREE, FOUR, SIX, EIGHT = range(len(LENGTHS))
"""Choices of length, in beats."""
BEAT = 10
"""Frames of a beat in the banks made by hand."""


def hand_bank(frames: list[int], beats: list[int]) -> Bank:
    """One bin of shots of the given usable lengths, under beats of the given lengths."""
    shots = len(frames)
    grid = np.concatenate([[0], np.cumsum(beats)])
    lengths, spans = dynamics.clock(grid)
    shape = (1, shots, THIRDS)
    number = np.arange(shots * THIRDS).reshape(shape)
    features = (number[..., None] * 7 + np.arange(len(FEATURES)) * 5) % 11 / 11
    likeness = (number.reshape(-1, 1) * 3 + number.reshape(1, -1) * 3) % 13 / 13
    return Bank(
        rate=Fraction(25),
        beat_frames=grid,
        lengths=lengths,
        spans=spans,
        strength=np.resize([1.0, 0.25, 0.5, 0.75], len(beats)).astype(np.float32),
        energy=np.resize([0.5, 0.125, 0.875], len(beats)).astype(np.float32),
        row=np.arange(shots, dtype=np.int32)[None],
        frames=np.array([frames], dtype=np.int64),
        features=features.astype(np.float32),
        similarity=likeness.reshape(1, shots, THIRDS, shots, THIRDS).astype(np.float32),
        position=(np.arange(shots) / shots).astype(np.float32)[None],
        film=np.zeros((1, shots), dtype=np.int32),
        thumbnails=np.zeros((shots, THIRDS, *THUMBNAIL, 3), dtype=np.uint8),
    )


def even_bank(*frames: int, beats: int = 8) -> Bank:
    return hand_bank(list(frames), [BEAT] * beats)


def start(bank: Bank, **options: Any) -> MontageEnv:
    env = MontageEnv(bank=bank, **options)
    env.reset(seed=0)
    return env


def masks(env: MontageEnv) -> list[list[int]]:
    """Mask of each part: shot, in-point, length, transition, effect."""
    sizes = dynamics.action_sizes(env.batch.used.shape[1])
    parts = np.split(env.batch.mask[0], np.cumsum(sizes)[:-1])
    return [part.tolist() for part in parts]


def lay(
    bank: Bank, shot: int, length: int, in_point: int = 0, effect: int = NONE, beat: int = 0
) -> dynamics.Piece:
    one = [np.array([value]) for value in (0, beat, shot, in_point, length, effect)]
    return dynamics.place(bank, *one)


def act(
    shot: int = 0, in_point: int = 0, length: int = 0, transition: int = CUT, effect: int = NONE
) -> Array:
    return np.array([shot, in_point, length, transition, effect])
