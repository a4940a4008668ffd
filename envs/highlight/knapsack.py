"""The 0/1 knapsack: which shots to keep for the greatest value under a length budget."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt


def knapsack(
    values: npt.NDArray[np.float64], costs: npt.NDArray[np.int64], capacity: int
) -> npt.NDArray[np.bool_]:
    """Choose items of the greatest total value whose costs add up to `capacity` at most.

    Exact, by dynamic programming over items and capacity (Bellman 1957), in O(n * capacity).

    Parameters
    ----------
    values : ndarray (n,) float64
        Finite; an item of no value is left out.
    costs : ndarray (n,) int64
        Whole units, >= 0.
    capacity : int
        Units, >= 0.

    Returns
    -------
    ndarray (n,) bool
        The items chosen; among equal totals the one that leaves out the later items.
    """
    chosen = np.zeros(len(values), dtype=np.bool_)
    weights = np.ascontiguousarray(costs, dtype=np.int64)
    _choose(np.ascontiguousarray(values, dtype=np.float64), weights, max(int(capacity), 0), chosen)
    return chosen


@nb.njit(nogil=True, cache=True)
def _choose(
    values: npt.NDArray[np.float64],
    costs: npt.NDArray[np.int64],
    capacity: int,
    chosen: npt.NDArray[np.bool_],
) -> None:
    best = np.zeros(capacity + 1)
    takes = np.zeros((len(values), capacity + 1), dtype=np.bool_)
    for item in range(len(values)):
        cost, value = costs[item], values[item]
        for room in range(capacity, cost - 1, -1):
            total = best[room - cost] + value
            if total > best[room]:
                best[room] = total
                takes[item, room] = True
    room = capacity
    for item in range(len(values) - 1, -1, -1):
        if takes[item, room]:
            chosen[item] = True
            room -= costs[item]
