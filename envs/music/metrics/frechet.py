"""How far two sets of melodies are apart as wholes: the Frechet distance of their features.

Of two sets, each summed up by mean and covariance of a feature vector, it is the squared
2-Wasserstein distance of the normal distributions with these (Dowson & Landau 1982)::

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))

Heusel et al. (2017) made it the usual measure of generated pictures, with features of a network
that had learnt to classify. There is no such network for melodies that everybody has, so the
features here are those of `melody_features`, which anyone can work out: which pitches, intervals,
lengths and places in the bar there are, and how far bars and beats repeat each other. They are
standardised on people's melodies (`Standard`), so that each weighs alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.music.metrics.descriptors import groove_consistency, pitch_entropy
from segue.envs.music.metrics.features import pitch_class_histogram
from segue.envs.music.tune import Note

Floats = npt.NDArray[np.float64]

_INTERVAL_EDGES = np.array([-7.5, -4.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 4.5, 7.5])
_INTERVALS = ("-8", "-7 to -5", "-4, -3", "-2", "-1", "0", "1", "2", "3, 4", "5 to 7", "8")
_LENGTH_EDGES = np.array([0.375, 0.625, 0.875, 1.25, 1.75, 2.5])
_LENGTHS = ("16th", "8th", "dotted 8th", "quarter", "dotted quarter", "half", "longer")
_PLACES = 16
_SCALARS = (
    "notes a bar",
    "different pitches",
    "range",
    "mean pitch",
    "mean interval",
    "pitch entropy",
    "groove consistency",
    "as a beat before",
    "as a half bar before",
    "as a bar before",
)

FEATURE_NAMES: tuple[str, ...] = (
    *(f"pitch class {number}" for number in range(12)),
    *(f"interval {name}" for name in _INTERVALS),
    *(f"length {name}" for name in _LENGTHS),
    *(f"onset at {place}/16" for place in range(_PLACES)),
    *_SCALARS,
)
"""Names of the numbers of `melody_features`, in its order."""

_LEAST_DEVIATION = 1e-6


def melody_features(notes: Sequence[Note], bars: int = 2, bar: float = 4.0) -> Floats:
    """What a melody is like, in `FEATURE_NAMES` numbers, all finite.

    Parameters
    ----------
    notes : sequence of Note
        Monophonic, in order of onset; times in quarter notes, 0 a barline, transposed to one key
        with all others it is compared with.
    bars : int
        Bars of the melody, >= 1; what begins later is folded back in the places of onsets only.
    bar : float
        Length of a bar in quarter notes, > 0.

    Returns
    -------
    float64 array, (56,)
        Shares of the sounding time by pitch class; shares of the intervals; shares of the notes
        by length; onsets a bar at each sixteenth of the bar; notes a bar, different pitches,
        range and mean pitch in semitones (MIDI), mean size of the intervals, pitch entropy in
        bits, groove consistency; shares of the sixteenths of the bar at which the same pitch
        sounds as a quarter of a bar, half a bar and a bar before. All 0 without notes; what needs
        two notes or bars is 0 without them.
    """
    if not notes:
        return np.zeros(len(FEATURE_NAMES))
    pitches = np.array([note.pitch for note in notes], dtype=np.float64)
    steps = np.diff(pitches)
    lengths = np.array([note.duration for note in notes]) * (4.0 / bar)
    onsets = np.array([round(note.onset / bar * _PLACES) for note in notes], dtype=np.int64)
    intervals = np.bincount(np.digitize(steps, _INTERVAL_EDGES), minlength=len(_INTERVALS))
    classes = np.bincount(np.digitize(lengths, _LENGTH_EDGES), minlength=len(_LENGTHS))
    sounding = _sounding(notes, bars, bar)
    scalars = [
        len(notes) / bars,
        len(np.unique(pitches)),
        float(np.ptp(pitches)),
        float(pitches.mean()),
        float(np.abs(steps).mean()) if len(steps) else 0.0,
        pitch_entropy(notes),
        float(np.nan_to_num(groove_consistency(notes, bar))),
        *(_repeated(sounding, lag) for lag in (_PLACES // 4, _PLACES // 2, _PLACES)),
    ]
    return np.concatenate(
        [
            pitch_class_histogram(notes),
            intervals / max(len(steps), 1),
            classes / len(notes),
            np.bincount(onsets % _PLACES, minlength=_PLACES) / bars,
            np.array(scalars),
        ]
    )


def _sounding(notes: Sequence[Note], bars: int, bar: float) -> npt.NDArray[np.int64]:
    """Pitch that sounds in each sixteenth of the bar, -1 in silence: (16 bars,)."""
    sounding = np.full(bars * _PLACES, -1, dtype=np.int64)
    for note in notes:
        first = max(round(note.onset / bar * _PLACES), 0)
        last = round((note.onset + note.duration) / bar * _PLACES)
        sounding[first : max(last, first)] = note.pitch
    return sounding


def _repeated(sounding: npt.NDArray[np.int64], lag: int) -> float:
    same = (sounding[lag:] == sounding[:-lag]) & (sounding[lag:] >= 0)
    return float(same.mean()) if len(same) else 0.0


@dataclass(frozen=True)
class Standard:
    """What features are measured in: mean and standard deviation over people's melodies.

    Attributes
    ----------
    mean, deviation : float64 arrays, (d,)
        Of each feature; a deviation is above 0.
    """

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, features: Floats) -> Standard:
        """Take mean and deviation of people's features, (n, d); one that never varies keeps 1.

        Raises
        ------
        SegueError
            If there are fewer than two rows.
        """
        if features.ndim != 2 or len(features) < 2:
            raise SegueError(
                f"The features have the shape {features.shape}; give two rows or more."
            )
        deviation = features.std(axis=0)
        fixed = deviation < _LEAST_DEVIATION
        return cls(features.mean(axis=0), np.where(fixed, 1.0, deviation))

    def __call__(self, features: Floats) -> Floats:
        """Features (n, d) in deviations from the mean."""
        scaled: Floats = (features - self.mean) / self.deviation
        return scaled


def frechet_distance(first: Floats, second: Floats) -> float:
    """Frechet distance of two sets of feature vectors.

    Parameters
    ----------
    first, second : float arrays, (n, d) and (m, d)
        Two rows or more each. The distance of two small sets of one origin is above 0, and falls
        as they grow: compare sets of one size.

    Returns
    -------
    float
        0 and more, in squared units of the features.

    Raises
    ------
    SegueError
        If a set has fewer than two rows, or the vectors differ in length.
    """
    for name, rows in (("first", first), ("second", second)):
        if rows.ndim != 2 or len(rows) < 2:
            raise SegueError(f"The {name} set has the shape {rows.shape}; give two rows or more.")
    if first.shape[1] != second.shape[1]:
        raise SegueError(
            f"The sets have {first.shape[1]} and {second.shape[1]} features; give the same ones."
        )
    return frechet_of_moments(
        first.mean(axis=0), _covariance(first), second.mean(axis=0), _covariance(second)
    )


def _covariance(rows: Floats) -> Floats:
    covariance: Floats = np.atleast_2d(np.cov(rows, rowvar=False))
    return covariance


def frechet_of_moments(mean: Floats, covariance: Floats, other: Floats, spread: Floats) -> float:
    """Frechet distance of two normal distributions: means (d,), covariances (d, d)."""
    # The square root of S1 S2 has the eigenvalues of that of S1^(1/2) S2 S1^(1/2), a symmetric
    # matrix, whose eigenvalues can be had without complex numbers.
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values.clip(0.0))) @ vectors.T
    crossed = np.linalg.eigvalsh(root @ spread @ root).clip(0.0)
    apart = float(((mean - other) ** 2).sum())
    distance = apart + np.trace(covariance) + np.trace(spread) - 2.0 * np.sqrt(crossed).sum()
    return max(0.0, float(distance))


__all__ = [
    "FEATURE_NAMES",
    "Standard",
    "frechet_distance",
    "frechet_of_moments",
    "melody_features",
]
