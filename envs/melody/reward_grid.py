"""What the reward of `segue/Melody-v0` may see of a step: one open grid, and three real values.

Small facts are coordinates of a grid on which terms are tabulated. The log-probability of the
prior, the autocorrelation and what a judge says are real numbers: a term that looks at one of them
is tabulated along it alone, at `KNOTS` places, and read by linear interpolation, which is exact for
a linear term.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.base.reward_table import RewardTable, along, tabulate
from segue.envs.melody.types import (
    LONGEST_RETURN,
    LONGEST_RUN,
    LOW,
    MONOTONY_LEVELS,
    NO_PITCH,
    STEPS,
    SURPRISE_LEVELS,
    WINDOW,
)
from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.melody_view import NO_CLASS, SILENCE, STOPPED, MelodyView

AXES = 9
"""Integer axes of the grid: step, note, interval, flags, extremes, motif, ended, pattern, end."""

NOTE = (3, NO_PITCH + 1)
"""Kind, sounding pitch."""
INTERVAL = (NO_CLASS + 1, STOPPED + 1)
"""Pitch class before, size."""
FLAGS = (2, 3, 3, 3, 2, 2)
"""Excessive, leap, recovery, echo, idle, illegal."""
EXTREMES = (2, 2, 2, 2, 2)
"""Top was and is unique, bottom was and is unique, lone hold."""
MOTIF = (WINDOW + 1, LONGEST_RETURN + 1)
"""Distinct, returns."""
LENGTHS = 17
"""Length of a note in sixteenths, 0 for none."""
PATTERN = (LONGEST_RUN + 1, LONGEST_RUN + 1, LONGEST_RUN + 1)
"""Repeats, run, zigzag."""
END = (LENGTHS, SURPRISE_LEVELS, MONOTONY_LEVELS)
"""Final length, surprise, monotony; on the axis they come after one place for "not the end"."""

PRIOR, CORRELATION, JUDGED = REALS = 0, 1, 2
"""The real values: axes AXES, AXES + 1 and AXES + 2 of the open grid."""
KNOTS = 801
BEGINS = np.array([-50.0, 0.0, -20.0])
"""Least values; what lies beyond is taken for them."""
PER_UNIT = np.array([16.0, (KNOTS - 1) / 3.0, 20.0])
"""Knots in one unit; 0 is one of the knots, where every melody stands that is not at its end."""


@dataclass(frozen=True)
class MelodyTable:
    """A reward laid out for the compiled step.

    Attributes
    ----------
    names : tuple of str
        The terms, in the order of their addition: those of `grid`, then those of `curves`.
    grid : RewardTable
        Terms of the small facts.
    curves : ndarray (terms, KNOTS) float64
        Weighted value of each other term at every knot.
    reads : ndarray (terms,) int64
        PRIOR, CORRELATION or JUDGED: which value it reads.
    """

    names: tuple[str, ...]
    grid: RewardTable
    curves: FloatArray
    reads: npt.NDArray[np.int64]


def open_grid() -> MelodyView:
    """Build the view of every combination at once, each field on its own axis."""

    def axis(values: npt.ArrayLike, number: int) -> npt.NDArray[np.int64]:
        return along(values, number, AXES + len(REALS))

    def real(kind: int) -> FloatArray:
        knots = BEGINS[kind] + np.arange(KNOTS) / PER_UNIT[kind]
        return along(knots, AXES + kind, AXES + len(REALS))

    def parts(sizes: tuple[int, ...], number: int) -> list[npt.NDArray[np.int64]]:
        return [axis(part, number) for part in np.unravel_index(np.arange(np.prod(sizes)), sizes)]

    kind, pitch = parts(NOTE, 1)
    before, size = parts(INTERVAL, 2)
    excessive, leap, recovery, echo, idle, illegal = parts(FLAGS, 3)
    top_was, top_is, bottom_was, bottom_is, lone = (p == 1 for p in parts(EXTREMES, 4))
    distinct, returns = parts(MOTIF, 5)
    repeats, run, zigzag = parts(PATTERN, 7)
    final, level, going = np.unravel_index(np.arange(np.prod(END)), END)
    return MelodyView(
        step=axis(np.arange(STEPS), 0),
        kind=kind,
        pitch=np.where(pitch == NO_PITCH, SILENCE, pitch + LOW),
        before=before,
        size=size,
        excessive=excessive == 1,
        leap=leap,
        recovery=recovery,
        echo=echo,
        idle=idle == 1,
        illegal=illegal == 1,
        top_was=top_was,
        top_is=top_is,
        bottom_was=bottom_was,
        bottom_is=bottom_is,
        lone_hold=lone,
        distinct=distinct,
        returns=returns,
        ended=axis(np.arange(LENGTHS), 6),
        repeats=repeats,
        run=run,
        zigzag=zigzag,
        last=axis(np.arange(1 + len(final)) > 0, 8) == 1,
        final_length=axis(np.append(0, final), 8),
        surprise=axis(np.append(0, level), 8) / 8.0,
        monotony=axis(np.append(0, going), 8) / (MONOTONY_LEVELS - 1),
        log_prior=real(PRIOR),
        autocorrelation=real(CORRELATION),
        judged=real(JUDGED),
    )


def real_axis(value: FloatArray) -> int | None:
    """Say which of `REALS` a term looks at that gave `value` on the whole open grid, if any."""
    return next((kind for kind in REALS if value.shape[AXES + kind] > 1), None)


def on_all_axes(value: FloatArray) -> FloatArray:
    """Give what a term gave on the open grid, with every axis of it."""
    return value.reshape((1,) * (AXES + len(REALS) - value.ndim) + value.shape)


def unknown_reals(with_prior: bool, with_judge: bool) -> set[int]:
    """Say which of `REALS` there are none of; terms that look at them are left out."""
    return {kind for kind, known in ((PRIOR, with_prior), (JUDGED, with_judge)) if not known}


def lay_out(
    reward: WeightedSum[MelodyView], with_prior: bool, with_judge: bool = False
) -> MelodyTable:
    """Tabulate a reward; without a prior or a judge, terms that look at it are left out.

    Raises
    ------
    SegueError
        If a term looks at a real value and at something else.
    """
    grid, left_out = open_grid(), unknown_reals(with_prior, with_judge)
    plain, names, curves, reads = [], [], [], []
    for (term, weight), found in zip(reward.terms, reward.values(grid), strict=True):
        value = on_all_axes(found)
        real = real_axis(value)
        if real is None:
            plain.append((term, weight))
        elif value.size > KNOTS:
            raise SegueError(
                f"The reward term {term.name!r} looks at a real-valued fact and at another one; "
                "split it into terms that look at one of them."
            )
        elif real not in left_out:
            names.append(term.name)
            curves.append(value.ravel())
            reads.append(real)
    table = tabulate(WeightedSum(tuple(plain)), grid, AXES + len(REALS))
    # The table has no use for the real axes.
    table = replace(table, groups=np.ascontiguousarray(table.groups[:, : 2 + AXES]))
    return MelodyTable(
        (*table.names, *names),
        table,
        np.array(curves, dtype=np.float64).reshape(-1, KNOTS),
        np.array(reads, dtype=np.int64),
    )


@nb.njit(inline="always")
def read_curves(
    curves: FloatArray,
    reads: npt.NDArray[np.int64],
    facts: FloatArray,
    outcome: FloatArray,
    begin: int,
) -> None:
    """Write the terms of `curves` to the last lines of `outcome`, and add them to its first.

    Parameters
    ----------
    curves, reads : ndarray
        Of the `MelodyTable`.
    facts : ndarray (3, k) float64
        The real values of up to k rows.
    outcome : ndarray (1 + terms, n) float64
        The sum, then the terms.
    begin : int
        The first of those rows.
    """
    rows, row = np.uint64(min(facts.shape[1], outcome.shape[1] - begin)), np.uint64(begin)
    for curve in range(len(curves)):
        term = np.uint64(len(outcome) - len(curves) + curve)
        values, line = facts[reads[curve]], curves[curve]
        least, per_unit = BEGINS[reads[curve]], PER_UNIT[reads[curve]]
        for i in range(rows):
            place = min(max((values[i] - least) * per_unit, 0.0), KNOTS - 1.0)
            knot = np.uint64(min(int(place), KNOTS - 2))
            low, high = line[knot], line[knot + np.uint64(1)]
            outcome[term, row + i] = low + (place - np.int64(knot)) * (high - low)
        for i in range(rows):
            outcome[0, row + i] += outcome[term, row + i]
