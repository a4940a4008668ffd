"""Which octave and inversion each chord takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segue.envs.music.chords import QUALITIES, Chord
from segue.envs.music.tune import Tune

_LOW, _HIGH = 48, 76
_CEILING_FLOOR = 62  # Under a very low melody chords may rise above it rather than growl.


@dataclass(frozen=True)
class Voicing:
    """A chord as it is played between two barlines.

    Attributes
    ----------
    onset, duration : float
        In quarter notes.
    chord : Chord
        The chord.
    pitches : tuple of int
        MIDI pitches, rising.
    """

    onset: float
    duration: float
    chord: Chord
    pitches: tuple[int, ...]

    @property
    def end(self) -> float:
        """Where it stops, in quarter notes."""
        return self.onset + self.duration


def close_positions(chord: Chord, low: int, high: int) -> list[tuple[int, ...]]:
    """All inversions of a chord within one octave, placed between two MIDI pitches.

    Chords of five notes leave out the fifth, which colours them least.
    """
    steps = QUALITIES[chord.quality][0]
    if len(steps) == 5:
        steps = tuple(step for step in steps if step != 7)
    classes = [(chord.root + step) % 12 for step in steps]
    found = []
    for bottom in range(low, high + 1):
        if bottom % 12 in classes:
            pitches = tuple(sorted(bottom + (c - bottom) % 12 for c in classes))
            if pitches[-1] <= high:
                found.append(pitches)
    return found


def voice(tune: Tune) -> tuple[Voicing, ...]:
    """Place the chords of a tune so that voices move little and stay under the melody.

    Every chord takes the close position with the least motion from the one before, a small pull
    to the middle of the register and a penalty for rising above the lowest melody note that
    sounds with it. Chords are cut at barlines, since players strike them again there.

    Parameters
    ----------
    tune : Tune
        The tune.

    Returns
    -------
    tuple of Voicing
        In order of onset, none crossing a barline.
    """
    voicings: list[Voicing] = []
    before: tuple[int, ...] = ()
    for span in tune.chords:
        end = min(span.onset + span.duration, tune.quarters)
        sounding = [
            n.pitch for n in tune.notes if n.onset < end and n.onset + n.duration > span.onset
        ]
        ceiling = max(_CEILING_FLOOR, min(sounding) - 1) if sounding else _HIGH
        before = _nearest(span.chord, before, ceiling)
        onset = span.onset
        while onset < end:
            barline = (onset // tune.metre.quarters + 1) * tune.metre.quarters
            stop = min(end, barline)
            voicings.append(Voicing(onset, stop - onset, span.chord, before))
            onset = stop
    return tuple(voicings)


def _nearest(chord: Chord, before: Sequence[int], ceiling: int) -> tuple[int, ...]:
    middle = (_LOW + _HIGH) / 2 - 2

    def cost(pitches: tuple[int, ...]) -> float:
        motion = sum(min(abs(p - q) for q in before) for p in pitches) if before else 0
        # Closing from both sides keeps a voice from being abandoned by a leap of the others.
        motion += sum(min(abs(p - q) for p in pitches) for q in before)
        pull = abs(sum(pitches) / len(pitches) - middle)
        return motion + 0.5 * pull + 1.5 * max(0, pitches[-1] - ceiling)

    return min(close_positions(chord, _LOW, _HIGH), key=cost)
