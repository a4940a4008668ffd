"""Tables of the leaderboard and their rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.experiments.statistics import Estimate, Floats, bootstrap, interquartile_mean

RESAMPLES = 5_000
"""A page of tables is drawn anew whenever the tests run; tables of results take many more."""


@dataclass(frozen=True)
class Line:
    """One row.

    Attributes
    ----------
    label : str
        The agent.
    score : Estimate
        1 is the best; its interval is the stratified bootstrap's.
    whole : Estimate or None
        The same with the interval of runs that are drawn with all that they did.
    seeds : int
        Runs; 0 where there is nothing to repeat.
    learnt : bool
        False for baselines, solvers and people.
    command : str
        What makes it, if that is not the command of the whole table.
    has_interval : bool
        Whether the ends of `score` are known.
    """

    label: str
    score: Estimate
    whole: Estimate | None = None
    seeds: int = 0
    learnt: bool = True
    command: str = ""
    has_interval: bool = True


@dataclass(frozen=True)
class Board:
    """Rows that were tested on the same episodes.

    Attributes
    ----------
    env : str
        Gymnasium id.
    test : str
        On what, in words.
    measure : str
        What a score is, in words.
    source : str
        The file, from ``docs/results``.
    command : str
        What makes the file.
    lines : tuple of Line
        In any order.
    """

    env: str
    test: str
    measure: str
    source: str
    command: str
    lines: tuple[Line, ...]


def line_of(label: str, scores: Floats, learnt: bool = True, command: str = "") -> Line:
    """Work out a row from scores (runs, episodes)."""
    if len(scores) == 1:
        value = float(interquartile_mean(scores))
        only = Estimate(value, value, value)
        return Line(label, only, None, 1 if learnt else 0, learnt, command, has_interval=False)
    score, whole = (
        bootstrap(scores, np.random.default_rng(0), resamples=RESAMPLES, whole=whole)
        for whole in (False, True)
    )
    return Line(label, score, whole, len(scores), learnt, command)


__all__ = ["RESAMPLES", "Board", "Line", "line_of"]
