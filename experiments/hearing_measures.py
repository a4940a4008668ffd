"""How right what was heard is, by the definitions of the MIREX tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segue.envs.music.chords import Chord

Floats = npt.NDArray[np.float64]

ONSET_WINDOW = 0.05
"""Seconds by which an onset may be off."""
BEAT_WINDOW = 0.07
"""Seconds by which a beat may be off."""
TEMPO_WINDOW = 0.02
"""Share by which a tempo may be off."""

TimedPitch = tuple[float, int]
"""Seconds of the onset, and MIDI pitch."""
TimedChord = tuple[float, float, Chord]
"""Seconds of beginning and end, and the chord."""

_TRIADS = {
    **dict.fromkeys(("maj", "7", "maj7", "6", "9", "add9", "maj9", "69", "13"), "maj"),
    **dict.fromkeys(("min", "min7", "min6", "minmaj7", "min9", "minadd9", "min11"), "min"),
}


def matched(truth: Floats, found: Floats, window: float) -> int:
    """Most pairs of moments, one of each, that lie within a window; no moment in two pairs.

    On a line, pairing the earliest with the earliest that is near enough is best.
    """
    first, second = np.sort(truth).tolist(), np.sort(found).tolist()
    count = i = j = 0
    while i < len(first) and j < len(second):
        if abs(first[i] - second[j]) <= window + 1e-9:
            count, i, j = count + 1, i + 1, j + 1
        elif first[i] < second[j]:
            i += 1
        else:
            j += 1
    return count


def f_measure(count: int, truth: int, found: int) -> float:
    """Harmonic mean of precision and recall, 0-1; 1 where there is nothing to find."""
    return 2.0 * count / (truth + found) if truth + found else 1.0


def note_f(truth: Sequence[TimedPitch], found: Sequence[TimedPitch]) -> float:
    """F-measure of notes by onset, within 50 ms, and pitch (Bay, Ehmann & Downie 2009).

    Both have equal-tempered pitches, so that pitches within 50 cents are equal ones.
    """
    count = 0
    for pitch in {pitch for _, pitch in truth}:
        own, others = (
            np.array([time for time, other in notes if other == pitch]) for notes in (truth, found)
        )
        count += matched(own, others, ONSET_WINDOW)
    return f_measure(count, len(truth), len(found))


def beat_f(truth: Floats, found: Floats) -> float:
    """F-measure of beats within 70 ms (Davies, Degara & Plumbley 2009)."""
    return f_measure(matched(truth, found, BEAT_WINDOW), len(truth), len(found))


def chord_share(truth: Sequence[TimedChord], found: Sequence[TimedChord]) -> float:
    """Share of the time in which root and major or minor are right (MIREX's *majmin*).

    Sevenths and added tones count as their triad; time with other chords, such as diminished
    ones, is left out.

    Returns
    -------
    float
        0-1; NaN where there is no time that counts.
    """
    total = right = 0.0
    for start, end, chord in truth:
        if chord.quality not in _TRIADS:
            continue
        total += end - start
        right += sum(
            max(0.0, min(end, stop) - max(start, begin))
            for begin, stop, other in found
            if (other.root, _TRIADS.get(other.quality)) == (chord.root, _TRIADS[chord.quality])
        )
    return right / total if total else float("nan")


def same_tempo(truth: float, found: float) -> bool:
    """Whether a tempo is within 2 %."""
    return abs(found / truth - 1.0) <= TEMPO_WINDOW
