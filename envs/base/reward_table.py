"""A reward as flat tables, one gather a term: how compiled environments add up their terms.

Terms work elementwise on broadcasting fields, so they are called once, on an *open grid* whose
axes are everything that the reward may see of a step. A term's result has length 1 along each
axis that it does not look at; such an axis gets stride 0, and the table stays small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.rewards.base import FloatArray, View, WeightedSum

SMALL = 4096
"""Entries of a table that stays in the fastest cache."""


@dataclass(frozen=True)
class RewardTable:
    """Weighted value of each term by its coordinates.

    Terms that look at like axes stand side by side in one *group*, found by one index.

    Attributes
    ----------
    names : tuple of str
        The terms, group by group; they are added in this order.
    values : ndarray (size,) float64
        The groups, one after the other; within a group the terms are innermost.
    groups : ndarray (groups, 2 + axes) int32
        How many terms the group has, where it begins in `values`, and its stride along each
        axis, 0 where it does not look.
    """

    names: tuple[str, ...]
    values: FloatArray
    groups: npt.NDArray[np.int32]


def along(values: npt.ArrayLike, axis: int, axes: int) -> npt.NDArray[Any]:
    """Lay `values` (k,) along one axis of an open grid of so many axes."""
    shape = [1] * axes
    shape[axis] = -1
    return np.asarray(values).reshape(shape)


def tabulate(reward: WeightedSum[View], grid: View, axes: int) -> RewardTable:
    """Evaluate every term on an open grid.

    Parameters
    ----------
    reward : WeightedSum
        The terms.
    grid : View
        What they see, each field on its own axes of `axes` in all.
    axes : int
        How many axes the grid has.
    """
    tables = [
        (name, value.reshape((1,) * (axes - value.ndim) + value.shape))
        for name, value in zip(reward.names, reward.values(grid), strict=True)
    ]
    names, values, groups, begin = [], [], [], 0
    for shape, members in _grouped(tables).items():
        names += [name for name, _ in members]
        group = np.stack([np.broadcast_to(table, shape) for _, table in members], axis=-1)
        steps = [
            step // group.itemsize if length > 1 else 0
            for step, length in zip(group.strides, shape, strict=False)
        ]
        groups.append([len(members), begin, *steps])
        values.append(group.ravel())
        begin += group.size
    return RewardTable(tuple(names), np.concatenate(values), np.array(groups, dtype=np.int32))


def _grouped(
    tables: list[tuple[str, FloatArray]],
) -> dict[tuple[int, ...], list[tuple[str, FloatArray]]]:
    """Put tables that look at the same axes together, and those that hardly add to another's."""
    groups: dict[tuple[int, ...], list[tuple[str, FloatArray]]] = {}
    for name, table in sorted(tables, key=lambda entry: -entry[1].size):
        for shape in groups:
            union = np.broadcast_shapes(shape, table.shape)
            if math.prod(union) <= max(math.prod(shape), SMALL):
                groups[union] = [*groups.pop(shape), (name, table)]
                break
        else:
            groups[table.shape] = [(name, table)]
    return groups


@nb.njit(inline="always")
def look_up(
    values: FloatArray,
    groups: npt.NDArray[np.int32],
    where: npt.NDArray[np.int32],
    outcome: FloatArray,
    first: int = 0,
) -> None:
    """Write the weighted terms and their sum, term by term over the whole batch.

    Unsigned indices spare Numba's test for counting from the end.

    Parameters
    ----------
    values, groups : ndarray
        Of the `RewardTable`.
    where : ndarray (at least axes + 1, k) int32
        Coordinates of up to k rows; the line after the axes is scratch.
    outcome : ndarray (1 + terms, n) float64
        Filled: the sum, then the terms, of `k` rows or of as many as there are.
    first : int
        The first of those rows.
    """
    axes = groups.shape[1] - 2
    rows, cell = np.uint64(min(where.shape[1], outcome.shape[1] - first)), where[axes]
    term, begin = np.uint64(0), np.uint64(first)
    for i in range(rows):
        outcome[0, begin + i] = 0.0
    for group in range(len(groups)):
        for i in range(rows):
            cell[i] = groups[group, 1]
        for axis in range(axes):
            step, line = groups[group, 2 + axis], where[axis]
            if step != 0:
                for i in range(rows):
                    cell[i] += step * line[i]
        for place in range(groups[group, 0]):
            term += np.uint64(1)
            for i in range(rows):
                outcome[term, begin + i] = values[np.uint64(cell[i] + place)]
            for i in range(rows):
                outcome[0, begin + i] += outcome[term, begin + i]
