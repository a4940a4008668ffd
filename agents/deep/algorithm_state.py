"""Everything that the next rollout and update of an agent depend on, as one nested record.

An agent with parts of its own (a second network, its own memory) gives them by two methods:
``own_state()``, nested dicts, lists and tuples of numbers, strings, None, NumPy arrays and torch
tensors, and ``load_own_state(state)``, which takes them back.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from math import isfinite
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.vec_env import VecEnv, VecTransposeImage
from stable_baselines3.common.vec_env.base_vec_env import VecEnvWrapper

from segue.agents.deep.replay_state import (
    check_replay_state,
    is_plain_buffer,
    load_replay_state,
    replay_state,
)
from segue.envs.base.errors import SegueError

_COUNTS = ("num_timesteps", "_total_timesteps", "_episode_num", "_n_updates", "_n_calls")
_SHARES = ("_current_progress_remaining", "exploration_rate")
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
        Weights (target networks among them), optimiser, counts, replay buffer, random states of
        torch, NumPy, Python and the action space, the last observation, recent episodes (without
        the time of day they ended at), the agent's own parts, and the env's own state where it can
        tell it. Arrays are views of the agent's.

    Raises
    ------
    SegueError
        If the agent has parts that are not among these, so that it could not go on exactly.
    """
    _refuse_unknown_parts(model)
    buffer = _plain_buffer(model)
    return _state(model) | {"replay": None if buffer is None else replay_state(buffer)}


def restore_algorithm(
    model: BaseAlgorithm, state: Mapping[str, Any], to_learn: bool = True
) -> None:
    """Put an agent into a state that `algorithm_state` gave.

    Parameters
    ----------
    model : stable_baselines3.common.base_class.BaseAlgorithm
        Built as the other one was.
    state : mapping of str to Any
        Its state.
    to_learn : bool
        False for an agent that shall only act: replay buffer, env and random states stay as they
        are.

    Raises
    ------
    SegueError
        If the env cannot be brought to where it was.
    Exception
        Whatever a state that does not fit leads to. The model is then as it was before, but for
        an env that cannot be brought back: it begins new episodes.
    """
    _check(model, state)
    before = deepcopy(_state(model))
    try:
        _restore(model, state, to_learn)
    except BaseException:
        _restore(model, before, to_learn=False)
        if to_learn:
            # An env that cannot go on where the other was may not find back either.
            with suppress(Exception):
                _restore_env(model, before)
        _restore_random(model, before["random"])
        raise


def _state(model: BaseAlgorithm) -> dict[str, Any]:
    """Everything but the replay buffer, which is large."""
    named = (*_COUNTS, *_SHARES)
    state: dict[str, Any] = {
        "policy": dict(model.policy.state_dict()),
        "optimizer": model.policy.optimizer.state_dict(),
        "counts": {name: getattr(model, name) for name in named if hasattr(model, name)},
        "last_obs": model._last_obs,
        "last_episode_starts": model._last_episode_starts,
        "recent": {name: _listed(getattr(model, name)) for name in _RECENT},
        "own": _own(model),
        "replay": None,
        "env": None,
        "random": {
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(legacy=True),
            "python": random.getstate(),
            "action_space": model.action_space.np_random.bit_generator.state,
        },
    }
    env = _bare_env(model)
    # One that was never reset has no state yet.
    if env is not None and hasattr(env, "state_dict") and model._last_obs is not None:
        state["env"] = env.state_dict()
    return state


def _own(model: BaseAlgorithm) -> Any:
    return model.own_state() if hasattr(model, "own_state") else None


def _plain_buffer(model: BaseAlgorithm) -> ReplayBuffer | None:
    """The replay buffer, but for one that the agent keeps itself."""
    buffer = getattr(model, "replay_buffer", None)
    return buffer if is_plain_buffer(buffer) else None


def _refuse_unknown_parts(model: BaseAlgorithm) -> None:
    """Better no checkpoint than one that silently goes on otherwise."""
    name = type(model).__name__
    if getattr(model, "use_sde", False):
        # Its noise is drawn before the moment between two rollouts that a checkpoint is taken at.
        raise SegueError(f"{name} with use_sde cannot be resumed exactly; leave use_sde out.")
    if getattr(model, "action_noise", None) is not None:
        raise SegueError(f"{name} with action noise cannot be resumed exactly; leave it out.")
    buffer = getattr(model, "replay_buffer", None)
    if buffer is not None and not is_plain_buffer(buffer) and not hasattr(model, "own_state"):
        raise SegueError(
            f"{name} with a {type(buffer).__name__} cannot be resumed exactly; "
            "leave replay_buffer_class out."
        )
    env = model.get_env()
    while isinstance(env, VecEnvWrapper):
        if not isinstance(env, VecTransposeImage):
            raise SegueError(
                f"{name} in a {type(env).__name__} cannot be resumed exactly; train without it."
            )
        env = env.venv


