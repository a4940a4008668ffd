"""What the solvers of the tasks say in any situation."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from segue.agents.demonstrations import Episode, play_greedy, play_optimum, record
from segue.envs.base.errors import SegueError
from segue.envs.base.tabular import state_values
from segue.envs.base.transition_model import TransitionModel

EXACT = ("segue/Counterpoint-v0", "segue/Highlight-v0", "segue/LeadSheet-v0", "segue/Multicam-v0")


def played(env: gym.Env[Any, Any], player: Any, seed: int) -> Episode:
    return record(env, player, [seed], "test")[0]


@pytest.mark.parametrize("env_id", EXACT)
def test_the_expert_earns_the_optimum(env_id: str) -> None:
    env = gym.make(env_id)
    for seed in range(3):
        episode = played(env, play_optimum, seed)
        bound = env.get_wrapper_attr("bound")()
        assert bound.exact
        assert episode.total == pytest.approx(bound.value, abs=1e-9)
        assert episode.terminated


@pytest.mark.parametrize("env_id", EXACT)
def test_advice_is_what_the_best_play_earns_from_there(env_id: str) -> None:
    """Off the optimal line too: after any action, the expert earns what the advice said."""
    env = gym.make(env_id)
    generator = np.random.default_rng(0)
    _, info = env.reset(seed=5)
    task, batch = env.unwrapped.task, env.unwrapped.batch  # type: ignore[attr-defined]
    over = False
    while not over:
        (worth,) = task.advice(batch, np.zeros(1, np.int64)).values(np.zeros(1, np.int64))
        np.testing.assert_array_equal(np.isfinite(worth[0]), info["action_mask"] != 0)
        action = int(generator.choice(np.flatnonzero(info["action_mask"])))
        _, reward, over, _, info = env.step(action)
        if not over:
            (after,) = task.advice(batch, np.zeros(1, np.int64)).values(np.zeros(1, np.int64))
            assert worth[0, action] == pytest.approx(reward + after.max(), abs=1e-9)
        else:
            assert worth[0, action] == pytest.approx(reward, abs=1e-9)


def test_the_expert_of_montage_beats_the_greedy_player() -> None:
    env = gym.make("segue/Montage-v0", bins=4)
    seeds = range(4)
    expert = [played(env, play_optimum, seed).total for seed in seeds]
    greedy = [played(env, play_greedy, seed).total for seed in seeds]
    assert np.mean(expert) > np.mean(greedy)


def test_a_task_without_a_solver_says_so() -> None:
    with pytest.raises(SegueError, match="no expert"):
        played(gym.make("segue/Melody-v0"), play_optimum, 0)


def test_state_values_of_a_small_model() -> None:
    """Two steps: 1 then 5 by the right action, 3 then 0 by the left; illegal ones do not count."""
    model = TransitionModel(
        start=0,
        next_state=np.array([[1, 2], [0, 0], [0, 0]], np.int32),
        reward=np.array([[3.0, 1.0], [0.0, 99.0], [5.0, 4.0]]),
        legal=np.array([[True, True], [True, False], [True, True]]),
        terminal=np.array([[False, False], [True, True], [True, True]]),
        horizon=2,
    )
    assert state_values(model).tolist() == [6.0, 0.0, 5.0]
