"""The greedy policy of a table of action values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segue.agents.tabular.array_file import read_arrays, write_arrays
from segue.envs.base.errors import SegueError

_KIND = "segue.greedy_policy.v2"


@dataclass(frozen=True, eq=False)
class GreedyPolicy:
    """Takes the action of highest value; ties go to the lowest index.

    Parameters
    ----------
    q : numpy.ndarray
        float64 array (S, A): action values; minus infinity for illegal actions, NaN in rows of
        states that nothing is known of (there the lowest legal action is taken).
    """

    q: npt.NDArray[np.float64]

    def act(self, state: int, mask: npt.NDArray[np.generic] | None = None) -> int:
        """Choose an action.

        Parameters
        ----------
        state : int
            Row of the table, in [0, S); an env's ``state_index(observation)``.
        mask : numpy.ndarray, optional
            Bool or int8 array (A,): the actions that are allowed now.

        Returns
        -------
        int
            Action in [0, A).

        Raises
        ------
        SegueError
            If the mask allows nothing.
        """
        row = np.nan_to_num(self.q[state], nan=-np.inf, posinf=np.inf, neginf=-np.inf)
        if mask is None:
            return int(np.argmax(row))
        allowed = np.flatnonzero(mask)
        if not len(allowed):
            raise SegueError(f"The mask of state {state} allows no action; allow at least one.")
        return int(allowed[np.argmax(row[allowed])])

    def actions(self) -> npt.NDArray[np.int32]:
        """Give the unmasked choice in every state: int32 array (S,), each in [0, A)."""
        known = np.where(np.isnan(self.q), -np.inf, self.q)
        return np.asarray(known.argmax(axis=1), np.int32)

    def save(self, path: Path) -> None:
        """Write the policy as one safetensors file, atomically.

        Parameters
        ----------
        path : pathlib.Path
            File to write or to replace; its folder must exist.
        """
        write_arrays(path, _KIND, {"q": self.q}, {})

    @classmethod
    def load(cls, path: Path) -> GreedyPolicy:
        """Read a policy that `save` wrote.

        Parameters
        ----------
        path : pathlib.Path
            The file.

        Returns
        -------
        GreedyPolicy
            Equal to the saved one, bit for bit.

        Raises
        ------
        SegueError
            If the file is missing, damaged or something else.
        """
        arrays, _ = read_arrays(path, _KIND, "a greedy policy")
        return cls(arrays["q"])


__all__ = ["GreedyPolicy"]
