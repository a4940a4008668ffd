"""Q-learning's methods: identity env, chain, equal tables, masks, and what sets each one apart."""

from __future__ import annotations

import time
from itertools import product
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Discrete

from segue.agents.tabular import (
    QLearningConfig,
    QTable,
    rollout_return,
    train_compiled,
    train_plain,
    value_iteration,
)
from segue.agents.tabular.update_rules import learn_lambda
from segue.envs.base.errors import SegueError
from segue.envs.base.transition_model import TransitionModel

METHODS: dict[str, dict[str, Any]] = {
    "q": {},
    "double-q": {"method": "double-q"},
    "q-lambda": {"method": "q-lambda", "replay": "online"},
}
LEARNS: dict[str, Any] = {
    "alpha": 0.3,
    "gamma": 0.9,
    "epsilon_start": 1.0,
    "epsilon_end": 0.1,
    "epsilon_episodes": 100,
    "chunk_episodes": 50,
}


class Identity(gym.Env[int, int]):
    """The right action is the number of the state, which is drawn anew at every step."""

    def __init__(self) -> None:
        self.observation_space, self.action_space = Discrete(3), Discrete(3)
        self.state = self.left = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.state, self.left = int(self.np_random.integers(3)), 10
        return self.state, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        reward = float(action == self.state)
        self.state, self.left = int(self.np_random.integers(3)), self.left - 1
        return self.state, reward, False, self.left == 0, {}


class Masked(gym.Env[int, int]):
    """Steps through a model whose rows are the states, with its masks."""

    def __init__(self, model: TransitionModel) -> None:
        self.model, self.state = model, model.start
        self.observation_space = Discrete(model.n_states)
        self.action_space = Discrete(model.n_actions)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = self.model.start
        return self.state, {"action_mask": self.model.legal[self.state].astype(np.int8)}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        model, pair = self.model, (self.state, action)
        assert model.legal[pair], "a masked action was taken"
        self.state = int(model.next_state[pair])
        info = {"action_mask": model.legal[self.state].astype(np.int8)}
        return self.state, float(model.reward[pair]), bool(model.terminal[pair]), False, info


def chain(length: int) -> TransitionModel:
    """Action 0 ends the episode for .1, action 1 goes on and at the end earns 1; 2 is illegal."""
    state = np.arange(length)
    onward = np.minimum(state + 1, length - 1)
    last = state == length - 1
    return TransitionModel(
        start=0,
        next_state=np.stack([state, onward, state], axis=1).astype(np.int32),
        reward=np.stack([np.full(length, 0.1), last.astype(float), np.full(length, 9.0)], axis=1),
        legal=np.tile([True, True, False], (length, 1)),
        terminal=np.stack([np.ones(length, bool), last, last], axis=1),
    )


@pytest.mark.parametrize("method", METHODS)
def test_every_method_solves_the_identity_env_within_a_second(method: str) -> None:
    config = QLearningConfig(episodes=150, seed=3, **(LEARNS | METHODS[method] | {"gamma": 0.0}))
    table = train_plain(Identity(), config)
    assert table.policy().actions().tolist() == [0, 1, 2]
    began = time.process_time()  # After compiling.
    again = train_plain(Identity(), config)
    assert time.process_time() - began < 1.0
    assert_equal(table, again)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_end_of_a_chain(method: str) -> None:
    model = chain(8)
    config = QLearningConfig(
        episodes=3_000, initial_value=1.0, seed=5, **(LEARNS | METHODS[method])
    )
    table = train_compiled(model, config)
    solution = value_iteration(model, gamma=0.9)
    assert rollout_return(model, table.policy().actions()) == 1.0
    np.testing.assert_array_equal(table.policy().actions(), solution.policy)
    if method == "q":
        np.testing.assert_allclose(table.values, solution.q, atol=1e-6)
    assert table.visits[:, 2].sum() == 0
    assert_equal(table, train_compiled(model, config))


def assert_equal(one: QTable, other: QTable) -> None:
    assert one.counts() == other.counts()
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(array, other.arrays()[name], err_msg=name)


def maze(seed: int) -> TransitionModel:
    """A random task with cycles, revisits and masks, whose pairs end it at random."""
    generator = np.random.default_rng(seed)
    shape = (12, 5)
    legal = generator.random(shape) < 0.6
    legal[np.arange(12), generator.integers(0, 5, 12)] = True
    return TransitionModel(
        start=0,
        next_state=generator.integers(0, 12, shape).astype(np.int32),
        reward=generator.normal(size=shape),
        legal=legal,
        terminal=generator.random(shape) < 0.1,
    )


