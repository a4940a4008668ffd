"""Rules and optimum of `segue/Counterpoint-v0`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from segue.envs.counterpoint import dynamics
from segue.envs.counterpoint.cantus_firmi import (
    FINALS,
    FUX,
    MODES,
)
from segue.envs.counterpoint.env import CounterpointEnv
from segue.envs.counterpoint.types import CONTEXTS, NO_CLIMAX, NO_PITCH, PITCHES, CantusFirmus
from segue.rewards import counterpoint as terms

ALL = (1 << PITCHES) - 1


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


# --- the rules ---------------------------------------------------------------------------------


def test_consonances() -> None:
    found = {i for i in range(25) if dynamics.is_consonant(i)}
    assert found == {0, 3, 4, 7, 8, 9, 12, 15, 16, 19, 20, 21, 24}
    assert {i for i in range(25) if dynamics.is_perfect(i)} == {0, 7, 12, 19, 24}


def test_melodic_intervals() -> None:
    up = {move for move in range(20) if dynamics.is_melodic(move)}
    down = {-move for move in range(-20, 1) if dynamics.is_melodic(move)}
    assert up == {0, 1, 2, 3, 4, 5, 7, 8, 12}
    assert down == {0, 1, 2, 3, 4, 5, 7, 12}


def test_perfect_consonances_are_reached_by_contrary_or_oblique_motion() -> None:
    # Pitch, last pitch, note, last note: hidden and open fifths and octaves.
    assert dynamics.moves_to_perfect(9, 7, 2, 0)
    assert dynamics.moves_to_perfect(7, 4, 0, -3)
    assert dynamics.moves_to_perfect(12, 16, 0, 2)
    assert not dynamics.moves_to_perfect(7, 9, 0, -3)
    assert not dynamics.moves_to_perfect(7, 7, 0, 3)
    assert not dynamics.moves_to_perfect(8, 6, 4, 2)
    # A fifth after a twelfth, an octave after a unison.
    assert dynamics.moves_to_perfect(7, 12, 0, -7)
    assert dynamics.moves_to_perfect(9, 4, -3, 4)


def test_a_note_fits_where_it_is_consonant_above_and_in_the_mode() -> None:
    dorian = sum(1 << degree for degree in MODES["dorian"])
    fits = {p for p in range(PITCHES) if dynamics.fits_note(p, 2, False, dorian)}
    assert fits == {5, 9, 10, 14, 17}
    # The unison where it may stand, and nothing more than a twelfth apart.
    assert dynamics.fits_note(2, 2, True, dorian)
    assert not dynamics.fits_note(2, 2, False, dorian)
    assert dynamics.fits_note(12, -7, False, dorian)
    assert not dynamics.fits_note(14, -7, False, dorian)
    assert not dynamics.fits_note(0, 3, False, dorian)


def test_two_moves_span_an_octave_at_most() -> None:
    legal = dynamics.legal(12, 5, ALL)
    assert {p for p in range(PITCHES) if legal >> p & 1} == set(range(18))
    assert dynamics.legal(12, NO_PITCH, ALL) == ALL
    assert dynamics.legal(12, 0, 0b1010) == 0b1010


def test_actions_outside_the_space_are_illegal() -> None:
    assert all(dynamics.is_legal(ALL, action) for action in range(PITCHES))
    for action in (-1, -32, PITCHES, 31, 32, 33, 64, 2**40):
        assert not dynamics.is_legal(ALL, action)


def test_the_lowest_of_some_pitches() -> None:
    generator = np.random.default_rng(0)
    for bits in [*(1 << p for p in range(PITCHES)), *generator.integers(1, ALL, 200).tolist()]:
        assert dynamics.lowest(bits) == next(p for p in range(PITCHES) if bits >> p & 1)


def test_the_climax_is_the_highest_note_and_returns_when_it_was_left() -> None:
    state = dynamics.initial()
    assert state == (NO_PITCH, NO_PITCH, NO_CLIMAX, 0)
    told = []
    for pitch in (7, 7, 4, 7, 9, 9, 5, 9, 12):
        state = dynamics.transition(state[0], state[2], state[3], pitch)
        told.append((state[2] - 1, state[3]))
    assert told == [
        *((7, 0), (7, 0), (7, 0), (7, 1)),
        *((9, 0), (9, 0), (9, 0), (9, 1), (12, 0)),
    ]
    assert state[:2] == (12, 9)


def test_contexts_number_every_state_once() -> None:
    numbers = range(CONTEXTS)
    assert [dynamics.context_of(*dynamics.state_of(number)) for number in numbers] == [*numbers]


@pytest.mark.parametrize("mode", MODES)
def test_the_cadence(mode: str) -> None:
    env = made(mode)
    bars, leading = len(FUX[mode].pitches), 10 if mode == "phrygian" else 11
    generator = np.random.default_rng(0)
    for _ in range(20):
        env.reset()
        for bar in range(bars):
            legal = np.flatnonzero(env.action_masks())
            if bar == 0:
                first = FUX[mode].degrees[0]
                assert set((legal - first) % 12) <= {0, 7}
            if bar >= bars - 2:
                assert legal.tolist() == [leading if bar == bars - 2 else 12]
            if bar == bars - 3 and mode in ("dorian", "mixolydian", "aeolian"):
                # No augmented or diminished interval leads into the raised leading tone.
                assert not set(leading - legal) & {1, 3, -4, 8}
            env.step(int(generator.choice(legal)))


# --- the optimum -------------------------------------------------------------------------------


def plain_lines(cantus: CantusFirmus) -> Iterator[tuple[int, ...]]:
    """Every legal line, in semitones above the final: the rules once more, in plain Python."""
    notes, scale = cantus.degrees, MODES[cantus.mode]
    leading = 10 if cantus.mode == "phrygian" else 11
    raised = leading not in scale

    def fits(line: tuple[int, ...], pitch: int) -> bool:
        here = len(line)
        interval = pitch - notes[here]
        ends = here in (0, len(notes) - 1)
        if not 0 <= interval <= 19 or (interval == 0 and not ends):
            return False
        if interval % 12 not in ((0, 7) if ends else (0, 3, 4, 7, 8, 9)):
            return False
        if here == len(notes) - 2 and pitch % 12 != leading:
            return False
        if here == len(notes) - 1 and pitch % 12 != 0:
            return False
        if here != len(notes) - 2 and pitch % 12 not in scale:
            return False
        if not line:
            return True
        move = pitch - line[-1]
        if abs(move) > 12 or abs(move) in (6, 9, 10, 11) or move == -8:
            return False
        if here == len(notes) - 2 and raised and move in (1, 3, -4, 8):
            return False
        if len(line) > 1 and abs(pitch - line[-2]) > 12:
            return False
        before = line[-1] - notes[here - 1]
        same_way = move * (notes[here] - notes[here - 1]) > 0
        return interval % 12 not in (0, 7) or not (same_way or before % 12 == interval % 12)

    def grow(line: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(line) == len(notes):
            yield line
            return
        for pitch in range(20):
            if fits(line, pitch):
                yield from grow((*line, pitch))

    return grow(())


def plain_cost(cantus: CantusFirmus, line: tuple[int, ...]) -> int:
    """Points of a whole line, after Schottstaedt's `Check`."""
    notes, bars, points = cantus.degrees, len(line), 0
    for n, pitch in enumerate(line):
        interval = pitch - notes[n]
        points += 2 * (interval % 12 in (0, 7) and 0 < n < bars - 1) + (interval > 12)
        tritone = cantus.mode == "lydian" and n >= bars - 4 and pitch % 12 == 6
        points += 13 * tritone
        if n == 0:
            continue
        m, c = pitch - line[n - 1], notes[n] - notes[n - 1]
        before = line[n - 1] - notes[n - 1]
        points += (m * c > 0) + 8 * (interval % 12 == 0 and (abs(m) > 2 or abs(c) > 2))
        points += 4 * (before == 0 and abs(m) > 2) + 8 * (before in (15, 16) and interval == 12)
        points += {12: 5, -12: 5, 8: 2}.get(m, 0) + (m == 0)
        points += 13 * (n >= bars - 5 and abs(m) > 4)
        if n == 1:
            continue
        k = line[n - 1] - line[n - 2]
        points += 8 * (abs(m + k) == 6) + (m == -k) + (m == -k and 0 < abs(m) <= 2)
        if m * k >= 0:
            skips = abs(m) > 2 and abs(k) > 2
            points += skips + 3 * (skips and abs(m + k) in (10, 11))
            points += {3: 1, 4: 1, 5: 1, 7: 3, 8: 8, 12: 3}.get(abs(m), 0)
            points += {3: 3, 4: 3, 5: 3, 7: 8, 8: 34, 12: 8}.get(abs(k), 0)
        elif abs(m) > 2 and abs(k) > 2:
            points += max(0, abs(m) + abs(k) - 8)
    top = [n for n, pitch in enumerate(line) if pitch == max(line)]
    return points + 4 * (top[-1] - top[0] >= len(top))


