"""How much of a melody is copied from a corpus: the longest run, and near-copies.

Keys and rhythm make no difference: melodies are compared by their intervals. A *copied run* is
exact; people share runs too (stock figures, scales), so that a run means something only beside
the runs of people's own melodies in the same corpus. A *near-copy* is a melody most of whose
notes come in order from one melody of the corpus, though some were changed, left out or put in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from segue.envs.base.errors import SegueError
from segue.envs.music.corpus.duplicates import Match, MelodyIndex
from segue.envs.music.metrics.interval_index import IntervalIndex


@dataclass(frozen=True)
class CopiedRun:
    """The longest run of a melody that a corpus has.

    Attributes
    ----------
    notes : int
        Its length in notes: one more than its intervals, or 0 for a melody without notes.
    start : int
        Number of its first note in the melody.
    melody : int
        Number of the corpus's melody, -1 where no interval is shared.
    """

    notes: int
    start: int
    melody: int


def copied_run(index: IntervalIndex, pitches: Sequence[int]) -> CopiedRun:
    """Longest run of a melody's intervals that the corpus has.

    Parameters
    ----------
    index : IntervalIndex
        The corpus.
    pitches : sequence of int
        MIDI pitches of the melody, in order.
    """
    if not len(pitches):
        return CopiedRun(notes=0, start=0, melody=-1)
    runs, places = index.longest_runs(pitches)
    start = int(runs.argmax())
    melody = index.melody_at(int(places[start])) if runs[start] else -1
    return CopiedRun(notes=int(runs[start]) + 1, start=start, melody=melody)


def run_range(runs: Iterable[int], share: float = 0.95) -> int:
    """Notes that the copied runs of a `share` of people's melodies do not exceed.

    Parameters
    ----------
    runs : iterable of int
        Lengths in notes of the copied runs of melodies that are not in the corpus, of about the
        length of those to be judged: longer melodies have longer runs.
    share : float
        0 to 1.

    Raises
    ------
    SegueError
        If there are no runs.
    """
    lengths = np.fromiter(runs, dtype=np.int64)
    if not len(lengths):
        raise SegueError("There are no runs to take the range of; give people's melodies.")
    return int(np.quantile(lengths, share, method="higher"))


def chance_similarity(notes: int) -> float:
    """Similarity that two melodies, the shorter of `notes` notes, hardly have by chance.

    Parameters
    ----------
    notes : int
        Notes of the shorter melody, repeated ones counted once.

    Returns
    -------
    float
        ``0.45 + 1.7 / sqrt(notes)``. Set by people's melodies played backwards, which have their
        intervals and habits but are nobody's copies, in a corpus of 3,400 tunes: fewer than 1 in
        100 of 30 notes or more are above it, 1 in 35 of 22 and 1 in 14 of 14 notes, where chance
        and copy can hardly be told apart. Below 10 notes it is above 1.
    """
    return 0.45 + 1.7 / math.sqrt(max(notes, 1))


class CopySearch:
    """Search for near-copies of melodies that may be short.

    Among `segue.envs.music.corpus.duplicates.Match`es it takes only what `chance_similarity`
    makes unlikely by chance, so that a motif of two bars is judged more strictly than a tune.

    Parameters
    ----------
    melodies : sequence of sequences of int
        MIDI pitches of the corpus's melodies.
    """

    def __init__(self, melodies: Sequence[Sequence[int]]) -> None:
        self._index = MelodyIndex(melodies)
        self._lengths = [_changes(melody) for melody in melodies]

    def find(self, pitches: Sequence[int]) -> Match | None:
        """The match furthest above chance, or None where none is.

        Parameters
        ----------
        pitches : sequence of int
            MIDI pitches of the melody, in order.
        """
        notes = _changes(pitches)
        best, excess = None, 0.0
        for match in self._index.nearest(pitches, count=24):
            chance = chance_similarity(min(notes, self._lengths[match.melody]))
            if match.similarity - chance >= excess:
                best, excess = match, match.similarity - chance
        return best


def _changes(pitches: Sequence[int]) -> int:
    """Notes of a melody, repeated ones counted once."""
    return int(np.count_nonzero(np.diff(pitches))) + 1 if len(pitches) else 0
