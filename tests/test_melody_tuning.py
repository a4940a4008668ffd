"""Tuning a melody model by an adversary: passages, judgement, updates, exact resume."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from melody_models import chord_bits, small_model, tunes

from segue.agents.deep.tensor_tree import Arrays, join, split
from segue.agents.generators.adversary import Adversary
from segue.agents.generators.passages import (
    Passages,
    chord_tones,
    note_in_chord,
    passages,
)
from segue.agents.generators.tuning import Tuning, TuningConfig, write_over
from segue.envs.base.errors import SegueError

QUICK = TuningConfig(updates=30, sequences=4, melodies=4, minibatch=16, learning_rate=0.003)
PEOPLE = passages(tunes(30, bars=4), bars=2)


def test_passages_are_whole_bars_with_chords() -> None:
    found = passages(tunes(3, bars=5), bars=2)
    assert found.tokens.shape == found.chords.shape == (6, 32)
    first = tunes(1, bars=5)[0]
    assert (found.tokens[1] == first.tokens[32:64]).all()
    assert (found.chords[1] == first.chords[32:64]).all()
    minor = passages([replace(first, mode="minor")], bars=2)
    assert minor.minor.all()
    assert not found.minor.any()
    held = first.tokens.copy()
    held[32] = 1
    again = passages([replace(first, tokens=held)], bars=2)
    assert again.tokens[1, 0] == held[28]


@pytest.mark.parametrize(
    "changed",
    [{"metre": (3, 4)}, {"mode": "dorian"}, {"chords": np.zeros(64, dtype=np.int32)}],
)
def test_other_tunes_have_no_passages(changed: dict[str, Any]) -> None:
    with pytest.raises(SegueError, match="No tune has 2 bars"):
        passages([replace(tunes(1)[0], **changed)], bars=2)


def test_notes_in_their_chords() -> None:
    # C E D, a rest, and G held into a chord that lacks it.
    tokens = np.array([[14, 1, 18, 1, 16, 1, 0, 1, 21, 1, 1, 1]])
    chords = np.array([[chord_bits(0)] * 10 + [chord_bits(5)] * 2])
    assert note_in_chord(tokens, chords).tolist() == [0.75]
    told = [True, True, True, True, False, False, False, False, True, True, False, False]
    assert chord_tones(tokens, chords)[0].tolist() == told


def test_the_adversary_learns_to_tell_and_goes_on_exactly() -> None:
    rng = np.random.default_rng(0)
    wrong = Passages(np.roll(PEOPLE.tokens, 1, axis=0), PEOPLE.chords, PEOPLE.minor)
    first, second = Adversary(1), Adversary(1)
    for step in range(60):
        rows = rng.choice(len(PEOPLE), 32)
        told = first.learn(PEOPLE.rows(rows), wrong.rows(rows))
        assert told == second.learn(PEOPLE.rows(rows), wrong.rows(rows))
        if step == 30:
            arrays: Arrays = {}
            tree = json.loads(json.dumps(split(second.state(), arrays)))
            second = Adversary(2)
            second.load_state(join(tree, arrays))
    assert told["told_right"] > 0.8
    assert first.judge(PEOPLE).shape == (len(PEOPLE), 8)
    assert first.judge(PEOPLE).mean() > first.judge(wrong).mean() + 0.5


def test_tuning_brings_notes_into_their_chords() -> None:
    torch.set_num_threads(1)
    run = Tuning(small_model(), QUICK, PEOPLE, 0)
    figures = []
    while not run.finished:
        figures.append(run.update())
    before, after = (
        np.mean([one["note_in_chord"] for one in part]) for part in (figures[:5], figures[-5:])
    )
    assert figures[0]["divergence"] == pytest.approx(0.0, abs=1e-6)
    assert after > before + 0.05
    assert figures[-1]["divergence"] > 0.01


def test_what_a_divergence_costs_holds_the_model_back() -> None:
    ends = []
    for weight in (0.0, 20.0):
        run = Tuning(small_model(), replace(QUICK, updates=12, kl_weight=weight), PEOPLE, 0)
        while not run.finished:
            told = run.update()
        ends.append(told["divergence"])
    assert ends[1] < 0.5 * ends[0]


def test_notes_outside_their_chords_cost_something() -> None:
    ends = []
    for weight in (0.0, 5.0):
        run = Tuning(small_model(), replace(QUICK, updates=15, harmony_weight=weight), PEOPLE, 0)
        figures = [run.update()["note_in_chord"] for _ in range(15)]
        ends.append(np.mean(figures[-5:]))
    assert ends[1] > ends[0] + 0.03


def test_tuning_goes_on_bit_for_bit() -> None:
    model = small_model()
    first, second = (Tuning(model, QUICK, PEOPLE, 3) for _ in range(2))
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    for _ in range(2):
        first.update()
        second.update()
    arrays: Arrays = {}
    tree = json.loads(json.dumps(split(second.state(), arrays)))
    third = Tuning(model, QUICK, PEOPLE, 3)
    third.load_state(join(tree, arrays))
    assert [third.update() for _ in range(2)] == [first.update() for _ in range(2)]
    assert third.step == 4
    for name, value in model.network.state_dict().items():
        assert torch.equal(value, before[name])


def test_melodies_are_written_over_each_of_their_chords() -> None:
    chords = np.stack([np.full(32, chord_bits(root), dtype=np.int32) for root in (0, 5, 7)])
    minor = np.array([False, True, False])
    first, second = (
        write_over(small_model().network, chords, minor, np.random.default_rng(1)) for _ in range(2)
    )
    assert (first == second).all()
    assert first.shape == (3, 32)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"melodies": 1}, "melodies is 1"),
        ({"updates": 0}, "updates is 0"),
        ({"clip": 0.0}, "clip is 0.0"),
        ({"kl_weight": -1.0}, "kl_weight is -1.0"),
    ],
)
def test_wrong_settings_are_told(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(SegueError, match=message):
        replace(QUICK, **changed)
