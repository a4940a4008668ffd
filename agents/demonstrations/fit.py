"""Whether demonstrations are of an agent's environment."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from segue.agents.demonstrations.episode import Decisions, Observations
from segue.agents.demonstrations.recording import choice_sizes
from segue.envs.base.errors import SegueError


def check_fit(
    decisions: Decisions, observation_space: spaces.Space[Any], action_space: spaces.Space[Any]
) -> None:
    """Refuse decisions that were not taken in an environment with these spaces.

    Parameters
    ----------
    decisions : Decisions
        Demonstrated ones.
    observation_space, action_space : gymnasium.spaces.Space
        Of the agent; its actions are discrete, one or several at once.

    Raises
    ------
    SegueError
        If they do not fit.
    """
    _check(observation_space, decisions.observations, "observations")
    _check(action_space, decisions.actions, "actions")
    choices = sum(choice_sizes(action_space))
    if decisions.masks is not None and decisions.masks.shape[1:] != (choices,):
        raise SegueError(
            f"The masks of the demonstrations have the shape {decisions.masks.shape[1:]}, not "
            f"({choices},); record them in the agent's environment."
        )


def _check(space: spaces.Space[Any], values: Observations, name: str) -> None:
    if isinstance(space, spaces.Dict):
        fits = isinstance(values, dict) and set(values) == set(space)
        for key in space if fits else ():
            assert isinstance(values, dict)
            _check(space[key], values[key], f"observations {key!r}")
    else:
        fits = isinstance(values, np.ndarray) and values.shape[1:] == space.shape
        if fits and isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
            top = space.n if isinstance(space, spaces.Discrete) else space.nvec
            numbers = np.asarray(values)
            fits = bool(np.all(numbers >= 0) and np.all(numbers < top))
    if not fits:
        raise SegueError(
            f"The {name} of the demonstrations do not lie in the agent's {space}; "
            "record them in its environment."
        )


__all__ = ["check_fit"]
