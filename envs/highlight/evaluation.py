"""How a video summary compares with people's: the protocol of TVSum and SumMe, and what it hides.

Keyshots (Zhang et al. 2016, *Video Summarization with Long Short-Term Memory*): frame scores are
averaged over shots, a 0/1 knapsack of these means fills 15 % of the video, and the summary is
compared with each annotator's by the F-score of their frames; TVSum takes the mean over
annotators, SumMe the best. Shots are weighed by their mean score whatever their length, so that
the knapsack prefers short ones, and random scores come close to methods and people (Otani et al.
2019). So an `Agreement` always holds the rank correlations with the annotators beside the F-score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from segue.envs.highlight.knapsack import knapsack
from segue.envs.highlight.rank_correlation import kendall_tau, spearman_rho

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Pooling = Literal["mean", "max"]
"""Over annotators: TVSum's and SumMe's way."""

SHARE = 0.15
"""Part of the video that a summary may last."""
NAN = float("nan")
STEPS = 64
"""Lengths of a summary that `f_bound` tells apart; more make it tighter."""


@dataclass(frozen=True)
class Agreement:
    """How a prediction agrees with the annotators of one video, or of several on average.

    Attributes
    ----------
    f : float
        F-score, in [0, 1]; NaN where there is no summary.
    tau, rho : float
        Kendall's tau-b and Spearman's rho with each annotator's scores, averaged; NaN where there
        are no scores.
    """

    f: float
    tau: float
    rho: float


def shot_means(scores: Floats, bounds: npt.NDArray[np.int64]) -> Floats:
    """Mean of frame scores over each shot.

    Parameters
    ----------
    scores : ndarray (..., frames)
        Score of each frame.
    bounds : ndarray (n + 1,) int64
        First frame of each shot, then the number of frames.

    Returns
    -------
    ndarray (..., n)
    """
    return np.asarray(np.add.reduceat(scores, bounds[:-1], axis=-1) / np.diff(bounds))


def keyshots(scores: Floats, bounds: npt.NDArray[np.int64], share: float = SHARE) -> Bools:
    """Summary of a video by frame scores: the knapsack of shot means in `share` of its frames.

    Parameters
    ----------
    scores : ndarray (frames,)
        Score of each frame.
    bounds : ndarray (n + 1,) int64
        As of `shot_means`.
    share : float
        In [0, 1]; the budget is rounded down to whole frames.

    Returns
    -------
    ndarray (frames,) bool
        The frames kept.
    """
    costs = np.diff(bounds)
    kept = knapsack(shot_means(scores, bounds), costs, int(len(scores) * share))
    return np.repeat(kept, costs)


def f_scores(summary: Bools, references: Bools) -> Floats:
    """F-score of a summary against each reference: twice the overlap over the sum of lengths.

    Parameters
    ----------
    summary : ndarray (frames,) bool
    references : ndarray (annotators, frames) bool

    Returns
    -------
    ndarray (annotators,) float64
        In [0, 1]; 0 where both are empty.
    """
    overlap = (references & summary).sum(axis=1)
    total = references.sum(axis=1) + summary.sum()
    return np.asarray(2.0 * overlap / np.maximum(total, 1))


def pooled_f(summary: Bools, references: Bools, pooling: Pooling = "mean") -> float:
    """F-score of a summary as a dataset's protocol has it: mean (TVSum) or best (SumMe)."""
    scores = f_scores(summary, references)
    return float(scores.max() if pooling == "max" else scores.mean())


def correlations(scores: Floats, annotations: Floats) -> tuple[float, float]:
    """Kendall's tau-b and Spearman's rho with each annotator's scores, averaged.

    Parameters
    ----------
    scores : ndarray (frames,)
        Predicted.
    annotations : ndarray (annotators, frames)
        Of each annotator. One who gave the same score throughout ranks nothing and is left out.
    """
    pairs = [(kendall_tau(scores, one), spearman_rho(scores, one)) for one in annotations]
    ranked = np.array([pair for pair in pairs if not np.isnan(pair).any()])
    return (float(ranked[:, 0].mean()), float(ranked[:, 1].mean())) if len(ranked) else (NAN, NAN)


def human_agreement(summaries: Bools, annotations: Floats, pooling: Pooling = "mean") -> Agreement:
    """Agreement of each annotator with all the others, averaged: leave one out."""
    found = []
    for one in range(len(summaries)):
        others = np.arange(len(summaries)) != one
        f = pooled_f(summaries[one], summaries[others], pooling)
        found.append((f, *correlations(annotations[one], annotations[others])))
    values = np.array(found)
    return Agreement(float(values[:, 0].mean()), *_means(values[:, 1:]))


def _means(values: Floats) -> list[float]:
    """Mean of each column over what is a number."""
    kept = values[~np.isnan(values).any(axis=1)]
    return [float(mean) for mean in kept.mean(axis=0)] if len(kept) else [NAN, NAN]


def f_bound(
    references: Bools,
    bounds: npt.NDArray[np.int64],
    pooling: Pooling = "mean",
    share: float = SHARE,
) -> float:
    """Upper bound of the F-score of any summary of whole shots within the budget.

    Of a summary of a given length the F-score is a sum over its shots, so that a knapsack finds
    the best one. The lengths are taken in `STEPS` ranges: the shortest of a range divides, the
    longest is the capacity.
    """
    costs, budget = np.diff(bounds), int(references.shape[1] * share)
    overlap = np.add.reduceat(references.astype(np.int64), bounds[:-1], axis=1)
    lengths = references.sum(axis=1)
    everyone = np.arange(len(references))
    parts = np.split(everyone, len(everyone)) if pooling == "max" else [everyone]
    edges = np.unique(np.linspace(0, budget, STEPS + 1).astype(np.int64))
    best = 0.0
    for shortest, longest in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        for part in parts:
            divided = 2.0 * overlap[part] / np.maximum(lengths[part] + shortest, 1)[:, None]
            values = divided.mean(axis=0)
            best = max(best, float(values[knapsack(values, costs, longest)].sum()))
    return min(best, 1.0)
