"""The scorer that ranks people's melodies above those of any other origin."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segue.agents.generators import scorer as scorer_module
from segue.agents.generators import scorer_batches
from segue.agents.generators.scorer import MelodyScorer, ScorerConfig, fit_scorer
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import TOKENS

Melodies = npt.NDArray[np.int8]

SMALL = ScorerConfig(steps=90, batch=32, rate=5e-3, width=16)


def lines(count: int, seed: int, fall: bool) -> Melodies:
    """Eighth notes that rise, or fall, by steps of chance."""
    steps = np.random.default_rng(seed).integers(1, 3, size=(count, 16)).cumsum(axis=1)
    rows = np.ones((count, 32), dtype=np.int8)
    rows[:, ::2] = 37 - steps if fall else 2 + steps
    return rows


@pytest.fixture(scope="module")
def scorer() -> MelodyScorer:
    torch.set_num_threads(1)
    return fit_scorer(lines(200, 0, False), {"falling": lines(200, 1, True)}, SMALL, 0)


def test_people_are_ranked_above_all_others(scorer: MelodyScorer) -> None:
    people = lines(100, 2, False)
    generator = np.random.default_rng(0)
    others = {
        "falling": lines(100, 3, True),
        "random": generator.integers(TOKENS, size=(100, 32)).astype(np.int8),
        "shuffled": generator.permuted(people, axis=1),
    }
    ranked = scorer.rankings(people, others)
    assert list(ranked) == list(others)
    assert min(ranked.values()) > 0.95
    assert scorer.rankings(others["falling"], {"people": people})["people"] < 0.05


def test_beginnings_are_ranked_too(scorer: MelodyScorer) -> None:
    people, others = lines(100, 2, False), lines(100, 3, True)
    assert scorer.rankings(people[:, :12], {"falling": others[:, :12]})["falling"] > 0.9


def test_what_the_scorer_is_shown_is_hidden_here_and_there_and_cut_off() -> None:
    tokens, generator = lines(400, 0, False), np.random.default_rng(0)
    rows, whole = scorer_batches.shown_rows(tokens, 0.25, 0.0, generator)
    known = rows.sum(dim=2).numpy()
    assert set(np.unique(known)) == {0.0, 1.0}
    assert known.mean() == pytest.approx(0.75, abs=0.02)
    assert whole.tolist() == [1.0] * 400
    rows, whole = scorer_batches.shown_rows(tokens, 0.0, 0.5, generator)
    known = rows.sum(dim=2).numpy()
    lengths = known.sum(axis=1)
    assert np.array_equal(whole.numpy(), lengths == 32)
    assert np.array_equal(known, np.arange(32) < lengths[:, None])
    assert (lengths == 32).mean() == pytest.approx(0.5, abs=0.08)
    assert set(lengths[lengths < 32]) == set(range(1, 32))


def test_melodies_are_moved_by_octaves_where_they_fit() -> None:
    low, high = np.full((1, 32), 2), np.full((1, 32), 37)
    low[0, 1::2] = 1
    wide = np.tile([2, 37], (1, 16))
    tokens = np.concatenate([low, high, wide]).repeat(200, axis=0)
    moved = scorer_batches.moved(tokens, 0.5, np.random.default_rng(0))
    assert np.array_equal(moved[400:], tokens[400:])
    for rows, first in ((moved[:200], 14), (moved[200:400], 25)):
        changed = rows[:, 0] == first
        # Half of them, and half of these the way that is free.
        assert 0.15 < changed.mean() < 0.35
    assert set(moved[:200, 1]) == {1}, "a hold stays one"
    assert set(moved[:200, ::2].ravel()) == {2, 14}
    assert set(moved[200:400].ravel()) == {37, 25}
    still = scorer_batches.moved(tokens, 0.0, np.random.default_rng(0))
    assert np.array_equal(still, tokens)


def test_drones_and_scales_keep_peoples_rhythm() -> None:
    people = lines(30, 0, False)
    people[:, 20:] = 0
    made = scorer_batches._by_rote(people, 300, np.random.default_rng(0))
    onsets = people[0] >= 2
    assert ((made >= 2) == onsets).all()
    assert np.array_equal(made[:, ~onsets], np.tile(people[0, ~onsets], (300, 1)))
    played = made[:, onsets].astype(int)
    assert set(np.unique((played - 2) % 12)) == {0, 2, 4, 5, 7, 9, 11}
    moves = np.abs(np.diff(played, axis=1))
    drones = (moves == 0).all(axis=1)
    assert 0.4 < drones.mean() < 0.6
    assert set(np.unique(moves[~drones])) == {1, 2}
    others = scorer_batches.others_of(people, {"falling": people}, 64, np.random.default_rng(0))
    assert scorer_batches.shares(64) == (48, 4, 4, 8)
    assert np.array_equal(others[:48] >= 2, np.tile(onsets, (48, 1)))
    assert np.array_equal(others[52:56] >= 2, np.tile(onsets, (4, 1)))
    assert len(others) == 64


def test_the_loss_of_each_kind() -> None:
    """Of 16 people's, 12 models', 2 spoilt and 2 random melodies, all of them at log-odds 2."""
    config = ScorerConfig(batch=16, doubt=0.1, margin=3.0)
    right, wrong = np.log1p(np.exp(-2.0)), np.log1p(np.exp(2.0))
    models, logits = 12 * (0.9 * wrong + 0.1 * right), torch.full((32,), 2.0)
    for whole, noise in ((1.0, np.log1p(np.exp(5.0))), (0.0, wrong)):
        found = scorer_module._loss(logits, torch.full((32,), whole), config)
        assert found.item() == pytest.approx(
            right + (models + 2 * wrong + 2 * noise) / 16, rel=1e-5
        )


def test_scores_are_each_melodys_own(scorer: MelodyScorer) -> None:
    people = lines(1100, 4, False)
    scores = scorer.score(people)
    assert scores.shape == (1100,)
    assert scores.dtype == np.float64
    assert scores[[3, 1050]] == pytest.approx(scorer.score(people[[3, 1050]]), abs=1e-4)
    assert scorer.score(people[:0]).shape == (0,)


def test_the_seed_decides() -> None:
    people, others = lines(50, 0, False), {"falling": lines(50, 1, True)}
    config = ScorerConfig(steps=3, batch=16, width=8)
    torch.set_num_threads(1)
    scores = [fit_scorer(people, others, config, seed).score(people) for seed in (0, 0, 1)]
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


@pytest.mark.parametrize(
    ("people", "others", "word"),
    [
        (lines(5, 0, False), {}, "nothing to tell"),
        (lines(5, 0, False), {"short": lines(5, 0, False)[:, :16]}, "'short' have the shape"),
        (lines(0, 0, False), {"falling": lines(5, 0, True)}, "'people' have the shape"),
        (lines(5, 0, False)[:, :20], {"falling": lines(5, 0, True)}, "'people' have the shape"),
    ],
)
def test_melodies_that_will_not_do_are_told(people: Any, others: Any, word: str) -> None:
    with pytest.raises(SegueError, match=word):
        fit_scorer(people, others, SMALL, 0)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"steps": 0}, "steps"),
        ({"batch": 15}, "batch"),
        ({"rate": 0.0}, "rate"),
        ({"hidden": 1.0}, "hidden"),
        ({"cut": 1.5}, "cut"),
        ({"moved": -0.5}, "moved"),
        ({"doubt": 0.5}, "doubt"),
        ({"margin": -1.0}, "margin"),
    ],
)
def test_settings_out_of_range_are_told(changes: Any, word: str) -> None:
    with pytest.raises(SegueError, match=word):
        ScorerConfig(**changes)


def test_what_is_no_melody_is_told(scorer: MelodyScorer) -> None:
    with pytest.raises(SegueError, match="shape"):
        scorer.score(np.zeros((2, 33), dtype=np.int8))
    with pytest.raises(SegueError, match="outside"):
        scorer.score(np.full((2, 8), -1, dtype=np.int8))
