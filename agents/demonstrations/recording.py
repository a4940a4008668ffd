"""Episodes played in an environment and kept, whoever plays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from segue.agents.demonstrations.episode import Episode, Observations
from segue.envs.base.errors import SegueError

Player = Callable[[gym.Env[Any, Any], Any, "npt.NDArray[np.bool_] | None"], Any]
"""Chooses an action, given the environment, the observation and the mask (m,) if there is one."""


def record(
    env: gym.Env[Any, Any],
    player: Player,
    seeds: Iterable[int],
    source: str,
    progress: Callable[[int], None] | None = None,
) -> list[Episode]:
    """Play and keep one episode a seed.

    Parameters
    ----------
    env : gymnasium.Env
        With discrete actions, one or several at once; with ``info["action_mask"]`` or without.
    player : callable
        Who plays.
    seeds : iterable of int
        Of the episodes' resets.
    source : str
        Kept with each episode.
    progress : callable or None
        Called with the number of episodes played.

    Returns
    -------
    list of Episode
    """
    episodes = []
    for number, seed in enumerate(seeds):
        episodes.append(_played(env, player, seed, source))
        if progress:
            progress(number + 1)
    return episodes


def _played(env: gym.Env[Any, Any], player: Player, seed: int, source: str) -> Episode:
    observation, info = env.reset(seed=seed)
    seen, actions, rewards, masks = [observation], [], [], []
    terminated = truncated = False
    while not (terminated or truncated):
        mask = np.array(info["action_mask"], bool) if "action_mask" in info else None
        action = player(env, observation, mask)
        observation, reward, terminated, truncated, info = env.step(action)
        seen.append(observation)
        actions.append(action)
        rewards.append(float(reward))
        masks.append(mask)
    return Episode(
        stacked(seen),
        np.array(actions, np.int64),
        np.array(rewards, np.float64),
        bool(terminated),
        None if masks[0] is None else np.stack([mask for mask in masks if mask is not None]),
        source,
        seed,
    )


def stacked(seen: list[Any]) -> Observations:
    """Make one array, or a dict of them, of single observations."""
    if isinstance(seen[0], Mapping):
        return {key: np.stack([one[key] for one in seen]) for key in seen[0]}
    return np.stack([np.asarray(one) for one in seen])


def play_random(
    generator: np.random.Generator,
) -> Player:
    """Make a player that chooses evenly among what is legal."""

    def choose(env: gym.Env[Any, Any], _: Any, mask: npt.NDArray[np.bool_] | None) -> Any:
        sizes = choice_sizes(env.action_space)
        legal = np.ones(sum(sizes), bool) if mask is None else mask
        parts = np.split(legal, np.cumsum(sizes)[:-1])
        chosen = [int(generator.choice(np.flatnonzero(part))) for part in parts]
        return chosen[0] if isinstance(env.action_space, gym.spaces.Discrete) else np.array(chosen)

    return choose


def play_greedy(env: gym.Env[Any, Any], _: Any, mask: npt.NDArray[np.bool_] | None) -> Any:
    """Choose what earns most at once, in an environment that can tell."""
    return _asked(env, "greedy_action")


def play_optimum(env: gym.Env[Any, Any], _: Any, mask: npt.NDArray[np.bool_] | None) -> Any:
    """Choose what the environment's solver does, in an environment that has one."""
    return _asked(env, "expert_action")


def _asked(env: gym.Env[Any, Any], method: str) -> Any:
    try:
        return env.get_wrapper_attr(method)()
    except AttributeError as error:
        name = env.spec.id if env.spec else type(env.unwrapped).__name__
        raise SegueError(
            f"{name} has no {method.replace('_', ' ')}; choose another source of demonstrations."
        ) from error


def choice_sizes(space: gym.Space[Any]) -> list[int]:
    """Number of choices of each part of a discrete action.

    Raises
    ------
    SegueError
        If actions are not discrete.
    """
    if isinstance(space, gym.spaces.Discrete):
        return [int(space.n)]
    if isinstance(space, gym.spaces.MultiDiscrete):
        return [int(n) for n in space.nvec]
    raise SegueError(f"Actions {space} are not discrete; demonstrations need discrete ones.")


__all__ = [
    "Player",
    "choice_sizes",
    "play_greedy",
    "play_optimum",
    "play_random",
    "record",
    "stacked",
]
