"""`segue/LeadSheet-v0` by brief: chords, keys, metres; and lead sheets that people wrote."""

from __future__ import annotations

from itertools import product
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import segue.envs
from segue.envs.base.errors import SegueError
from segue.envs.base.tabular import best_line
from segue.envs.lead_sheet.env import LeadSheet, LeadSheetEnv
from segue.envs.lead_sheet.generator import (
    draw_piece,
    lay_out,
    piece_from_changes,
    to_actions,
    transposition,
)
from segue.envs.lead_sheet.render import to_tune
from segue.envs.lead_sheet.types import (
    ALLOWED,
    CHORD_TONES,
    CONTEXTS,
    IS_STRONG,
    LOW,
    PITCHES,
    Brief,
    Piece,
)
from segue.envs.music.changes import parse_changes
from segue.envs.music.metre import COMMON_TIME, METRES, Metre
from segue.envs.music.scales import scale_classes
from segue.envs.music.tune import Note
from segue.experiments.compose import compose
from segue.rewards.melody import FREE, FULL_CADENCE, HALF_CADENCE, HOLD, NO_CADENCE, ONSET, REST


def drawn(seed: int = 0, **options: Any) -> Piece:
    return draw_piece(Brief(**options), np.random.default_rng(seed))


def onset(midi: int) -> int:
    return 2 + midi - LOW


# --- what is asked for -------------------------------------------------------------------------


def test_gym_makes_what_is_asked_for() -> None:
    assert segue.envs.IDS
    asked = {"chords": "Dm7 G7 | Cmaj7", "key": "C major", "metre": "6/8", "bars": 4}
    env = gym.make("segue/LeadSheet-v0", pieces=1, tempo=90, swing=1.5, **asked)
    env.reset(seed=0)
    ended = [env.step(0)[2] for _ in range(24)]
    assert ended == [False] * 23 + [True]
    tune = env.unwrapped.tune()  # type: ignore[attr-defined]
    assert (tune.tonic, tune.mode, tune.tempo, tune.swing) == (0, "major", 90, 1.5)
    assert (tune.metre, tune.bars) == (Metre(6, 8), 4)
    assert [(c.onset, c.chord.symbol) for c in tune.chords][:3] == [
        *((0, "Dm7"), (1.5, "G7")),
        (3, "Cmaj7"),
    ]
    assert len(tune.chords) == 6
    many = gym.make_vec("segue/LeadSheet-v0", 3, pieces=2, **asked)
    assert many.single_observation_space == env.observation_space
    assert many.reset(seed=0)[0].shape == (3, 16)


def test_what_is_not_asked_for_is_drawn_or_found() -> None:
    found = drawn(chords="Am7 D7 | Gmaj7")
    assert (found.tonic, found.mode) == (7, "major")
    named = drawn(chords="Am7 D7 | Gmaj7", key="E minor")
    assert (named.tonic, named.mode) == (4, "minor")
    free = drawn(mood="sad")
    faster = drawn(mood="sad", tempo=150.0, swing=2.0)
    assert (faster.tempo, faster.swing, free.swing) == (150.0, 2.0, 1.0)
    assert 60 <= free.tempo <= 76
    # What is given changes nothing else.
    assert faster.chords == free.chords
    np.testing.assert_array_equal(found.template, named.template)
    keyed = drawn(mood="sad", key="F# major")
    assert (keyed.tonic, keyed.mode) == (6, "major")
    assert keyed.chords[-1].chord.pitch_classes == {6, 10, 1}


def test_progressions_are_stock_or_generated() -> None:
    several = [len(drawn(seed, mood="playful", bars=16).chords) > 16 for seed in range(40)]
    assert 5 < sum(several) < 35
    inside = [drawn(seed, mood="sad", key="D dorian") for seed in range(20)]
    scale = scale_classes(2, "dorian")
    assert all(span.chord.pitch_classes <= scale for piece in inside for span in piece.chords)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"chords": "C H7"}, "chord symbol 'H7'"),
        ({"chords": "C | F | G", "bars": 8}, "do not go evenly into the 8 asked for"),
        ({"chords": "C | F", "bars": 1}, "do not go evenly into the 1 asked for"),
        ({"key": "Q"}, "key 'Q'"),
        ({"metre": "5/4"}, "Unknown metre '5/4'"),
        ({"tempo": 0.0}, "tempo of 0.0"),
        ({"tempo": float("nan")}, "tempo of nan"),
        ({"swing": 0.5}, "swing of 0.5"),
        ({"swing": 3.5}, "swing of 3.5"),
        ({"bars": 65}, "bars is 65"),
    ],
)
def test_wrong_briefs_are_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SegueError, match=said) as told:
        LeadSheetEnv(pieces=1, **options)
    assert "\n" not in str(told.value)


