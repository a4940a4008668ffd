"""Near-copies of a melody: found whatever their key and rhythm, and with some notes changed.

A melody is looked at as its pitches, a note repeated at once counting as one, so that splitting,
joining, lengthening and shortening of notes change nothing. Search goes in two steps. First every
run of three intervals of the query (four notes, transposition-invariant n-grams, cf. Downie 1999)
votes for the melodies that hold it and for the transposition in which they do. Then the shorter of
the two melodies is aligned within the longer one, in that transposition, by edit distance (cf.
Mongeau and Sankoff 1990); the *similarity* is the share of its notes that need no edit.

The thresholds were set where chance ends. Of excerpts from the default corpora played backwards,
which keep pitches and rhythm but copy nobody, about one in a hundred finds a melody as similar as
0.90 (excerpts of 24 notes), 0.81 (32), 0.75 (48) or 0.71 (whole tunes); `copy_threshold` lies
above. Copies of which a note in twelve was changed lie between 0.84 and 0.92.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.music.corpus.matching import (
    CODES,
    SHINGLE,
    TRANSPOSITIONS,
    align,
    candidates,
    shingle_codes,
)

SAME_THRESHOLD = 0.95
"""Similarity over the *longer* melody from which two are copies of one and the same."""

SHORTEST = SHINGLE + 1
"""Notes, repeated ones counted once, that a melody must have to be found."""

_CANDIDATES = 48

Pitches = Sequence[int] | npt.NDArray[np.integer]


@dataclass(frozen=True)
class Match:
    """A melody that resembles the query.

    Attributes
    ----------
    melody : int
        Its index.
    similarity : float
        Share of the notes of the shorter melody that are in the longer one, in order, 0-1.
    overall : float
        The same over the longer melody; 1 only where both are alike from beginning to end.
    transposition : int
        Semitones from the query up to the melody.
    start, stop : int
        Notes of the melody that match, as indices of its notes; all where it is the shorter one.
    """

    melody: int
    similarity: float
    overall: float
    transposition: int
    start: int
    stop: int


def copy_threshold(notes: int) -> float:
    """Similarity from which a melody counts as a near-copy of another.

    Short melodies resemble many others by chance, so more is asked of them.

    Parameters
    ----------
    notes : int
        Length of the shorter melody, repeated notes counted once.

    Returns
    -------
    float
        In [0.64, 1]: 1 for up to 20 notes, 0.94 for 24, 0.865 for 32, 0.79 for 48.
    """
    return min(1.0, 0.64 + 7.2 / max(1, notes))


class MelodyIndex:
    """Melodies prepared for search.

    Parameters
    ----------
    melodies : sequence of sequence of int
        MIDI pitches of each.
    """

    def __init__(self, melodies: Sequence[Pitches]) -> None:
        # Each keeps, beside its pitches, where they stand in the melody.
        self._places = [_changes(melody) for melody in melodies]
        self._pitches = [
            np.asarray(melody, dtype=np.int32)[places]
            for melody, places in zip(melodies, self._places, strict=True)
        ]
        self._lengths = [len(melody) for melody in melodies]
        shingles = [_shingles(pitches) for pitches in self._pitches]
        empty = np.zeros(0, dtype=np.int32)
        codes = np.concatenate([empty, *(code for code, _ in shingles)])
        order = np.argsort(codes, kind="stable")
        counts = [len(code) for code, _ in shingles]
        self._posted_tune = np.repeat(np.arange(len(counts), dtype=np.int32), counts)[order]
        self._posted_pitch = np.concatenate([empty, *(first for _, first in shingles)])[order]
        self._starts = np.zeros(CODES + 1, dtype=np.int64)
        np.cumsum(np.bincount(codes, minlength=CODES), out=self._starts[1:])
        self._votes = np.zeros((len(counts), TRANSPOSITIONS), dtype=np.float32)

    def __len__(self) -> int:
        return len(self._pitches)

    def nearest(
        self, pitches: Pitches, count: int = 1, *, without: int | None = None
    ) -> tuple[Match, ...]:
        """Melodies that resemble a query most.

        Parameters
        ----------
        pitches : sequence of int
            MIDI pitches of the query.
        count : int
            Most matches to return, up to 48.
        without : int or None
            Index of a melody to pass over, such as the query itself.

        Returns
        -------
        tuple of Match
            Most similar first; none where the query has fewer than `SHORTEST` notes, or shares no
            four notes in a row with any melody.
        """
        query = np.asarray(pitches, dtype=np.int32)[_changes(pitches)]
        found = candidates(
            *_shingles(query),
            self._starts,
            self._posted_tune,
            self._posted_pitch,
            self._votes,
            _CANDIDATES + 1,
        )
        matches = [
            self._match(query, int(melody), int(shift))
            for melody, shift in found
            if melody != without
        ]
        matches.sort(key=lambda match: (-match.similarity, -match.overall, match.melody))
        return tuple(matches[:count])

    def find_copies(
        self,
        pitches: Pitches,
        threshold: float | None = None,
        *,
        without: int | None = None,
    ) -> tuple[Match, ...]:
        """Melodies of which the query is a near-copy, or which are one of a part of it.

        Parameters
        ----------
        pitches, without
            As for `nearest`.
        threshold : float or None
            Least similarity; None asks `copy_threshold`.

        Returns
        -------
        tuple of Match
            Most similar first, up to 48.
        """
        length = len(_changes(pitches))
        return tuple(
            match
            for match in self.nearest(pitches, _CANDIDATES, without=without)
            if match.similarity
            >= (
                copy_threshold(min(length, len(self._pitches[match.melody])))
                if threshold is None
                else threshold
            )
        )

    def _match(self, query: npt.NDArray[np.int32], melody: int, shift: int) -> Match:
        other = self._pitches[melody]
        places = self._places[melody]
        if len(query) <= len(other):
            edits, first, last = align(query, other, shift)
            start = int(places[first]) if first < len(places) else self._lengths[melody]
            stop = int(places[last]) if last < len(places) else self._lengths[melody]
        else:
            edits, first, last = align(other, query, -shift)
            start, stop = 0, self._lengths[melody]
        shorter, longer = sorted((len(query), len(other)))
        outside = longer - (last - first)
        overall = max(0.0, 1.0 - (edits + outside) / longer)
        return Match(melody, 1.0 - edits / shorter, overall, shift, start, stop)


def _shingles(pitches: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], ...]:
    """Shingles of a melody and the pitch on which each begins, none twice."""
    codes = shingle_codes(pitches)
    both = np.unique(codes.astype(np.int64) * 128 + pitches[: len(codes)])
    return (both // 128).astype(np.int32), (both % 128).astype(np.int32)


def _changes(pitches: Pitches) -> npt.NDArray[np.intp]:
    """Places of the notes that differ from the one before."""
    array = np.asarray(pitches, dtype=np.int32)
    if not len(array):
        return np.zeros(0, dtype=np.intp)
    return np.flatnonzero(np.concatenate([[True], np.diff(array) != 0]))


@dataclass(frozen=True)
class Grouping:
    """Which melodies belong together.

    Attributes
    ----------
    groups : tuple of int
        Group of each melody, named by the index of the group's first one.
    copies : tuple of bool
        Whether an earlier melody is the same from beginning to end, up to `SAME_THRESHOLD`.
    """

    groups: tuple[int, ...]
    copies: tuple[bool, ...]


def group_melodies(
    melodies: Sequence[Pitches], report: Callable[[float], None] = lambda share: None
) -> Grouping:
    """Put melodies into groups of variants: near-copies of near-copies belong together.

    Parameters
    ----------
    melodies : sequence of sequence of int
        MIDI pitches of each.
    report : callable
        Told the share done.

    Returns
    -------
    Grouping
        The same for the same melodies in the same order.
    """
    index = MelodyIndex(melodies)
    parents = list(range(len(melodies)))
    copies = [False] * len(melodies)
    for number, melody in enumerate(melodies):
        if number % 256 == 0:
            report(number / len(melodies))
        for match in index.find_copies(melody, without=number):
            one, other = _root(parents, number), _root(parents, match.melody)
            parents[max(one, other)] = min(one, other)
            copies[number] |= match.melody < number and match.overall >= SAME_THRESHOLD
    groups = tuple(_root(parents, number) for number in range(len(melodies)))
    return Grouping(groups, tuple(copies))


def _root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number
