"""Cantus firmi of `segue/Counterpoint-v0`: Fux's, given ones and drawn ones."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from segue.envs.base.errors import SegueError
from segue.envs.counterpoint.cantus_firmi import (
    FINALS,
    FUX,
    FUX_COUNTERPOINTS,
    MODES,
    cantus_firmi,
    checked,
)
from segue.envs.counterpoint.env import CounterpointEnv
from segue.envs.counterpoint.generator import draw_cantus_firmi, lay_out
from segue.envs.counterpoint.types import CantusFirmus


def made(cantus: Any, **options: Any) -> CounterpointEnv:
    env = CounterpointEnv(cantus=cantus, **options)
    env.reset(seed=0)
    return env


def cost(env: CounterpointEnv, line: tuple[int, ...]) -> float:
    """Return of a line of MIDI pitches, every one of which must be legal."""
    env.reset(seed=0)
    total = 0.0
    for pitch in line:
        assert env.action_masks()[pitch - env.cantus_firmus.final], (pitch, env.line())
        total += env.step(pitch - env.cantus_firmus.final)[1]
    return total


NAMES = {
    "dorian": "D4 F4 E4 D4 G4 F4 A4 G4 F4 E4 D4",
    "phrygian": "E4 C4 D4 C4 A3 A4 G4 E4 F4 E4",
    "lydian": "F3 G3 A3 F3 D3 E3 F3 C4 A3 F3 G3 F3",
    "mixolydian": "G3 C4 B3 G3 C4 E4 D4 G4 E4 C4 D4 B3 A3 G3",
    "aeolian": "A3 C4 B3 D4 C4 E4 F4 E4 D4 C4 B3 A3",
    "ionian": "C4 E4 F4 G4 E4 A4 G4 E4 F4 E4 D4 C4",
}


def test_the_six_of_fux() -> None:
    semitones = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    assert list(FUX) == list(NAMES)
    for mode, names in NAMES.items():
        pitches = tuple(12 * (int(n[1]) + 1) + semitones[n[0]] for n in names.split())
        assert FUX[mode] == CantusFirmus(mode, mode, pitches)
        assert checked(FUX[mode]).final == FINALS[mode]


@pytest.mark.parametrize("mode", FUX_COUNTERPOINTS)
def test_what_fux_wrote_above_them_is_legal(mode: str) -> None:
    env = made(mode)
    assert env.optimum() > cost(env, FUX_COUNTERPOINTS[mode]) > 2 * env.solution().random_return


def test_cantus_firmi_are_given_by_name_pitches_or_record() -> None:
    assert cantus_firmi("fux") == tuple(FUX.values())
    assert cantus_firmi("lydian") == (FUX["lydian"],)
    own = CantusFirmus("mine", "dorian", (57, 60, 59, 57))
    short = (60, 64, 62, 60)
    found = cantus_firmi(("ionian", own, short))
    assert found[:2] == (FUX["ionian"], own)
    assert (found[2].mode, found[2].pitches) == ("ionian", short)
    assert cantus_firmi(short) == (found[2],)
    assert cantus_firmi(()) == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("locrian", "no cantus firmus 'locrian'"),
        ((61, 63, 61), "final of no untransposed mode"),
        ((62, "dorian"), "mixes pitches"),
        ((62, 62), "has 2 notes"),
        ((62, *[65] * 15, 64, 62), "has 18 notes"),
        ((62, 66, 64, 62), "leaves its mode"),
        ((62, 48, 64, 62), "too far from its final"),
        ((62, 76, 64, 62), "leaps by more than an octave"),
        ((62, 65, 60, 62), "does not step down"),
        (CantusFirmus("x", "locrian", (60, 62, 60)), "unknown mode 'locrian'"),
        ((), "no cantus firmus"),
    ],
)
def test_wrong_cantus_firmi_are_told(given: Any, said: str) -> None:
    with pytest.raises(SegueError, match=said):
        CounterpointEnv(cantus=given)


def test_a_cantus_firmus_without_a_counterpoint_is_told() -> None:
    # What is consonant with the low D is a fifth after a fifth or no move from the leading tone.
    with pytest.raises(SegueError, match="No counterpoint above the cantus firmus 'low'"):
        lay_out([CantusFirmus("low", "ionian", (60, 50, 62, 60))])


def test_drawn_cantus_firmi_keep_the_rules() -> None:
    drawn = draw_cantus_firmi(120, 5)
    assert len({cantus.pitches for cantus in drawn}) == 120
    assert {cantus.mode for cantus in drawn} == set(MODES)
    assert {len(cantus.pitches) for cantus in drawn} == set(range(8, 15))
    for cantus in drawn:
        assert checked(cantus) is cantus
        degrees = cantus.degrees
        moves = [there - here for here, there in pairwise(degrees)]
        assert degrees[0] == degrees[-1] == 0
        assert moves[-1] in (-1, -2)
        assert degrees.count(max(degrees)) == 1
        assert max(degrees) - min(degrees) <= 16
        assert all(abs(move) in (1, 2, 3, 4, 5, 7, 8, 12) and move != -8 for move in moves)
        assert sum(abs(move) <= 2 for move in moves) >= len(moves) / 2
        for move, following in pairwise(moves):
            assert abs(move) < 5 or (move * following < 0 and abs(following) <= 4)
            assert move * following < 0 or abs(move) <= 2 or abs(following) <= 2
        turns = [b for a, b, c in zip(degrees, degrees[1:], degrees[2:]) if (b - a) * (c - b) < 0]  # noqa: B905
        outline = [0, *turns, 0]
        assert not {abs(b - a) for a, b in pairwise(outline)} & {6, 10, 11}
        assert not any(a == c and b == d for a, b, c, d in zip(*(degrees[k:] for k in range(4))))  # noqa: B905


def test_seeds_choose_the_drawn_cantus_firmi() -> None:
    assert draw_cantus_firmi(4, 1) == draw_cantus_firmi(9, 1)[:4]
    assert not set(draw_cantus_firmi(40, 1)) & set(draw_cantus_firmi(40, 2))
    with pytest.raises(SegueError, match="generated is -1"):
        CounterpointEnv(generated=-1)
