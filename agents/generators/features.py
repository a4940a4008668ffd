"""What a melody model sees of the tokens before each sixteenth, as rows of whole numbers.

Attention could find all of it in the tokens; told outright, it is learnt from few tunes. Apart from
the last token these are the last three pitches, the time since the last event, the place in the
bar and in the tune, and what stood at this place one, two, four and eight bars before, where tunes
repeat themselves.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.agents.generators.conditions import METRES, TAG_SIZES
from segue.envs.melody.types import FIRST_ONSET, HOLD, NO_PITCH, NO_TOKEN, PITCHES, TOKENS

LAGS = (1, 2, 4, 8)
"""Bars between a sixteenth and the earlier ones at its place that are shown."""

LONGEST_BAR = 24
"""Sixteenths of the longest bar."""

MOST_BARS = 63
"""Bars are counted up to here."""

_SINCE = 16
_LAGS = np.array(LAGS)
_PITCH, _TOKEN = PITCHES + 1, TOKENS + 1

HISTORY_SIZES = (
    _TOKEN,
    *(_PITCH,) * 3,
    2 * (_SINCE + 1),
    (len(METRES) + 1) * LONGEST_BAR,
    MOST_BARS + 1,
    MOST_BARS + 1,
    *(_TOKEN,) * len(LAGS),
)
"""Values of each column that depends on the place and the tokens before it."""

SIZES = HISTORY_SIZES + TAG_SIZES
"""Values of all columns; the tags of `segue.agents.generators.conditions` come last."""

COLUMNS = len(HISTORY_SIZES)
"""Columns before the tags."""

Integers = npt.NDArray[np.int64]


@nb.njit(cache=True)
def _fill(
    tokens: Integers,
    bar: Integers,
    start: Integers,
    bars: Integers,
    placed: npt.NDArray[np.bool_],
    metre: Integers,
    begin: int,
    out: Integers,
) -> None:
    rows, length = tokens.shape
    for row in range(rows):
        first = second = third = NO_PITCH
        since, sounding, last = 0, 0, NO_TOKEN
        for place in range(length):
            if place:
                last = tokens[row, place - 1]
                since = min(since + (since > 0), _SINCE)
                if last != HOLD and last < TOKENS:
                    since, sounding = 1, int(last >= FIRST_ONSET)
                    if sounding:
                        first, second, third = last - FIRST_ONSET, first, second
            if place < begin:
                continue
            seen = out[row, place - begin]
            at = start[row] + place
            number = at // bar[row]
            seen[0], seen[1], seen[2], seen[3] = last, first, second, third
            seen[4] = 2 * since + sounding
            seen[5] = metre[row] * LONGEST_BAR + at % bar[row]
            seen[6] = min(number + 1, MOST_BARS) if placed[row] else 0
            seen[7] = min(max(bars[row] - number, 1), MOST_BARS) if bars[row] else 0
            for index in range(len(_LAGS)):
                earlier = place - _LAGS[index] * bar[row]
                seen[8 + index] = tokens[row, earlier] if earlier >= 0 else NO_TOKEN


def features(
    tokens: npt.NDArray[np.integer],
    bar: Integers,
    start: Integers,
    bars: Integers,
    placed: npt.NDArray[np.bool_],
    metre: Integers,
    begin: int = 0,
) -> Integers:
    """Describe the history of each sixteenth; it depends on no token from there on.

    Parameters
    ----------
    tokens : int array, (n, t)
        Tokens of n tunes; NO_TOKEN behind the end of one.
    bar : int64 array, (n,)
        Sixteenths in a bar, 1 to LONGEST_BAR.
    start : int64 array, (n,)
        Place of the first token in its bar.
    bars : int64 array, (n,)
        Bars of the whole tune, from which it follows how many are left; 0 if that is not known.
    placed : bool array, (n,)
        Whether the tune begins with the first token; False where it may be any place of a tune.
    metre : int64 array, (n,)
        The tag of the metre, 0 if it is not known.
    begin : int
        The first sixteenth that is wanted.

    Returns
    -------
    int64 array, (n, t - begin, COLUMNS)
        Each column from 0 to below its size in HISTORY_SIZES.
    """
    rows, length = tokens.shape
    out = np.zeros((rows, length - begin, COLUMNS), dtype=np.int64)
    plain = np.ascontiguousarray(tokens, dtype=np.int64)
    _fill(plain, bar, start, bars, placed, metre, begin, out)
    return out


def chord_features(bits: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
    """Pitch classes and root of chords.

    Parameters
    ----------
    bits : int array, (n, t)
        As `segue.envs.melody.sequences.Sequence16.chords`.

    Returns
    -------
    float32 array, (n, t, 24)
        1 for each pitch class of the chord, then for its root; all 0 where there is none.
    """
    shifted = bits[..., None] >> np.arange(12)
    root = (bits[..., None] >> 12 == np.arange(12)) & (bits[..., None] > 0)
    return np.concatenate([shifted & 1, root], axis=-1).astype(np.float32)


CHORD_WIDTH = 24
"""Width of `chord_features`."""
