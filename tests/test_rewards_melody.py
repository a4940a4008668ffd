"""Every term of the reward of melodies above chords against values worked out by hand."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from reward_views import note, value

from segue.rewards import melody


def test_harmony_is_weighted_by_the_metre() -> None:
    term = melody.Harmony()
    assert value(term, note(strength=1.0)) == 1.0
    assert value(term, note(strength=0.125)) == 0.125
    assert value(term, note(strength=0.5, chord_tone=False)) == -0.5
    assert value(term, note(strength=1.0, kind=melody.HOLD, chord_tone=False)) == -1.0
    assert value(term, note(strength=1.0, kind=melody.HOLD)) == 0.0
    assert value(term, note(strength=1.0, kind=melody.REST, chord_tone=False)) == 0.0


def test_dissonance_is_left_by_step() -> None:
    term = melody.Resolution()
    for interval, worth in ((1, 0), (2, 0), (-1, 0), (-2, 0), (0, -1), (3, -1), (-3, -1), (12, -1)):
        assert value(term, note(unresolved=True, interval=interval)) == worth
    assert value(term, note(unresolved=True, kind=melody.HOLD, moves=False, interval=0)) == 0
    assert value(term, note(unresolved=True, kind=melody.REST, moves=False, interval=0)) == -1
    assert value(term, note(unresolved=True, kind=melody.ONSET, moves=False, interval=1)) == -1
    assert value(term, note(unresolved=False, interval=7)) == 0


def test_small_intervals_are_worth_more() -> None:
    worth = (-0.3, 1.0, 1.0, 0.6, 0.5, 0.3, -1.0, 0.2, -0.4, -0.4, -1.0, -1.0, 0.0)
    for size, expected in enumerate(worth):
        assert value(melody.Motion(), note(interval=size)) == expected
        assert value(melody.Motion(), note(interval=-size)) == expected
    assert value(melody.Motion(), note(moves=False, interval=0)) == 0


def test_what_goes_on_too_long_is_worth_less() -> None:
    term = melody.Motion()
    for sign in (1, -1):
        for run, size, worth in (
            (3, 2, 1.0),
            (4, 2, -2.0),
            (4, 4, -2.0),
            (4, -2, 1.0),
            (4, 5, 0.3),
        ):
            assert value(term, note(run=sign * run, interval=sign * size)) == worth
    assert value(term, note(run=4, interval=0)) == -0.3
    assert [value(term, note(repeats=n, interval=0)) for n in range(3)] == [-0.3, -1.0, -2.0]
    assert value(term, note(repeats=1, interval=1)) == 1.0
    assert value(term, note(run=4, repeats=2, moves=False, interval=0)) == 0


def test_cadences_are_reached_by_step() -> None:
    term = melody.Approach()
    for cadence in (melody.HALF_CADENCE, melody.FULL_CADENCE):
        for size, worth in ((0, -0.5), (1, 0), (2, 0), (3, -0.5), (4, -0.5), (5, -1), (12, -1)):
            for sign in (1, -1):
                assert value(term, note(cadence=cadence, interval=sign * size)) == worth
        assert value(term, note(cadence=cadence, moves=False, interval=0)) == -0.5
    assert value(term, note(cadence=melody.NO_CADENCE, interval=7)) == 0


def test_a_leap_is_answered_by_a_step_back() -> None:
    term = melody.LeapRecovery()
    for leap in (1, -1):
        for interval, worth in ((-1, 0), (-2, 0), (-3, -1), (0, -1), (1, -1), (2, -1), (-7, -1)):
            assert value(term, note(leap=leap, interval=leap * interval)) == worth
    assert value(term, note(leap=0, interval=-1)) == 0
    assert value(term, note(leap=1, interval=0, moves=False)) == 0


def test_onsets_lie_near_the_arch() -> None:
    term = melody.Contour()
    assert value(term, note(pitch=70, target=70.0)) == 1.0
    assert value(term, note(pitch=73, target=70.0)) == pytest.approx(exp(-0.5))
    assert value(term, note(pitch=64, target=70.0)) == pytest.approx(exp(-2.0))
    assert value(term, note(pitch=70, target=70.0, kind=melody.HOLD)) == 0.0
    assert value(term, note(pitch=-1, target=70.0, kind=melody.REST)) == 0.0
    assert value(term, note(pitch=60, target=melody.NO_TARGET)) == 0.0


def test_rhythm_follows_the_template() -> None:
    # Asked for (rows) against played (columns): rest, hold, onset; the last row is free.
    worth = [[0, -0.5, -1], [-0.5, 0, -1], [-1, -1, 0], [0, 0, 0]]
    for template in range(4):
        for kind in range(3):
            view = note(template=template, kind=kind)
            assert value(melody.Rhythm(), view) == worth[template][kind]


def test_the_motif_asks_for_directions() -> None:
    term = melody.Motif()
    for motif in (-1, 0, 1):
        for interval in (-5, -1, 0, 2, 9):
            agrees = int(np.sign(interval)) == motif
            assert value(term, note(motif=motif, interval=interval)) == (1 if agrees else -1)
    assert value(term, note(motif=melody.NO_MOTIF, interval=2)) == 0
    assert value(term, note(motif=1, interval=0, moves=False)) == 0


def test_cadences_ask_for_degrees() -> None:
    term = melody.Cadence()
    for degree in range(-1, 12):
        full = value(term, note(cadence=melody.FULL_CADENCE, degree=degree))
        assert full == (0 if degree == 0 else -1)
        half = value(term, note(cadence=melody.HALF_CADENCE, degree=degree))
        assert half == (0 if degree in (2, 7, 10, 11) else -1)
        assert value(term, note(cadence=melody.NO_CADENCE, degree=degree)) == 0
