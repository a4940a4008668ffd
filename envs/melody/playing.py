"""One token in one row of a batch: what each rule of `dynamics` reads and writes.

Each function reads the columns of its own rule as they were before the token, and gives back the
word that holds them after it; all is stored at the very end. `play_rows` has no branches and loads
no single bytes, so it is compiled to vector instructions: eight rows at a time cost little more
than one. What breaks that (a branch, an array of an unknown offset, functions that Numba inlines
by itself instead of LLVM: hence `forceinline`) makes a step four times as slow.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.melody import dynamics, ngram
from segue.envs.melody.observation import encode
from segue.envs.melody.packing import Words, eight_bits, field, pack, word
from segue.envs.melody.reward_grid import (
    AXES,
    END,
    EXTREMES,
    FLAGS,
    INTERVAL,
    MOTIF,
    NOTE,
    PATTERN,
)
from segue.envs.melody.types import (
    BOTTOM,
    BOTTOM_COUNT,
    BROKEN,
    DIRECTION,
    DISTINCT,
    FIRST,
    FIRST_ONSET,
    FOURTH,
    HALF_MOVE,
    HIDDEN_WORDS,
    HOLD,
    HOLDS,
    LAG_BITS,
    LAGS,
    LEAPING,
    LEAPT_FROM,
    LENGTH,
    MATCHES,
    NO_PITCH,
    NOTE_OFF,
    OFFS,
    PREVIOUS,
    PRIMER,
    REPEATS,
    RETURNS,
    RUN,
    SECOND,
    SEEN_WORDS,
    SHORTER,
    SINCE_LEAP,
    SOUNDING,
    STEP,
    STEPS,
    STILL,
    SUMS,
    THIRD,
    TOP,
    TOP_COUNT,
    WHOLE_MOVE,
    ZIGZAG,
)

CHUNK = 1024
"""Rows that are stepped in one loop; a constant, from which the compiler sees that the lines of
`where` do not overlap."""

LINES = AXES + 2
"""Lines of `where`, of CHUNK places each: the reward's coordinates of each row, a scratch line,
and whether the episode was over before."""

Places = npt.NDArray[np.int32]

_BITS = (1 << LAG_BITS) - 1


@nb.njit(forceinline=True)
def see(seen: Words, i: np.uint64, column: int) -> int:
    """Column of an observed row."""
    return int(field(seen, SEEN_WORDS, i, column))


@nb.njit(forceinline=True)
def put(words: Words, width: int, i: np.uint64, number: int, live: int, value: int) -> None:
    """Store a word where `live` is 1."""
    place = np.uint64(width) * i + np.uint64(number)
    words[place] += live * (value - words[place])


@nb.njit(forceinline=True)
def note(where: Places, line: int, i: np.uint64, live: int, value: int) -> None:
    """Store a coordinate of the reward; 0 where `live` is 0."""
    where[np.uint64(line * CHUNK) + i] = live * value


@nb.njit(forceinline=True)
def play_context(seen: Words, i: np.uint64, token: int) -> tuple[int, int, int, int, int]:
    """First word; the fourth pitch, length of the note that ends and of what sounds, pitch."""
    sounding, length, third = see(seen, i, SOUNDING), see(seen, i, LENGTH), see(seen, i, THIRD)
    begins = int(token >= FIRST_ONSET)
    ended = length * sounding * int(token != HOLD)
    fourth = see(seen, i, FOURTH)
    fourth += begins * (third - fourth)
    length, previous, sounding, first, second, third = ngram.next_context(
        length,
        see(seen, i, PREVIOUS),
        sounding,
        see(seen, i, FIRST),
        see(seen, i, SECOND),
        third,
        token,
    )
    step, primer = see(seen, i, STEP) + 1, see(seen, i, PRIMER)
    after = pack(step, primer, length, previous, sounding, first, second, third)
    return after, fourth, ended, length * sounding, NO_PITCH + sounding * (first - NO_PITCH)


@nb.njit(forceinline=True)
def play_repeats(
    seen: Words, i: np.uint64, token: int, size: int, move: int, fourth: int
) -> tuple[int, int, int, int]:
    """Second word; the first two flags, the repeats of this onset, and holds."""
    first, holds, offs = see(seen, i, FIRST), see(seen, i, HOLDS), see(seen, i, OFFS)
    repeats, broken = see(seen, i, REPEATS), see(seen, i, BROKEN)
    too_many = dynamics.excessive(token, first, holds, offs, repeats, broken)
    holds, offs, repeats, broken = dynamics.count_repeats(
        token, first, holds, offs, repeats, broken
    )
    leaping, origin, since, outcome = dynamics.leap_on(
        see(seen, i, LEAPING),
        see(seen, i, LEAPT_FROM),
        see(seen, i, SINCE_LEAP),
        first,
        token,
        size,
        move,
    )
    after = pack(fourth, holds, offs, repeats, broken, leaping, origin, since)
    marks = too_many * FLAGS[1] + outcome
    return after, marks, repeats * int(token >= FIRST_ONSET), holds


@nb.njit(forceinline=True)
def play_line(
    seen: Words, i: np.uint64, token: int, move: int, holds: int, distinct: int
) -> tuple[int, int, int, int]:
    """Third word; the place on the axis EXTREMES, run and zigzag of this onset.

    `holds` and `distinct` are those after the token.
    """
    times, often = see(seen, i, TOP_COUNT), see(seen, i, BOTTOM_COUNT)
    top_was, bottom_was = int(times == 1), int(often == 1)
    top, times = dynamics.raise_top(see(seen, i, TOP), times, token)
    bottom, often = dynamics.lower_bottom(see(seen, i, BOTTOM), often, token)
    direction, run = dynamics.runs_on(see(seen, i, DIRECTION), see(seen, i, RUN), move)
    zigzag = dynamics.zigzags_on(
        see(seen, i, ZIGZAG), see(seen, i, FIRST), see(seen, i, SECOND), token
    )
    place = (top_was * EXTREMES[1] + int(times == 1)) * EXTREMES[2] + bottom_was
    place = (place * EXTREMES[3] + int(often == 1)) * EXTREMES[4]
    place += int(top == 0) * int(holds == 1)
    after = pack(top, times, bottom, often, direction, run, zigzag, distinct)
    begins = int(token >= FIRST_ONSET)
    return after, place, run * begins, zigzag * begins


@nb.njit(forceinline=True)
def play_matches(
    hidden: Words,
    i: np.uint64,
    token: int,
    tokens: tuple[int, int, int, int],
    move: int,
    goes: int,
) -> tuple[int, int, tuple[int, int, int], int, int, int, int]:
    """First two hidden words; counts, whether eight are alike, intervals, going, and the moves."""
    # Lags of 8 to 15 are in the second word, and the longest lag is to be lowest.
    here = eight_bits(token, tokens[1]) << 16
    here |= eight_bits(token, tokens[2]) << 8 | eight_bits(token, tokens[3])
    lags, matches = word(hidden, HIDDEN_WORDS, i, LAGS), word(hidden, HIDDEN_WORDS, i, MATCHES)
    low, middle, high, eight = dynamics.matches_on(
        here, lags & _BITS, lags >> LAG_BITS & _BITS, matches & _BITS
    )
    intervals = (lags >> 2 * LAG_BITS & 0xFF) + int(move != STILL)
    going = (lags >> 2 * LAG_BITS + 8) + goes
    moves = (matches >> LAG_BITS << 2 | move) & 0xFFFFFFFF
    return (
        low | middle << LAG_BITS | (going << 8 | intervals) << 2 * LAG_BITS,
        high | moves << LAG_BITS,
        (low, middle, high),
        int(eight != 0),
        intervals,
        going,
        moves,
    )


@nb.njit(forceinline=True)
def play_motif(
    seen: Words, i: np.uint64, token: int, past: int, recent: int, eight: int
) -> tuple[int, int, int]:
    """Place on the axis MOTIF; then distinct and returns.

    `past` and `recent` are the last eight tokens, without and with this one; `eight` tells
    whether they were there before.
    """
    distinct = see(seen, i, DISTINCT) + dynamics.enters(token, past)
    full = distinct * int(see(seen, i, STEP) >= SHORTER)
    again = eight * int(full >= 3)
    returns = see(seen, i, RETURNS) + again
    place = full * MOTIF[1] + again * returns
    return place, distinct - dynamics.leaves(past >> 8 * (SHORTER - 1) & 127, recent), returns


@nb.njit(forceinline=True)
def push(history: Words, i: np.uint64, token: int) -> tuple[int, int, int, int]:
    """Words of the tokens with a new one, the newest lowest."""
    first, second = word(history, SEEN_WORDS, i, 0), word(history, SEEN_WORDS, i, 1)
    third, fourth = word(history, SEEN_WORDS, i, 2), word(history, SEEN_WORDS, i, 3)
    return (
        first << 8 | token,
        second << 8 | first >> 56,
        third << 8 | second >> 56,
        fourth << 8 | third >> 56,
    )


@nb.njit(forceinline=True)
def put_row(
    words: Words, width: int, i: np.uint64, live: int, row: tuple[int, int, int, int]
) -> None:
    """Store the first four words of a row where `live` is 1."""
    put(words, width, i, 0, live, row[0])
    put(words, width, i, 1, live, row[1])
    put(words, width, i, 2, live, row[2])
    put(words, width, i, 3, live, row[3])


@nb.njit(forceinline=True)
def play_flags(
    seen: Words, i: np.uint64, action: int, token: int, size: int, move: int, marks: int
) -> int:
    """Place on the axis FLAGS; `marks` are the first two flags."""
    recovery = dynamics.recovery_of(see(seen, i, FIRST), see(seen, i, SECOND), size, move)
    echo = dynamics.echo_of(move, see(seen, i, HALF_MOVE), see(seen, i, WHOLE_MOVE))
    idle = (1 - see(seen, i, SOUNDING)) * int(token == NOTE_OFF)
    flags = (marks * FLAGS[2] + recovery) * FLAGS[3] + echo
    return int((flags * FLAGS[4] + idle) * FLAGS[5] + 1 - int(dynamics.is_token(action)))


@nb.njit(forceinline=True)
def play_row(
    seen: Words, history: Words, hidden: Words, where: Places, i: np.uint64, action: int
) -> int:
    """Play `action`, or a note off if it is none; the step after it.

    Coordinates go to column i of `where`. A row whose episode is over stays, at coordinates 0.
    """
    step, first = see(seen, i, STEP), see(seen, i, FIRST)
    live, token = int(step < STEPS), int(action * int(dynamics.is_token(action)))
    size, move = dynamics.interval_size(first, token), dynamics.move_of(first, token)
    past, tokens = word(history, SEEN_WORDS, i, 0), push(history, i, token)
    goes = dynamics.goes_on(first, see(seen, i, SECOND), token)
    lags, matches, counts, eight, intervals, going, moves = play_matches(
        hidden, i, token, tokens, move, goes
    )
    motif, distinct, returns = play_motif(seen, i, token, past, tokens[0], eight)
    moved = int(move != STILL)
    sums = word(hidden, HIDDEN_WORDS, i, SUMS)
    sums += moved * dynamics.INTERVAL_SURPRISE[np.uint64(size * moved)]
    a, fourth, ended, final, pitch = play_context(seen, i, token)
    b, marks, repeats, holds = play_repeats(seen, i, token, size, move, fourth)
    c, extremes, run, zigzag = play_line(seen, i, token, move, holds, distinct)
    d = encode(returns, moves, tokens, counts, sums & 0xFFFF, intervals)
    end = (final * END[1] + (d >> 56)) * END[2] + dynamics.monotony_level(going, intervals)
    end = int(step == STEPS - 1) * (1 + end)
    note(where, 0, i, live, step)
    note(where, 1, i, live, min(token, FIRST_ONSET) * NOTE[1] + pitch)
    note(where, 2, i, live, dynamics.pitch_class(first) * INTERVAL[1] + size)
    note(where, 3, i, live, play_flags(seen, i, action, token, size, move, marks))
    note(where, 4, i, live, extremes)
    note(where, 5, i, live, motif)
    note(where, 6, i, live, ended)
    note(where, 7, i, live, (repeats * PATTERN[1] + run) * PATTERN[2] + zigzag)
    note(where, 8, i, live, end)
    note(where, AXES + 1, i, 1, 1 - live)
    put_row(seen, SEEN_WORDS, i, live, (a, b, c, d))
    put_row(history, SEEN_WORDS, i, live, tokens)
    put(hidden, HIDDEN_WORDS, i, LAGS, live, lags)
    put(hidden, HIDDEN_WORDS, i, MATCHES, live, matches)
    put(hidden, HIDDEN_WORDS, i, SUMS, live, sums)
    return int(step + live)


@nb.njit
def play_rows(
    seen: Words,
    history: Words,
    hidden: Words,
    where: Places,
    terminated: npt.NDArray[np.bool_],
    actions: Words,
) -> None:
    """Play one action in each of up to CHUNK rows, the first of the arrays given."""
    for i in range(np.uint64(len(actions))):
        terminated[i] = play_row(seen, history, hidden, where, i, actions[i]) >= STEPS