def _check(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    """Raise a `ValueError` or the like if a state is of another agent, before anything changes."""
    weights = {name: _layout(tensor) for name, tensor in model.policy.state_dict().items()}
    given = {name: _layout(tensor) for name, tensor in state["policy"].items()}
    for name in sorted(weights.keys() | given.keys()):
        if weights.get(name) != given.get(name):
            raise ValueError(f"{name} is {given.get(name)}, not {weights.get(name)}")
    _check_optimizer(model, state["optimizer"])
    for name, value in state["counts"].items():
        if name in _COUNTS and (type(value) is not int or value < 0):
            raise ValueError(f"{name} is {value!r}, not a count")
        if name in _SHARES and (type(value) not in (int, float) or not isfinite(value)):
            raise ValueError(f"{name} is {value!r}, not a number")
        if name not in (*_COUNTS, *_SHARES) or not hasattr(model, name):
            raise ValueError(f"it has no count {name!r}")
    if set(state["recent"]) != set(_RECENT):
        raise ValueError("it has no recent episodes")
    if (state["own"] is not None) != hasattr(model, "own_state"):
        raise ValueError("one of them has parts of its own, the other not")
    buffer = _plain_buffer(model)
    if (state["replay"] is not None) != (buffer is not None):
        raise ValueError("one of them has a replay buffer, the other not")
    if buffer is not None:
        check_replay_state(buffer, state["replay"])
    _check_observation(model, state["last_obs"])
    _check_random(model, state["random"])


def _layout(tensor: torch.Tensor) -> tuple[str, tuple[int, ...]]:
    return str(tensor.dtype), tuple(tensor.shape)


def _check_optimizer(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    groups = model.policy.optimizer.state_dict()["param_groups"]
    given = state["param_groups"]
    if [(set(group), group["params"]) for group in groups] != [
        (set(group), group["params"]) for group in given
    ]:
        raise ValueError("its optimiser is another one")
    own = model.policy.optimizer.param_groups
    shapes = [tensor.shape for group in own for tensor in group["params"]]
    for index, slots in state["state"].items():
        for name, value in slots.items():
            if isinstance(value, torch.Tensor) and value.ndim and value.shape != shapes[index]:
                raise ValueError(f"{name} of its optimiser is {tuple(value.shape)}")


def _check_observation(model: BaseAlgorithm, seen: Any) -> None:
    if seen is None:
        return
    space = model.observation_space
    parts = space.spaces if isinstance(space, spaces.Dict) else {"": space}
    given = seen if isinstance(space, spaces.Dict) else {"": seen}
    for name, part in parts.items():
        if given[name].shape != (model.n_envs, *(part.shape or ())):
            raise ValueError(f"its last observation {name} is {given[name].shape}")


def _check_random(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    """Try the states on generators that nothing else uses."""
    torch.Generator().set_state(state["torch"])
    np.random.RandomState().set_state(state["numpy"])
    random.Random().setstate(state["python"])
    type(model.action_space.np_random.bit_generator)().state = state["action_space"]


def _restore(model: BaseAlgorithm, state: Mapping[str, Any], to_learn: bool) -> None:
    model.policy.load_state_dict(state["policy"])
    model.policy.optimizer.load_state_dict(state["optimizer"])
    for name, value in state["counts"].items():
        setattr(model, name, value)
    for name, values in state["recent"].items():
        window = None if values is None else deque(values, maxlen=model._stats_window_size)
        setattr(model, name, window)
    if state["own"] is not None:
        own: Any = model
        own.load_own_state(state["own"])
    if to_learn:
        _restore_env(model, state)
        buffer = _plain_buffer(model)
        if buffer is not None and state["replay"] is not None:
            load_replay_state(buffer, state["replay"])
        # Last, since nothing after it may draw a number.
        _restore_random(model, state["random"])


def _restore_env(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    # Without the env's state the last observation means nothing: learn() then resets the env.
    model._last_obs = None
    env: Any = _bare_env(model)
    if env is None or state["env"] is None or state["env"]["env"] is None:
        return
    env.load_state_dict(state["env"])
    model._last_obs = state["last_obs"]
    model._last_episode_starts = state["last_episode_starts"]


def _restore_random(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    np.random.set_state(state["numpy"])
    random.setstate(state["python"])
    model.action_space.np_random.bit_generator.state = state["action_space"]


def _listed(values: deque[Any] | None) -> list[Any] | None:
    """Recent episodes; the seconds they took would make two equal runs differ."""
    if values is None:
        return None
    return [
        {name: part for name, part in value.items() if name != "t"}
        if isinstance(value, Mapping)
        else value
        for value in values
    ]


def _bare_env(model: BaseAlgorithm) -> VecEnv | None:
    """Give the env below Stable-Baselines3's wrappers, which hold no state of their own."""
    env = model.get_env()
    return None if env is None else env.unwrapped


__all__ = ["algorithm_state", "restore_algorithm"]
