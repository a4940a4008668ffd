"""Exact solution of a deterministic finite MDP: the yardstick that agents are measured by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from segue.envs.base.errors import SegueError
from segue.envs.base.transition_model import TransitionModel

_MAX_SWEEPS = 100_000

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Solution:
    """Optimal values and a policy that reaches them.

    Parameters
    ----------
    values : numpy.ndarray
        float64 array (S,): V*, 0 in a state without a legal action.
    policy : numpy.ndarray
        int32 array (S,): the best action, lowest index among equals; -1 without a legal action.
    q : numpy.ndarray
        float64 array (S, A): Q*, minus infinity where illegal.
    """

    values: FloatArray
    policy: IntArray
    q: FloatArray


def is_forward(model: TransitionModel) -> bool:
    """Tell whether states are numbered in topological order.

    Parameters
    ----------
    model : TransitionModel
        The MDP.

    Returns
    -------
    bool
        Whether every legal transition that goes on leads to a higher-numbered state, so that one
        backward sweep is exact.
    """
    goes_on = model.legal & ~model.terminal
    higher = model.next_state > np.arange(model.n_states)[:, None]
    return bool(np.all(higher | ~goes_on))


def value_iteration(
    model: TransitionModel, gamma: float = 1.0, tolerance: float = 1e-12
) -> Solution:
    """Solve an MDP (Bellman 1957; Sutton & Barto, section 4.4).

    Parameters
    ----------
    model : TransitionModel
        The MDP. When its states are numbered forward, one backward sweep is exact.
    gamma : float
        Discount, in [0, 1].
    tolerance : float
        For other models: largest error of a value (``gamma < 1``) or largest last change
        (``gamma = 1``), positive.

    Returns
    -------
    Solution
        Values, policy and action values.

    Raises
    ------
    SegueError
        If the values do not settle (a cycle that pays for ever).
    """
    values = np.zeros(model.n_states)
    tables = (model.next_state, model.reward, model.legal, model.terminal)
    _solve(lambda: float(_optimality_sweep(values, *tables, gamma)), model, gamma, tolerance)
    goes_on = np.where(model.terminal, 0.0, gamma * values[model.next_state])
    q = np.where(model.legal, model.reward + goes_on, -np.inf)
    policy = np.where(model.legal.any(axis=1), q.argmax(axis=1), -1).astype(np.int32)
    return Solution(values, policy, q)


def policy_evaluation(
    model: TransitionModel, policy: IntArray, gamma: float = 1.0, tolerance: float = 1e-12
) -> FloatArray:
    """Compute the value of every state under a deterministic policy.

    Parameters
    ----------
    model : TransitionModel
        The MDP.
    policy : numpy.ndarray
        int32 array (S,): a legal action for every state that has one.
    gamma : float
        Discount, in [0, 1].
    tolerance : float
        As in `value_iteration`.

    Returns
    -------
    numpy.ndarray
        float64 array (S,): values, 0 in a state without a legal action.

    Raises
    ------
    SegueError
        If the policy takes an illegal action or its values do not settle.
    """
    chosen = np.clip(policy, 0, model.n_actions - 1)
    rows = np.arange(model.n_states)
    has_action = model.legal.any(axis=1)
    illegal = has_action & ~(model.legal[rows, chosen] & (chosen == policy))
    if illegal.any():
        state = int(np.argmax(illegal))
        raise SegueError(
            f"The policy takes action {policy[state]} in state {state}, which is not legal there; "
            "choose a legal action in every state."
        )
    values = np.zeros(model.n_states)
    following = model.next_state[rows, chosen]
    reward = np.where(has_action, model.reward[rows, chosen], 0.0)
    goes_on = has_action & ~model.terminal[rows, chosen]
    _solve(
        lambda: float(_policy_sweep(values, following, reward, goes_on, gamma)),
        model,
        gamma,
        tolerance,
    )
    return values


def rollout_return(model: TransitionModel, policy: IntArray, max_steps: int = 1_000_000) -> float:
    """Play one episode from the start and add up its rewards.

    Parameters
    ----------
    model : TransitionModel
        The MDP.
    policy : numpy.ndarray
        int32 array (S,): an action for every state.
    max_steps : int
        Longest episode allowed, positive.

    Returns
    -------
    float
        Undiscounted return.

    Raises
    ------
    SegueError
        If the policy takes an illegal action on its way or the episode does not end in time.
    """
    state, total = model.start, 0.0
    for _ in range(max_steps):
        action = int(policy[state])
        if not 0 <= action < model.n_actions or not model.legal[state, action]:
            raise SegueError(
                f"The policy takes action {action} in state {state}, which is not legal there; "
                "choose a legal action in every state."
            )
        total += float(model.reward[state, action])
        if model.terminal[state, action]:
            return total
        state = int(model.next_state[state, action])
    raise SegueError(
        f"The episode has not ended after {max_steps} steps; "
        "raise max_steps or give a policy that ends it."
    )


def _solve(
    sweep: Callable[[], float], model: TransitionModel, gamma: float, tolerance: float
) -> None:
    """Repeat a sweep, which gives its largest change, until the values are good enough."""
    if not 0.0 <= gamma <= 1.0:
        raise SegueError(f"gamma is {gamma}; give a discount in [0, 1].")
    change = sweep()
    if is_forward(model):
        return
    enough = tolerance if gamma in (0.0, 1.0) else tolerance * (1.0 - gamma) / gamma
    for _ in range(_MAX_SWEEPS):
        if change <= enough:
            return
        change = sweep()
    raise SegueError(
        f"The values still change by {change:.3g} after {_MAX_SWEEPS} sweeps; "
        "the model has a cycle that pays for ever: give gamma < 1."
    )


@njit(cache=True, nogil=True)
def _optimality_sweep(
    values: FloatArray,
    next_state: IntArray,
    reward: FloatArray,
    legal: npt.NDArray[np.bool_],
    terminal: npt.NDArray[np.bool_],
    gamma: float,
) -> float:
    largest = 0.0
    n_states, n_actions = reward.shape
    for state in range(n_states - 1, -1, -1):
        best = -np.inf
        for action in range(n_actions):
            if legal[state, action]:
                value = reward[state, action]
                if not terminal[state, action]:
                    value += gamma * values[next_state[state, action]]
                best = max(best, value)
        if best > -np.inf:
            largest = max(largest, abs(best - values[state]))
            values[state] = best
    return largest


@njit(cache=True, nogil=True)
def _policy_sweep(
    values: FloatArray,
    following: IntArray,
    reward: FloatArray,
    goes_on: npt.NDArray[np.bool_],
    gamma: float,
) -> float:
    largest = 0.0
    for state in range(len(values) - 1, -1, -1):
        value = reward[state]
        if goes_on[state]:
            value += gamma * values[following[state]]
        largest = max(largest, abs(value - values[state]))
        values[state] = value
    return largest


__all__ = ["Solution", "is_forward", "policy_evaluation", "rollout_return", "value_iteration"]
