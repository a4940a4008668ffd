"""Statistics of runs on tasks, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from segue.experiments.statistics import (
    Estimate,
    bootstrap,
    improvement,
    improvement_interval,
    interquartile_mean,
)


def test_the_interquartile_mean_leaves_a_quarter_out_at_either_end() -> None:
    assert interquartile_mean(np.array([[100.0, 1.0], [2.0, -50.0]])) == 1.5
    assert interquartile_mean(np.arange(8.0)) == 3.5
    # Of five, one and a quarter go at either end: 3/4 of the second and fourth, all of the third.
    scores = np.array([0.0, 1.0, 4.0, 5.0, 99.0])
    assert interquartile_mean(scores) == pytest.approx((0.75 * 1 + 4 + 0.75 * 5) / 2.5)
    assert interquartile_mean(np.array([7.0])) == 7.0
    with pytest.raises(ValueError, match="no scores"):
        interquartile_mean(np.zeros((0, 3)))


def test_runs_are_drawn_within_their_task() -> None:
    # Tasks differ a lot, runs not at all: drawing within tasks changes nothing.
    scores = np.tile([0.0, 1.0, 10.0, 100.0], (5, 1))
    found = bootstrap(scores, np.random.default_rng(0), resamples=50)
    assert found == Estimate(5.5, 5.5, 5.5)


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        scores = generator.normal(3.0, 1.0, (20, 2))
        found = bootstrap(scores, generator, lambda s: float(s.mean()), 200, 0.9)
        assert found.low <= found.value <= found.high
        hits += found.low <= 3.0 <= found.high
    assert 0.82 <= hits / 200 <= 0.95


def test_more_runs_make_the_interval_narrower_and_seeds_repeat_it() -> None:
    scores = np.random.default_rng(1).normal(0.0, 1.0, (64, 4))
    few, many = (bootstrap(scores[:n], np.random.default_rng(2), resamples=300) for n in (6, 64))
    assert many.high - many.low < 0.6 * (few.high - few.low)
    assert many == bootstrap(scores, np.random.default_rng(2), resamples=300)
    wide = bootstrap(scores, np.random.default_rng(2), resamples=300, level=0.99)
    assert wide.low < many.low < many.high < wide.high


def test_the_probability_of_improvement_counts_pairs_task_by_task() -> None:
    ours, theirs = np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[2.0, 5.0]])
    # First task: one of two pairs is won; second task: two ties.
    assert improvement(ours, theirs) == 0.5
    assert improvement(ours + 10.0, theirs) == 1.0
    assert improvement(theirs, ours + 10.0) == 0.0
    with pytest.raises(ValueError, match="2 and 1 tasks"):
        improvement(ours, np.zeros((2, 1)))
    found = improvement_interval(ours, theirs, np.random.default_rng(0), 100)
    assert found.low <= found.value <= found.high
    sure = improvement_interval(ours + 10.0, theirs, np.random.default_rng(0), 20)
    assert (sure.low, sure.high) == (1.0, 1.0)