@pytest.mark.parametrize(
    ("method", "replay", "alpha_decay"),
    [
        (method, replay, decay)
        for method, replay, decay in product(METHODS, ("online", "backward"), (0.0, 0.7))
        if (method, replay) != ("q-lambda", "backward")
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_plain_and_compiled_end_with_the_same_table(
    method: Any, replay: Any, alpha_decay: float, seed: int
) -> None:
    settings = LEARNS | METHODS[method] | {"replay": replay, "alpha_decay": alpha_decay}
    config = QLearningConfig(episodes=130, seed=seed, max_steps=60, **settings)
    plain = train_plain(Masked(maze(seed)), config)
    assert_equal(plain, train_compiled(maze(seed), config))
    assert plain.visits[~maze(seed).legal].sum() == 0
    assert plain.steps == plain.visits.sum() > 130


class Noisy(gym.Env[int, int]):
    """Right ends for nothing, left leads to arms that pay -.1 on average (Sutton & Barto 6.7)."""

    def __init__(self) -> None:
        self.observation_space, self.action_space = Discrete(2), Discrete(10)
        self.state = 0

    def _mask(self) -> dict[str, Any]:
        return {"action_mask": np.array([1, 1] + [self.state] * 8, np.int8)}

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = 0
        return 0, self._mask()

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        if self.state == 1:
            return 1, float(self.np_random.normal(-0.1, 1.0)), True, False, self._mask()
        self.state = action
        return action, 0.0, action == 0, False, self._mask()


def test_double_q_is_not_misled_by_noise_as_q_is() -> None:
    def share_of_left(method: str) -> float:
        settings: dict[str, Any] = METHODS[method] | {"replay": "online", "alpha": 0.1}
        left = total = 0
        for seed in range(25):
            config = QLearningConfig(
                episodes=150, epsilon_start=0.1, epsilon_end=0.1, seed=seed, **settings
            )
            visits = train_plain(Noisy(), config).visits
            left, total = left + int(visits[0, 1]), total + int(visits[0].sum())
        return left / total

    assert share_of_left("double-q") < 0.75 * share_of_left("q")


def test_double_q_chooses_by_one_table_and_values_by_the_other() -> None:
    model = chain(2)
    config = QLearningConfig(episodes=1, method="double-q", replay="online", alpha=0.5)
    table = QTable.empty(2, 3, 0, "double-q")
    table.q[:] = [[0.0, 1.0, -np.inf], [3.0, 2.0, -np.inf]]
    table.second[:] = [[0.0, 1.0, -np.inf], [5.0, 7.0, -np.inf]]
    before = table.copy()
    table = train_compiled(model, config, table=table)
    changed = table.second_visits[0, 1]  # Which of the tables the coin named first.
    # The first table prefers action 0, which the second values at 5; the second 1, at 2.
    wanted = (before.q, before.second)[changed][0, 1] * 0.5 + 0.5 * (5.0, 2.0)[changed]
    assert (table.q, table.second)[changed][0, 1] == wanted
    assert (table.q, table.second)[1 - changed][0, 1] == 1.0
    np.testing.assert_array_equal(table.values, (table.q + table.second) / 2)


def straight(length: int) -> TransitionModel:
    """One action; only the last of `length` states pays, 1."""
    model = chain(length)
    legal = np.tile([False, True, False], (length, 1))
    return TransitionModel(0, model.next_state, model.reward, legal, model.terminal)


def test_traces_carry_an_error_back_and_fade() -> None:
    config = QLearningConfig(
        episodes=1, method="q-lambda", replay="online", alpha=0.5, gamma=0.8, trace=0.5
    )
    table = train_compiled(straight(4), config)
    np.testing.assert_allclose(table.q[:, 1], 0.5 * 0.4 ** np.array([3, 2, 1, 0]))


def test_traces_are_replaced_and_cut() -> None:
    q, visits = np.zeros((3, 2)), np.zeros((3, 2), np.int64)
    path = np.array([[0, 0], [1, 0], [0, 0], [2, 1]], np.int32)

    def learn(first: int, step: int, target: float) -> int:
        return learn_lambda(q, visits, path, first, step, target, 0.5, None, 0.5)

    assert learn(0, 0, 0.0) == learn(0, 1, 0.0) == 0
    assert learn(0, 2, 1.0) == 0
    np.testing.assert_array_equal(q, [[0.5, 0.0], [0.25, 0.0], [0.0, 0.0]])  # Not .5 + .125.
    q[2] = 1.0, 0.0
    assert learn(0, 3, 2.0) == 3  # Not greedy: what lies before is not due to it.
    np.testing.assert_array_equal(q, [[0.5, 0.0], [0.25, 0.0], [1.0, 1.0]])


@pytest.mark.parametrize("method", METHODS)
def test_a_step_size_of_one_over_visits_gives_the_mean(method: str) -> None:
    class Bandit(Noisy):
        """One pull of a fair arm an episode; keeps what was paid."""

        paid: list[float]

        def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
            self.paid.append(float(self.np_random.normal()))
            return 0, self.paid[-1], True, False, {}

        def _mask(self) -> dict[str, Any]:
            return {"action_mask": np.array([1] + [0] * 9, np.int8)}

    env = Bandit()
    env.paid = []
    table = train_plain(env, QLearningConfig(episodes=40, alpha_decay=1.0, **METHODS[method]))
    second = int(table.second_visits[0, 0]) if method == "double-q" else 0
    sums = table.q[0, 0] * (40 - second) + (table.second[0, 0] * second if second else 0.0)
    assert sums == pytest.approx(sum(env.paid))
    assert (method == "double-q") == (0 < second < 40)


def test_what_the_methods_need_is_told() -> None:
    with pytest.raises(SegueError, match="'online' with the traces"):
        QLearningConfig(method="q-lambda")
    for settings in ({"method": "sarsa"}, {"trace": 1.5}, {"alpha_decay": -0.1}):
        with pytest.raises(SegueError, match="QLearningConfig"):
            QLearningConfig(**settings)  # type: ignore[arg-type]
    with pytest.raises(SegueError, match="another method"):
        train_compiled(
            chain(3), QLearningConfig(method="double-q"), table=QTable.empty(3, 3, seed=0)
        )
