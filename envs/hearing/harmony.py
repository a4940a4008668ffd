"""The chords of a recording, beat by beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.envs.film.beat_tracking import HOP, SAMPLE_RATE, Progress
from segue.envs.hearing.types import FIRST_PITCH, PITCHES, Floats, PitchEvidence
from segue.envs.music.chords import Chord

BASS_PITCH = 52
"""MIDI pitch under which keys count as the bass."""

CHORDS = tuple(Chord(root, quality) for quality in ("maj", "min") for root in range(12))
"""What is told apart: the root, and major from minor, as in the MIREX task *majmin*."""

_TEMPLATES = np.array([[pc in chord.pitch_classes for pc in range(12)] for chord in CHORDS])
_BASS = 0.25  # What the bass on the root is worth.
_CHANGE = 0.12  # What a new chord must fit better by than the one before.
_LEAST = 1e-3
_BLOCK = 2048


def pitch_class_frames(evidence: PitchEvidence) -> tuple[Floats, Floats]:
    """How much of each pitch class sounds in each frame: in all, and in the bass.

    Returns
    -------
    tuple of ndarray (frames, 12) float64
        C first. Evidence is squared, so that what hardly sounds does not add up.
    """
    strength = np.square(evidence.sounds, dtype=np.float64)
    fold = np.zeros((PITCHES, 12))
    fold[np.arange(PITCHES), (np.arange(PITCHES) + FIRST_PITCH) % 12] = 1.0
    return strength @ fold, strength[:, : BASS_PITCH - FIRST_PITCH] @ fold[
        : BASS_PITCH - FIRST_PITCH
    ]


def chroma_frames(
    sound: npt.NDArray[np.float32], progress: Progress | None = None
) -> tuple[Floats, Floats]:
    """The same as `pitch_class_frames`, from the spectrum, where no voices are told apart.

    Chroma of a constant-Q transform from C1 up, and of its two lowest octaves.
    """
    from librosa import feature  # Brings numba, which takes a second to load.

    tell = progress or (lambda share, text: None)
    frames = len(sound) // HOP + 1
    whole, bass = np.zeros((frames, 12)), np.zeros((frames, 12))
    hop = 2 * HOP
    for first in range(0, frames, _BLOCK):
        tell(first / frames, "hearing the harmony")
        part = sound[first * HOP : (first + _BLOCK) * HOP + 1]
        for kept, octaves in ((whole, 7), (bass, 2)):
            found = feature.chroma_cqt(
                y=part, sr=SAMPLE_RATE, hop_length=hop, n_octaves=octaves, norm=None, tuning=0.0
            )
            rows = np.repeat(np.square(found.T), 2, axis=0)[: min(_BLOCK, frames - first)]
            kept[first : first + len(rows)] = rows
    return whole, bass


def beat_chords(
    frames: tuple[Floats, Floats], beats: Floats
) -> tuple[tuple[Chord | None, ...], float]:
    """Find the chord of each beat.

    The triad whose tones, as a vector of unit length, have the largest product with what sounds in
    the beat (Fujishima 1999, "Realtime chord recognition of musical sound"), its root in the bass
    helping; a chord stays unless others fit better by more than a change costs (Viterbi's
    algorithm).

    Parameters
    ----------
    frames : tuple of ndarray
        As of `pitch_class_frames` or `chroma_frames`.
    beats : ndarray (b,) float64
        Seconds.

    Returns
    -------
    chords : tuple of Chord or None, (b - 1,)
        One for each stretch from beat to beat; None where nothing sounds.
    confidence : float
        Mean fit of the chords, 0-1.
    """
    whole, bass = (_by_beat(values, beats) for values in frames)
    heard = whole.sum(axis=1) > _LEAST
    length = np.linalg.norm(whole, axis=1, keepdims=True)
    fit = whole / np.maximum(length, 1e-9) @ (_TEMPLATES.T / np.sqrt(3.0))
    own = float(np.mean(fit.max(axis=1)[heard])) if heard.any() else 0.0
    lowest = bass / np.maximum(bass.max(axis=1, keepdims=True), 1e-9)
    path = _smoothest(fit + _BASS * np.tile(lowest, 2))
    chords = tuple(
        CHORDS[index] if sounds else None for index, sounds in zip(path, heard, strict=True)
    )
    return chords, min(1.0, own)


def _by_beat(values: Floats, beats: Floats) -> Floats:
    """Sum of frames from beat to beat, (b - 1, 12)."""
    added = np.concatenate([np.zeros((1, 12)), np.cumsum(values, axis=0)])
    edges = np.clip(np.rint(beats * SAMPLE_RATE / HOP).astype(np.int64), 0, len(values))
    return np.asarray(np.maximum(np.diff(added[edges], axis=0), 0.0))


def _smoothest(fit: Floats) -> list[int]:
    """Path of the best fit through (beats, chords), where each change costs `_CHANGE`."""
    if not len(fit):
        return []
    best, comes_from = fit[0], np.zeros(fit.shape, dtype=np.int64)
    own = np.arange(fit.shape[1])
    for index in range(1, len(fit)):
        top = int(best.argmax())
        stays = best >= best[top] - _CHANGE
        comes_from[index] = np.where(stays, own, top)
        best = np.where(stays, best, best[top] - _CHANGE) + fit[index]
    path = [int(best.argmax())]
    for index in range(len(fit) - 1, 0, -1):
        path.append(int(comes_from[index, path[-1]]))
    return path[::-1]
