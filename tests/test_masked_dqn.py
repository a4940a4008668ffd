"""DQN with action masks: that it heeds them, and is the usual DQN where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from test_agents_deep import Chain, assert_equal_weights

from segue.agents.deep import NativeVecEnv, build
from segue.agents.deep.algorithm_state import algorithm_state, restore_algorithm
from segue.agents.deep.masked_dqn import IntegerQPolicy, MaskedDQN
from segue.agents.deep.tensor_tree import join, split
from segue.agents.deep.transitions import Transitions
from segue.agents.demonstrations import Episode
from segue.envs.base.errors import SegueError

torch.set_num_threads(1)

SETTINGS: dict[str, Any] = {
    "learning_rate": 0.01,
    "learning_starts": 100,
    "gamma": 0.0,
    "train_freq": 8,
    "gradient_steps": 4,
    "exploration_fraction": 0.5,
    "buffer_size": 5_000,
    "target_update_interval": 200,
    "policy_kwargs": {"net_arch": [16]},
}


class Fickle(gym.vector.VectorEnv[Any, Any, Any]):
    """Five steps; another half of eight actions is legal at each. Taking an illegal one is noted.

    The best legal action is the one of the greatest number, which is its reward in eighths; the
    observation is two integers, of which the mask follows.
    """

    n_actions, steps = 8, 5

    def __init__(self, n: int) -> None:
        self.num_envs = n
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = MultiDiscrete([4, 5])
        self.single_action_space = Discrete(self.n_actions)
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)
        self.render_mode = None
        self.illegal = self.asked = 0
        self.reset(seed=0)

    def action_masks(self) -> np.ndarray:
        return (np.arange(self.n_actions) - self.seen.sum(axis=1)[:, None]) % self.n_actions < 4

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self.generator = np.random.default_rng(seed)
        self.clock = np.arange(self.num_envs) % self.steps
        self.seen = self._drawn()
        return self.seen.copy(), {"action_mask": self.action_masks()}

    def _drawn(self) -> np.ndarray:
        return self.generator.integers(0, [4, 5], (self.num_envs, 2))

    def step(self, actions: Any) -> Any:
        legal = self.action_masks()[np.arange(self.num_envs), actions]
        self.illegal, self.asked = self.illegal + int((~legal).sum()), self.asked + self.num_envs
        reward = np.where(legal, actions / self.n_actions, -5.0)
        self.clock += 1
        self.seen, done = self._drawn(), self.clock >= self.steps
        self.clock[done] = 0
        info = {"final_obs": self._drawn(), "_final_obs": done, "action_mask": self.action_masks()}
        return self.seen.copy(), reward, done, np.zeros_like(done), info

    def state_dict(self) -> dict[str, Any]:
        generator = self.generator.bit_generator.state
        return {"clock": self.clock.copy(), "seen": self.seen.copy(), "generator": generator}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.clock, self.seen = np.array(state["clock"]), np.array(state["seen"])
        self.generator.bit_generator.state = state["generator"]


def fickle(seed: int = 0, **settings: Any) -> tuple[MaskedDQN, Fickle]:
    env = Fickle(8)
    model = build(
        "dqn",
        NativeVecEnv(env),
        seed=seed,
        hyperparameters={"policy": "integers"} | SETTINGS | settings,
    )
    assert isinstance(model, MaskedDQN)
    return model, env


def cartpole() -> NativeVecEnv:
    keywords = {"autoreset_mode": AutoresetMode.SAME_STEP}
    return NativeVecEnv(
        gym.make_vec("CartPole-v1", 4, vectorization_mode="sync", vector_kwargs=keywords)
    )


@pytest.mark.parametrize("n_steps", [1, 3])
def test_without_masks_it_is_dqn_bit_for_bit(n_steps: int) -> None:
    settings = SETTINGS | {"gamma": 0.99, "n_steps": n_steps}
    one, other = (
        kind("MlpPolicy", cartpole(), seed=3, device="cpu", **settings).learn(2_000)
        for kind in (DQN, MaskedDQN)
    )
    assert_equal_weights(one, other)
    assert one._n_updates == other._n_updates > 100
    states = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    for deterministic in (True, False):
        np.random.seed(5)
        first = one.predict(states, deterministic=deterministic)[0]
        np.random.seed(5)
        np.testing.assert_array_equal(first, other.predict(states, deterministic=deterministic)[0])
    assert isinstance(other, MaskedDQN)
    assert other.own_state() == {}


def test_it_solves_the_chain_twice_identically_and_never_takes_what_is_masked() -> None:
    models = []
    for _ in range(2):
        chain = Chain(8)
        model = MaskedDQN("MlpPolicy", NativeVecEnv(chain), seed=0, device="cpu", **SETTINGS)
        model.learn(6_000)
        assert chain.taken == {0, 1, 2}
        models.append(model)
    actions, _ = models[0].predict(np.eye(3, dtype=np.float32), deterministic=True)
    assert actions.tolist() == [0, 1, 2]
    assert_equal_weights(*models)


def test_no_illegal_action_is_ever_taken_and_the_best_legal_one_is_learnt() -> None:
    model, env = fickle(n_steps=1)
    model.learn(8_000)
    assert env.asked == 8_000
    assert env.illegal == 0
    seen = np.stack(np.meshgrid(np.arange(4), np.arange(5)), axis=-1).reshape(-1, 2)
    legal = (np.arange(8) - seen.sum(axis=1)[:, None]) % 8 < 4
    actions, _ = model.predict(seen, deterministic=True, action_masks=legal)
    best = np.where(legal, np.arange(8), -1).argmax(axis=1)
    assert (actions == best).mean() > 0.9
    # Without masks it says what it would do if everything were legal, as MaskablePPO does.
    free, _ = model.predict(seen, deterministic=True)
    assert not legal[np.arange(len(seen)), free].all()


def test_exploring_is_even_among_what_is_legal() -> None:
    model, _ = fickle()
    seen = np.tile([[1, 2]], (4_000, 1))
    legal = np.tile([False, True, True, False, False, True, False, True], (4_000, 1))
    model.exploration_rate = 0.5
    actions, _ = model.predict(seen, action_masks=legal)
    counts = np.bincount(actions, minlength=8)
    assert (counts[~legal[0]] == 0).all()
    greedy = model.predict(seen[:1], deterministic=True, action_masks=legal[:1])[0][0]
    others = np.delete(counts, [0, 3, 4, 6, greedy])
    assert np.abs(others - 500).max() < 5 * np.sqrt(500)
    single, state = model.predict(seen[0], deterministic=True, action_masks=legal[0])
    assert (single.shape, int(single), state) == ((), greedy, None)


@pytest.mark.parametrize("n_steps", [1, 3])
def test_targets_do_not_hope_for_what_is_illegal(n_steps: int) -> None:
    """Values stay within what rewards allow although a masked action seems to be worth 100."""
    chain = Chain(8)
    settings = SETTINGS | {"gamma": 1.0, "n_steps": n_steps}
    model = MaskedDQN("MlpPolicy", NativeVecEnv(chain), seed=0, device="cpu", **settings)
    for net in (model.q_net, model.q_net_target):
        with torch.no_grad():
            net.q_net[-1].bias[3] = 100.0
    model.learn(3_000)
    assert chain.taken == {0, 1, 2}
    with torch.no_grad():
        values = model.q_net(torch.eye(3)).numpy()
    assert values[:, 3].min() > 50.0
    assert values[:, :3].max() < 30.0


class Stop(BaseCallback):
    """Takes the state before some rollout."""

    def __init__(self, rollout: int) -> None:
        super().__init__()
        self.left, self.state = rollout, {}

    def _on_rollout_start(self) -> None:
        self.left -= 1
        if self.left == 0:
            arrays: dict[str, np.ndarray] = {}
            tree = split(algorithm_state(self.model), arrays)
            self.state = join(tree, deepcopy(arrays))

    def _on_step(self) -> bool:
        return True


@pytest.mark.parametrize("buffer_size", [320, 5_000])
def test_a_resumed_run_is_exact(buffer_size: int) -> None:
    """Also when the ring has been round before the checkpoint."""
    steps, stop = 2_048, Stop(17)
    whole, _ = fickle(gamma=1.0, buffer_size=buffer_size)
    whole.learn(steps, callback=stop)
    assert stop.state["counts"]["num_timesteps"] == 1_024
    own = stop.state["own"]["replay"]["arrays"]
    assert len(own["action"]) == min(1_024, buffer_size)
    resumed, _ = fickle(seed=9, gamma=1.0, buffer_size=buffer_size)
    restore_algorithm(resumed, stop.state)
    resumed.learn(steps - resumed.num_timesteps, reset_num_timesteps=False)
    assert_equal_weights(whole, resumed)
    assert resumed._n_updates == whole._n_updates
    for name, array in whole.own_state()["replay"]["arrays"].items():
        np.testing.assert_array_equal(array, resumed.own_state()["replay"]["arrays"][name])
    other, _ = fickle(gamma=1.0, buffer_size=buffer_size // 2)
    if buffer_size == 320:
        with pytest.raises(ValueError, match="of the replay are"):
            other.load_own_state(stop.state["own"])


def test_masks_are_kept_with_the_situation_that_they_are_of() -> None:
    model, env = fickle(n_steps=1)
    model.learn(400)
    arrays = model.own_state()["replay"]["arrays"]
    for seen, masks in (("seen", "mask"), ("after", "mask_after")):
        env.seen = arrays[f"{seen}.observation"]
        told = np.ones(448, bool) if seen == "seen" else ~arrays["last"]
        np.testing.assert_array_equal(arrays[masks], env.action_masks() & told[:, None])
    assert 70 < arrays["last"].sum() < 110


def test_what_followed_an_end_that_was_cut_off_teaches_nothing() -> None:
    model, _ = fickle(gamma=1.0, n_steps=1)
    assert model.replay is not None
    model.learn(8)  # Sets the logger; too short to learn from.
    before = [weight.clone() for weight in model.q_net.parameters()]
    seen, every = np.zeros((8, 2), np.int64), np.ones(8, bool)
    masks = np.ones((8, 8), bool)
    for truncated in (every, ~every):
        model.replay.load_state(fickle(n_steps=1)[0].own_state()["replay"])
        model.replay.add(seen, np.zeros(8), np.full(8, 5.0), seen, every, truncated, (masks, masks))
        model.train(1, 16)
        now = list(model.q_net.parameters())
        same = all(torch.equal(a, b) for a, b in zip(before, now, strict=True))
        assert same == truncated.all()


def test_an_end_that_tells_no_masks_is_not_learnt_from() -> None:
    replay = Transitions(10, Box(0.0, 1.0, (2,), np.float32), 3, 2, masked=True)
    masks = np.array([[True, False, True], [False, True, True]])
    seen, rewards = np.zeros((2, 2), np.float32), np.array([1.0, 2.0])
    done = np.array([True, True])
    replay.add(seen, np.array([0, 1]), rewards, seen, done, ~done | [False, True], (masks, masks))
    replay.add(seen, np.array([0, 1]), rewards, seen, ~done, ~done, (masks, ~masks))
    ahead = replay.ahead(np.arange(4), 1, 0.9)
    assert ahead.known.tolist() == [True, False, True, True]
    np.testing.assert_allclose(ahead.discounts, [0.0, 0.9, 0.9, 0.9])
    assert ahead.masks is not None
    np.testing.assert_array_equal(ahead.masks[2:], ~masks)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(SegueError, match="optimize_memory_usage"):
        fickle(optimize_memory_usage=True)
    with pytest.raises(SegueError, match="MultiDiscrete"):
        MaskedDQN(IntegerQPolicy, NativeVecEnv(Chain(2)))


STATES, ACTIONS = 12, 6


def episodes_of(generator: np.random.Generator, count: int) -> Iterator[Episode]:
    for _ in range(count):
        length = int(generator.integers(1, 9))
        seen = generator.integers(0, STATES, length + 1)
        actions = generator.integers(1, ACTIONS, length)
        rewards, ends = generator.normal(size=length), bool(generator.random() < 0.5)
        yield Episode(seen, actions, rewards, ends, np.tile(np.arange(ACTIONS) > 0, (length, 1)))


@pytest.mark.parametrize(("gamma", "n"), [(1.0, 4), (0.9, 10), (0.5, 1)])
def test_long_targets_equal_a_loop_over_episodes(gamma: float, n: int) -> None:
    """Demonstrated and own; ended, cut off and still going on; after the ring has been round."""
    generator = np.random.default_rng(5)
    demonstrations = list(episodes_of(generator, 6))
    n_envs, steps, kept = 3, 40, 13
    replay = Transitions(
        n_envs * kept, Discrete(STATES), ACTIONS, n_envs, masked=True, shown=demonstrations
    )
    rewards, over, cut = (np.zeros((steps, n_envs)) for _ in range(3))
    after = generator.integers(0, STATES, (steps, n_envs))
    full = np.tile(np.arange(ACTIONS) > 0, (n_envs, 1))
    for t in range(steps):
        rewards[t] = generator.normal(size=n_envs)
        over[t], cut[t] = generator.random((2, n_envs)) < 0.1
        done = (over[t] + cut[t]) > 0
        cut[t] *= 1 - over[t]
        replay.add(after[t], np.ones(n_envs), rewards[t], after[t], done, cut[t] > 0, (full, full))

    def loop(rewards: Any, over: Any, cut: Any, after: Any, first: int) -> tuple[float, float, int]:
        total, t = 0.0, first
        while True:
            total += gamma ** (t - first) * rewards[t]
            if over[t]:
                return total, 0.0, int(after[t])
            t += 1
            if cut[t - 1] or t == len(rewards) or t == first + n:
                return total, gamma ** (t - first), int(after[t - 1])

    wanted = []
    for episode in demonstrations:
        ends = np.arange(len(episode)) == len(episode) - 1
        seen, terminal = episode.observations[1:], ends & episode.terminated
        wanted += [loop(episode.rewards, terminal, ends, seen, t) for t in range(len(episode))]
    rows = np.arange(len(replay))
    ring = [
        loop(rewards[:, e], over[:, e], cut[:, e], after[:, e], t)
        for t in sorted(range(steps - kept, steps), key=lambda t: t % kept)
        for e in range(n_envs)
    ]
    found = replay.ahead(rows, n, gamma)
    for column, expected in zip(found[:3], zip(*(wanted + ring), strict=True), strict=True):
        np.testing.assert_allclose(column, expected, rtol=1e-5, atol=1e-5)


def test_dict_observations_are_kept_part_by_part() -> None:
    space = gym.spaces.Dict({"a": Box(0.0, 1.0, (2,), np.float32), "b": Discrete(3)})
    seen = {"a": np.arange(8, dtype=np.float32).reshape(4, 2), "b": np.array([0, 1, 2, 1])}
    episode = Episode(seen, np.array([0, 1, 0]), np.ones(3), True)
    replay = Transitions(4, space, 2, 1, masked=False, shown=[episode])
    found = replay.seen(np.array([2, 0]))
    assert isinstance(found, dict)
    np.testing.assert_array_equal(found["a"], [[4.0, 5.0], [0.0, 1.0]])
    following = replay.ahead(np.array([0, 1]), np.array([1, 9]), 1.0).observations
    assert isinstance(following, dict)
    np.testing.assert_array_equal(following["b"], [1, 1])
