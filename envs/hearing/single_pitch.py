"""The pitch of a recording of one voice at a time, by probabilistic YIN.

Source: Mauch and Dixon 2014, "pYIN: a fundamental frequency estimator using probabilistic threshold
distributions". It stands in for the network of `segue.envs.hearing.note_model` where that is not
installed, and knows of one note at a time only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.envs.film.beat_tracking import HOP, SAMPLE_RATE, Progress
from segue.envs.hearing.types import FIRST_PITCH, PITCHES, PitchEvidence

LOWEST, HIGHEST = 82.0, 2100.0
"""Hertz: from a guitar's lowest string to the top of a violin's usual range."""

_BLOCK = 1024  # Frames; pYIN's memory grows with their number.
_OVERLAP = 32
_LAG = 3  # Frames by which pYIN is late: it compares a stretch with what comes after it.
_QUIET = 0.02  # Of the loud frames' RMS; below it nothing sounds.
_STRONG = 98  # Percentile of the onset strength that counts as a sure onset.


def monophonic_evidence(
    sound: npt.NDArray[np.float32], progress: Progress | None = None
) -> PitchEvidence:
    """Hear the one pitch that sounds at a time, in blocks of twelve seconds.

    Parameters
    ----------
    sound : ndarray (samples,) float32
        Mono, as `segue.envs.film.beat_tracking.read_mono` gives it.
    progress : callable or None
        Told the share done.
    """
    # Imported late: it brings numba, which takes a second to load.
    import librosa
    from librosa.onset import onset_strength

    tell = progress or (lambda share, text: None)
    frames = len(sound) // HOP + 1
    hertz, sure, strength, loud = (np.zeros(frames) for _ in range(4))
    for first in range(0, frames, _BLOCK):
        tell(first / frames, "hearing the pitch")
        start = max(first - _OVERLAP, 0)
        stop = min(first + _BLOCK + _OVERLAP, frames)
        part = sound[start * HOP : (stop - 1) * HOP + 1]
        found = librosa.pyin(
            part, fmin=LOWEST, fmax=HIGHEST, sr=SAMPLE_RATE, hop_length=HOP, resolution=0.25,
            fill_na=None,
        )  # fmt: skip
        mel = librosa.feature.melspectrogram(y=part, sr=SAMPLE_RATE, hop_length=HOP, n_fft=1024)
        flux = onset_strength(
            # The spectrum is centred already.
            S=librosa.power_to_db(mel, ref=1.0),
            sr=SAMPLE_RATE,
            hop_length=HOP,
            center=False,
        )
        rms = librosa.feature.rms(y=part, hop_length=HOP, frame_length=1024)[0]
        inside = slice(first - start, first - start + min(_BLOCK, frames - first))
        place = slice(first, first + _BLOCK)
        hertz[place], sure[place] = found[0][inside], (found[1] * found[2])[inside]
        strength[place], loud[place] = flux[inside], rms[inside]
    sure[loud <= _QUIET * np.percentile(loud, 95)] = 0.0
    return _evidence(hertz, sure, strength)


def _evidence(
    hertz: npt.NDArray[np.float64],
    sure: npt.NDArray[np.float64],
    strength: npt.NDArray[np.float64],
) -> PitchEvidence:
    """Put frequencies, how sure they are, and onset strength on the keys of a piano."""
    exact = 69 + 12 * np.log2(hertz / 440.0)
    voiced = sure > 0
    # Instruments may be tuned high or low: the circular mean of what is left over.
    off = np.angle(np.exp(2j * np.pi * exact[voiced]).mean()) / (2 * np.pi) if voiced.any() else 0
    keys = np.rint(exact - off).astype(np.int64) - FIRST_PITCH
    at = np.flatnonzero(voiced & (keys >= 0) & (keys < PITCHES))
    early = np.maximum(at - _LAG, 0)
    sounds = np.zeros((len(hertz), PITCHES), np.float32)
    sounds[early, keys[at]] = sure[at]
    strong = max(float(np.percentile(strength, _STRONG)), 1e-9)
    hit = np.minimum(strength / strong, 1.0).astype(np.float32)
    # Its onsets are those of the whole sound, so a key is struck when sound sets in and it sounds.
    near = sounds.copy()
    for shift in range(1, 5):
        near[:-shift] = np.maximum(near[:-shift], sounds[shift:])
    return PitchEvidence(sounds, (near > 0) * hit[:, None], False)
