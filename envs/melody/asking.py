"""What the prior says of the token to come: as the step's reward needs it, and as an agent sees it.

A model of one's own is asked by its interface, once for every situation; the tables of an n-gram
are read by compiled code.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.base.errors import SegueError
from segue.envs.base.references import load_reference
from segue.envs.melody import ngram
from segue.envs.melody.prior import STEPS, TOKENS, SequencePrior
from segue.envs.melody.reward_grid import BEGINS, PRIOR
from segue.envs.melody.types import FIRST, LENGTH, PREVIOUS, SECOND, SOUNDING, STEP, THIRD

LEAST = float(BEGINS[PRIOR])
"""Log-probabilities are shown from here on, as they are paid."""
FLAT = -math.log(TOKENS)
"""Of every token after the last one, where a melody has no next."""

Bytes = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

Prior = str | SequencePrior | None
"""What the argument `prior` takes."""


def prior_of(prior: Prior) -> SequencePrior | None:
    """Give the model that an argument names: "corpus", module:attribute, or itself.

    Raises
    ------
    SegueError
        If there is none of that name.
    """
    if not isinstance(prior, str):
        return prior
    if ":" in prior:
        found = load_reference(prior, "prior")
        model: SequencePrior = found if hasattr(found, "log_probabilities") else found()
        return model
    if prior != "corpus":
        raise SegueError(
            f"Unknown prior {prior!r}; give 'corpus', module:attribute, a SequencePrior or None."
        )
    # Only now: it reads corpora.
    from segue.envs.melody.corpus_prior import corpus_prior

    return corpus_prior()


def space() -> spaces.Box:
    """Log-probabilities (TOKENS,) float32 in nats."""
    return spaces.Box(LEAST, 0.0, (TOKENS,), np.float32)


def of_actions(
    prior: SequencePrior, seen: Bytes, history: Bytes, known: Floats, actions: Rows, given: Floats
) -> None:
    """Write the log-probabilities of the actions; rows may stand at different steps.

    Parameters
    ----------
    prior : SequencePrior
        The model.
    seen, history : ndarray (n, 32) int8
        Observed rows, and the tokens, the newest first.
    known : ndarray (n, TOKENS) float64, or (n, 0)
        What `of_tokens` wrote, which need not be asked again.
    actions : ndarray (n,) int64
        What is played; what is no token counts as token 0.
    given : ndarray (n,) float64
        Written to; rows whose melody is at its end keep what they have.
    """
    tokens = np.where((actions >= 0) & (actions < TOKENS), actions, 0)
    steps = seen[:, STEP]
    if known.shape[1]:
        np.copyto(given, known[np.arange(len(tokens)), tokens], where=steps < STEPS)
        return
    for step in np.unique(steps[steps < STEPS]):
        rows = np.flatnonzero(steps == step)
        said = prior.log_probabilities(_played(history, rows, step))
        given[rows] = said[np.arange(len(rows)), tokens[rows]]


def of_tokens(prior: SequencePrior, seen: Bytes, history: Bytes, rows: Rows, known: Floats) -> None:
    """Ask for the log-probabilities of every token in `rows` (k,), and write them to `known`."""
    steps = seen[rows, STEP]
    for step in np.unique(steps):
        these = rows[steps == step]
        # Before the first token all melodies are alike.
        asked = these if step else these[:1]
        known[these] = (
            prior.log_probabilities(_played(history, asked, step)) if step < STEPS else FLAT
        )


def _played(history: Bytes, rows: Rows, step: int) -> Bytes:
    """The first `step` tokens of `rows`, the first one first."""
    return np.ascontiguousarray(history[rows, :step][:, ::-1])


def show(known: Floats, rows: Rows, shown: npt.NDArray[np.float32]) -> None:
    """Copy `rows` of `known` (n, TOKENS) to what is observed, in its range."""
    shown[rows] = np.clip(known[rows], LEAST, 0.0)


@nb.njit(nogil=True, cache=True)
def show_ngram(
    tables: ngram.NGramTables, seen: Bytes, rows: Rows, shown: npt.NDArray[np.float32]
) -> None:
    """Write what an n-gram says of every token in `rows` (k,) to `shown` (n, TOKENS)."""
    kind, row, pitch = tables
    for k in range(len(rows)):
        i = rows[k]
        if seen[i, STEP] == STEPS:
            shown[i] = FLAT
            continue
        for token in range(TOKENS):
            said = ngram.log_prob(
                kind,
                row,
                pitch,
                seen[i, STEP],
                seen[i, LENGTH],
                seen[i, PREVIOUS],
                seen[i, SOUNDING],
                seen[i, FIRST],
                seen[i, SECOND],
                seen[i, THIRD],
                token,
            )
            shown[i, token] = min(max(said, LEAST), 0.0)
