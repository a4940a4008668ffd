"""The melody of a recording: one line of notes through the evidence of its pitches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from segue.envs.film.beat_tracking import HOP, SAMPLE_RATE
from segue.envs.hearing.types import FIRST_PITCH, PITCHES, HeardNote, PitchEvidence

SHORTEST = 4
"""Frames of the shortest note, 46 ms."""

EARLIER = 0.012
"""Seconds by which the evidence of an onset is late."""

_SILENCE = 0.35  # Evidence for silence: what a key must exceed to be heard.
_CHANGE, _STRUCK = 1.5, 1.5  # Cost of a new note, and what its onset takes off.
_FALL_SILENT = 0.3
_AGAIN = 0.8  # A key is struck anew where its onset is this share of an onset's usual strength.
_FAINT = 0.2  # Evidence of an onset that is none.
_HEIGHT = 0.025  # What a semitone above the middle register adds, in the midst of other voices.
_MIDDLE = 64
_APART = 14  # Semitones between a melody and what is no part of it.
_ACCOMPANIED = 0.08  # Share of the time with keys so far apart, from which on that is so.
_OVERTONES = (12, 19, 24, 28, 31, 34, 36)  # Of a key: semitones above it, the nearest ones.


def melody_notes(evidence: PitchEvidence) -> tuple[HeardNote, ...]:
    """Find the melody.

    The line of keys and silences with the most evidence, where every new note costs something
    unless its key is struck just there (Viterbi's algorithm). Among other voices high keys count
    more, since melodies mostly lie on top. A line is cut where its key is struck again.

    Parameters
    ----------
    evidence : PitchEvidence
        Of the whole recording.

    Returns
    -------
    tuple of HeardNote
        One after the other; none where nothing can be heard.
    """
    height = _HEIGHT if is_accompanied(evidence) else 0.0
    path = _best_line(evidence, height)
    cuts = np.flatnonzero(np.diff(path)) + 1
    runs = [run for run in np.split(np.arange(len(path)), cuts) if path[run[0]] < PITCHES]
    if not runs:
        return ()
    onsets = [_onset(evidence.struck[:, path[run[0]]], int(run[0])) for run in runs]
    strengths = [evidence.struck[at, path[run[0]]] for at, run in zip(onsets, runs, strict=True)]
    again = max(_FAINT, _AGAIN * float(np.median(strengths)))
    notes: list[HeardNote] = []
    for start, run in zip(onsets, runs, strict=True):
        key, end = int(path[run[0]]), int(run[-1]) + 1
        edges = [start, *_struck_again(evidence.struck[:, key], start, end, again), end]
        for a, b in pairwise(edges):
            if b - a >= SHORTEST:
                sure = float(evidence.sounds[a:b, key].mean())
                notes.append(HeardNote(_seconds(a), _seconds(b), key + FIRST_PITCH, sure))
    return tuple(_without_overlaps(notes))


def is_accompanied(evidence: PitchEvidence) -> bool:
    """Whether other voices than a melody sound: keys far apart, none of them an overtone."""
    sounding = evidence.sounds >= 0.5
    overtone = np.zeros_like(sounding)
    for interval in _OVERTONES:
        overtone[:, interval:] |= sounding[:, :-interval]
    keys = sounding & ~overtone
    heard = keys[keys.any(axis=1)]
    if not len(heard):
        return False
    lowest, highest = heard.argmax(axis=1), PITCHES - 1 - heard[:, ::-1].argmax(axis=1)
    return float((highest - lowest > _APART).mean()) > _ACCOMPANIED


def onset_events(
    evidence: PitchEvidence, least: float = 0.65
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Every onset of every voice.

    Parameters
    ----------
    evidence : PitchEvidence
        Of the whole recording.
    least : float
        Evidence that an onset needs.

    Returns
    -------
    seconds : ndarray (n,) float64
        Finer than a frame, by a parabola through three of them; increasing.
    weights : ndarray (n,) float64
        In [0.1, 1].
    pitches : ndarray (n,) int64
        MIDI pitches.
    """
    struck = evidence.struck
    before, here, after = struck[:-2], struck[1:-1], struck[2:]
    frames, keys = np.nonzero((here >= before) & (here > after) & (here >= least))
    low, top, high = (part[frames, keys].astype(np.float64) for part in (before, here, after))
    bend = np.minimum(low - 2 * top + high, -1e-6)
    places = frames + 1 + np.clip(0.5 * (low - high) / bend, -0.5, 0.5)
    order = np.argsort(places, kind="stable")
    seconds = np.maximum(places * HOP / SAMPLE_RATE - EARLIER, 0.0)
    return (
        seconds[order],
        np.maximum(2 * top - 1, 0.1)[order],
        (keys + FIRST_PITCH)[order].astype(np.int64),
    )


def _best_line(evidence: PitchEvidence, height: float) -> npt.NDArray[np.int64]:
    """Key of each frame, `PITCHES` for silence."""
    frames = len(evidence.sounds)
    lean = np.clip(1 + height * (np.arange(PITCHES) + FIRST_PITCH - _MIDDLE), 0.05, 3.0)
    path = np.full(frames, PITCHES, dtype=np.int64)
    comes_from = np.zeros((frames, PITCHES + 1), dtype=np.int8)
    own = np.arange(PITCHES + 1, dtype=np.int8)
    best = np.zeros(PITCHES + 1)
    gain, enter = np.full(PITCHES + 1, _SILENCE), np.full(PITCHES + 1, -_FALL_SILENT)
    for frame in range(frames):
        gain[:PITCHES] = evidence.sounds[frame] * lean
        enter[:PITCHES] = _STRUCK * evidence.struck[frame] - _CHANGE
        top = int(best.argmax())
        arrives = best[top] + enter
        stays = best >= arrives
        comes_from[frame] = np.where(stays, own, top)
        best = np.where(stays, best, arrives) + gain
    key = int(best.argmax())
    for frame in range(frames - 1, -1, -1):
        path[frame] = key
        key = int(comes_from[frame, key])
    return path


def _onset(struck: npt.NDArray[np.float32], start: int) -> int:
    """Frame near the beginning of a line where its key is struck."""
    first = max(start - 5, 0)
    peak = first + int(struck[first : start + 6].argmax())
    return peak if struck[peak] > _FAINT else start


def _struck_again(struck: npt.NDArray[np.float32], start: int, end: int, least: float) -> list[int]:
    """Frames well within a line where its key is struck anew."""
    found: list[int] = []
    for frame in range(start + 6, end - SHORTEST + 1):
        around = struck[frame - 4 : frame + 5]
        is_peak = struck[frame] >= least and struck[frame] == around.max()
        if is_peak and (not found or frame - found[-1] >= SHORTEST):
            found.append(frame)
    return found


def _seconds(frame: int) -> float:
    return max(0.0, frame * HOP / SAMPLE_RATE - EARLIER)


def _without_overlaps(notes: list[HeardNote]) -> list[HeardNote]:
    """End every note where the next begins, at the latest."""
    ordered = sorted(notes, key=lambda note: note.start)
    kept: list[HeardNote] = []
    for note in ordered:
        if kept and kept[-1].end > note.start:
            last = kept.pop()
            if note.start - last.start >= 0.5 * SHORTEST * HOP / SAMPLE_RATE:
                kept.append(HeardNote(last.start, note.start, last.pitch, last.confidence))
        kept.append(note)
    return kept
