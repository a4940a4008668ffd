"""What an agent sees of `segue/Highlight-v0`."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.highlight.types import (
    AHEAD,
    BINS,
    BUDGET,
    COST,
    POSITION,
    SHOTS,
    SINCE,
    SINCES,
    VISIBLE,
    Bank,
)

SHOT_COLUMNS = 2 * (AHEAD + 1) + 1
"""Integers that depend on the shot alone: the visible columns of `Bank.shot_table`."""


def space(bank: Bank) -> spaces.MultiDiscrete:
    """Observation space: 16 integers.

    Of the shot at hand and each of the next four: importance (bin, 10 = none), length (bin, 10 =
    none); how well the shot at hand stands for the video (bin). Of the summary: shots passed,
    shots left, units of the budget left, how many shots back the last one kept lies (0 = none
    kept, 6 = further back than 5), whether the shot at hand fits.
    """
    shots, budget = bank.most_shots + 1, int(bank.budgets.max()) + 1
    of_shots = [BINS + 1] * (2 * (AHEAD + 1)) + [BINS]
    of_summary = [shots, shots, budget, SINCES, 2]
    return spaces.MultiDiscrete(np.array(of_shots + of_summary), dtype=np.int16)  # type: ignore[arg-type]


@nb.njit(inline="always")
def encode(
    state: npt.NDArray[np.int32],
    shot_table: npt.NDArray[np.int32],
    row: int,
    observation: npt.NDArray[np.int16],
    i: int,
) -> None:
    """Write row i of `observation` from row i of `state` and row `row` of the shot table."""
    for column in range(np.uint64(SHOT_COLUMNS)):
        observation[i, column] = shot_table[row, np.uint64(VISIBLE) + column]
    position, budget = state[i, POSITION], state[i, BUDGET]
    observation[i, SHOT_COLUMNS] = position
    observation[i, SHOT_COLUMNS + 1] = shot_table[row, SHOTS] - position
    observation[i, SHOT_COLUMNS + 2] = budget
    observation[i, SHOT_COLUMNS + 3] = state[i, SINCE]
    observation[i, SHOT_COLUMNS + 4] = int(shot_table[row, COST] <= budget)


def decode(observed: npt.NDArray[np.int16]) -> tuple[int, int, int]:
    """Shots passed, budget left and SINCE that an observation stands for."""
    position, _, budget, since, _ = observed[SHOT_COLUMNS:].tolist()
    return position, budget, since
