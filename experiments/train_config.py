"""Settings of a training run, and those that come with segue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import yaml

from segue.agents.deep import AGENTS
from segue.envs.base.errors import SegueError

TABULAR = "q-learning"
ALL_AGENTS = (TABULAR, *AGENTS)


@dataclass(frozen=True)
class TrainConfig:
    """Everything that a training run depends on.

    Attributes
    ----------
    env : str
        Gymnasium id.
    agent : str
        One of ALL_AGENTS.
    steps : int
        Environment steps in all.
    seed : int
        Of environment and agent, >= 0.
    num_envs : int
        Environments side by side (deep agents).
    eval_episodes : int
        Test episodes.
    checkpoint_every : int
        Steps between checkpoints.
    greedy_demonstrations : int
        Episodes of the greedy policy that the agent imitates before it learns (PPO, A2C and
        MaskablePPO on environments of segue); 0 for none.
    temperature : tuple of float
        What a nat of the agent's entropy is worth in units of reward, first and at the end (PPO,
        A2C and MaskablePPO); empty for none.
    env_options : mapping
        Keyword arguments of the environment.
    test_options : mapping
        Those that differ in testing, such as the seed of the pieces.
    hyperparameters : mapping
        Keyword arguments of the agent.
    """

    env: str
    agent: str
    steps: int = 100_000
    seed: int = 0
    num_envs: int = 64
    eval_episodes: int = 20
    checkpoint_every: int = 50_000
    greedy_demonstrations: int = 0
    temperature: tuple[float, ...] = ()
    env_options: Mapping[str, Any] = field(default_factory=dict)
    test_options: Mapping[str, Any] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)


def default_config(env: str, agent: str) -> TrainConfig:
    """Read the settings that come with segue for an environment and an agent.

    They lie in ``configs/<env>__<agent>.yaml``; other pairs get the general ones.

    Raises
    ------
    SegueError
        For an unknown agent.
    """
    if agent not in ALL_AGENTS:
        raise SegueError(f"there is no agent {agent!r}; choose one of {', '.join(ALL_AGENTS)}.")
    name = f"{env.rpartition(':')[2].replace('/', '-')}__{agent}.yaml"
    file = resources.files("segue.experiments") / "configs" / name
    if not file.is_file():
        # Rollouts of 2,048 steps, as Stable-Baselines3 has them with one environment.
        rollout = {"n_steps": 256} if agent in ("ppo", "maskable-ppo") else {}
        return TrainConfig(env, agent, num_envs=8, hyperparameters=rollout)
    return TrainConfig(env, agent, **yaml.safe_load(file.read_text()))
