"""The compiled update rules of Q-learning, double Q-learning and Watkins's Q(lambda)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from segue.agents.tabular.random_stream import uniform
from segue.agents.tabular.table_rows import (
    CountArray,
    FloatArray,
    greedy,
    highest,
    step_size,
)

FAINTEST_TRACE = 1e-3
"""Eligibility below which a pair is no longer updated, so that an update is of bounded length."""


@njit(cache=True, nogil=True)
def learn_q(
    q: FloatArray,
    visits: CountArray,
    state: int,
    action: int,
    target: float,
    alpha: float,
    decay: float | None,
) -> bool:
    """Apply Watkins's rule (1989); written as a mean so that alpha = 1 gives the target itself.

    Parameters
    ----------
    q, visits : numpy.ndarray
        float64 and int64 arrays (S, A), changed in place.
    state, action : int
        The pair.
    target : float
        Reward plus discounted value of what follows.
    alpha, decay : float
        As `step_size` takes them.

    Returns
    -------
    bool
        Whether the value changed.
    """
    visits[state, action] += 1
    size = step_size(alpha, decay, visits[state, action])
    old = q[state, action]
    new = (1.0 - size) * old + size * target
    q[state, action] = new
    return bool(new != old)


@njit(cache=True, nogil=True, inline="always")
def learn_double(
    first: FloatArray,
    second: FloatArray,
    visits: CountArray,
    second_visits: CountArray,
    stream: npt.NDArray[np.uint64],
    state: int,
    action: int,
    reward: float,
    following: int,
    alpha: float,
    decay: float | None,
    gamma: float,
) -> None:
    """Apply double Q-learning (van Hasselt 2010, algorithm 1).

    A coin says which table learns; the best action of that table is valued by the other one.

    Parameters
    ----------
    first, second : numpy.ndarray
        float64 arrays (S, A): the two tables, changed in place.
    visits, second_visits : numpy.ndarray
        int64 arrays (S, A): updates of both tables and of the second, changed in place.
    stream : numpy.ndarray
        uint64 array (1,), changed in place.
    state, action, reward, following : int, int, float, int
        The transition; `following` is -1 after the end.
    alpha, decay, gamma : float
        As `step_size` takes them; discount.
    """
    visits[state, action] += 1
    # Two calls, inlined: choosing an array by assignment, or handing on many of them, would count
    # references to each, which takes longer than the update.
    if uniform(stream) < 0.5:
        count = visits[state, action] - second_visits[state, action]
        size = step_size(alpha, decay, count)
        _learn_from(first, second, state, action, reward, following, size, gamma)
    else:
        second_visits[state, action] += 1
        size = step_size(alpha, decay, second_visits[state, action])
        _learn_from(second, first, state, action, reward, following, size, gamma)


@njit(cache=True, nogil=True, inline="always")
def _learn_from(
    learner: FloatArray,
    judge: FloatArray,
    state: int,
    action: int,
    reward: float,
    following: int,
    size: float,
    gamma: float,
) -> None:
    target = reward
    if following >= 0:
        target += gamma * judge[following, greedy(learner, following)]
    learner[state, action] = (1.0 - size) * learner[state, action] + size * target


@njit(cache=True, nogil=True)
def learn_lambda(
    q: FloatArray,
    visits: CountArray,
    path: npt.NDArray[np.int32],
    first: int,
    step: int,
    target: float,
    alpha: float,
    decay: float | None,
    fading: float,
) -> int:
    """Apply Watkins's Q(lambda) (1989; Sutton & Barto 1998, section 7.6), replacing traces.

    Instead of sweeping all pairs it goes back along the episode, where alone the traces are.

    Parameters
    ----------
    q, visits : numpy.ndarray
        float64 and int64 arrays (S, A), changed in place.
    path : numpy.ndarray
        int32 array (T, 2): the states and actions of the episode up to `step`. A pair that is
        taken again loses its earlier trace: the state there becomes -1.
    first : int
        Earliest step that still has a trace.
    step : int
        The step just made.
    target : float
        Its reward plus the discounted value of what follows.
    alpha, decay : float
        As `step_size` takes them.
    fading : float
        gamma x lambda, what is left of a trace after one step.

    Returns
    -------
    int
        The new `first`: an action that is not greedy cuts the traces before it.
    """
    state, action = path[step, 0], path[step, 1]
    if q[state, action] != highest(q, state):
        first = step
    visits[state, action] += 1
    error = target - q[state, action]
    trace = 1.0
    for earlier in range(step, first - 1, -1):
        if earlier < step and path[earlier, 0] == state and path[earlier, 1] == action:
            path[earlier, 0] = -1
        past_state, past_action = path[earlier, 0], path[earlier, 1]
        if past_state >= 0:
            size = step_size(alpha, decay, visits[past_state, past_action])
            q[past_state, past_action] += size * error * trace
        trace *= fading
        if trace < FAINTEST_TRACE:
            break
    return first


__all__ = ["FAINTEST_TRACE", "learn_double", "learn_lambda", "learn_q"]
