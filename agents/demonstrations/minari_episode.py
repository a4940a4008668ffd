"""Between an `Episode` and the arrays that a Minari dataset keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from segue.agents.demonstrations.episode import Episode
from segue.agents.demonstrations.minari_process import Arrays
from segue.agents.demonstrations.minari_spaces import fitting
from segue.agents.demonstrations.recording import choice_sizes


def arrays_of(episode: Episode) -> Arrays:
    """Arrays of an episode, named as `segue.agents.demonstrations.minari_worker` names them.

    Minari has a row of infos for the last observation, too; there all actions count as legal.
    """
    seen, none = episode.observations, np.zeros(len(episode), np.bool_)
    last = none.copy()
    last[-1] = True
    if isinstance(seen, Mapping):
        arrays: Arrays = {f"observations/{key}": part for key, part in seen.items()}
    else:
        arrays = {"observations": seen}
    arrays |= {
        "actions": episode.actions,
        "rewards": episode.rewards,
        "terminations": last if episode.terminated else none,
        "truncations": none if episode.terminated else last,
    }
    if episode.masks is not None:
        after = np.ones_like(episode.masks[:1])
        arrays["action_mask"] = np.concatenate([episode.masks, after]).astype(np.int8)
    if episode.seed is not None:
        arrays["seed"] = np.array(episode.seed, np.int64)
    return arrays


def episode_of(
    arrays: Arrays, observation_space: gym.Space[Any], action_space: gym.Space[Any], source: str
) -> Episode:
    """Make an episode of its arrays, which are checked.

    Parameters
    ----------
    arrays : dict of str to ndarray
        As `arrays_of` gives them; the mask after the last decision may be missing.
    observation_space, action_space : gymnasium.Space
        What they must fit.
    source : str
        Of the episode.

    Raises
    ------
    ValueError, KeyError, SegueError
        If they do not, or an action was not legal.
    """
    choice_sizes(action_space)
    actions = fitting(arrays["actions"], action_space).astype(np.int64)
    rewards = arrays["rewards"].astype(np.float64)
    ended, cut = (arrays[name].astype(bool) for name in ("terminations", "truncations"))
    if any(array.shape != (len(actions),) for array in (rewards, ended, cut)) or not len(actions):
        raise ValueError("there are not as many rewards and ends as actions, at least one")
    if (ended | cut)[:-1].any():
        raise ValueError("it goes on after its end")
    seen: Any
    if isinstance(observation_space, gym.spaces.Dict):
        parts = {key: arrays[f"observations/{key}"] for key in observation_space}
        seen = {key: fitting(part, observation_space[key]) for key, part in parts.items()}
    else:
        seen = fitting(arrays["observations"], observation_space)
    masks = None
    if "action_mask" in arrays:
        masks = _masks(arrays["action_mask"], actions, action_space)
    seed = int(arrays["seed"]) if "seed" in arrays else None
    return Episode(seen, actions, rewards, bool(ended[-1]), masks, source, seed)


def _masks(
    told: npt.NDArray[Any], actions: npt.NDArray[np.int64], space: gym.Space[Any]
) -> npt.NDArray[np.bool_]:
    """Masks of the decisions, (T, m)."""
    sizes, count = choice_sizes(space), len(actions)
    if told.shape not in ((count, sum(sizes)), (count + 1, sum(sizes))):
        raise ValueError(f"masks of the shape {told.shape} for {count} actions of {space}")
    if told.dtype.kind not in "iub" or not ((told == 0) | (told == 1)).all():
        raise ValueError("masks other than 0 and 1")
    masks = told[:count].astype(bool)
    first = np.cumsum([0, *sizes[:-1]])
    columns = (actions - getattr(space, "start", 0)).reshape(count, -1) + first
    if not masks[np.arange(count)[:, None], columns].all():
        raise ValueError("an action that its mask does not allow")
    return masks


__all__ = ["arrays_of", "episode_of"]
