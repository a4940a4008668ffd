"""Figures of several runs on several tasks, with intervals, after Agarwal et al. (2021).

Scores are arrays (runs, tasks): a run is one seed of one agent, a task one thing that it was tested
on, such as a held-out bin. Pure functions; chance comes from the generator that is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], float]

RESAMPLES = 2_000
LEVEL = 0.95


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


def interquartile_mean(scores: Floats) -> float:
    """Mean of the middle half of all scores: a quarter is cut off at either end.

    Of a number that 4 does not divide, the scores at the border count in part.

    Raises
    ------
    ValueError
        If there are no scores.
    """
    ordered = np.sort(scores, axis=None)
    if not len(ordered):
        raise ValueError("there are no scores to take a mean of")
    quarter = len(ordered) / 4
    place = np.arange(len(ordered))
    inside = np.minimum(place + 1, len(ordered) - quarter) - np.maximum(place, quarter)
    weight = np.clip(inside, 0.0, 1.0)
    return float(weight @ ordered / weight.sum())


def bootstrap(
    scores: Floats,
    generator: np.random.Generator,
    statistic: Statistic = interquartile_mean,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """Stratified bootstrap interval (percentiles): runs are drawn anew within every task.

    Parameters
    ----------
    scores : ndarray (runs, tasks)
        The scores.
    generator : numpy.random.Generator
        Draws the runs.
    statistic : callable
        Takes scores of that shape.
    resamples : int
        How often they are drawn.
    level : float
        Coverage, in (0, 1).
    """
    runs, tasks = scores.shape
    column = np.arange(tasks)
    drawn = [
        statistic(scores[generator.integers(runs, size=(runs, tasks)), column])
        for _ in range(resamples)
    ]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(statistic(scores), float(low), float(high))


def improvement(ours: Floats, theirs: Floats) -> float:
    """Probability that a run of ours beats one of theirs on a task: mean over tasks, ties half.

    Parameters
    ----------
    ours, theirs : ndarray (runs, tasks)
        The number of runs may differ, that of tasks may not.

    Raises
    ------
    ValueError
        If the tasks differ in number.
    """
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(f"{ours.shape[1]} and {theirs.shape[1]} tasks cannot be compared")
    difference = ours[:, None] - theirs[None]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def improvement_interval(
    ours: Floats,
    theirs: Floats,
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """`improvement` with its stratified bootstrap interval; both are drawn anew."""
    column = np.arange(ours.shape[1])
    drawn = [
        improvement(
            *(
                scores[generator.integers(len(scores), size=scores.shape), column]
                for scores in (ours, theirs)
            )
        )
        for _ in range(resamples)
    ]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(improvement(ours, theirs), float(low), float(high))
