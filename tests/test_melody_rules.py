"""Rules of `segue/Melody-v0`, tokens and windows, and the terms of segue's own reward."""

from __future__ import annotations

from dataclasses import fields, replace
from math import exp, log
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.melody import dynamics, packing
from segue.envs.melody.reward_grid import AXES, KNOTS, lay_out, open_grid
from segue.envs.melody.tokens import encode_windows, fit, notes_of, tokens_of
from segue.envs.melody.types import DOWN, NO_PITCH, SAME, STEPS, STILL, UP
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.tune import Note
from segue.rewards import WeightedSum, melody_view, phrase
from segue.rewards.melody_view import (
    DIFFERS,
    ECHOES,
    FIRST,
    HELD,
    LEAP_DOUBLED,
    LEAP_RESOLVED,
    NOT_RECOVERED,
    RECOVERED,
    STOPPED,
    MelodyView,
)
from segue.rewards.phrase import PHRASE
from segue.rewards.realism import Realism
from segue.rewards.rl_tuner import RL_TUNER, rl_tuner

OFF, HOLD = 0, 1
C4, D4, E4, G4 = 14, 16, 18, 21


# --- rules -------------------------------------------------------------------------------------


def test_intervals_and_moves() -> None:
    assert dynamics.interval_size(NO_PITCH, C4) == FIRST
    assert dynamics.interval_size(12, HOLD) == HELD
    assert dynamics.interval_size(NO_PITCH, OFF) == STOPPED
    assert [dynamics.interval_size(12, token) for token in (C4, D4, 2, 37)] == [0, 2, 12, 23]
    assert [dynamics.move_of(12, t) for t in (OFF, HOLD, C4, D4, 2)] == [
        STILL,
        STILL,
        SAME,
        UP,
        DOWN,
    ]
    assert dynamics.move_of(NO_PITCH, C4) == STILL


def test_a_fourth_asks_for_a_step_back() -> None:
    for size, move, found in (
        (1, DOWN, RECOVERED),
        (2, DOWN, RECOVERED),
        (3, DOWN, NOT_RECOVERED),
        (1, UP, NOT_RECOVERED),
        (0, SAME, NOT_RECOVERED),
        (HELD, STILL, 0),
    ):
        assert dynamics.recovery_of(17, 12, size, move) == found
    assert dynamics.recovery_of(12, 17, 2, UP) == RECOVERED
    assert dynamics.recovery_of(16, 12, 2, UP) == 0
    assert dynamics.recovery_of(17, NO_PITCH, 2, UP) == 0


def test_extremes_are_counted() -> None:
    top, times, bottom, often = 0, 0, NO_PITCH, 0
    for token, high, low in (
        (HOLD, (0, 0), (NO_PITCH, 0)),
        (D4, (15, 1), (14, 1)),
        (C4, (15, 1), (12, 1)),
        (D4, (15, 2), (12, 1)),
        (OFF, (15, 2), (12, 1)),
        (D4, (15, 2), (12, 1)),
        (E4, (17, 1), (12, 1)),
        (C4, (17, 1), (12, 2)),
        (2, (17, 1), (0, 1)),
    ):
        top, times = dynamics.raise_top(top, times, token)
        bottom, often = dynamics.lower_bottom(bottom, often, token)
        assert ((top, times), (bottom, often)) == (high, low)


def test_runs_and_zigzags() -> None:
    direction, run, runs = STILL, 0, []
    for move in (UP, UP, STILL, UP, DOWN, SAME, DOWN, DOWN, *[UP] * 16):
        direction, run = dynamics.runs_on(direction, run, move)
        runs.append(run)
    assert runs == [1, 2, 2, 3, 1, 0, 1, 2, 1, 2, 3, *range(4, 16), 15]
    zigzag, found, first, second = 0, [], NO_PITCH, NO_PITCH
    for token in (C4, D4, C4, HOLD, D4, E4, D4, D4, D4):
        zigzag = dynamics.zigzags_on(zigzag, first, second, token)
        found.append(zigzag)
        if token > HOLD:
            first, second = token - 2, first
    assert found == [0, 0, 1, 1, 2, 0, 1, 0, 0]


