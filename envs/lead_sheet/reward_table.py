"""The reward of a bank of pieces as flat tables, one gather a term.

The terms work elementwise on broadcasting fields, so they are called once, on an open grid whose
axes are everything that a melody reward may see of a slot. A term's result has length 1 along
each axis that it does not look at; such an axis gets stride 0, and the table stays small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.lead_sheet.dynamics import NO_INTERVAL
from segue.envs.lead_sheet.types import (
    CHORD_TONES,
    LEAP_DOWN,
    LEAP_UP,
    LOW,
    NO_PITCH,
    PITCHES,
    WIDEST_LEAP,
    Bank,
)
from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.melody import NoteView

SMALL = 4096
"""Entries of a table that stays in the fastest cache."""

AXES = 7
"""Slot of the bank, kind, pitch sounding, interval, move before, unresolved before, illegal."""


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
    groups : ndarray (groups, 2 + AXES) int32
        How many terms the group has, where it begins in `values`, and its stride along each
        axis, 0 where it does not look.
    """

    names: tuple[str, ...]
    values: FloatArray
    groups: npt.NDArray[np.int32]


def open_grid(bank: Bank) -> NoteView:
    """Build the view of every combination at once, each field on its own axes."""

    def axis(values: npt.ArrayLike, number: int) -> npt.NDArray[np.int64]:
        shape = [1] * AXES
        shape[number] = -1
        return np.asarray(values).reshape(shape)

    def per_slot(name: str) -> npt.NDArray[np.int64]:
        return axis(np.concatenate([getattr(piece, name) for piece in bank.pieces]), 0)

    rows = len(bank.strength)
    index = np.arange(PITCHES + 1)
    # Bit NO_PITCH is never set: silence is no chord tone.
    chord_tone = bank.slot_table[:, CHORD_TONES, None] >> index & 1
    tonic = np.repeat([piece.tonic for piece in bank.pieces], bank.slots)
    degree = np.where(index == NO_PITCH, -1, (index + LOW - tonic[:, None]) % 12)
    interval = np.arange(NO_INTERVAL + 1)
    leap = np.zeros(3, dtype=np.int64)
    leap[LEAP_UP], leap[LEAP_DOWN] = 1, -1
    return NoteView(
        kind=axis(np.arange(3), 1),
        pitch=axis(np.where(index == NO_PITCH, -1, index + LOW), 2),
        chord_tone=chord_tone.reshape(rows, 1, PITCHES + 1, 1, 1, 1, 1) == 1,
        degree=degree.reshape(rows, 1, PITCHES + 1, 1, 1, 1, 1),
        moves=axis(interval, 3) != NO_INTERVAL,
        interval=axis(np.where(interval == NO_INTERVAL, 0, interval - WIDEST_LEAP), 3),
        leap=axis(leap, 4),
        unresolved=axis(np.arange(2), 5) == 1,
        strength=axis(bank.strength, 0).astype(np.float64),
        target=per_slot("target").astype(np.float64),
        template=per_slot("template"),
        motif=per_slot("motif"),
        cadence=per_slot("cadence"),
        illegal=axis(np.arange(2), 6) == 1,
    )


def tabulate(reward: WeightedSum[NoteView], bank: Bank) -> RewardTable:
    """Evaluate every term on the open grid of `bank`."""
    tables = [
        (name, value.reshape((1,) * (AXES - value.ndim) + value.shape))
        for name, value in zip(reward.names, reward.values(open_grid(bank)), strict=True)
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
) -> None:
    """Write the weighted terms and their sum, term by term over the whole batch.

    Unsigned indices spare Numba's test for counting from the end.

    Parameters
    ----------
    values, groups : ndarray
        Of the `RewardTable`.
    where : ndarray (at least AXES + 1, n) int32
        Coordinates of each row; line AXES is scratch.
    outcome : ndarray (1 + terms, n) float64
        Filled: the sum, then the terms.
    """
    rows, cell = np.uint64(where.shape[1]), where[AXES]
    term = np.uint64(0)
    outcome[0] = 0.0
    for group in range(len(groups)):
        cell[:] = groups[group, 1]
        for axis in range(AXES):
            step, line = groups[group, 2 + axis], where[axis]
            if step != 0:
                for i in range(rows):
                    cell[i] += step * line[i]
        for place in range(groups[group, 0]):
            term += np.uint64(1)
            for i in range(rows):
                outcome[term, i] = values[np.uint64(cell[i] + place)]
            for i in range(rows):
                outcome[0, i] += outcome[term, i]
