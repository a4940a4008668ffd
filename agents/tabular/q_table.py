"""What tabular Q-learning has learnt so far: enough to go on exactly where it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.agents.tabular.array_file import read_arrays, write_arrays
from segue.agents.tabular.policy import GreedyPolicy
from segue.agents.tabular.q_learning_config import Method
from segue.agents.tabular.random_stream import new_stream
from segue.envs.base.errors import SegueError

_KIND = "segue.q_table.v2"
_ARRAYS = ("q", "visits", "second", "second_visits", "stream", "curve")


@dataclass(frozen=True, eq=False)
class QTable:
    """State of a run of Q-learning over S states and A actions.

    The trainers change the arrays in place and hand out a new record with the new counts; whoever
    keeps one while training goes on takes a `copy`.

    Parameters
    ----------
    q : numpy.ndarray
        float64 array (S, A): action values; NaN in the row of a state that was never met, minus
        infinity for an illegal action of a state that was.
    visits : numpy.ndarray
        int64 array (S, A): how often each pair was learnt from by playing it.
    second : numpy.ndarray
        float64 array (S, A): the second table of double Q-learning, like `q`; (0, A) without.
    second_visits : numpy.ndarray
        int64 array of the shape of `second`: how many of the visits changed the second table.
    stream : numpy.ndarray
        uint64 array (1,): state of the random stream.
    curve : numpy.ndarray
        float64 array (C,): mean undiscounted return of each finished chunk of episodes.
    episodes : int
        Episodes played so far.
    steps : int
        Transitions played so far.
    settled : bool
        Whether a greedy episode with ``alpha = 1`` changed nothing, so that in a deterministic
        task every later episode would be the same one.
    """

    q: npt.NDArray[np.float64]
    visits: npt.NDArray[np.int64]
    second: npt.NDArray[np.float64]
    second_visits: npt.NDArray[np.int64]
    stream: npt.NDArray[np.uint64]
    curve: npt.NDArray[np.float64]
    episodes: int = 0
    steps: int = 0
    settled: bool = False

    @classmethod
    def empty(cls, n_states: int, n_actions: int, seed: int, method: Method = "q") -> QTable:
        """Give the table of a run that has not begun.

        Parameters
        ----------
        n_states, n_actions : int
            S and A, both positive.
        seed : int
            Seed of the random stream, non-negative.
        method : str
            Of `QLearningConfig`; ``"double-q"`` has a second table.

        Returns
        -------
        QTable
            No state met, no episode played.
        """
        n_second = n_states if method == "double-q" else 0
        return cls(
            q=np.full((n_states, n_actions), np.nan),
            visits=np.zeros((n_states, n_actions), np.int64),
            second=np.full((n_second, n_actions), np.nan),
            second_visits=np.zeros((n_second, n_actions), np.int64),
            stream=new_stream(seed),
            curve=np.zeros(0),
        )

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Action values to act by, float64 array (S, A): `q`, or the mean of both tables."""
        return 0.5 * (self.q + self.second) if len(self.second) else self.q

    def policy(self) -> GreedyPolicy:
        """Give the greedy policy; it shares `q` where that is the only table."""
        return GreedyPolicy(self.values)

    def copy(self) -> QTable:
        """Give a record whose arrays are its own."""
        return replace(self, **{name: getattr(self, name).copy() for name in _ARRAYS})

    def save(self, path: Path) -> None:
        """Write the table as one safetensors file, atomically.

        Parameters
        ----------
        path : pathlib.Path
            File to write or to replace; its folder must exist.
        """
        write_arrays(path, _KIND, self.arrays(), self.counts())

    @classmethod
    def load(cls, path: Path) -> QTable:
        """Read a table that `save` wrote.

        Parameters
        ----------
        path : pathlib.Path
            The file.

        Returns
        -------
        QTable
            Equal to the saved one, bit for bit.

        Raises
        ------
        SegueError
            If the file is missing, damaged or something else.
        """
        return cls.of_file(path, *read_arrays(path, _KIND, "a Q-table"))

    @classmethod
    def of_file(
        cls, path: Path, arrays: Mapping[str, npt.NDArray[Any]], counts: Mapping[str, Any]
    ) -> QTable:
        """Make a table of what a file holds, named as the fields are.

        Raises
        ------
        SegueError
            If no training makes such a table. Compiled code would read and write beside one.
        """
        try:
            table = cls(**arrays, **counts)  # type: ignore[arg-type]
            _check(table)
        except (TypeError, ValueError) as error:
            raise SegueError(
                f"{path} holds no Q-table ({error}); name a file that segue saved."
            ) from error
        return table

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Give the arrays by their names, not copied."""
        return {name: getattr(self, name) for name in _ARRAYS}

    def counts(self) -> dict[str, int]:
        """Give the other fields by their names."""
        return {"episodes": self.episodes, "steps": self.steps, "settled": self.settled}


def _check(table: QTable) -> None:
    n_states, n_actions = table.q.shape
    n_second = len(table.second)
    layouts = {
        "q": (np.float64, (n_states, n_actions)),
        "visits": (np.int64, (n_states, n_actions)),
        "second": (np.float64, (n_states if n_second else 0, n_actions)),
        "second_visits": (np.int64, (n_states if n_second else 0, n_actions)),
        "stream": (np.uint64, (1,)),
        "curve": (np.float64, (table.curve.size,)),
    }
    for name, (dtype, shape) in layouts.items():
        array = getattr(table, name)
        if array.dtype != dtype or array.shape != shape:
            raise ValueError(f"{name} is {array.dtype} {array.shape}")
    visits = (table.visits, table.second_visits)
    if not n_actions or not table.stream[0] or any((count < 0).any() for count in visits):
        raise ValueError("a count or the random stream has an impossible value")
    for values in (table.q, table.second) if n_second else (table.q,):
        unknown = np.isnan(values)
        # A row is met whole, and in both tables at once.
        if (unknown != np.isnan(table.q[:, :1])).any() or np.isposinf(values).any():
            raise ValueError("a row of values is known in part, or endless")
    counts = (table.episodes, table.steps)
    if any(type(count) is not int or count < 0 for count in counts):
        raise ValueError(f"{counts} episodes and steps")
    if type(table.settled) is not bool:
        raise ValueError(f"settled is {table.settled!r}")


__all__ = ["QTable"]
