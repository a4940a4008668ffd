"""One compiled pass over a batch: rules, reward and observation of every row.

This file only joins what `dynamics`, `reward_grid` and `observation` define. Few arrays are
passed, since handing one over costs more than stepping an environment.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.base.kernel import EXPANDED
from segue.envs.base.reward_table import look_up
from segue.envs.counterpoint import dynamics
from segue.envs.counterpoint.observation import encode
from segue.envs.counterpoint.reward_grid import AXES
from segue.envs.counterpoint.types import (
    ACTIONS,
    BAR,
    BEFORE,
    CANTUS,
    CANTUS_MOVE,
    CLIMAX,
    CONTEXTS,
    LENGTH,
    LYDIAN,
    MASK_WORDS,
    NOTE,
    PITCH,
    PLACE,
    REPLACED,
    RETURNED,
    ROW,
    WIDEST_INTERVAL,
)

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]
Words = npt.NDArray[np.uint64]
Seen = npt.NDArray[np.int16]

NO_INTERVAL = WIDEST_INTERVAL + 1
"""Interval of the observation before the first note."""


@nb.njit(inline="always")
def show(
    state: Ints,
    i: int,
    row: int,
    interval: int,
    bar_table: Ints,
    allowed: Ints,
    mask: Words,
    observation: Seen,
) -> None:
    """Write observation and mask of row i, which is to meet row `row` of the bank."""
    encode(state, bar_table, row, interval, observation, i)
    pitch = np.uint64(state[i, PITCH])
    bits = dynamics.legal(state[i, PITCH], state[i, BEFORE], allowed[row, pitch])
    for word in range(np.uint64(MASK_WORDS)):
        mask[i, word] = EXPANDED[(np.uint64(bits) >> (np.uint64(8) * word)) & np.uint64(255)]


@nb.njit(inline="always")
def play(
    row: int,
    pitch: int,
    before: int,
    climax: int,
    returned: int,
    action: int,
    bar_table: Ints,
    allowed: Ints,
    where: Ints,
    i: int,
) -> tuple[int, int, int, int, int]:
    """Play `action`, or the lowest legal one if it is illegal.

    Writes the reward's coordinates into column i; returns the state after it (pitch, before,
    climax, returned) and the interval above the cantus firmus.
    """
    bits = dynamics.legal(pitch, before, allowed[row, np.uint64(pitch)])
    kept = dynamics.is_legal(bits, action)
    # Arithmetic instead of a branch: one mispredicted costs as much as all the rest.
    least = dynamics.lowest(bits)
    played = least + int(kept) * (action - least)
    sounds, left, highest, again = dynamics.transition(pitch, climax, returned, played)
    interval = played - bar_table[row, NOTE]
    where[0, i], where[1, i] = bar_table[row, PLACE], interval
    where[2, i], where[3, i] = (
        dynamics.move_index(played, pitch),
        dynamics.move_index(pitch, before),
    )
    where[4, i] = bar_table[row, CANTUS_MOVE]
    where[5, i] = bar_table[row, LYDIAN] >> played & 1
    where[6, i], where[7, i] = again, not kept
    return sounds, left, highest, again, interval


@nb.njit(nogil=True, cache=True)
def step_batch(
    state: Ints,
    bar_table: Ints,
    allowed: Ints,
    values: Floats,
    groups: Ints,
    history: Codes,
    outcome: Floats,
    terminated: npt.NDArray[np.bool_],
    mask: Words,
    observation: Seen,
    actions: Longs,
) -> None:
    """Step every row by ``actions[i]``, writing all results in place.

    `history` (bars, n) keeps the pitches played, REPLACED added to those that stand for an illegal
    action. `outcome` is (1 + terms, n): the reward, then the weighted terms that add up to it. A
    row whose episode is over stays where it is and earns nothing.
    """
    # Coordinates of the reward, a scratch line, and whether the episode was over before.
    where = np.empty((AXES + 2, len(state)), dtype=np.int32)
    for i in range(np.uint64(len(state))):
        row, bar = np.uint64(state[i, ROW]), state[i, BAR]
        length = bar_table[row, LENGTH]
        if bar >= length:
            where[:, i] = 0
            where[AXES + 1, i] = 1
            continue
        where[AXES + 1, i] = 0
        sounds, left, highest, again, interval = play(
            row,
            state[i, PITCH],
            state[i, BEFORE],
            state[i, CLIMAX],
            state[i, RETURNED],
            actions[i],
            bar_table,
            allowed,
            where,
            i,
        )
        state[i, PITCH], state[i, BEFORE] = sounds, left
        state[i, CLIMAX], state[i, RETURNED] = highest, again
        history[np.uint64(bar), i] = sounds + REPLACED * where[7, i]
        state[i, BAR] = bar + 1
        over = bar + 1 >= length
        terminated[i] = over
        # After the last bar its columns stay in view.
        row += np.uint64(not over)
        state[i, ROW] = row
        show(state, i, row, interval, bar_table, allowed, mask, observation)
    look_up(values, groups, where, outcome)
    for i in range(np.uint64(len(state))):
        if where[AXES + 1, i] == 1:
            outcome[:, i] = 0.0


@nb.njit(nogil=True, cache=True)
def begin_batch(
    state: Ints,
    rows: Longs,
    cantus: Longs,
    starts: Longs,
    bar_table: Ints,
    allowed: Ints,
    history: Codes,
    terminated: npt.NDArray[np.bool_],
    mask: Words,
    observation: Seen,
) -> None:
    """Begin an episode over cantus firmus ``cantus[k]`` in each row ``rows[k]``."""
    for k in range(len(rows)):
        i, start = rows[k], starts[cantus[k]]
        pitch, before, climax, returned = dynamics.initial()
        state[i, CANTUS], state[i, ROW], state[i, BAR] = cantus[k], start, 0
        state[i, PITCH], state[i, BEFORE] = pitch, before
        state[i, CLIMAX], state[i, RETURNED] = climax, returned
        history[:, i] = 0
        terminated[i] = False
        show(state, i, start, NO_INTERVAL, bar_table, allowed, mask, observation)


@nb.njit(nogil=True, cache=True)
def expand(
    row: int,
    contexts: Longs,
    bar_table: Ints,
    allowed: Ints,
    values: Floats,
    groups: Ints,
    terms: int,
    following: Longs,
    reward: Floats,
    legal: npt.NDArray[np.bool_],
) -> None:
    """Play every action in each of `contexts` (k,) of one bar.

    Fills the contexts that follow, the rewards and what is legal, each (k, ACTIONS).
    """
    where = np.zeros((AXES + 1, ACTIONS), dtype=np.int32)
    outcome = np.zeros((1 + terms, ACTIONS))
    for k in range(len(contexts)):
        pitch, before, climax, returned = dynamics.state_of(contexts[k] % CONTEXTS)
        for action in range(ACTIONS):
            sounds, left, highest, again, _ = play(
                row,
                pitch,
                before,
                climax,
                returned,
                action,
                bar_table,
                allowed,
                where,
                np.uint64(action),
            )
            legal[k, action] = where[7, action] == 0
            following[k, action] = dynamics.context_of(sounds, left, highest, again)
        look_up(values, groups, where, outcome)
        reward[k] = outcome[0]