SHORT = [
    CantusFirmus(f"{mode} {number}", mode, tuple(FINALS[mode] + MODES[mode][d] for d in degrees))
    for number, degrees in enumerate(((0, 2, 1, 0), (0, 4, 3, 2, 1, 0), (0, 3, 2, 4, 5, 1, 0)))
    for mode in MODES
]


@pytest.mark.parametrize("cantus", SHORT, ids=lambda cantus: cantus.name)
def test_the_optimum_is_that_of_brute_force(cantus: CantusFirmus) -> None:
    costs = {line: plain_cost(cantus, line) for line in plain_lines(cantus)}
    env = made(cantus)
    solution, least = env.solution(), min(costs.values())
    best = sorted(line for line, points in costs.items() if points == least)
    assert env.optimum() == -least
    assert env.bound().exact
    assert solution.legal_lines == len(costs)
    assert solution.optimal_lines == len(best)
    found = env.optimal_lines()
    assert found == [tuple(cantus.final + pitch for pitch in line) for line in best]
    assert env.optimal_lines(1) == found[:1]
    for line, points in list(costs.items())[:: max(1, len(costs) // 100)]:
        assert cost(env, tuple(cantus.final + pitch for pitch in line)) == -points


def test_random_play_is_expected_to_earn_the_mean() -> None:
    cantus = SHORT[6]
    env = made(cantus)

    def expected(line: tuple[int, ...]) -> float:
        if len(line) == len(cantus.pitches):
            return -float(plain_cost(cantus, line))
        after = sorted({full[: len(line) + 1] for full in lines if full[: len(line)] == line})
        return sum(expected(one) for one in after) / len(after)

    lines = list(plain_lines(cantus))
    assert env.solution().random_return == pytest.approx(expected(()), abs=1e-9)
    assert env.solution().gap(env.optimum()) == 0.0
    assert env.solution().gap(env.solution().random_return) == 1.0


def test_equal_returns_of_uneven_weights_are_equal() -> None:
    weights = {name: 0.1 * weight for name, weight in terms.COUNTERPOINT.weights.items()}
    for cantus in SHORT:
        even, uneven = made(cantus).solution(), made(cantus, reward_weights=weights).solution()
        assert uneven.optimum == pytest.approx(0.1 * even.optimum, abs=1e-9)
        assert uneven.optimal_lines == even.optimal_lines
