"""The exact optimum of `segue/Highlight-v0`: the knapsack as dynamic programming over its states.

A state is (shots passed, units of the budget left, how many shots back the last one kept lies).
Without the last part, which only diversity needs, this is the 0/1 knapsack's own table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.reward_table import RewardTable
from segue.envs.base.transition_model import TransitionModel
from segue.envs.highlight import dynamics
from segue.envs.highlight.stepping import enumerate_model
from segue.envs.highlight.types import ACTIONS, SINCES, Bank


@dataclass(frozen=True, eq=False)
class Solution:
    """What there is to know of a video.

    Attributes
    ----------
    optimum : float
        V*, the greatest return.
    random_return : float
        Expected return of a player that draws uniformly among the legal actions.
    """

    optimum: float
    random_return: float

    def gap(self, value: float) -> float:
        """Share of the optimum that a return misses: ``1 - value / V*``."""
        return 1.0 - value / self.optimum


def start_state(budget: int) -> int:
    """Number of the state in which an episode on a video of that budget begins."""
    return int(dynamics.state_of.py_func(0, budget, dynamics.initial.py_func(), budget))


def transition_model(bank: Bank, table: RewardTable, video: int) -> TransitionModel:
    """Tabulate one video of the bank: states as `dynamics.state_of` numbers them."""
    shots, budget = len(bank.videos[video]), int(bank.budgets[video])
    shape = (shots * (budget + 1) * SINCES, ACTIONS)
    next_state, reward = np.zeros(shape, dtype=np.int32), np.zeros(shape)
    legal, terminal = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    enumerate_model(
        int(bank.starts[video]),
        shots,
        budget,
        bank.shot_table,
        table.values,
        table.groups,
        len(table.names),
        next_state,
        reward,
        legal,
        terminal,
    )
    return TransitionModel(start_state(budget), next_state, reward, legal, terminal, shots)


def solve(model: TransitionModel) -> Solution:
    """Go back from the last shot to the first (Bellman 1957)."""
    layer = model.n_states // model.horizon
    values = np.zeros((2, model.n_states))
    for position in reversed(range(model.horizon)):
        rows = slice(position * layer, (position + 1) * layer)
        legal = model.legal[rows]
        after = np.where(model.terminal[rows], 0.0, values[:, model.next_state[rows]])
        total = model.reward[rows] + after
        values[0, rows] = np.where(legal, total[0], -np.inf).max(axis=1)
        values[1, rows] = np.where(legal, total[1], 0.0).sum(axis=1) / legal.sum(axis=1)
    return Solution(float(values[0, model.start]), float(values[1, model.start]))


def densest(
    values: npt.NDArray[np.float64], costs: npt.NDArray[np.int32], budget: int
) -> npt.NDArray[np.bool_]:
    """Fill a budget by value per unit, from the densest shot down (Dantzig 1957).

    Parameters
    ----------
    values : ndarray (n,) float64
        What keeping each shot is worth.
    costs : ndarray (n,) int32
        Its length in units, >= 1.
    budget : int
        Units to fill.

    Returns
    -------
    ndarray (n,) bool
        The shots kept; of equally dense ones the earlier go first.
    """
    kept = np.zeros(len(values), dtype=np.bool_)
    for shot in np.argsort(-values / costs, kind="stable").tolist():
        if costs[shot] <= budget:
            kept[shot] = True
            budget -= int(costs[shot])
    return kept
