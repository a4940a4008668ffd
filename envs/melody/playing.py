"""One token in one row of a batch: what each rule of `dynamics` reads and writes.

Each function reads the columns of its own rule as they were before the token, and writes them; so
the last pitches, which most rules read, are written last.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.melody import dynamics, ngram
from segue.envs.melody.observation import encode
from segue.envs.melody.reward_grid import (
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
    CHAIN,
    DIRECTION,
    DISTINCT,
    FIRST,
    FIRST_ONSET,
    FOURTH,
    HALF_MOVE,
    HOLD,
    HOLDS,
    LEAPING,
    LEAPT_FROM,
    LENGTH,
    MEAN_SURPRISE,
    MOVES,
    NO_PITCH,
    NOTE_OFF,
    OCCURRENCES,
    OFFS,
    PREVIOUS,
    PRODUCTS,
    REPEATS,
    RETURNS,
    RUN,
    SECOND,
    SHORTER,
    SINCE_LEAP,
    SOUNDING,
    SQUARES,
    STEP,
    STEPS,
    SUM,
    SURPRISE,
    THIRD,
    TOP,
    TOP_COUNT,
    WHOLE_MOVE,
    ZIGZAG,
)

AUTOCORRELATED = 0.15
"""Autocorrelation from which on RL Tuner counts it."""

LAGS = 3

Ints = npt.NDArray[np.int32]
Codes = npt.NDArray[np.int8]
Seen = npt.NDArray[np.int16]


@nb.njit(inline="always")
def play_repeats(seen: Seen, i: int, token: int) -> tuple[int, int]:
    """Excessive, and the repeats that this onset makes (0 without onset)."""
    first, repeats, broken = seen[i, FIRST], seen[i, REPEATS], seen[i, BROKEN]
    holds, offs = seen[i, HOLDS], seen[i, OFFS]
    too_many = dynamics.excessive(token, first, holds, offs, repeats, broken)
    holds, offs, repeats, broken = dynamics.count_repeats(
        token, first, holds, offs, repeats, broken
    )
    seen[i, HOLDS], seen[i, OFFS] = holds, offs
    seen[i, REPEATS], seen[i, BROKEN] = repeats, broken
    return too_many, repeats * int(token >= FIRST_ONSET)


@nb.njit(inline="always")
def play_leap(seen: Seen, i: int, token: int, size: int, move: int) -> int:
    """RL Tuner's outcome of a leap."""
    leaping, origin, since, outcome = dynamics.leap_on(
        seen[i, LEAPING],
        seen[i, LEAPT_FROM],
        seen[i, SINCE_LEAP],
        seen[i, FIRST],
        token,
        size,
        move,
    )
    seen[i, LEAPING], seen[i, LEAPT_FROM], seen[i, SINCE_LEAP] = leaping, origin, since
    return int(outcome)


@nb.njit(inline="always")
def play_extremes(seen: Seen, i: int, token: int) -> int:
    """Place on the axis EXTREMES."""
    top, times = seen[i, TOP], seen[i, TOP_COUNT]
    bottom, often = seen[i, BOTTOM], seen[i, BOTTOM_COUNT]
    top_was, bottom_was = int(times == 1), int(often == 1)
    top, times = dynamics.raise_top(top, times, token)
    bottom, often = dynamics.lower_bottom(bottom, often, token)
    seen[i, TOP], seen[i, TOP_COUNT] = top, times
    seen[i, BOTTOM], seen[i, BOTTOM_COUNT] = bottom, often
    lone = int(top == 0) * int(seen[i, HOLDS] == 1)
    place = (top_was * EXTREMES[1] + int(times == 1)) * EXTREMES[2] + bottom_was
    return (place * EXTREMES[3] + int(often == 1)) * EXTREMES[4] + lone


@nb.njit(inline="always")
def play_contour(
    seen: Seen, hidden: Ints, i: int, token: int, size: int, move: int
) -> tuple[int, int, int]:
    """Echo, run and zigzag; the last two are 0 without onset."""
    echo = dynamics.echo_of(move, seen[i, HALF_MOVE], seen[i, WHOLE_MOVE])
    direction, run = dynamics.runs_on(seen[i, DIRECTION], seen[i, RUN], move)
    zigzag = dynamics.zigzags_on(seen[i, ZIGZAG], seen[i, FIRST], seen[i, SECOND], token)
    seen[i, DIRECTION], seen[i, RUN], seen[i, ZIGZAG] = direction, run, zigzag
    moved = int(move != 0)
    hidden[i, SURPRISE] += moved * dynamics.INTERVAL_SURPRISE[np.uint64(size * moved)]
    hidden[i, MOVES] += moved
    begins = int(token >= FIRST_ONSET)
    return echo, run * begins, zigzag * begins


