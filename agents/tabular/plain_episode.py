"""Episodes of Q-learning by stepping a Gymnasium env in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Discrete

from segue.agents.tabular.q_learning_config import QLearningConfig
from segue.agents.tabular.q_table import QTable
from segue.agents.tabular.random_stream import uniform
from segue.envs.base.errors import SegueError
from segue.envs.base.transition_model import TabularEnv

_uniform = uniform.py_func


class PlainEpisodes:
    """Plays and learns from episodes of one env.

    Parameters
    ----------
    env : gymnasium.Env
        As `segue.agents.tabular.q_learning.train_plain` takes it.
    config : QLearningConfig
        Settings.

    Raises
    ------
    SegueError
        If the spaces do not fit.

    Attributes
    ----------
    n_states, n_actions : int
        S and A.
    """

    def __init__(self, env: gym.Env[Any, Any], config: QLearningConfig) -> None:
        self.env = env
        self.config = config
        self.n_actions = _discrete_size(env.action_space, "actions")
        self._state_of: Callable[[Any], int] = int
        if isinstance(env.unwrapped, TabularEnv):
            self._state_of = env.unwrapped.state_index
            self.n_states = env.unwrapped.transition_model().n_states
        else:
            self.n_states = _discrete_size(env.observation_space, "observations")

    def play_chunk(
        self, table: QTable, epsilons: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], int, bool]:
        """Play and learn from some episodes.

        Parameters
        ----------
        table : QTable
            Its arrays are changed in place.
        epsilons : numpy.ndarray
            float64 array (n,): exploration rate of each episode.

        Returns
        -------
        returns : numpy.ndarray
            float64 array (<= n,): undiscounted return of each episode.
        steps : int
            Number of transitions.
        settled : bool
            Whether the last episode was greedy and changed nothing (with ``alpha = 1``).
        """
        returns: list[float] = []
        steps = 0
        may_settle = self.config.stop_when_settled and self.config.alpha == 1.0
        for index, epsilon in enumerate(epsilons):
            seed = np.random.SeedSequence((self.config.seed, table.episodes + index))
            length, total, changed = self._play(
                table, float(epsilon), int(seed.generate_state(1)[0])
            )
            returns.append(total)
            steps += length
            if may_settle and not changed and epsilon == 0.0:
                return np.array(returns), steps, True
        return np.array(returns), steps, False

    def _play(self, table: QTable, epsilon: float, seed: int) -> tuple[int, float, bool]:
        observation, info = self.env.reset(seed=seed)
        state = self._state_of(observation)
        self._meet(table.q, state, info, 0)
        path: list[tuple[int, int, float, int]] = []
        total, changed, ends = 0.0, False, False
        while not ends and len(path) < self.config.max_steps:
            action = self._choose(table, state, epsilon)
            observation, reward, terminated, truncated, info = self.env.step(action)
            table.visits[state, action] += 1
            total += float(reward)
            following = -1 if terminated else self._state_of(observation)
            if not terminated:
                self._meet(table.q, following, info, len(path) + 1)
            path.append((state, action, float(reward), following))
            if self.config.replay == "online":
                changed |= self._update(table.q, *path[-1])
            state, ends = following, terminated or truncated
        if self.config.replay == "backward":
            for transition in reversed(path):
                changed |= self._update(table.q, *transition)
        return len(path), total, changed

    def _choose(self, table: QTable, state: int, epsilon: float) -> int:
        row = table.q[state]
        if epsilon > 0.0 and _uniform(table.stream) < epsilon:
            legal = np.flatnonzero(row > -np.inf)
            return int(legal[int(_uniform(table.stream) * len(legal))])
        return int(row.argmax())

    def _update(
        self, q: npt.NDArray[np.float64], state: int, action: int, reward: float, following: int
    ) -> bool:
        """Apply Watkins' rule; `following` is -1 after the end."""
        target = reward
        if following >= 0:
            target += self.config.gamma * float(q[following].max())
        alpha, old = self.config.alpha, float(q[state, action])
        q[state, action] = (1.0 - alpha) * old + alpha * target
        return float(q[state, action]) != old

    def _meet(
        self, q: npt.NDArray[np.float64], state: int, info: Mapping[str, Any], step: int
    ) -> None:
        """Give the pairs of a state their first values when it is met for the first time."""
        if not np.isnan(q[state, 0]):
            return
        left = max(self.config.horizon - step, 0)
        q[state] = self.config.initial_value + self.config.initial_value_per_step * left
        mask = info.get("action_mask")
        if mask is not None:
            legal = np.asarray(mask, bool)
            if not legal.any():
                raise SegueError(
                    f"The env's action mask allows nothing in state {state}; "
                    "end the episode or allow an action."
                )
            q[state, ~legal] = -np.inf


def _discrete_size(space: gym.Space[Any], what: str) -> int:
    if not isinstance(space, Discrete) or space.start != 0:
        raise SegueError(
            f"Tabular Q-learning needs Discrete {what} numbered from 0, not {space}; "
            "give the env state_index() and transition_model(), or choose a deep agent."
        )
    return int(cast(Any, space).n)


__all__ = ["PlainEpisodes"]
