"""Agents of others, by name: what ``segue train --agent`` takes beside its own.

An agent is either an algorithm class of Stable-Baselines3, or any object that acts and learns from
transitions (`OwnAgent`). Its spec is named as ``module:attribute``, or registered under a name by a
module that is imported, such as a plug-in (`segue.envs.base.references.load_plugins`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt
from gymnasium import spaces

from segue.envs.base.errors import SegueError
from segue.envs.base.references import load_plugins, load_reference

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

Array = npt.NDArray[Any]
Observations = Any
"""An array (n, ...), or a dict of them."""


@dataclass(frozen=True)
class Surroundings:
    """What an agent is made for.

    Attributes
    ----------
    observation_space, action_space : gymnasium.Space
        Of one environment.
    num_envs : int
        Environments side by side.
    masked : bool
        Whether masks of legal actions are told.
    seed : int
        All that the agent draws must follow from it.
    """

    observation_space: spaces.Space[Any]
    action_space: spaces.Space[Any]
    num_envs: int
    masked: bool
    seed: int


@dataclass(frozen=True)
class Transition:
    """One step in all n environments.

    Attributes
    ----------
    observations : ndarray (n, ...) or dict of them
        Before the step.
    masks : ndarray (n, m) bool or None
        Legal actions then.
    actions : ndarray (n, ...)
        What was done.
    rewards : ndarray (n,) float32
        What it earned.
    terminated, truncated : ndarray (n,) bool
        Whether the episode is over, by itself or by a time limit.
    following : ndarray (n, ...) or dict of them
        After the step; the last ones of their episode where it is over. The next step begins with
        those of the next episode there.
    """

    observations: Observations
    masks: Array | None
    actions: Array
    rewards: Array
    terminated: Array
    truncated: Array
    following: Observations


class OwnAgent(Protocol):
    """An agent that is not of Stable-Baselines3.

    segue steps the environments, keeps checkpoints and tests; the agent chooses and learns.
    """

    def act(self, observations: Observations, masks: Array | None, explore: bool) -> Array:
        """Choose actions (n, ...), legal where `masks` (n, m) is True; without `explore` the best.

        n is the number of environments while it learns, and 1 in a test.
        """

    def learn(self, transition: Transition) -> None:
        """Learn from the step that was made by the last `act` with `explore`."""

    def state(self) -> Mapping[str, Any]:
        """Give all that the next step depends on, random generators too.

        Nested dicts, lists and tuples of numbers, texts, None, NumPy arrays and torch tensors.
        """

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""


MakeAgent = Callable[..., OwnAgent]
"""Called with `Surroundings` and the hyperparameters as keyword arguments."""


@dataclass(frozen=True)
class AgentSpec:
    """An agent of others.

    Attributes
    ----------
    name : str
        Lower case letters, digits and hyphens.
    make : class of Stable-Baselines3, or callable
        A subclass of ``BaseAlgorithm``, whose parts a checkpoint knows (one with more gives them
        by ``own_state`` and ``load_own_state``); or what makes an `OwnAgent`, see `MakeAgent`: its
        class, or a function.
    description : str
        One line for people.
    """

    name: str
    make: type[BaseAlgorithm] | MakeAgent
    description: str = ""


_REGISTERED: dict[str, AgentSpec] = {}


def register_agent(spec: AgentSpec) -> None:
    """Make an agent known by its name.

    Raises
    ------
    SegueError
        If another one has the name, or it is not one.
    """
    if not spec.name.replace("-", "").isalnum() or spec.name != spec.name.lower():
        raise SegueError(
            f"An agent cannot be called {spec.name!r}; use lower case letters, digits and hyphens."
        )
    if _REGISTERED.get(spec.name, spec) != spec:
        raise SegueError(f"An agent named {spec.name!r} exists already; choose another name.")
    _REGISTERED[spec.name] = spec


def own_agents() -> tuple[str, ...]:
    """Names of the registered agents of others."""
    load_plugins()
    return tuple(_REGISTERED)


def find_agent(name: str) -> AgentSpec | None:
    """Find an agent of others by its name or ``module:attribute``; None if there is none.

    Raises
    ------
    SegueError
        If a module or attribute is missing or is no agent.
    """
    load_plugins()
    if ":" not in name:
        return _REGISTERED.get(name)
    found = load_reference(name, "agent")
    if isinstance(found, AgentSpec):
        return found
    raise SegueError(f"{name} is no agent; name a segue.agents.registry.AgentSpec.")


__all__ = [
    "AgentSpec",
    "MakeAgent",
    "OwnAgent",
    "Surroundings",
    "Transition",
    "find_agent",
    "own_agents",
    "register_agent",
]
