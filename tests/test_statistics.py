"""Statistics of runs on tasks, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from segue.experiments import statistics
from segue.experiments.statistics import (
    Estimate,
    Floats,
    Statistic,
    band,
    bootstrap,
    improvement,
    improvement_elsewhere,
    improvement_interval,
    interquartile_curve,
    interquartile_mean,
    mean,
    median,
    on_grid,
    optimality_gap,
    performance_profile,
)


def test_the_interquartile_mean_leaves_a_quarter_out_at_either_end() -> None:
    assert interquartile_mean(np.array([[100.0, 1.0], [2.0, -50.0]])) == 1.5
    assert interquartile_mean(np.arange(8.0).reshape(2, 4)) == 3.5
    # Of five, a quarter is one and a bit: one goes at either end.
    assert interquartile_mean(np.array([[0.0, 1.0, 4.0, 5.0, 99.0]])) == pytest.approx(10 / 3)
    assert interquartile_mean(np.array([[7.0]])) == 7.0
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
        found = bootstrap(scores, generator, mean, 200, 0.9)
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


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 7), (10, 100), (7, 13), (2, 5)])
def test_the_interquartile_mean_is_that_of_scipy_and_rliable(shape: tuple[int, int]) -> None:
    scores = np.random.default_rng(sum(shape)).standard_cauchy(shape)
    expected = stats.trim_mean(scores, 0.25, axis=None)
    assert interquartile_mean(scores) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("statistic", [interquartile_mean, mean, median, optimality_gap])
def test_statistics_of_many_arrays_are_those_of_each(statistic: Statistic) -> None:
    many = np.random.default_rng(3).normal(size=(2, 5, 4, 3))
    found = statistic(many)
    assert found.shape == (2, 5)
    each = [[float(statistic(one)) for one in row] for row in many]
    np.testing.assert_allclose(found, each, rtol=1e-12)


def test_mean_median_gap_and_profile_by_hand() -> None:
    # Agarwal et al. (2021): the median is over tasks, of the mean over runs; the optimality gap
    # is the mean of what is missing to 1; the profile is the share of scores above tau.
    scores = np.array([[0.0, 0.5, 2.0], [0.4, 1.5, 3.0]])
    assert mean(scores) == pytest.approx(7.4 / 6)
    assert median(scores) == pytest.approx(1.0)
    assert optimality_gap(scores) == pytest.approx((1.0 + 0.5 + 0.6) / 6)
    np.testing.assert_allclose(
        performance_profile(scores, [-1.0, 0.0, 0.45, 3.0]), [1.0, 5 / 6, 4 / 6, 0.0]
    )


def test_the_profile_s_area_is_the_mean() -> None:
    # For scores in [0, 1], what lies under the profile is their mean (Dolan and More 2002).
    scores = np.random.default_rng(0).random((6, 9))
    taus = np.linspace(0.0, 1.0, 20_001)
    area = np.trapezoid(performance_profile(scores, taus), taus)
    assert area == pytest.approx(float(mean(scores)), abs=1e-4)


def rliable_draws(
    scores: Floats, statistic: Statistic, resamples: int, generator: np.random.Generator
) -> Floats:
    """Stratified bootstrap written out: for each task, runs are drawn with replacement."""
    runs, tasks = scores.shape
    found = []
    for _ in range(resamples):
        drawn = np.empty_like(scores)
        for task in range(tasks):
            drawn[:, task] = generator.choice(scores[:, task], runs)
        found.append(float(statistic(drawn)))
    return np.array(found)


def test_the_stratified_interval_is_that_of_a_loop() -> None:
    scores = np.random.default_rng(5).gamma(2.0, size=(6, 4))
    drawn = rliable_draws(
        scores,
        lambda one: stats.trim_mean(one, 0.25, axis=None),
        20_000,
        np.random.default_rng(7),
    )
    low, high = np.quantile(drawn, [0.025, 0.975])
    found = bootstrap(scores, np.random.default_rng(1))
    # 20,000 draws of the loop leave an end uncertain by some 0.5 % of the width.
    assert found.low == pytest.approx(low, abs=0.02 * (high - low))
    assert found.high == pytest.approx(high, abs=0.02 * (high - low))


def test_the_interval_of_whole_runs_is_scipys() -> None:
    scores = np.random.default_rng(6).normal(size=(8, 1)) + np.zeros((1, 5))
    theirs = stats.bootstrap(
        (scores.mean(axis=1),),
        np.mean,
        n_resamples=50_000,
        method="percentile",
        rng=np.random.default_rng(2),
    ).confidence_interval
    found = bootstrap(scores, np.random.default_rng(3), mean, whole=True)
    width = theirs.high - theirs.low
    assert found.low == pytest.approx(theirs.low, abs=0.02 * width)
    assert found.high == pytest.approx(theirs.high, abs=0.02 * width)
    # Good and bad seeds are so on all tasks: drawn task by task, they would even out.
    narrow = bootstrap(scores, np.random.default_rng(3), mean)
    assert narrow.high - narrow.low < 0.6 * width


def test_two_seeds_of_the_bootstrap_differ_by_less_than_a_hundredth_of_the_width() -> None:
    scores = np.random.default_rng(8).normal(size=(10, 20))
    one, other = (bootstrap(scores, np.random.default_rng(seed)) for seed in (1, 2))
    width = one.high - one.low
    assert abs(one.low - other.low) < 0.01 * width
    assert abs(one.high - other.high) < 0.01 * width


def test_chunks_bound_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.random.default_rng(9).normal(size=(3, 2))
    seen: list[int] = []

    def watched(drawn: Floats) -> Floats:
        seen.append(drawn.size)
        return mean(drawn)

    monkeypatch.setattr(statistics, "_CHUNK", 60)
    found = band(scores, np.random.default_rng(0), watched, 25)
    assert max(seen) <= 60
    assert sum(seen[:-1]) == 25 * 6
    assert found.values.shape == ()
    assert found.low <= found.values <= found.high


def test_improvement_is_mann_whitneys_u_by_the_number_of_pairs() -> None:
    generator = np.random.default_rng(11)
    ours = generator.integers(0, 4, (5, 7)).astype(np.float64)
    theirs = generator.integers(0, 4, (8, 7)).astype(np.float64)
    u = [stats.mannwhitneyu(ours[:, t], theirs[:, t]).statistic / 40 for t in range(7)]
    assert improvement(ours, theirs) == pytest.approx(np.mean(u), abs=1e-12)


@pytest.mark.parametrize("whole", [False, True])
def test_the_interval_of_improvement_is_that_of_a_loop(whole: bool) -> None:
    generator = np.random.default_rng(12)
    ours, theirs = generator.normal(0.5, 1, (5, 3)), generator.normal(0, 1, (4, 3))
    drawn = []
    for _ in range(4_000):
        parts = []
        for scores in (ours, theirs):
            rows = generator.integers(len(scores), size=(len(scores), 1 if whole else 3))
            parts.append(scores[rows, np.arange(3)])
        drawn.append(improvement(*parts))
    low, high = np.quantile(drawn, [0.025, 0.975])
    found = improvement_interval(ours, theirs, np.random.default_rng(0), whole=whole)
    assert found.low == pytest.approx(low, abs=0.05 * (high - low))
    assert found.high == pytest.approx(high, abs=0.05 * (high - low))


def test_tasks_are_drawn_for_a_policy_of_one_run() -> None:
    generator = np.random.default_rng(13)
    ours, theirs = generator.normal(0.3, 1, (4, 12)), np.zeros((1, 12))
    drawn = []
    for _ in range(4_000):
        tasks, runs = generator.integers(12, size=12), generator.integers(4, size=4)
        drawn.append(improvement(ours[runs][:, tasks], theirs[:, tasks]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    found = improvement_elsewhere(ours, theirs, np.random.default_rng(0))
    assert found.value == improvement(ours, theirs)
    assert found.low == pytest.approx(low, abs=0.05 * (high - low))
    assert found.high == pytest.approx(high, abs=0.05 * (high - low))


def test_curves_meet_on_a_common_grid() -> None:
    grid, values = on_grid([([0, 10], [0.0, 1.0]), ([5, 10, 15], [2.0, 3.0, 0.0])], 3)
    np.testing.assert_allclose(grid, [5.0, 7.5, 10.0])
    np.testing.assert_allclose(values, [[0.5, 0.75, 1.0], [2.0, 2.5, 3.0]])
    # Of two runs, a quarter is none: the mean of both.
    np.testing.assert_allclose(interquartile_curve(values), [1.25, 1.625, 2.0])
    np.testing.assert_allclose(interquartile_curve(np.array([[0.0], [1.0], [2.0], [99.0]])), [1.5])


@pytest.mark.parametrize("curves", [[], [([], [])], [([1, 2], [0.0, 0.0]), ([3, 4], [0.0, 0.0])]])
def test_curves_that_never_meet_have_no_grid(curves: list[tuple[list[int], list[float]]]) -> None:
    grid, values = on_grid(curves, 5)
    assert grid.shape == (0,)
    assert values.shape == (len(curves), 0)
    assert len(on_grid([([4], [1.0])], 5)[0]) == 1


def test_only_whole_runs_cover_what_other_seeds_would_do() -> None:
    # Seeds differ as much as episodes do.
    generator = np.random.default_rng(0)
    hits = {False: 0, True: 0}
    for _ in range(200):
        scores = generator.normal(size=(10, 1)) + generator.normal(size=(10, 20))
        for whole in hits:
            found = bootstrap(scores, generator, mean, 500, whole=whole)
            hits[whole] += found.low <= 0.0 <= found.high
    assert hits[False] / 200 < 0.6
    assert hits[True] / 200 > 0.85
