"""Beats in an onset envelope, at the tempo that fits the music best.

Trackers find the pulse of a piece but often the wrong level of it: half, double, or the sixteenths
in threes. So librosa's tracker (Ellis 2007, "Beat tracking by dynamic programming") is run at its
own tempo and at simple ratios of it, and the tempo whose beats explain the onsets best is taken.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

TEMPO_RANGE = (70.0, 160.0)
"""Beats per minute that a listener is likely to tap."""

OCTAVES = (0.5, 2.0)
RATIOS = (2 / 3, 3 / 4, 4 / 5, 5 / 4, 4 / 3, 3 / 2)
"""Other tempi that are tried, over the tracker's own."""

CLEARLY = 1.15
"""How much better a tempo at one of `RATIOS` must fit; at `OCTAVES`, the usual error, merely so."""

FEWEST_BEATS = 4

_NEAR = 3
_TOP = 95


def beat_places(onsets: Array, bass: Array, rate: float) -> Places:
    """Places of the beats in an onset envelope; none where there is no pulse.

    Parameters
    ----------
    onsets, bass : ndarray (values,) float64
        Onset strength of the whole sound and of its bass alone.
    rate : float
        Values per second.
    """
    # Imported late: it brings numba, which takes a second to load.
    from librosa.beat import beat_track

    def track(tempo: float | None) -> tuple[float, Places]:
        # With a hop of one sample, librosa's sampling rate is that of the envelope.
        found, beats = beat_track(onset_envelope=onsets, sr=rate, hop_length=1, bpm=tempo)
        return float(np.atleast_1d(found)[0]), np.asarray(beats, dtype=np.int64)

    if not onsets.max() > 0:
        return np.zeros(0, np.int64)
    own, places = track(None)
    if own <= 0 or len(places) < FEWEST_BEATS:
        return np.zeros(0, np.int64)
    weight = drums(onsets, bass)
    slowest, fastest = TEMPO_RANGE
    best, most = places, fit(weight, places) if slowest <= own <= fastest else 0.0
    for ratio in (*OCTAVES, *RATIOS):
        tempo = own * ratio
        if slowest <= tempo <= fastest:
            _, tried = track(tempo)
            fits = fit(weight, tried) if len(tried) >= FEWEST_BEATS else 0.0
            if fits > most * (1.0 if ratio in OCTAVES else CLEARLY):
                best, most = tried, fits
    return best


def drums(onsets: Array, bass: Array) -> Array:
    """Onset strength in which the bass counts as much as everything, each over its mean."""
    return onsets / max(float(onsets.mean()), 1e-9) + bass / max(float(bass.mean()), 1e-9)


def fit(weight: Array, beats: Places) -> float:
    """How well beats explain the onsets, in [0, 1].

    Harmonic mean of precision and recall, where an onset counts by its squared weight. Precision is
    the mean over the beats of the weight near each, over that of a strong onset (95th percentile),
    at most 1; recall is the share of the weight of all onsets, from the first beat to the last,
    that lies near one. Too fast a tempo has beats without onsets, too slow a one leaves onsets out,
    any other has both.

    Parameters
    ----------
    weight : ndarray (values,) float64
        Of `drums`.
    beats : ndarray (beats,) int64
        Places in it.
    """
    peaks = np.flatnonzero((weight[1:-1] >= weight[:-2]) & (weight[1:-1] > weight[2:])) + 1
    peaks = peaks[(peaks >= beats[0] - _NEAR) & (peaks <= beats[-1] + _NEAR)]
    if not len(peaks):
        return 0.0
    strength = np.square(weight[peaks])
    after = np.clip(np.searchsorted(beats, peaks), 1, len(beats) - 1)
    away = np.minimum(np.abs(peaks - beats[after - 1]), np.abs(beats[after] - peaks))
    recall = float(strength[away <= _NEAR].sum() / max(strength.sum(), 1e-9))
    strong = max(float(np.percentile(strength, _TOP)), 1e-9)
    precision = float(np.minimum(np.square(near(weight, beats)) / strong, 1.0).mean())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def near(values: Array, places: Places) -> Array:
    """Largest of the values within two of each place."""
    around = np.clip(places[:, None] + np.arange(-2, 3), 0, len(values) - 1)
    return np.asarray(values[around].max(axis=1), dtype=np.float64)
