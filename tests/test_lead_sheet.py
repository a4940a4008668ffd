"""Rules, generator, optimum and tables of `segue/LeadSheet-v0`."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segue.agents.tabular import GreedyPolicy, rollout_return, train_compiled
from segue.envs.base.errors import SegueError
from segue.envs.base.tabular import best_line
from segue.envs.lead_sheet import dynamics
from segue.envs.lead_sheet.env import LeadSheet, LeadSheetEnv
from segue.envs.lead_sheet.generator import draw_piece, lay_out
from segue.envs.lead_sheet.types import (
    ACTIONS,
    ALLOWED,
    CHORD_TONES,
    CONTEXTS,
    IS_STRONG,
    LEAP_DOWN,
    LEAP_UP,
    LOW,
    MOVES,
    NO_PITCH,
    PITCHES,
    REPEATED,
    RUN_DOWN,
    RUN_UP,
    SLOT,
    STAY,
    Brief,
    Piece,
)
from segue.envs.music.chords import Chord
from segue.envs.music.metre import Metre
from segue.envs.music.moods import MOODS
from segue.envs.music.scales import MODES
from segue.envs.music.tune import ChordSpan
from segue.experiments.compose import optimistic_table, q_learning_config
from segue.rewards.melody import (
    FULL_CADENCE,
    HALF_CADENCE,
    HOLD,
    NO_CADENCE,
    NO_MOTIF,
    ONSET,
    REST,
)

ALL = (1 << PITCHES) - 1
REST_ACTION, HOLD_ACTION = 0, 1


def onset(midi: int) -> int:
    """Action that begins a MIDI pitch."""
    return 2 + midi - LOW


def hand_piece(
    chords: tuple[Chord, ...] = (Chord(0, "maj"), Chord(7, "maj")),
    beats: int = 1,
    mode: str = "major",
    **changes: Any,
) -> Piece:
    """A tiny piece, a chord a bar of quarters; in bars of one quarter both slots are strong."""
    slots = len(chords) * beats * 2
    piece = Piece(
        mood="hopeful",
        tonic=0,
        mode=mode,
        tempo=120.0,
        metre=Metre(beats, 4),
        chords=tuple(ChordSpan(beats * i, beats, chord) for i, chord in enumerate(chords)),
        template=np.full(slots, ONSET, dtype=np.int8),
        motif=np.full(slots, NO_MOTIF, dtype=np.int8),
        cadence=np.full(slots, NO_CADENCE, dtype=np.int8),
        target=np.full(slots, 67.0),
    )
    return replace(piece, **changes)


def random_piece(seed: int) -> Piece:
    """Four slots with everything drawn at random, in C."""
    generator = np.random.default_rng(seed)
    roots = generator.choice([0, 2, 5, 7, 9], 2)
    return hand_piece(
        chords=tuple(Chord(int(root), str(generator.choice(["maj", "min"]))) for root in roots),
        mode=str(generator.choice(["major", "minor", "dorian"])),
        template=generator.integers(0, 3, 4).astype(np.int8),
        motif=generator.integers(-1, 3, 4).astype(np.int8),
        cadence=generator.integers(0, 3, 4).astype(np.int8),
        target=generator.uniform(62, 80, 4),
    )


def actions_of(bits: int) -> set[int]:
    return {action for action in range(64) if bits >> action & 1}


# --- what is legal -----------------------------------------------------------------------------


def test_a_rest_is_always_legal() -> None:
    for pitch, sounding, allowed in product((0, 12, 24, NO_PITCH), (0, 1), (0, 5, ALL)):
        assert 0 in actions_of(dynamics.legal(pitch, sounding, allowed))


def test_a_hold_needs_a_sounding_note() -> None:
    for pitch in (0, 12, 24):
        assert HOLD_ACTION in actions_of(dynamics.legal(pitch, 1, ALL))
        assert HOLD_ACTION not in actions_of(dynamics.legal(pitch, 0, ALL))
    assert HOLD_ACTION not in actions_of(dynamics.legal(NO_PITCH, 0, ALL))


def test_an_onset_needs_a_pitch_that_is_allowed() -> None:
    allowed = 1 << 0 | 1 << 7 | 1 << 24
    assert actions_of(dynamics.legal(NO_PITCH, 0, allowed)) == {0, 2, 9, 26}
    assert actions_of(dynamics.legal(7, 0, allowed)) == {0, 2, 9}
    assert actions_of(dynamics.legal(NO_PITCH, 0, 0)) == {0}


@pytest.mark.parametrize("pitch", range(PITCHES))
def test_an_onset_lies_within_an_octave_of_the_last_note(pitch: int) -> None:
    for sounding in (0, 1):
        found = {a - 2 for a in actions_of(dynamics.legal(pitch, sounding, ALL)) if a >= 2}
        assert found == {p for p in range(PITCHES) if abs(p - pitch) <= 12}


def test_the_first_onset_may_be_any_allowed_pitch() -> None:
    assert actions_of(dynamics.legal(NO_PITCH, 0, ALL)) == set(range(ACTIONS)) - {HOLD_ACTION}


def test_an_action_outside_the_space_is_illegal() -> None:
    everything = (1 << 32) - 1
    assert all(dynamics.is_legal(everything, action) for action in range(ACTIONS))
    for action in (-1, -32, -26, ACTIONS, 31, 32, 33, 64, 2**40):
        assert not dynamics.is_legal(everything, action)
    assert not dynamics.is_legal(0b101, 1)


def test_keys_and_chords_decide_what_is_allowed() -> None:
    # E major over C major: G sharp is in the chord only, G natural in the key only.
    bank = lay_out([hand_piece(chords=(Chord(4, "maj"), Chord(0, "maj")))])
    first, last = bank.slot_table[0], bank.slot_table[-1]
    in_key = {pitch for pitch in range(PITCHES) if pitch % 12 in {0, 2, 4, 5, 7, 9, 11}}
    sharp = {8, 20}
    assert actions_of(int(first[ALLOWED])) == in_key | sharp
    assert actions_of(int(last[ALLOWED])) == in_key
    assert actions_of(int(first[CHORD_TONES])) == {4, 8, 11, 16, 20, 23}
    assert actions_of(int(last[CHORD_TONES])) == {0, 4, 7, 12, 16, 19, 24}
    env = LeadSheetEnv(pieces=[hand_piece(chords=(Chord(4, "maj"), Chord(0, "maj")))])
    _, info = env.reset(seed=0)
    assert {int(a) - 2 for a in np.flatnonzero(info["action_mask"])} == {-2} | in_key | sharp


# --- what an action does -----------------------------------------------------------------------


def after(pitch: int, action: int, **slot: Any) -> tuple[int, int, int, int, int]:
    """State after `action` from a sounding `pitch` reached by step, with 3 before it."""
    values = {"sounding": 1, "move": STAY, "unresolved": 0, "chord_tones": ALL, "is_strong": 0}
    values |= slot
    result = dynamics.transition(
        pitch,
        values["sounding"],
        values["move"],
        values["unresolved"],
        3,
        values["chord_tones"],
        values["is_strong"],
        action,
    )
    assert len(result) == 5
    return result


def test_an_episode_begins_in_silence() -> None:
    assert dynamics.initial() == (NO_PITCH, 0, STAY, 0, NO_PITCH)


def test_a_hold_changes_nothing() -> None:
    for move, unresolved, strong, tones in product(range(MOVES), (0, 1), (0, 1), (0, ALL)):
        state = after(
            9, 1, move=move, unresolved=unresolved, is_strong=strong, chord_tones=tones, sounding=1
        )
        assert state == (9, 1, move, unresolved, 3)


def test_a_rest_silences_and_clears_the_dissonance() -> None:
    for move, strong, tones in product(range(MOVES), (0, 1), (0, ALL)):
        state = after(9, 0, move=move, unresolved=1, is_strong=strong, chord_tones=tones)
        assert state == (9, 0, move, 0, 3)


def test_an_onset_sounds_and_remembers_the_note_before() -> None:
    assert after(9, 2 + 11, sounding=0) == (11, 1, RUN_UP + 1, 0, 9)
    assert after(NO_PITCH, 2 + 20, sounding=0) == (20, 1, STAY, 0, NO_PITCH)


@pytest.mark.parametrize(
    ("interval", "move"),
    [
        *((size, RUN_DOWN + 1) for size in (-4, -1)),
        (0, REPEATED + 1),
        *((size, RUN_UP + 1) for size in (1, 4)),
        *((size, LEAP_UP) for size in (5, 12)),
        *((size, LEAP_DOWN) for size in (-5, -12)),
    ],
)
def test_more_than_four_semitones_are_a_leap(interval: int, move: int) -> None:
    for before in (STAY, LEAP_UP, LEAP_DOWN):
        assert after(12, 2 + 12 + interval, move=before)[2] == move


def test_small_moves_in_one_direction_are_counted() -> None:
    for begin, other, sign in ((RUN_UP, RUN_DOWN, 1), (RUN_DOWN, RUN_UP, -1)):
        found = [after(12, 2 + 12 + sign, move=begin + length)[2] for length in range(1, 5)]
        assert found == [begin + 2, begin + 3, begin + 4, begin + 4]
        assert after(12, 2 + 12 - 2 * sign, move=begin + 3)[2] == other + 1
        assert after(12, 2 + 12, move=begin + 3)[2] == REPEATED + 1
        assert after(12, 2 + 12 + sign, move=REPEATED + 2)[2] == begin + 1
        # A hold and a rest leave it as it is.
        assert [after(12, action, move=begin + 3)[2] for action in (0, 1)] == [begin + 3] * 2


def test_repetitions_are_counted() -> None:
    found = [after(12, 2 + 12, move=move)[2] for move in (STAY, REPEATED + 1, REPEATED + 2)]
    assert found == [REPEATED + 1, REPEATED + 2, REPEATED + 2]
    assert len({STAY, LEAP_UP, LEAP_DOWN, *range(REPEATED + 1, MOVES)}) == MOVES == 13


def test_the_first_note_is_no_leap() -> None:
    for pitch in (0, 24):
        assert after(NO_PITCH, 2 + pitch, sounding=0, move=STAY)[2] == STAY


def test_only_a_strong_onset_outside_the_chord_waits_to_be_resolved() -> None:
    tones = 1 << 7
    assert after(5, 2 + 6, is_strong=1, chord_tones=tones)[3] == 1
    assert after(5, 2 + 7, is_strong=1, chord_tones=tones)[3] == 0
    assert after(5, 2 + 6, is_strong=0, chord_tones=tones)[3] == 0
    assert after(5, 2 + 7, is_strong=0, chord_tones=tones)[3] == 0


def test_the_next_onset_clears_the_dissonance_but_a_hold_does_not() -> None:
    tones = 1 << 7
    assert after(6, 2 + 7, unresolved=1, is_strong=1, chord_tones=tones)[3] == 0
    assert after(6, 2 + 5, unresolved=1, is_strong=0, chord_tones=tones)[3] == 0
    assert after(6, 2 + 5, unresolved=1, is_strong=1, chord_tones=tones)[3] == 1
    assert after(6, 1, unresolved=1, is_strong=1, chord_tones=tones)[3] == 1
    assert after(6, 1, unresolved=1, is_strong=0, chord_tones=ALL)[3] == 1


def test_kinds_and_intervals() -> None:
    assert [dynamics.kind_of(action) for action in (0, 1, 2, 26)] == [REST, HOLD, ONSET, ONSET]
    nothing = dynamics.NO_INTERVAL
    assert nothing == 25
    assert dynamics.interval_index(NO_PITCH, 2 + 5) == nothing
    assert dynamics.interval_index(5, 0) == nothing
    assert dynamics.interval_index(5, 1) == nothing
    for pitch, step in product((0, 12, 24), range(-12, 13)):
        if 0 <= pitch + step < PITCHES:
            assert dynamics.interval_index(pitch, 2 + pitch + step) == step + 12


def test_contexts_number_every_state_once() -> None:
    voices = ((0, 0), (1, 0), (1, 1))
    states = [
        (pitch, sounding, move, unresolved)
        for pitch, move, (sounding, unresolved) in product(range(25), range(MOVES), voices)
    ]
    states.append((NO_PITCH, 0, STAY, 0))
    numbers = [dynamics.context_of(*state) for state in states]
    assert sorted(numbers) == list(range(CONTEXTS))
    for number, state in zip(numbers, states, strict=True):
        assert dynamics.state_of(number) == state


# --- episodes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("bars", [1, 3])
def test_an_episode_lasts_as_long_as_the_piece(bars: int) -> None:
    env = LeadSheetEnv(bars=bars, pieces=2)
    env.reset(seed=0)
    ends = [env.step(REST_ACTION)[2] for _ in range(bars * 8)]
    assert ends == [False] * (bars * 8 - 1) + [True]


def test_what_was_played_is_what_is_heard() -> None:
    env = LeadSheetEnv(pieces=[hand_piece(beats=2)])
    env.reset(seed=0)
    # An illegal hold before the first note, and an illegal leap, are heard as rests.
    for action in (HOLD_ACTION, onset(60), HOLD_ACTION, onset(84), onset(64), onset(64), 1):
        env.step(action)
    heard = [(note.onset, note.duration, note.pitch) for note in env.tune().notes]
    assert heard == [(0.5, 1.0, 60), (2.0, 0.5, 64), (2.5, 1.0, 64)]


def test_the_observation_tells_slot_and_melody() -> None:
    piece = hand_piece(
        chords=(Chord(2, "min7"), Chord(7, "7")),
        beats=2,
        template=np.array([2, 1, 0, 2, 2, 1, 1, 0], dtype=np.int8),
        motif=np.array([2, -1, 0, 1, 2, 2, 2, 2], dtype=np.int8),
        cadence=np.array([0, 0, 0, 0, HALF_CADENCE, 0, 0, 0], dtype=np.int8),
        target=np.linspace(60, 84, 8),
    )
    env = LeadSheetEnv(pieces=[piece])
    seen, _ = env.reset(seed=0)
    two = [0, 2, 10, 7, 8, 0, 2, 3, 0, 0]  # D minor 7, then G 7.
    assert seen.tolist() == [*two, 0, 25, 25, STAY, 0, 0]
    # F is in D minor 7; E on a strong slot is not, and is reached by a leap from C5.
    assert env.step(onset(65))[0].tolist()[10:] == [1, 5, 25, STAY, 1, 0]
    seen = env.step(onset(72))[0]
    assert seen.tolist() == [2, 2, 10, 7, 8, 0, 0, 1, 0, 7, 2, 12, 5, LEAP_UP, 1, 0]
    assert env.step(onset(64))[0].tolist()[10:] == [3, 4, 12, LEAP_DOWN, 1, 1]
    seen = env.step(REST_ACTION)[0]
    assert seen.tolist() == [0, 7, 8, 7, 8, 0, 2, 3, 1, 14, 4, 4, 12, LEAP_DOWN, 0, 0]


# --- the generator -----------------------------------------------------------------------------


def same_piece(one: Piece, other: Piece) -> bool:
    arrays = ("template", "motif", "cadence", "target")
    plain = ("mood", "tonic", "mode", "tempo", "metre", "chords", "swing")
    return all(np.array_equal(getattr(one, a), getattr(other, a)) for a in arrays) and all(
        getattr(one, name) == getattr(other, name) for name in plain
    )


def test_one_seed_gives_one_piece() -> None:
    draw = [draw_piece(Brief("sad"), np.random.default_rng(seed)) for seed in (1, 1, 2, 3)]
    assert same_piece(draw[0], draw[1])
    assert not same_piece(draw[0], draw[2])
    assert not same_piece(draw[2], draw[3])


def test_one_piece_seed_gives_one_bank() -> None:
    banks = [LeadSheet(pieces=3, piece_seed=seed).bank for seed in (4, 4, 5)]
    assert all(map(same_piece, banks[0].pieces, banks[1].pieces))
    assert not any(map(same_piece, banks[0].pieces, banks[2].pieces))
    assert not same_piece(banks[0].pieces[0], banks[0].pieces[1])
    # The pieces of a larger bank begin with those of a smaller one.
    assert all(map(same_piece, banks[0].pieces, LeadSheet(pieces=5, piece_seed=4).bank.pieces))


@pytest.mark.parametrize("name", sorted(MOODS))
@pytest.mark.parametrize("bars", [1, 4, 7, 8, 18])
def test_pieces_end_on_the_tonic_and_phrases_in_cadences(name: str, bars: int) -> None:
    for seed in range(3):
        piece = draw_piece(Brief(name, bars), np.random.default_rng(seed))
        assert (piece.slots, piece.bars) == (8 * bars, bars)
        last = piece.chords[-1]
        assert (last.onset, last.duration) == (4 * bars - 4, 4)
        assert last.chord == Chord(piece.tonic, "min" if 3 in MODES[piece.mode] else "maj")
        for bar, slot in product(range(bars), range(8)):
            closes = slot == 0 and (bar % 4 == 3 or bar == bars - 1)
            begins = next(span for span in piece.chords if span.onset == 4 * bar)
            full = begins.chord.root == piece.tonic
            kind = FULL_CADENCE if full else HALF_CADENCE
            assert piece.cadence[8 * bar + slot] == (kind if closes else NO_CADENCE)
        # The last bar is one long note; every bar begins with an onset.
        assert piece.template[-8:].tolist() == [ONSET, *[HOLD] * 5, REST, REST]
        assert (piece.motif[-8:] == NO_MOTIF).all()
        assert (piece.template[::8] == ONSET).all()
        assert (piece.motif[piece.template != ONSET] == NO_MOTIF).all()


def test_the_motif_returns() -> None:
    piece = draw_piece(Brief("happy", 16), np.random.default_rng(0))
    for part in (piece.template.reshape(16, 8), piece.motif.reshape(16, 8)):
        for bar in (2, 4, 6, 12, 14):
            np.testing.assert_array_equal(part[bar], part[0])
        np.testing.assert_array_equal(part[1], part[5])
        np.testing.assert_array_equal(part[8], part[9])
    assert not np.array_equal(piece.motif[:8], piece.motif[64:72])


def test_the_arch_culminates_at_five_eighths() -> None:
    target = draw_piece(Brief("calm", 16), np.random.default_rng(0)).target
    assert target[0] == pytest.approx(67.0, abs=0.01)
    assert abs(int(target.argmax()) / len(target) - 0.625) < 0.07
    assert target.max() <= LOW + 7 + 3.5 + 6
    assert target.min() >= LOW + 7 - 1e-9
    # Each phrase rises and falls.
    assert target[8 * 2] == pytest.approx(70.5, abs=0.1)


def test_the_bank_knows_the_metre() -> None:
    common = [1, 0.125, 0.25, 0.125, 0.5, 0.125, 0.25, 0.125]
    bank = lay_out([draw_piece(Brief("hopeful", 2), np.random.default_rng(0))])
    assert bank.strength.tolist() == common * 2
    assert bank.slot_table[:, IS_STRONG].tolist() == [1, 0, 0, 0, 1, 0, 0, 0] * 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mood": "grumpy"}, "grumpy"),
        ({"bars": 0}, "bars is 0"),
        ({"bars": 65}, "bars is 65"),
        ({"pieces": 0}, "piece"),
        ({"pieces": [hand_piece(), hand_piece(beats=2)]}, "one length"),
    ],
)
def test_wrong_arguments_are_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SegueError, match=said):
        LeadSheetEnv(**options)


# --- the optimum -------------------------------------------------------------------------------


def exhaustive(env: LeadSheetEnv) -> tuple[float, npt.NDArray[np.int64]]:
    """Best return over all legal action sequences, stepping every one of them."""
    task = env.lead_sheet
    bits = np.bitwise_or.reduce(task.bank.slot_table[:, ALLOWED])
    candidates = [0, 1, *(2 + p for p in range(PITCHES) if bits >> p & 1)]
    lines = np.array(list(product(candidates, repeat=task.bank.slots)))
    batch = task.allocate(len(lines))
    rows = np.arange(len(lines))
    task.begin(batch, rows, np.zeros(len(lines), dtype=np.uint64))
    total, legal = np.zeros(len(lines)), np.ones(len(lines), dtype=np.bool_)
    for slot in range(task.bank.slots):
        legal &= batch.mask[rows, lines[:, slot]] == 1
        task.step(batch, np.ascontiguousarray(lines[:, slot]))
        total += batch.reward
    assert batch.terminated.all()
    best = np.where(legal, total, -np.inf)
    return float(best.max()), lines[best.argmax()]


@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_is_that_of_brute_force(seed: int) -> None:
    piece = random_piece(seed)
    generator = np.random.default_rng(seed)
    weights = {} if seed == 0 else {"motion": 0.7, "harmony": float(generator.uniform(-1, 1))}
    env = LeadSheetEnv(pieces=[piece], reward_weights=weights)
    env.reset(seed=0)
    value, _ = exhaustive(env)
    assert env.bound().exact
    assert env.optimum() == pytest.approx(value, abs=1e-12)


def test_the_optimum_is_over_legal_actions_even_where_illegal_ones_are_paid() -> None:
    env = LeadSheetEnv(pieces=[random_piece(1)], reward_weights={"legality": -5.0})
    env.reset(seed=0)
    assert env.optimum() == pytest.approx(exhaustive(env)[0], abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_best_line_earns_the_optimum(seed: int) -> None:
    env = LeadSheetEnv(mood="dark", bars=4, pieces=3, piece_seed=seed)
    env.reset(seed=seed)
    value, line = best_line(env.transition_model())
    total = 0.0
    for step, action in enumerate(line):
        assert env.action_masks()[action]
        _, reward, terminated, _, _ = env.step(action)
        total += reward
        assert terminated == (step == len(line) - 1)
    assert total == pytest.approx(value, abs=1e-9)
    assert env.optimum() == value


def test_the_bound_is_that_of_the_piece_that_is_played() -> None:
    env = LeadSheetEnv(bars=2, pieces=4)
    values = set()
    for seed in range(12):
        env.reset(seed=seed)
        value = env.bound().value
        _, line = best_line(env.transition_model())
        assert sum(env.step(action)[1] for action in line) == pytest.approx(value, abs=1e-9)
        # From its start, wherever the episode stands.
        assert env.bound().value == value
        values.add(value)
    assert len(values) == 4


def test_greedy_takes_the_greatest_reward() -> None:
    task = LeadSheet(Brief(bars=2), pieces=2)
    env = LeadSheetEnv(bars=2, pieces=2)
    env.reset(seed=1)
    terminated = False
    while not terminated:
        batch = task.allocate(ACTIONS)
        batch.state[:] = env.batch.state
        task.step(batch, np.arange(ACTIONS))
        rewards = np.where(env.action_masks(), batch.reward, -np.inf)
        action = env.greedy_action()
        assert env.action_masks()[action]
        assert rewards[action] == rewards.max()
        _, reward, terminated, _, _ = env.step(action)
        assert reward == rewards.max()


# --- the tables --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_transition_model_is_the_environment(seed: int) -> None:
    env = LeadSheetEnv(mood="sad", bars=3, pieces=3)
    generator = np.random.default_rng(seed)
    for episode in range(12):
        observation, info = env.reset(seed=20 * seed + episode)
        model, state, terminated = env.transition_model(), env.state_index(observation), False
        assert state == model.start
        assert (model.n_states, model.n_actions) == (24 * CONTEXTS, ACTIONS)
        while not terminated:
            np.testing.assert_array_equal(model.legal[state], info["action_mask"] == 1)
            action = int(generator.choice(np.flatnonzero(model.legal[state])))
            observation, reward, terminated, _, info = env.step(action)
            assert reward == model.reward[state, action]
            assert terminated == model.terminal[state, action]
            if not terminated:
                assert env.state_index(observation) == model.next_state[state, action]
                state = int(model.next_state[state, action])


def test_the_state_row_keeps_what_was_played() -> None:
    env = LeadSheetEnv(pieces=[hand_piece()])
    env.reset(seed=0)
    for action in (onset(64), HOLD_ACTION, onset(65)):
        env.step(action)
    assert env.batch.state[0, SLOT] == 3
    assert env.batch.history[:, 0].tolist() == [onset(64), 1, onset(65), 0]
    env.reset()
    assert env.batch.history[:, 0].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_q_learning_reaches_the_exact_optimum(seed: int) -> None:
    env = LeadSheetEnv(mood="sad", bars=8, pieces=1, piece_seed=seed)
    env.reset(seed=seed)
    model = env.transition_model()
    config = q_learning_config(model, seed, episodes=1_000_000)
    table = train_compiled(model, config, table=optimistic_table(model, seed))
    value = rollout_return(model, GreedyPolicy(table.q).actions())
    assert value == pytest.approx(env.optimum(), abs=1e-9)