# --- metres ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METRES)
def test_pieces_have_the_form_of_their_metre(name: str) -> None:
    metre = METRES[name]
    slots = metre.slots
    for seed in range(5):
        piece = drawn(seed, metre=name, bars=16, mood="energetic")
        assert (piece.slots, piece.bars) == (16 * slots, 16)
        assert sum(span.duration for span in piece.chords) == 16 * metre.quarters
        pulse = round(metre.pulse * 2)
        cadence = [ONSET, *[HOLD] * (slots - pulse - 1), *[REST] * pulse]
        for bar in range(16):
            begin, closes = bar * slots, bar % 4 == 3
            assert (piece.template[begin : begin + slots].tolist() == cadence) or not closes
            kinds = {FULL_CADENCE, HALF_CADENCE} if closes else {NO_CADENCE}
            assert piece.cadence[begin] in kinds
            assert not piece.cadence[begin + 1 : begin + slots].any()
        np.testing.assert_array_equal(
            piece.template[: 2 * slots], piece.template[4 * slots :][: 2 * slots]
        )
        assert abs(int(piece.target.argmax()) / piece.slots - 0.625) < 0.07


def test_strong_slots_follow_the_metre() -> None:
    strong = {
        name: np.flatnonzero(lay_out([drawn(metre=name, bars=1)]).slot_table[:, IS_STRONG])
        for name in METRES
    }
    assert {name: slots.tolist() for name, slots in strong.items()} == {
        **{"2/4": [0, 2], "3/4": [0], "4/4": [0, 4], "6/8": [0, 3]}
    }


def test_short_notes_lead_on() -> None:
    leads = []
    for name, seed in product(METRES, range(60)):
        slots, pulse = METRES[name].slots, round(METRES[name].pulse * 2)
        template = drawn(seed, metre=name, bars=2, mood="energetic").template[:slots]
        between = [s for s in np.flatnonzero(template == ONSET) if s % pulse and s + 1 < slots]
        leads += [template[slot + 1] == ONSET for slot in between]
    assert len(leads) > 100
    assert 0.8 < np.mean(leads) < 1.0


@pytest.mark.parametrize("name", METRES)
def test_the_best_line_earns_the_optimum_in_every_metre(name: str) -> None:
    env = LeadSheetEnv(metre=name, bars=4, pieces=2, chords="C Am | F | Dm G7 | C", mood="happy")
    for seed in range(3):
        env.reset(seed=seed)
        value, line = best_line(env.transition_model())
        assert sum(env.step(action)[1] for action in line) == pytest.approx(value, abs=1e-9)
        assert env.optimum() == value


def test_a_long_piece_fits_into_memory() -> None:
    env = LeadSheetEnv(bars=16, pieces=1)
    env.reset(seed=0)
    model = env.transition_model()
    tables = (model.next_state, model.reward, model.legal, model.terminal)
    assert CONTEXTS <= 1000
    assert sum(table.nbytes for table in tables) < 50e6


# --- chords within a bar -----------------------------------------------------------------------


def test_the_chord_changes_within_the_bar() -> None:
    piece = drawn(chords="C G7 | Am", bars=2, key="C major")
    table = lay_out([piece]).slot_table
    tonic, dominant, sixth = (
        sum(1 << pitch for pitch in range(PITCHES) if pitch % 12 in classes)
        for classes in ({0, 4, 7}, {7, 11, 2, 5}, {9, 0, 4})
    )
    assert table[:, CHORD_TONES].tolist() == [tonic] * 4 + [dominant] * 4 + [sixth] * 8
    env = LeadSheetEnv(pieces=[piece])
    seen, _ = env.reset(seed=0)
    assert seen[1:5].tolist() == [0, 0, 7, 8], "C major, then G 7"
    # A held C costs nothing until the dominant enters under it.
    env.step(onset(72))
    harmony = [env.step(1)[4]["reward_terms"]["harmony"] for _ in range(7)]
    assert harmony == [0, 0, 0, -0.5, -0.125, -0.25, -0.125]


