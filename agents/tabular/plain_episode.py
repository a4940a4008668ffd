"""Episodes of tabular Q-learning by stepping a Gymnasium env in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Discrete

from segue.agents.tabular.plain_rules import Rule
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
    rule : callable
        Makes the rule that learns into a table.

    Raises
    ------
    SegueError
        If the spaces do not fit.

    Attributes
    ----------
    n_states, n_actions : int
        S and A.
    """

    def __init__(
        self, env: gym.Env[Any, Any], config: QLearningConfig, rule: Callable[[QTable], Rule]
    ) -> None:
        self.env = env
        self.config = config
        self.rule = rule
        self.n_actions = _discrete_size(env.action_space, "actions")
        self.state_of, self.n_states = states_of(env)
        # There a state's mask never changes; elsewhere several observations may share a state.
        self._fixed_masks = isinstance(env.unwrapped, TabularEnv)

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
        rule = self.rule(table)
        returns: list[float] = []
        steps = 0
        for index, epsilon in enumerate(epsilons):
            seed = np.random.SeedSequence((self.config.seed, table.episodes + index))
            length, total, changed = self._play(
                rule, table.stream, float(epsilon), int(seed.generate_state(1)[0])
            )
            returns.append(total)
            steps += length
            if self.config.may_settle and not changed and epsilon == 0.0:
                return np.array(returns), steps, True
        return np.array(returns), steps, False

    def _play(
        self, rule: Rule, stream: npt.NDArray[np.uint64], epsilon: float, seed: int
    ) -> tuple[int, float, bool]:
        observation, info = self.env.reset(seed=seed)
        rule.begin()
        state = self.state_of(observation)
        self._meet(rule, state, info, 0)
        path: list[tuple[int, int, float, int]] = []
        total, changed, ends = 0.0, False, False
        while not ends and len(path) < self.config.max_steps:
            action = self._choose(rule, stream, state, info.get("action_mask"), epsilon)
            observation, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            following = -1 if terminated else self.state_of(observation)
            if not terminated:
                self._meet(rule, following, info, len(path) + 1)
            path.append((state, action, float(reward), following))
            if self.config.replay == "online":
                changed |= rule.learn(*path[-1])
            state, ends = following, terminated or truncated
        if self.config.replay == "backward":
            for transition in reversed(path):
                changed |= rule.learn(*transition)
        return len(path), total, changed

    def _choose(
        self,
        rule: Rule,
        stream: npt.NDArray[np.uint64],
        state: int,
        mask: npt.NDArray[np.generic] | None,
        epsilon: float,
    ) -> int:
        row = sum((table[state] for table in rule.tables[1:]), rule.tables[0][state])
        if mask is not None and not self._fixed_masks:
            row = np.where(mask, row, -np.inf)
        if epsilon > 0.0 and _uniform(stream) < epsilon:
            legal = np.flatnonzero(row > -np.inf)
            return int(legal[int(_uniform(stream) * len(legal))])
        return int(row.argmax())

    def _meet(self, rule: Rule, state: int, info: Mapping[str, Any], step: int) -> None:
        """Give the pairs of a state their first values when they are met for the first time."""
        mask = info.get("action_mask")
        if (mask is None or self._fixed_masks) and not np.isnan(rule.tables[0][state, 0]):
            return
        legal = np.ones(self.n_actions, bool) if mask is None else np.asarray(mask, bool)
        if not legal.any():
            raise SegueError(
                f"The env's action mask allows nothing in state {state}; "
                "end the episode or allow an action."
            )
        for table in rule.tables:
            meet(table, state, legal, self.config.first_value(step))


def meet(
    q: npt.NDArray[np.float64], state: int, legal: npt.NDArray[np.bool_], value: float
) -> None:
    """Give the pairs of a state that were not allowed before their first value.

    Parameters
    ----------
    q : numpy.ndarray
        float64 array (S, A), changed in place.
    state : int
        The state met, in [0, S).
    legal : numpy.ndarray
        bool array (A,): what is allowed now.
    value : float
        First value of a pair.
    """
    if np.isnan(q[state, 0]):
        q[state] = -np.inf
    q[state, legal & np.isneginf(q[state])] = value


def states_of(env: gym.Env[Any, Any]) -> tuple[Callable[[Any], int], int]:
    """Find how to number the states of an env.

    Parameters
    ----------
    env : gymnasium.Env
        Tabular (`TabularEnv`), or with Discrete observations from 0.

    Returns
    -------
    state_of : callable
        Gives the state that an observation stands for.
    n_states : int
        S.

    Raises
    ------
    SegueError
        If the env has neither.
    """
    inner = env.unwrapped
    if isinstance(inner, TabularEnv) and env.observation_space == inner.observation_space:
        return inner.state_index, inner.transition_model().n_states
    return int, _discrete_size(env.observation_space, "observations")


def _discrete_size(space: gym.Space[Any], what: str) -> int:
    if not isinstance(space, Discrete) or space.start != 0:
        raise SegueError(
            f"Tabular Q-learning needs Discrete {what} numbered from 0, not {space}; "
            "wrap the env in Discretise, or choose a deep agent."
        )
    return int(cast(Any, space).n)


__all__ = ["PlainEpisodes", "meet", "states_of"]
