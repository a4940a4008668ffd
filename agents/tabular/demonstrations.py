"""Transitions that someone showed, for a table to begin from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from segue.agents.tabular.plain_episode import states_of
from segue.envs.base.errors import SegueError

Demonstrator = Callable[[int, npt.NDArray[np.bool_]], int]
"""Chooses an action from the state and the bool array (A,) of allowed actions."""


@dataclass(frozen=True, eq=False)
class Transitions:
    """Demonstrated episodes of a tabular task, one after the other; n transitions.

    Parameters
    ----------
    state, action : numpy.ndarray
        int64 arrays (n,): the pairs, state in [0, S), action in [0, A).
    reward : numpy.ndarray
        float64 array (n,).
    following : numpy.ndarray
        int64 array (n,): the state reached; -1 where that transition ended the task.
    last : numpy.ndarray
        bool array (n,): whether it is the last one of its episode, ended or cut off.
    legal : numpy.ndarray
        bool array (n, A): the actions that were allowed in `state`.

    Raises
    ------
    SegueError
        If the arrays do not agree, an action was not allowed, or an episode is torn.
    """

    state: npt.NDArray[np.int64]
    action: npt.NDArray[np.int64]
    reward: npt.NDArray[np.float64]
    following: npt.NDArray[np.int64]
    last: npt.NDArray[np.bool_]
    legal: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        count = len(self.state)
        flat = (self.state, self.action, self.reward, self.following, self.last)
        if not count or {array.shape for array in flat} != {(count,)}:
            raise SegueError("Demonstrations need arrays of one length, at least 1; give all five.")
        if self.legal.ndim != 2 or len(self.legal) != count:
            raise SegueError(
                f"Transitions.legal has shape {self.legal.shape}; give one row for each of the "
                f"{count} transitions."
            )
        in_range = (self.action >= 0) & (self.action < self.legal.shape[1])
        if not in_range.all() or not self.legal[np.arange(count), self.action].all():
            raise SegueError("A demonstrated action was not allowed; give legal actions only.")
        if not np.isfinite(self.reward).all() or self.state.min() < 0:
            raise SegueError("A demonstration has a reward or state out of range; correct it.")
        goes_on = ~self.last[:-1]
        torn = goes_on & (self.following[:-1] != self.state[1:])
        if torn.any() or not self.last[-1] or (self.following[~self.last] < 0).any():
            raise SegueError(
                "A demonstrated episode is torn: unless it is the last, a transition must lead to "
                "the state of the one after it."
            )

    def __len__(self) -> int:
        return len(self.state)

    @property
    def step(self) -> npt.NDArray[np.int64]:
        """Number of each transition in its episode, from 0: int64 array (n,)."""
        rows = np.arange(len(self))
        begins = np.concatenate([[True], self.last[:-1]])
        return np.asarray(rows - np.maximum.accumulate(np.where(begins, rows, 0)), np.int64)


def record_demonstrations(
    env: gym.Env[Any, Any], demonstrator: Demonstrator, seeds: Sequence[int]
) -> Transitions:
    """Record one episode a seed.

    Parameters
    ----------
    env : gymnasium.Env
        As `segue.agents.tabular.q_learning.train_plain` takes it.
    demonstrator : callable
        Chooses from state and mask, e.g. ``policy.act`` of a `GreedyPolicy`.
    seeds : sequence of int
        Of the episodes' resets.

    Returns
    -------
    Transitions
        All episodes.

    Raises
    ------
    SegueError
        If the spaces do not fit, no seed is given, or an action was not allowed.
    """
    state_of, _ = states_of(env)
    n_actions = int(getattr(env.action_space, "n", 0))
    rows: list[tuple[int, int, float, int, bool]] = []
    masks: list[npt.NDArray[np.bool_]] = []
    for seed in seeds:
        observation, info = env.reset(seed=seed)
        over = False
        while not over:
            state = state_of(observation)
            mask = np.array(info.get("action_mask", np.ones(n_actions)), bool)
            action = int(demonstrator(state, mask))
            observation, reward, terminated, truncated, info = env.step(action)
            over = terminated or truncated
            following = -1 if terminated else state_of(observation)
            rows.append((state, action, float(reward), following, over))
            masks.append(mask)
    if not rows:
        raise SegueError("There is no seed to record an episode of; give at least one.")
    states, actions, rewards, followings, lasts = zip(*rows, strict=True)
    return Transitions(
        np.array(states, np.int64),
        np.array(actions, np.int64),
        np.array(rewards, np.float64),
        np.array(followings, np.int64),
        np.array(lasts, bool),
        np.stack(masks),
    )


__all__ = ["Demonstrator", "Transitions", "record_demonstrations"]
