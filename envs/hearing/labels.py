"""Key, mode and mood of what was heard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.envs.music.corpus.keys import find_key, key_correlation
from segue.envs.music.moods import MOODS, Mood
from segue.envs.music.scales import MODES
from segue.envs.music.tune import ChordSpan, Note

_LAST_NOTE, _LAST_CHORD = 0.2, 0.15  # What the close adds to the correlation of a key.
_CLEARLY = 3.0  # How much longer than its rival a degree sounds, for the mode that it marks.
_MARKS = {
    "major": (("lydian", 6, 5), ("mixolydian", 10, 11)),
    "minor": (("dorian", 9, 8), ("phrygian", 1, 2)),
}
"""Modes with the same third: the degree that marks each, and its rival, in semitones."""

_MODE, _TEMPO, _DENSITY = 1.0, 1.0, 1.0  # Weights of the mood's distance.
_EIGHTHS = 8.0


def find_key_and_mode(notes: Sequence[Note], chords: Sequence[ChordSpan]) -> tuple[int, str, float]:
    """Find the key of a melody and its chords.

    Correlation with the key profiles (`segue.envs.music.corpus.keys`) of the time that melody and
    chord tones sound; the last note and the last chord, which mostly are the tonic, add to it.
    Where the degree that marks a church mode sounds three times as long as its rival, it is that
    mode.

    Returns
    -------
    tonic : int
        0-11.
    mode : str
        A key of `segue.envs.music.scales.MODES`.
    confidence : float
        The correlation, 0-1.
    """
    timed = [(note.pitch, note.duration) for note in notes]
    timed += [
        (tone, span.duration / 4) for span in chords for tone in sorted(span.chord.pitch_classes)
    ]

    def worth(key: tuple[int, str]) -> float:
        close = _LAST_NOTE * (bool(notes) and notes[-1].pitch % 12 == key[0])
        home = bool(chords) and chords[-1].chord.root == key[0]
        is_minor = bool(chords) and chords[-1].chord.quality == "min"
        last = _LAST_CHORD * (home and is_minor == (key[1] == "minor"))
        return key_correlation(timed, key) + close + last

    if not timed:
        return (*find_key([]), 0.0)
    tonic, family = max(((t, m) for m in _MARKS for t in range(12)), key=worth)
    sounding = np.zeros(12)
    for pitch, duration in timed:
        sounding[(pitch - tonic) % 12] += duration
    mode = family
    for name, mark, rival in _MARKS[family]:
        if sounding[mark] > _CLEARLY * sounding[rival] and sounding[mark] > 0.02 * sounding.sum():
            mode = name
    return tonic, mode, max(0.0, key_correlation(timed, (tonic, family)))


def nearest_mood(mode: str, tempo: float, notes_per_beat: float) -> str:
    """Mood of the table whose mode, tempo and density are nearest: a proxy, not a feeling.

    Parameters
    ----------
    mode : str
        A key of `segue.envs.music.scales.MODES`.
    tempo : float
        Felt beats per minute.
    notes_per_beat : float
        Of the melody.

    Returns
    -------
    str
        A key of `segue.envs.music.moods.MOODS`. Its distance is the share of degrees in which the
        modes differ, thirds counting twice; the octaves between the tempo and the mood's range;
        and the difference of densities, from a note a bar (0) to one every eighth (1).
    """
    density = float(np.clip((4 * notes_per_beat - 1) / (_EIGHTHS - 1), 0, 1))

    def distance(entry: Mood) -> float:
        apart = [a != b for a, b in zip(MODES[mode], MODES[entry.mode], strict=True)]
        low, high = entry.tempo
        octaves = max(np.log2(low / tempo), np.log2(tempo / high), 0.0)
        degrees = (sum(apart) + apart[2]) / 4
        return float(_MODE * degrees + _TEMPO * octaves + _DENSITY * abs(density - entry.density))

    return min(MOODS, key=lambda name: distance(MOODS[name]))
