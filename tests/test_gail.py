"""GAIL: it learns from demonstrations alone, exactly, and goes on exactly."""

from __future__ import annotations

import inspect
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from test_agents_deep import Chain, assert_equal_weights

from segue.agents.deep import NativeVecEnv
from segue.agents.deep.algorithm_state import algorithm_state, restore_algorithm
from segue.agents.deep.gail import GAIL, AdversarialImitation, MaskableGAIL, scaled
from segue.agents.deep.tensor_tree import join, split
from segue.agents.demonstrations import Decisions, Episode
from segue.envs.base.errors import SegueError

torch.set_num_threads(1)

SETTINGS: dict[str, Any] = {
    "learning_rate": 0.01,
    "n_steps": 24,
    "batch_size": 96,
    "n_epochs": 4,
    "gamma": 0.9,
    "policy_kwargs": {"net_arch": [16]},
    "discriminator_batch_size": 128,
    "device": "cpu",
}


class Copying(Chain):
    """`Chain`, whose episodes all have six steps and whose rewards are what a test likes."""

    def __init__(self, n: int, pay: Any = None) -> None:
        super().__init__(n)
        self.pay = pay

    def reset(self, **keywords: Any) -> Any:
        super().reset(**keywords)
        self.clock[:] = 0
        return self._observed(), self._info()

    def step(self, actions: Any) -> Any:
        observation, reward, *rest = super().step(actions)
        return observation, reward if self.pay is None else self.pay(reward), *rest


class Walk(gym.Env[Any, Any]):
    """Five places in a row, eight steps from the middle; 0 goes left, 1 stays, 2 goes right.

    The true reward, for being at the right end, is always 0 here.
    """

    observation_space, action_space = Discrete(5), Discrete(3)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place, self.clock = 2, 0
        return self.place, {}

    def step(self, action: Any) -> Any:
        self.place = int(np.clip(self.place + action - 1, 0, 4))
        self.clock += 1
        return self.place, 0.0, False, self.clock == 8, {}


def copies(count: int, seed: int = 0, length: int = 6) -> list[Episode]:
    """Episodes of `Chain` at its optimum."""
    generator, episodes = np.random.default_rng(seed), []
    for _ in range(count):
        states = generator.integers(0, 3, length + 1)
        masks = np.tile([True, True, True, False], (length, 1))
        seen = np.eye(3, dtype=np.float32)[states]
        episodes.append(Episode(seen, states[:-1], np.ones(length), True, masks))
    return episodes


def make(
    kind: type[AdversarialImitation] = MaskableGAIL, pay: Any = None, seed: int = 0, **settings: Any
) -> tuple[AdversarialImitation, Copying]:
    env = Copying(8, pay)
    model = kind("MlpPolicy", NativeVecEnv(env), seed=seed, **(SETTINGS | settings))
    model.set_logger(Logger(folder=None, output_formats=[]))
    return model, env


def nothing(reward: Any) -> Any:
    return np.zeros_like(reward)


class Kept(BaseCallback):
    """Does nothing, or calls something between the second and the third rollout."""

    def __init__(self, call: Any) -> None:
        super().__init__()
        self.call, self.rollouts = call, 0

    def _on_rollout_start(self) -> None:
        self.rollouts += 1
        if self.rollouts == 3:
            self.call()

    def _on_step(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [GAIL, MaskableGAIL])
@pytest.mark.parametrize("cloned", [0, 30])
def test_it_copies_from_demonstrations_alone(kind: Any, cloned: int) -> None:
    trained = []
    for _ in range(2):
        model, env = make(kind, nothing, clone_epochs=cloned)
        model.demonstrate(copies(10))
        model.learn(2_880)
        trained.append(model)
    states = np.eye(3, dtype=np.float32)
    assert trained[0].predict(states, deterministic=True)[0].tolist() == [0, 1, 2]
    with torch.no_grad():
        given = trained[0].policy.get_distribution(torch.as_tensor(states)).distribution.probs
    assert given.diagonal().min() > 0.8
    assert env.taken <= ({0, 1, 2} if kind is MaskableGAIL else {0, 1, 2, 3})
    assert_equal_weights(*trained)
    assert trained[0].ep_info_buffer is not None
    assert {episode["r"] for episode in trained[0].ep_info_buffer} == {0.0}  # The env's own.


