from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from segue.agents.tabular import (
    GreedyPolicy,
    QLearningConfig,
    QTable,
    is_forward,
    policy_evaluation,
    rollout_return,
    train_compiled,
    train_plain,
    value_iteration,
)
from segue.agents.tabular.random_stream import new_stream, uniform
from segue.envs.base.errors import SegueError
from segue.envs.base.transition_model import TransitionModel


def layered_model(seed: int, steps: int, width: int, n_actions: int) -> TransitionModel:
    """A random finite-horizon task: state = step * width + context, about half the pairs legal."""
    generator = np.random.default_rng(seed)
    n_states = steps * width
    shape = (n_states, n_actions)
    step = np.arange(n_states) // width
    context = generator.integers(0, width, shape)
    following = np.minimum(step + 1, steps - 1)[:, None] * width + context
    legal = generator.random(shape) < 0.5
    legal[np.arange(n_states), generator.integers(0, n_actions, n_states)] = True
    return TransitionModel(
        start=0,
        next_state=following.astype(np.int32),
        reward=generator.uniform(-1.0, 1.0, shape),
        legal=legal,
        terminal=np.repeat((step == steps - 1)[:, None], n_actions, axis=1),
    )


class ModelEnv(gym.Env[Any, Any]):
    """Steps through a model; the observation is the state as a vector of one number."""

    def __init__(self, model: TransitionModel) -> None:
        self.model = model
        self.observation_space = Box(0.0, np.inf, (1,), np.float64)
        self.action_space = Discrete(model.n_actions)
        self.state = model.start

    def transition_model(self) -> TransitionModel:
        return self.model

    def state_index(self, observation: Any) -> int:
        return int(observation[0])

    def _observed(self) -> tuple[Any, dict[str, Any]]:
        mask = self.model.legal[self.state].astype(np.int8)
        return np.array([float(self.state)]), {"action_mask": mask}

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = self.model.start
        return self._observed()

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.model.legal[self.state, action], "a masked action was taken"
        reward = float(self.model.reward[self.state, action])
        terminal = bool(self.model.terminal[self.state, action])
        self.state = int(self.model.next_state[self.state, action])
        observation, info = self._observed()
        return observation, reward, terminal, False, info


def optimistic(steps: int, **settings: Any) -> QLearningConfig:
    return QLearningConfig(initial_value_per_step=1.0, horizon=steps, **settings)


EPSILON_GREEDY: dict[str, Any] = {
    "alpha": 0.3,
    "gamma": 0.9,
    "epsilon_start": 1.0,
    "epsilon_end": 0.1,
    "epsilon_episodes": 60,
}


@pytest.mark.parametrize("seed", range(20))
def test_q_learning_reaches_the_exact_optimum(seed: int) -> None:
    model = layered_model(seed, steps=40, width=30, n_actions=9)
    solution = value_iteration(model)
    table = train_compiled(model, optimistic(40, seed=seed))
    reached = rollout_return(model, GreedyPolicy(table.q).actions())
    assert reached == pytest.approx(solution.values[model.start], abs=1e-9)
    assert table.settled


@pytest.mark.parametrize("replay", ["backward", "online"])
@pytest.mark.parametrize(
    "settings",
    [
        {"initial_value_per_step": 1.0, "horizon": 12},
        EPSILON_GREEDY,
        EPSILON_GREEDY | {"epsilon_decay": "exponential", "max_steps": 7},
    ],
)
def test_plain_and_compiled_are_equal_bit_for_bit(settings: dict[str, Any], replay: Any) -> None:
    model = layered_model(3, steps=12, width=6, n_actions=5)
    config = QLearningConfig(episodes=150, chunk_episodes=40, seed=11, replay=replay, **settings)
    plain, compiled = train_plain(ModelEnv(model), config), train_compiled(model, config)
    assert_equal_tables(plain, compiled)
    assert plain.steps > 0


def assert_equal_tables(one: QTable, other: QTable) -> None:
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(array, other.arrays()[name])
    assert one.counts() == other.counts()


def test_illegal_pairs_are_never_taken() -> None:
    model = layered_model(5, steps=10, width=8, n_actions=6)
    config = QLearningConfig(episodes=500, **EPSILON_GREEDY)
    visits = train_compiled(model, config).visits
    assert visits[~model.legal].sum() == 0
    assert (visits[model.legal] > 0).mean() > 0.5


