"""Prioritised replay of demonstrated and own transitions into a table, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from segue.agents.tabular.demonstrations import Transitions
from segue.agents.tabular.random_stream import uniform
from segue.agents.tabular.table_rows import (
    BoolArray,
    CountArray,
    FloatArray,
    highest,
    step_size,
)


@dataclass(frozen=True, eq=False)
class Replay:
    """The transitions that are replayed: demonstrated ones for ever, own ones until pushed out.

    Parameters
    ----------
    state, action, following : numpy.ndarray
        int64 arrays (N,): the transitions, the demonstrated ones first; `following` is -1 after
        the end.
    reward : numpy.ndarray
        float64 array (N,).
    last : numpy.ndarray
        bool array (N,): whether a demonstrated transition is the last of its episode.
    priority : numpy.ndarray
        float64 array (N,): to which a transition is drawn in proportion; 0 = an empty place.
    stored : numpy.ndarray
        int64 array (1,): how many own transitions were ever stored.
    n_demonstrated : int
        Number of demonstrated transitions.
    """

    state: CountArray
    action: CountArray
    following: CountArray
    reward: FloatArray
    last: BoolArray
    priority: FloatArray
    stored: CountArray
    n_demonstrated: int

    @classmethod
    def of(cls, shown: Transitions, capacity: int, priority: float) -> Replay:
        """Give a replay of demonstrations, with places for `capacity` own transitions."""

        def padded(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return np.concatenate([array, np.zeros(capacity, array.dtype)])

        return cls(
            padded(shown.state),
            padded(shown.action),
            padded(shown.following),
            padded(shown.reward),
            padded(shown.last),
            padded(np.full(len(shown), priority)),
            np.zeros(1, np.int64),
            len(shown),
        )

    def check(self, n_states: int, n_actions: int) -> None:
        """Raise a `ValueError` unless all of it lies in a table (S, A), as compiled code trusts."""
        places = len(self.priority)
        for name, dtype in _DTYPES.items():
            array, shape = getattr(self, name), (1,) if name == "stored" else (places,)
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(f"{name} is {array.dtype} {array.shape}")
        for name, lowest, end in (
            ("state", 0, n_states),
            ("action", 0, n_actions),
            ("following", -1, n_states),
            ("priority", 0, np.inf),
            ("stored", 0, np.inf),
        ):
            array = getattr(self, name)
            if not ((array >= lowest) & (array < end)).all():
                raise ValueError(f"{name} is out of range")
        if type(self.n_demonstrated) is not int or not 0 <= self.n_demonstrated <= places:
            raise ValueError(f"{self.n_demonstrated!r} of {places} are demonstrated")


_DTYPES: Mapping[str, type[np.generic]] = MappingProxyType(
    {
        **dict.fromkeys(("state", "action", "following", "stored"), np.int64),
        **dict.fromkeys(("reward", "priority"), np.float64),
        "last": np.bool_,
    }
)


class ReplayArrays(NamedTuple):
    """The arrays of `Replay`, and the `tree` of its priorities.

    `tree`: float64 array (2P,), P a power of two: the sum of the priorities under each node; node
    1 is the root and the leaves begin at P.
    """

    state: CountArray
    action: CountArray
    following: CountArray
    reward: FloatArray
    last: BoolArray
    priority: FloatArray
    tree: FloatArray


class ReplaySettings(NamedTuple):
    """The numbers of `DemonstrationConfig` and `QLearningConfig` that replay depends on."""

    alpha: float
    decay: float | None
    gamma: float
    unmet_value: float
    n_demonstrated: int
    n_step: int
    n_step_weight: float
    margin: float
    margin_weight: float
    priority_power: float
    importance_power: float
    demonstrated_bonus: float
    own_bonus: float


@njit(cache=True, nogil=True)
def sum_tree(priority: FloatArray) -> FloatArray:
    """Build the tree of sums over some priorities.

    Every node is the sum of its two children and of nothing else, so that a tree built from saved
    priorities equals, bit for bit, the one that was kept up to date.
    """
    size = 1
    while size < len(priority):
        size *= 2
    tree = np.zeros(2 * size)
    tree[size : size + len(priority)] = priority
    for node in range(size - 1, 0, -1):
        tree[node] = tree[2 * node] + tree[2 * node + 1]
    return tree


@njit(cache=True, nogil=True)
def replay_updates(
    q: FloatArray,
    visits: CountArray,
    shown: BoolArray,
    stream: npt.NDArray[np.uint64],
    replay: ReplayArrays,
    settings: ReplaySettings,
    count: int,
    n_stored: int,
) -> None:
    """Learn from some transitions, drawn by priority (Schaul et al. 2016).

    Parameters
    ----------
    q, visits : numpy.ndarray
        float64 and int64 arrays (S, A); `q` is changed in place.
    shown : numpy.ndarray
        bool array (S, A): the pairs that were demonstrated.
    stream : numpy.ndarray
        uint64 array (1,), changed in place.
    replay : ReplayArrays
        Priorities and tree are changed in place.
    settings : ReplaySettings
        Step size, margin, powers and so on.
    count : int
        Number of updates.
    n_stored : int
        Number of transitions in the replay.
    """
    for _ in range(count):
        index = draw(replay.tree, uniform(stream))
        often = n_stored * replay.priority[index] / replay.tree[1]
        # Drawn more often than by chance alone, a transition moves its value less each time.
        weight = min(1.0, often**-settings.importance_power)
        error = _learn(q, visits, replay, settings, index, weight)
        if index < settings.n_demonstrated:
            _keep_margin(q, visits, shown, replay, settings, index, weight)
        set_priority(replay, settings, index, error)


@njit(cache=True, nogil=True)
def set_priority(replay: ReplayArrays, settings: ReplaySettings, index: int, error: float) -> None:
    """Set the priority of a transition by the size of its last error, and the sums above it."""
    bonus = settings.own_bonus
    if index < settings.n_demonstrated:
        bonus = settings.demonstrated_bonus
    tree = replay.tree
    node = len(tree) // 2 + index
    tree[node] = replay.priority[index] = (abs(error) + bonus) ** settings.priority_power
    node //= 2
    while node >= 1:
        tree[node] = tree[2 * node] + tree[2 * node + 1]
        node //= 2


@njit(cache=True, nogil=True)
def draw(tree: FloatArray, number: float) -> int:
    """Give the leaf that a number in [0, 1) points at."""
    n_leaves = len(tree) // 2
    left, node = number * tree[1], 1
    while node < n_leaves:
        node *= 2
        # Rounding must not lead to an empty place.
        if left >= tree[node] and tree[node + 1] > 0.0:
            left -= tree[node]
            node += 1
    return node - n_leaves


@njit(cache=True, nogil=True)
def _learn(
    q: FloatArray,
    visits: CountArray,
    replay: ReplayArrays,
    settings: ReplaySettings,
    index: int,
    weight: float,
) -> float:
    """Move a pair's value towards its targets and give the error of one step."""
    state, action = replay.state[index], replay.action[index]
    target = _target(q, replay, settings, index, 1)
    error = target - q[state, action]
    if index < settings.n_demonstrated and settings.n_step_weight > 0.0:
        far = _target(q, replay, settings, index, settings.n_step)
        target = (target + settings.n_step_weight * far) / (1.0 + settings.n_step_weight)
    size = weight * step_size(settings.alpha, settings.decay, max(visits[state, action], 1))
    q[state, action] = (1.0 - size) * q[state, action] + size * target
    return float(error)


