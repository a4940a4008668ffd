"""What the form of a two-bar phrase is judged by: rhythm, repetition, return and variation.

Beside the pitches of `segue.rewards.phrase`, which holds the preset. Rhythm is judged by the
lengths of notes: a hold is no repeat. Whatever can be had without limit, such as repeating, running
or trilling, pays only up to a point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from segue.rewards.base import FloatArray
from segue.rewards.melody_view import DIFFERS, ECHOES, MelodyView

LENGTH_WORTH = {1: 0.0, 2: 1.0, 3: 0.6, 4: 1.0, 6: 0.8, 8: 0.3}
"""Worth of a note's length in sixteenths where it begins on its own beat; others -.5."""
ALIGNMENT = {1: 1, 2: 2, 3: 2, 4: 4, 6: 4, 8: 4}
"""Sixteenths that a note's beginning must be a multiple of."""


@dataclass(frozen=True)
class Rhythm:
    """Notes have plain lengths and begin where such notes belong.

    When a note ends: its `LENGTH_WORTH`, or -.5 where it is no plain length or begins off its
    `ALIGNMENT`, times a quarter of its sixteenths, at most 1. Worth goes by time and not by note,
    so that many notes earn no more than few. Source: textbook rule; metrical preference of
    Lerdahl & Jackendoff (1983).
    """

    name: ClassVar[str] = "rhythm"
    low: ClassVar[float] = -0.5
    high: ClassVar[float] = 1.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        lengths = range(17)
        worth = np.array([LENGTH_WORTH.get(length, -0.5) for length in lengths])
        unit = np.array([ALIGNMENT.get(length, 1) for length in lengths])
        began = view.step - view.ended
        value = np.where(began % unit[view.ended] == 0, worth[view.ended], -0.5)
        return np.where(view.ended == 0, 0.0, value * np.minimum(view.ended / 4, 1.0))


@dataclass(frozen=True)
class Silence:
    """-1 for a note off in silence, which says nothing: a hold goes on with a rest."""

    name: ClassVar[str] = "silence"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return np.where(view.idle, -1.0, 0.0)


@dataclass(frozen=True)
class Repetition:
    """A pitch may be struck four times in a row; then each further time costs more.

    0 up to four onsets, then -1/8, -1/2, -9/8, -2 and from the ninth on -3, so that repeating for
    ever cannot pay. Holds do not count: a long note is no repeat.
    """

    name: ClassVar[str] = "repetition"
    low: ClassVar[float] = -3.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return -np.minimum(np.maximum(view.repeats - 4, 0) ** 2 / 8, 3.0)


@dataclass(frozen=True)
class Variety:
    """Half a bar holds at least three distinct pitches, and not as many as there are notes.

    By the distinct pitches struck in the last eight sixteenths: 1 for three to six, .5 for seven
    and 0 for eight; 0 for fewer than three.
    """

    name: ClassVar[str] = "variety"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0])[view.distinct]


ENOUGH_RETURNS = 8


@dataclass(frozen=True)
class Return:
    """A motif comes back, and then goes on in another way.

    1 for each sixteenth that ends an exact return of eight earlier ones, up to eight such
    sixteenths in the melody; 0 for the next two, then -1: a melody that only repeats itself earns
    no more than one that varies. Source: repetition and variation, Huron (2006), ch. 13.
    """

    name: ClassVar[str] = "return"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        worn = np.where(view.returns > ENOUGH_RETURNS + 2, -1.0, 0.0)
        fresh = (view.returns > 0) & (view.returns <= ENOUGH_RETURNS)
        return np.where(fresh, 1.0, worn)


@dataclass(frozen=True)
class Echo:
    """A motif's directions come back on other pitches: the return with variation.

    +.5 where an onset moves as the one half a bar or a bar before, -.5 where it does not; 0 where
    none was there. Source: sequence, the oldest way of varying a motif.
    """

    name: ClassVar[str] = "echo"
    low: ClassVar[float] = -0.5
    high: ClassVar[float] = 0.5

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return np.where(view.echo == ECHOES, 0.5, np.where(view.echo == DIFFERS, -0.5, 0.0))


@dataclass(frozen=True)
class Run:
    """A run or a trill must not go on for ever.

    0 up to four onsets moving one way, and up to two that only come back to the pitch before the
    last; then -.25, -1, -2.25 and -3: a fifth is often filled, an octave seldom, and more is an
    exercise.
    """

    name: ClassVar[str] = "run"
    low: ClassVar[float] = -3.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        beyond = np.maximum(np.maximum(view.run - 4, view.zigzag - 2), 0)
        return -np.minimum(beyond**2 / 4, 3.0)


MOST_MONOTONOUS = 22 / 32
"""Share of intervals that may go on like the one before: one in a hundred folk tunes' passages of
eight onsets and more has a greater one, one in two thousand more than .83."""


@dataclass(frozen=True)
class Monotony:
    """A melody is no drone and no scale exercise.

    At the end: 0 up to a share of `MOST_MONOTONOUS` of the intervals that go on like the one
    before, then linear down to -1 where all do. Runs and repeats are normal in people's melodies,
    but not throughout. Source: counted in folk tunes (training split of the default corpora).
    """

    name: ClassVar[str] = "monotony"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        beyond = (view.monotony - MOST_MONOTONOUS) / (1 - MOST_MONOTONOUS)
        return np.asarray(-np.maximum(beyond, 0.0))
