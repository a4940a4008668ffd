"""What a note-against-note counterpoint above a cantus firmus costs.

The penalties are those of W. Schottstaedt, *Automatic Species Counterpoint* (CCRMA report
STAN-M-19, Stanford 1984), which follows J. J. Fux, *Gradus ad Parnassum* (1725); each term names
his penalty and its points. What he charges 100 points or more for is no term: the environment
masks it. Left out are his rules that look further back than two notes (`MelodicBoredom`,
`ThreeSkips`, `TwoRepeatedNotes` to `FourRepeatedNotes`, `PitchRepeats`) and his `ExtremeRange`,
since the ambitus is narrower than his. The values of `Repetition`, `Climax` and `Legality` are
ours, and say so.

A term that knows one price is -1 where its rule is broken, and its weight is the price; a term
that knows several gives the points themselves, negative, and weighs 1. All are whole numbers, so
that sums of them are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.counterpoint_view import (
    CADENTIAL,
    FIRST,
    LAST,
    BoolArray,
    CounterpointView,
    IntArray,
)

STEP = 2
"""Semitones of the largest step; a wider move is a skip."""
MAJOR_THIRD, TRITONE, FIFTH, OCTAVE = 4, 6, 7, 12


def _broken(rule_broken: BoolArray) -> FloatArray:
    """-1 where a rule is broken, else 0."""
    return np.where(rule_broken, -1.0, 0.0)


def _is_skip(move: IntArray) -> BoolArray:
    return np.asarray(np.abs(move) > STEP)


def _same_direction(view: CounterpointView) -> BoolArray:
    """Two moves that do not turn; a repeated note goes with either direction, as in the source."""
    return np.asarray(view.turns & (view.move * view.last_move >= 0))


def _interval_before(view: CounterpointView) -> IntArray:
    return np.asarray(view.interval - view.move + view.cantus_move)


@dataclass(frozen=True)
class PerfectConsonance:
    """A fifth or an octave where an imperfect consonance would do: `PerfectConsonance`, 2.

    Not in the first and last bar, where Fux asks for one (Schottstaedt charges the last).
    """

    name: ClassVar[str] = "perfect_consonance"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        perfect = np.isin(view.interval % OCTAVE, (0, FIFTH))
        return _broken(perfect & (view.place != FIRST) & (view.place != LAST))


@dataclass(frozen=True)
class DirectMotion:
    """Both voices move in the same direction: `DirectMotion`, 1."""

    name: ClassVar[str] = "direct_motion"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        return _broken(view.moves & (view.move * view.cantus_move > 0))


@dataclass(frozen=True)
class Compound:
    """The voices are more than an octave apart: `Compound`, 1."""

    name: ClassVar[str] = "compound"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        return _broken(view.interval > OCTAVE)


@dataclass(frozen=True)
class SkipToOctave:
    """An octave or unison that either voice skips to: `SkipTo8ve`, 8."""

    name: ClassVar[str] = "skip_to_octave"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        skips = _is_skip(view.move) | _is_skip(view.cantus_move)
        return _broken(view.moves & (view.interval % OCTAVE == 0) & skips)


@dataclass(frozen=True)
class SkipFromUnison:
    """The counterpoint skips away from a unison: `SkipFromUnison`, 4."""

    name: ClassVar[str] = "skip_from_unison"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        return _broken(view.moves & (_interval_before(view) == 0) & _is_skip(view.move))


@dataclass(frozen=True)
class TenthToOctave:
    """A tenth goes to an octave: `TenthToOctave`, 8."""

    name: ClassVar[str] = "tenth_to_octave"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        tenth = np.isin(_interval_before(view), (OCTAVE + 3, OCTAVE + 4))
        return _broken(view.moves & tenth & (view.interval == OCTAVE))


@dataclass(frozen=True)
class ConsecutiveSkips:
    """Two skips in one direction: `TwoSkips`, 1.

    If together they span a seventh, another 3: `TwoSkipsNotInTriad`.
    """

    name: ClassVar[str] = "consecutive_skips"
    low: ClassVar[float] = -4.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        two = _same_direction(view) & _is_skip(view.move) & _is_skip(view.last_move)
        span = np.abs(view.move + view.last_move)
        return np.where(two, np.where((span == 10) | (span == 11), -4.0, -1.0), 0.0)


@dataclass(frozen=True)
class SkipPreceded:
    """A skip goes on in the direction of the move before it.

    A third or fourth 1, a fifth or octave 3, a sixth 8: `SkipPrecededBySameDirection`,
    `FifthPrecededBySameDirection`, `SixthPrecededBySameDirection`.
    """

    name: ClassVar[str] = "skip_preceded"
    low: ClassVar[float] = -8.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        points = _points(view.move, -1.0, -3.0, -8.0)
        return np.where(_same_direction(view) & _is_skip(view.move), points, 0.0)


@dataclass(frozen=True)
class SkipFollowed:
    """The move after a skip goes on in its direction.

    After a third or fourth 3, a fifth or octave 8, a sixth 34: `SkipFollowedBySameDirection`,
    `FifthFollowedBySameDirection`, `SixthFollowedBySameDirection`.
    """

    name: ClassVar[str] = "skip_followed"
    low: ClassVar[float] = -34.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        points = _points(view.last_move, -3.0, -8.0, -34.0)
        return np.where(_same_direction(view) & _is_skip(view.last_move), points, 0.0)


def _points(move: IntArray, small: float, fifth_or_octave: float, sixth: float) -> FloatArray:
    size = np.abs(move)
    wide = np.where((size == FIFTH) | (size == OCTAVE), fifth_or_octave, sixth)
    return np.where(size < FIFTH, small, wide)


@dataclass(frozen=True)
class LeapBack:
    """A skip is answered by a skip in the other direction.

    As many points as the two together have semitones over 8. Source: "leap back in the opposite
    direction", an unnamed penalty of `Check`.
    """

    name: ClassVar[str] = "leap_back"
    low: ClassVar[float] = -16.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        both = view.turns & _is_skip(view.move) & _is_skip(view.last_move)
        beyond = np.maximum(0, np.abs(view.move) + np.abs(view.last_move) - 8)
        return np.where(both & (view.move * view.last_move < 0), -1.0 * beyond, 0.0)


@dataclass(frozen=True)
class LargeLeap:
    """A leap of an octave 5, of a minor sixth up 2: `OctaveLeap`, `SixthLeap`."""

    name: ClassVar[str] = "large_leap"
    low: ClassVar[float] = -5.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        octave = np.abs(view.move) == OCTAVE
        return np.where(octave, -5.0, np.where(view.move == 8, -2.0, 0.0))


@dataclass(frozen=True)
class MelodicTritone:
    """Two moves outline a tritone: `MelodicTritone`, 8.

    Schottstaedt looks up to four notes back, and only from the fifth note on.
    """

    name: ClassVar[str] = "melodic_tritone"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        return _broken(view.turns & (np.abs(view.move + view.last_move) == TRITONE))


@dataclass(frozen=True)
class Neighbour:
    """A step away and back again: `UpperNeighbor` and `LowerNeighbor`, 1 each."""

    name: ClassVar[str] = "neighbour"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        step = (view.move != 0) & ~_is_skip(view.move)
        return _broken(view.turns & step & (view.move + view.last_move == 0))


@dataclass(frozen=True)
class Repetition:
    """The pitch is that of the note before or of the one before that: 1 each.

    After Schottstaedt's `PitchRepeats`, which charges half a point for every earlier note of the
    same pitch and so needs a longer memory; that it is a whole point is our choice.
    """

    name: ClassVar[str] = "repetition"
    low: ClassVar[float] = -2.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        once = _broken(view.moves & (view.move == 0))
        return np.asarray(once + _broken(view.turns & (view.move + view.last_move == 0)))


@dataclass(frozen=True)
class LeapAtCadence:
    """A leap of more than a major third into one of the last five bars: `LeapAtCadence`, 13."""

    name: ClassVar[str] = "leap_at_cadence"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        near = (view.place == CADENTIAL) | (view.place == LAST)
        return _broken(near & (np.abs(view.move) > MAJOR_THIRD))


@dataclass(frozen=True)
class LydianTritone:
    """B above the final F in the last four bars: `LydianCadentialTritone`, 13."""

    name: ClassVar[str] = "lydian_tritone"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        return _broken(view.lydian_tritone)


@dataclass(frozen=True)
class Climax:
    """The line has more than one climax: 4, a value of ours, charged in the last bar.

    Source: textbook rule of the single climax (Jeppesen 1939; Salzer & Schachter 1969), which
    neither Fux nor Schottstaedt gives; Fux's own lines break it at times.
    """

    name: ClassVar[str] = "climax"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        return _broken((view.place == LAST) & view.climax_returned)


@dataclass(frozen=True)
class Legality:
    """-1 for an action against an absolute rule (it is replaced), else 0; the weight is ours."""

    name: ClassVar[str] = "legality"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CounterpointView) -> FloatArray:
        """Value per element."""
        return _broken(view.illegal)


COUNTERPOINT: WeightedSum[CounterpointView] = WeightedSum(
    (
        (PerfectConsonance(), 2.0),
        (DirectMotion(), 1.0),
        (Compound(), 1.0),
        (SkipToOctave(), 8.0),
        (SkipFromUnison(), 4.0),
        (TenthToOctave(), 8.0),
        (ConsecutiveSkips(), 1.0),
        (SkipPreceded(), 1.0),
        (SkipFollowed(), 1.0),
        (LeapBack(), 1.0),
        (LargeLeap(), 1.0),
        (MelodicTritone(), 8.0),
        (Neighbour(), 1.0),
        (Repetition(), 1.0),
        (LeapAtCadence(), 13.0),
        (LydianTritone(), 13.0),
        (Climax(), 4.0),
        (Legality(), 4.0),
    )
)
"""The reward of `segue/Counterpoint-v0`."""