@njit(cache=True, nogil=True)
def _target(
    q: FloatArray, replay: ReplayArrays, settings: ReplaySettings, index: int, n_steps: int
) -> float:
    """Add up the rewards of some steps and the value of what follows them."""
    total, discount = 0.0, 1.0
    for row in range(index, index + n_steps):
        total += discount * replay.reward[row]
        discount *= settings.gamma
        following = replay.following[row]
        if following < 0:
            return float(total)
        if replay.last[row] or row == index + n_steps - 1:
            break
    if q[following, 0] != q[following, 0]:  # NaN: a demonstration was cut off there.
        return float(total + discount * settings.unmet_value)
    return float(total + discount * highest(q, following))


@njit(cache=True, nogil=True)
def _keep_margin(
    q: FloatArray,
    visits: CountArray,
    shown: BoolArray,
    replay: ReplayArrays,
    settings: ReplaySettings,
    index: int,
    weight: float,
) -> None:
    """Lower the values of untried actions to a margin below the demonstrated one."""
    state = replay.state[index]
    ceiling = q[state, replay.action[index]] - settings.margin
    size = weight * settings.margin_weight * settings.alpha
    for action in range(q.shape[1]):
        untried = visits[state, action] == 0 and not shown[state, action]
        if untried and q[state, action] > ceiling:
            q[state, action] = (1.0 - size) * q[state, action] + size * ceiling


__all__ = [
    "Replay",
    "ReplayArrays",
    "ReplaySettings",
    "draw",
    "replay_updates",
    "set_priority",
    "sum_tree",
]
