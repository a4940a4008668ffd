"""What one environment gives to the three faces, and the buffers that they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.base.errors import SegueError

Observation: TypeAlias = "npt.NDArray[Any] | dict[str, npt.NDArray[Any]]"


@dataclass(frozen=True)
class Bound:
    """The best return that an episode can have.

    Attributes
    ----------
    value : float
        The return.
    exact : bool
        True for the optimum itself, False for an upper bound of it.
    """

    value: float
    exact: bool


@dataclass(frozen=True)
class Batch:
    """State and latest outcome of `n` environments side by side; overwritten in place.

    Attributes
    ----------
    reward : ndarray (n,) float64
        Reward of the last step.
    terms : ndarray (k, n) float64
        Weighted value of each reward term in the last step; they add up to `reward`.
    terminated : ndarray (n,) bool
        The episode is over.
    mask : ndarray (n, m) int8
        1 for each legal action (for a `MultiDiscrete` action: the masks of its dimensions, one
        after the other). Read-only where it never changes.
    observation : ndarray (n, ...) or dict of them
        What the agent sees.
    """

    reward: npt.NDArray[np.float64]
    terms: npt.NDArray[np.float64]
    terminated: npt.NDArray[np.bool_]
    mask: npt.NDArray[np.int8]
    observation: Observation

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Every array of the batch that may change, by name, for checkpoints."""
        found: dict[str, npt.NDArray[Any]] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            parts = value.items() if isinstance(value, dict) else [("", value)]
            for key, part in parts:
                if isinstance(part, np.ndarray) and part.flags.writeable:
                    found[f"{field.name}.{key}" if key else field.name] = part
        return found


class Advice(ABC):
    """What a solver says in k situations."""

    @property
    @abstractmethod
    def actions(self) -> npt.NDArray[np.int64]:
        """What it would do in each, (k,) or (k, parts)."""

    @abstractmethod
    def values(self, path: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], ...]:
        """Worth of each choice of each part of an action, the parts before it as in `path`.

        Parameters
        ----------
        path : ndarray (k,) or (k, parts) int64
            Legal actions.

        Returns
        -------
        tuple of ndarray (k, choices of the part) float64
            -inf where illegal.
        """


B = TypeVar("B", bound=Batch)


class Task(ABC, Generic[B]):
    """The rules, rewards and observations of one environment, on batches.

    Attributes
    ----------
    observation_space, action_space : gymnasium.Space
        Of one environment.
    term_names : tuple of str
        Reward terms, in the order of `Batch.terms`.
    """

    observation_space: spaces.Space[Any]
    action_space: spaces.Discrete | spaces.MultiDiscrete
    term_names: tuple[str, ...]

    @abstractmethod
    def allocate(self, count: int) -> B:
        """Make the buffers of `count` environments."""

    @abstractmethod
    def begin(self, batch: B, rows: npt.NDArray[np.int64], draws: npt.NDArray[np.uint64]) -> None:
        """Begin an episode in each of `rows` (k,), chosen by the random words `draws` (k,)."""

    @abstractmethod
    def step(self, batch: B, actions: npt.NDArray[np.int64]) -> None:
        """Take one action in every row.

        Rows whose episode is over stay as they are and earn nothing. `actions` (n,) or (n, k) is
        int64 and C-contiguous, which the faces see to.
        """

    @abstractmethod
    def bound(self, batch: B, row: int) -> Bound:
        """Best return of the episode in `row`, from its start."""

    @abstractmethod
    def greedy(self, batch: B, row: int) -> npt.NDArray[np.int64]:
        """Legal action of the greatest immediate reward in `row`: the greedy baseline."""

    def advice(self, batch: B, rows: npt.NDArray[np.int64]) -> Advice:
        """Ask a solver of the task what every action is worth in each of `rows`.

        Raises
        ------
        SegueError
            If the task has none that knows every situation.
        """
        raise SegueError(
            f"{type(self).__name__} has no expert to ask; imitate the greedy player or a corpus."
        )

    @abstractmethod
    def render(self, batch: B, row: int) -> npt.NDArray[np.uint8]:
        """Picture of the episode in `row` so far, RGB (height, width, 3)."""


class HoldsBatch(Generic[B]):
    """What the faces share: a task, a batch of a fixed size, and pickling.

    Parts of a batch are views of each other, which a pickle would tear apart; so the arrays are
    stored, and loaded into a new batch.
    """

    task: Task[B]
    batch: B

    def _hold(self, task: Task[B], count: int) -> None:
        self.task, self.batch = task, task.allocate(count)

    def __getstate__(self) -> dict[str, Any]:
        """State without the batch, but with copies of its arrays."""
        arrays = {name: array.copy() for name, array in self.batch.arrays().items()}
        kept = {name: value for name, value in vars(self).items() if name != "batch"}
        return kept | {"_arrays": arrays}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on from `__getstate__`."""
        arrays = state.pop("_arrays")
        vars(self).update(state)
        self._hold(self.task, len(arrays["reward"]))
        for name, array in self.batch.arrays().items():
            array[...] = arrays[name]
