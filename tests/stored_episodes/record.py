"""What each term of a reward says at every step of an episode whose actions are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from segue.rewards import WeightedSum

Told = tuple[list[float], list[dict[str, float]]]
"""Reward of each step, and its weighted terms."""


@dataclass(frozen=True, eq=False)
class StoredEpisode:
    """An episode and its rewards.

    `play` takes options of the env; `raw` are the unweighted terms, step by step.
    """

    preset: WeightedSum[Any]
    play: Callable[..., Told]
    weights: dict[str, float]
    raw: dict[str, list[float]]


def play_out(env: gym.Env[Any, Any], actions: Iterable[Any]) -> Told:
    """Play a whole episode."""
    env.reset(seed=0)
    results = [env.step(action) for action in actions]
    assert results[-1][2]
    return [r[1] for r in results], [r[4]["reward_terms"] for r in results]
