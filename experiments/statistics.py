"""Figures of several runs on several tasks, with intervals, after Agarwal et al. (2021).

Scores are arrays (runs, tasks): a run is one seed of one agent, a task one thing that it was tested
on, such as a held-out bin. A statistic takes any number of such arrays at once, as (..., runs,
tasks), which makes a bootstrap one pass over large arrays. Pure functions; chance comes from the
generator that is given.

References
----------
Agarwal, Schwarzer, Castro, Courville and Bellemare (2021): Deep reinforcement learning at the edge
of the statistical precipice. NeurIPS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Takes scores (..., runs, tasks) and gives (...), or (..., values) where it has several."""

RESAMPLES = 100_000
"""With as many, an end of an interval strays from the exact one by some 0.2 % of the width."""
LEVEL = 0.95
_CHUNK = 2**21
"""Scores that are held at a time while they are drawn anew."""


@dataclass(frozen=True)
class Estimate:
    """A statistic and its interval.

    Attributes
    ----------
    value : float
        Of the scores themselves.
    low, high : float
        Ends of the interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Band:
    """A statistic of several values, and the interval of each.

    Attributes
    ----------
    values : ndarray (values,) float64
        Of the scores themselves.
    low, high : ndarray (values,) float64
        Ends of the intervals.
    """

    values: Floats
    low: Floats
    high: Floats

    def estimates(self) -> list[Estimate]:
        """Give each value with its interval."""
        ends = zip(self.values.tolist(), self.low.tolist(), self.high.tolist(), strict=True)
        return [Estimate(*of) for of in ends]


def mean(scores: Floats) -> Floats:
    """Mean of all scores, (..., runs, tasks) to (...)."""
    found: Floats = _flat(scores).mean(axis=-1)
    return found


def interquartile_mean(scores: Floats) -> Floats:
    """Mean of the middle half of all scores, (..., runs, tasks) to (...).

    Of n scores, the n // 4 lowest and highest are left out, as in rliable and as
    ``scipy.stats.trim_mean(scores, 0.25, axis=None)`` has it.

    Raises
    ------
    ValueError
        If there are no scores.
    """
    return _middle(_flat(scores)[..., None])[..., 0]


def median(scores: Floats) -> Floats:
    """Median over tasks of the mean over runs, (..., runs, tasks) to (...)."""
    found: Floats = np.median(scores.mean(axis=-2), axis=-1)
    return found


def optimality_gap(scores: Floats, best: float = 1.0) -> Floats:
    """Mean of what scores lack to `best`, (..., runs, tasks) to (...); more does not count."""
    found: Floats = best - np.minimum(_flat(scores), best).mean(axis=-1)
    return found


def performance_profile(scores: Floats, taus: Sequence[float] | Floats) -> Floats:
    """Share of all scores above each of some values, (..., runs, tasks) to (..., values)."""
    flat = _flat(scores)
    return np.stack([(flat > tau).mean(axis=-1) for tau in taus], axis=-1)


def interquartile_curve(curves: Floats) -> Floats:
    """Interquartile mean over runs, point by point, (..., runs, points) to (..., points)."""
    return _middle(curves)


def on_grid(
    curves: Sequence[tuple[Sequence[float], Sequence[float]]], points: int
) -> tuple[Floats, Floats]:
    """Curves of several runs on one grid, read off between their points in straight lines.

    Parameters
    ----------
    curves : sequence of (steps, values)
        Of each run; steps ascend.
    points : int
        Of the grid, evenly from the first to the last step that all runs have.

    Returns
    -------
    grid : ndarray (points,)
        Steps; empty where no step is within all curves.
    values : ndarray (runs, points)
        Of each run there.
    """
    if not curves or not all(len(steps) for steps, _ in curves):
        return np.zeros(0), np.zeros((len(curves), 0))
    first, last = max(steps[0] for steps, _ in curves), min(steps[-1] for steps, _ in curves)
    if first > last:
        return np.zeros(0), np.zeros((len(curves), 0))
    grid = np.linspace(first, last, points if last > first else 1)
    return grid, np.stack([np.interp(grid, steps, values) for steps, values in curves])


def band(
    scores: Floats,
    generator: np.random.Generator,
    statistic: Statistic,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    whole: bool = False,
) -> Band:
    """Bootstrap intervals (percentiles) of a statistic that has several values.

    Parameters
    ----------
    scores : ndarray (runs, tasks)
        The scores.
    generator : numpy.random.Generator
        Draws the runs.
    statistic : callable
        See `Statistic`.
    resamples : int
        How often runs are drawn.
    level : float
        Coverage, in (0, 1).
    whole : bool
        False is the stratified bootstrap: runs are drawn anew within every task, as if each task
        had runs of its own. True draws runs with all that they did: where one trained agent was
        tested on all tasks, as good and bad seeds are good and bad throughout.

    Returns
    -------
    Band
    """
    column = np.arange(scores.shape[1])
    drawn = np.concatenate(
        [
            statistic(scores[rows, column])
            for rows in _rows(scores.shape, generator, resamples, whole)
        ]
    )
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Band(statistic(scores), low, high)


def bootstrap(
    scores: Floats,
    generator: np.random.Generator,
    statistic: Statistic = interquartile_mean,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    whole: bool = False,
) -> Estimate:
    """`band` of a statistic that has one value."""
    found = band(scores, generator, statistic, resamples, level, whole)
    return Estimate(float(found.values), float(found.low), float(found.high))


def improvement(ours: Floats, theirs: Floats) -> float:
    """Probability that a run of ours beats one of theirs on a task: mean over tasks, ties half.

    On each task, it is the Mann-Whitney U of ours by the number of pairs.

    Parameters
    ----------
    ours, theirs : ndarray (runs, tasks)
        The number of runs may differ, that of tasks may not.

    Raises
    ------
    ValueError
        If the tasks differ in number.
    """
    return float(_wins(ours, theirs).mean())


def improvement_interval(
    ours: Floats,
    theirs: Floats,
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    whole: bool = False,
) -> Estimate:
    """`improvement` with its bootstrap interval; both are drawn anew, as in `band`."""
    wins = _wins(ours, theirs)
    if whole:
        wins = wins.mean(axis=0, keepdims=True)
    drawn = np.zeros(resamples)
    for task in wins:
        if task.min() == task.max():  # Whatever is drawn, the same comes out.
            drawn += task[0, 0]
            continue
        # How often each run is drawn tells which pairs meet: no pair need be looked at again.
        left, right = (_times_drawn(len(of), generator, resamples) for of in (ours, theirs))
        drawn += ((left @ task) * right).sum(axis=1) / task.size
    low, high = np.quantile(drawn / len(wins), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(improvement(ours, theirs), float(low), float(high))


def improvement_elsewhere(
    ours: Floats,
    theirs: Floats,
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """`improvement` with an interval for which tasks are drawn anew, too, beside whole runs.

    For a policy of which there is one run: nothing but the tasks tells what it does by chance.
    """
    wins = _wins(ours, theirs)
    tasks = len(wins)
    drawn = []
    at_once = max(1, _CHUNK // tasks)
    for begin in range(0, resamples, at_once):
        size = min(at_once, resamples - begin)
        left, right = (_times_drawn(len(of), generator, size) for of in (ours, theirs))
        met = (left[:, :, None] * right[:, None, :]).reshape(size, -1)
        by_task = met @ wins.reshape(tasks, -1).T
        drawn.append((by_task * _times_drawn(tasks, generator, size)).sum(axis=1) / wins.size)
    low, high = np.quantile(np.concatenate(drawn), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(improvement(ours, theirs), float(low), float(high))


def _flat(scores: Floats) -> Floats:
    """Join the last two axes."""
    flat = scores.reshape(*scores.shape[:-2], scores.shape[-2] * scores.shape[-1])
    if not flat.shape[-1]:
        raise ValueError("there are no scores to take a mean of")
    return flat


def _middle(values: Floats) -> Floats:
    """Mean of the middle half over the last axis but one, (..., n, k) to (..., k)."""
    count = values.shape[-2]
    ordered = np.sort(values, axis=-2)
    found: Floats = ordered[..., count // 4 : count - count // 4, :].mean(axis=-2)
    return found


def _rows(
    shape: tuple[int, ...], generator: np.random.Generator, resamples: int, whole: bool
) -> Iterator[npt.NDArray[np.int64]]:
    """Draw runs, some resamples at a time: (resamples, runs, tasks), or (..., 1) for whole runs."""
    runs, tasks = shape
    at_once = max(1, _CHUNK // (runs * tasks))
    for begin in range(0, resamples, at_once):
        size = (min(at_once, resamples - begin), runs, 1 if whole else tasks)
        yield generator.integers(runs, size=size)


def _wins(ours: Floats, theirs: Floats) -> Floats:
    """Say who wins on each task: 1, or half where they tie; (tasks, our runs, their runs)."""
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(f"{ours.shape[1]} and {theirs.shape[1]} tasks cannot be compared")
    difference = ours.T[:, :, None] - theirs.T[:, None, :]
    wins: Floats = (difference > 0) + 0.5 * (difference == 0)
    return wins


def _times_drawn(runs: int, generator: np.random.Generator, resamples: int) -> Floats:
    """Draw as many runs as there are, and count each: (resamples, runs)."""
    drawn = generator.integers(runs, size=(resamples, runs))
    drawn += np.arange(resamples)[:, None] * runs
    counts = np.bincount(drawn.ravel(), minlength=resamples * runs)
    return counts.reshape(resamples, runs).astype(np.float64)
