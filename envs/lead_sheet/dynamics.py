"""The rules of `segue/LeadSheet-v0`: pure, compiled, and the only copy of them.

They take and give plain numbers, so that the same functions serve one row, a batch and the
enumeration of every state; none knows of rewards, Gymnasium or files. Names of the state's parts
are those of the columns in `types`.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from segue.envs.lead_sheet.types import (
    ACTIONS,
    LEAP,
    LEAP_DOWN,
    LEAP_UP,
    MOVES,
    NO_PITCH,
    PITCHES,
    REPEATED,
    RUN_DOWN,
    RUN_UP,
    STAY,
    WIDEST_LEAP,
)
from segue.rewards.melody import LONGEST_RUN, MOST_REPEATS, ONSET

NO_INTERVAL = 2 * WIDEST_LEAP + 1
"""Index of the interval where nothing moves; ``i`` stands for ``i - WIDEST_LEAP`` semitones."""

NEAR = np.array(
    [
        sum(1 << other for other in range(PITCHES) if abs(other - pitch) <= WIDEST_LEAP)
        for pitch in range(PITCHES)
    ]
    + [(1 << PITCHES) - 1]
)
"""Pitches within WIDEST_LEAP of each pitch, as bits; before the first note every pitch."""


def _move_after(move: int, interval: int) -> int:
    """How a note is reached from one that was reached by `move`; nothing moves: as before."""
    if interval == NO_INTERVAL - WIDEST_LEAP:
        return move
    if abs(interval) > LEAP:
        return LEAP_UP if interval > 0 else LEAP_DOWN
    begin, most = REPEATED, MOST_REPEATS
    if interval != 0:
        begin, most = (RUN_UP if interval > 0 else RUN_DOWN), LONGEST_RUN
    length = move - begin if 1 <= move - begin <= most else 0
    return begin + min(length + 1, most)


MOVE_AFTER = np.array(
    [
        _move_after(move, index - WIDEST_LEAP)
        for move in range(MOVES)
        for index in range(NO_INTERVAL + 1)
    ],
    dtype=np.int8,
)
"""MOVE after an onset, flat: by MOVE before it, then by interval index."""


@nb.njit(inline="always")
def initial() -> tuple[int, int, int, int, int]:
    """State before the first slot: pitch, sounding, move, unresolved, previous."""
    return NO_PITCH, 0, STAY, 0, NO_PITCH


@nb.njit(inline="always")
def legal(pitch: int, sounding: int, allowed: int) -> int:
    """Legal actions as bits: bit a is set where action a keeps the absolute rules.

    A rest always does; a hold needs a sounding note; an onset needs a pitch of the key or the
    chord (the bits of `allowed`) no more than an octave from the note before.
    """
    return 1 | (sounding << 1) | ((allowed & int(NEAR[pitch])) << 2)


@nb.njit(inline="always")
def is_legal(bits: int, action: int) -> bool:
    """Tell whether `action` is set in `bits`; an action outside the space is not."""
    return (action >= 0) & (action < ACTIONS) & ((bits >> (action & 31)) & 1 == 1)


@nb.njit(inline="always")
def kind_of(action: int) -> int:
    """REST, HOLD or ONSET, which are 0, 1 and 2."""
    return min(action, ONSET)


@nb.njit(inline="always")
def interval_index(pitch: int, action: int) -> int:
    """Index of the melodic interval that a legal `action` makes, or NO_INTERVAL."""
    moves = int(action >= 2) & int(pitch != NO_PITCH)
    return NO_INTERVAL + moves * (action - 2 - pitch + WIDEST_LEAP - NO_INTERVAL)


@nb.njit(inline="always")
def transition(
    pitch: int,
    sounding: int,
    move: int,
    unresolved: int,
    previous: int,
    chord_tones: int,
    is_strong: int,
    action: int,
) -> tuple[int, int, int, int, int]:
    """State after a legal `action`; `chord_tones` (bits) and `is_strong` are the slot's.

    A hold changes nothing. A rest silences, and no dissonance waits any longer. An onset outside
    the chord on a strong slot waits to be resolved until the next onset or rest.
    """
    # Arithmetic instead of branches: one mispredicted costs as much as all the rest.
    onset = action - 2
    begins, holds = int(action >= 2), int(action == 1)
    interval = interval_index(pitch, action)
    reached = int(MOVE_AFTER[np.uint64(move * (NO_INTERVAL + 1) + interval)])
    dissonant = is_strong & ~(chord_tones >> (onset & 31)) & 1
    return (
        pitch + begins * (onset - pitch),
        begins + holds * sounding,
        reached,
        begins * dissonant + holds * unresolved,
        previous + begins * (pitch - previous),
    )


@nb.njit(inline="always")
def context_of(pitch: int, sounding: int, move: int, unresolved: int) -> int:
    """Index of the Markov state within the slot, ``0 <= index < CONTEXTS``.

    Only a sounding note is unresolved, and before the first note there is nothing to tell apart.
    """
    return (pitch * MOVES + move) * 3 + sounding + unresolved


@nb.njit(inline="always")
def state_of(context: int) -> tuple[int, int, int, int]:
    """Pitch, sounding, move and unresolved of `context`: the inverse of `context_of`."""
    voice = context % 3
    return context // 3 // MOVES, int(voice > 0), context // 3 % MOVES, int(voice > 1)
