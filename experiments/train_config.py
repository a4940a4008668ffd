"""Settings of a training run, and those that come with segue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from segue.agents.deep import AGENTS
from segue.agents.registry import find_agent, own_agents
from segue.envs.base.errors import SegueError
from segue.experiments.typed_yaml import from_plain, read_yaml

TABULAR = ("q-learning", "double-q", "q-lambda")
"""Agents that learn a table."""
SHOWN = ("dqfd", "gail")
"""Deep agents that learn from demonstrations and by acting at once."""
IMITATORS = ("bc", "dagger")
"""Deep agents that only imitate, and never learn from reward."""
NEED_DEMONSTRATIONS = ("bc", *SHOWN)
"""Agents that are nothing without demonstrations."""
ALL_AGENTS = (*TABULAR, *AGENTS)
CLONING: Mapping[str, Any] = MappingProxyType({"epochs": 100, "held_out": 0.05})
"""How demonstrations are imitated where nothing else is said."""


@dataclass(frozen=True)
class TrainConfig:
    """Everything that a training run depends on.

    Attributes
    ----------
    env : str
        Gymnasium id.
    agent : str
        One of ALL_AGENTS, or one of others: see `segue.agents.registry`.
    steps : int
        Environment steps in all; of dagger, decisions that the expert is asked for; bc makes none.
    seed : int
        Of environment and agent, >= 0.
    num_envs : int
        Environments side by side (deep agents).
    eval_episodes : int
        Test episodes.
    eval_seed : int
        Of the first of them; training seeds lie below 10,000.
    checkpoint_every : int
        Steps between checkpoints.
    demonstrations : str
        Folder of demonstrations (`segue.experiments.demonstration_sources`), which bc, dqfd and
        gail need, and which PPO, A2C and MaskablePPO imitate before they learn; empty for none.
    cloning : mapping
        Keyword arguments of `segue.agents.deep.cloning.clone`; and ``held_out``, the share of the
        episodes that tell when to stop.
    greedy_demonstrations : int
        Episodes of the greedy policy that the agent imitates before it learns (PPO, A2C and
        MaskablePPO on environments of segue); 0 for none.
    expert_decisions : int
        Decisions of the environment's expert that the agent imitates, instead of the greedy ones,
        in situations that it comes into itself (PPO, A2C and MaskablePPO on environments that have
        an expert); 0 for none.
    expert_options : mapping
        Options of the environment that differ while the expert is asked, such as fewer bins, each
        of which it must solve.
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
    eval_seed: int = 10_000
    checkpoint_every: int = 50_000
    demonstrations: str = ""
    cloning: Mapping[str, Any] = field(default_factory=lambda: dict(CLONING))
    greedy_demonstrations: int = 0
    expert_decisions: int = 0
    expert_options: Mapping[str, Any] = field(default_factory=dict)
    temperature: tuple[float, ...] = ()
    env_options: Mapping[str, Any] = field(default_factory=dict)
    test_options: Mapping[str, Any] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)


def default_config(env: str, agent: str) -> TrainConfig:
    """Read the settings that come with segue for an environment and an agent.

    They lie in ``configs/<env>__<agent>.yaml``; other pairs get the general ones, and tabular
    agents those of q-learning.

    Raises
    ------
    SegueError
        For an unknown agent.
    """
    check_agent(agent)
    folder = resources.files("segue.experiments") / "configs"
    prefix = env.rpartition(":")[2].replace("/", "-")
    for name in (agent, TABULAR[0]) if agent in TABULAR else (agent,):
        with resources.as_file(folder / f"{prefix}__{name}.yaml") as file:
            if file.is_file():
                return read_experiment(file, env, agent)
    # Rollouts of 2,048 steps, as Stable-Baselines3 has them with one environment.
    rollout = {"n_steps": 256} if agent in ("ppo", "maskable-ppo") else {}
    banks = {} if agent in TABULAR else _banks(env)
    return TrainConfig(env, agent, num_envs=8, hyperparameters=rollout, **banks)


def _banks(env: str) -> Mapping[str, Any]:
    """Settings of an environment for agents that generalise, where there are some."""
    own = resources.files("segue.experiments") / "configs" / "environments.yaml"
    with resources.as_file(own) as file:
        known = read_yaml(file)
    found: Mapping[str, Any] = known.get(env.rpartition(":")[2], {})
    return found


def read_experiment(path: Path, env: str | None = None, agent: str | None = None) -> TrainConfig:
    """Read the settings of a run from a YAML file, such as a run's ``config.yaml``.

    Where it has no options of an environment of segue, they are those of
    ``configs/environments.yaml``, unless the agent learns a table of the one task.

    Parameters
    ----------
    path : Path
        The file.
    env, agent : str or None
        What stands for these in place of the file's; None for the file's.

    Raises
    ------
    SegueError
        If the file cannot be read, or a field is missing, unknown or of a wrong type.
    """
    plain = read_yaml(path)
    given = {"env": env, "agent": agent}
    if isinstance(plain, Mapping):
        plain = {**plain, **{name: value for name, value in given.items() if value is not None}}
        if plain.get("agent") not in TABULAR:
            plain = {**_banks(str(plain.get("env"))), **plain}
    return from_plain(plain, TrainConfig, str(path))


def check_agent(agent: str) -> None:
    """Refuse an agent that does not exist.

    Raises
    ------
    SegueError
        That names those that do.
    """
    if agent not in ALL_AGENTS and find_agent(agent) is None:
        known = ", ".join((*ALL_AGENTS, *own_agents()))
        raise SegueError(f"there is no agent {agent!r}; choose one of {known}.")
