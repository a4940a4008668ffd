"""Which key a melody is in, where its file does not say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segue.envs.music.corpus.measures import Key

# Mean ratings of how well each pitch class fits a key, C first (Krumhansl and Kessler 1982).
_PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


def find_key(notes: Sequence[tuple[int, float]], fifths: int | None = None) -> Key:
    """Find a key by the algorithm of Krumhansl and Schmuckler.

    The time that each pitch class sounds is correlated with the profiles of the 24 keys
    (Krumhansl 1990, *Cognitive Foundations of Musical Pitch*, chapter 4).

    Parameters
    ----------
    notes : sequence of (int, float)
        MIDI pitch and duration, in any unit.
    fifths : int or None
        Sharps (positive) or flats (negative) of a key signature that is known; then only the
        major and the minor key with it are compared.

    Returns
    -------
    tuple of (int, str)
        Tonic, 0-11, and ``"major"`` or ``"minor"``; C major where nothing sounds.
    """
    weights = _weights(notes)
    candidates: list[Key] = [(tonic, mode) for mode in _PROFILES for tonic in range(12)]
    if fifths is not None:
        candidates = signature_keys(fifths)
    return max(candidates, key=lambda key: _correlation(weights, key))


def key_correlation(notes: Sequence[tuple[int, float]], key: Key) -> float:
    """Correlation of how long pitch classes sound with a key's profile, -1 to 1.

    Parameters
    ----------
    notes : sequence of (int, float)
        As for `find_key`.
    key : tuple of (int, str)
        Tonic, 0-11, and ``"major"`` or ``"minor"``.
    """
    return _correlation(_weights(notes), key)


def signature_keys(fifths: int) -> list[Key]:
    """Return the major and the minor key with this many sharps (positive) or flats."""
    tonic = 7 * fifths % 12
    return [(tonic, "major"), ((tonic + 9) % 12, "minor")]


def _weights(notes: Sequence[tuple[int, float]]) -> npt.NDArray[np.float64]:
    """How long each pitch class sounds, (12,)."""
    weights = np.zeros(12)
    for pitch, duration in notes:
        weights[pitch % 12] += duration
    return weights


def _correlation(weights: npt.NDArray[np.float64], key: Key) -> float:
    tonic, mode = key
    profile = np.roll(_PROFILES[mode], tonic)
    spread = float(weights.std() * profile.std())
    if spread == 0.0:
        return 0.0
    return float(np.mean((weights - weights.mean()) * (profile - profile.mean()))) / spread
