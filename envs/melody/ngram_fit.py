"""Counting melodies for `segue.envs.melody.ngram`."""

from __future__ import annotations

import math

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.melody.ngram import (
    BAR,
    KIND_SHAPE,
    KINDS,
    NO_PITCH,
    ONSET_KIND,
    PITCHES,
    SHORT_ROWS,
    STRENGTH,
    STRENGTHS,
    Floats32,
    NGramPrior,
    Rows,
    frozen_tables,
    initial_context,
    next_context,
)
from segue.envs.melody.prior import STEPS, TOKENS, Floats, Tokens

FLOOR = 1e-4
"""Share of the uniform distribution in each factor: bounds the surprise of what never was."""


def fit_ngram(windows: Tokens, order: int = 4) -> NGramPrior:
    """Count melodies and interpolate.

    Parameters
    ----------
    windows : int array, (n, STEPS)
        Tokens of n melodies, n >= 1, each beginning on a downbeat.
    order : int
        Pitches that count together, 1 to 4: each one depends on ``order - 1`` before it.

    Returns
    -------
    NGramPrior
        The model.

    Raises
    ------
    SegueError
        If there is no melody, a token is none, or the order is out of range.
    """
    if windows.ndim != 2 or windows.shape[1] != STEPS or not len(windows):
        raise SegueError(
            f"Melodies of shape {windows.shape} cannot be counted; give (n, {STEPS}), n >= 1."
        )
    if windows.min() < 0 or windows.max() >= TOKENS:
        raise SegueError(
            f"Tokens from {windows.min()} to {windows.max()} are not those of the grid; "
            f"give 0 to {TOKENS - 1}."
        )
    if not 1 <= order <= 4:
        raise SegueError(f"An n-gram of order {order} is not offered; choose 1 to 4.")
    kinds, notes = _contexts(np.ascontiguousarray(windows, dtype=np.int64))
    row, pitch = _pitch_tables(notes, order)
    return NGramPrior(frozen_tables(_kind_table(kinds), row, pitch))


@nb.njit(cache=True)
def _contexts(windows: npt.NDArray[np.int64]) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Count kinds in their contexts, and list the notes.

    Returns counts `KIND_SHAPE` and rows of notes (notes, 5): strength, the three
    pitches before (newest first), and the pitch.
    """
    kinds = np.zeros(KIND_SHAPE)
    notes = np.empty((windows.size, 5), dtype=np.int64)
    found = 0
    for window in windows:
        length, previous, sounding, first, second, third = initial_context()
        for position, token in enumerate(window):
            kinds[position % BAR, length, previous, sounding, min(token, ONSET_KIND)] += 1
            if token >= ONSET_KIND:
                notes[found, 0] = STRENGTH[position % BAR]
                notes[found, 1], notes[found, 2], notes[found, 3] = first, second, third
                notes[found, 4] = token - ONSET_KIND
                found += 1
            length, previous, sounding, first, second, third = next_context(
                length, previous, sounding, first, second, third, token
            )
    return kinds, notes[:found]


def _shares(counts: Floats) -> tuple[Floats, Floats]:
    """Own share (..., k) of counts (..., k), and the weight (..., 1) of the shorter context.

    P(k) = own + weight * P_shorter(k). By Witten & Bell (1991, method C) a context that was
    followed by t different things in n trials keeps n / (n + t); one that never was keeps
    nothing.
    """
    trials = counts.sum(axis=-1, keepdims=True)
    different = (counts > 0).sum(axis=-1, keepdims=True)
    whole = np.maximum(trials + different, 1)
    return counts / whole, np.where(trials > 0, different / whole, 1.0)


def _interpolated(counts: Floats, shorter: Floats) -> Floats:
    own, rest = _shares(counts)
    return own + rest * shorter


def _kind_table(counts: Floats) -> Floats32:
    """Logarithm of P(kind | position, length, previous, sounding), as `NGramTables` holds it."""
    chance = np.full(KINDS, 1.0 / KINDS)
    # Sounding; with the length; with the position; with the previous length.
    for merged in ((0, 1, 2), (0, 2), 2):
        chance = _interpolated(counts.sum(axis=merged, keepdims=True), chance)
    chance = _interpolated(counts, chance)
    return np.log((1.0 - FLOOR) * chance + FLOOR / KINDS).astype(np.float32)


def _pitch_tables(notes: npt.NDArray[np.int64], order: int) -> tuple[Rows, Floats32]:
    """Rows and probabilities of pitches, as `NGramTables` holds them."""
    contexts = NO_PITCH + 1
    strength, *before, pitch = notes.T

    def counted(*columns: npt.NDArray[np.int64], needs: int) -> Floats:
        """Count pitches after the columns' values; nothing if the order is below `needs`."""
        sizes = [STRENGTHS if column is strength else contexts for column in columns]
        shape = (*sizes, PITCHES)
        if order < needs:
            return np.zeros(shape)
        flat = np.ravel_multi_index((*columns, pitch), shape)
        return np.bincount(flat, minlength=math.prod(shape)).reshape(shape).astype(np.float64)

    alone = counted(strength, needs=1)
    after_one = counted(strength, before[0], needs=2)
    short = np.full(PITCHES, 1.0 / PITCHES)
    for counts in (alone.sum(axis=0), alone[:, None], after_one.sum(axis=0), after_one):
        short = _interpolated(counts, short)
    pair_own, pair_weight = _shares(counted(*before[:2], needs=3))
    counts = counted(*before, needs=4)
    seen = counts.any(axis=-1)
    own, weight = _shares(counts[seen])
    first, second, _ = np.nonzero(seen)
    own, weight = own + weight * pair_own[first, second], weight * pair_weight[first, second]
    long = np.concatenate([pair_own.reshape(-1, PITCHES), own])
    weights = np.concatenate([pair_weight.reshape(-1, 1), weight])
    # A short row is looked up as a share of a long one, which brings the floor in.
    long = (1.0 - FLOOR) * long + FLOOR / PITCHES
    table = np.zeros((SHORT_ROWS + len(long), PITCHES + 1), dtype=np.float32)
    table[:SHORT_ROWS, :PITCHES] = short.reshape(SHORT_ROWS, PITCHES)
    table[SHORT_ROWS:] = np.concatenate([long, (1.0 - FLOOR) * weights], axis=1)
    row = np.empty(seen.shape, dtype=np.uint16)
    row[:] = SHORT_ROWS + np.arange(contexts**2).reshape(contexts, contexts, 1)
    row[seen] = SHORT_ROWS + contexts**2 + np.arange(len(own))
    return row, table