def test_a_resumed_run_ends_as_the_uninterrupted_one(tmp_path: Path) -> None:
    model = layered_model(4, steps=10, width=8, n_actions=6)
    settings = EPSILON_GREEDY | {"seed": 2, "chunk_episodes": 50}
    whole = train_compiled(model, QLearningConfig(episodes=200, **settings))
    half = train_compiled(model, QLearningConfig(episodes=100, **settings))
    half.save(tmp_path / "table.safetensors")
    loaded = QTable.load(tmp_path / "table.safetensors")
    assert_equal_tables(half, loaded)
    resumed = train_compiled(model, QLearningConfig(episodes=200, **settings), table=loaded)
    assert_equal_tables(whole, resumed)
    plain = train_plain(
        ModelEnv(model),
        QLearningConfig(episodes=200, **settings),
        table=QTable.load(tmp_path / "table.safetensors"),
    )
    assert_equal_tables(whole, plain)


def test_progress_is_told_after_every_chunk() -> None:
    model = layered_model(4, steps=10, width=8, n_actions=6)
    seen: list[tuple[int, int]] = []
    train_compiled(
        model,
        QLearningConfig(episodes=25, chunk_episodes=10, **EPSILON_GREEDY),
        progress=lambda table: seen.append((table.episodes, len(table.curve))),
    )
    assert seen == [(10, 1), (20, 2), (25, 3)]


@pytest.mark.parametrize("method", ["q", "double-q", "q-lambda"])
def test_compiled_is_far_faster_than_plain(method: Any) -> None:
    model = layered_model(0, steps=64, width=50, n_actions=27)
    settings = EPSILON_GREEDY | {"method": method, "replay": "online"}
    train_compiled(model, QLearningConfig(episodes=1, **settings))

    def steps_per_second(train: Any, task: Any, episodes: int) -> float:
        config = QLearningConfig(episodes=episodes, **settings)
        begin = time.process_time()
        table = train(task, config)
        return float(table.steps / (time.process_time() - begin))

    plain = steps_per_second(train_plain, ModelEnv(model), 60)
    compiled = steps_per_second(train_compiled, model, 20_000)
    assert compiled >= 50 * plain


def test_gymnasium_cliff_walking_deterministic_defaults() -> None:
    env = gym.make("CliffWalking-v1")
    table = train_plain(env, QLearningConfig(episodes=2_000, max_steps=200))
    assert table.settled
    assert greedy_return(env, table) == -13.0


def test_gymnasium_taxi() -> None:
    env = gym.make("Taxi-v4")
    config = QLearningConfig(episodes=3_000, alpha=0.9, gamma=0.99, replay="online")
    table = train_plain(env, config)
    returns = [greedy_return(env, table, seed) for seed in range(20)]
    assert min(returns) > 0.0


def test_gymnasium_frozen_lake_stochastic() -> None:
    env = gym.make("FrozenLake-v1", is_slippery=True)
    config = QLearningConfig(
        episodes=4_000,
        alpha=0.1,
        gamma=0.99,
        epsilon_start=1.0,
        epsilon_end=0.05,
        epsilon_episodes=2_000,
    )
    table = train_plain(env, config)
    returns = [greedy_return(env, table, seed) for seed in range(200)]
    assert np.mean(returns) > 0.5  # 0.74 at best; about 0.015 for random actions.


def greedy_return(env: gym.Env[Any, Any], table: QTable, seed: int = 0) -> float:
    policy = GreedyPolicy(table.q)
    state, _ = env.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        state, reward, terminated, truncated, _ = env.step(policy.act(int(state)))
        total, over = total + float(reward), terminated or truncated
    return total


def test_value_iteration_against_enumeration() -> None:
    model = layered_model(1, steps=4, width=3, n_actions=3)
    solution = value_iteration(model)

    def best(state: int) -> float:
        values = []
        for action in np.flatnonzero(model.legal[state]):
            rest = 0.0
            if not model.terminal[state, action]:
                rest = best(int(model.next_state[state, action]))
            values.append(model.reward[state, action] + rest)
        return float(max(values))

    assert is_forward(model)
    assert solution.values[0] == pytest.approx(best(0), abs=1e-12)
    assert rollout_return(model, solution.policy) == pytest.approx(best(0), abs=1e-12)
    np.testing.assert_allclose(policy_evaluation(model, solution.policy), solution.values)


def ring(n: int) -> TransitionModel:
    """Action 0 walks a ring for nothing, action 1 ends the episode; only the last state pays."""
    reward = np.zeros((n, 2))
    reward[n - 1, 1] = 1.0
    return TransitionModel(
        start=0,
        next_state=np.stack([(np.arange(n) + 1) % n, np.arange(n)], axis=1).astype(np.int32),
        reward=reward,
        legal=np.ones((n, 2), bool),
        terminal=np.tile([False, True], (n, 1)),
    )


