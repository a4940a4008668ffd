"""Rank correlations, keyshots, F-scores and their bound, as pure functions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from segue.envs.highlight.evaluation import (
    correlations,
    f_bound,
    f_scores,
    human_agreement,
    keyshots,
    pooled_f,
    shot_means,
)
from segue.envs.highlight.rank_correlation import kendall_tau, spearman_rho

# --- rank correlation --------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("count", [2, 7, 300])
def test_correlations_are_those_of_scipy(levels: int, count: int) -> None:
    generator = np.random.default_rng(levels + count)
    for _ in range(5):
        one = generator.integers(levels, size=count).astype(float)
        other = (one + generator.integers(levels, size=count)).astype(float)
        if len(set(one)) > 1 and len(set(other)) > 1:
            assert kendall_tau(one, other) == pytest.approx(stats.kendalltau(one, other)[0])
            assert spearman_rho(one, other) == pytest.approx(stats.spearmanr(one, other)[0])


def test_correlations_of_known_curves() -> None:
    up = np.arange(6.0)
    assert kendall_tau(up, up**3) == 1.0
    assert kendall_tau(up, -up) == -1.0
    assert spearman_rho(up, -up) == pytest.approx(-1.0)
    # One pair of three is discordant; 1, 3, 2 has rank differences 0, 1, 1.
    assert kendall_tau(up[:3], np.array([1.0, 3.0, 2.0])) == pytest.approx(1 / 3)
    assert spearman_rho(up[:3], np.array([1.0, 3.0, 2.0])) == pytest.approx(0.5)
    assert np.isnan(kendall_tau(up, np.ones(6)))
    assert np.isnan(spearman_rho(np.ones(6), up))
    with pytest.raises(ValueError, match="cannot be compared"):
        kendall_tau(up, up[:3])


def test_an_annotator_who_ranks_nothing_is_left_out() -> None:
    scores = np.array([1.0, 2.0, 3.0, 4.0])
    annotations = np.stack([scores, np.ones(4), -scores, scores])
    assert correlations(scores, annotations) == pytest.approx((1 / 3, 1 / 3))
    assert np.isnan(correlations(scores, np.ones((2, 4)))).all()


# --- keyshots ----------------------------------------------------------------------------------


def test_shots_are_weighed_by_their_mean_whatever_their_length() -> None:
    bounds = np.array([0, 6, 8, 10, 20])
    scores = np.concatenate((np.full(6, 5.0), np.full(2, 4.0), [2.0, 4.0], np.full(10, 1.0)))
    assert shot_means(scores, bounds).tolist() == [5.0, 4.0, 3.0, 1.0]
    # Six frames hold the best shot or both short ones, whose means add up to 7.
    kept = keyshots(scores, bounds, share=0.3)
    assert np.flatnonzero(kept).tolist() == [6, 7, 8, 9]
    assert np.flatnonzero(keyshots(scores, bounds, share=0.4)).tolist() == [*range(8)]
    assert not keyshots(scores, bounds, share=0.05).any()


def test_f_of_known_summaries() -> None:
    summary = np.array([1, 1, 0, 0, 0, 0], dtype=bool)
    people = np.array([[1, 1, 0, 0, 0, 0], [0, 1, 1, 1, 1, 0], [0, 0, 0, 1, 1, 0]], dtype=bool)
    # Precision 1/2 and recall 1/4 of the second: F = 2 (1/8) / (3/4).
    assert f_scores(summary, people) == pytest.approx([1.0, 1 / 3, 0.0])
    assert pooled_f(summary, people) == pytest.approx(4 / 9)
    assert pooled_f(summary, people, "max") == 1.0
    assert f_scores(np.zeros(6, bool), np.zeros((1, 6), bool)).tolist() == [0.0]


def test_people_are_compared_with_the_others_only() -> None:
    summaries = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]], dtype=bool)
    scores = np.array([[1.0, 2, 3, 4], [1, 2, 3, 4], [4, 3, 2, 1]])
    found = human_agreement(summaries, scores)
    assert found.f == pytest.approx(((1 + 0.5) / 2 * 2 + 0.5) / 3)
    assert found.tau == pytest.approx((0 + 0 - 1) / 3)
    assert found.rho == pytest.approx((0 + 0 - 1) / 3)
    assert human_agreement(summaries, scores, "max").f == pytest.approx((1 + 1 + 0.5) / 3)


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("seed", range(6))
def test_no_summary_exceeds_the_bound(seed: int, pooling: str) -> None:
    generator = np.random.default_rng(seed)
    bounds = np.concatenate(([0], np.cumsum(generator.integers(5, 40, 10))))
    frames, share = int(bounds[-1]), 0.4
    people = np.stack(
        [keyshots(np.repeat(generator.random(10), np.diff(bounds)), bounds, share) for _ in "abc"]
    )
    best = 0.0
    for line in product((False, True), repeat=10):
        summary = np.repeat(line, np.diff(bounds))
        if summary.sum() <= int(frames * share):
            best = max(best, pooled_f(summary, people, pooling))  # type: ignore[arg-type]
    bound = f_bound(people, bounds, pooling, share)  # type: ignore[arg-type]
    # The lengths are taken in ranges of one in 64 of the budget.
    assert best <= bound + 1e-12
    assert bound <= min(best * 1.02, 1.0) + 1e-12
