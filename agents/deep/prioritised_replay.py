"""Proportional prioritised sampling (Schaul et al. 2016), compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from segue.agents.tabular.replay import draw, sum_tree

Rows = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class Priorities:
    """Draws rows as often as their priorities say.

    Parameters
    ----------
    n_rows : int
        Number of rows, all of priority 0 at first: they are not drawn.
    power : float
        Exponent of the urgency that `set` is given, from 0; 0 = all rows that are set are alike.
    """

    def __init__(self, n_rows: int, power: float) -> None:
        self._power = power
        self._n_rows = n_rows
        self._tree: FloatArray = sum_tree(np.zeros(n_rows))
        self.greatest = 1.0
        """Greatest priority so far, which a row that nobody has learnt from yet gets."""

    @property
    def values(self) -> FloatArray:
        """Priorities of all rows, (n_rows,); not to be written to."""
        first = len(self._tree) // 2
        return self._tree[first : first + self._n_rows]

    def enter(self, rows: Rows) -> None:
        """Give new rows (b,) the greatest priority so far."""
        _set_leaves(self._tree, rows, np.full(len(rows), self.greatest))

    def set(self, rows: Rows, urgency: FloatArray) -> None:
        """Set the priorities of rows (b,) to urgency ** power; of a row given twice the last."""
        priority = urgency**self._power
        self.greatest = max(self.greatest, float(priority.max()))
        _set_leaves(self._tree, rows, priority)

    def draw(self, count: int, generator: np.random.Generator) -> Rows:
        """Draw rows (count,), one from each of `count` equal shares of all priority."""
        numbers = (np.arange(count) + generator.random(count)) / count
        rows = np.empty(count, np.int64)
        _draw_leaves(self._tree, numbers, rows)
        return rows

    def weights(self, rows: Rows, count: int, exponent: float) -> npt.NDArray[np.float32]:
        """Importance weights of drawn rows, relative to the greatest among them.

        Each is (count P)^-exponent, P being the row's share of all priority.

        Parameters
        ----------
        rows : ndarray (b,) int64
            The rows.
        count : int
            How many rows are set.
        exponent : float
            From 0, no correction, to 1, the full one.

        Returns
        -------
        ndarray (b,) float32
            In (0, 1].
        """
        share = self.values[rows] / self._tree[1]
        weights = (count * share) ** -exponent
        relative: npt.NDArray[np.float32] = (weights / weights.max()).astype(np.float32)
        return relative

    def state(self, count: int) -> dict[str, Any]:
        """Give the priorities of the first `count` rows, beyond which none may be set."""
        return {"values": self.values[:count], "greatest": self.greatest}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        values = np.zeros(self._n_rows)
        values[: len(state["values"])] = state["values"]
        self._tree, self.greatest = sum_tree(values), state["greatest"]


def _set_leaves_plain(tree: FloatArray, rows: Rows, values: FloatArray) -> None:
    for index in range(len(rows)):
        node = len(tree) // 2 + rows[index]
        tree[node] = values[index]
        node //= 2
        while node >= 1:
            tree[node] = tree[2 * node] + tree[2 * node + 1]
            node //= 2


def _draw_leaves_plain(tree: FloatArray, numbers: FloatArray, rows: Rows) -> None:
    for index in range(len(rows)):
        rows[index] = draw(tree, numbers[index])


_set_leaves = njit(cache=True, nogil=True)(_set_leaves_plain)
_draw_leaves = njit(cache=True, nogil=True)(_draw_leaves_plain)

__all__ = ["Priorities"]
