"""What runs reached, as scores that can be compared, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from segue.experiments.compare_runs import Group
from segue.experiments.run_result import RunResult
from segue.experiments.statistics import (
    Estimate,
    Floats,
    band,
    bootstrap,
    improvement,
    improvement_elsewhere,
    improvement_interval,
    interquartile_mean,
    mean,
    median,
    optimality_gap,
)

Tell = Callable[[float, str], None]

LEAST_SEEDS = 5
"""Of a trained agent, before anything is called better."""
BASELINES = ("random", "greedy")

OPTIMUM = "fraction of the optimum"
BOUND = "fraction of the upper bound"
NORMALISED = "normalised return (random 0, {} 1)"
RETURN = "return"


@dataclass(frozen=True)
class Measure:
    """How returns become scores.

    Attributes
    ----------
    name : str
        What a score is, in words.
    zero, one : ndarray (episodes,)
        Returns of each test episode that are worth 0 and 1.
    """

    name: str
    zero: Floats
    one: Floats

    @property
    def bounded(self) -> bool:
        """Whether 1 is the best there can be."""
        return self.name != RETURN

    def scores(self, returns: Any) -> Floats:
        """Scores of returns (..., episodes)."""
        return (np.asarray(returns, dtype=np.float64) - self.zero) / (self.one - self.zero)


def measure_of(result: RunResult) -> Measure:
    """Choose how the returns of an environment are given.

    As a fraction of each episode's optimum, or of its bound where that is only an upper one. A
    fraction means nothing where a bound is not above 0, as where all rewards are costs: there,
    the mean return of random play is worth 0 instead. Without bounds, or with random play above
    one, scores are the returns themselves.
    """
    count = len(result.returns)
    nothing, unit = np.zeros(count), np.ones(count)
    if result.bounds is None:
        return Measure(RETURN, nothing, unit)
    bounds = np.array(result.bounds)
    if bounds.min() > 0:
        return Measure(OPTIMUM if result.exact else BOUND, nothing, bounds)
    random = result.baselines.get("random")
    low = np.mean(random.returns) if random else np.inf
    if bounds.min() <= low:
        return Measure(RETURN, nothing, unit)
    name = NORMALISED.format("optimum" if result.exact else "upper bound")
    return Measure(name, unit * low, bounds)


@dataclass(frozen=True)
class Row:
    """One agent, or baseline, on one environment.

    Attributes
    ----------
    label : str
        Its name.
    trained : bool
        False for baselines, of which there is one run.
    seeds : tuple of int
        Of its runs; empty for baselines.
    scores : ndarray (runs, episodes)
        See `Measure`.
    iqm : Estimate
        Interquartile mean of all scores, with the stratified bootstrap interval.
    whole : Estimate
        The same with the interval of runs that are drawn with all that they did.
    mean, median, gap : Estimate
        See `segue.experiments.statistics`; a gap means nothing where scores are not bounded.
    returns : float
        Mean return.
    steps : int
        Most steps of a run.
    seconds : float
        Mean wall-clock of training; 0 where it is not known.
    """

    label: str
    trained: bool
    seeds: tuple[int, ...]
    scores: Floats
    iqm: Estimate
    whole: Estimate
    mean: Estimate
    median: Estimate
    gap: Estimate
    returns: float
    steps: int
    seconds: float


@dataclass(frozen=True)
class Pair:
    """How likely one agent beats another on a test episode.

    Attributes
    ----------
    ours, theirs : str
        Labels.
    chance : Estimate
        Probability that a run of ours beats one of theirs, with the stratified interval.
    whole : Estimate
        The same with the interval of runs that are drawn with all that they did; and episodes as
        well, where one is a baseline, of which there is one run.
    verdict : str
        In words.
    """

    ours: str
    theirs: str
    chance: Estimate
    whole: Estimate
    verdict: str


def rows_of(groups: Sequence[Group], measure: Measure, tell: Tell | None = None) -> list[Row]:
    """Work out a row for each group, and for each baseline of their environment."""
    found = []
    for number, group in enumerate(groups):
        if tell:
            tell(number / len(groups), f"drawing {group.label} anew")
        results = [run.result for run in group.runs]
        returns = np.array([result.returns for result in results])
        seconds = [result.seconds for result in results]
        found.append(
            row_of(
                group.label,
                measure.scores(returns),
                trained=True,
                seeds=tuple(group.seeds),
                returns=float(returns.mean()),
                steps=max(result.steps for result in results),
                seconds=float(np.mean(seconds)) if all(seconds) else 0.0,
            )
        )
    for name, scores in groups[0].runs[0].result.baselines.items():
        alone = np.array([scores.returns])
        found.append(row_of(name, measure.scores(alone), returns=float(alone.mean())))
    return found


def pairs_of(rows: Sequence[Row], tell: Tell | None = None) -> list[Pair]:
    """Compare every two rows; the one that wins more often comes first."""
    found = []
    every = list(combinations(rows, 2))
    for number, (ours, theirs) in enumerate(every):
        if tell:
            tell(number / len(every), f"{ours.label} and {theirs.label}")
        first = improvement(ours.scores, theirs.scores) >= 0.5
        found.append(pair_of(ours, theirs) if first else pair_of(theirs, ours))
    return found


def pair_of(ours: Row, theirs: Row) -> Pair:
    """Compare two rows."""
    scores = ours.scores, theirs.scores
    chance = improvement_interval(*scores, np.random.default_rng(0))
    if ours.trained and theirs.trained:
        whole = improvement_interval(*scores, np.random.default_rng(0), whole=True)
    else:
        whole = improvement_elsewhere(*scores, np.random.default_rng(0))
    few = [row for row in (ours, theirs) if row.trained and len(row.seeds) < LEAST_SEEDS]
    if few:
        counts = " and ".join(f"{row.label} has {len(row.seeds)}" for row in few)
        verdict = f"not said: under {LEAST_SEEDS} seeds ({counts})"
    elif min(chance.low, whole.low) > 0.5:
        verdict = f"{ours.label} is better than {theirs.label}"
    elif max(chance.high, whole.high) < 0.5:
        verdict = f"{theirs.label} is better than {ours.label}"
    else:
        verdict = "open: the interval holds 0.5"
    return Pair(ours.label, theirs.label, chance, whole, verdict)


def row_of(
    label: str,
    scores: Floats,
    *,
    returns: float,
    trained: bool = False,
    seeds: tuple[int, ...] = (),
    steps: int = 0,
    seconds: float = 0.0,
) -> Row:
    """Work out a row from its scores (runs, episodes)."""
    # The same seed for every row: rows do not depend on what they stand beside.
    iqm, *others = band(scores, np.random.default_rng(0), _statistics).estimates()
    return Row(
        label=label,
        trained=trained,
        seeds=seeds,
        scores=scores,
        iqm=iqm,
        whole=bootstrap(scores, np.random.default_rng(0), whole=True),
        mean=others[0],
        median=others[1],
        gap=others[2],
        returns=returns,
        steps=steps,
        seconds=seconds,
    )


def _statistics(scores: Floats) -> Floats:
    every = (interquartile_mean, mean, median, optimality_gap)
    return np.stack([statistic(scores) for statistic in every], axis=-1)


def row_record(row: Row, bounded: bool) -> dict[str, Any]:
    """Give a row for JSON, with its scores, out of which all can be worked out anew."""
    estimates: Mapping[str, Estimate] = {
        "iqm": row.iqm,
        "iqm_whole_runs": row.whole,
        "mean": row.mean,
        "median": row.median,
        **({"optimality_gap": row.gap} if bounded else {}),
    }
    return {
        "label": row.label,
        "trained": row.trained,
        "seeds": list(row.seeds),
        **{name: _estimate(of, len(row.scores)) for name, of in estimates.items()},
        "mean_return": row.returns,
        "steps": row.steps,
        "seconds": row.seconds,
        "scores": row.scores.tolist(),
    }


def _estimate(estimate: Estimate, runs: int) -> dict[str, float | None]:
    """Leave out the interval of one run, which cannot be drawn anew."""
    return vars(estimate) if runs > 1 else {"value": estimate.value, "low": None, "high": None}


def pair_record(pair: Pair) -> dict[str, Any]:
    """Give a pair for JSON."""
    return {
        "ours": pair.ours,
        "theirs": pair.theirs,
        "probability_of_improvement": vars(pair.chance),
        "probability_of_improvement_whole_runs": vars(pair.whole),
        "verdict": pair.verdict,
    }


__all__ = [
    "LEAST_SEEDS",
    "Measure",
    "Pair",
    "Row",
    "measure_of",
    "pair_of",
    "pair_record",
    "pairs_of",
    "row_of",
    "row_record",
    "rows_of",
]
