"""Chords of polyphonic music that names none: a bar at a time, or beat by beat."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segue.envs.music.chords import Chord
from segue.envs.music.corpus.measures import TICKS, Measure, TimeSignature, WrittenNote

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
_ROOTS = np.array([chord.root for chord in _CHORDS])
_BASS = 0.1
# What a new chord must fit better by than the one before, added up over the spans that it holds.
_CHANGE = 0.15

POLYPHONIC = 1.5
"""Notes in all for each of the melody, from which on the rest is taken for its harmony."""

Span = tuple[int, int]
"""Onset and length in ticks."""


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
    spans = [(onset, bar) for onset in range(first, max(last, first + 1), bar)]
    profile = _Profile(len(spans))
    profile.add(notes, spans, 0, last)
    return _merged(spans, profile.fit().argmax(axis=1), profile.sounds())


def chords_by_beat(measures: Sequence[tuple[Measure, Sequence[WrittenNote]]]) -> None:
    """Estimate the chords of written measures from all of their parts, beat by beat.

    Templates are matched as `estimate_chords` does. A chord stays, however, unless others fit
    better by more than a change costs (the best path is found by Viterbi's algorithm): chords that
    are broken into single notes, and passing notes, do not make a chord each.

    Parameters
    ----------
    measures : sequence of (Measure, sequence of WrittenNote)
        In order; the notes are those of all parts, places from the beginning of the measure. Each
        measure's `chords` are filled in.
    """
    spans: list[Span] = []
    owners: list[Measure] = []
    profile = _Profile(sum(len(_beats(measure)) for measure, _ in measures))
    for measure, notes in measures:
        own = _beats(measure)
        profile.add(notes, own, len(spans), measure.ticks)
        spans += own
        owners += [measure] * len(own)
    if not spans:
        return
    path, sounds = _smoothest(profile.fit()), profile.sounds()
    before = -1
    for owner, (onset, _), chord, is_heard in zip(owners, spans, path, sounds, strict=True):
        if is_heard and chord != before:
            owner.chords.append((onset, _CHORDS[chord]))
            before = int(chord)


def _beats(measure: Measure) -> list[Span]:
    """Felt beats of a measure; those of a pickup are counted from the barline that it leads to."""
    if measure.ticks <= 0:
        return []  # Written, but empty.
    beat = _beat_ticks(measure.metre)
    early = measure.ticks % beat
    starts = [0, *range(early, measure.ticks, beat)] if early else [*range(0, measure.ticks, beat)]
    ends = [*starts[1:], measure.ticks]
    return [(start, end - start) for start, end in zip(starts, ends, strict=True)]


def _beat_ticks(metre: TimeSignature | None) -> int:
    """Ticks of the felt beat: three units in compound metre, else one; at least a quarter."""
    beats, unit = metre or (4, 4)
    threes = unit >= 8 and beats % 3 == 0
    return max(TICKS, (12 if threes else 4) * TICKS // unit)


class _Profile:
    """How long each pitch class sounds in each span, and the lowest pitch there."""

    def __init__(self, count: int) -> None:
        self._weights = np.zeros((count, 12))
        self._lowest = np.full(count, 128)

    def add(self, notes: Sequence[WrittenNote], spans: Sequence[Span], row: int, last: int) -> None:
        """Count notes into `spans`, whose rows begin at `row`; beyond `last` nothing sounds."""
        weights, lowest = self._weights, self._lowest
        starts = [onset for onset, _ in spans]
        for note in notes:
            end = min(note.place + note.ticks, last)
            first = max(0, bisect_right(starts, note.place) - 1)
            for index in range(first, bisect_left(starts, end)):
                onset, length = spans[index]
                share = min(end, onset + length) - max(note.place, onset)
                weights[row + index, note.pitch % 12] += max(0, share)
                lowest[row + index] = min(lowest[row + index], note.pitch)

    def sounds(self) -> npt.NDArray[np.bool_]:
        """Whether anything sounds in each span."""
        return np.asarray(self._weights.any(axis=1))

    def fit(self) -> npt.NDArray[np.float64]:
        """How well each chord fits each span: (spans, chords), 0 to about 1."""
        length = np.linalg.norm(self._weights, axis=1, keepdims=True)
        fit = self._weights @ _TEMPLATES.T / np.where(length > 0, length, 1.0)
        return np.asarray(fit + _BASS * (self._lowest[:, None] % 12 == _ROOTS) * (length > 0))


def _smoothest(fit: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Chord of each span on the path of the best fit, where each change costs `_CHANGE`."""
    best, comes_from = fit[0], np.zeros(fit.shape, dtype=np.int64)
    own = np.arange(fit.shape[1])
    for index in range(1, len(fit)):
        top = int(best.argmax())
        stays = best >= best[top] - _CHANGE
        comes_from[index] = np.where(stays, own, top)
        best = np.where(stays, best, best[top] - _CHANGE) + fit[index]
    path = np.empty(len(fit), dtype=np.int64)
    path[-1] = best.argmax()
    for index in range(len(fit) - 1, 0, -1):
        path[index - 1] = comes_from[index, path[index]]
    return path


def _merged(
    spans: Sequence[Span], chosen: npt.NDArray[np.int64], sounds: npt.NDArray[np.bool_]
) -> list[tuple[int, int, Chord]]:
    found: list[tuple[int, int, Chord]] = []
    for (onset, length), index, is_heard in zip(spans, chosen, sounds, strict=True):
        chord = _CHORDS[int(index)]
        if found and (not is_heard or found[-1][2] == chord):
            found[-1] = (found[-1][0], onset + length - found[-1][0], found[-1][2])
        elif is_heard:
            found.append((onset, length, chord))
    return found
