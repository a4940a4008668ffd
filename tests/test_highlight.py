"""Rules, exact optimum and tables of `segue/Highlight-v0`."""

from __future__ import annotations

from itertools import pairwise, product
from math import exp

import gymnasium as gym
import numpy as np
import pytest

from segue.agents.tabular import GreedyPolicy, rollout_return, train_compiled, value_iteration
from segue.envs.base.tabular import best_line
from segue.envs.base.transition_model import TabularEnv
from segue.envs.highlight.env import HighlightEnv
from segue.envs.highlight.knapsack import knapsack
from segue.envs.highlight.types import COST, FAR, KEEP, REPLACED, SKIP, WINDOW, Video
from segue.experiments.highlight_table import highlight_markdown, measure_highlight
from segue.experiments.highlight_table import q_learning_config as config
from segue.rewards.highlight import IMPORTANCE


def tiny(seed: int, shots: int = 9) -> Video:
    generator = np.random.default_rng(seed)
    return Video(
        name=f"tiny {seed}",
        seconds=generator.uniform(0.6, 6.0, shots),
        importance=generator.uniform(0.0, 5.0, shots),
        features=generator.random((shots, 3)),
    )


def worth(video: Video, kept: list[int], budget_units: int, unit: float) -> float:
    """Return of a summary, worked out from the definitions; minus infinity if it is too long."""
    x = video.features / np.linalg.norm(video.features, axis=1, keepdims=True)
    costs = [int(np.ceil(s / unit)) for s in video.seconds]
    if sum(costs[i] for i in kept) > budget_units:
        return -np.inf
    total = float((video.importance * video.seconds).sum())
    value = sum(video.importance[i] * video.seconds[i] / total for i in kept)
    spread = [((x - x[i]) ** 2).sum(axis=1) @ video.seconds / video.seconds.sum() for i in kept]
    value += 0.1 * sum(
        costs[i] / budget_units * exp(-far) for i, far in zip(kept, spread, strict=True)
    )
    for before, here in pairwise(kept):
        apart = 1.0 if here - before > WINDOW else 1.0 - float(x[here] @ x[before])
        value += 0.1 * costs[here] / budget_units * apart
    return value


# --- optimum -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_brute_force_agrees_with_the_optimum(seed: int) -> None:
    video, unit = tiny(seed), (0.5, 1.0, 0.3)[seed % 3]
    env = HighlightEnv(videos=[video], budget=0.5, unit=unit)
    env.reset(seed=0)
    budget = int(env.highlight.bank.budgets[0])
    assert budget == int(0.5 * video.seconds.sum() / unit)
    best = max(
        worth(video, [i for i, keep in enumerate(line) if keep], budget, unit)
        for line in product((0, 1), repeat=len(video))
    )
    assert env.optimum() == pytest.approx(best, abs=1e-12)
    assert env.bound().exact
    model = env.transition_model()
    assert env.optimum() == pytest.approx(value_iteration(model).values[model.start])
    _, line = best_line(model)
    assert sum(env.step(int(action))[1] for action in line) == pytest.approx(best, abs=1e-12)
    assert env.kept().tolist() == (line == KEEP).tolist()


