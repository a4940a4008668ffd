"""The rules of `segue/Melody-v0`: pure, compiled, and the only copy of them.

They take and give plain numbers, so that one row, a batch and the measures of whole melodies share
them; none knows of rewards, Gymnasium or files. Names of the state's parts are those of the
columns in `types`. Conditions are written as arithmetic: of a melody's tokens a processor foresees
little, and a mispredicted branch costs as much as all the rest.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from segue.envs.melody.packing import among_seven
from segue.envs.melody.types import (
    DOWN,
    FIRST_ONSET,
    HOLD,
    LEAP,
    LEAST_INTERVALS,
    LONGEST_RUN,
    MONOTONY_LEVELS,
    MOST,
    NO_PITCH,
    NOTE_OFF,
    PITCHES,
    RECOVERED_LEAP,
    SAME,
    STEPS,
    STILL,
    SURPRISE_LEVELS,
    TOKENS,
    UP,
)
from segue.rewards.melody_view import (
    DIFFERS,
    FIRST,
    HELD,
    LEAP_DOUBLED,
    LEAP_RESOLVED,
    NO_CLASS,
    NOT_RECOVERED,
    RECOVERED,
)

OFFS_KEPT = 3
"""Note offs since the last onset are counted up to here."""

# Shares of melodic intervals of 0 to 12 semitones, in thousandths, and of all wider ones together:
# counted in 20,577 windows of the folk tunes that music21 brings (their training split).
_SHARES = [81, 162, 338, 158, 109, 73, 2, 31, 14, 11, 5, 2, 11]
_WIDER = 3

INTERVAL_SURPRISE = np.round(
    -8
    * np.log2(
        np.array(_SHARES + [_WIDER / (PITCHES - len(_SHARES))] * (PITCHES - len(_SHARES))) / 1000
    )
).astype(np.int64)
"""Surprise of a melodic interval by its semitones, in eighths of a bit."""


# A division costs as much as all other rules together.
_INVERSE = 1.0 / np.maximum(np.arange(STEPS + 1), 1)


@nb.njit(inline="always")
def pitch_class(pitch: int) -> int:
    """Pitch class of a pitch; NO_CLASS of NO_PITCH, which is 36."""
    return pitch - NO_CLASS * (int(pitch >= NO_CLASS) + int(pitch >= 2 * NO_CLASS))


@nb.njit(inline="always")
def is_token(action: int) -> bool:
    """Tell whether `action` is a token; all tokens are legal."""
    return (action >= 0) & (action < TOKENS)


@nb.njit(inline="always")
def excessive(token: int, first: int, holds: int, offs: int, repeats: int, broken: int) -> int:
    """1 where RL Tuner would call `token` repeated excessively, else 0.

    `first` is the last pitch; counts are those before the token.
    """
    gap = broken | int(holds + offs > 0)
    return (
        int(token == NOTE_OFF) * int(offs > 1)
        + int(token == HOLD) * int(holds > 4 + 2 * int(offs > 0))
        + int(token - FIRST_ONSET == first) * int(repeats > 4 + 2 * gap)
    )


@nb.njit(inline="always")
def count_repeats(
    token: int, first: int, holds: int, offs: int, repeats: int, broken: int
) -> tuple[int, int, int, int]:
    """Holds, offs, repeats and broken after `token`."""
    begins, again = int(token >= FIRST_ONSET), int(token - FIRST_ONSET == first)
    gap = int(holds + offs > 0)
    return (
        (1 - begins) * min(holds + int(token == HOLD), MOST),
        (1 - begins) * min(offs + int(token == NOTE_OFF), OFFS_KEPT),
        repeats + begins * (min(again * repeats + 1, LONGEST_RUN) - repeats),
        broken + begins * ((again & broken | gap) - broken),
    )


@nb.njit(inline="always")
def interval_size(first: int, token: int) -> int:
    """Semitones from the last pitch, 0 to 35; or FIRST, HELD or STOPPED of `melody_view`."""
    begins, least = int(token >= FIRST_ONSET), int(first == NO_PITCH)
    semitones = abs(token - FIRST_ONSET - first)
    semitones += least * (FIRST - semitones)
    return semitones + (1 - begins) * (HELD + int(token == NOTE_OFF) - semitones)


@nb.njit(inline="always")
def move_of(first: int, token: int) -> int:
    """STILL, UP, DOWN or SAME: where the token takes the melody."""
    pitch = token - FIRST_ONSET
    moves = int(token >= FIRST_ONSET) * int(first != NO_PITCH)
    return moves * (
        UP * int(pitch > first) + DOWN * int(pitch < first) + SAME * int(pitch == first)
    )


@nb.njit(inline="always")
def leap_on(
    leaping: int, leapt_from: int, since: int, first: int, token: int, size: int, move: int
) -> tuple[int, int, int, int]:
    """Leaping, leapt_from and since after a token; and RL Tuner's outcome.

    The outcome is LEAP_RESOLVED, LEAP_DOUBLED or 0; `size` and `move` are the token's.
    """
    begins, pitch = int(token >= FIRST_ONSET), token - FIRST_ONSET
    leaps = int(size >= LEAP) * int(size < FIRST)
    back = leaps * int(leaping != 0) * int(move != leaping)
    doubled = leaps * int(leaping == move)
    home = int(leaping == UP) * int(pitch <= leapt_from)
    home += int(leaping == DOWN) * int(pitch >= leapt_from)
    home *= begins * (1 - leaps)
    starts = leaps * int(leaping == 0)
    outcome = LEAP_DOUBLED * doubled + LEAP_RESOLVED * (home | back * int(since >= MOST))
    return (
        leaping * (1 - back) * (1 - home) + starts * move,
        leapt_from + starts * (first - leapt_from),
        (1 - leaps) * min(since + 1, MOST),
        outcome,
    )


@nb.njit(inline="always")
def recovery_of(first: int, second: int, size: int, move: int) -> int:
    """RECOVERED or NOT_RECOVERED where the last interval asks for a step back, else 0."""
    asks = int(second != NO_PITCH) * int(abs(first - second) >= RECOVERED_LEAP) * int(size < FIRST)
    back = UP + int(first > second) * (DOWN - UP)
    steps = int(move == back) * int(size <= 2)
    return asks * (NOT_RECOVERED + steps * (RECOVERED - NOT_RECOVERED))


@nb.njit(inline="always")
def raise_top(top: int, count: int, token: int) -> tuple[int, int]:
    """Highest pitch plus one (0 for none) and how often it was struck, up to 2, after a token."""
    pitch = (token - FIRST_ONSET + 1) * int(token >= FIRST_ONSET)
    higher, equal = int(pitch > top), int(pitch == top) * int(pitch > 0)
    return top + higher * (pitch - top), higher + (1 - higher) * min(count + equal, 2)


@nb.njit(inline="always")
def lower_bottom(bottom: int, count: int, token: int) -> tuple[int, int]:
    """Lowest pitch (NO_PITCH for none) and how often it was struck, up to 2, after a token."""
    begins = int(token >= FIRST_ONSET)
    pitch = NO_PITCH + begins * (token - FIRST_ONSET - NO_PITCH)
    lower, equal = int(pitch < bottom), int(pitch == bottom) * begins
    return bottom + lower * (pitch - bottom), lower + (1 - lower) * min(count + equal, 2)


@nb.njit(inline="always")
def runs_on(direction: int, run: int, move: int) -> tuple[int, int]:
    """Direction and run after a move; a token that moves nothing leaves them."""
    moved, turned = int(move != STILL), int(move != SAME)
    longer = min(run * int(move == direction) + 1, LONGEST_RUN)
    return direction + moved * (move - direction), run + moved * (turned * longer - run)


@nb.njit(inline="always")
def zigzags_on(zigzag: int, first: int, second: int, token: int) -> int:
    """Onsets in a row that come back to the pitch before the last, after a token."""
    pitch, begins = token - FIRST_ONSET, int(token >= FIRST_ONSET)
    back = int(pitch == second) * int(pitch != first)
    return zigzag + begins * (back * min(zigzag + 1, LONGEST_RUN) - zigzag)


@nb.njit(inline="always")
def echo_of(move: int, half: int, whole: int) -> int:
    """ECHOES, DIFFERS or 0: how a move compares with those 8 and 16 sixteenths before."""
    there = int(move != 0) * int(half + whole != 0)
    return there * (DIFFERS - (int(move == half) | int(move == whole)))


@nb.njit(inline="always")
def enters(token: int, recent: int) -> int:
    """1 where `token` begins a pitch that is not among the last seven tokens, else 0.

    `recent` holds the tokens before it in bytes, the newest lowest.
    """
    return int(token >= FIRST_ONSET) * (1 - int(among_seven(token, recent)))


@nb.njit(inline="always")
def leaves(gone: int, recent: int) -> int:
    """1 where the onset `gone`, seven tokens ago, is not among the seven since, else 0."""
    return int(gone >= FIRST_ONSET) * int(gone < TOKENS) * (1 - int(among_seven(gone, recent)))


@nb.njit(inline="always")
def matches_on(here: int, low: int, middle: int, high: int) -> tuple[int, int, int, int]:
    """Count the last tokens that came before, for many lags at once.

    Parameters
    ----------
    here : int
        A bit for each lag, set where the new token is the one that much earlier.
    low, middle, high : int
        The counts so far, 0 to 7, bit by bit.

    Returns
    -------
    low, middle, high, whole : int
        The counts after the token, and bits that are set where eight and more are alike.
    """
    seven = low & middle & high
    return (
        here & (~low | seven),
        here & (middle ^ low | seven),
        here & (high ^ middle & low | seven),
        here & seven,
    )


@nb.njit(inline="always")
def narrow(lags: int, bits: int) -> tuple[int, int]:
    """Whether some of the `lags` are among `bits`, and those; if none is, all of them."""
    narrower = lags & bits
    some = int(narrower != 0)
    return some, lags + some * (narrower - lags)


@nb.njit(inline="always")
def longest_match(low: int, middle: int, high: int) -> tuple[int, int]:
    """Greatest count, 0 to 7, and the lags that have it, of counts as those of `matches_on`."""
    four, lags = narrow(low | middle | high, high)
    two, lags = narrow(lags, middle)
    one, lags = narrow(lags, low)
    return 4 * four + 2 * two + one, lags


@nb.njit(inline="always")
def surprise_level(surprise: int, moves: int) -> int:
    """Mean surprise of so many intervals in eighths of a bit, ``0 <= level < SURPRISE_LEVELS``."""
    return min(int(surprise * _INVERSE[np.uint64(moves)] + 1e-6), SURPRISE_LEVELS - 1)


@nb.njit(inline="always")
def goes_on(first: int, second: int, token: int) -> int:
    """1 where an onset goes on like the interval before it, else 0.

    Both intervals are repeats, or both are steps of one or two semitones the same way; `first` and
    `second` are the last two pitches.
    """
    pitch, last = token - FIRST_ONSET, first - second
    begins = int(token >= FIRST_ONSET) * int(second != NO_PITCH)
    return (
        begins
        * int(abs(last) <= 2)
        * int((pitch - first) * last >= 0)
        * (
            int(last == 0) * int(pitch == first)
            + int(last != 0) * int(pitch != first) * int(abs(pitch - first) <= 2)
        )
    )


@nb.njit(inline="always")
def monotony_level(going: int, intervals: int) -> int:
    """Share of so many intervals after the first that go on, in 32nds; 0 in a short melody."""
    share = going * _INVERSE[np.uint64(intervals - int(intervals > 0))]
    return int((MONOTONY_LEVELS - 1) * share + 1e-6) * int(intervals >= LEAST_INTERVALS)


@nb.njit(inline="always")
def correlation(length: int, total: int, squares: int, product: int, ends: int, lag: int) -> float:
    """Autocorrelation of `length` tokens, in [-1, 1]; 0 where all are the same.

    Parameters
    ----------
    length : int
        Tokens, >= 1.
    total, squares, product : int
        Their sum, that of their squares, and that of the products of those `lag` apart.
    ends : int
        Sum of the first `lag` tokens and of the last `lag`.
    lag : int
        Below `length` tokens there is no product, and the value is 0.
    """
    spread = length * squares - total * total
    shared = length * length * product - length * total * (2 * total - ends)
    shared += (length - lag) * total * total
    if length <= lag or spread == 0:
        return 0.0
    return shared / (length * spread)


@nb.njit(inline="always")
def first_place(places: int) -> int:
    """Number of the lowest bit set in `places`, which is below 2**32; -1 where none is."""
    lowest = places & -places
    return (
        int(lowest > 0)
        - 1
        + int(lowest & 0xFFFF0000 != 0) * 16
        + int(lowest & 0xFF00FF00 != 0) * 8
        + int(lowest & 0xF0F0F0F0 != 0) * 4
        + int(lowest & 0xCCCCCCCC != 0) * 2
        + int(lowest & 0xAAAAAAAA != 0)
    )
