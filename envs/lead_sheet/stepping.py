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
from segue.envs.lead_sheet import dynamics
from segue.envs.lead_sheet.observation import encode
from segue.envs.lead_sheet.reward_grid import AXES
from segue.envs.lead_sheet.types import (
    ACTIONS,
    ALLOWED,
    CHORD_TONES,
    CONTEXTS,
    IS_STRONG,
    MASK_WORDS,
    MOVE,
    NO_PITCH,
    PIECE,
    PITCH,
    PREVIOUS,
    SLOT,
    SOUNDING,
    UNRESOLVED,
)

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]
Words = npt.NDArray[np.uint64]
Seen = npt.NDArray[np.int16]


@nb.njit(inline="always")
def show(state: Ints, i: int, slot: int, slot_table: Ints, mask: Words, observation: Seen) -> None:
    """Write observation and mask of row i, whose slot table row is `slot`."""
    encode(state, slot_table, slot, observation, i)
    bits = dynamics.legal(state[i, PITCH], state[i, SOUNDING], slot_table[slot, ALLOWED])
    for word in range(np.uint64(MASK_WORDS)):
        mask[i, word] = EXPANDED[(np.uint64(bits) >> (np.uint64(8) * word)) & np.uint64(255)]


@nb.njit(inline="always")
def play(
    slot: int,
    pitch: int,
    sounding: int,
    move: int,
    unresolved: int,
    previous: int,
    action: int,
    slot_table: Ints,
    where: Ints,
    i: int,
) -> tuple[int, int, int, int, int, int]:
    """Play `action`, or a rest if it is illegal; write the reward's coordinates into column i.

    Returns the state after it (pitch, sounding, move, unresolved, previous) and the action
    really played.
    """
    bits = dynamics.legal(pitch, sounding, slot_table[slot, ALLOWED])
    kept = dynamics.is_legal(bits, action)
    played = action * int(kept)
    onset, on, reached, waits, before = dynamics.transition(
        pitch,
        sounding,
        move,
        unresolved,
        previous,
        slot_table[slot, CHORD_TONES],
        slot_table[slot, IS_STRONG],
        played,
    )
    where[0, i], where[1, i] = slot, dynamics.kind_of(played)
    where[2, i] = NO_PITCH + on * (onset - NO_PITCH)
    where[3, i] = dynamics.interval_index(pitch, played)
    where[4, i], where[5, i], where[6, i] = move, unresolved, not kept
    return onset, on, reached, waits, before, played


@nb.njit(nogil=True, cache=True)
def step_batch(
    state: Ints,
    slot_table: Ints,
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

    `history` (slots, n) keeps the actions played. `outcome` is (1 + terms, n): the reward, then
    the weighted terms that add up to it. A row whose episode is over stays where it is and earns
    nothing.
    """
    slots = len(history)
    # Coordinates of the reward, a scratch line, and whether the episode was over before.
    where = np.empty((AXES + 2, len(state)), dtype=np.int32)
    for i in range(np.uint64(len(state))):
        now = state[i, SLOT]
        if now >= slots:
            where[:, i] = 0
            where[AXES + 1, i] = 1
            continue
        where[AXES + 1, i] = 0
        slot = np.uint64(state[i, PIECE] * slots + now)
        onset, on, reached, waits, before, played = play(
            slot,
            state[i, PITCH],
            state[i, SOUNDING],
            state[i, MOVE],
            state[i, UNRESOLVED],
            state[i, PREVIOUS],
            actions[i],
            slot_table,
            where,
            i,
        )
        state[i, PITCH], state[i, SOUNDING], state[i, MOVE] = onset, on, reached
        state[i, UNRESOLVED], state[i, PREVIOUS] = waits, before
        history[np.uint64(now), i] = played
        state[i, SLOT] = now + 1
        over = now + 1 >= slots
        terminated[i] = over
        # After the last slot its columns stay in view.
        show(state, i, slot + np.uint64(not over), slot_table, mask, observation)
    look_up(values, groups, where, outcome)
    for i in range(np.uint64(len(state))):
        if where[AXES + 1, i] == 1:
            outcome[:, i] = 0.0


@nb.njit(nogil=True, cache=True)
def begin_batch(
    state: Ints,
    rows: Longs,
    pieces: Longs,
    slots: int,
    slot_table: Ints,
    history: Codes,
    terminated: npt.NDArray[np.bool_],
    mask: Words,
    observation: Seen,
) -> None:
    """Begin an episode over ``pieces[k]`` in each row ``rows[k]``."""
    for k in range(len(rows)):
        i, piece = rows[k], pieces[k]
        pitch, sounding, move, unresolved, previous = dynamics.initial()
        state[i, PIECE], state[i, SLOT] = piece, 0
        state[i, PITCH], state[i, SOUNDING], state[i, MOVE] = pitch, sounding, move
        state[i, UNRESOLVED], state[i, PREVIOUS] = unresolved, previous
        history[:, i] = 0
        terminated[i] = False
        show(state, i, piece * slots, slot_table, mask, observation)


@nb.njit(nogil=True, cache=True)
def enumerate_model(
    piece: int,
    slots: int,
    slot_table: Ints,
    values: Floats,
    groups: Ints,
    terms: int,
    next_state: Ints,
    reward: Floats,
    legal: npt.NDArray[np.bool_],
    terminal: npt.NDArray[np.bool_],
) -> None:
    """Fill the tables of one piece's transition model: state ``slot * CONTEXTS + context``."""
    where = np.zeros((AXES + 1, ACTIONS), dtype=np.int32)
    outcome = np.zeros((1 + terms, ACTIONS))
    for state in range(slots * CONTEXTS):
        slot = np.uint64(piece * slots + state // CONTEXTS)
        pitch, sounding, move, unresolved = dynamics.state_of(state % CONTEXTS)
        last = state // CONTEXTS == slots - 1
        for action in range(ACTIONS):
            onset, on, reached, waits, _, _ = play(
                slot,
                pitch,
                sounding,
                move,
                unresolved,
                NO_PITCH,
                action,
                slot_table,
                where,
                np.uint64(action),
            )
            legal[state, action] = where[6, action] == 0
            terminal[state, action] = last
            if not last:
                following = dynamics.context_of(onset, on, reached, waits)
                next_state[state, action] = (state // CONTEXTS + 1) * CONTEXTS + following
        look_up(values, groups, where, outcome)
        reward[state] = outcome[0]