def test_value_iteration_on_a_cycle() -> None:
    model = ring(5)
    assert not is_forward(model)
    solution = value_iteration(model, gamma=0.9)
    np.testing.assert_allclose(solution.values, 0.9 ** np.array([4, 3, 2, 1, 0]), atol=1e-9)
    assert value_iteration(model).values[0] == 1.0


def test_a_cycle_that_pays_for_ever_is_told() -> None:
    model = TransitionModel(
        start=0,
        next_state=np.zeros((1, 1), np.int32),
        reward=np.ones((1, 1)),
        legal=np.ones((1, 1), bool),
        terminal=np.zeros((1, 1), bool),
    )
    with pytest.raises(SegueError, match="gamma < 1"):
        value_iteration(model)
    assert value_iteration(model, gamma=0.5).values[0] == pytest.approx(2.0)
    with pytest.raises(SegueError, match="has not ended"):
        rollout_return(model, np.zeros(1, np.int32), max_steps=10)


def test_illegal_policies_are_told() -> None:
    model = layered_model(1, steps=4, width=3, n_actions=3)
    illegal = np.argmin(model.legal, axis=1).astype(np.int32)
    with pytest.raises(SegueError, match="not legal"):
        policy_evaluation(model, illegal)


def test_greedy_policy(tmp_path: Path) -> None:
    q = np.array([[1.0, 2.0, 2.0], [np.nan] * 3, [-np.inf, 0.0, -1.0]])
    GreedyPolicy(q).save(tmp_path / "policy.safetensors")
    policy = GreedyPolicy.load(tmp_path / "policy.safetensors")
    np.testing.assert_array_equal(policy.q, q)
    assert policy.actions().tolist() == [1, 0, 1]
    assert policy.act(0) == 1
    assert policy.act(0, np.array([1, 0, 1], np.int8)) == 2
    assert policy.act(1, np.array([False, True, True])) == 1
    with pytest.raises(SegueError, match="allows no action"):
        policy.act(0, np.zeros(3, np.int8))


def test_damaged_and_foreign_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes(b"nonsense")
    for load in (GreedyPolicy.load, QTable.load):
        with pytest.raises(SegueError, match="cannot be read"):
            load(path)
        with pytest.raises(SegueError, match="missing"):
            load(tmp_path / "missing.safetensors")
    GreedyPolicy(np.zeros((2, 2))).save(path)
    with pytest.raises(SegueError, match="not a Q-table"):
        QTable.load(path)


def test_the_random_stream() -> None:
    one, other = new_stream(7), new_stream(7)
    compiled = [uniform(one) for _ in range(1_000)]
    assert compiled == [uniform.py_func(other) for _ in range(1_000)]
    assert 0.0 <= min(compiled) < 0.01
    assert 0.99 < max(compiled) < 1.0
    assert np.mean(compiled) == pytest.approx(0.5, abs=0.03)
    assert uniform(new_stream(8)) != compiled[0]


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha": 0.0},
        {"gamma": 1.5},
        {"chunk_episodes": 0},
        {"replay": "forward"},
        {"epsilon_decay": "exponential", "epsilon_start": 1.0},
    ],
)
def test_wrong_settings_are_told(settings: dict[str, Any]) -> None:
    with pytest.raises(SegueError, match="QLearningConfig"):
        QLearningConfig(**settings)


def test_wrong_spaces_and_tables_are_told() -> None:
    with pytest.raises(SegueError, match="Discrete"):
        train_plain(gym.make("CartPole-v1"), QLearningConfig())
    model = layered_model(1, steps=4, width=3, n_actions=3)
    with pytest.raises(SegueError, match="shape"):
        train_compiled(model, QLearningConfig(), table=QTable.empty(2, 2, 0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": 99}, "start"),
        ({"next_state": np.full((12, 3), 12, np.int32)}, "next_state"),
        ({"reward": np.full((12, 3), np.nan)}, "finite"),
        ({"legal": np.zeros((12, 3), bool)}, "no legal action"),
        ({"terminal": np.zeros((12, 2), bool)}, "terminal"),
        ({"reward": np.zeros((12, 3), np.float32)}, "float64"),
    ],
)
def test_wrong_models_are_told(change: dict[str, Any], message: str) -> None:
    model = layered_model(1, steps=4, width=3, n_actions=3)
    names = ("start", "next_state", "reward", "legal", "terminal")
    with pytest.raises(SegueError, match=message):
        TransitionModel(**({name: getattr(model, name) for name in names} | change))


def test_a_dead_end_is_told() -> None:
    model = ring(3)
    legal = model.legal.copy()
    legal[1] = False
    with pytest.raises(SegueError, match="without a legal action"):
        TransitionModel(0, model.next_state, model.reward, legal, model.terminal)
