"""Tabular Q-learning (Watkins 1989; Sutton & Barto, section 6.5), plain and compiled.

Both trainers apply Q(s,a) <- (1 - alpha) Q(s,a) + alpha (r + gamma max Q(s',.)) over legal
actions, draw the same random numbers in the same order, and give the same table bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from segue.agents.tabular.plain_episode import PlainEpisodes
from segue.agents.tabular.q_learning_config import QLearningConfig
from segue.agents.tabular.q_learning_kernel import Learner, Settings, Tables, play_chunk
from segue.agents.tabular.q_table import QTable
from segue.envs.base.errors import SegueError
from segue.envs.base.transition_model import TransitionModel

Progress = Callable[[QTable], None]
"""Called after each chunk of episodes with the table so far, whose arrays are live: save or copy
it at once. Raise to stop."""

_Chunk = Callable[[QTable, npt.NDArray[np.float64]], tuple[npt.NDArray[np.float64], int, bool]]


def train_plain(
    env: gym.Env[Any, Any],
    config: QLearningConfig,
    *,
    table: QTable | None = None,
    progress: Progress | None = None,
) -> QTable:
    """Learn by stepping an env in plain Python.

    Every episode resets the env with a seed of its own, made from ``config.seed`` and the
    episode's number, so that training may stop after any chunk and go on exactly.

    Parameters
    ----------
    env : gymnasium.Env
        Discrete actions from 0; observations Discrete from 0, or any if the unwrapped env gives
        ``state_index(observation)`` and ``transition_model()``. ``info["action_mask"]`` (A,), when
        there, must depend on the state alone.
    config : QLearningConfig
        Settings.
    table : QTable, optional
        Table to go on from; its arrays are changed in place.
    progress : callable, optional
        Called with the table after each chunk.

    Returns
    -------
    QTable
        The table after ``config.episodes`` episodes, or earlier when settled.

    Raises
    ------
    SegueError
        If the spaces do not fit or a state that must be acted in has no legal action.
    """
    episodes = PlainEpisodes(env, config)
    table = _start(table, episodes.n_states, episodes.n_actions, config)
    return _train(episodes.play_chunk, config, table, progress)


def train_compiled(
    model: TransitionModel,
    config: QLearningConfig,
    *,
    table: QTable | None = None,
    progress: Progress | None = None,
) -> QTable:
    """Learn on the tables of a deterministic task, compiled.

    The tables only stand in for the env's ``step``: nothing is looked up but the transition that
    was just taken. Releases the GIL while it plays.

    Parameters
    ----------
    model : TransitionModel
        The task.
    config : QLearningConfig
        Settings.
    table : QTable, optional
        Table to go on from; its arrays are changed in place.
    progress : callable, optional
        Called with the table after each chunk.

    Returns
    -------
    QTable
        The table after ``config.episodes`` episodes, or earlier when settled.

    Raises
    ------
    SegueError
        If `table` has another shape than the model.
    """
    tables = Tables(model.start, model.next_state, model.reward, model.legal, model.terminal)
    settings = kernel_settings(config)
    path = np.zeros((config.max_steps, 2), np.int32)

    def chunk(
        table: QTable, epsilons: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], int, bool]:
        returns = np.zeros(len(epsilons))
        learner = Learner(table.q, table.visits, table.stream)
        episodes, steps, settled = play_chunk(tables, learner, settings, epsilons, returns, path)
        return returns[:episodes], steps, settled

    table = _start(table, model.n_states, model.n_actions, config)
    return _train(chunk, config, table, progress)


def kernel_settings(config: QLearningConfig) -> Settings:
    """Give the numbers that episodes depend on, as the compiled code takes them."""
    return Settings(
        float(config.alpha),
        float(config.gamma),
        float(config.initial_value),
        float(config.initial_value_per_step),
        config.horizon,
        config.max_steps,
        config.replay == "backward",
        config.stop_when_settled and config.alpha == 1.0,
    )


def _start(table: QTable | None, n_states: int, n_actions: int, config: QLearningConfig) -> QTable:
    if table is None:
        return QTable.empty(n_states, n_actions, config.seed)
    if table.q.shape != (n_states, n_actions):
        raise SegueError(
            f"The Q-table has shape {table.q.shape} but the task needs {(n_states, n_actions)}; "
            "go on from a table of the same task."
        )
    return table


def _train(
    chunk: _Chunk, config: QLearningConfig, table: QTable, progress: Progress | None
) -> QTable:
    while table.episodes < config.episodes and not table.settled:
        end = min(table.episodes + config.chunk_episodes, config.episodes)
        returns, steps, settled = chunk(table, config.epsilon(np.arange(table.episodes, end)))
        table = replace(
            table,
            curve=np.append(table.curve, returns.mean()),
            episodes=table.episodes + len(returns),
            steps=table.steps + steps,
            settled=settled,
        )
        if progress is not None:
            progress(table)
    return table


__all__ = ["Progress", "QLearningConfig", "QTable", "train_compiled", "train_plain"]
