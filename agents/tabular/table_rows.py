"""Compiled operations on one row of a table of action values.

A row holds NaN while its state was never met, and minus infinity at its illegal actions after.
Functions that take several arrays are inlined: a call would count references to each of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
CountArray = npt.NDArray[np.int64]


@njit(cache=True, nogil=True, inline="always")
def meet(q: FloatArray, legal: BoolArray, state: int, value: float) -> None:
    """Give the legal pairs of a state their first value, and mark the others.

    Parameters
    ----------
    q : numpy.ndarray
        float64 array (S, A), changed in place.
    legal : numpy.ndarray
        bool array (S, A).
    state : int
        A state that was never met, in [0, S).
    value : float
        First value of its legal pairs.
    """
    for action in range(q.shape[1]):
        q[state, action] = value if legal[state, action] else -np.inf


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def highest(q: FloatArray, state: int) -> float:
    """Give the greatest value of a known state's row."""
    # The row holds no NaN; said so, the compiler compares several values at a time.
    best = q[state, 0]
    for action in range(1, q.shape[1]):
        value = q[state, action]
        best = value if value > best else best
    return float(best)


@njit(cache=True, nogil=True)
def greedy(q: FloatArray, state: int) -> int:
    """Give the action of greatest value, the lowest among equals."""
    best = highest(q, state)
    action = 0
    while q[state, action] != best:
        action += 1
    return action


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _highest_of_two(first: FloatArray, second: FloatArray, state: int) -> float:
    best = first[state, 0] + second[state, 0]
    for action in range(1, first.shape[1]):
        value = first[state, action] + second[state, action]
        best = value if value > best else best
    return float(best)


@njit(cache=True, nogil=True, inline="always")
def greedy_of_two(first: FloatArray, second: FloatArray, state: int) -> int:
    """Give the action whose values in two tables have the greatest sum."""
    best = _highest_of_two(first, second, state)
    action = 0
    while first[state, action] + second[state, action] != best:
        action += 1
    return action


@njit(cache=True, nogil=True)
def random_legal(row: FloatArray, number: float) -> int:
    """Pick the legal action that a number in [0, 1) points at."""
    n_legal = 0
    for value in row:
        if value > -np.inf:
            n_legal += 1
    left = int(number * n_legal)
    for action in range(len(row)):
        if row[action] > -np.inf:
            if left == 0:
                return action
            left -= 1
    return 0


@njit(cache=True, nogil=True)
def step_size(alpha: float, decay: float | None, visits: int) -> float:
    """Give the step size ``alpha / visits ** decay`` of a pair.

    Plain code calls this compiled function too, since powers may differ in their last bit.

    Parameters
    ----------
    alpha : float
        Step size of the first visit, in (0, 1].
    decay : float or None
        Exponent, in (0, 1]; None = constant, which is compiled without the power.
    visits : int
        How often the pair was learnt from, this time included; from 1.

    Returns
    -------
    float
        In (0, alpha].
    """
    if decay is None:
        return alpha
    return float(alpha / float(visits) ** decay)


__all__ = [
    "BoolArray",
    "CountArray",
    "FloatArray",
    "greedy",
    "greedy_of_two",
    "highest",
    "meet",
    "random_legal",
    "step_size",
]
