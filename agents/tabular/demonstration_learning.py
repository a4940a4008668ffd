"""Tabular Q-learning from demonstrations (DQfD: Hester et al. 2018, adapted to a table).

First the table learns from the demonstrations alone: one-step and n-step targets, and a margin by
which the demonstrated action must beat the others. Then it plays, and replays its own transitions
mixed with the demonstrated ones, by priority. What differs from the networks of the paper:

- The margin lowers the other actions instead of raising the demonstrated one. A table does not
  generalise, so that raising would only falsify a value that is known.
- The margin holds for actions that were never tried; from then on their own rewards speak. So a
  demonstration that is not the best can be surpassed.
- n-step targets are for the first phase only: they carry rewards back along an episode at once,
  but later would bind the values to what the demonstrator happened to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from segue.agents.tabular.array_file import read_arrays, write_arrays
from segue.agents.tabular.demonstrations import Transitions
from segue.agents.tabular.plain_episode import PlainEpisodes, meet
from segue.agents.tabular.plain_rules import OneStep
from segue.agents.tabular.q_learning import start_table, train_in_chunks
from segue.agents.tabular.q_learning_config import QLearningConfig
from segue.agents.tabular.q_table import QTable
from segue.agents.tabular.replay import (
    Replay,
    ReplayArrays,
    ReplaySettings,
    replay_updates,
    set_priority,
    sum_tree,
)
from segue.envs.base.errors import SegueError

_KIND = "segue.demonstration_table.v1"


@dataclass(frozen=True)
class DemonstrationConfig:
    """Settings of learning from demonstrations, beside those of `QLearningConfig`."""

    warm_start_updates: int = 20_000
    """Updates from demonstrations alone before the first episode, from 0."""
    updates_per_step: int = 4
    """Replayed updates after each step of an episode, from 0."""
    capacity: int = 100_000
    """Own transitions that are kept; then the oldest goes. Positive."""
    margin: float = 0.8
    """How much better than an untried action the demonstrated one must be, in units of reward."""
    margin_weight: float = 1.0
    """Share of the step size by which the margin moves a value, in [0, 1]; 0 = no margin."""
    n_step: int = 10
    """Length of the long targets of the first phase in steps, positive."""
    n_step_weight: float = 1.0
    """Weight of the long target beside the target of one step, from 0."""
    priority_power: float = 0.4
    """Exponent of priorities, from 0; 0 = all transitions alike."""
    importance_power: float = 0.6
    """Exponent by which the step size makes up for being drawn often, from 0."""
    demonstrated_bonus: float = 1.0
    """Added to the error of a demonstrated transition in its priority, positive."""
    own_bonus: float = 0.001
    """The same of an own transition, positive."""

    def __post_init__(self) -> None:
        for name in ("warm_start_updates", "updates_per_step", "margin", "n_step_weight"):
            self._require(name, getattr(self, name) >= 0, "a number that is not negative")
        for name in ("priority_power", "importance_power"):
            self._require(name, getattr(self, name) >= 0, "a number that is not negative")
        for name in ("capacity", "n_step", "demonstrated_bonus", "own_bonus"):
            self._require(name, getattr(self, name) > 0, "a positive number")
        self._require("margin_weight", 0.0 <= self.margin_weight <= 1.0, "a value in [0, 1]")

    def _require(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            value = getattr(self, name)
            raise SegueError(f"DemonstrationConfig.{name} is {value!r}; give {wanted}.")


@dataclass(frozen=True, eq=False)
class DemonstrationTable:
    """State of a run of learning from demonstrations: enough to go on exactly.

    Parameters
    ----------
    table : QTable
        What was learnt; its ``visits`` count own steps only.
    replay : Replay
        What is replayed, with its priorities.
    """

    table: QTable
    replay: Replay

    def save(self, path: Path) -> None:
        """Write both as one safetensors file, atomically; the folder must exist."""
        parts = {name: getattr(self.replay, name) for name in _REPLAY_ARRAYS}
        arrays = self.table.arrays() | {f"replay.{name}": part for name, part in parts.items()}
        counts = self.table.counts() | {"n_demonstrated": self.replay.n_demonstrated}
        write_arrays(path, _KIND, arrays, counts)

    @classmethod
    def load(cls, path: Path) -> DemonstrationTable:
        """Read what `save` wrote.

        Raises
        ------
        SegueError
            If the file is missing, damaged or something else.
        """
        arrays, counts = read_arrays(path, _KIND, "a table learnt from demonstrations")
        named = [f"replay.{name}" for name in _REPLAY_ARRAYS]
        if not set(named) <= arrays.keys() or "n_demonstrated" not in counts:
            raise SegueError(f"{path} holds no replay; name a file that segue saved.")
        parts = {name: arrays.pop(f"replay.{name}") for name in _REPLAY_ARRAYS}
        replay = Replay(**parts, n_demonstrated=counts.pop("n_demonstrated"))
        table = QTable.of_file(path, arrays, counts)
        try:
            replay.check(*table.q.shape)
        except ValueError as error:
            raise SegueError(
                f"{path} holds no replay ({error}); name a file that segue saved."
            ) from error
        return cls(table, replay)


_REPLAY_ARRAYS = tuple(field.name for field in fields(Replay) if field.name != "n_demonstrated")

DemonstrationProgress = Callable[[DemonstrationTable], None]
"""Called after the first phase and after each chunk of episodes with what is learnt so far, whose
arrays are live: save or copy it at once. Raise to stop."""


class _ReplayRule(OneStep):
    """Learns from a step, keeps it, and replays."""

    def __init__(
        self,
        table: QTable,
        replay: Replay,
        config: QLearningConfig,
        settings: DemonstrationConfig,
    ) -> None:
        super().__init__(table, config)
        self._table, self._replay, self._settings = table, replay, settings
        self._arrays = ReplayArrays(
            replay.state,
            replay.action,
            replay.following,
            replay.reward,
            replay.last,
            replay.priority,
            sum_tree(replay.priority),
        )
        n_own = len(replay.state) - replay.n_demonstrated
        self._capacity = n_own
        self._shown = np.zeros(table.q.shape, bool)
        rows = slice(replay.n_demonstrated)
        self._shown[replay.state[rows], replay.action[rows]] = True

    def learn(self, state: int, action: int, reward: float, following: int) -> bool:
        """Learn from one transition and from replayed ones."""
        error = self._target(reward, following) - float(self._q[state, action])
        super().learn(state, action, reward, following)
        replay = self._replay
        index = replay.n_demonstrated + int(replay.stored[0]) % self._capacity
        replay.state[index], replay.action[index] = state, action
        replay.reward[index], replay.following[index] = reward, following
        replay.stored[0] += 1
        set_priority(self._arrays, self._numbers(0.0), index, error)
        self.update(self._settings.updates_per_step, 0.0)
        return True

    def update(self, count: int, n_step_weight: float) -> None:
        """Learn from `count` replayed transitions."""
        n_stored = self._replay.n_demonstrated + min(int(self._replay.stored[0]), self._capacity)
        replay_updates(
            self._q,
            self._visits,
            self._shown,
            self._table.stream,
            self._arrays,
            self._numbers(n_step_weight),
            count,
            n_stored,
        )

    def _numbers(self, n_step_weight: float) -> ReplaySettings:
        config, settings = self._config, self._settings
        return ReplaySettings(
            float(config.alpha),
            config.decay,
            float(config.gamma),
            float(config.initial_value),
            self._replay.n_demonstrated,
            settings.n_step,
            float(n_step_weight),
            float(settings.margin),
            float(settings.margin_weight),
            float(settings.priority_power),
            float(settings.importance_power),
            float(settings.demonstrated_bonus),
            float(settings.own_bonus),
        )


def train_from_demonstrations(
    env: gym.Env[Any, Any],
    shown: Transitions,
    config: QLearningConfig,
    settings: DemonstrationConfig | None = None,
    *,
    learner: DemonstrationTable | None = None,
    progress: DemonstrationProgress | None = None,
) -> DemonstrationTable:
    """Learn from demonstrations, then by stepping the env.

    Parameters
    ----------
    env : gymnasium.Env
        As `segue.agents.tabular.q_learning.train_plain` takes it.
    shown : Transitions
        The demonstrations.
    config : QLearningConfig
        Settings of playing and of the step size; of method ``"q"``. With no episodes only the
        first phase runs.
    settings : DemonstrationConfig, optional
        Settings of replay and margin.
    learner : DemonstrationTable, optional
        What to go on from; its arrays are changed in place. It ends as an uninterrupted run does.
    progress : callable, optional
        Called after the first phase and after each chunk.

    Returns
    -------
    DemonstrationTable
        What was learnt after ``config.episodes`` episodes.

    Raises
    ------
    SegueError
        If spaces, demonstrations or the learner do not fit each other.
    """
    if config.method != "q":
        raise SegueError(
            f"QLearningConfig.method is {config.method!r}; learning from demonstrations wants 'q'."
        )
    settings = settings or DemonstrationConfig()
    replay = learner.replay if learner else Replay.of(shown, settings.capacity, 1.0)
    episodes = PlainEpisodes(
        env, config, lambda table: _ReplayRule(table, replay, config, settings)
    )
    _check(shown, replay, episodes)
    known = learner.table if learner else None
    table = start_table(known, episodes.n_states, episodes.n_actions, config)
    tell = progress or (lambda _: None)
    if learner is None:
        _warm_start(table, replay, shown, config, settings)
        tell(DemonstrationTable(table, replay))
    table = train_in_chunks(
        episodes.play_chunk, config, table, lambda now: tell(DemonstrationTable(now, replay))
    )
    return DemonstrationTable(table, replay)


def _warm_start(
    table: QTable,
    replay: Replay,
    shown: Transitions,
    config: QLearningConfig,
    settings: DemonstrationConfig,
) -> None:
    """Learn from the demonstrations alone."""
    for state, legal, step in zip(shown.state, shown.legal, shown.step, strict=True):
        meet(table.q, int(state), legal, config.first_value(int(step)))
    rule = _ReplayRule(table, replay, config, settings)
    rule.update(settings.warm_start_updates, settings.n_step_weight)


def _check(shown: Transitions, replay: Replay, episodes: PlainEpisodes) -> None:
    reached = max(int(shown.state.max()), int(shown.following.max()))
    if reached >= episodes.n_states or shown.legal.shape[1] != episodes.n_actions:
        raise SegueError(
            f"The demonstrations reach state {reached} with {shown.legal.shape[1]} actions, but "
            f"the env has {episodes.n_states} states and {episodes.n_actions} actions; "
            "record them on the same env."
        )
    rows = slice(len(shown))
    same = replay.n_demonstrated == len(shown) and np.array_equal(replay.state[rows], shown.state)
    if not same or not np.array_equal(replay.action[rows], shown.action):
        raise SegueError(
            "The learner began from other demonstrations; go on with those that it began from."
        )


__all__ = [
    "DemonstrationConfig",
    "DemonstrationProgress",
    "DemonstrationTable",
    "train_from_demonstrations",
]
