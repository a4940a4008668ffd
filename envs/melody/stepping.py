"""One compiled pass over a batch: rules, prior, reward and observation of every row.

This file only joins what `playing`, `ngram` and `reward_grid` define.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.base.reward_table import look_up
from segue.envs.melody import dynamics, ngram
from segue.envs.melody.autocorrelation import play_sums
from segue.envs.melody.packing import Words
from segue.envs.melody.playing import CHUNK, LINES, play_rows, see
from segue.envs.melody.reward_grid import AXES, CORRELATION, JUDGED, PRIOR, REALS, read_curves
from segue.envs.melody.types import (
    BOTTOM,
    FIRST,
    FOLLOWS,
    FOURTH,
    HALF_TOKEN,
    HIDDEN_WORDS,
    LEAPT_FROM,
    LENGTH,
    NO_PITCH,
    NO_TOKEN,
    PREVIOUS,
    PRIMER,
    PRIMERS,
    SECOND,
    SEEN_WORDS,
    SOUNDING,
    STEP,
    STEPS,
    THIRD,
    WHOLE_TOKEN,
)

NO_PRIOR, N_GRAM, GIVEN = 0, 1, 2
"""Where the log-probabilities come from: nowhere, the tables, or the caller."""

REAL_VALUES = len(REALS)

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.int8]


@nb.njit(inline="always")
def think(
    seen: Words,
    i: np.uint64,
    action: int,
    kind: npt.NDArray[np.float32],
    row: npt.NDArray[np.uint16],
    pitch: npt.NDArray[np.float32],
) -> tuple[np.float32, np.float32]:
    """What `ngram.chances` says of an action's token, before it is played."""
    log_kind, chance = ngram.chances(
        kind,
        row,
        pitch,
        see(seen, i, STEP),
        see(seen, i, LENGTH),
        see(seen, i, PREVIOUS),
        see(seen, i, SOUNDING),
        see(seen, i, FIRST),
        see(seen, i, SECOND),
        see(seen, i, THIRD),
        int(action * int(dynamics.is_token(action))),
    )
    return log_kind, chance


@nb.njit(nogil=True, cache=True)
def step_batch(
    seen: Words,
    history: Words,
    hidden: Words,
    values: Floats,
    groups: Ints,
    curves: Floats,
    reads: Longs,
    source: int,
    kind: npt.NDArray[np.float32],
    row: npt.NDArray[np.uint16],
    pitch: npt.NDArray[np.float32],
    given: Floats,
    judged: Floats,
    outcome: Floats,
    terminated: npt.NDArray[np.bool_],
    actions: Longs,
) -> None:
    """Step every row: `seen`, `history`, `hidden`, `outcome`, `terminated` are overwritten.

    The first three are flat: SEEN_WORDS, SEEN_WORDS and HIDDEN_WORDS words a row.
    `outcome` (1 + terms, n): the reward, then the weighted terms that add up to it. `source` is
    NO_PRIOR, N_GRAM (the tables `kind`, `row`, `pitch`) or GIVEN (`given` (n,), the
    log-probabilities of the actions). `judged` (n,) is what a judge says of the melodies that end,
    and 0 for the others; (0,) without a judge. A row whose episode is over stays and earns nothing.
    """
    count = len(actions)
    where = np.empty((LINES, CHUNK), dtype=np.int32)
    lines = where.reshape(LINES * CHUNK)
    facts, chance = np.empty((REAL_VALUES, CHUNK)), np.empty(CHUNK, dtype=np.float32)
    correlated = False
    for curve in range(len(reads)):
        correlated |= reads[curve] == CORRELATION
    for begin in range(0, count, CHUNK):
        end = min(begin + CHUNK, count)
        chosen, rows = actions[begin:end], np.uint64(end - begin)
        shown, played = seen[begin * SEEN_WORDS :], history[begin * SEEN_WORDS :]
        if source == N_GRAM:
            for i in range(rows):
                facts[PRIOR, i], chance[i] = think(shown, i, chosen[i], kind, row, pitch)
            # In a loop of its own, so that the processor need not wait for the tables.
            for i in range(rows):
                facts[PRIOR, i] += math.log(chance[i])
        elif source == GIVEN:
            facts[PRIOR, : end - begin] = given[begin:end]
        if len(judged) > 0:
            facts[JUDGED, : end - begin] = judged[begin:end]
        kept = hidden[begin * HIDDEN_WORDS :]
        play_rows(shown, played, kept, lines, terminated[begin:end], chosen)
        if correlated:
            for i in range(rows):
                facts[CORRELATION, i] = 0.0
                if where[AXES + 1, i] == 0:
                    facts[CORRELATION, i] = play_sums(shown, played, kept, i)
        look_up(values, groups, where, outcome, begin)
        read_curves(curves, reads, facts, outcome, begin)
        for i in range(rows):
            if where[AXES + 1, i] == 1:
                outcome[:, np.uint64(begin) + i] = 0.0


@nb.njit(nogil=True, cache=True)
def trace(seen: Words, history: Words, hidden: Words, tokens: Longs, where: Ints) -> None:
    """Play whole melodies, `tokens` (STEPS, n), from rows that have just begun.

    `where` (STEPS, LINES, n) is filled with the coordinates that the reward would see.
    """
    lines = np.empty((LINES, CHUNK), dtype=np.int32)
    count = tokens.shape[1]
    terminated = np.empty(CHUNK, dtype=np.bool_)
    for begin in range(0, count, CHUNK):
        end = min(begin + CHUNK, count)
        shown, played = seen[begin * SEEN_WORDS :], history[begin * SEEN_WORDS :]
        kept = hidden[begin * HIDDEN_WORDS :]
        for step in range(STEPS):
            chosen = tokens[step, begin:end]
            play_rows(shown, played, kept, lines.reshape(LINES * CHUNK), terminated, chosen)
            where[step, :, begin:end] = lines[:, : end - begin]


@nb.njit(nogil=True, cache=True)
def begin_batch(
    seen: Bytes,
    history: Bytes,
    hidden: npt.NDArray[np.int64],
    rows: Longs,
    draws: npt.NDArray[np.uint64],
    terminated: npt.NDArray[np.bool_],
) -> None:
    """Begin an episode in each row ``rows[k]``, primed by ``draws[k]``.

    `seen` and `history` are (n, 32), `hidden` is (n, HIDDEN_WORDS).
    """
    for k in range(len(rows)):
        i = rows[k]
        hidden[i] = 0
        history[i] = NO_TOKEN
        seen[i] = 0
        length, previous, sounding, first, second, third = ngram.initial_context()
        seen[i, LENGTH], seen[i, PREVIOUS], seen[i, SOUNDING] = length, previous, sounding
        seen[i, FIRST], seen[i, SECOND], seen[i, THIRD] = first, second, third
        seen[i, FOURTH] = seen[i, LEAPT_FROM] = seen[i, BOTTOM] = NO_PITCH
        seen[i, HALF_TOKEN] = seen[i, WHOLE_TOKEN] = seen[i, FOLLOWS] = NO_TOKEN
        seen[i, PRIMER] = draws[k] % np.uint64(PRIMERS)
        terminated[i] = False
