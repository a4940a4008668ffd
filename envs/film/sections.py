"""Sections of a piece of music: where verse gives way to chorus, the theme to the next.

Harmony and timbre of every beat are compared with those of the beats around it. At a boundary what
came before is alike in itself, and so is what comes after, but they differ from one another: the
checkerboard novelty of Foote 2000, "Automatic audio segmentation using a measure of audio novelty".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

REACH = 16
"""Beats to each side that are compared: four bars of four."""

SHORTEST = 8
"""Least beats of a section."""

FLOOR = 0.25
"""Novelty below which nothing changes, whatever the rest of the piece does; the most is 2."""

_HOP = 1024
_COEFFICIENTS = 13


def beat_features(sound: npt.NDArray[np.float32], rate: int, times: Array) -> Array:
    """Harmony (chroma) and timbre (MFCC) of each beat.

    Parameters
    ----------
    sound : ndarray (samples,) float32
        Mono.
    rate : int
        Samples per second.
    times : ndarray (b + 1,) float64
        Seconds of the beats and of the end of the last.

    Returns
    -------
    ndarray (b, 25) float64
        Means over each beat. Each half is scaled as one to a mean squared deviation from the
        piece's mean of one; what never changes is 0.
    """
    # Imported late: it brings numba, which takes a second to load.
    from librosa import feature

    settings = {"y": np.pad(sound, (0, max(0, 4096 - len(sound)))), "sr": rate, "hop_length": _HOP}
    chroma = feature.chroma_stft(**settings, n_fft=4096, tuning=0.0, norm=None)
    harmony = np.sqrt(chroma / np.maximum(chroma.sum(axis=0), 1e-9))
    # The first coefficient is loudness.
    timbre = feature.mfcc(**settings, n_mfcc=_COEFFICIENTS + 1)[1:]
    edges = np.clip(np.round(times * rate / _HOP).astype(np.int64), 0, harmony.shape[1] - 1)
    parts = []
    for course in (harmony, timbre):
        mean = np.array([course[:, a : max(b, a + 1)].mean(axis=1) for a, b in _pairs(edges)])
        away = np.asarray(mean - mean.mean(axis=0), dtype=np.float64)
        parts.append(away / max(float(np.sqrt(np.square(away).sum(axis=1).mean())), 1e-6))
    return np.concatenate(parts, axis=1)


def novelty(features: Array, reach: int = REACH) -> Array:
    """How much each beat begins something new, ``(b,)``.

    With S the cosine similarity of beats and weights that fall off with distance (a Gaussian of
    deviation reach / 2): half the mean similarity within the beats before and within those after,
    less the mean similarity across, in [-2, 2]. 0 at the edges, where fewer than half of the reach
    lies before or after.
    """
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    found = np.zeros(len(unit))
    for beat in range(reach // 2, len(unit) - reach // 2 + 1):
        first, last = max(beat - reach, 0), min(beat + reach, len(unit))
        alike = unit[first:last] @ unit[first:last].T
        weight = np.exp(-0.5 * np.square((np.arange(first, last) - beat + 0.5) / (reach / 2)))
        split = beat - first
        before, after = weight[:split], weight[split:]
        if len(after) < reach // 2:
            break
        within = _mean(alike[:split, :split], before, before)
        within += _mean(alike[split:, split:], after, after)
        found[beat] = within / 2 - _mean(alike[:split, split:], before, after)
    return found


def section_starts(novel: Array, downbeats: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Beats on which sections begin, increasing; the first is 0.

    Peaks of the novelty that stand out (above `FLOOR`, and half a standard deviation above the
    mean) and are the highest within `SHORTEST` beats, each moved to the nearest downbeat.

    Parameters
    ----------
    novel : ndarray (b,) float64
        Of `novelty`.
    downbeats : ndarray (d,) int64
        Beats that begin a bar, increasing; without any, peaks stay where they are.
    """
    starts = [0]
    least = max(FLOOR, float(novel.mean() + novel.std() / 2)) if len(novel) else FLOOR
    for beat in np.flatnonzero(novel >= least).tolist():
        if novel[beat] < novel[max(beat - SHORTEST, 0) : beat + SHORTEST + 1].max():
            continue
        if len(downbeats):
            beat = int(downbeats[np.argmin(np.abs(downbeats - beat))])
        if beat - starts[-1] >= SHORTEST and len(novel) - beat >= SHORTEST:
            starts.append(beat)
    return np.array(starts, np.int64)


def _mean(values: Array, rows: Array, columns: Array) -> float:
    return float(rows @ values @ columns / (rows.sum() * columns.sum()))


def _pairs(edges: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
