"""Makes an agent of Stable-Baselines3 by its name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.vec_env import VecEnv

from segue.agents.deep.chained_policy import ChainedPointerPolicy
from segue.agents.deep.integer_policy import IntegerPolicy, MaskableIntegerPolicy
from segue.agents.deep.pointer_policy import PointerPolicy
from segue.envs.base.errors import SegueError

AGENTS: Mapping[str, type[BaseAlgorithm]] = MappingProxyType(
    {"a2c": A2C, "dqn": DQN, "maskable-ppo": MaskablePPO, "ppo": PPO}
)
"""The deep agents by name."""

_SET_BY_BUILD = frozenset({"self", "env", "seed", "device", "_init_setup_model"})


def build(
    name: str, venv: VecEnv, *, seed: int, hyperparameters: Mapping[str, Any]
) -> BaseAlgorithm:
    """Make an agent that has learnt nothing yet, on the CPU with one thread.

    More threads make networks of this size slower, and results depend on their number.

    Parameters
    ----------
    name : str
        One of `AGENTS`.
    venv : stable_baselines3.common.vec_env.VecEnv
        Where it will learn.
    seed : int
        Seeds the networks, the agent's choices and `venv`.
    hyperparameters : mapping of str to Any
        Keyword arguments of the agent's class. ``policy`` is chosen by the observation space when
        left out; ``"pointer"`` is `PointerPolicy` and ``"chained"`` `ChainedPointerPolicy`
        (maskable-ppo only), ``"integers"`` one for
        `MultiDiscrete` observations that is faster than the usual one (not dqn).

    Returns
    -------
    stable_baselines3.common.base_class.BaseAlgorithm
        Ready for ``learn``.

    Raises
    ------
    SegueError
        If the name or a hyperparameter is unknown.
    """
    if name not in AGENTS:
        raise SegueError(f"There is no agent {name!r}; choose one of {', '.join(AGENTS)}.")
    known = sorted(set(inspect.signature(AGENTS[name]).parameters) - _SET_BY_BUILD)
    for key in hyperparameters:
        if key not in known:
            raise SegueError(
                f"The agent {name!r} has no hyperparameter {key!r}; choose from {', '.join(known)}."
            )
    torch.set_num_threads(1)
    settings = dict(hyperparameters)
    policy: Any = settings.pop("policy", None) or _policy_name(venv.observation_space)
    if policy in ("pointer", "chained"):
        if name != "maskable-ppo":
            raise SegueError(f"The {policy} policy needs 'maskable-ppo', not {name!r}; use that.")
        policy = PointerPolicy if policy == "pointer" else ChainedPointerPolicy
    elif policy == "integers":
        if name == "dqn":
            raise SegueError("The integer policy has an actor, which dqn has not; use ppo.")
        policy = MaskableIntegerPolicy if name == "maskable-ppo" else IntegerPolicy
    make: Any = AGENTS[name]
    agent = make(policy, venv, seed=seed, device="cpu", **settings)
    assert isinstance(agent, BaseAlgorithm)
    if not settings.get("verbose") and not settings.get("tensorboard_log"):
        # Its own logger that writes nothing would leave a temporary folder behind.
        agent.set_logger(Logger(folder=None, output_formats=[]))
    return agent


def _policy_name(space: spaces.Space[Any]) -> str:
    if isinstance(space, spaces.Dict):
        return "MultiInputPolicy"
    return "CnnPolicy" if is_image_space(space) else "MlpPolicy"


__all__ = ["AGENTS", "build"]