@nb.njit(inline="always")
def play_motif(seen: Seen, hidden: Ints, history: Codes, i: int, step: int, token: int) -> int:
    """Place on the axis MOTIF; `history` holds the token already."""
    column = np.uint64(OCCURRENCES + token)
    places = hidden[i, column]
    distinct = seen[i, DISTINCT] + dynamics.enters(step, token, places)
    hidden[i, column] = places | 1 << step
    gone = history[np.uint64(max(step - SHORTER, 0)), i]
    left = dynamics.leaves(max(step, SHORTER), gone, hidden[i, np.uint64(OCCURRENCES + gone)])
    seen[i, DISTINCT] = distinct - left * int(step >= SHORTER)
    here = dynamics.earlier_places(step, places)
    ends = hidden[i, CHAIN + SHORTER - 1] << 1 & here
    for link in range(SHORTER - 1, 0, -1):
        column = np.uint64(CHAIN) + np.uint64(link)
        hidden[i, column] = hidden[i, column - np.uint64(1)] << 1 & here
    hidden[i, CHAIN] = here
    full = distinct * int(step >= SHORTER)
    again = int(ends != 0) * int(full >= 3)
    seen[i, RETURNS] += again
    return int(full * MOTIF[1] + again * seen[i, RETURNS])


@nb.njit(inline="always")
def play_sums(hidden: Ints, history: Codes, i: int, step: int, token: int) -> float:
    """Sum of the absolute autocorrelations that count; `history` holds the token already."""
    hidden[i, SUM] += token
    hidden[i, SQUARES] += token * token
    total, squares, ends, found = hidden[i, SUM], hidden[i, SQUARES], 0, 0.0
    for place in range(LAGS):
        lag = place + 1
        past = max(step - lag, 0)
        product = token * history[np.uint64(past), i] * int(step >= lag)
        hidden[i, PRODUCTS + place] += product
        ends += history[np.uint64(place), i] + history[np.uint64(max(step - place, 0)), i]
        size = abs(
            dynamics.correlation(step + 1, total, squares, hidden[i, PRODUCTS + place], ends, lag)
        )
        found += size * int(size > AUTOCORRELATED)
    return found


@nb.njit(inline="always")
def play_context(seen: Seen, i: int, token: int) -> tuple[int, int, int]:
    """Length of the note that ends, place on the axis NOTE, and length of what sounds."""
    sounding, length, third = seen[i, SOUNDING], seen[i, LENGTH], seen[i, THIRD]
    begins = int(token >= FIRST_ONSET)
    ended = length * sounding * int(token != HOLD)
    seen[i, FOURTH] += begins * (third - seen[i, FOURTH])
    length, previous, sounding, first, second, third = ngram.next_context(
        length, seen[i, PREVIOUS], sounding, seen[i, FIRST], seen[i, SECOND], third, token
    )
    seen[i, LENGTH], seen[i, PREVIOUS], seen[i, SOUNDING] = length, previous, sounding
    seen[i, FIRST], seen[i, SECOND], seen[i, THIRD] = first, second, third
    pitch = NO_PITCH + sounding * (first - NO_PITCH)
    return ended, min(token, FIRST_ONSET) * NOTE[1] + pitch, length * sounding


@nb.njit(inline="always")
def play_line(seen: Seen, hidden: Ints, history: Codes, i: int, action: int, where: Ints) -> None:
    """Play `action`, or a note off if it is none, by the rules of melodic motion."""
    step = seen[i, STEP]
    known = dynamics.is_token(action)
    token = int(action * int(known))
    first = seen[i, FIRST]
    size, move = dynamics.interval_size(first, token), dynamics.move_of(first, token)
    history[np.uint64(step), i] = token
    history[np.uint64(STEPS + step), i] = move
    recovery = dynamics.recovery_of(first, seen[i, SECOND], size, move)
    too_many, repeats = play_repeats(seen, i, token)
    outcome = play_leap(seen, i, token, size, move)
    echo, run, zigzag = play_contour(seen, hidden, i, token, size, move)
    idle = (1 - seen[i, SOUNDING]) * int(token == NOTE_OFF)
    flags = ((too_many * FLAGS[1] + outcome) * FLAGS[2] + recovery) * FLAGS[3] + echo
    where[2, i] = dynamics.PITCH_CLASS[np.uint64(first)] * INTERVAL[1] + size
    where[3, i] = (flags * FLAGS[4] + idle) * FLAGS[5] + int(not known)
    where[7, i] = (repeats * PATTERN[1] + run) * PATTERN[2] + zigzag


@nb.njit(inline="always")
def play_note(seen: Seen, hidden: Ints, history: Codes, i: int, token: int, where: Ints) -> None:
    """Go on to the next sixteenth."""
    step = seen[i, STEP]
    ended, note, final = play_context(seen, i, token)
    seen[i, STEP] = step + 1
    encode(seen, hidden, history, step + 1, i)
    last = int(step == STEPS - 1)
    where[0, i], where[1, i], where[6, i] = step, note, ended
    where[8, i] = last * (1 + final * END[1] + seen[i, MEAN_SURPRISE])
