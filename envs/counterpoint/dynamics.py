"""The rules of `segue/Counterpoint-v0`: pure, compiled, and the only copy of them.

They take and give plain numbers, so that the same functions serve one row, a batch and the
enumeration of every state; none knows of rewards, Gymnasium or files. Pitches and notes are
semitones above the final of the cantus firmus.

The absolute rules are those that Schottstaedt (1984) charges with 100 points or more in two
voices, after Fux; see `segue.rewards.counterpoint` for the others. Three are narrower than his:
the ambitus is a fixed twelfth above the final, the voices never cross nor lie more than a twelfth
apart, and the last but one note is always the leading tone (his would allow a unison cadence).
"""

from __future__ import annotations

import numba as nb
import numpy as np

from segue.envs.counterpoint.types import (
    NO_CLIMAX,
    NO_MOVE,
    NO_PITCH,
    PITCHES,
    WIDEST_INTERVAL,
    WIDEST_MOVE,
)

NEAR = np.array(
    [
        sum(1 << other for other in range(PITCHES) if abs(other - pitch) <= WIDEST_MOVE)
        for pitch in range(PITCHES)
    ]
    + [(1 << PITCHES) - 1]
)
"""Pitches within WIDEST_MOVE of each pitch, as bits; where there is none, every pitch."""

_DE_BRUIJN = 0x077CB531
POSITION = np.array([_DE_BRUIJN * (1 << bit) % (1 << 32) >> 27 for bit in range(32)]).argsort()
"""Where a lone bit stands, by the five bits that it makes of a de Bruijn sequence."""


@nb.njit(inline="always")
def is_perfect(interval: int) -> bool:
    """Tell a unison, fifth or octave, compound or not."""
    return (interval % 12 == 0) | (interval % 12 == 7)


@nb.njit(inline="always")
def is_consonant(interval: int) -> bool:
    """Tell a unison, third, fifth, sixth or octave; the fourth is a dissonance in two voices."""
    kind = interval % 12
    found: bool = is_perfect(interval) | (kind == 3) | (kind == 4) | (kind == 8) | (kind == 9)
    return found


@nb.njit(inline="always")
def is_melodic(move: int) -> bool:
    """Tell an interval that may be sung.

    It is at most an octave, no tritone, major sixth or seventh, and no minor sixth down
    (`BadMelody`).
    """
    size = abs(move)
    hard = (size == 6) | (size == 9) | (size == 10) | (size == 11) | (move == -8)
    return (size <= WIDEST_MOVE) & (not hard)


@nb.njit(inline="always")
def moves_to_perfect(pitch: int, last: int, note: int, last_note: int) -> bool:
    """Tell a perfect consonance that is reached wrongly.

    By direct motion, hidden or open (`DirectToFifth`, `DirectToOctave`), or from one of the same
    kind (`ParallelFifth`, `ParallelUnison`).
    """
    now, before = pitch - note, last - last_note
    direct = (pitch - last) * (note - last_note) > 0
    wrong: bool = is_perfect(now) & (direct | (now % 12 == before % 12))
    return wrong


@nb.njit(inline="always")
def is_augmented(move: int) -> bool:
    """Tell a move into a raised leading tone that no mode has.

    Chromatic semitone, augmented second, diminished fourth down or augmented fifth
    (`OutOfMode` at the cadence; the augmented second is ours).
    """
    return (move == 1) | (move == 3) | (move == -4) | (move == 8)


@nb.njit(inline="always")
def fits_note(pitch: int, note: int, at_end: bool, scale: int) -> bool:
    """Tell whether `pitch` may sound above `note`; `scale` has the mode's degrees as bits.

    A note of the mode, consonant (`OutOfMode`, `Dissonance`), not below the cantus firmus and no
    more than a twelfth above it, a unison only where `at_end`, in the first or last bar
    (`Unison`).
    """
    interval = pitch - note
    apart = (interval > 0) | (at_end & (interval == 0))
    in_mode = (scale >> (pitch % 12)) & 1 == 1
    fits: bool = apart & (interval <= WIDEST_INTERVAL) & in_mode & is_consonant(interval)
    return fits


@nb.njit(inline="always")
def legal(last: int, before: int, allowed: int) -> int:
    """Legal actions as bits.

    `allowed` are those that the bank allows after `last`; nor may two moves in a row span more
    than an octave (`OverOctave`). Which note came `before` matters for nothing else.
    """
    return allowed & int(NEAR[np.uint64(before)])


@nb.njit(inline="always")
def is_legal(bits: int, action: int) -> bool:
    """Tell whether `action` is set in `bits`; an action outside the space is not."""
    return (action >= 0) & (action < PITCHES) & ((bits >> (action & 31)) & 1 == 1)


@nb.njit(inline="always")
def lowest(bits: int) -> int:
    """Lowest legal action, which an illegal one stands for; `bits` has at least one."""
    return int(POSITION[np.uint64((bits & -bits) * _DE_BRUIJN >> 27 & 31)])


@nb.njit(inline="always")
def move_index(pitch: int, last: int) -> int:
    """Index of the melodic interval from `last` to `pitch`, or NO_MOVE where one is missing."""
    moves = int(last != NO_PITCH) & int(pitch != NO_PITCH)
    return NO_MOVE + moves * (pitch - last + WIDEST_MOVE - NO_MOVE)


@nb.njit(inline="always")
def initial() -> tuple[int, int, int, int]:
    """State before the first bar: pitch, before, climax, returned."""
    return NO_PITCH, NO_PITCH, NO_CLIMAX, 0


@nb.njit(inline="always")
def transition(pitch: int, climax: int, returned: int, action: int) -> tuple[int, int, int, int]:
    """State after a legal `action`.

    A new highest note is the climax; one that comes again after another note has returned.
    """
    height = action + 1
    again = int(height == climax) & int(action != pitch)
    return action, pitch, max(climax, height), int(height <= climax) & (returned | again)


@nb.njit(inline="always")
def context_of(pitch: int, before: int, climax: int, returned: int) -> int:
    """Index of the Markov state within the bar, ``0 <= index < CONTEXTS``."""
    size = PITCHES + 1
    return ((pitch * size + before) * size + climax) * 2 + returned


@nb.njit(inline="always")
def state_of(context: int) -> tuple[int, int, int, int]:
    """Pitch, before, climax and returned of `context`: the inverse of `context_of`."""
    size = PITCHES + 1
    rest = context // 2
    return rest // (size * size), rest // size % size, rest % size, context % 2