def test_it_walks_as_was_shown_where_actions_have_consequences() -> None:
    env = Walk()
    places = np.array([2, 3, 4, 4, 4, 4, 4, 4, 4])
    shown = Episode(places, np.array([2, 2, *[1] * 6]), np.zeros(8), False)
    model = GAIL("MlpPolicy", env, seed=0, clone_epochs=0, **(SETTINGS | {"n_steps": 96}))
    model.set_logger(Logger(folder=None, output_formats=[]))
    model.demonstrate([shown])
    model.learn(3_840)
    place, _ = env.reset(seed=0)
    walked = [place]
    for _ in range(8):
        place, *_ = env.step(int(model.predict(place, deterministic=True)[0]))
        walked.append(place)
    assert walked == places.tolist()
    # It comes back to where it was shown, from a place where it was not.
    assert int(model.predict(1, deterministic=True)[0]) == 2


def test_a_few_rollouts_teach_the_critic_alone() -> None:
    model, _ = make(clone_epochs=5, critic_rollouts=2)
    model.demonstrate(copies(3))
    seen, found = torch.eye(3), []

    def look() -> None:
        with torch.no_grad():
            chances = model.policy.get_distribution(seen).distribution.probs
            found.append((chances.numpy().copy(), model.policy.predict_values(seen).numpy()))

    for _ in range(4):
        model.learn(192, reset_num_timesteps=False)
        look()
    assert model._clone is not None
    with torch.no_grad():
        clone = model._clone.get_distribution(seen).distribution.probs.numpy()
    np.testing.assert_array_equal(found[0][0], clone)
    np.testing.assert_array_equal(found[1][0], clone)
    assert np.abs(found[0][1] - found[1][1]).max() > 1e-3
    assert np.abs(found[2][0] - clone).max() > 1e-3


def by_hand(model: Any, start: np.ndarray, last: np.ndarray, ended: np.ndarray) -> np.ndarray:
    """Generalised advantages of the rollout in the buffer, row by row."""
    buffer = model.rollout_buffer
    found = np.zeros(buffer.rewards.shape)
    for row in range(buffer.n_envs):
        ahead = 0.0
        for t in reversed(range(buffer.buffer_size)):
            final = t == buffer.buffer_size - 1
            over = ended[row] if final else start[t + 1, row]
            after = 0.0 if over else (last[row] if final else buffer.values[t + 1, row])
            gain = buffer.rewards[t, row] + model.gamma * after - buffer.values[t, row]
            ahead = gain + (0.0 if over else model.gamma * model.gae_lambda * ahead)
            found[t, row] = ahead
    return found


@pytest.mark.parametrize("weight", [0.0, 1.5])
@pytest.mark.parametrize("kind", [GAIL, MaskableGAIL])
def test_rewards_and_advantages_are_those_by_hand(kind: Any, weight: float) -> None:
    model, _ = make(kind, n_steps=23, batch_size=92, clone_epochs=3, clone_weight=weight)
    model.demonstrate(copies(3))
    buffer: Any = model.rollout_buffer
    checked: list[int] = []

    def check() -> None:
        decisions = (buffer.observations.reshape(-1, 3), buffer.actions.reshape(-1))
        logits = model.discriminator.logits(Decisions(*decisions, None))
        wanted = (logits - logits.mean()) / max(1.0, logits.std())
        if weight:
            clone: Any = model._clone
            with torch.no_grad():
                given = clone.get_distribution(torch.as_tensor(decisions[0])).distribution.logits
                if kind is MaskableGAIL:
                    given = given.clone()
                    given[:, 3] = -1e8
                log_p = torch.log_softmax(given, 1)[torch.arange(len(given)), decisions[1]]
            wanted = wanted + weight * log_p.numpy()
            wanted = (wanted - wanted.mean()) / max(1.0, wanted.std())
        np.testing.assert_allclose(buffer.rewards.ravel(), wanted, atol=1e-4)
        with torch.no_grad():
            last = model.policy.predict_values(torch.as_tensor(model._last_obs)).numpy().ravel()
        ended = np.asarray(model._last_episode_starts)
        advantages = by_hand(model, buffer.episode_starts, last, ended)
        np.testing.assert_allclose(buffer.advantages, advantages, atol=1e-4)
        np.testing.assert_allclose(buffer.returns, advantages + buffer.values, atol=1e-4)
        checked.append(model.num_timesteps)

    train = model.train

    def checked_train() -> None:
        check()
        train()

    model.train = checked_train  # type: ignore[method-assign]
    model.learn(23 * 8 * 4)
    assert len(checked) == 4


