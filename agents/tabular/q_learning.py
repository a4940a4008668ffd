"""Tabular Q-learning, plain and compiled: one step, double Q, and Q(lambda).

Q-learning (Watkins 1989; Sutton & Barto, section 6.5) applies
Q(s,a) <- (1 - alpha) Q(s,a) + alpha (r + gamma max Q(s',.)) over legal actions; the other methods
are told in `QLearningConfig`. Both trainers draw the same random numbers in the same order, and
give the same table bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from segue.agents.tabular.plain_episode import PlainEpisodes
from segue.agents.tabular.plain_rules import rule_of
from segue.agents.tabular.q_learning_config import QLearningConfig
from segue.agents.tabular.q_learning_kernel import Learner, Settings, Tables, play_chunk
from segue.agents.tabular.q_table import QTable
from segue.envs.base.errors import SegueError
from segue.envs.base.transition_model import TransitionModel

Progress = Callable[[QTable], None]
"""Called after each chunk of episodes with the table so far, whose arrays are live: save or copy
it at once. Raise to stop."""

Chunk = Callable[[QTable, npt.NDArray[np.float64]], tuple[npt.NDArray[np.float64], int, bool]]
"""Plays the episodes of given exploration rates; gives returns, steps, and whether settled."""


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
        Discrete actions from 0; observations Discrete from 0 (see `Discretise`), or any if the
        unwrapped env gives ``state_index(observation)`` and ``transition_model()``. Of
        ``info["action_mask"]`` (A,), when there, no masked action is ever taken.
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
    episodes = PlainEpisodes(env, config, lambda table: rule_of(table, config))
    table = start_table(table, episodes.n_states, episodes.n_actions, config)
    return train_in_chunks(episodes.play_chunk, config, table, progress)


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
    settings = _kernel_settings(config)
    path = np.zeros((config.max_steps, 2), np.int32)

    def chunk(
        table: QTable, epsilons: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], int, bool]:
        returns = np.zeros(len(epsilons))
        double = len(table.second) > 0
        learner = Learner(
            table.q,
            table.visits,
            table.second if double else None,
            table.second_visits if double else None,
            table.stream,
        )
        episodes, steps, settled = play_chunk(tables, learner, settings, epsilons, returns, path)
        return returns[:episodes], steps, settled

    table = start_table(table, model.n_states, model.n_actions, config)
    return train_in_chunks(chunk, config, table, progress)


def _kernel_settings(config: QLearningConfig) -> Settings:
    """Give the numbers that episodes depend on, as the compiled code takes them."""
    return Settings(
        float(config.alpha),
        config.decay,
        float(config.gamma),
        float(config.trace) if config.method == "q-lambda" else None,
        float(config.initial_value),
        float(config.initial_value_per_step),
        config.horizon,
        config.max_steps,
        config.replay == "backward",
        config.may_settle,
    )


def start_table(
    table: QTable | None, n_states: int, n_actions: int, config: QLearningConfig
) -> QTable:
    """Give the table to go on from, or an empty one.

    Raises
    ------
    SegueError
        If `table` is of another shape or method.
    """
    if table is None:
        return QTable.empty(n_states, n_actions, config.seed, config.method)
    if table.q.shape != (n_states, n_actions):
        raise SegueError(
            f"The Q-table has shape {table.q.shape} but the task needs {(n_states, n_actions)}; "
            "go on from a table of the same task."
        )
    if len(table.second) != (n_states if config.method == "double-q" else 0):
        raise SegueError(
            f"The Q-table is of another method than {config.method}; "
            "go on from a table of the same method."
        )
    return table


def train_in_chunks(
    chunk: Chunk, config: QLearningConfig, table: QTable, progress: Progress | None
) -> QTable:
    """Play chunks of episodes until there are enough or learning is settled."""
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


__all__ = [
    "Chunk",
    "Progress",
    "start_table",
    "train_compiled",
    "train_in_chunks",
    "train_plain",
]
