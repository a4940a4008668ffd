"""A deterministic finite Markov decision process as four tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError


@dataclass(frozen=True, eq=False)
class TransitionModel:
    """A deterministic finite MDP with S states and A actions.

    Only the entries with ``legal[s, a]`` have a meaning; the others may hold anything that
    passes the checks. A state that is entered only by terminal transitions needs no legal action.
    The arrays are shared, not copied: treat them as read-only.

    Parameters
    ----------
    start : int
        State in which every episode begins, ``0 <= start < S``.
    next_state : numpy.ndarray
        int32 array (S, A): the state reached from state ``s`` by action ``a``, ``0 <= . < S``.
    reward : numpy.ndarray
        float64 array (S, A): the reward of that transition, finite where legal.
    legal : numpy.ndarray
        bool array (S, A): whether the action may be taken in that state.
    terminal : numpy.ndarray
        bool array (S, A): whether that transition ends the episode (nothing is earned after it).
    horizon : int
        Length of every episode in steps, where they are all of one length; else 0.

    Raises
    ------
    SegueError
        If shapes, dtypes or ranges do not agree, or if the start has no legal action.
    """

    start: int
    next_state: npt.NDArray[np.int32]
    reward: npt.NDArray[np.float64]
    legal: npt.NDArray[np.bool_]
    terminal: npt.NDArray[np.bool_]
    horizon: int = 0

    def __post_init__(self) -> None:
        self._check_arrays()
        self._check_ranges()

    @property
    def n_states(self) -> int:
        """Number of states, S."""
        return int(self.next_state.shape[0])

    @property
    def n_actions(self) -> int:
        """Number of actions, A."""
        return int(self.next_state.shape[1])

    def _check_arrays(self) -> None:
        expected = {"next_state": "int32", "reward": "float64", "legal": "bool", "terminal": "bool"}
        shape = np.shape(self.next_state)
        if len(shape) != 2 or 0 in shape:
            raise SegueError(
                f"TransitionModel.next_state has shape {shape}; give a non-empty (S, A) array."
            )
        for name, dtype in expected.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.dtype(dtype):
                raise SegueError(
                    f"TransitionModel.{name} is {array.dtype} {array.shape}; "
                    f"give a {dtype} array of shape {shape}."
                )

    def _check_ranges(self) -> None:
        n_states = self.n_states
        if not 0 <= self.start < n_states:
            raise SegueError(
                f"TransitionModel.start is {self.start}; give a state in [0, {n_states})."
            )
        if self.next_state.min() < 0 or self.next_state.max() >= n_states:
            raise SegueError(
                f"TransitionModel.next_state leaves [0, {n_states}); number every state in range."
            )
        if not np.isfinite(self.reward[self.legal]).all():
            raise SegueError(
                "TransitionModel.reward is not finite at a legal pair; give finite rewards."
            )
        goes_on = self.legal & ~self.terminal
        has_action: npt.NDArray[np.bool_] = np.any(self.legal, axis=1)
        if not has_action[self.start]:
            raise SegueError(
                f"TransitionModel.start {self.start} has no legal action; allow at least one."
            )
        if not has_action[self.next_state[goes_on]].all():
            raise SegueError(
                "TransitionModel has a transition into a state without a legal action; "
                "mark that transition terminal or allow an action there."
            )


@runtime_checkable
class TabularEnv(Protocol):
    """What the unwrapped env of a tabular task offers beside Gymnasium's methods."""

    def transition_model(self) -> TransitionModel:
        """Give the dynamics and rewards as tables."""
        ...

    def state_index(self, observation: object) -> int:
        """Give the state (a row of the tables) that an observation of this env stands for."""
        ...


__all__ = ["TabularEnv", "TransitionModel"]
