"""What can be foretold of people's edits without learning: set-ups and shot lengths."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from segue.envs.base.errors import SegueError
from segue.envs.film.human_edits import HumanEdit, setups, shot_lengths

Predictor = Callable[[Sequence[str]], str]
"""Takes the set-ups of the shots so far, at least two, and names the next one's. It can name only
set-ups that were used before: where a new one comes next, it errs."""

LEAST_DEVIATION = 0.05
"""Standard deviation of log lengths at least, or equal lengths would make all else impossible."""


@dataclass(frozen=True)
class LengthModel:
    """Log-normal shot lengths in which each remembers the one before (AR(1)).

    With x the logarithm of the length in seconds: x_t = mean + memory * (x_{t-1} - mean) + e, with
    e normal of standard deviation `deviation`; the first of an edit is normal about the mean with
    the stationary deviation. Lengths of neighbouring shots go together in films (Cutting, DeLong &
    Nothelfer 2010, "Attention and the evolution of Hollywood film"), and are about log-normal.

    Attributes
    ----------
    mean : float
        Of log seconds.
    memory : float
        Correlation of neighbours, within (-1, 1).
    deviation : float
        Of what the shot before does not tell.
    """

    mean: float
    memory: float
    deviation: float

    def log_likelihoods(self, lengths: Sequence[float]) -> list[float]:
        """Log density of each length in seconds given those before."""
        logs = np.log(np.asarray(lengths, np.float64))
        found = []
        for number, x in enumerate(logs):
            expected, spread = self.mean, self.deviation / math.sqrt(1.0 - self.memory**2)
            if number:
                expected += self.memory * (logs[number - 1] - self.mean)
                spread = self.deviation
            z = (x - expected) / spread
            found.append(float(-0.5 * z * z - math.log(spread * math.sqrt(2 * math.pi)) - x))
        return found


@dataclass(frozen=True)
class Foretold:
    """How well the next shot is foretold, each edit by what the others tell.

    Attributes
    ----------
    edits, shots : int
        How many there are; only shots that show footage count.
    setups : int
        Different set-ups, counted edit by edit.
    choices : int
        Shots whose set-up was foretold: from the third of each edit on.
    before_last, most_frequent : float
        Share of them foretold by `before_last` and by `most_frequent`; nan without any.
    length_log_likelihood : float
        Mean log density a shot of the AR(1) log-normal that was fitted to the other edits; nan
        where there is only one edit.
    median_seconds : float
        Median length of a shot.
    """

    edits: int
    shots: int
    setups: int
    choices: int
    before_last: float
    most_frequent: float
    length_log_likelihood: float
    median_seconds: float


def before_last(past: Sequence[str]) -> str:
    """Return to the set-up before the last, as in shot and reverse shot."""
    return past[-2]


def most_frequent(past: Sequence[str]) -> str:
    """The set-up used most so far; of equals the latest."""
    counts = Counter(past)
    return max(reversed(past), key=lambda setup: counts[setup])


def setup_hits(edits: Sequence[HumanEdit], predict: Predictor) -> list[bool]:
    """Whether each next set-up was foretold, from the third shot of each edit on."""
    hits = []
    for edit in edits:
        past = setups(edit)
        hits += [predict(past[:number]) == past[number] for number in range(2, len(past))]
    return hits


def fit_lengths(edits: Sequence[HumanEdit]) -> LengthModel:
    """Fit the length model to edits by least squares.

    Raises
    ------
    SegueError
        If they have fewer than three shots that show footage.
    """
    return fit_length_model([shot_lengths(edit) for edit in edits])


def fit_length_model(edits: Sequence[Sequence[float]]) -> LengthModel:
    """Fit the length model to the lengths of each edit, in seconds, by least squares.

    Raises
    ------
    SegueError
        If there are fewer than three.
    """
    logs = [np.log(np.asarray(lengths, np.float64)) for lengths in edits]
    every = np.concatenate([*logs, np.zeros(0)])
    if len(every) < 3:
        raise SegueError("The edits have fewer than three shots; give more of them.")
    mean = float(every.mean())
    before = np.concatenate([one[:-1] for one in logs]) - mean
    after = np.concatenate([one[1:] for one in logs]) - mean
    power = float((before * before).sum())
    memory = float((before * after).sum()) / power if power > 0 else 0.0
    memory = min(max(memory, -0.95), 0.95)
    rest = after - memory * before if len(after) else every - mean
    return LengthModel(mean, memory, max(float(rest.std()), LEAST_DEVIATION))


def foretell(edits: Sequence[HumanEdit]) -> Foretold:
    """Measure the baselines, lengths leaving one edit out at a time.

    Parameters
    ----------
    edits : sequence of HumanEdit
        One a reel, so that none is foretold by a part of itself.

    Returns
    -------
    Foretold

    Raises
    ------
    SegueError
        If no edit has a shot that shows footage.
    """
    lengths = [shot_lengths(edit) for edit in edits]
    every = [length for one in lengths for length in one]
    if not every:
        raise SegueError("The demonstrations hold no shots that show footage; give others.")
    hits = {name: setup_hits(edits, name) for name in (before_last, most_frequent)}
    found: list[float] = []
    for number, own in enumerate(lengths):
        others = [edit for other, edit in enumerate(edits) if other != number]
        if own and sum(len(shot_lengths(edit)) for edit in others) >= 3:
            found += fit_lengths(others).log_likelihoods(own)
    return Foretold(
        edits=len(edits),
        shots=len(every),
        setups=sum(len(set(setups(edit))) for edit in edits),
        choices=len(hits[before_last]),
        before_last=_mean(hits[before_last]),
        most_frequent=_mean(hits[most_frequent]),
        length_log_likelihood=_mean(found),
        median_seconds=float(np.median(every)),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else math.nan
