"""Transitions that someone showed, for a table to begin from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Discrete

from segue.agents.demonstrations.episode import Episode
from segue.agents.tabular.plain_episode import states_of
from segue.envs.base.errors import SegueError


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


def transitions_of(episodes: Sequence[Episode], env: gym.Env[Any, Any]) -> Transitions:
    """Number the states of demonstrated episodes.

    Parameters
    ----------
    episodes : sequence of Episode
        Of one task, e.g. as `segue.agents.demonstrations.record` plays them.
    env : gymnasium.Env
        That task, as `segue.agents.tabular.q_learning.train_plain` takes it.

    Returns
    -------
    Transitions
        All episodes. Where they have no masks, everything was allowed.

    Raises
    ------
    SegueError
        If the spaces do not fit, there is no episode, or an action was not allowed.
    """
    if not episodes:
        raise SegueError("There are no demonstrations; record at least one episode.")
    state_of, _ = states_of(env)
    if not isinstance(env.action_space, Discrete) or any(e.actions.ndim > 1 for e in episodes):
        raise SegueError(
            f"Tabular Q-learning needs Discrete actions, not {env.action_space}; choose a deep "
            "agent."
        )
    states, followings, lasts, masks = [], [], [], []
    for episode in episodes:
        seen = episode.observations
        if isinstance(seen, dict):
            count = len(episode) + 1
            path = [state_of({key: part[k] for key, part in seen.items()}) for k in range(count)]
        else:
            path = [state_of(one) for one in seen]
        states += path[:-1]
        # After the end of the task nothing follows; where it was cut off, something would.
        followings += [*path[1:-1], -1 if episode.terminated else path[-1]]
        lasts += [False] * (len(episode) - 1) + [True]
        everything = np.ones((len(episode), int(env.action_space.n)), np.bool_)
        masks.append(everything if episode.masks is None else episode.masks)
    return Transitions(
        np.array(states, np.int64),
        np.concatenate([episode.actions for episode in episodes]),
        np.concatenate([episode.rewards for episode in episodes]),
        np.array(followings, np.int64),
        np.array(lasts, np.bool_),
        np.concatenate(masks),
    )


__all__ = ["Transitions", "transitions_of"]
