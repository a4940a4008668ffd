"""The update rules in plain Python: what the compiled ones are tested against."""

from __future__ import annotations

from typing import Protocol

from segue.agents.tabular.q_learning_config import QLearningConfig
from segue.agents.tabular.q_table import QTable
from segue.agents.tabular.random_stream import uniform
from segue.agents.tabular.table_rows import FloatArray, step_size
from segue.agents.tabular.update_rules import FAINTEST_TRACE

_uniform = uniform.py_func


class Rule(Protocol):
    """Learns from transitions; made for one table, whose arrays it changes in place."""

    tables: tuple[FloatArray, ...]
    """float64 arrays (S, A): the tables of values; actions are chosen by their sum."""

    def begin(self) -> None:
        """Forget what lies before the episode that begins."""
        ...

    def learn(self, state: int, action: int, reward: float, following: int) -> bool:
        """Learn from one transition.

        Parameters
        ----------
        state, action, reward, following : int, int, float, int
            The transition; `following` is -1 after the end.

        Returns
        -------
        bool
            Whether a value may have changed.
        """
        ...


class OneStep:
    """Q-learning: the reward and the greatest value of what follows."""

    def __init__(self, table: QTable, config: QLearningConfig) -> None:
        self.tables: tuple[FloatArray, ...] = (table.q,)
        self._q, self._visits, self._config = table.q, table.visits, config

    def begin(self) -> None:
        """Do nothing: every transition stands for itself."""

    def learn(self, state: int, action: int, reward: float, following: int) -> bool:
        """Move the pair's value towards its target."""
        self._visits[state, action] += 1
        size = _size(self._config, int(self._visits[state, action]))
        old = float(self._q[state, action])
        target = self._target(reward, following)
        self._q[state, action] = (1.0 - size) * old + size * target
        return float(self._q[state, action]) != old

    def _target(self, reward: float, following: int) -> float:
        if following < 0:
            return reward
        return reward + self._config.gamma * float(self._q[following].max())


class DoubleStep:
    """Double Q-learning: of two tables, one chooses what follows and the other values it."""

    def __init__(self, table: QTable, config: QLearningConfig) -> None:
        self.tables: tuple[FloatArray, ...] = (table.q, table.second)
        self._table, self._config = table, config

    def begin(self) -> None:
        """Do nothing: every transition stands for itself."""

    def learn(self, state: int, action: int, reward: float, following: int) -> bool:
        """Move the pair's value in one of the tables, which a coin names."""
        table, pair = self._table, (state, action)
        learner, judge = self.tables
        table.visits[pair] += 1
        if _uniform(table.stream) < 0.5:
            count = int(table.visits[pair] - table.second_visits[pair])
        else:
            learner, judge = judge, learner
            table.second_visits[pair] += 1
            count = int(table.second_visits[pair])
        target = reward
        if following >= 0:
            target += self._config.gamma * float(judge[following, learner[following].argmax()])
        size = _size(self._config, count)
        learner[pair] = (1.0 - size) * float(learner[pair]) + size * target
        return True


class Traces(OneStep):
    """Watkins's Q(lambda): an error also corrects the pairs that led to it."""

    def __init__(self, table: QTable, config: QLearningConfig) -> None:
        super().__init__(table, config)
        self._fading = config.gamma * config.trace
        self._path: list[tuple[int, int]] = []

    def begin(self) -> None:
        """Drop all traces."""
        self._path.clear()

    def learn(self, state: int, action: int, reward: float, following: int) -> bool:
        """Share the error of the transition among the pairs with a trace."""
        if self._q[state, action] != self._q[state].max():
            self._path.clear()
        self._visits[state, action] += 1
        error = self._target(reward, following) - float(self._q[state, action])
        if (state, action) in self._path:
            # The place stays, without its pair: the ages of the others depend on it.
            self._path[self._path.index((state, action))] = (-1, -1)
        self._path.append((state, action))
        trace = 1.0
        for past in reversed(self._path):
            if past[0] >= 0:
                self._q[past] += _size(self._config, int(self._visits[past])) * error * trace
            trace *= self._fading
            if trace < FAINTEST_TRACE:
                break
        return True


def rule_of(table: QTable, config: QLearningConfig) -> Rule:
    """Make the rule of ``config.method`` for a table."""
    if config.method == "double-q":
        return DoubleStep(table, config)
    return Traces(table, config) if config.method == "q-lambda" else OneStep(table, config)


def _size(config: QLearningConfig, visits: int) -> float:
    return float(step_size(config.alpha, config.decay, visits))


__all__ = ["DoubleStep", "OneStep", "Rule", "Traces", "rule_of"]
