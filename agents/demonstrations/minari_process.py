"""The child process that reads Minari's HDF5 files: one for many, started again if it dies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load

from segue.envs.base.errors import SegueError
from segue.envs.base.reader_process import ReaderError, ReaderProcess

SECONDS = 60
"""That reading a file may take."""
MOST_TOTAL_BYTES = 576 << 20
"""Of the answers to a job: what the worker reads at most, and what they are wrapped in."""

Arrays = dict[str, npt.NDArray[Any]]


class EpisodeProcess(ReaderProcess):
    """Reads files in a child process; it is dead when the ``with`` block ends.

    Parameters
    ----------
    seconds : int
        That a file may take.
    """

    def __init__(self, seconds: int = SECONDS) -> None:
        super().__init__(
            "segue.agents.demonstrations.minari_worker", (seconds,), seconds, MOST_TOTAL_BYTES
        )

    def read(self, path: Path) -> list[Arrays]:
        """Read the episodes of a file.

        Parameters
        ----------
        path : Path
            Minari's ``main_data.hdf5``.

        Returns
        -------
        list of dict of str to ndarray
            As `segue.agents.demonstrations.minari_worker.episodes_of` gives them.

        Raises
        ------
        SegueError
            If it cannot be read, or reading it crashed or took too long.
        """
        try:
            return [load(part) for part in self.parts(os.fsencode(path.absolute()))]
        except ReaderError as error:
            if str(error):
                raise SegueError(str(error)) from None
            said = (
                f"took longer than {self.seconds:g} s to read" if error.late else "cannot be read"
            )
            raise SegueError(f"{path} {said}; it may be damaged, give another.") from None
        except SafetensorError as error:
            raise SegueError(f"{path} cannot be read; it may be damaged, give another.") from error


__all__ = ["Arrays", "EpisodeProcess"]