def test_the_optimum_with_chords_within_the_bar_is_that_of_brute_force() -> None:
    env = LeadSheetEnv(metre="2/4", bars=1, pieces=1, chords="Ddim Bb7 |", key="C minor")
    env.reset(seed=0)
    task = env.lead_sheet
    bits = int(np.bitwise_or.reduce(task.bank.slot_table[:, ALLOWED]))
    candidates = [0, 1, *(2 + p for p in range(PITCHES) if bits >> p & 1)]
    lines = np.array(list(product(candidates, repeat=4)))
    batch = task.allocate(len(lines))
    task.begin(batch, np.arange(len(lines)), np.zeros(len(lines), dtype=np.uint64))
    total, legal = np.zeros(len(lines)), np.ones(len(lines), dtype=np.bool_)
    for slot in range(4):
        legal &= batch.mask[np.arange(len(lines)), lines[:, slot]] == 1
        task.step(batch, np.ascontiguousarray(lines[:, slot]))
        total += batch.reward
    assert env.optimum() == pytest.approx(total[legal].max(), abs=1e-12)


# --- lead sheets of people ---------------------------------------------------------------------

ODE = "64 64 65 67 67 65 64 62 60 60 62 64 64 62 62 64 64 65 67 67 65 64 62 60 60 62 64 62 60 60"
"""Ode to Joy (Beethoven, public domain), in C."""
VALUES = [1.0] * 12 + [1.5, 0.5, 2.0] + [1.0] * 12 + [1.5, 0.5, 2.0]


def ode(up: int = 12) -> list[Note]:
    starts = np.concatenate([[0], np.cumsum(VALUES)[:-1]])
    pitches = [int(pitch) + up for pitch in ODE.split()]
    return [Note(float(s), v, p) for s, v, p in zip(starts, VALUES, pitches, strict=True)]


def ode_piece(**options: Any) -> Piece:
    chords = parse_changes("C | G7 | C | G7 | C | G7 | C | G7 C", COMMON_TIME)
    return piece_from_changes(chords, 0, "major", COMMON_TIME, 8, **options)


def returns(piece: Piece, lines: list[Any]) -> list[float]:
    """Reward of each line of actions over a piece."""
    task = LeadSheet(pieces=[piece])
    batch, table = task.allocate(len(lines)), np.array(lines)
    task.begin(batch, np.arange(len(lines)), np.zeros(len(lines), dtype=np.uint64))
    total = np.zeros(len(lines))
    for slot in range(piece.slots):
        task.step(batch, np.ascontiguousarray(table[:, slot]))
        total += batch.reward
    return list(total)


def test_a_melody_becomes_actions_and_back() -> None:
    piece, notes = ode_piece(), ode()
    actions = to_actions(notes, piece)
    assert actions.shape == (64,)
    assert list(to_tune(piece, actions).notes) == notes
    assert actions[:4].tolist() == [onset(76), 1, onset(76), 1]


def test_melodies_are_moved_into_the_range() -> None:
    low = ode(up=-20)
    up = transposition(low)
    piece = ode_piece(transpose=up + 20)
    pitches = [note.pitch for note in to_tune(piece, to_actions(low, piece, up)).notes]
    assert [p - q.pitch for p, q in zip(pitches, low, strict=True)] == [up] * len(low)
    assert abs((min(pitches) + max(pitches)) / 2 - 72) <= 1
    assert transposition([]) == 0
    # Without, a pitch comes from the nearest octave inside.
    folded = to_actions([Note(0, 1, 59), Note(1, 1, 85), Note(2, 1, 100), Note(3, 1, 30)], piece)
    assert folded[::2][:4].tolist() == [onset(71), onset(73), onset(76), onset(66)]


