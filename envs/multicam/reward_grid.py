"""What the reward of `segue/Multicam-v0` may see of a step, as the axes of one open grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.envs.base.reward_table import along
from segue.envs.multicam.types import LEVELS, SIZES, Bank
from segue.rewards.multicam_view import CameraView

AXES = 7
"""Row of the bank, scene, camera shown, camera before, previous, age before, illegal."""


def open_grid(bank: Bank) -> CameraView:
    """Build the view of every combination at once, each field on its own axes."""
    n, rows, scenes = bank.cameras, len(bank.seen), len(bank.scenes)
    level, size = np.zeros((rows, n)), np.zeros((rows, n))
    widest = np.zeros((rows, n), dtype=np.bool_)
    similarity = np.zeros((scenes, n, n + 1))
    for index, (scene, start) in enumerate(zip(bank.scenes, bank.starts, strict=True)):
        here, count = slice(start, start + scene.steps), len(scene.cameras)
        sizes = np.array([camera.size for camera in scene.cameras])
        level[here, :count] = scene.levels / (LEVELS - 1)
        size[here, :count] = sizes / (SIZES - 1)
        widest[here, :count] = sizes == sizes.min()
        similarity[index, :count, :count] = scene.similarity
    shown, before = along(np.arange(n), 2, AXES), along(np.arange(n + 1), 3, AXES)
    emphasis = np.concatenate([scene.emphasis for scene in bank.scenes]) / (SIZES - 1)
    orients = np.concatenate([scene.orients for scene in bank.scenes])
    return CameraView(
        level=_by_row(level),
        size=_by_row(size),
        emphasis=along(emphasis, 0, AXES),
        orients=along(orients, 0, AXES),
        widest=_by_row(widest) == 1,
        cut=(shown != before) & (before != n),
        stays=shown == before,
        returns=shown == along(np.arange(n + 1), 4, AXES),
        similarity=similarity.reshape(1, scenes, n, n + 1, 1, 1, 1),
        held=along(np.arange(bank.rules.longest + 1), 5, AXES),
        step=np.full((1,) * AXES, float(bank.scenes[0].seconds)),
        illegal=along(np.arange(2), 6, AXES) == 1,
    )


def _by_row(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    rows, cameras = values.shape
    return values.reshape(rows, 1, cameras, 1, 1, 1, 1)
