"""Returns of policies, with intervals, beside baselines and the bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from sb3_contrib import MaskablePPO
from stable_baselines3.common.base_class import BaseAlgorithm

from segue.agents.deep.masked_dqn import MaskedDQN
from segue.agents.deep.plain_algorithm import PlainAlgorithm
from segue.agents.tabular import GreedyPolicy

Act = Callable[[gym.Env[Any, Any], Any, Mapping[str, Any]], Any]
"""Chooses an action from the env, its observation and its info."""

TEST_SEED = 10_000
"""First seed of test episodes; training seeds lie below."""
RESAMPLES = 2_000


@dataclass(frozen=True)
class Evaluation:
    """How one policy did.

    Attributes
    ----------
    name : str
        The policy.
    returns : ndarray (episodes,) float64
        Return of each episode.
    terms : mapping of str to float
        Mean sum of each reward term over an episode.
    """

    name: str
    returns: npt.NDArray[np.float64]
    terms: Mapping[str, float]

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(self.returns.mean())

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Bootstrap interval of the mean (percentile method, fixed seed)."""
        generator = np.random.default_rng(0)
        draws = generator.choice(self.returns, (RESAMPLES, len(self.returns)))
        low, high = np.quantile(draws.mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def random_action(generator: np.random.Generator) -> Act:
    """Uniformly random legal actions (each part of a MultiDiscrete action by itself)."""

    def act(env: gym.Env[Any, Any], observation: Any, info: Mapping[str, Any]) -> Any:
        space, mask = env.action_space, info.get("action_mask")
        if mask is None or not isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
            return space.sample()
        if isinstance(space, spaces.Discrete):
            return int(generator.choice(np.flatnonzero(mask)))
        parts = np.split(np.asarray(mask), np.cumsum(space.nvec)[:-1])
        return np.array([generator.choice(np.flatnonzero(part)) for part in parts])

    return act


def greedy_action(env: gym.Env[Any, Any], observation: Any, info: Mapping[str, Any]) -> Any:
    """Take the action of the greatest immediate reward; for environments of segue."""
    return env.get_wrapper_attr("greedy_action")()


def model_action(model: BaseAlgorithm) -> Act:
    """Deterministic actions of a Stable-Baselines3 model, masked where the env has masks."""
    masked = isinstance(model, MaskablePPO) or (
        isinstance(model, MaskedDQN | PlainAlgorithm) and model.masked
    )

    def act(env: gym.Env[Any, Any], observation: Any, info: Mapping[str, Any]) -> Any:
        extra: dict[str, Any] = (
            {"action_masks": np.asarray(info["action_mask"], dtype=bool)} if masked else {}
        )
        action, _ = model.predict(observation, deterministic=True, **extra)
        return action if np.ndim(action) else int(action)

    return act


def table_action(policy: GreedyPolicy) -> Act:
    """Greedy actions of a tabular policy."""

    def act(env: gym.Env[Any, Any], observation: Any, info: Mapping[str, Any]) -> Any:
        state = env.get_wrapper_attr("state_index")(observation)
        return policy.act(state, info.get("action_mask"))

    return act


def play(env: gym.Env[Any, Any], act: Act, seed: int) -> tuple[float, dict[str, float]]:
    """Play the episode of `seed`; return its return and the sum of each reward term."""
    observation, info = env.reset(seed=seed)
    total, sums, over = 0.0, dict.fromkeys(info.get("reward_terms", {}), 0.0), False
    while not over:
        action = act(env, observation, info)
        observation, reward, terminated, truncated, info = env.step(action)
        total += float(reward)
        for name, value in info.get("reward_terms", {}).items():
            sums[name] += value
        over = terminated or truncated
    return total, sums


def evaluate(
    env: gym.Env[Any, Any],
    name: str,
    act: Act,
    seeds: Sequence[int],
    progress: Callable[[float, str], None] | None = None,
) -> Evaluation:
    """Play one episode a seed."""
    returns, sums = [], []
    for index, seed in enumerate(seeds):
        total, terms = play(env, act, seed)
        returns.append(total)
        sums.append(terms)
        if progress:
            progress((index + 1) / len(seeds), f"evaluating {name}")
    mean = {key: float(np.mean([terms[key] for terms in sums])) for key in sums[0]}
    return Evaluation(name, np.array(returns), mean)


def baselines(env: gym.Env[Any, Any], seeds: Sequence[int]) -> list[Evaluation]:
    """Random, and where the env offers it greedy, on the episodes of `seeds`."""
    env.action_space.seed(seeds[0])
    found = [evaluate(env, "random", random_action(np.random.default_rng(seeds[0])), seeds)]
    if env.has_wrapper_attr("greedy_action"):
        found.append(evaluate(env, "greedy", greedy_action, seeds))
    return found


@dataclass(frozen=True)
class Bounds:
    """The best returns that episodes can have.

    Attributes
    ----------
    values : ndarray (episodes,) float64
        Of each episode.
    exact : bool
        True if all are optima, False if some are only upper bounds.
    """

    values: npt.NDArray[np.float64]
    exact: bool

    @property
    def mean(self) -> float:
        """Mean over the episodes."""
        return float(self.values.mean())


def episode_bounds(env: gym.Env[Any, Any], seeds: Sequence[int]) -> Bounds | None:
    """Bound of the episode of each seed; None where the environment knows no finite one."""
    if not env.has_wrapper_attr("bound"):
        return None
    bounds = []
    for seed in seeds:
        env.reset(seed=seed)
        bounds.append(env.get_wrapper_attr("bound")())
    values = np.array([bound.value for bound in bounds], dtype=np.float64)
    if not np.isfinite(values).all():
        return None
    return Bounds(values, all(bound.exact for bound in bounds))
