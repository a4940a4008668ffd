"""Compiled episodes of tabular Q-learning on the tables of a deterministic MDP."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from segue.agents.tabular.random_stream import uniform
from segue.agents.tabular.table_rows import (
    BoolArray,
    CountArray,
    FloatArray,
    greedy,
    greedy_of_two,
    highest,
    meet,
    random_legal,
)
from segue.agents.tabular.update_rules import learn_double, learn_lambda, learn_q

IntArray = npt.NDArray[np.int32]


class Tables(NamedTuple):
    """The MDP, as in `TransitionModel`: all arrays (S, A)."""

    start: int
    next_state: IntArray
    reward: FloatArray
    legal: BoolArray
    terminal: BoolArray


class Learner(NamedTuple):
    """What is learnt, changed in place: the arrays of `QTable`; no second ones = None."""

    q: FloatArray
    visits: CountArray
    second: FloatArray | None
    second_visits: CountArray | None
    stream: npt.NDArray[np.uint64]


class Settings(NamedTuple):
    """The numbers of `QLearningConfig` that episodes depend on; `trace` is None without traces.

    What is None here or in `Learner` costs nothing: its branches are not compiled.
    """

    alpha: float
    decay: float | None
    gamma: float
    trace: float | None
    initial_value: float
    initial_value_per_step: float
    horizon: int
    max_steps: int
    backward: bool
    may_settle: bool


@njit(cache=True, nogil=True)
def play_chunk(
    tables: Tables,
    learner: Learner,
    settings: Settings,
    epsilons: FloatArray,
    returns: FloatArray,
    path: IntArray,
) -> tuple[int, int, bool]:
    """Play and learn from some episodes.

    Parameters
    ----------
    tables : Tables
        The MDP.
    learner : Learner
        Changed in place.
    settings : Settings
        Method, step size, discount, first values, order of replay.
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
        length, total, changed = _play(
            tables, learner, learner.second, settings, settings.trace, epsilons[episode], path
        )
        returns[episode] = total
        steps += length
        if settings.backward:
            changed = _replay(tables, learner, learner.second, settings, path[:length])
        if settings.may_settle and not changed and epsilons[episode] == 0.0:
            return episode + 1, steps, True
    return len(epsilons), steps, False


@njit(cache=True, nogil=True)
def _play(
    tables: Tables,
    learner: Learner,
    second: FloatArray | None,
    settings: Settings,
    trace: float | None,
    epsilon: float,
    path: IntArray,
) -> tuple[int, float, bool]:
    # Unpacked once: handing the tuples on would count references to all arrays at every step.
    start, next_state, reward, legal, terminal = tables
    q, visits, _, second_visits, stream = learner
    alpha, decay, gamma = settings.alpha, settings.decay, settings.gamma
    state, first_trace, total, changed = start, 0, 0.0, False
    _meet(q, second, legal, settings, state, 0)
    for step in range(settings.max_steps):
        if epsilon > 0.0 and uniform(stream) < epsilon:
            action = random_legal(q[state], uniform(stream))
        elif second is not None:
            action = greedy_of_two(q, second, state)
        else:
            action = greedy(q, state)
        path[step, 0], path[step, 1] = state, action
        gained = reward[state, action]
        total += gained
        following, ends = next_state[state, action], terminal[state, action]
        if not ends:
            _meet(q, second, legal, settings, following, step + 1)
        if second is not None:
            if not settings.backward:
                learn_double(
                    q,
                    second,
                    visits,
                    second_visits,
                    stream,
                    state,
                    action,
                    gained,
                    -1 if ends else following,
                    alpha,
                    decay,
                    gamma,
                )
        elif trace is not None:
            target = gained if ends else gained + gamma * highest(q, following)
            first_trace = learn_lambda(
                q, visits, path, first_trace, step, target, alpha, decay, gamma * trace
            )
        elif not settings.backward:
            target = gained if ends else gained + gamma * highest(q, following)
            changed |= learn_q(q, visits, state, action, target, alpha, decay)
        if ends:
            return step + 1, total, changed
        state = following
    return settings.max_steps, total, changed


@njit(cache=True, nogil=True)
def _replay(
    tables: Tables, learner: Learner, second: FloatArray | None, settings: Settings, path: IntArray
) -> bool:
    _, next_state, reward, _, terminal = tables
    q, visits, _, second_visits, stream = learner
    alpha, decay, gamma = settings.alpha, settings.decay, settings.gamma
    changed = False
    for step in range(len(path) - 1, -1, -1):
        state, action = path[step, 0], path[step, 1]
        gained = reward[state, action]
        following, ends = next_state[state, action], terminal[state, action]
        if second is not None:
            learn_double(
                q,
                second,
                visits,
                second_visits,
                stream,
                state,
                action,
                gained,
                -1 if ends else following,
                alpha,
                decay,
                gamma,
            )
        else:
            target = gained if ends else gained + gamma * highest(q, following)
            changed |= learn_q(q, visits, state, action, target, alpha, decay)
    return changed


@njit(cache=True, nogil=True, inline="always")
def _meet(
    q: FloatArray,
    second: FloatArray | None,
    legal: BoolArray,
    settings: Settings,
    state: int,
    step: int,
) -> None:
    """Give a state that is first met at a step (from 0) its first values."""
    if q[state, 0] == q[state, 0]:  # Only NaN, the mark of an unknown state, differs from itself.
        return
    left = max(settings.horizon - step, 0)
    value = settings.initial_value + settings.initial_value_per_step * left
    meet(q, legal, state, value)
    if second is not None:
        meet(second, legal, state, value)


__all__ = ["Learner", "Settings", "Tables", "play_chunk"]
