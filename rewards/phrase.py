"""What a two-bar phrase is judged by: segue's own reward of `segue/Melody-v0`.

The rules are those of tonal melody as textbooks and corpus studies give them (Huron, *Sweet
Anticipation*, 2006; von Hippel & Huron, 2000; Temperley, *Music and Probability*, 2007), beside a
sequence model's opinion. Terms of rhythm and repetition are in `segue.rewards.phrase_form`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import ClassVar

import numpy as np

from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.melody_view import (
    FIRST,
    LEAP_DOUBLED,
    LEAP_RESOLVED,
    ONSET,
    RECOVERED,
    SILENCE,
    Legality,
    MelodyView,
)
from segue.rewards.phrase_form import (
    Echo,
    Monotony,
    Repetition,
    Return,
    Rhythm,
    Run,
    Silence,
    Variety,
)
from segue.rewards.realism import Realism
from segue.rewards.rl_tuner import C_MAJOR, TONIC
from segue.rewards.shaping import bell


@dataclass(frozen=True)
class Scale:
    """Onsets belong to C major: -1 for any other, else 0."""

    name: ClassVar[str] = "scale"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        outside = (view.kind == ONSET) & ~np.isin(view.pitch % 12, C_MAJOR)
        return np.where(outside, -1.0, 0.0)


INTERVAL_WORTH = (
    *(0.0, 0.0, 0.05, 0.0, 0.0, -0.05, -0.75),
    *(-0.15, -0.45, -0.45, -0.85, -1.0, -0.45),
)
"""Worth of an interval of 0 to 12 semitones; a wider one is worth -1. Those that melodies are
made of are worth about 0, so that many notes earn no more than few."""


@dataclass(frozen=True)
class Motion:
    """Small intervals rather than large ones, by `INTERVAL_WORTH`; 0 where nothing moves.

    Source: step preference of tonal melody, Huron (2006), ch. 5; order of worth by convention.
    """

    name: ClassVar[str] = "motion"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.05

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        table = np.full(39, -1.0)
        table[: len(INTERVAL_WORTH)] = INTERVAL_WORTH
        table[FIRST:] = 0.0
        return table[view.size]


@dataclass(frozen=True)
class Recovery:
    """An interval of a fourth or more is answered by a step back.

    0 when the next onset is one, -1 when it is not. Source: textbook rule; von Hippel & Huron
    (2000).
    """

    name: ClassVar[str] = "recovery"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        value = np.where(view.recovery == RECOVERED, 0.0, -1.0)
        return np.where(view.recovery == 0, 0.0, value)


@dataclass(frozen=True)
class Leaps:
    """A fifth or more is come back from, and not added to.

    +.05 where the melody has come back to the pitch it leapt from, -1 where it leaps on the same
    way, as RL Tuner counts them. Coming back is worth little, so that leaping does not pay.
    """

    name: ClassVar[str] = "leaps"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.05

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        doubled = np.where(view.leap == LEAP_DOUBLED, -1.0, 0.0)
        return np.where(view.leap == LEAP_RESOLVED, 0.05, doubled)


@dataclass(frozen=True)
class Climax:
    """The highest pitch is struck once.

    Difference of the potential ``1[the highest pitch so far was struck once]``, so that an
    episode's sum is 1 for a single climax and 0 otherwise, whatever happened before
    (potential-based shaping, Ng, Harada & Russell 1999, undiscounted). Source: textbook rule.
    """

    name: ClassVar[str] = "climax"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return view.top_is.astype(np.float64) - view.top_was


@dataclass(frozen=True)
class Nadir:
    """The lowest pitch is struck once; as `Climax`."""

    name: ClassVar[str] = "nadir"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return view.bottom_is.astype(np.float64) - view.bottom_was


@dataclass(frozen=True)
class Opening:
    """The melody begins on the tonic.

    At step 0: 1 for the onset of C4, .5 for that of another C, E or G, else 0. Source: convention.
    """

    name: ClassVar[str] = "opening"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        stable = np.where(np.isin(view.pitch % 12, (0, 4, 7)), 0.5, 0.0)
        worth = np.where(view.pitch == TONIC, 1.0, stable)
        return np.where((view.step == 0) & (view.kind == ONSET), worth, 0.0)


@dataclass(frozen=True)
class Cadence:
    """The melody ends on a stable pitch.

    At the end: 1 on C, .5 on E or G, .25 on D or B (a half cadence), -1 outside C major, 0 else
    and in silence. Source: textbook rule.
    """

    name: ClassVar[str] = "cadence"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        worth = np.array([1.0, -1.0, 0.25, -1.0, 0.5, 0.0, -1.0, 0.5, -1.0, 0.0, -1.0, 0.25])
        value = np.where(view.pitch == SILENCE, 0.0, worth[view.pitch % 12])
        return np.where(view.step == 31, value, 0.0)


CORPUS_SURPRISE = 2.77
"""Bits: mean surprise of an interval of a folk tune; the entropy of the shares behind
`INTERVAL_SURPRISE` of `segue.envs.melody.dynamics`."""


@dataclass(frozen=True)
class Surprise:
    """The intervals are on average as surprising as those of people's melodies.

    At the end: `bell` of the mean surprise less `CORPUS_SURPRISE`. Repeated notes and scales are
    too easily foreseen, noise not at all. Source: Wundt curve, Berlyne (1971).
    """

    width: float = 0.6
    name: ClassVar[str] = "surprise"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return np.where(view.last, bell(view.surprise - CORPUS_SURPRISE, self.width), 0.0)


@dataclass(frozen=True)
class Prior:
    """Nothing that the sequence model finds most unlikely.

    0 where the token has a probability of 1/20 or more, then linear in its logarithm, down to -1
    four nats lower. Being ever more predictable earns nothing: a likelihood that pays without
    limit has the most predictable melody, a repeated note, for its optimum. A term only where
    there is a prior.
    """

    name: ClassVar[str] = "prior"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return np.clip((view.log_prior + log(20)) / 4, -1.0, 0.0)


PHRASE: WeightedSum[MelodyView] = WeightedSum(
    (
        (Scale(), 1.0),
        (Motion(), 2.5),
        (Recovery(), 0.5),
        (Leaps(), 10.0),
        (Climax(), 3.0),
        (Nadir(), 3.0),
        (Opening(), 9.0),
        (Cadence(), 2.0),
        (Rhythm(), 1.5),
        (Silence(), 1.0),
        (Repetition(), 5.0),
        (Variety(), 0.8),
        (Return(), 1.5),
        (Echo(), 0.3),
        (Run(), 8.0),
        (Monotony(), 300.0),
        (Surprise(), 4.0),
        (Prior(), 5.0),
        (Realism(), 10.0),
        (Legality(), 1.0),
    )
)
"""segue's own reward of `segue/Melody-v0`.

Monotony weighs so much that no drone or scale pays, whatever else it earns. The other weights are a
compromise: agents that learn from them reach the measures of Jaques et al. (2017) with melodies
that differ. What the prior says below 1/20 would tell passages from shuffled ones better, but
agents paid for it write ever the same turns. Realism, where there is a judge, weighs no more than
people's validation windows need to win 70 % against an n-gram (71.6; 49.2 without), since what is
learnt can be fooled.
"""
