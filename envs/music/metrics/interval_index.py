"""A suffix array over the melodic intervals of a corpus: finds any run of them, in any key.

Melodies are compared by their intervals in semitones between consecutive notes, so that
transposition and rhythm make no difference. All suffixes of the corpus are sorted once (Manber &
Myers 1993); a melody's run is then found by binary search, and the longest run that starts at a
place is shared with a neighbour of where the search ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Pitches = npt.NDArray[np.int16]
Steps = npt.NDArray[np.int16]
Places = npt.NDArray[np.int32]

END = -1000
"""Stands between two melodies of the corpus; no interval."""

_LONGEST = 512
"""Runs are told apart up to this many intervals at least."""


@dataclass(frozen=True)
class IntervalIndex:
    """Sorted suffixes of a corpus of melodies.

    Attributes
    ----------
    pitches : int16 array, (n,)
        MIDI pitches of all melodies, one after the other.
    starts : int64 array, (melodies + 1,)
        Where each melody begins in `pitches`; n at the end.
    steps : int16 array, (n,)
        Interval from each note to the next; END at the last note of each melody.
    suffixes : int32 array, (n,)
        Places in `steps`, in the order of what begins there.
    """

    pitches: Pitches
    starts: Ints
    steps: Steps
    suffixes: Places

    @classmethod
    def build(cls, melodies: Sequence[Sequence[int]]) -> IntervalIndex:
        """Index melodies, each given by its MIDI pitches in order; there may be none."""
        starts = np.concatenate([[0], np.cumsum([len(melody) for melody in melodies])])
        pitches = np.array([pitch for melody in melodies for pitch in melody], dtype=np.int16)
        steps = np.diff(pitches, append=np.int16(0)).astype(np.int16)
        steps[np.unique(starts[1:]) - 1 if len(pitches) else []] = END
        return cls(pitches, starts.astype(np.int64), steps, _sorted_suffixes(steps))

    def longest_runs(self, pitches: Sequence[int]) -> tuple[Ints, Ints]:
        """Longest run of intervals of a melody, from each of its notes on, that the corpus has.

        Parameters
        ----------
        pitches : sequence of int, length m
            MIDI pitches in order.

        Returns
        -------
        intervals, places : int64 arrays, (m,)
            Length of the run in intervals, and where in the corpus's notes it begins.
        """
        melody = np.array(pitches, dtype=np.int16)
        runs, places = _longest_runs(self.steps, self.suffixes, np.diff(melody), len(melody))
        return runs, places

    def melody_at(self, place: int) -> int:
        """Number of the melody that has the corpus's note `place`."""
        return int(np.searchsorted(self.starts, place, side="right")) - 1


def _sorted_suffixes(steps: Steps) -> Places:
    """Sort by prefix doubling: rank of one symbol, of two, of four and so on."""
    n = len(steps)
    rank = np.unique(steps, return_inverse=True)[1].astype(np.int64)
    order = np.argsort(rank, kind="stable")
    width = 1
    while n and width < _LONGEST and rank.max() < n - 1:
        following = np.zeros(n, dtype=np.int64)
        following[:-width] = rank[width:] + 1
        key = rank * (n + 1) + following
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        rank[order] = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])])
        width *= 2
    return order.astype(np.int32)


@nb.njit(nogil=True, cache=True)
def _shared(steps: Steps, place: int, melody: Steps, start: int) -> int:
    """How many intervals the corpus from `place` and the melody from `start` have in common."""
    count = 0
    while (
        start + count < len(melody)
        and place + count < len(steps)
        and steps[place + count] == melody[start + count]
    ):
        count += 1
    return count


@nb.njit(nogil=True, cache=True)
def _first_not_below(steps: Steps, suffixes: Places, melody: Steps, start: int) -> int:
    """How many `suffixes` sort before the melody from `start` on."""
    low, high = 0, len(suffixes)
    while low < high:
        middle = (low + high) // 2
        place = suffixes[middle]
        shared = _shared(steps, place, melody, start)
        at, other = start + shared, place + shared
        if at < len(melody) and (other >= len(steps) or steps[other] < melody[at]):
            low = middle + 1
        else:
            high = middle
    return low


@nb.njit(nogil=True, cache=True)
def _longest_runs(steps: Steps, suffixes: Places, melody: Steps, notes: int) -> tuple[Ints, Ints]:
    runs = np.zeros(notes, dtype=np.int64)
    places = np.zeros(notes, dtype=np.int64)
    for start in range(len(melody)):
        where = _first_not_below(steps, suffixes, melody, start)
        for neighbour in range(max(where - 1, 0), min(where + 1, len(suffixes))):
            shared = _shared(steps, suffixes[neighbour], melody, start)
            if shared > runs[start]:
                runs[start], places[start] = shared, suffixes[neighbour]
    return runs, places