def test_echoes_compare_with_half_a_bar_and_a_bar_before() -> None:
    assert dynamics.echo_of(UP, UP, STILL) == dynamics.echo_of(UP, DOWN, UP) == ECHOES
    assert dynamics.echo_of(UP, DOWN, STILL) == dynamics.echo_of(UP, DOWN, SAME) == DIFFERS
    assert dynamics.echo_of(UP, STILL, STILL) == dynamics.echo_of(STILL, UP, UP) == 0


@pytest.mark.parametrize("places", [0, 1, 2, 12, 1 << 30, (1 << 30) + (1 << 17), 0b1010000])
def test_the_first_place_is_the_lowest_bit(places: int) -> None:
    assert dynamics.first_place(places) == (f"{places:b}"[::-1].find("1"))


def test_bytes_are_compared_all_at_once() -> None:
    values = [3, 38, 0, 3, 127, 2, 3, 38]
    line = packing.pack(*values)
    assert line == int.from_bytes(bytes(values), "little")
    for value in (0, 2, 3, 38, 127, 5):
        assert packing.among_seven(value, line) == int(value in values[:7])
        equal = [value == other for other in values]
        found = packing.eight_bits(value, line)
        assert [bool(found >> 7 - place & 1) for place in range(8)] == equal


def test_matches_are_counted_for_all_lags_at_once() -> None:
    generator = np.random.default_rng(0)
    counts, bits = np.zeros(24, dtype=int), (0, 0, 0)
    for _ in range(200):
        here = generator.random(24) < 0.8
        eight = here & (counts == 7)
        counts = np.where(here, np.minimum(counts + 1, 7), 0)
        *bits, whole = dynamics.matches_on(int(here @ (1 << np.arange(24))), *bits)
        low, middle, high = ((part >> np.arange(24)) & 1 for part in bits)
        np.testing.assert_array_equal(low + 2 * middle + 4 * high, counts)
        assert whole == eight @ (1 << np.arange(24))
        known, lags = dynamics.longest_match(*bits)
        assert known == counts.max()
        assert lags == (counts == known) @ (1 << np.arange(24)) * (known > 0)


def test_pitch_classes() -> None:
    assert [dynamics.pitch_class(pitch) for pitch in range(36)] == [*range(12)] * 3
    assert dynamics.pitch_class(NO_PITCH) == melody_view.NO_CLASS