def test_notes_off_the_grid_are_moved_to_it() -> None:
    piece = ode_piece()
    notes = [Note(-1, 0.5, 72), Note(0.05, 0.9, 72), Note(1, 0.2, 74), Note(1.2, 0.25, 76)]
    notes += [Note(2, 0.1, 77), Note(31.5, 3, 79), Note(40, 1, 72)]
    actions = to_actions(notes, piece)
    assert actions[:6].tolist() == [onset(72), 1, onset(76), 0, onset(77), 0]
    assert actions[6:63].tolist() == [0] * 57
    assert actions[63] == onset(79)


def test_a_human_piece_asks_for_nothing() -> None:
    piece = ode_piece()
    assert (piece.template == FREE).all()
    env = LeadSheetEnv(pieces=[piece])
    generator = np.random.default_rng(0)
    for _ in range(5):
        seen, _ = env.reset(seed=0)
        assert seen[[6, 7, 8, 9]].tolist() == [FREE, 3, NO_CADENCE, PITCHES]
        assert env.observation_space.contains(seen)
        for _ in range(64):
            action = int(generator.choice(np.flatnonzero(env.action_masks())))
            terms = env.step(action)[4]["reward_terms"]
            for name in ("rhythm", "motif", "contour", "cadence", "approach"):
                assert terms[name] == 0.0
    closing = ode_piece(closes=True)
    at = {int(slot): int(closing.cadence[slot]) for slot in np.flatnonzero(closing.cadence)}
    assert at == {24: HALF_CADENCE, 56: HALF_CADENCE}


def test_changes_of_people_come_onto_the_grid() -> None:
    piece = ode_piece()
    assert [(s.onset, s.duration, s.chord.symbol) for s in piece.chords][-3:] == [
        *((24, 4, "C"), (28, 2, "G7")),
        (30, 2, "C"),
    ]
    late = parse_changes("G7 C", COMMON_TIME)[1:]
    assert [s.onset for s in piece_from_changes(late, 0, "major", COMMON_TIME, 2).chords] == [0]
    moved = piece_from_changes(late, 0, "major", COMMON_TIME, 2, transpose=-3)
    assert (moved.tonic, moved.chords[0].chord.root) == (9, 9)
    for spans, bars in (((), 4), (late, 0)):
        with pytest.raises(SegueError, match="chords and bars"):
            piece_from_changes(spans, 0, "major", COMMON_TIME, bars)


def test_a_tune_people_love_beats_what_nobody_would_sing() -> None:
    piece, notes = ode_piece(), ode()
    human = to_actions(notes, piece)
    scale = [0, 2, 4, 5, 7, 9, 11]
    up = [onset(60 + 12 * (i // 7) + scale[i % 7]) for i in range(15)]
    there_and_back = (up + up[-2:0:-1]) * 4
    eighths = np.array(there_and_back[:64])
    onsets = np.flatnonzero(human >= 2)
    in_its_rhythm = np.where(human >= 2, 0, human)
    in_its_rhythm[onsets] = there_and_back[: len(onsets)]
    held = np.array([onset(67)] + [1] * 63)
    repeated = np.full(64, onset(67))
    strokes = np.where(human >= 2, onset(67), human)
    generator = np.random.default_rng(0)
    shuffled = []
    for _ in range(40):
        line = human.copy()
        line[onsets] = generator.permutation(human[onsets])
        shuffled.append(line)
    noise = [generator.integers(0, 27, 64) for _ in range(40)]
    rivals = [eighths, in_its_rhythm, held, repeated, strokes]
    value, *others = returns(piece, [human, *rivals, *noise, *shuffled])
    assert max(others[:45]) < value
    assert np.mean(np.array(others[45:]) < value) >= 0.95


# --- composing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METRES)
def test_a_tune_is_composed_in_every_metre(name: str) -> None:
    brief = Brief("happy", 4, "Am7 D7 | Gmaj7", "G major", name, 90.0, 1.5)
    made = compose(brief, seed=1)
    assert made.fraction == pytest.approx(1.0, abs=1e-9)
    assert made.greedy <= made.optimum + 1e-9
    tune = made.tune
    assert (tune.metre, tune.bars, tune.tempo, tune.swing) == (METRES[name], 4, 90.0, 1.5)
    assert all(note.pitch % 12 in scale_classes(7, "major") for note in tune.notes)
