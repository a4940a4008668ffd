"""Compiled search for a melody among many: votes of shared shingles, then an alignment.

The functions here are the inner loops of `segue.envs.music.corpus.duplicates`, where the method is
described. Melodies lie one behind another in flat arrays.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]

SHINGLE = 3
"""Intervals in a shingle."""

_REACH = 12
_BASE = 2 * _REACH + 1
CODES: int = _BASE**SHINGLE
"""Number of different shingles; intervals beyond an octave count as an octave."""

TRANSPOSITIONS = 256
"""Differences of MIDI pitches, -128 to 127, are counted from 128."""


@numba.njit(cache=True)
def shingle_codes(pitches: Ints) -> Ints:
    """Code of the shingle that begins at each note, 0 to `CODES` - 1; shape (notes - SHINGLE,)."""
    count = max(0, len(pitches) - SHINGLE)
    codes = np.empty(count, dtype=np.int32)
    for place in range(count):
        code = 0
        for step in range(SHINGLE):
            interval = pitches[place + step + 1] - pitches[place + step]
            code = code * _BASE + min(max(interval, -_REACH), _REACH) + _REACH
        codes[place] = code
    return codes


@numba.njit(cache=True)
def candidates(
    codes: Ints,
    pitches: Ints,
    starts: npt.NDArray[np.int64],
    posted_tune: Ints,
    posted_pitch: Ints,
    votes: npt.NDArray[np.float32],
    count: int,
) -> Ints:
    """Melodies that share most shingles with a query under one transposition, rare ones first.

    A shingle counts the logarithm of how many times as many postings there are in all, so that
    what every tune has decides little.

    Parameters
    ----------
    codes, pitches : ndarray (shingles,) int32
        The query's shingles, none twice, and the pitch of the first note of each.
    starts : ndarray (CODES + 1,) int64
        Where the postings of each shingle begin.
    posted_tune, posted_pitch : ndarray (postings,) int32
        Melody, and pitch of the shingle's first note in it.
    votes : ndarray (melodies, TRANSPOSITIONS) float32
        All 0, and 0 again afterwards.
    count : int
        Most melodies to return.

    Returns
    -------
    ndarray (found, 2) int32
        Melody and transposition (its pitch minus the query's), most votes first.
    """
    best = np.zeros(len(votes), dtype=np.float32)
    shifts = np.zeros(len(votes), dtype=np.int32)
    for place in range(len(codes)):
        first, last = starts[codes[place]], starts[codes[place] + 1]
        weight = np.float32(np.log(len(posted_tune) / max(1, last - first)))
        for index in range(first, last):
            tune = posted_tune[index]
            shift = posted_pitch[index] - pitches[place] + 128
            votes[tune, shift] += weight
            if votes[tune, shift] > best[tune]:
                best[tune], shifts[tune] = votes[tune, shift], shift - 128
    for place in range(len(codes)):
        for index in range(starts[codes[place]], starts[codes[place] + 1]):
            votes[posted_tune[index], posted_pitch[index] - pitches[place] + 128] = 0
    order = np.argsort(-best, kind="mergesort")
    found = np.empty((min(count, len(order)), 2), dtype=np.int32)
    kept = 0
    for tune in order[:count]:
        if best[tune] == 0:
            break
        found[kept, 0], found[kept, 1] = tune, shifts[tune]
        kept += 1
    return found[:kept]


@numba.njit(cache=True)
def align(short: Ints, long: Ints, shift: int) -> tuple[int, int, int]:
    """Place a melody within a longer one at least cost (Sellers 1980).

    Parameters
    ----------
    short, long : ndarray (notes,) int32
        Pitches.
    shift : int
        Added to the pitches of `short`.

    Returns
    -------
    tuple of int
        Notes to change, put in or leave out; first note in `long`, and one past the last.
    """
    width = len(long)
    cost = np.zeros(width + 1, dtype=np.int32)
    begin = np.arange(width + 1).astype(np.int32)
    for row in range(len(short)):
        diagonal, diagonal_begin = cost[0], begin[0]
        cost[0] = row + 1
        for column in range(1, width + 1):
            value = diagonal + (short[row] + shift != long[column - 1])
            origin = diagonal_begin
            diagonal, diagonal_begin = cost[column], begin[column]
            if cost[column] + 1 < value:
                value, origin = cost[column] + 1, begin[column]
            if cost[column - 1] + 1 < value:
                value, origin = cost[column - 1] + 1, begin[column - 1]
            cost[column], begin[column] = value, origin
    stop = int(np.argmin(cost))
    return cost[stop], begin[stop], stop
