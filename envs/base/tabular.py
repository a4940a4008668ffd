"""Tasks whose every episode is a finite Markov decision process, tabulated and solved."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import inf

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.base.task import Advice, B, Bound, Task
from segue.envs.base.transition_model import TransitionModel

FEW = 4
"""Transition models that a task keeps."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ActionValues(Advice):
    """Q* of every action in k situations.

    Attributes
    ----------
    q : ndarray (k, A) float64
        -inf where illegal.
    """

    q: FloatArray

    @property
    def actions(self) -> npt.NDArray[np.int64]:
        """Best action in each, (k,); ties go to the lowest index."""
        return np.asarray(self.q.argmax(axis=1))

    def values(self, path: npt.NDArray[np.int64]) -> tuple[FloatArray, ...]:
        """Q*, which does not depend on `path`: an action has one part."""
        return (self.q,)


class TabularTask(Task[B]):
    """A task in which a row's episode belongs to one of several transition models."""

    def __init__(self) -> None:
        self._values: dict[int, FloatArray] = {}
        self._models: dict[int, TransitionModel] = {}
        self._room: float = FEW

    @abstractmethod
    def tabulated(self, number: int) -> TransitionModel:
        """Tables of a piece, a scene or the like."""

    def model(self, number: int) -> TransitionModel:
        """Tables of a piece, a scene or the like; the last ones asked for are kept.

        Tables take megabytes, and in a test each episode needs its own for a while. Who asks for
        advice comes back to all of them, so that then all are kept.
        """
        found = self._models.pop(number, None)
        if found is None:
            found = self.tabulated(number)
            if len(self._models) >= self._room:
                del self._models[next(iter(self._models))]
        self._models[number] = found  # The newest is last.
        return found

    @abstractmethod
    def situation(self, batch: B, row: int) -> tuple[int, int]:
        """Number of the model that the episode in `row` belongs to, and its state therein.

        After the end of an episode any state may be given.
        """

    def state_values(self, number: int) -> FloatArray:
        """V* of every state of a model, (S,); solved once."""
        if number not in self._values:
            self._values[number] = state_values(self.model(number))
        return self._values[number]

    def bound(self, batch: B, row: int) -> Bound:
        """Exact optimum of the episode in `row`, by dynamic programming."""
        number, _ = self.situation(batch, row)
        return Bound(float(self.state_values(number)[self.model(number).start]), exact=True)

    def greedy(self, batch: B, row: int) -> npt.NDArray[np.int64]:
        """Legal action of the greatest immediate reward in `row`; ties go to the lowest index."""
        number, state = self.situation(batch, row)
        model = self.model(number)
        return np.asarray(np.where(model.legal[state], model.reward[state], -np.inf).argmax())

    def advice(self, batch: B, rows: npt.NDArray[np.int64]) -> ActionValues:
        """Q* of every action in `rows`."""
        self._room = inf
        found = []
        for row in rows.tolist():
            number, state = self.situation(batch, row)
            found.append(action_values(self.model(number), self.state_values(number), state))
        return ActionValues(np.stack(found))


def action_values(model: TransitionModel, values: FloatArray, state: int) -> FloatArray:
    """Q* (A,) of a state, given V* (S,); -inf where illegal."""
    after = np.where(model.terminal[state], 0.0, values[model.next_state[state]])
    return np.asarray(np.where(model.legal[state], model.reward[state] + after, -np.inf))


def state_values(model: TransitionModel) -> FloatArray:
    """V* (S,) by one backward sweep (Bellman 1957), -inf without a legal action.

    The states are to be numbered forward: every transition that goes on leads to a higher number,
    as it is where the number of the step comes first.
    """
    values = np.full(model.n_states, -np.inf)
    _sweep(model.next_state, model.reward, model.legal, model.terminal, values)
    return values


def best_line(model: TransitionModel) -> tuple[float, npt.NDArray[np.int64]]:
    """Optimal return and one optimal line of actions (horizon,); ties go to the lowest index."""
    values, line, state = state_values(model), [], model.start
    for _ in range(model.horizon):
        line.append(int(action_values(model, values, state).argmax()))
        state = int(model.next_state[state, line[-1]])
    return float(values[model.start]), np.array(line)


@nb.njit(cache=True, nogil=True)
def _sweep(
    next_state: npt.NDArray[np.int32],
    reward: FloatArray,
    legal: npt.NDArray[np.bool_],
    terminal: npt.NDArray[np.bool_],
    values: FloatArray,
) -> None:
    for state in range(len(values) - 1, -1, -1):
        best = -np.inf
        for action in range(reward.shape[1]):
            if legal[state, action]:
                after = 0.0 if terminal[state, action] else values[next_state[state, action]]
                best = max(best, reward[state, action] + after)
        values[state] = best
