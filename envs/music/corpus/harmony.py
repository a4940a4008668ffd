"""Chords of polyphonic music that names none, a bar at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.envs.music.chords import Chord
from segue.envs.music.corpus.measures import WrittenNote

_CHORDS = tuple(
    Chord(root, quality) for quality in ("maj", "min", "7", "min7", "dim") for root in range(12)
)
# A template has unit length, so that more chord tones are no merit in themselves.
_TEMPLATES = np.array(
    [
        [(pc in chord.pitch_classes) / np.sqrt(len(chord.pitch_classes)) for pc in range(12)]
        for chord in _CHORDS
    ]
)
_BASS = 0.1


def estimate_chords(
    notes: Sequence[WrittenNote], first: int, last: int, bar: int
) -> list[tuple[int, int, Chord]]:
    """Chord of each bar by matching templates to the time that pitch classes sound.

    The chord whose tones, as a vector of unit length, have the largest product with the durations
    (Fujishima 1999, "Realtime chord recognition of musical sound"), where the lowest sounding note
    counts for its root, too. Bars in which nothing sounds keep the chord before.

    Parameters
    ----------
    notes : sequence of WrittenNote
        All sounding notes.
    first, last : int
        Ticks of the first barline and of the end.
    bar : int
        Ticks of a bar.

    Returns
    -------
    list of (int, int, Chord)
        Onset and length in ticks; equal neighbours are one.
    """
    count = max(1, -(-(last - first) // bar))
    weights = np.zeros((count, 12))
    lowest = np.full(count, 128)
    for note in notes:
        begin, end = max(note.place, first), min(note.place + note.ticks, last)
        while begin < end:
            index = (begin - first) // bar
            stop = min(end, first + (index + 1) * bar)
            weights[index, note.pitch % 12] += stop - begin
            lowest[index] = min(lowest[index], note.pitch)
            begin = stop
    found: list[tuple[int, int, Chord]] = []
    for index in range(count):
        onset = first + index * bar
        if not weights[index].any():
            if found:
                found[-1] = (found[-1][0], onset + bar - found[-1][0], found[-1][2])
            continue
        fit = _TEMPLATES @ weights[index] / np.linalg.norm(weights[index])
        roots = np.array([chord.root == lowest[index] % 12 for chord in _CHORDS])
        chord = _CHORDS[int(np.argmax(fit + _BASS * roots))]
        if found and found[-1][2] == chord and sum(found[-1][:2]) == onset:
            found[-1] = (found[-1][0], found[-1][1] + bar, chord)
        else:
            found.append((onset, bar, chord))
    return found
