"""Makes an agent of Stable-Baselines3 by its name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from copy import deepcopy
from types import MappingProxyType
from typing import Any, cast

import torch
from gymnasium import spaces
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv

from segue.agents.deep.attention import attention_settings
from segue.agents.deep.chained_policy import ChainedPointerPolicy
from segue.agents.deep.dqfd import DQfD
from segue.agents.deep.gail import GAIL, MaskableGAIL
from segue.agents.deep.integer_policy import IntegerPolicy, MaskableIntegerPolicy
from segue.agents.deep.kl_control import GLearning, PsiLearning, without_prior
from segue.agents.deep.masked_dqn import IntegerQPolicy, MaskedDQN
from segue.agents.deep.plain_algorithm import PlainAlgorithm
from segue.agents.deep.pointer_policy import PointerPolicy
from segue.agents.registry import find_agent, own_agents
from segue.envs.base.errors import SegueError

AGENTS: Mapping[str, tuple[type[BaseAlgorithm], type[BaseAlgorithm]]] = MappingProxyType(
    {
        "a2c": (A2C, A2C),
        "bc": (PPO, MaskablePPO),
        "dagger": (PPO, MaskablePPO),
        "dqfd": (DQfD, DQfD),
        "dqn": (MaskedDQN, MaskedDQN),
        "g-learning": (GLearning, GLearning),
        "gail": (GAIL, MaskableGAIL),
        "maskable-ppo": (MaskablePPO, MaskablePPO),
        "ppo": (PPO, PPO),
        "psi-learning": (PsiLearning, PsiLearning),
    }
)
"""The deep agents by name: what they are where there are no action masks, and where there are."""

_SET_BY_BUILD = frozenset({"self", "env", "seed", "device", "_init_setup_model"})


def build(
    name: str, venv: VecEnv, *, seed: int, hyperparameters: Mapping[str, Any]
) -> BaseAlgorithm:
    """Make an agent that has learnt nothing yet, on the CPU with one thread.

    More threads make networks of this size slower, and results depend on their number.

    Parameters
    ----------
    name : str
        One of `AGENTS`, or one of others: see `segue.agents.registry`.
    venv : stable_baselines3.common.vec_env.VecEnv
        Where it will learn.
    seed : int
        Seeds the networks, the agent's choices and `venv`.
    hyperparameters : mapping of str to Any
        Keyword arguments of the agent's class. ``learning_rate`` may be a list of two, which it
        falls between evenly until the end of training. ``policy`` is chosen by the observation
        space when left out; ``"pointer"`` is `PointerPolicy` and ``"chained"``
        `ChainedPointerPolicy` (agents made of MaskablePPO only), ``"integers"`` one for
        `MultiDiscrete` observations that is faster than the usual one, ``"attention"`` the usual
        one on an `AttentionExtractor`, for observations with a set or a token history.

    Returns
    -------
    stable_baselines3.common.base_class.BaseAlgorithm
        Ready for ``learn``.

    Raises
    ------
    SegueError
        If the name or a hyperparameter is unknown.
    """
    masked = bool(getattr(venv.unwrapped, "has_masks", False))
    own = None if name in AGENTS else find_agent(name)
    if name not in AGENTS and own is None:
        names = ", ".join((*AGENTS, *own_agents()))
        raise SegueError(f"There is no agent {name!r}; choose one of {names}.")
    if own is not None and not _is_algorithm(own.make):
        return PlainAlgorithm(own, venv, seed=seed, hyperparameters=hyperparameters)
    if own is not None and issubclass(cast("type", own.make), MaskablePPO) and not masked:
        raise SegueError(f"{name} needs action masks, which the environment has not; use another.")
    make: Any = AGENTS[name][masked] if own is None else own.make
    known = sorted(_hyperparameters(make))
    for key in hyperparameters:
        if key not in known:
            raise SegueError(
                f"The agent {name!r} has no hyperparameter {key!r}; choose from {', '.join(known)}."
            )
    torch.set_num_threads(1)
    # Stable-Baselines3's A2C writes into the policy's arguments.
    settings = deepcopy(dict(hyperparameters))
    rate = settings.get("learning_rate")
    if isinstance(rate, list | tuple):
        settings["learning_rate"] = _falling(rate)
    policy = _policy(name, make, venv, settings)
    agent = make(policy, venv, seed=seed, device="cpu", **settings)
    assert isinstance(agent, BaseAlgorithm)
    if not settings.get("verbose") and not settings.get("tensorboard_log"):
        # Its own logger that writes nothing would leave a temporary folder behind.
        agent.set_logger(Logger(folder=None, output_formats=[]))
    return agent


def _policy(name: str, make: Any, venv: VecEnv, settings: dict[str, Any]) -> Any:
    """Take the policy out of the settings; attention writes its arguments into them."""
    space = venv.observation_space
    if issubclass(make, GLearning):
        space = without_prior(space)
    policy: Any = settings.pop("policy", None) or _policy_name(space)
    if policy in ("pointer", "chained"):
        if not issubclass(make, MaskablePPO):
            raise SegueError(f"The {policy} policy needs 'maskable-ppo', not {name!r}; use that.")
        return PointerPolicy if policy == "pointer" else ChainedPointerPolicy
    if policy == "integers":
        return _integer_policy(make)
    if policy == "attention":
        settings["policy_kwargs"] = attention_settings(
            settings.get("policy_kwargs"), space, venv.action_space
        )
        return _policy_name(space)
    return policy


def _falling(rate: Sequence[Any]) -> LinearSchedule:
    """Learning rate that goes evenly from the first to the last of two."""
    numbers = [one for one in rate if isinstance(one, int | float) and one >= 0]
    if len(numbers) != len(rate) or len(rate) != 2:
        raise SegueError(
            f"learning_rate is {list(rate)}; give a number, or two from 0 on: first and at the end."
        )
    return LinearSchedule(float(rate[0]), float(rate[1]), end_fraction=1.0)


def _is_algorithm(make: Any) -> bool:
    return isinstance(make, type) and issubclass(make, BaseAlgorithm)


def _hyperparameters(agent: type[BaseAlgorithm]) -> set[str]:
    """Names of what may be set, also those that an agent gives on to the class it is made of."""
    found: set[str] = set()
    for one in agent.__mro__:
        parameters = inspect.signature(one).parameters
        found |= parameters.keys()
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            break
    return found - _SET_BY_BUILD - {"args", "kwargs"}


def _integer_policy(agent: type[BaseAlgorithm]) -> Any:
    if issubclass(agent, MaskedDQN):
        return IntegerQPolicy
    return MaskableIntegerPolicy if issubclass(agent, MaskablePPO) else IntegerPolicy


def _policy_name(space: spaces.Space[Any]) -> str:
    if isinstance(space, spaces.Dict):
        return "MultiInputPolicy"
    return "CnnPolicy" if is_image_space(space) else "MlpPolicy"


__all__ = ["AGENTS", "build"]
