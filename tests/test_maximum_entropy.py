"""Entropy in the return: what it adds to a rollout, and how agents then play."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.utils import LinearSchedule

from segue.agents.deep import NativeVecEnv, build, load_checkpoint
from segue.agents.deep.maximum_entropy import MaximumEntropy, Temperature
from segue.envs.base.errors import SegueError
from segue.experiments.learning import learn
from segue.experiments.tensorboard import Board
from segue.experiments.train import make_agent, resume, train
from segue.experiments.train_config import TrainConfig

torch.set_num_threads(1)

Floats = npt.NDArray[np.float64]


class Tree(gym.vector.VectorEnv[Any, Any, Any]):
    """A walk of which each step pays by `worth[state, action]` and leads to `leads[state, action]`.

    State 0 is the first one, -1 the end. Rows begin in different states, so that their episodes
    end at different times.
    """

    def __init__(self, n: int, worth: npt.ArrayLike, leads: npt.ArrayLike) -> None:
        self.worth, self.leads = np.array(worth, dtype=np.float64), np.array(leads)
        states, actions = self.worth.shape
        self.num_envs = n
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = Box(0.0, 1.0, (states,), np.float32)
        self.single_action_space = Discrete(actions)
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)
        self.render_mode = None
        self.state = np.zeros(n, dtype=np.int64)

    def _observed(self) -> npt.NDArray[np.float32]:
        return np.eye(len(self.worth), dtype=np.float32)[self.state]

    def action_masks(self) -> npt.NDArray[np.bool_]:
        return np.ones((self.num_envs, self.worth.shape[1]), dtype=bool)

    def _info(self) -> dict[str, Any]:
        return {"action_mask": self.action_masks().astype(np.int8)}

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.state = np.arange(self.num_envs) % len(self.worth)
        return self._observed(), self._info()

    def step(self, actions: Any) -> Any:
        reward = self.worth[self.state, actions]
        self.state = self.leads[self.state, actions]
        done = self.state < 0
        info = self._info()
        if done.any():
            info |= {"final_obs": self._observed(), "_final_obs": done}
            self.state[done] = 0
        return self._observed(), reward, done, np.zeros(self.num_envs, dtype=bool), info

    def state_dict(self) -> dict[str, Any]:
        return {"state": self.state.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state = np.array(state["state"])


def arms(*worth: float) -> Tree:
    """One step: each action pays what it is worth."""
    return Tree(128, [worth], [[-1] * len(worth)])


def branches() -> Tree:
    """Two steps, at best worth 1: after action 0 in one way, after action 1 in three."""
    worth = [[0, 0, -2, -2], [1, -2, -2, -2], [1, 1, 1, -2]]
    return Tree(128, worth, [[1, 2, -1, -1], [-1] * 4, [-1] * 4])


def played(tree: Tree, temperature: float | None, seed: int = 0) -> Floats:
    """Probabilities of the actions in each state after training, (states, actions)."""
    settings = {
        "learning_rate": LinearSchedule(0.02, 0.0, 1.0),
        "n_steps": 16,
        "batch_size": 1024,
        "n_epochs": 4,
        "gamma": 1.0,
        "normalize_advantage": False,
        "policy_kwargs": {"net_arch": [16]},
    }
    model: Any = build("ppo", NativeVecEnv(tree), seed=seed, hyperparameters=settings)
    steps = 100_000
    callback = temperature and MaximumEntropy(Temperature(temperature, temperature), steps)
    model.learn(steps, callback=callback)
    with torch.no_grad():
        chances = model.policy.get_distribution(torch.eye(len(tree.worth))).distribution.probs
    return np.asarray(chances.numpy(), dtype=np.float64)


def entropy(chances: Floats) -> float:
    """Nats, after making the chances shares of 1."""
    shares = chances / chances.sum()
    return float(-(shares * np.log(shares)).sum())


# --- the temperature ---------------------------------------------------------------------------


def test_the_temperature_is_held_and_then_goes_straight() -> None:
    temperature = Temperature(0.2, 1.0, held=0.5)
    found = [temperature.at(share) for share in (0.0, 0.3, 0.5, 0.625, 0.75, 1.0)]
    assert found == pytest.approx([0.2, 0.2, 0.2, 0.4, 0.6, 1.0])
    assert Temperature(1.0, 0.4).at(0.4) == 1.0
    assert Temperature(1.0, 0.4).at(0.7) == pytest.approx(0.7)
    assert [Temperature(0.3, 0.7, held).at(1.0) for held in (0.0, 0.9)] == pytest.approx([0.7, 0.7])
    assert Temperature(0.3, 0.7, held=0.0).at(0.0) == 0.3
    assert Temperature(0.3, 0.7, held=1.0).at(1.0) == 0.3


# --- a rollout ---------------------------------------------------------------------------------


class Record(BaseCallback):
    """Keeps a copy of each rollout, with log-probabilities that the policy gives anew."""

    def __init__(self) -> None:
        super().__init__()
        self.rollouts: list[dict[str, Any]] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        buffer, policy = self.locals["rollout_buffer"], self.model.policy
        names = ("rewards", "values", "advantages", "returns", "episode_starts")
        found = {name: getattr(buffer, name).astype(np.float64) for name in names}
        with torch.no_grad():
            seen = torch.as_tensor(buffer.observations).flatten(0, 1)
            chosen = torch.as_tensor(buffer.actions).flatten().long()
            chances = policy.get_distribution(seen).distribution.probs  # type: ignore[operator]
            log_p = chances[torch.arange(len(chosen)), chosen].log()
            last = policy.predict_values(torch.as_tensor(self.locals["new_obs"]))  # type: ignore[operator]
        found["log_p"] = log_p.numpy().reshape(buffer.rewards.shape)
        found["last"], found["dones"] = last.numpy().ravel(), self.locals["dones"]
        self.rollouts.append(found)


def advantage(rollout: dict[str, Any], rewards: Floats, step: int, row: int) -> float:
    """Generalised advantage estimate as a sum over the steps ahead, gamma .9 and lambda .8."""
    values = np.concatenate([rollout["values"], rollout["last"][None]])
    ended = np.concatenate([rollout["episode_starts"][1:], rollout["dones"][None]])
    total, share = 0.0, 1.0
    for ahead in range(step, len(rewards)):
        over = bool(ended[ahead, row])
        following = 0.0 if over else 0.9 * values[ahead + 1, row]
        total += share * (rewards[ahead, row] + following - values[ahead, row])
        share *= 0.9 * 0.8
        if over:
            break
    return total


@pytest.mark.parametrize("name", ["a2c", "maskable-ppo", "ppo"])
def test_rewards_are_lowered_by_the_log_probability(name: str) -> None:
    tree = branches()
    tree.num_envs = 5
    settings = {"n_steps": 6, "gamma": 0.9, "gae_lambda": 0.8}
    if name != "a2c":
        settings["batch_size"] = 30
    model = build(name, NativeVecEnv(tree), seed=0, hyperparameters=settings)
    before, after = Record(), Record()
    entropic = MaximumEntropy(Temperature(0.2, 0.8, held=1 / 3), 3 * 30)
    model.learn(3 * 30, callback=[before, entropic, after])
    assert len(before.rollouts) == 3
    for plain, changed, price in zip(before.rollouts, after.rollouts, (0.2, 0.5, 0.8), strict=True):
        wanted = plain["rewards"] - price * plain["log_p"]
        np.testing.assert_allclose(changed["rewards"], wanted, atol=1e-5)
        again = [[advantage(plain, wanted, t, row) for row in range(5)] for t in range(6)]
        np.testing.assert_allclose(changed["advantages"], again, atol=1e-5)
        np.testing.assert_allclose(changed["returns"], again + plain["values"], atol=1e-5)
        assert np.abs(changed["advantages"] - plain["advantages"]).min() > 0.01
    # What is logged is what the environment paid.
    assert model.ep_info_buffer
    assert {episode["r"] for episode in model.ep_info_buffer} <= {1.0, -2.0}


# --- how agents then play ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_equally_good_actions_are_played_equally(seed: int) -> None:
    good = [0, 1, 3, 4]
    varied = played(arms(1, 1, 0, 1, 1, 0), 0.3, seed)[0]
    assert entropy(varied[good]) > log(4) - 0.01
    assert varied[good].sum() > 0.95
    narrow = played(arms(1, 1, 0, 1, 1, 0), None, seed)[0]
    assert narrow[good].sum() > 0.99
    assert entropy(narrow[good]) < log(4) - 0.1


def test_actions_are_played_by_what_they_are_worth() -> None:
    worth = np.array([0.0, 0.5, 1.0, 1.0, -1.0])
    shares = np.exp(worth / 0.5)
    chances = played(arms(*worth), 0.5)[0]
    np.testing.assert_allclose(chances, shares / shares.sum(), atol=0.02)


def test_what_can_still_be_varied_counts_before_it_comes() -> None:
    """All four lines of the return 1 are as likely, though three begin with the same action."""
    tree = branches()
    lines = {(0, 0): 1.0, (1, 0): 1.0, (1, 1): 1.0, (1, 2): 1.0}
    lines |= {(0, 1): -2.0, (0, 2): -2.0, (0, 3): -2.0, (1, 3): -2.0, (2, -1): -2.0, (3, -1): -2.0}
    whole = sum(exp(worth / 0.4) for worth in lines.values())
    found = played(tree, 0.4)
    for (first, second), worth in lines.items():
        chance = found[0, first] * (found[1 + first, second] if second >= 0 else 1.0)
        assert chance == pytest.approx(exp(worth / 0.4) / whole, abs=0.02)


# --- around it ---------------------------------------------------------------------------------


def test_dqn_is_refused(tmp_path: Path) -> None:
    venv = NativeVecEnv(arms(1, 0))
    model = build("dqn", venv, seed=0, hyperparameters={"buffer_size": 1000})
    said = "^MaskedDQN has no temperature; train it without, or choose ppo\\.$"
    with pytest.raises(SegueError, match=said):
        model.learn(1000, callback=MaximumEntropy(Temperature(1.0, 1.0), 1000))
    with Board(tmp_path) as board, pytest.raises(SegueError, match=said):
        learn(model, venv, board, 1000, temperature=Temperature(1.0, 1.0))
    assert model.num_timesteps == 0


class StopError(Exception):
    """Ends a run from outside."""


def test_a_resumed_run_is_exact(tmp_path: Path) -> None:
    config = TrainConfig(
        "segue/LeadSheet-v0",
        "ppo",
        steps=768,
        num_envs=8,
        eval_episodes=1,
        checkpoint_every=1,
        temperature=(0.1, 2.0),
        env_options={"bars": 1, "pieces": 1},
        hyperparameters={"n_steps": 16, "batch_size": 16, "policy_kwargs": {"net_arch": [8]}},
    )

    def halt(share: float, text: str) -> None:
        if 0.7 < share < 0.9:
            raise StopError

    def weights(folder: str, settings: TrainConfig) -> list[Floats]:
        model, _ = make_agent(settings, settings.num_envs)
        load_checkpoint(model, tmp_path / folder / "checkpoints")
        assert model.num_timesteps == settings.steps
        return [value.numpy() for value in model.policy.state_dict().values()]

    train(config, tmp_path / "whole", ["segue"])
    with pytest.raises(StopError):
        train(config, tmp_path / "parts", ["segue"], halt)
    resume(tmp_path / "parts", None)
    cold = replace(config, temperature=())
    train(cold, tmp_path / "cold", ["segue"])
    whole = weights("whole", config)
    for one, other in zip(whole, weights("parts", config), strict=True):
        np.testing.assert_array_equal(one, other)
    pairs = zip(whole, weights("cold", cold), strict=True)
    assert not all(np.array_equal(one, other) for one, other in pairs)
