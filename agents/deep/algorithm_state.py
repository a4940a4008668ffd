"""Everything that the next rollout and update of an agent depend on, as one nested record."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

_COUNTS = (
    "num_timesteps",
    "_total_timesteps",
    "_num_timesteps_at_start",
    "_episode_num",
    "_n_updates",
    "_n_calls",
    "_current_progress_remaining",
    "exploration_rate",
)

_RECENT = ("ep_info_buffer", "ep_success_buffer")


def algorithm_state(model: BaseAlgorithm) -> dict[str, Any]:
    """Give the state of an agent.

    Parameters
    ----------
    model : stable_baselines3.common.base_class.BaseAlgorithm
        Between two rollouts.

    Returns
    -------
    dict
        Weights, optimiser, counts, random states of torch, NumPy, Python and the action space,
        the last observation, recent episodes, and the env's own state where it can tell it.
    """
    state: dict[str, Any] = {
        "policy": dict(model.policy.state_dict()),
        "optimizer": model.policy.optimizer.state_dict(),
        "counts": {name: getattr(model, name) for name in _COUNTS if hasattr(model, name)},
        "last_obs": model._last_obs,
        "last_episode_starts": model._last_episode_starts,
        "recent": {name: _listed(getattr(model, name)) for name in _RECENT},
        "random": {
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(legacy=True),
            "python": random.getstate(),
            "action_space": model.action_space.np_random.bit_generator.state,
        },
        "env": None,
    }
    env = _bare_env(model)
    if env is not None and hasattr(env, "state_dict"):
        state["env"] = env.state_dict()
    return state


def restore_algorithm(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    """Put an agent into a state that `algorithm_state` gave.

    Parameters
    ----------
    model : stable_baselines3.common.base_class.BaseAlgorithm
        Built as the other one was.
    state : mapping of str to Any
        Its state.

    Raises
    ------
    RuntimeError, ValueError
        If the weights do not fit; the model is then unchanged but for weights that did.
    """
    model.policy.load_state_dict(state["policy"])
    model.policy.optimizer.load_state_dict(state["optimizer"])
    for name, value in state["counts"].items():
        setattr(model, name, value)
    for name, values in state["recent"].items():
        window = None if values is None else deque(values, maxlen=model._stats_window_size)
        setattr(model, name, window)
    env = _bare_env(model)
    # Without the env's state the last observation means nothing: learn() then resets the env.
    model._last_obs = None
    if env is not None and state["env"] is not None and state["env"]["env"] is not None:
        load: Any = env
        load.load_state_dict(state["env"])
        model._last_obs = state["last_obs"]
        model._last_episode_starts = state["last_episode_starts"]
    # Last, since nothing after it may draw a number.
    torch.set_rng_state(state["random"]["torch"])
    np.random.set_state(state["random"]["numpy"])
    random.setstate(state["random"]["python"])
    model.action_space.np_random.bit_generator.state = state["random"]["action_space"]


def _listed(values: deque[Any] | None) -> list[Any] | None:
    return None if values is None else list(values)


def _bare_env(model: BaseAlgorithm) -> VecEnv | None:
    """Give the env below Stable-Baselines3's wrappers, which hold no state of their own."""
    env = model.get_env()
    return None if env is None else env.unwrapped


__all__ = ["algorithm_state", "restore_algorithm"]