@pytest.mark.parametrize("seed", range(6))
def test_importance_alone_is_the_knapsack(seed: int) -> None:
    video = tiny(seed, shots=30)
    env = HighlightEnv(videos=[video], reward=IMPORTANCE)
    env.reset(seed=0)
    bank = env.highlight.bank
    costs, budget = bank.shot_table[:, COST].astype(np.int64), int(bank.budgets[0])
    chosen = knapsack(video.values, costs, budget)
    assert costs[chosen].sum() <= budget
    assert env.optimum() == pytest.approx(video.values[chosen].sum(), abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_the_knapsack_is_exact(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values, costs = generator.uniform(-0.2, 1.0, 10), generator.integers(1, 9, 10)
    lines = np.array(list(product((False, True), repeat=10)))
    for capacity in (0, 3, 17, 100):
        chosen = knapsack(values, costs, capacity)
        fits = lines[(lines * costs).sum(axis=1) <= capacity]
        assert (chosen * costs).sum() <= capacity
        assert values[chosen].sum() == pytest.approx((fits * values).sum(axis=1).max(), abs=1e-12)


def test_the_later_of_equal_items_are_left_out() -> None:
    assert knapsack(np.ones(4), np.full(4, 2), 5).tolist() == [True, True, False, False]
    assert knapsack(np.zeros(3), np.ones(3, dtype=np.int64), 3).tolist() == [False] * 3


@pytest.mark.parametrize("seed", range(3))
def test_q_learning_comes_within_one_percent(seed: int) -> None:
    env = HighlightEnv(videos=3)
    for episode in range(6):
        env.reset(seed=episode)
        model = env.transition_model()
        table = train_compiled(model, config(model, seed))
        assert table.settled
        value = rollout_return(model, GreedyPolicy(table.q).actions())
        assert env.solution().gap(value) <= 0.01


def test_the_table_tells_what_was_measured() -> None:
    told: list[float] = []
    figures = measure_highlight(2, lambda share, text: told.append(share))
    assert told == sorted(told)
    assert len(figures["videos"]) == 10
    for row in figures["videos"]:
        assert 0.0 < row["random"] < row["optimum"]
        assert row["first_come"] < row["densest"] <= row["optimum"] + 1e-12
        assert row["q_learning"]["within_1_percent"] == 2
        assert row["q_learning"]["worst_gap"] == max(row["q_learning"]["gaps"]) <= 0.01
    text = highlight_markdown(figures)
    assert "| drawn 0 | 40 |" in text
    assert "| 2 of 2 |" in text


def test_random_play_earns_about_what_is_expected() -> None:
    options = {"videos": [tiny(3)], "budget": 0.4}
    vector = gym.make_vec("segue.envs:segue/Highlight-v0", num_envs=4000, **options)
    _, info = vector.reset(seed=0)
    generator, total = np.random.default_rng(0), np.zeros(4000)
    for _ in range(9):
        mask = info["action_mask"]
        actions = (mask * (1.0 + generator.random(mask.shape))).argmax(axis=1)
        _, reward, terminated, _, info = vector.step(actions)
        total += reward
    assert terminated.all()
    env = HighlightEnv(**options)
    env.reset(seed=0)
    error = total.std() / np.sqrt(len(total))
    assert total.mean() == pytest.approx(env.solution().random_return, abs=4 * error)


@pytest.mark.parametrize("seed", range(8))
def test_greedy_fills_by_density(seed: int) -> None:
    video = tiny(seed, shots=15)
    env = HighlightEnv(videos=[video], reward=IMPORTANCE, budget=0.3)
    env.reset(seed=0)
    costs, left = env.highlight.bank.shot_table[:, COST], int(env.highlight.bank.budgets[0])
    kept = set()
    for shot in sorted(range(15), key=lambda i: (-video.values[i] / costs[i], i)):
        if costs[shot] <= left:
            kept.add(shot)
            left -= int(costs[shot])
    for shot in range(15):
        action = env.greedy_action()
        assert action == (shot in kept)
        env.step(action)


# --- rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_transition_model_is_the_environment(seed: int) -> None:
    env, generator = HighlightEnv(videos=4, video_seed=seed), np.random.default_rng(seed)
    assert isinstance(env, TabularEnv)
    for episode in range(12):
        observation, info = env.reset(seed=20 * seed + episode)
        model, state, terminated = env.transition_model(), env.state_index(observation), False
        assert state == model.start
        assert model.horizon == len(env.video)
        while not terminated:
            np.testing.assert_array_equal(model.legal[state], info["action_mask"] == 1)
            action = int(generator.choice(np.flatnonzero(info["action_mask"])))
            observation, reward, terminated, _, info = env.step(action)
            assert reward == model.reward[state, action]
            assert terminated == model.terminal[state, action]
            if not terminated:
                assert env.state_index(observation) == model.next_state[state, action]
                state = int(model.next_state[state, action])


def test_a_shot_that_does_not_fit_is_skipped_and_costs() -> None:
    video = Video("two", np.array([4.0, 2.0, 14.0]), np.array([1.0, 2.0, 1.0]), np.zeros((3, 0)))
    env = HighlightEnv(videos=[video], budget=0.25, unit=1.0)
    seen, info = env.reset(seed=0)
    assert info["action_mask"].tolist() == [1, 1]
    seen, reward, _, _, info = env.step(KEEP)
    assert reward == info["reward_terms"]["importance"] == pytest.approx(4 / 22)
    assert seen[-5:].tolist() == [1, 2, 1, 1, 0]
    assert info["action_mask"].tolist() == [1, 0]
    _, reward, _, _, info = env.step(KEEP)
    assert reward == info["reward_terms"]["legality"] == -0.25
    _, _, terminated, _, _ = env.step(SKIP)
    assert terminated
    assert env.kept().tolist() == [True, False, False]
    assert env.batch.history[:, 0].tolist() == [KEEP, REPLACED, SKIP]


def test_what_is_kept_never_exceeds_the_share() -> None:
    env, generator = HighlightEnv(videos=20, unit=0.7, budget=0.2), np.random.default_rng(0)
    for seed in range(40):
        env.reset(seed=seed)
        terminated = False
        while not terminated:
            terminated = env.step(int(generator.integers(2)))[2]
        assert env.video.seconds[env.kept()].sum() <= 0.2 * env.video.seconds.sum() + 1e-9


def test_diversity_is_taken_to_the_last_shot_kept() -> None:
    looks = np.eye(10)[[0, 0, 1, 0, 0, 0, 0, 0, 0, 0]]
    video = Video("ten", np.ones(10), np.ones(10), looks)
    env = HighlightEnv(videos=[video], budget=1.0, unit=1.0)
    env.reset(seed=0)
    paid = []
    for action in (0, 1, 1, 1, 1, 0, 0, 0, 0, 1):
        observation, *_, info = env.step(action)
        paid.append(info["reward_terms"]["diversity"])
    # None before; unlike; unlike; the same; kept WINDOW back, alike.
    assert paid == pytest.approx([0, 0, 0.01, 0.01, 0, 0, 0, 0, 0, 0])
    env.reset(seed=0)
    for action in (1, 0, 0, 0, 0, 0):
        observation, *_, info = env.step(action)
    assert observation[-2] == FAR
    # Alike, but further back than the window.
    assert env.step(1)[4]["reward_terms"]["diversity"] == pytest.approx(0.01)


def test_videos_without_features_earn_importance_only() -> None:
    video = Video("bare", np.ones(8), np.arange(1.0, 9.0), np.zeros((8, 0)))
    env = HighlightEnv(videos=[video], budget=0.5, unit=1.0)
    env.reset(seed=0)
    assert env.optimum() == pytest.approx((5 + 6 + 7 + 8) / 36)
