"""What an agent sees of `segue/Multicam-v0`."""

from __future__ import annotations

from collections.abc import Sequence

import numba as nb
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.multicam.types import (
    AGE,
    AHEAD,
    CAMERA,
    HISTORY,
    LEFT,
    LEVELS,
    LIKENESSES,
    LONG_AGO,
    MOST_SHOTS,
    PREVIOUS,
    SCENE,
    SIZES,
    STEP,
    Bank,
    Scene,
)

OF_PROGRAMME = 5
"""Integers of the programme so far: steps played, steps left, camera, previous, age."""
OF_MOMENT = 2 * len(AHEAD)
"""Emphasis and the need to orient, now and ahead."""
OF_VIEW = 1 + len(AHEAD)
"""For each camera what depends on the step: size plus one (0 = no such camera), levels."""
OF_PAST = 3
"""For each camera what depends on the programme: since when, how often, how like the one on air."""


def space(bank: Bank) -> spaces.MultiDiscrete:
    """Observation space: ``13 + 8 n`` integers for n cameras.

    Of the programme: steps played; steps left; camera on the air and that of the shot before (n =
    none); steps that the shot has lasted (capped). Of the moment, now and 1, 2 and 4 steps ahead:
    emphasis; whether the audience needs to be oriented. Of each camera: shot size plus one (0 = no
    such camera); its level now and 1, 2 and 4 steps ahead. Of each camera: steps since it was last
    on the air (1 = in the step before, 24 = long ago, 0 = never); then of each its shots so far
    (capped); then of each how alike it is to the one on the air.
    """
    n = bank.cameras
    programme = [bank.steps + 1, bank.steps + 1, n + 1, n + 1, bank.rules.longest + 1]
    moment = [SIZES] * len(AHEAD) + [2] * len(AHEAD)
    views = [SIZES + 1, *[LEVELS] * len(AHEAD)] * n
    past = [LONG_AGO + 1] * n + [MOST_SHOTS + 1] * n + [LIKENESSES] * n
    sizes = np.array(programme + moment + views + past)
    return spaces.MultiDiscrete(sizes, dtype=np.int16)  # type: ignore[arg-type]


def seen_table(scenes: Sequence[Scene], cameras: int) -> npt.NDArray[np.int16]:
    """Lay out what depends on the step alone, (rows, OF_MOMENT + cameras * OF_VIEW)."""
    tables = []
    for scene in scenes:
        ahead = np.minimum(np.arange(scene.steps)[:, None] + AHEAD, scene.steps - 1)
        views = np.zeros((scene.steps, cameras, OF_VIEW), dtype=np.int16)
        count = len(scene.cameras)
        views[:, :count, 0] = [camera.size + 1 for camera in scene.cameras]
        views[:, :count, 1:] = scene.levels[ahead].transpose(0, 2, 1)
        moment = [scene.emphasis[ahead], scene.orients[ahead]]
        tables.append(np.concatenate([*moment, views.reshape(scene.steps, -1)], axis=1))
    return np.concatenate(tables).astype(np.int16)


def likeness_table(scenes: Sequence[Scene], cameras: int) -> npt.NDArray[np.int16]:
    """Grade the similarities, (scenes * (cameras + 1), cameras)."""
    table = np.zeros((len(scenes), cameras + 1, cameras), dtype=np.int16)
    for index, scene in enumerate(scenes):
        count = len(scene.cameras)
        table[index, :count, :count] = np.rint(scene.similarity * (LIKENESSES - 1))
    return table.reshape(-1, cameras)


@nb.njit(inline="always")
def encode(
    state: npt.NDArray[np.int32],
    seen: npt.NDArray[np.int16],
    likeness: npt.NDArray[np.int16],
    row: int,
    observation: npt.NDArray[np.int16],
    i: int,
) -> None:
    """Write row i of `observation` from row i of `state` and row `row` of the bank."""
    cameras, static = np.uint64(likeness.shape[1]), np.uint64(seen.shape[1])
    observation[i, 0] = state[i, STEP]
    observation[i, 1] = state[i, LEFT]
    observation[i, 2] = state[i, CAMERA]
    observation[i, 3] = state[i, PREVIOUS]
    observation[i, 4] = state[i, AGE]
    for column in range(static):
        observation[i, np.uint64(OF_PROGRAMME) + column] = seen[row, column]
    since = np.uint64(OF_PROGRAMME) + static
    shots, alike = since + cameras, since + cameras + cameras
    like = np.uint64(state[i, SCENE] * (likeness.shape[1] + 1) + state[i, CAMERA])
    now = state[i, STEP]
    for camera in range(cameras):
        shown = state[i, np.uint64(HISTORY) + camera]
        ago = min(now + 1 - shown, LONG_AGO)
        observation[i, since + camera] = ago * int(shown > 0)
        observation[i, shots + camera] = state[i, np.uint64(HISTORY) + cameras + camera]
        observation[i, alike + camera] = likeness[like, camera]