def test_surprise_is_that_of_the_shares() -> None:
    assert dynamics.INTERVAL_SURPRISE.argmin() == 2
    shares = 2.0 ** -(dynamics.INTERVAL_SURPRISE / 8)
    assert shares.sum() == pytest.approx(1.0, abs=0.03)
    assert dynamics.surprise_level(0, 0) == 0
    for total, moves in ((24, 3), (23, 3), (31, 31), (7, 8), (9999, 3)):
        assert dynamics.surprise_level(total, moves) == min(total // moves, 31)


def test_a_move_goes_on_like_the_one_before() -> None:
    first, second = 12, 10
    going = [token for token in range(38) if dynamics.goes_on(first, second, token)]
    assert going == [15, 16]  # One or two semitones up, after two up.
    assert [t for t in range(38) if dynamics.goes_on(10, 12, t)] == [10, 11]
    assert [t for t in range(38) if dynamics.goes_on(12, 12, t)] == [C4]
    assert not any(dynamics.goes_on(12, 15, t) for t in range(38))  # After a third.
    assert not any(dynamics.goes_on(12, NO_PITCH, t) for t in range(38))


def test_monotony_is_a_share_of_the_intervals_after_the_first() -> None:
    assert [dynamics.monotony_level(going, 7) for going in range(7)] == [0, 5, 10, 16, 21, 26, 32]
    assert dynamics.monotony_level(5, 6) == 0
    assert dynamics.monotony_level(0, 0) == 0
    assert dynamics.monotony_level(30, 31) == 32


# --- tokens ------------------------------------------------------------------------------------


def test_tokens_and_notes_are_inverse() -> None:
    tokens = [C4, HOLD, OFF, HOLD, D4, E4, HOLD, HOLD, OFF, OFF, G4, HOLD]
    notes = notes_of(tokens)
    assert notes == (
        Note(0.0, 0.5, 60),
        Note(1.0, 0.25, 62),
        Note(1.25, 0.75, 64),
        Note(2.5, 0.5, 67),
    )
    # A second off in a row says nothing new.
    again = tokens_of(notes, 12)
    assert again is not None
    assert again.tolist() == [*tokens[:9], HOLD, *tokens[10:]]
    assert notes_of([HOLD, HOLD, OFF]) == ()


def test_what_is_off_the_grid_has_no_tokens() -> None:
    assert tokens_of([Note(0.1, 0.4, 60)]) is None
    assert tokens_of([Note(0.0, 1 / 3, 60)]) is None
    assert tokens_of([Note(0.0, 1.0, 47)]) is None
    assert tokens_of([Note(0.0, 1.0, 84)]) is None
    assert tokens_of([Note(0.0, 1.0, 83), Note(99.0, 1.0, 60)]) is not None


def tune(notes: list[tuple[float, float, int]], **changes: Any) -> CorpusTune:
    made = CorpusTune(
        title="",
        source="",
        licence="public-domain",
        tonic=7,
        mode="major",
        metre=(4, 4),
        tempo=120.0,
        pickup=0.0,
        notes=tuple(Note(*note) for note in notes),
    )
    return replace(made, **changes)


def test_a_tune_is_fitted_by_octaves() -> None:
    assert fit(tune([(0, 1, 67), (1, 1, 79)])) == -7
    assert fit(tune([(0, 1, 43), (1, 1, 55)])) == 17
    assert fit(tune([(0, 1, 40), (1, 1, 90)])) is None
    assert fit(tune([])) is None
    # 55 lies 43 on C3 or 55 on C4 away from the middle; only one octave holds them all.
    assert fit(tune([(0, 1, 55), (1, 1, 55 + 35)])) == -7


def test_windows_begin_at_barlines() -> None:
    quarters = [(float(beat), 1.0, 67 + beat % 3) for beat in range(-1, 16)]
    windows = encode_windows(tune(quarters, pickup=1.0))
    assert windows.shape == (3, STEPS)
    assert windows.dtype == np.int8
    assert windows[0].tolist() == [
        token for beat in range(8) for token in (C4 + beat % 3, HOLD, HOLD, HOLD)
    ]
    assert windows[1, ::4].tolist() == [C4 + beat % 3 for beat in range(4, 12)]
    assert len(encode_windows(tune(quarters, metre=(2, 4)))) == 5
    assert len(encode_windows(tune(quarters, metre=(3, 4)))) == 0
    assert len(encode_windows(tune(quarters, mode="dorian"))) == 0
    assert len(encode_windows(tune(quarters, mode="dorian"), modes=("dorian",))) == 3
    assert len(encode_windows(tune(quarters), least_onsets=9)) == 0


def test_the_first_token_states_what_sounds() -> None:
    tied = [(0.0, 3.0, 67), (3.0, 2.0, 69), (5.0, 3.0, 71), (9.0, 7.0, 72)]
    windows = encode_windows(tune(tied), least_onsets=1)
    assert windows[1][:5].tolist() == [D4, HOLD, HOLD, HOLD, E4]
    silent = encode_windows(tune(tied), least_onsets=1)[2]
    assert silent[:5].tolist() == [OFF, HOLD, HOLD, HOLD, C4 + 5]


def test_a_triplet_spoils_only_its_windows() -> None:
    quarters = [(float(beat), 1.0, 67) for beat in range(12)]
    triplet = [(12.0, 1 / 3, 67), (12 + 1 / 3, 1 / 3, 69), (12 + 2 / 3, 1 / 3, 71), (13.0, 3.0, 67)]
    assert len(encode_windows(tune(quarters + triplet))) == 2


# --- segue's own terms -------------------------------------------------------------------------


def view(**changes: Any) -> MelodyView:
    """A step up to D4 in the middle of a melody; then `changes`."""
    values: dict[str, Any] = {field.name: 0 for field in fields(MelodyView)}
    values |= {"step": 8, "kind": melody_view.ONSET, "pitch": 62, "size": 2, "repeats": 1}
    flags = ("excessive", "idle", "illegal", "lone_hold", "last")
    flags += ("top_was", "top_is", "bottom_was", "bottom_is")
    values |= dict.fromkeys(flags, False)
    values |= dict.fromkeys(("log_prior", "autocorrelation", "surprise", "monotony", "judged"), 0.0)
    return MelodyView(**{name: np.atleast_1d(v) for name, v in (values | changes).items()})


BELL = exp(-0.5)
OUTSIDE = {61, 63, 66, 68, 70}
"""Pitches of the octave from 60 that are not of C major."""


WORTHS: list[tuple[Any, dict[str, Any], list[float]]] = [
    (phrase.Scale(), {"pitch": range(60, 72)}, [-(p in OUTSIDE) for p in range(60, 72)]),
    (phrase.Scale(), {"pitch": 61, "kind": [melody_view.HOLD, melody_view.OFF]}, [0, 0]),
    (phrase.Motion(), {"size": range(6)}, [0, 0, 0.05, 0, 0, -0.05]),
    (phrase.Motion(), {"size": range(6, 13)}, [-0.75, -0.15, -0.45, -0.45, -0.85, -1, -0.45]),
    (phrase.Motion(), {"size": [13, 35, FIRST, HELD, STOPPED]}, [-1, -1, 0, 0, 0]),
    (phrase.Recovery(), {"recovery": [0, RECOVERED, NOT_RECOVERED]}, [0, 0, -1]),
    (phrase.Leaps(), {"leap": [0, LEAP_RESOLVED, LEAP_DOUBLED]}, [0, 0.05, -1]),
    (phrase.Climax(), {"top_is": [1, 1, 0, 0], "top_was": [0, 1, 1, 0]}, [1, 0, -1, 0]),
    (phrase.Climax(), {"bottom_is": True}, [0]),
    (phrase.Nadir(), {"bottom_is": [1, 1, 0, 0], "bottom_was": [0, 1, 1, 0]}, [1, 0, -1, 0]),
    (phrase.Nadir(), {"top_is": True}, [0]),
    (phrase.Opening(), {"step": 0, "pitch": [60, 48, 72, 64, 67, 62]}, [1, *[0.5] * 4, 0]),
    (phrase.Opening(), {"step": [0, 1], "pitch": 60, "kind": [melody_view.HOLD, 2]}, [0, 0]),
    (phrase.Cadence(), {"step": 31, "pitch": range(60, 66)}, [1, -1, 0.25, -1, 0.5, 0]),
    (phrase.Cadence(), {"step": 31, "pitch": range(66, 72)}, [-1, 0.5, -1, 0, -1, 0.25]),
    (phrase.Cadence(), {"step": 31, "pitch": 72, "kind": melody_view.HOLD}, [1]),
    (phrase.Cadence(), {"step": [31, 30], "pitch": [melody_view.SILENCE, 72]}, [0, 0]),
    (phrase.Rhythm(), {"ended": range(5), "step": range(5)}, [0, 0, 0.5, 0.45, 1]),
    (phrase.Rhythm(), {"ended": range(5, 9), "step": range(5, 9)}, [-0.5, 0.8, -0.5, 0.3]),
    (phrase.Rhythm(), {"ended": range(9, 17), "step": range(9, 17)}, [-0.5] * 8),
    # Begun a sixteenth, an eighth and a quarter after the bar.
    (phrase.Rhythm(), {"ended": [1, 2, 3, 4], "step": [2, 3, 4, 5]}, [0, -0.25, -0.375, -0.5]),
    (phrase.Rhythm(), {"ended": [2, 3, 4, 6], "step": [4, 5, 6, 8]}, [0.5, 0.45, -0.5, -0.5]),
    (phrase.Rhythm(), {"ended": [4, 6, 8], "step": [8, 10, 12]}, [1, 0.8, 0.3]),
    (phrase.Silence(), {"idle": [False, True]}, [0, -1]),
    (phrase.Repetition(), {"repeats": range(7)}, [*[0] * 5, -0.125, -0.5]),
    (phrase.Repetition(), {"repeats": range(7, 16)}, [-1.125, -2, *[-3] * 7]),
    (phrase.Variety(), {"distinct": range(9)}, [0, 0, 0, 1, 1, 1, 1, 0.5, 0]),
    (phrase.Return(), {"returns": [0, 1, 8, 9, 10, 11, 24]}, [0, 1, 1, 0, 0, -1, -1]),
    (phrase.Echo(), {"echo": [0, ECHOES, DIFFERS]}, [0, 0.5, -0.5]),
    (phrase.Run(), {"run": range(10)}, [*[0] * 5, -0.25, -1, -2.25, -3, -3]),
    (phrase.Run(), {"zigzag": range(8)}, [0, 0, 0, -0.25, -1, -2.25, -3, -3]),
    (phrase.Run(), {"run": [5, 6], "zigzag": [4, 3]}, [-1, -1]),
    (phrase.Surprise(), {"last": [True, False], "surprise": 2.77}, [1, 0]),
    (phrase.Surprise(), {"last": True, "surprise": [2.17, 3.37, 3.97]}, [BELL, BELL, BELL**4]),
    (phrase.Monotony(), {"monotony": [0, 0.6875, 0.84375, 1]}, [0, 0, -0.5, -1]),
    (phrase.Prior(), {"log_prior": [0, -log(20), -log(20) - 1]}, [0, 0, -0.25]),
    (phrase.Prior(), {"log_prior": [-log(20) - 4, -30]}, [-1, -1]),
    (Realism(), {"judged": [0.0, log(3), -log(3)]}, [0.0, 0.5, -0.5]),
    (melody_view.Legality(), {"illegal": [False, True]}, [0, -1]),
]
"""Terms, facts that differ from `view`, and what is documented."""


@pytest.mark.parametrize(("term", "changes", "worths"), WORTHS)
def test_a_term_is_worth(term: Any, changes: dict[str, Any], worths: list[float]) -> None:
    assert term(view(**changes)).tolist() == pytest.approx(worths)


def test_there_is_a_case_for_each_term() -> None:
    assert {term.name for term, _, _ in WORTHS} == set(PHRASE.names)


@pytest.mark.parametrize("preset", [PHRASE, RL_TUNER], ids=["PHRASE", "RL_TUNER"])
def test_terms_keep_their_range_and_use_it(preset: WeightedSum[MelodyView]) -> None:
    grid = open_grid()
    for term, _ in preset.terms:
        found = np.asarray(term(grid))
        assert found.min() >= term.low, term.name
        assert found.max() <= term.high, term.name
        assert found.min() <= term.low + 0.1, term.name
        assert found.max() >= term.high - 0.1, term.name


def test_the_constant_of_the_paper_divides_the_rules() -> None:
    weights = rl_tuner(c=0.5).weights
    assert (weights["key"], weights["prior"]) == (2.0, 1.0)


class Both:
    name, low, high = "both", 0.0, 1.0

    def __call__(self, view: MelodyView) -> npt.NDArray[Any]:
        return view.log_prior * view.step


def test_a_real_fact_stands_alone_in_a_term() -> None:
    from segue.envs.base.errors import SegueError

    with pytest.raises(SegueError, match="'both' looks at a real-valued fact"):
        lay_out(WeightedSum(((Both(), 1.0),)), with_prior=True)
    table = lay_out(RL_TUNER, with_prior=True)
    assert table.curves.shape == (2, KNOTS)
    assert table.grid.groups.shape[1] == 2 + AXES
    assert "prior" not in lay_out(RL_TUNER, with_prior=False).names
