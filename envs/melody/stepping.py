"""One compiled pass over a batch: rules, prior, reward and observation of every row.

This file only joins what `playing`, `ngram`, `reward_grid` and `observation` define.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.base.reward_table import look_up
from segue.envs.melody import ngram
from segue.envs.melody.observation import encode
from segue.envs.melody.playing import (
    play_extremes,
    play_line,
    play_motif,
    play_note,
    play_sums,
)
from segue.envs.melody.reward_grid import (
    AXES,
    CORRELATION,
    PRIOR,
    read_curves,
)
from segue.envs.melody.types import (
    BOTTOM,
    FIRST,
    FOURTH,
    LEAPT_FROM,
    LENGTH,
    NO_PITCH,
    PREVIOUS,
    PRIMER,
    PRIMERS,
    SECOND,
    SOUNDING,
    STEP,
    STEPS,
    THIRD,
)

NO_PRIOR, N_GRAM, GIVEN = 0, 1, 2
"""Where the log-probabilities come from: nowhere, the tables, or the caller."""

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]
Seen = npt.NDArray[np.int16]


@nb.njit(inline="always")
def think(seen: Seen, i: int, token: int, kind: Floats, row: Codes, pitch: Floats) -> float:
    """Log-probability of `token` in the n-gram's tables, before it is played."""
    value = ngram.log_prob(
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
    return float(value)


@nb.njit(nogil=True, cache=True)
def step_batch(
    seen: Seen,
    hidden: Ints,
    history: Codes,
    values: Floats,
    groups: Ints,
    curves: Floats,
    reads: Longs,
    source: int,
    kind: npt.NDArray[np.float32],
    row: npt.NDArray[np.uint16],
    pitch: npt.NDArray[np.float32],
    given: Floats,
    outcome: Floats,
    terminated: npt.NDArray[np.bool_],
    actions: Longs,
) -> None:
    """Step every row: `seen`, `hidden`, `history`, `outcome`, `terminated` are overwritten.

    `outcome` (1 + terms, n): the reward, then the weighted terms that add up to it. `source` is
    NO_PRIOR, N_GRAM (the tables `kind`, `row`, `pitch`) or GIVEN (`given` (n,), the
    log-probabilities of the actions). A row whose episode is over stays and earns nothing.
    """
    count = len(seen)
    # Coordinates of the reward, a scratch line, and whether the episode was over before.
    where = np.empty((AXES + 2, count), dtype=np.int32)
    facts = np.zeros((2, count))
    correlated = False
    for curve in range(len(reads)):
        correlated |= reads[curve] == CORRELATION
    # Three short loops: a processor overlaps more of their turns than of one long one's.
    for i in range(np.uint64(count)):
        over = seen[i, STEP] >= STEPS
        where[AXES + 1, i] = over
        if over:
            where[: AXES + 1, i] = 0
        else:
            play_line(seen, hidden, history, i, actions[i], where)
    for i in range(np.uint64(count)):
        if where[AXES + 1, i] == 0:
            step = seen[i, STEP]
            token = np.int64(history[np.uint64(step), i])
            where[4, i] = play_extremes(seen, i, token)
            where[5, i] = play_motif(seen, hidden, history, i, step, token)
            if correlated:
                facts[CORRELATION, i] = play_sums(hidden, history, i, step, token)
    for i in range(np.uint64(count)):
        if where[AXES + 1, i] == 0:
            token = np.int64(history[np.uint64(seen[i, STEP]), i])
            if source == N_GRAM:
                facts[PRIOR, i] = think(seen, i, token, kind, row, pitch)
            elif source == GIVEN:
                facts[PRIOR, i] = given[i]
            play_note(seen, hidden, history, i, token, where)
            terminated[i] = seen[i, STEP] >= STEPS
    look_up(values, groups, where, outcome)
    read_curves(curves, reads, facts, outcome)
    for i in range(np.uint64(count)):
        if where[AXES + 1, i] == 1:
            outcome[:, i] = 0.0


@nb.njit(nogil=True, cache=True)
def trace(seen: Seen, hidden: Ints, history: Codes, tokens: Longs, where: Ints) -> None:
    """Play whole melodies, `tokens` (STEPS, n), from rows that have just begun.

    `where` (STEPS, AXES + 2, n) is filled with the coordinates that the reward would see.
    """
    for step in range(STEPS):
        for i in range(np.uint64(len(seen))):
            token = tokens[step, i]
            play_line(seen, hidden, history, i, token, where[step])
            where[step, 4, i] = play_extremes(seen, i, token)
            where[step, 5, i] = play_motif(seen, hidden, history, i, step, token)
            play_note(seen, hidden, history, i, token, where[step])


@nb.njit(nogil=True, cache=True)
def begin_batch(
    seen: Seen,
    hidden: Ints,
    rows: Longs,
    draws: npt.NDArray[np.uint64],
    history: Codes,
    terminated: npt.NDArray[np.bool_],
) -> None:
    """Begin an episode in each row ``rows[k]``, primed by ``draws[k]``.

    The history is left as it is: nothing reads what has not been written.
    """
    for k in range(len(rows)):
        i = rows[k]
        hidden[i] = 0
        seen[i] = 0
        length, previous, sounding, first, second, third = ngram.initial_context()
        seen[i, LENGTH], seen[i, PREVIOUS], seen[i, SOUNDING] = length, previous, sounding
        seen[i, FIRST], seen[i, SECOND], seen[i, THIRD] = first, second, third
        seen[i, FOURTH] = seen[i, LEAPT_FROM] = seen[i, BOTTOM] = NO_PITCH
        seen[i, PRIMER] = draws[k] % np.uint64(PRIMERS)
        terminated[i] = False
        encode(seen, hidden, history, 0, i)
