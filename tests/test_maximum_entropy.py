"""Entropy in the return: what it adds to a rollout, and how agents then play."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

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
    return Tree(64, [worth], [[-1] * len(worth)])


SETTINGS: dict[str, Any] = {
    "learning_rate": 0.01,
    "n_steps": 16,
    "batch_size": 256,
    "n_epochs": 4,
    "gamma": 1.0,
    "policy_kwargs": {"net_arch": [16]},
}


def played(tree: Tree, temperature: Temperature | None, seed: int = 0, steps: int = 60_000) -> Floats:
    """Probabilities of the actions in each state after training, (states, actions)."""
    model = build("ppo", NativeVecEnv(tree), seed=seed, hyperparameters=SETTINGS)
    model.learn(steps, callback=MaximumEntropy(temperature, steps) if temperature else None)
    return probabilities(model, len(tree.worth))


def probabilities(model: Any, states: int) -> Floats:
    with torch.no_grad():
        chances = model.policy.get_distribution(torch.eye(states)).distribution.probs
    return np.asarray(chances.numpy(), dtype=np.float64)


def soft(worth: npt.ArrayLike, temperature: float) -> Floats:
    """Shares that grow with exp(worth / temperature)."""
    grown = np.exp(np.asarray(worth, dtype=np.float64) / temperature)
    return np.asarray(grown / grown.sum())


def entropy(chances: Floats) -> float:
    return float(-(chances * np.log(chances)).sum())
