"""Features of one piece for comparing sets of pieces (Yang & Lerch 2020).

*On the evaluation of generative models in music*, Neural Computing and Applications 32. All take
notes whose times are quarter notes, in any order. Where the authors' code (mgeval) departs from
the paper, the paper is followed and the docstring says so. Features are shapes of one size, so
that their Euclidean distances mean something; NaN where a piece is too short for one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from segue.envs.music.metrics.descriptors import pitch_range, pitches_of, pitches_used
from segue.envs.music.tune import Note

Floats = npt.NDArray[np.float64]

NOTE_LENGTHS: dict[str, float] = {
    "full": 4.0,
    "half": 2.0,
    "quarter": 1.0,
    "8th": 0.5,
    "16th": 0.25,
    "dotted half": 3.0,
    "dotted quarter": 1.5,
    "dotted 8th": 0.75,
    "dotted 16th": 0.375,
    "half triplet": 4.0 / 3.0,
    "quarter triplet": 2.0 / 3.0,
    "8th triplet": 1.0 / 3.0,
}
"""The paper's classes of note lengths, in quarter notes, in its order."""


def note_count(notes: Sequence[Note]) -> float:
    """How many notes there are."""
    return float(len(notes))


def pitch_class_histogram(notes: Sequence[Note]) -> Floats:
    """Share of the sounding time that each pitch class has, (12,); NaN without notes.

    mgeval sums a piano roll at 100 frames a second, whose cells hold velocities, so that loud
    notes count more and short ones are rounded; here durations are exact and unweighted.
    """
    duration = np.array([note.duration for note in notes])
    counted = np.bincount(pitches_of(notes) % 12, weights=duration, minlength=12)
    return counted / counted.sum() if notes else np.full(12, math.nan)


def pitch_class_transition_matrix(notes: Sequence[Note]) -> Floats:
    """Count of each ordered pair of pitch classes of consecutive notes, (12, 12): from, to.

    mgeval lets pretty_midi count only pairs with less than 50 ms between the first one's end and
    the second's beginning, so that its value depends on articulation and tempo; the paper, and
    this function, count each consecutive pair.
    """
    classes = pitches_of(_in_order(notes)) % 12
    matrix = np.zeros((12, 12))
    np.add.at(matrix, (classes[:-1], classes[1:]), 1.0)
    return matrix


def average_pitch_interval(notes: Sequence[Note]) -> float:
    """Mean size of the interval between consecutive notes, in semitones; NaN below two notes."""
    size = np.abs(np.diff(pitches_of(_in_order(notes))))
    return float(size.mean()) if len(size) else math.nan


def average_inter_onset_interval(notes: Sequence[Note]) -> float:
    """Mean time between consecutive onsets, in quarter notes; NaN below two onsets.

    mgeval gives seconds, so that it measures the tempo too, and counts an interval of 0 between
    the notes of a chord; here notes that begin together are one onset.
    """
    onsets = np.unique([round(note.onset, 6) for note in notes])
    return float(np.diff(onsets).mean()) if len(onsets) >= 2 else math.nan


def note_length_classes(notes: Sequence[Note]) -> npt.NDArray[np.int64]:
    """Index of the nearest of `NOTE_LENGTHS` of each note, (n,), in order of onset.

    mgeval measures in 96ths of a bar, so that its quarter is a dotted eighth in 3/4, and reads
    the bar's length from the wrong byte of the time signature on a file's second track. Here a
    quarter is a quarter; in 4/4 both agree.
    """
    lengths = np.array(list(NOTE_LENGTHS.values()))
    duration = np.array([note.duration for note in _in_order(notes)])
    nearest: npt.NDArray[np.int64] = np.abs(duration[:, None] - lengths).argmin(axis=1)
    return nearest


def note_length_histogram(notes: Sequence[Note]) -> Floats:
    """Share of the notes in each class of `NOTE_LENGTHS`, (12,); NaN without notes."""
    if not notes:
        return np.full(len(NOTE_LENGTHS), math.nan)
    counted = np.bincount(note_length_classes(notes), minlength=len(NOTE_LENGTHS))
    return counted / len(notes)


def note_length_transition_matrix(notes: Sequence[Note]) -> Floats:
    """Count of each ordered pair of length classes of consecutive notes, (12, 12): from, to."""
    matrix = np.zeros((len(NOTE_LENGTHS), len(NOTE_LENGTHS)))
    classes = note_length_classes(notes) if notes else np.zeros(0, dtype=np.int64)
    np.add.at(matrix, (classes[:-1], classes[1:]), 1.0)
    return matrix


def _in_order(notes: Sequence[Note]) -> list[Note]:
    return sorted(notes, key=lambda note: (note.onset, note.pitch))


FEATURES: dict[str, Callable[[Sequence[Note]], float | Floats]] = {
    "pitch count": pitches_used,
    "pitch class histogram": pitch_class_histogram,
    "pitch class transition matrix": pitch_class_transition_matrix,
    "pitch range": pitch_range,
    "average pitch interval": average_pitch_interval,
    "note count": note_count,
    "average inter-onset interval": average_inter_onset_interval,
    "note length histogram": note_length_histogram,
    "note length transition matrix": note_length_transition_matrix,
}
"""The paper's nine features by name."""
