"""The measures of RL Tuner's table (Jaques et al. 2017, table 1), as Magenta computes them.

What is detected is what the reward `segue.rewards.rl_tuner` detects, by the same compiled rules,
with the same quirks, which are told there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.melody import stepping
from segue.envs.melody.playing import LINES
from segue.envs.melody.prior import Tokens
from segue.envs.melody.reward_grid import EXTREMES, FLAGS, MOTIF
from segue.envs.melody.types import (
    FIRST_ONSET,
    HIDDEN_WORDS,
    LOW,
    SEEN_WORDS,
    STEPS,
    TOKENS,
)
from segue.rewards.melody_view import LEAP_DOUBLED, LEAP_RESOLVED
from segue.rewards.rl_tuner import C_MAJOR, TONIC

LAGS = (1, 2, 3)


@dataclass(frozen=True)
class TableMetrics:
    """Shares of tokens, melodies or leaps, 0 to 1.

    Attributes
    ----------
    repeated : float
        Tokens that are repeated excessively. A hold is a token, so a note longer than six
        sixteenths is counted.
    autocorrelation : tuple of float
        Mean over the melodies of the tokens' autocorrelation at lags of 1, 2 and 3 sixteenths,
        -1 to 1; melodies of one token left out, nan where there is no other.
    not_in_key : float
        Tokens that begin a pitch outside C major.
    starts_with_tonic : float
        Melodies whose first token begins C4.
    leaps_resolved : float
        Resolved leaps among resolved and doubled ones; nan where there are neither.
    unique_maximum, unique_minimum : float
        Melodies whose highest and whose lowest pitch is struck once.
    in_motif : float
        Tokens that end eight with three distinct pitches or more; 25/32 at most, since the first
        seven tokens of a melody end none.
    in_repeated_motif : float
        Tokens that end eight of those which are, token by token, eight earlier ones; 17/32 at
        most.
    """

    repeated: float
    autocorrelation: tuple[float, float, float]
    not_in_key: float
    starts_with_tonic: float
    leaps_resolved: float
    unique_maximum: float
    unique_minimum: float
    in_motif: float
    in_repeated_motif: float


@dataclass(frozen=True)
class TokenFacts:
    """What is detected at each token, arrays of shape (n, STEPS).

    Attributes
    ----------
    excessive : bool
        Repeated excessively.
    leap : int
        LEAP_RESOLVED, LEAP_DOUBLED or 0.
    unique_maximum, unique_minimum : bool
        Whether the highest and the lowest pitch so far have been struck once.
    distinct : int
        Distinct pitches in the eight tokens that end here, 0 before there are eight.
    returns : int
        Tokens so far that ended a repeated motif, this one included; 0 where this one does not.
    """

    excessive: npt.NDArray[np.bool_]
    leap: npt.NDArray[np.int64]
    unique_maximum: npt.NDArray[np.bool_]
    unique_minimum: npt.NDArray[np.bool_]
    distinct: npt.NDArray[np.int64]
    returns: npt.NDArray[np.int64]


def token_facts(tokens: Tokens) -> TokenFacts:
    """Detect what the measures count.

    Parameters
    ----------
    tokens : int array, (n, STEPS)
        Melodies.

    Raises
    ------
    SegueError
        If the shape is another or a token is none.
    """
    if tokens.ndim != 2 or tokens.shape[1] != STEPS or not len(tokens):
        raise SegueError(f"Melodies have shape {tokens.shape}; give (n, {STEPS}), n >= 1.")
    if tokens.min() < 0 or tokens.max() >= TOKENS:
        raise SegueError(
            f"Tokens range from {tokens.min()} to {tokens.max()}; give 0 to {TOKENS - 1}."
        )
    count = len(tokens)
    seen, history = (np.zeros((count, SEEN_WORDS), dtype=np.int64) for _ in range(2))
    hidden = np.zeros((count, HIDDEN_WORDS), dtype=np.int64)
    where = np.zeros((STEPS, LINES, count), dtype=np.int32)
    shown, played = seen.view(np.int8), history.view(np.int8)
    rows, draws = np.arange(count), np.zeros(count, dtype=np.uint64)
    stepping.begin_batch(shown, played, hidden, rows, draws, np.zeros(count, dtype=np.bool_))
    by_step = np.ascontiguousarray(tokens.T, dtype=np.int64)
    stepping.trace(seen.reshape(-1), history.reshape(-1), hidden.reshape(-1), by_step, where)
    places = where.transpose(1, 2, 0)
    excessive, leap, *_ = np.unravel_index(places[3], FLAGS)
    _, top, _, bottom, lone = np.unravel_index(places[4], EXTREMES)
    distinct, returns = np.unravel_index(places[5], MOTIF)
    return TokenFacts(excessive == 1, leap, (top | lone) == 1, bottom == 1, distinct, returns)


def autocorrelation(tokens: Tokens, lag: int) -> npt.NDArray[np.float64]:
    """Autocorrelation of each melody's tokens, (n,); nan for a melody of one token.

    ``sum_t (x_t - m)(x_{t+lag} - m) / (T v)`` with mean m and variance v over all T tokens.
    """
    centred = tokens - tokens.mean(axis=1, keepdims=True)
    shared = (centred[:, lag:] * centred[:, : tokens.shape[1] - lag]).sum(axis=1)
    spread = (centred**2).sum(axis=1)
    alike = tokens.max(axis=1) == tokens.min(axis=1)
    return np.asarray(np.where(alike, np.nan, shared / np.where(alike, 1.0, spread)))


def table_metrics(tokens: Tokens) -> TableMetrics:
    """Measure melodies as the table does.

    Parameters
    ----------
    tokens : int array, (n, STEPS)
        Melodies, n >= 1.

    Raises
    ------
    SegueError
        As of `token_facts`.
    """
    facts = token_facts(tokens)
    resolved = np.count_nonzero(facts.leap == LEAP_RESOLVED)
    leaps = resolved + np.count_nonzero(facts.leap == LEAP_DOUBLED)
    pitches = tokens.astype(np.int64) - FIRST_ONSET + LOW
    outside = (tokens >= FIRST_ONSET) & ~np.isin(pitches % 12, C_MAJOR)
    first, second, third = (_mean(autocorrelation(tokens, lag)) for lag in LAGS)
    return TableMetrics(
        repeated=float(facts.excessive.mean()),
        autocorrelation=(first, second, third),
        not_in_key=float(outside.mean()),
        starts_with_tonic=float((pitches[:, 0] == TONIC).mean()),
        leaps_resolved=float(resolved / leaps) if leaps else float("nan"),
        unique_maximum=float(facts.unique_maximum[:, -1].mean()),
        unique_minimum=float(facts.unique_minimum[:, -1].mean()),
        in_motif=float((facts.distinct >= 3).mean()),
        in_repeated_motif=float((facts.returns > 0).mean()),
    )


def _mean(values: npt.NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