def test_the_true_reward_is_never_used() -> None:
    generator = np.random.default_rng(0)
    pays = (None, lambda r: generator.permutation(r) - 7.0, lambda r: np.full_like(r, np.nan))
    trained = []
    for pay in pays:
        model, _ = make(pay=pay)
        model.demonstrate(copies(2))
        model.learn(960)
        trained.append(model)
    assert_equal_weights(trained[0], trained[1])
    assert_equal_weights(trained[0], trained[2])


@pytest.mark.parametrize("kind", [GAIL, MaskableGAIL])
def test_a_resumed_run_ends_as_the_uninterrupted_one(kind: Any) -> None:
    whole, _ = make(kind, critic_rollouts=1)
    whole.demonstrate(copies(4))
    saved: list[Any] = []
    arrays: dict[str, np.ndarray] = {}

    def save() -> None:
        saved.append(split(algorithm_state(whole), arrays))
        arrays.update({name: array.copy() for name, array in arrays.items()})

    whole.learn(5 * 192, callback=Kept(save))
    resumed, _ = make(kind, seed=5, critic_rollouts=1)
    torch.manual_seed(99)
    restore_algorithm(resumed, join(saved[0], arrays))
    assert resumed.num_timesteps == 2 * 192
    resumed.learn(3 * 192, reset_num_timesteps=False)
    assert_equal_weights(whole, resumed)
    shown = whole._shown()
    np.testing.assert_array_equal(
        whole.discriminator.logits(shown), resumed.discriminator.logits(shown)
    )
    one, other = (algorithm_state(model)["optimizer"]["state"][0] for model in (whole, resumed))
    assert torch.equal(one["exp_avg"], other["exp_avg"])


def test_the_state_before_demonstrations_can_be_told_and_others_are_refused() -> None:
    model, _ = make()
    assert model.own_state()["demonstrated"] is None
    other, _ = make(seed=3)
    other.load_own_state(model.own_state())
    with pytest.raises(SegueError, match="demonstrate"):
        other.learn(192)
    model.demonstrate(copies(1))
    state = model.own_state()
    state["demonstrated"]["actions"] = state["demonstrated"]["actions"] + 4
    with pytest.raises(SegueError, match="actions"):
        other.load_own_state(state)


def test_demonstrations_that_do_not_fit_are_told() -> None:
    model, _ = make()
    with pytest.raises(SegueError, match=r"5 to 6 decisions.*fixed horizon"):
        model.demonstrate([*copies(1), *copies(1, length=5)])
    with pytest.raises(SegueError, match="no demonstrations"):
        model.demonstrate([])
    fine = copies(1)[0]
    wrong = {
        "observations": {"observations": np.zeros((7, 4), np.float32)},
        "actions": {"actions": np.full(6, 4)},
        "masks": {"masks": np.ones((6, 5), bool)},
    }
    for match, part in wrong.items():
        with pytest.raises(SegueError, match=match):
            model.demonstrate([Episode(**(vars(fine) | part))])


def test_an_agent_whose_episodes_have_another_length_is_told() -> None:
    model, _ = make()
    model.demonstrate(copies(2, length=9))
    with pytest.raises(SegueError, match=r"after 6 decisions.*have 9.*fixed horizon"):
        model.learn(192)


def test_rewards_are_centred_and_bounded_in_spread() -> None:
    wide = np.array([-30.0, 0.0, 10.0, 60.0], np.float32)
    assert scaled(wide).mean() == pytest.approx(0.0, abs=1e-6)
    assert scaled(wide).std() == pytest.approx(1.0)
    assert (np.diff(scaled(wide)) > 0).all()
    # Small differences are not blown up: they are the discriminator's doubt.
    np.testing.assert_allclose(scaled(wide / 100), wide / 100 - 0.1, atol=1e-6)


def test_its_arguments_are_told_by_name() -> None:
    for kind in (GAIL, MaskableGAIL):
        names = set(inspect.signature(kind).parameters)
        assert {"clip_range", "n_steps", "clone_epochs", "discriminator_dropout"} <= names
        assert not names & {"args", "kwargs", "self"}
    assert isinstance(make()[0].observation_space, Box)
