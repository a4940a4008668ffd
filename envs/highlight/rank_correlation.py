"""Rank correlations of two importance curves: Kendall's tau-b and Spearman's rho.

Otani, Nakashima, Rahtu & Heikkila (2019, *Rethinking the Evaluation of Video Summaries*) compare
predicted and human importance by these, since the F-score of a summary hardly tells a method from
random scores.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Codes = npt.NDArray[np.int64]


def kendall_tau(one: Floats, other: Floats) -> float:
    """Kendall's tau-b, which corrects for ties (Kendall 1945), in O(n log n).

    Parameters
    ----------
    one, other : ndarray (n,)
        Finite numbers.

    Returns
    -------
    float
        In [-1, 1]; NaN where either is constant.
    """
    left, right = (np.unique(values, return_inverse=True)[1] for values in _pair(one, other))
    order = np.lexsort((right, left))
    surplus = int(_surplus(left[order], right[order], int(right.max()) + 1))
    pairs = len(left) * (len(left) - 1) // 2
    spread = (pairs - _tied(left)) * (pairs - _tied(right))
    return surplus / float(spread) ** 0.5 if spread else float("nan")


def spearman_rho(one: Floats, other: Floats) -> float:
    """Spearman's rho: the correlation of ranks, ties sharing their mean (Spearman 1904).

    Parameters
    ----------
    one, other : ndarray (n,)
        Finite numbers.

    Returns
    -------
    float
        In [-1, 1]; NaN where either is constant.
    """
    left, right = (_ranks(values) for values in _pair(one, other))
    left, right = left - left.mean(), right - right.mean()
    spread = float((left @ left) * (right @ right)) ** 0.5
    return float(left @ right) / spread if spread else float("nan")


def _pair(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    if one.ndim != 1 or one.shape != other.shape or not len(one):
        raise ValueError(f"curves of shapes {one.shape} and {other.shape} cannot be compared")
    return one, other


def _ranks(values: Floats) -> npt.NDArray[np.float64]:
    """Rank of each value from 1, equal ones sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])


def _tied(codes: Codes) -> int:
    """Pairs of equal codes."""
    counts = np.bincount(codes)
    return int((counts * (counts - 1) // 2).sum())


@nb.njit(nogil=True, cache=True)
def _surplus(left: Codes, right: Codes, levels: int) -> int:
    """Concordant less discordant pairs, of rows sorted by `left`.

    A Fenwick tree (Fenwick 1994) counts, by `right`, the rows of smaller `left`.
    """
    tree = np.zeros(levels + 1, dtype=np.int64)
    surplus, begin, before = 0, 0, 0
    while begin < len(left):
        end = begin
        while end < len(left) and left[end] == left[begin]:
            end += 1
        for row in range(begin, end):
            below, place = 0, right[row]
            while place > 0:
                below += tree[place]
                place -= place & -place
            upto, place = 0, right[row] + 1
            while place > 0:
                upto += tree[place]
                place -= place & -place
            surplus += below - (before - upto)
        for row in range(begin, end):
            place = right[row] + 1
            while place <= levels:
                tree[place] += 1
                place += place & -place
        before += end - begin
        begin = end
    return surplus
