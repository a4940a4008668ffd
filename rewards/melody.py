"""What a melody over chords is judged by.

The rules are those of tonal melody writing as textbooks give them (chord tones on strong beats,
dissonance left by step, leaps recovered by a step back, one arch, cadences on stable degrees:
Fux, *Gradus ad Parnassum*; Aldwell & Schachter, *Harmony and Voice Leading*), and of Huron,
*Sweet Anticipation* (2006), for small intervals and arches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.shaping import bell

REST, HOLD, ONSET = 0, 1, 2
"""What a slot of the grid does; also what the rhythm template asks for."""
FREE = 3
"""Value of `NoteView.template` where the rhythm is free."""

NO_CADENCE, HALF_CADENCE, FULL_CADENCE = 0, 1, 2
NO_MOTIF = 2
"""Value of `NoteView.motif` where the motif asks for nothing."""
NO_TARGET = -1.0
"""Value of `NoteView.target` where no arch is asked for."""

STEP, SMALL = 2, 4
"""Semitones: a step is up to the first, a small move up to the second, a leap beyond it."""
LONGEST_RUN = 4
"""Small moves in one direction that may follow each other; `NoteView.run` counts no further."""
MOST_REPEATS = 2
"""`NoteView.repeats` counts no further."""

STRONG = 0.5
"""Metrical strength from which on a slot counts as strong."""

IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class NoteView:
    """What a melody reward sees of one slot; all fields broadcast against each other.

    Attributes
    ----------
    kind : int array
        REST, HOLD or ONSET: what the slot does.
    pitch : int array
        MIDI pitch that sounds in the slot, -1 in silence.
    chord_tone : bool array
        The pitch belongs to the chord of the slot; False in silence.
    degree : int array
        Semitones of the pitch above the tonic, 0-11; -1 in silence.
    moves : bool array
        The slot is an onset with a note before it, so that `interval` means something.
    interval : int array
        Semitones from the note before, -12 to 12; 0 where `moves` is False.
    leap : int array
        Direction of the leap (over 4 semitones) that led to the note before: -1, 0 (none), 1.
    run : int array
        Small moves (1 to 4 semitones) in one direction that led to the note before, one after
        the other: -LONGEST_RUN (or more) downwards to LONGEST_RUN upwards; 0 for none.
    repeats : int array
        How many times in a row the pitch of the note before had been repeated by it: 0 to
        MOST_REPEATS (or more).
    unresolved : bool array
        The note before began on a strong slot outside its chord.
    strength : float array
        Metrical strength of the slot: 1 downbeat, .5 mid-bar, .25 other beats, .125 off-beat.
    target : float array
        MIDI pitch that the piece's arch passes through here, or NO_TARGET.
    template : int array
        REST, HOLD or ONSET: what the rhythmic motif asks for; or FREE.
    motif : int array
        Direction that the melodic motif asks for: -1, 0, 1, or NO_MOTIF.
    cadence : int array
        NO_CADENCE, HALF_CADENCE or FULL_CADENCE.
    illegal : bool array
        The action was against an absolute rule and has been replaced.
    """

    kind: IntArray
    pitch: IntArray
    chord_tone: BoolArray
    degree: IntArray
    moves: BoolArray
    interval: IntArray
    leap: IntArray
    run: IntArray
    repeats: IntArray
    unresolved: BoolArray
    strength: FloatArray
    target: FloatArray
    template: IntArray
    motif: IntArray
    cadence: IntArray
    illegal: BoolArray


@dataclass(frozen=True)
class Harmony:
    """Chord tones where the metre is strong.

    ``+strength`` for the onset of a chord tone, ``-strength`` for any other pitch, 0 in silence.
    A held note is judged again in every slot, so also against the chord that enters under it, but
    can only lose: else one long tonic would earn more than a melody. Source: textbook rule;
    Temperley, *Music and Probability* (2007), ch. 4.
    """

    name: ClassVar[str] = "harmony"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: NoteView) -> FloatArray:
        """Value per element."""
        signed = np.where(view.chord_tone, view.strength, -view.strength)
        held = np.minimum(signed, 0.0)
        return np.where(view.kind == REST, 0.0, np.where(view.kind == HOLD, held, signed))


@dataclass(frozen=True)
class Resolution:
    """Dissonance on a strong slot is left by step.

    After such a note: -1 for a rest or an onset that is not one or two semitones away; else 0,
    since a fault that is put right is not better than none. Source: Fux.
    """

    name: ClassVar[str] = "resolution"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: NoteView) -> FloatArray:
        """Value per element."""
        size = np.abs(view.interval)
        step = view.moves & (size >= 1) & (size <= STEP)
        waiting = view.unresolved & (view.kind != HOLD)
        return np.where(waiting & ~step, -1.0, 0.0)


INTERVAL_WORTH = (-0.3, 1.0, 1.0, 0.6, 0.5, 0.3, -1.0, 0.2, -0.4, -0.4, -1.0, -1.0, 0.0)
"""Worth of a melodic interval of 0-12 semitones: steps, then thirds, fourths and fifths; the
tritone and sevenths are avoided."""


@dataclass(frozen=True)
class Motion:
    """Small intervals rather than large ones, by `INTERVAL_WORTH`; 0 where nothing moves.

    But what goes on too long takes back more than it earned: -1 for the third onset of one pitch
    in a row and -2 for each further one, and -2 for each small move (up to four semitones) after
    `LONGEST_RUN` in the same direction. Source: step preference of tonal melody, Huron (2006),
    ch. 5; order of worth and length of runs by convention.
    """

    name: ClassVar[str] = "motion"
    low: ClassVar[float] = -2.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: NoteView) -> FloatArray:
        """Value per element."""
        size = np.abs(view.interval)
        onward = (size >= 1) & (size <= SMALL) & (np.sign(view.interval) == np.sign(view.run))
        runs_on = onward & (np.abs(view.run) >= LONGEST_RUN)
        dwells = (view.interval == 0) & (view.repeats > 0)
        worth = np.where(dwells, -1.0 * view.repeats, np.asarray(INTERVAL_WORTH)[size])
        worth = np.where(runs_on, -2.0, worth)
        return np.where(view.moves, worth, 0.0)


@dataclass(frozen=True)
class LeapRecovery:
    """A leap of more than four semitones is answered by a step in the opposite direction.

    -1 when the onset after the leap is no such step, else 0. Source: textbook rule; von Hippel &
    Huron (2000).
    """

    name: ClassVar[str] = "leap_recovery"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: NoteView) -> FloatArray:
        """Value per element."""
        back = (np.sign(view.interval) == -view.leap) & (np.abs(view.interval) <= STEP)
        asked = view.moves & (view.leap != 0)
        return np.where(asked & ~back, -1.0, 0.0)


@dataclass(frozen=True)
class Contour:
    """Onsets lie near the piece's arch: `bell` of the distance in semitones.

    0 without onset or without arch. Source: melodic arch, Huron (1996).
    """

    width: float = 3.0
    name: ClassVar[str] = "contour"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: NoteView) -> FloatArray:
        """Value per element."""
        asked = (view.kind == ONSET) & (view.target != NO_TARGET)
        return np.where(asked, bell(view.pitch - view.target, self.width), 0.0)


@dataclass(frozen=True)
class Rhythm:
    """Onsets, holds and rests agree with the piece's rhythmic motif: 0, or -1 for another.

    A rest where the motif holds, or a hold where it rests, shortens or lengthens a note without
    breaking the motif: -1/2. Nothing is lost where the rhythm is free. Agreement earns nothing,
    so that a free rhythm and a kept one are worth the same.
    """

    name: ClassVar[str] = "rhythm"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: NoteView) -> FloatArray:
        """Value per element."""
        quiet = (view.kind != ONSET) & (view.template != ONSET)
        kept = (view.kind == view.template) | (view.template == FREE)
        return np.where(kept, 0.0, np.where(quiet, -0.5, -1.0))


@dataclass(frozen=True)
class Motif:
    """Onsets move in the direction that the melodic motif asks for.

    +1 in that direction, -1 in any other, 0 where the motif asks for nothing or nothing moves.
    The motif fixes directions, not pitches, so that it returns varied by the harmony.
    """

    name: ClassVar[str] = "motif"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: NoteView) -> FloatArray:
        """Value per element."""
        asked = view.moves & (view.motif != NO_MOTIF)
        return np.where(asked, np.where(np.sign(view.interval) == view.motif, 1.0, -1.0), 0.0)


HALF_CADENCE_DEGREES = (2, 7, 11, 10)
"""Semitones above the tonic on which a half cadence may rest: supertonic, dominant, leading
note or subtonic."""


@dataclass(frozen=True)
class Cadence:
    """Phrases end on the degrees that close or open them.

    -1 at a full cadence off the tonic, and at a half cadence off `HALF_CADENCE_DEGREES`; else 0.
    Source: textbook rule.
    """

    name: ClassVar[str] = "cadence"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: NoteView) -> FloatArray:
        """Value per element."""
        open_end = np.isin(view.degree, HALF_CADENCE_DEGREES)
        good = np.where(view.cadence == FULL_CADENCE, view.degree == 0, open_end)
        return np.where((view.cadence == NO_CADENCE) | good, 0.0, -1.0)


@dataclass(frozen=True)
class Approach:
    """Cadences are reached by step.

    On the slot of a cadence 0 for an onset one or two semitones from the note before, -1 for one
    by a leap of more than four, -1/2 for anything else; 0 on other slots. Source: textbook rule
    (the clausula); Fux.
    """

    name: ClassVar[str] = "approach"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: NoteView) -> FloatArray:
        """Value per element."""
        size = np.abs(view.interval)
        step = view.moves & (size >= 1) & (size <= STEP)
        leap = view.moves & (size > SMALL)
        worth = np.where(step, 0.0, np.where(leap, -1.0, -0.5))
        return np.where(view.cadence == NO_CADENCE, 0.0, worth)


@dataclass(frozen=True)
class Legality:
    """-1 for an action against an absolute rule (it is replaced by a rest), else 0."""

    name: ClassVar[str] = "legality"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: NoteView) -> FloatArray:
        """Value per element."""
        return np.where(view.illegal, -1.0, 0.0)


LEAD_SHEET: WeightedSum[NoteView] = WeightedSum(
    (
        (Harmony(), 1.0),
        (Resolution(), 1.0),
        (Motion(), 1.0),
        (LeapRecovery(), 1.0),
        (Contour(), 0.6),
        (Rhythm(), 2.5),
        (Motif(), 0.4),
        (Cadence(), 4.0),
        (Approach(), 2.0),
        (Legality(), 1.0),
    )
)
"""The reward of `segue/LeadSheet-v0`."""
