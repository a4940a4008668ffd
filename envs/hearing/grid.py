"""Notes and chords of a recording on the grid of its beats."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from segue.envs.hearing.types import Floats, HeardNote, Pulse
from segue.envs.music.chords import Chord
from segue.envs.music.tune import ChordSpan, Note

_SIXTEENTHS, _TRIPLETS, _COMPOUND = 4, 3, 6
"""Places of a beat: one of two in simple metre; in compound metre those of a dotted quarter."""

_CLEARLY = 0.6  # Share of the sixteenths' error that triplets must stay under.
_REST = 0.5  # Beats of silence from which on it is written as a rest.


def beat_positions(seconds: Floats, pulse: Pulse) -> Floats:
    """Place of moments, in felt beats after `Pulse.downbeat`; the pulse goes on at its ends."""
    beats = pulse.beats
    number = np.arange(len(beats)) - pulse.downbeat
    first, last = beats[1] - beats[0], beats[-1] - beats[-2]
    inside = np.interp(seconds, beats, number)
    before = np.minimum(seconds - beats[0], 0.0) / first
    return np.asarray(inside + before + np.maximum(seconds - beats[-1], 0.0) / last)


def written_melody(notes: Sequence[HeardNote], pulse: Pulse) -> tuple[Note, ...]:
    """Put notes on the grid, in quarter notes from the downbeat.

    Each beat of a simple metre has sixteenths, or triplets where those fit its onsets clearly
    better. A note lasts until the next one unless half a beat of silence lies between. Of notes
    that fall on the same place the longest stays.

    Parameters
    ----------
    notes : sequence of HeardNote
        In order.
    pulse : Pulse
        Of the recording.
    """
    starts = beat_positions(np.array([note.start for note in notes]), pulse)
    ends = beat_positions(np.array([note.end for note in notes]), pulse)
    kept: dict[float, tuple[float, int]] = {}
    for place, end, note in zip(_on_grid(starts, pulse), ends.tolist(), notes, strict=True):
        if place not in kept or end - place > kept[place][0] - place:
            kept[place] = (end, note.pitch)
    places = sorted(kept)
    parts = _COMPOUND if pulse.quarters == 1.5 else _SIXTEENTHS
    written = []
    for place, after in pairwise([*places, np.inf]):
        end, pitch = kept[place]
        # Staccato is written as full lengths.
        end = after if end > after - _REST else max(place + 1 / parts, round(end * parts) / parts)
        quarters = pulse.quarters
        written.append(Note(place * quarters, (min(end, after) - place) * quarters, pitch))
    return tuple(written)


def written_chords(chords: Sequence[Chord | None], pulse: Pulse) -> tuple[ChordSpan, ...]:
    """Join the chords of beats to spans, in quarter notes from the downbeat.

    Parameters
    ----------
    chords : sequence of Chord or None
        One for each stretch from beat to beat of `pulse`.
    pulse : Pulse
        Of the recording.
    """
    spans: list[ChordSpan] = []
    quarters = pulse.quarters
    for index, chord in enumerate(chords):
        if chord is None:
            continue
        onset = (index - pulse.downbeat) * quarters
        last = spans[-1] if spans else None
        if last is not None and last.chord == chord and last.onset + last.duration == onset:
            spans[-1] = ChordSpan(last.onset, last.duration + quarters, chord)
        else:
            spans.append(ChordSpan(onset, quarters, chord))
    return tuple(spans)


def _on_grid(positions: Floats, pulse: Pulse) -> list[float]:
    """Nearest place of the grid for each onset, in beats."""
    if pulse.quarters == 1.5:
        return [float(place) for place in np.rint(positions * _COMPOUND) / _COMPOUND]
    straight = np.rint(positions * _SIXTEENTHS) / _SIXTEENTHS
    thirds = np.rint(positions * _TRIPLETS) / _TRIPLETS
    beat = np.floor(positions + 0.125)
    chosen = straight.copy()
    for number in np.unique(beat):
        own = beat == number
        off_straight = float(np.abs(positions - straight)[own].sum())
        off_thirds = float(np.abs(positions - thirds)[own].sum())
        # A beat without an inner onset has no triplets.
        inner = (np.abs(positions - np.rint(positions))[own] > 0.125).any()
        if inner and off_thirds < _CLEARLY * off_straight:
            chosen[own] = thirds[own]
    return [float(place) for place in chosen]
