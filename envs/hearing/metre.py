"""Which tatums are beats, and which beats begin a bar.

The notes of a recording keep to a grid of tatums; what a listener taps and counts are multiples of
them. Every multiple within reach is a reading of the music, and each reading is rated by a weighted
sum of what Lerdahl and Jackendoff (1983, *A Generative Theory of Tonal Music*, chapter 4) prefer:
beats on which notes begin, long notes, bass notes, changes of harmony, and a moderate tempo.

The weights are those of a conditional logit model, fitted to 220 renderings of 110 tunes of the
corpora's training split, half of them solos, with 16 instruments, the arrangements of all moods and
tempi from 70 to 140 beats a minute. They are not the last word on any one style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segue.envs.film.beat_tracking import HOP, SAMPLE_RATE
from segue.envs.hearing.tatum import Tatum
from segue.envs.hearing.types import Floats, HeardNote, Pulse

SHORTEST_BEAT, LONGEST_BEAT = 0.33, 1.3
"""Seconds of a felt beat, 46 to 182 a minute."""

BAR_BEATS = (2, 3, 4)
"""Felt beats of a bar."""

_MIDDLE_TEMPO = 100.0  # Felt beats a minute that listeners prefer.
_USUAL_BAR = 2.0  # Seconds.
_USUAL_NOTES = 2.0  # Of the melody, a beat.
_LONG = 1.0  # Seconds, from which on a note's length does not count any further.
_AROUND = 0.8  # Seconds on either side that are compared for a change of harmony.
_LOW = 12  # Semitones below the melody's middle, from which on a note counts as bass.
_SOFTENED = 0.05
_PHASE = np.array([1.0, 1.0, 0.5, 1.0])  # Of onsets, lengths, bass, harmony for the place of beats.

FEATURES = (
    *("tempo", "onsets", "lengths", "bass", "occupied", "compound", "bar_onsets", "bar_lengths"),
    *("bar_bass", "bar_harmony", "bar_seconds", "notes", "tatums"),
)
"""What a reading is rated by, in the order of `WEIGHTS`."""

WEIGHTS = np.array([5.64, 2.38, 4.02, 1.33, 1.8, 0.55, 1.45, -0.67, 0.53, 1.16, 0.2, 0.89, -2.14])

BAR_FEATURES = (
    *("onsets", "lengths", "bass", "harmony", "seconds", "three", "four"),
    *("repeated_onsets", "repeated_bass", "repeated_harmony", "begins", "late"),
)
"""What a bar and its downbeat are rated by, in the order of `BAR_WEIGHTS`."""

BAR_WEIGHTS = np.array([2.82, 2.47, -0.54, 5.21, -0.38, -1.6, -1.58, 0.04, 1.43, 1.86, 0.5, -2.13])


@dataclass(frozen=True)
class Reading:
    """One way to count the tatums.

    Attributes
    ----------
    tatums : int
        Of a felt beat.
    is_compound : bool
        Whether the beat divides into three.
    phase : int
        Tatum of the first beat.
    bar_beats : int
        Felt beats of a bar.
    downbeat : int
        Beat that begins the first bar, 0 <= downbeat < bar_beats.
    features : ndarray (len(FEATURES),) float64
        What speaks for it.
    """

    tatums: int
    is_compound: bool
    phase: int
    bar_beats: int
    downbeat: int
    features: Floats

    @property
    def metre(self) -> tuple[int, int]:
        """Time signature."""
        return (3 * self.bar_beats, 8) if self.is_compound else (self.bar_beats, 4)


@dataclass(frozen=True)
class Accents:
    """What happens on each tatum.

    Attributes
    ----------
    rows : ndarray (4, n) float64
        Weight of the onsets of all voices; seconds until the next note of the melody, at most
        one; weight of the onsets of the bass; change of harmony, 0-1.
    seconds : float
        Of a tatum.
    """

    rows: Floats
    seconds: float


def accents(
    tatum: Tatum,
    onsets: tuple[Floats, Floats, np.ndarray],
    melody: Sequence[HeardNote],
    pitch_classes: Floats,
) -> Accents:
    """Collect what happens on each tatum.

    Parameters
    ----------
    tatum : Tatum
        The grid.
    onsets : tuple of ndarray
        Seconds, weights and pitches of `segue.envs.hearing.melody.onset_events`.
    melody : sequence of HeardNote
        In order, at least one.
    pitch_classes : ndarray (frames, 12) float64
        Of `segue.envs.hearing.harmony`.
    """
    seconds, weights, pitches = onsets
    count = len(tatum.times)
    rows = np.zeros((4, count))
    places = _nearest(seconds, tatum)
    np.add.at(rows[0], places, weights)
    starts = np.array([note.start for note in melody])
    lengths = np.minimum(np.diff(starts, append=melody[-1].end), _LONG)
    np.maximum.at(rows[1], _nearest(starts, tatum), lengths)
    low = pitches < np.median([note.pitch for note in melody]) - _LOW
    np.add.at(rows[2], places[low], weights[low])
    rows[3] = _harmony_changes(pitch_classes, tatum.times)
    first, last = int(places.min()), int(places.max())
    return Accents(rows[:, first : last + 1], tatum.period)


def readings(accents: Accents) -> list[Reading]:
    """All ways to count the tatums; tatum 0 is that of the first onset."""
    found = []
    for tatums in range(1, int(LONGEST_BEAT / accents.seconds) + 1):
        if not SHORTEST_BEAT <= tatums * accents.seconds <= LONGEST_BEAT:
            continue
        for parts in (2, 3):
            if tatums % parts == 0 or (tatums == 1 and parts == 2):
                found.append(_reading(accents, tatums, parts == 3))
    return found


def count_beats(accents: Accents) -> Reading:
    """The reading of a grid of beats, instead of tatums: only its bars are chosen."""
    return _reading(accents, 1, False)


def choose(found: Sequence[Reading]) -> Reading:
    """The reading that is rated highest."""
    return max(found, key=lambda reading: float(reading.features @ WEIGHTS))


def pulse_of(reading: Reading, tatum: Tatum, onsets: Floats) -> Pulse:
    """Seconds of the beats of a reading, a bar beyond the onsets on either side.

    Parameters
    ----------
    reading : Reading
        Of the accents of the same tatums.
    tatum : Tatum
        The grid.
    onsets : ndarray (n,) float64
        Seconds of the onsets from which the accents came.
    """
    first = int(_nearest(onsets, tatum).min()) + reading.phase
    last = len(tatum.times) - 1
    places = np.arange(first % reading.tatums, last + 1, reading.tatums)
    beats = tatum.times[places]
    downbeat = (first // reading.tatums + reading.downbeat) % reading.bar_beats
    margin = np.arange(1, reading.bar_beats + 1)
    beats = np.concatenate(
        [
            beats[0] - margin[::-1] * reading.tatums * tatum.period,
            beats,
            beats[-1] + margin * reading.tatums * tatum.period,
        ]
    )
    return Pulse(beats, reading.metre, downbeat, min(1.0, tatum.resonance))


def _reading(accents: Accents, tatums: int, is_compound: bool) -> Reading:
    rows, seconds = accents.rows, tatums * accents.seconds
    on_beats = _contrasts(rows, tatums)
    phase = int((_PHASE @ on_beats).argmax())
    bars = [
        (bar_beats, downbeat, values)
        for bar_beats in BAR_BEATS
        for downbeat, values in enumerate(_bar_features(accents, tatums, phase, bar_beats))
    ]
    bar_beats, downbeat, bar = max(bars, key=lambda entry: float(entry[2] @ BAR_WEIGHTS))
    melody = rows[1] > 0
    notes = max(float(melody.mean()) * tatums, 0.1)
    features = [
        -(np.log2(60.0 / seconds / _MIDDLE_TEMPO) ** 2),
        *on_beats[:3, phase],
        float(melody[phase::tatums].mean()) if phase < len(melody) else 0.0,
        float(is_compound),
        *bar[:5],
        -(np.log2(notes / _USUAL_NOTES) ** 2),
        float(np.log2(tatums)),
    ]
    return Reading(tatums, is_compound, phase, bar_beats, downbeat, np.array(features))


def _bar_features(accents: Accents, tatums: int, phase: int, bar_beats: int) -> Floats:
    """What speaks for each downbeat of bars of so many beats, (bar_beats, len(BAR_FEATURES))."""
    rows, length = accents.rows, tatums * bar_beats
    places = (phase + tatums * np.arange(bar_beats)) % length
    contrasts = _contrasts(rows, length)[:, places].T
    usual = -(np.log2(length * accents.seconds / _USUAL_BAR) ** 2)
    again = [_repeated(rows[row], length) for row in (0, 2, 3)]
    same = np.array([usual, bar_beats == 3, bar_beats == 4, *again])
    # Music begins with a bar or with a short pickup to one.
    opening = np.stack([places == 0, places > length / 2], axis=1)
    return np.hstack([contrasts, np.tile(same, (bar_beats, 1)), opening])


def _repeated(row: Floats, length: int) -> float:
    """Correlation of a row with itself a bar later; 0 where there are not two bars."""
    away = row - row.mean()
    power = float(np.square(away).mean())
    if length > len(row) // 2 or power < 1e-12:
        return 0.0
    return float((away[length:] * away[:-length]).mean()) / power


def _contrasts(rows: Floats, every: int) -> Floats:
    """Logarithm of the mean at each place of a cycle over the mean of all, (4, every)."""
    count = rows.shape[1]
    padded = np.pad(rows, ((0, 0), (0, -count % every))).reshape(4, -1, every)
    times = np.bincount(np.arange(count) % every, minlength=every)
    means = padded.sum(axis=1) / np.maximum(times, 1)
    overall = rows.mean(axis=1, keepdims=True)
    contrast = np.log(means / np.maximum(overall, 1e-9) + _SOFTENED)
    return np.asarray(np.where(overall > 1e-9, contrast, 0.0))


def _nearest(seconds: Floats, tatum: Tatum) -> np.ndarray:
    """Index of the tatum nearest to each moment."""
    number = np.interp(seconds, tatum.times, np.arange(len(tatum.times)))
    return np.rint(number).astype(np.int64)


def _harmony_changes(pitch_classes: Floats, times: Floats) -> Floats:
    """One minus the cosine of what sounds before and after each moment."""
    added = np.concatenate([np.zeros((1, 12)), np.cumsum(pitch_classes, axis=0)])
    around = round(_AROUND * SAMPLE_RATE / HOP)
    frames = len(pitch_classes)
    at = np.clip(np.rint(times * SAMPLE_RATE / HOP).astype(np.int64), 0, frames)
    before = added[at] - added[np.maximum(at - around, 0)]
    after = added[np.minimum(at + around, frames)] - added[at]
    size = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    alike = (before * after).sum(axis=1) / np.maximum(size, 1e-9)
    return np.asarray(np.where(size > 1e-9, 1.0 - alike, 0.0))
