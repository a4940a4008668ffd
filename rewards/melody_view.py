"""What a reward of `segue/Melody-v0` may see of a step: the view of `rl_tuner` and `phrase`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from segue.rewards.base import FloatArray

IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]

STEPS = 32
"""Sixteenths of a melody: two bars of 4/4."""

OFF, HOLD, ONSET = 0, 1, 2
"""Kinds of token."""

SILENCE = -1
"""Value of `MelodyView.pitch` where nothing sounds."""

FIRST, HELD, STOPPED = 36, 37, 38
"""Values of `MelodyView.size` that are no interval: the first onset, a hold, a note off."""

NO_CLASS = 12
"""Value of `MelodyView.before` before the first onset."""

LEAP_RESOLVED, LEAP_DOUBLED = 1, 2
RECOVERED, NOT_RECOVERED = 1, 2
ECHOES, DIFFERS = 1, 2


@dataclass(frozen=True)
class MelodyView:
    """What a melody reward sees of one sixteenth; all fields broadcast against each other.

    Everything is as it stands after the sixteenth's token. *The last eight* are this token and
    the seven before it.

    Attributes
    ----------
    step : int array
        Sixteenths before this one, 0 to 31.
    kind : int array
        OFF, HOLD or ONSET.
    pitch : int array
        MIDI pitch that sounds, 48 to 83, or SILENCE.
    size : int array
        Semitones between this onset and the one before, 0 to 35; else FIRST, HELD or STOPPED.
    before : int array
        Pitch class of the last onset before this token, 0 (C) to 11, or NO_CLASS.
    excessive : bool array
        The token is repeated excessively as RL Tuner counts it, where holds are tokens too.
    leap : int array
        LEAP_RESOLVED or LEAP_DOUBLED as RL Tuner detects them, else 0.
    recovery : int array
        After an interval of a fourth or more: RECOVERED where this onset is one or two semitones
        back, NOT_RECOVERED where it is another; else 0.
    echo : int array
        ECHOES where this onset moves (up, down or not) as the one 8 or 16 sixteenths earlier,
        DIFFERS where there is such a move but no like one; else 0.
    idle : bool array
        A note off where nothing sounds.
    illegal : bool array
        The action was no token and has been replaced by a note off.
    top_was, top_is, bottom_was, bottom_is : bool arrays
        Whether the highest and the lowest pitch so far have been struck once only, before this
        token and after it.
    lone_hold : bool array
        No onset so far and one single hold, which RL Tuner takes for a unique highest note.
    distinct : int array
        Distinct pitches struck in the last eight, 0 to 8; 0 before there are eight.
    returns : int array
        0 unless the last eight have three distinct pitches or more and are, token by token, eight
        that ended before they began; else how many sixteenths so far were such, this one
        included.
    ended : int array
        Length in sixteenths of the note that this token ends, 1 to 16 (16 and more); 0 for none.
    repeats : int array
        Onsets of one pitch in a row, this one included, 1 to 15 (15 and more); 0 without
        onset.
    run : int array
        Onsets in a row that move the same way, this one included, up to 15; 0 where none moves.
    zigzag : int array
        Onsets in a row that come back to the pitch before the last, up to 15; 0 where none
        does.
    last : bool array
        The melody ends here.
    final_length : int array
        At the end: sixteenths of the note that still sounds, up to 16; 0 for silence.
    surprise : float array
        At the end: mean surprise of the intervals in bits, by `INTERVAL_SURPRISE`; 0 to 3.875.
    monotony : float array
        At the end of a melody of eight onsets or more: share of the intervals, the first one
        left out, that go on like the one before: a repeat after a repeat, or a step of one or two
        semitones after one the same way; in 32nds, rounded down. Otherwise 0.
    log_prior : float array
        Natural logarithm of the token's probability under the prior, 0 without one.
    autocorrelation : float array
        Sum over the lags 1, 2 and 3 of the absolute autocorrelation of the tokens so far, those
        of .15 and less left out; 0 to 3.
    judged : float array
        At the end: log-odds, by a judge, that a person made the whole melody; 0 before the end and
        without a judge.
    """

    step: IntArray
    kind: IntArray
    pitch: IntArray
    size: IntArray
    before: IntArray
    excessive: BoolArray
    leap: IntArray
    recovery: IntArray
    echo: IntArray
    idle: BoolArray
    illegal: BoolArray
    top_was: BoolArray
    top_is: BoolArray
    bottom_was: BoolArray
    bottom_is: BoolArray
    lone_hold: BoolArray
    distinct: IntArray
    returns: IntArray
    ended: IntArray
    repeats: IntArray
    run: IntArray
    zigzag: IntArray
    last: BoolArray
    final_length: IntArray
    surprise: FloatArray
    monotony: FloatArray
    log_prior: FloatArray
    autocorrelation: FloatArray
    judged: FloatArray


@dataclass(frozen=True)
class Legality:
    """-1 for an action that is no token (it is replaced by a note off), else 0."""

    name: ClassVar[str] = "legality"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return np.where(view.illegal, -1.0, 0.0)
