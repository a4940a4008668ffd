"""Compiled episodes of Q-learning on the tables of a deterministic MDP."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from segue.agents.tabular.random_stream import uniform

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


class Tables(NamedTuple):
    """The MDP, as in `TransitionModel`: all arrays (S, A)."""

    start: int
    next_state: IntArray
    reward: FloatArray
    legal: BoolArray
    terminal: BoolArray


class Learner(NamedTuple):
    """What is learnt, changed in place: `q` and `visits` (S, A), `stream` (1,)."""

    q: FloatArray
    visits: npt.NDArray[np.int64]
    stream: npt.NDArray[np.uint64]


class Settings(NamedTuple):
    """The numbers of `QLearningConfig` that episodes depend on."""

    alpha: float
    gamma: float
    initial_value: float
    initial_value_per_step: float
    horizon: int
    max_steps: int
    backward: bool
    stop_when_settled: bool


@njit(cache=True, nogil=True)
def play_chunk(
    tables: Tables,
    learner: Learner,
    settings: Settings,
    epsilons: FloatArray,
    returns: FloatArray,
    path: npt.NDArray[np.int32],
) -> tuple[int, int, bool]:
    """Play and learn from some episodes.

    Parameters
    ----------
    tables : Tables
        The MDP.
    learner : Learner
        Changed in place.
    settings : Settings
        Step size, discount, first values, order of replay.
    epsilons : numpy.ndarray
        float64 array (n,): exploration rate of each episode.
    returns : numpy.ndarray
        float64 array (n,), written: undiscounted return of each episode.
    path : numpy.ndarray
        int32 array (max_steps, 2), scratch: the states and actions of the episode.

    Returns
    -------
    episodes : int
        Number of episodes played, n unless they settled.
    steps : int
        Number of transitions played.
    settled : bool
        Whether the last episode was greedy and changed nothing.
    """
    steps = 0
    for episode in range(len(epsilons)):
        length, total, changed = _play(tables, learner, settings, epsilons[episode], path)
        returns[episode] = total
        steps += length
        if settings.backward:
            changed = _replay(tables, learner.q, settings, path[:length])
        if settings.stop_when_settled and not changed and epsilons[episode] == 0.0:
            return episode + 1, steps, True
    return len(epsilons), steps, False


@njit(cache=True, nogil=True)
def _play(
    tables: Tables,
    learner: Learner,
    settings: Settings,
    epsilon: float,
    path: npt.NDArray[np.int32],
) -> tuple[int, float, bool]:
    # Unpacked once: handing the tuples on would count references to eight arrays at every step.
    start, next_state, reward, legal, terminal = tables
    q, visits, stream = learner
    state = start
    total = 0.0
    changed = False
    _meet(legal, q, settings, state, 0)
    for step in range(settings.max_steps):
        if epsilon > 0.0 and uniform(stream) < epsilon:
            action = _random_legal(q[state], uniform(stream))
        else:
            action = _greedy(q, state)
        visits[state, action] += 1
        path[step, 0] = state
        path[step, 1] = action
        gained = reward[state, action]
        total += gained
        following = next_state[state, action]
        ends = terminal[state, action]
        if not ends:
            _meet(legal, q, settings, following, step + 1)
        if not settings.backward:
            target = gained if ends else gained + settings.gamma * _highest(q, following)
            changed |= _update(q, state, action, target, settings.alpha)
        if ends:
            return step + 1, total, changed
        state = following
    return settings.max_steps, total, changed


@njit(cache=True, nogil=True)
def _replay(tables: Tables, q: FloatArray, settings: Settings, path: npt.NDArray[np.int32]) -> bool:
    _, next_state, reward, _, terminal = tables
    changed = False
    for step in range(len(path) - 1, -1, -1):
        state, action = path[step, 0], path[step, 1]
        target = reward[state, action]
        if not terminal[state, action]:
            target += settings.gamma * _highest(q, next_state[state, action])
        changed |= _update(q, state, action, target, settings.alpha)
    return changed


@njit(cache=True, nogil=True)
def _update(q: FloatArray, state: int, action: int, target: float, alpha: float) -> bool:
    """Apply Watkins' rule; written as a mean so that alpha = 1 gives the target itself."""
    old = q[state, action]
    new = (1.0 - alpha) * old + alpha * target
    q[state, action] = new
    return bool(new != old)


@njit(cache=True, nogil=True)
def _meet(legal: BoolArray, q: FloatArray, settings: Settings, state: int, step: int) -> None:
    """Give the pairs of a state their first values when it is met for the first time."""
    if q[state, 0] == q[state, 0]:  # Only NaN, the mark of an unknown state, differs from itself.
        return
    value = _first_value(settings, step)
    for action in range(q.shape[1]):
        q[state, action] = value if legal[state, action] else -np.inf


@njit(cache=True, nogil=True)
def _first_value(settings: Settings, step: int) -> float:
    """Give the value of an untried pair of a state first met at a step (from 0)."""
    left = max(settings.horizon - step, 0)
    return settings.initial_value + settings.initial_value_per_step * left


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _highest(q: FloatArray, state: int) -> float:
    # The row holds no NaN; said so, the compiler compares several values at a time.
    highest = q[state, 0]
    for action in range(1, q.shape[1]):
        value = q[state, action]
        highest = value if value > highest else highest
    return float(highest)


@njit(cache=True, nogil=True)
def _greedy(q: FloatArray, state: int) -> int:
    highest = _highest(q, state)
    action = 0
    while q[state, action] != highest:
        action += 1
    return action


@njit(cache=True, nogil=True)
def _random_legal(row: FloatArray, number: float) -> int:
    """Pick the legal action that a number in [0, 1) points at."""
    n_legal = 0
    for value in row:
        if value > -np.inf:
            n_legal += 1
    left = int(number * n_legal)
    for action in range(len(row)):
        if row[action] > -np.inf:
            if left == 0:
                return action
            left -= 1
    return 0


__all__ = ["Learner", "Settings", "Tables", "play_chunk"]
