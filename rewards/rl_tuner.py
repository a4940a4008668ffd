"""The published reward of RL Tuner, rule by rule.

Jaques, Gu, Turner & Eck, *Tuning Recurrent Neural Networks with Reinforcement Learning* (2017;
*Sequence Tutor*, ICML 2017) after Gauldin, *A Practical Approach to Eighteenth-Century
Counterpoint*. Values and conditions are those of Magenta's `rl_tuner.py`, which say more than the
paper; where they surprise, the term's docstring says so under *as published*. The rules are kept
for comparison: noise earns more than people's melodies by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.melody_view import (
    FIRST,
    HELD,
    HOLD,
    LEAP_DOUBLED,
    LEAP_RESOLVED,
    ONSET,
    STEPS,
    STOPPED,
    Legality,
    MelodyView,
)

C_MAJOR = (0, 2, 4, 5, 7, 9, 11)
TONIC = 60
"""MIDI pitch of the tonic, C4."""

C, E, G = 0, 4, 7


@dataclass(frozen=True)
class Key:
    """-1 for the onset of a pitch outside C major, else 0."""

    name: ClassVar[str] = "key"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        outside = (view.kind == ONSET) & ~np.isin(view.pitch % 12, C_MAJOR)
        return np.where(outside, -1.0, 0.0)


@dataclass(frozen=True)
class Tonic:
    """+3 for beginning, and for ending, on the tonic.

    +3 for the onset of C4 at step 0 and at step 28, for a hold at step 29, and for a hold or a
    note off at steps 30 and 31. As published: the "final bar" is the last quarter note; C3 and C5
    do not count; the holds and offs are paid whatever sounds.
    """

    name: ClassVar[str] = "tonic"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 3.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        final = STEPS - 4
        begins = (view.step == 0) | (view.step == final)
        good = begins & (view.kind == ONSET) & (view.pitch == TONIC)
        good = good | ((view.step == final + 1) & (view.kind == HOLD))
        return np.where(good | ((view.step > final + 1) & (view.kind != ONSET)), 3.0, 0.0)


@dataclass(frozen=True)
class Repetition:
    """-100 for a token that is repeated excessively, else 0.

    Looking back over holds and offs to the onset of another pitch: too many are five and more
    onsets of the same pitch before this one (seven where holds or offs lie among them), five and
    more holds (seven where there are offs), two and more offs. As published: holds count as
    repeats, so that a note may last six sixteenths and no longer; the holds and offs of the note
    before the repeated ones count as breaks between them; a limit of eight is never reached.
    """

    name: ClassVar[str] = "repetition"
    low: ClassVar[float] = -100.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return np.where(view.excessive, -100.0, 0.0)


@dataclass(frozen=True)
class Autocorrelation:
    """-3 times the sum of `MelodyView.autocorrelation`.

    At every step, of all tokens so far, at lags of 1, 2 and 3 sixteenths. As published: the token
    numbers themselves are correlated, so that an off counts as a pitch below a hold, and that
    below C3; a tune that never leaves one token has no autocorrelation and pays nothing.
    """

    name: ClassVar[str] = "autocorrelation"
    low: ClassVar[float] = -9.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return -3.0 * view.autocorrelation


@dataclass(frozen=True)
class Motif:
    """+3 while the last eight tokens hold three distinct pitches, +.3 for each one more.

    As published: a "bar" is eight sixteenths, so nothing is paid at the first seven steps.
    """

    name: ClassVar[str] = "motif"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 4.5

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return np.where(view.distinct >= 3, 3.0 + 0.3 * (view.distinct - 3), 0.0)


@dataclass(frozen=True)
class RepeatedMotif:
    """+4 while those eight tokens repeat eight earlier ones, +1 for each pitch beyond three.

    As published: only exact repeats count, and they may not overlap.
    """

    name: ClassVar[str] = "repeated_motif"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 9.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return np.where(view.returns > 0, 4.0 + np.maximum(view.distinct - 3, 0), 0.0)


WORTH = {2: 0.08, 4: 0.09, 5: 0.07, 7: 0.02, 9: 0.05, 11: -0.3}
"""Published worth of an interval by its semitones, before the factor; 0 for others up to 12."""
BEYOND_OCTAVE = -1.0
KEY_FIFTH, KEY_THIRD = 0.1, 0.15
REST, HOLDING = 0.05, 0.075
STABLE_REST, STABLE_HOLD = 0.15, 0.3
FACTOR = 5.0


@dataclass(frozen=True)
class Intervals:
    """Five times the worth of the melodic interval from the onset before.

    Major second .08, major third .09, fourth .07, fifth .02, major sixth .05, major seventh -.3,
    more than an octave -1, others 0. A fifth from any C or G is worth .1, a major third from any
    C or E .15. Once there was an onset, a note off is worth .05 and a hold .075, but .15 and .3
    where that onset was a C or a G. As published: the sign of the interval is not looked at, so
    that a third down from C to A flat pays as C to E does; semitones and minor thirds earn
    nothing; offs and holds earn, also in silence.
    """

    name: ClassVar[str] = "intervals"
    low: ClassVar[float] = -5.0
    high: ClassVar[float] = 1.5

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        table = np.array([WORTH.get(size, 0.0) for size in range(FIRST)])
        table[13:] = BEYOND_OCTAVE
        worth = np.append(table, [0.0, HOLDING, REST])[view.size]
        on_c, on_e, on_g = (view.before == note for note in (C, E, G))
        worth = np.where((view.size == 7) & (on_c | on_g), KEY_FIFTH, worth)
        worth = np.where((view.size == 4) & (on_c | on_e), KEY_THIRD, worth)
        worth = np.where((view.size == HELD) & (on_c | on_g), STABLE_HOLD, worth)
        worth = np.where((view.size == STOPPED) & (on_c | on_g), STABLE_REST, worth)
        return FACTOR * np.where(view.before == 12, 0.0, worth)


@dataclass(frozen=True)
class Leaps:
    """+5 where a leap is resolved, -5 where one more goes the same way.

    A leap is a fifth or more. It is resolved where the melody comes back, without a leap, to the
    pitch it leapt from or beyond, or leaps the other way more than six sixteenths later. As
    published: leaping back sooner ends the waiting unpaid; a doubled leap goes on waiting for the
    first one's resolution.
    """

    name: ClassVar[str] = "leaps"
    low: ClassVar[float] = -5.0
    high: ClassVar[float] = 5.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        doubled = np.where(view.leap == LEAP_DOUBLED, -5.0, 0.0)
        return np.where(view.leap == LEAP_RESOLVED, 5.0, doubled)


@dataclass(frozen=True)
class Extremes:
    """At the end +3 if the highest pitch was struck once, and +3 if the lowest one was.

    As published: in a melody without any onset the highest token counts, so a single hold is a
    unique highest note.
    """

    name: ClassVar[str] = "extremes"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 6.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        unique = 3.0 * (view.top_is | view.lone_hold) + 3.0 * view.bottom_is
        return np.where(view.step == STEPS - 1, unique, 0.0)


@dataclass(frozen=True)
class Prior:
    """Log-probability of the token under the prior, in nats; cut off at `low`."""

    low: float = -50.0
    name: ClassVar[str] = "prior"
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return np.maximum(view.log_prior, self.low)


def rl_tuner(c: float = 1.0) -> WeightedSum[MelodyView]:
    """Build the published reward, ``log p + rules / c``.

    Parameters
    ----------
    c : float
        The paper's constant, > 0: the greater, the more the prior counts. Its inverse is
        Magenta's `reward_scaler`, 1 by default in the class and .1 in the training script.
    """
    rules = (
        Key(),
        Tonic(),
        Repetition(),
        Autocorrelation(),
        Motif(),
        RepeatedMotif(),
        Intervals(),
        Leaps(),
        Extremes(),
    )
    return WeightedSum((*((rule, 1.0 / c) for rule in rules), (Prior(), 1.0), (Legality(), 1.0)))


RL_TUNER = rl_tuner()
"""The published reward at the published default, c = 1."""
