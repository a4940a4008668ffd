"""Objective descriptors of one piece, after MusPy (Dong et al. 2020), by their definitions.

All take notes whose times are quarter notes, 0 being the first barline; the order does not matter.
Where nothing can be said (no notes, one bar) the value is NaN, as in MusPy. Where MusPy's code
departs from its own definition, the definition is followed and the docstring says so. Its two
drum metrics are left out: there are no drums in a melody. Times are exact, not on a grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.music.scales import scale_classes
from segue.envs.music.tune import Note

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TOLERANCE = 1e-6
"""Quarter notes; triplets have no exact binary fraction."""


def pitches_of(notes: Sequence[Note]) -> Ints:
    """MIDI pitches of notes, (n,), in the order given."""
    return np.array([note.pitch for note in notes], dtype=np.int64)


def pitch_range(notes: Sequence[Note]) -> float:
    """Highest minus lowest pitch, in semitones (MusPy ``pitch_range``; there 0 without notes)."""
    return float(np.ptp(pitches_of(notes))) if notes else math.nan


def pitches_used(notes: Sequence[Note]) -> float:
    """How many different pitches there are (MusPy ``n_pitches_used``)."""
    return float(len(np.unique(pitches_of(notes))))


def pitch_classes_used(notes: Sequence[Note]) -> float:
    """How many different pitch classes there are, 0-12 (MusPy ``n_pitch_classes_used``)."""
    return float(len(np.unique(pitches_of(notes) % 12)))


def polyphony(notes: Sequence[Note]) -> float:
    """Pitches that sound at once, averaged over the time in which any does (MusPy ``polyphony``).

    1 for any melody without overlaps. Two notes of one pitch that overlap count once.
    """
    sounding, length = _pitches_sounding(notes)
    busy = length[sounding > 0].sum()
    return float((sounding * length).sum() / busy) if busy > 0 else math.nan


def polyphony_rate(notes: Sequence[Note]) -> float:
    """Share of the time in which two pitches or more sound (MusPy ``polyphony_rate``).

    ``time with at least two pitches / time from the beginning to the last note's end``; the
    beginning is 0, or the first note if it is a pickup. MusPy's code counts *more than two* by
    default (``> threshold``, 2), which misses every two-part passage and its own definition,
    "time steps where multiple pitches are on".
    """
    sounding, length = _pitches_sounding(notes)
    whole = length.sum()
    return float(length[sounding >= 2].sum() / whole) if whole > 0 else math.nan


def _pitches_sounding(notes: Sequence[Note]) -> tuple[Ints, Floats]:
    """Different pitches that sound between any two changes, and how long, from the beginning."""
    if not notes:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    ordered = sorted(notes, key=lambda note: note.pitch)
    onset = np.array([note.onset for note in ordered])
    end = onset + np.array([note.duration for note in ordered])
    edges = np.unique(np.concatenate([onset, end, [min(0.0, onset.min())]]))
    middle = (edges[:-1] + edges[1:]) / 2
    on = (onset[:, None] <= middle) & (middle < end[:, None])
    first_of_pitch = np.flatnonzero(np.diff(pitches_of(ordered), prepend=-1))
    return np.logical_or.reduceat(on, first_of_pitch, axis=0).sum(axis=0), np.diff(edges)


def pitch_in_scale_rate(notes: Sequence[Note], tonic: int, mode: str) -> float:
    """Share of the notes whose pitch class is in a scale (MusPy ``pitch_in_scale_rate``).

    Parameters
    ----------
    notes : sequence of Note
        The piece.
    tonic : int
        Pitch class, 0 (C) to 11 (B).
    mode : str
        A key of `segue.envs.music.scales.MODES`.

    Raises
    ------
    SegueError
        If the mode is unknown or the tonic is no pitch class.
    """
    scale = sorted(scale_classes(tonic, mode))
    return float(np.isin(pitches_of(notes) % 12, scale).mean()) if notes else math.nan


def scale_consistency(notes: Sequence[Note]) -> float:
    """Largest `pitch_in_scale_rate` over the major and natural minor scales.

    (Mogren 2016; MusPy ``scale_consistency``.)
    """
    # Every natural minor scale has the pitch classes of a major one.
    return max(pitch_in_scale_rate(notes, tonic, "major") for tonic in range(12))


def entropy(counts: npt.NDArray[Any]) -> float:
    """Shannon entropy in bits of a histogram, ``-sum p log2 p``; NaN if it is empty."""
    total = counts.sum()
    if total <= 0:
        return math.nan
    share = counts[counts > 0] / total
    return float(-(share * np.log2(share)).sum() + 0.0)


def pitch_entropy(notes: Sequence[Note]) -> float:
    """`entropy` of the histogram of pitches (Wu & Yang 2020; MusPy ``pitch_entropy``)."""
    return entropy(np.bincount(pitches_of(notes)))


def pitch_class_entropy(notes: Sequence[Note]) -> float:
    """`entropy` of the histogram of pitch classes, at most log2 12.

    (Wu & Yang 2020; MusPy ``pitch_class_entropy``.)
    """
    return entropy(np.bincount(pitches_of(notes) % 12))


def empty_beat_rate(notes: Sequence[Note], beat: float = 1.0) -> float:
    """Share of the beats in which no note sounds (Dong et al. 2018; MusPy ``empty_beat_rate``).

    Parameters
    ----------
    notes : sequence of Note
        The piece.
    beat : float
        Length of a beat in quarter notes, > 0.

    Notes
    -----
    Beats run from 0, or a pickup's first beat, to the one in which the last note ends. MusPy's
    code adds a beat after the last one where the piece ends on a beat, and takes a beat for
    occupied that a note only reaches with its end; here the end belongs to the beat before.
    """
    return _empty_rate(notes, beat, pickup=True)


def empty_measure_rate(notes: Sequence[Note], bar: float = 4.0) -> float:
    """Share of the bars in which no note sounds (MuseGAN; MusPy ``empty_measure_rate``).

    `bar` is the length of a bar in quarter notes, > 0. Bars run from 0; a pickup is in none.
    MusPy's code departs from its definition as in `empty_beat_rate`.
    """
    return _empty_rate(notes, bar, pickup=False)


def _empty_rate(notes: Sequence[Note], length: float, pickup: bool) -> float:
    """Share of empty stretches of `length` from 0, or from the `pickup`, to the end."""
    busy = set[int]()
    for note in notes:
        first = math.floor((note.onset + _TOLERANCE) / length)
        last = math.ceil((note.onset + note.duration - _TOLERANCE) / length)
        busy.update(range(first, max(last, first + 1)))
    if not pickup:
        busy = {stretch for stretch in busy if stretch >= 0}
    if not busy:
        return math.nan
    return 1.0 - len(busy) / (max(busy) + 1 - min(0, *busy))


def groove_consistency(notes: Sequence[Note], bar: float = 4.0, positions: int = 16) -> float:
    """How alike the onsets of neighbouring bars are (Wu & Yang 2020; MusPy).

    ``1 - mean over neighbours of Hamming(G_i, G_i+1) / positions``, G_i being the binary vector
    of the onsets of bar i: 1 where all bars have one rhythm.

    Parameters
    ----------
    notes : sequence of Note
        The piece; notes of a pickup belong to no bar.
    bar : float
        Length of a bar in quarter notes, > 0.
    positions : int
        Positions in a bar, each onset being moved to the nearest, >= 1.

    Notes
    -----
    MusPy's code takes ``length // bar + 1`` bars: a piece that ends at a barline is compared with
    an empty bar that is not there, which lowers the value the more the shorter the piece. Here
    the bars are those in which something sounds or begins.
    """
    if not notes:
        return math.nan
    place = np.array([round(note.onset / bar * positions) for note in notes])
    end = max(note.onset + note.duration for note in notes)
    bars = max(math.ceil((end - _TOLERANCE) / bar), int(place.max()) // positions + 1)
    if bars < 2:
        return math.nan
    onsets = np.zeros(bars * positions, dtype=np.bool_)
    onsets[place[place >= 0]] = True
    pattern = onsets.reshape(bars, positions)
    return 1.0 - float((pattern[:-1] != pattern[1:]).mean())


DESCRIPTORS: dict[str, Callable[[Sequence[Note], float], float]] = {
    "pitch range": lambda notes, _: pitch_range(notes),
    "pitches used": lambda notes, _: pitches_used(notes),
    "pitch classes used": lambda notes, _: pitch_classes_used(notes),
    "polyphony": lambda notes, _: polyphony(notes),
    "polyphony rate": lambda notes, _: polyphony_rate(notes),
    "scale consistency": lambda notes, _: scale_consistency(notes),
    "pitch entropy": lambda notes, _: pitch_entropy(notes),
    "pitch class entropy": lambda notes, _: pitch_class_entropy(notes),
    "empty beat rate": lambda notes, _: empty_beat_rate(notes),
    "empty measure rate": empty_measure_rate,
    "groove consistency": groove_consistency,
}
"""Every descriptor that needs no key, called with the notes and the bar's length in quarters."""
