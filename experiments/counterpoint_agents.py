"""Deep agents of the table of `segue.experiments.counterpoint_table`: training and playing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from gymnasium.vector import AutoresetMode
from sb3_contrib import MaskablePPO
from stable_baselines3 import DQN
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from segue.agents.deep import NativeVecEnv, build
from segue.envs.counterpoint.cantus_firmi import FUX
from segue.envs.counterpoint.env import Counterpoint, CounterpointBatch, CounterpointVectorEnv
from segue.envs.counterpoint.types import CantusFirmus
from segue.rewards.counterpoint import COUNTERPOINT

SCALE = 1 / 16
"""Of the training reward, so that returns are of the size that networks expect; dyadic."""

Floats = npt.NDArray[np.float64]
Act = Callable[[CounterpointBatch], npt.NDArray[np.int64]]
"""Chooses an action for every row of a batch."""


@dataclass(frozen=True)
class Plan:
    """How long the deep agents train, and on what.

    Attributes
    ----------
    seeds : int
        Training seeds of each agent.
    ppo_steps, dqn_steps : int
        Environment steps on Fux's cantus firmi.
    drawn_steps : int
        Steps of PPO on drawn cantus firmi and Fux's.
    drawn, unseen : int
        Drawn cantus firmi to train on, and to test on.
    """

    seeds: int = 5
    ppo_steps: int = 400_000
    dqn_steps: int = 180_000
    drawn_steps: int = 1_000_000
    drawn: int = 2_000
    unseen: int = 100


class _LessEntropy(BaseCallback):
    """Lets the entropy bonus of PPO fall to nothing over the first five sixths of the training.

    Counterpoints have many good lines that differ by single points: without much entropy at first
    PPO settles on one of them, and with a little at the end it does not settle on the best.
    """

    def __init__(self, first: float, steps: int) -> None:
        super().__init__()
        self._first, self._steps = first, steps

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        assert isinstance(self.model, MaskablePPO)
        left = max(0.0, 1.0 - 1.2 * self.num_timesteps / self._steps)
        self.model.ent_coef = self._first * left


def _learn_env(cantus_firmi: Sequence[CantusFirmus], count: int) -> NativeVecEnv:
    """Environments to train in; costs are scaled, which changes no policy."""
    weights = {name: SCALE * weight for name, weight in COUNTERPOINT.weights.items()}
    return NativeVecEnv(
        CounterpointVectorEnv(
            count,
            cantus=cantus_firmi,
            reward_weights=weights,
            autoreset_mode=AutoresetMode.SAME_STEP,
        )
    )


def _falling(first: float) -> Callable[[float], float]:
    """Learning rate that falls from `first` in proportion to the steps left, to a fiftieth."""
    return lambda left: first * max(left, 0.02)


def train_ppo(
    cantus_firmi: Sequence[CantusFirmus], seed: int, plan: Plan, drawn: bool = False
) -> BaseAlgorithm:
    """Train MaskablePPO over some cantus firmi; `drawn` takes the settings for many of them."""
    steps = plan.drawn_steps if drawn else plan.ppo_steps
    settings: dict[str, Any] = {
        **{"n_steps": 26, "batch_size": 3328, "gamma": 1.0, "gae_lambda": 0.95},
        "n_epochs": 4 if drawn else 6,
        "learning_rate": _falling(2e-3 if drawn else 1e-3),
        "policy_kwargs": {"net_arch": [256] if drawn else [128, 128]},
    }
    if drawn:
        settings["policy"] = "integers"
    venv = _learn_env(cantus_firmi, 512 if drawn else 256)
    model = build("maskable-ppo", venv, seed=seed, hyperparameters=settings)
    return model.learn(steps, callback=_LessEntropy(0.3 if drawn else 0.8, steps))


def train_dqn(seed: int, plan: Plan) -> BaseAlgorithm:
    """Train DQN over Fux's six; it learns legality from what illegal actions cost."""
    settings: dict[str, Any] = {
        **{"gamma": 1.0, "buffer_size": 100_000, "batch_size": 512, "learning_starts": 5_000},
        **{"train_freq": 1, "gradient_steps": 2, "target_update_interval": 6_400},
        **{"exploration_fraction": 0.8, "exploration_final_eps": 0.25},
        **{"learning_rate": _falling(1e-3), "policy_kwargs": {"net_arch": [256, 256]}},
    }
    venv = _learn_env(tuple(FUX.values()), 64)
    return build("dqn", venv, seed=seed, hyperparameters=settings).learn(plan.dqn_steps)


def masked_ppo(model: BaseAlgorithm) -> Act:
    """Likeliest legal action of a MaskablePPO agent."""
    assert isinstance(model, MaskablePPO)

    def act(batch: CounterpointBatch) -> npt.NDArray[np.int64]:
        masks = batch.mask != 0
        actions, _ = model.predict(batch.observation, action_masks=masks, deterministic=True)
        return np.ascontiguousarray(actions, dtype=np.int64)

    return act


def masked_dqn(model: BaseAlgorithm) -> Act:
    """Legal action of the greatest value that a DQN agent sees."""
    assert isinstance(model, DQN)

    def act(batch: CounterpointBatch) -> npt.NDArray[np.int64]:
        with torch.no_grad():
            values = model.q_net(torch.as_tensor(batch.observation)).numpy()
        return np.asarray(np.where(batch.mask != 0, values, -np.inf).argmax(axis=1))

    return act


def greedy(task: Counterpoint) -> Act:
    """Least immediate cost in every row."""

    def act(batch: CounterpointBatch) -> npt.NDArray[np.int64]:
        return np.array([int(task.greedy(batch, row)) for row in range(len(batch.state))])

    return act


def losses(task: Counterpoint, act: Act) -> tuple[Floats, Floats]:
    """Play every cantus firmus of a task once.

    Returns
    -------
    gaps, points : ndarray (cantus firmi,) float64
        The normalised gap and the points lost, each.
    """
    count = len(task.bank.cantus_firmi)
    batch, returns = task.allocate(count), np.zeros(count)
    # A draw is taken modulo the number of cantus firmi, so that row i plays the i-th.
    task.begin(batch, np.arange(count), np.arange(count, dtype=np.uint64))
    while not batch.terminated.all():
        task.step(batch, act(batch))
        returns += batch.reward
    solutions = [task.solved(index)[1] for index in range(count)]
    pairs = list(zip(solutions, returns.tolist(), strict=True))
    gaps = np.array([solution.gap(value) for solution, value in pairs])
    return gaps, np.array([solution.optimum - value for solution, value in pairs])
