"""A child process in which a library reads what may be hostile: one for many jobs.

A damaged file can crash a parser written in C, keep it busy, or make it ask for much memory. That
must not take the caller along.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from segue.envs.base.reader_worker import END, ERROR

if TYPE_CHECKING:
    from typing_extensions import Self

_START_SECONDS = 60.0
# Isolated from the working folder, where anybody may have put a module; the same modules as here.
_PROGRAM = (
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).main(*map(int, sys.argv[3:]))"
)


class ReaderError(Exception):
    """A job was not done; the text is the child's own reason, empty where it could give none.

    Attributes
    ----------
    late : bool
        Whether it took too long.
    """

    def __init__(self, reason: str = "", late: bool = False) -> None:
        super().__init__(reason)
        self.late = late


class ReaderProcess:
    """Hands jobs to a child process, which is dead when the ``with`` block ends.

    The child starts with the first job, and anew after one that it did not end. It has no right
    to much memory beyond its own, where the system has such a limit, and is killed when a job
    takes longer than `seconds`.

    Parameters
    ----------
    module : str
        Its ``main`` ends in `segue.envs.base.reader_worker.serve`.
    arguments : tuple of int
        Of ``main``.
    seconds : float
        That a job may take.
    most_bytes : int
        Of the answers to a job. The child has read hostile bytes; it is not trusted with this
        process's memory either.
    """

    def __init__(
        self, module: str, arguments: tuple[int, ...], seconds: float, most_bytes: int
    ) -> None:
        self._module, self._arguments = module, arguments
        self.seconds, self._most_bytes = seconds, most_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._late = False

    def parts(self, job: bytes) -> Generator[bytes, None, None]:
        """Do a job; a process whose answer is not taken to its end is killed.

        Yields
        ------
        bytes
            The parts of the answer.

        Raises
        ------
        ReaderError
            If the child gave a reason instead, died, or took too long.
        """
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(OSError):  # If it has died, the missing answer says so.
            self._process.stdin.write(len(job).to_bytes(8, "big") + job)
            self._process.stdin.flush()
        yield from self._answers(self.seconds)

    def _start(self) -> None:
        # What is no path is the mark of an import hook, and goes as it is.
        paths = [str(Path(p).absolute()) if Path(p).exists() else p for p in sys.path]
        arguments = [json.dumps(paths), self._module, *map(str, self._arguments)]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        for _ in self._answers(_START_SECONDS):
            pass

    def _answers(self, seconds: float) -> Generator[bytes, None, None]:
        process = self._process
        assert process is not None
        self._late = False
        timer = threading.Timer(seconds, self._expire, [process])
        timer.daemon = True
        timer.start()
        ended = False
        left = self._most_bytes
        try:
            while True:
                kind, data = _answer(process, left)
                left -= len(data)
                ended = kind in (END, ERROR)
                if kind == ERROR:
                    raise ReaderError(data.decode("utf-8", "replace")[:1000])
                if ended:
                    return
                yield data
        except EOFError:
            raise ReaderError(late=self._late) from None
        finally:
            timer.cancel()
            if self._late or not ended:
                self.close()

    def _expire(self, process: subprocess.Popen[bytes]) -> None:
        self._late = True
        process.kill()

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _answer(process: subprocess.Popen[bytes], most: int) -> tuple[bytes, bytes]:
    """Read one answer, its kind and what it holds; EOFError where there is none."""
    assert process.stdout is not None
    length = int.from_bytes(process.stdout.read(8), "big")
    if not 0 < length <= most + 1:
        raise EOFError
    data = process.stdout.read(length)
    if len(data) < length:
        raise EOFError
    return data[:1], data[1:]
