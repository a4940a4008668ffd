"""What tabular Q-learning has learnt so far: enough to go on exactly where it stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from segue.agents.tabular.random_stream import new_stream
from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError

_KIND = "segue.q_table.v1"


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
        int64 array (S, A): how often each pair was taken.
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
    stream: npt.NDArray[np.uint64]
    curve: npt.NDArray[np.float64]
    episodes: int = 0
    steps: int = 0
    settled: bool = False

    @classmethod
    def empty(cls, n_states: int, n_actions: int, seed: int) -> QTable:
        """Give the table of a run that has not begun.

        Parameters
        ----------
        n_states, n_actions : int
            S and A, both positive.
        seed : int
            Seed of the random stream, non-negative.

        Returns
        -------
        QTable
            No state met, no episode played.
        """
        return cls(
            q=np.full((n_states, n_actions), np.nan),
            visits=np.zeros((n_states, n_actions), np.int64),
            stream=new_stream(seed),
            curve=np.zeros(0),
        )

    def copy(self) -> QTable:
        """Give a record whose arrays are its own."""
        arrays = (self.q.copy(), self.visits.copy(), self.stream.copy(), self.curve.copy())
        return QTable(*arrays, self.episodes, self.steps, self.settled)

    def save(self, path: Path) -> None:
        """Write the table as one safetensors file, atomically.

        Parameters
        ----------
        path : pathlib.Path
            File to write or to replace; its folder must exist.
        """
        arrays = {name: getattr(self, name) for name in ("q", "visits", "stream", "curve")}
        counts = {"episodes": self.episodes, "steps": self.steps, "settled": self.settled}
        with atomic_path(path) as temporary:
            save_file(arrays, temporary, metadata={"kind": _KIND, "counts": json.dumps(counts)})

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
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                if metadata.get("kind") != _KIND:
                    raise SegueError(f"{path} is not a Q-table; name a file saved by QTable.save.")
                counts = json.loads(metadata["counts"])
                arrays = {
                    name: file.get_tensor(name) for name in ("q", "visits", "stream", "curve")
                }
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise SegueError(
                f"{path} cannot be read as a Q-table ({error}); name an undamaged file."
            ) from error
        return cls(**arrays, **counts)


__all__ = ["QTable"]
