"""The child process that reads Minari's HDF5 files: one for many, started again if it dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load

from segue.envs.base.errors import SegueError

SECONDS = 60
"""That reading a file may take."""
MOST_TOTAL_BYTES = 576 << 20
"""Of the answers to a job: what the worker reads at most, and what they are wrapped in."""

_START_SECONDS = 60
# Isolated from the working folder, where anybody may have put a module; the same modules as here.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from segue.agents.demonstrations.minari_worker import main; main(int(sys.argv[2]))"
)

Arrays = dict[str, npt.NDArray[Any]]


class EpisodeProcess:
    """Reads files in a child process; it is dead when the ``with`` block ends.

    The child starts with the first file. It has no right to much memory beyond its own (where the
    system has such a limit), and is killed when a file takes longer than `seconds`.

    Parameters
    ----------
    seconds : int
        That a file may take.
    """

    def __init__(self, seconds: int = SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._late = False

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
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        job = os.fsencode(path.absolute())
        with suppress(OSError):  # If it has died, the missing answer says so.
            self._process.stdin.write(len(job).to_bytes(8, "big") + job)
            self._process.stdin.flush()
        return self._receive(self._seconds, f"{path}")

    def _start(self) -> None:
        # What is no path is the mark of an import hook, and goes as it is.
        paths = [str(Path(p).absolute()) if Path(p).exists() else p for p in sys.path]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM, json.dumps(paths), str(self._seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        self._receive(_START_SECONDS, "The process that reads demonstrations")

    def _receive(self, seconds: int, source: str) -> list[Arrays]:
        """Wait for the answers to a job; a process that does not end them is ended."""
        process = self._process
        assert process is not None
        self._late = False
        timer = threading.Timer(seconds, self._expire, [process])
        timer.daemon = True
        timer.start()
        episodes: list[Arrays] = []
        whole = False
        try:
            left = MOST_TOTAL_BYTES
            while True:
                kind, data = self._answer(process, left)
                left -= len(data)
                if kind == b"x":
                    whole = True
                    raise SegueError(data.decode("utf-8", "replace")[:1000])
                if kind == b".":
                    whole = True
                    return episodes
                episodes.append(load(data))
        except (EOFError, SafetensorError) as error:
            said = f"took longer than {seconds} s to read" if self._late else "cannot be read"
            raise SegueError(f"{source} {said}; it may be damaged, give another.") from error
        finally:
            timer.cancel()
            if self._late or not whole:
                self.close()

    def _expire(self, process: subprocess.Popen[bytes]) -> None:
        self._late = True
        process.kill()

    @staticmethod
    def _answer(process: subprocess.Popen[bytes], most: int) -> tuple[bytes, bytes]:
        """Read one answer, its kind and what it holds; EOFError where there is none."""
        assert process.stdout is not None
        length = int.from_bytes(process.stdout.read(8), "big")
        # The child has read hostile bytes; it is not trusted with this process's memory either.
        if not 0 < length <= most + 1:
            raise EOFError
        data = process.stdout.read(length)
        if len(data) < length:
            raise EOFError
        return data[:1], data[1:]

    def close(self) -> None:
        """Kill and reap the child."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(OSError):  # Closing flushes what a dead child has not read.
                pipe.close()

    def __enter__(self) -> EpisodeProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


__all__ = ["Arrays", "EpisodeProcess"]
