"""The child process that parses MIDI: one for many files, started again if it dies."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from segue.envs.music.corpus.gate import DEFAULT_LIMITS, Limits, NotationError

_START_SECONDS = 60.0
_LARGEST_ANSWER = 64 * 2**20
# Isolated from the working folder, where anybody may have put a module; the same modules as here.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from segue.envs.music.corpus.midi_worker import main; main(int(sys.argv[2]), int(sys.argv[3]))"
)


class MidiProcess:
    """Parses MIDI files in a child process; it is dead when the ``with`` block ends.

    The child starts with the first file. It has no right to more memory than `Limits.memory`
    beyond its own (on Windows and macOS, which have no such limit, the caps on bytes and notes
    alone hold), and is killed when a file takes longer than `Limits.seconds`.

    Parameters
    ----------
    limits : Limits
        `memory`, `seconds` and `events` are heeded.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._listener: threading.Thread | None = None

    def parse(self, data: bytes, source: str) -> dict[str, Any]:
        """Parse a file.

        Parameters
        ----------
        data : bytes
            The file.
        source : str
            Its name, for messages.

        Returns
        -------
        dict
            As `segue.envs.music.corpus.midi_worker` writes it.

        Raises
        ------
        NotationError
            If it is no MIDI file, or parsing it crashed or took too long.
        """
        if not data.startswith((b"MThd", b"RIFF")):
            raise NotationError(f"{source} is no MIDI file, whatever its name says; export it.")
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(OSError):  # If it has died, the missing answer says so.
            self._process.stdin.write(len(data).to_bytes(8, "big") + data)
            self._process.stdin.flush()
        answer = self._receive(self._limits.seconds, source)
        if "error" in answer:
            raise NotationError(
                f"{source} cannot be read as MIDI ({answer['error']}); export it again."
            )
        return answer

    def _start(self) -> None:
        # What is no path is the mark of an import hook, and goes as it is.
        paths = [str(Path(p).absolute()) if Path(p).exists() else p for p in sys.path]
        limits = (str(self._limits.memory), str(self._limits.events))
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM, json.dumps(paths), *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        self._answers = queue.SimpleQueue()
        assert self._process.stdout is not None
        self._listener = threading.Thread(
            target=_listen, args=(self._process.stdout, self._answers), daemon=True
        )
        self._listener.start()
        self._receive(_START_SECONDS, "The process that reads MIDI")

    def _receive(self, seconds: float, source: str) -> dict[str, Any]:
        """Wait for the next answer; a process that gives none is ended."""
        try:
            data = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.close()
            raise NotationError(
                f"{source} took longer than {seconds:g} s to read as MIDI; export it again."
            ) from None
        if not data:
            self.close()
            raise NotationError(f"{source} made the MIDI parser crash; export it again.")
        answer: dict[str, Any] = json.loads(data)
        return answer

    def close(self) -> None:
        """Kill and reap the child."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if self._listener is not None:
            self._listener.join()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(OSError):  # Closing flushes what a dead child has not read.
                pipe.close()

    def __enter__(self) -> MidiProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _listen(pipe: IO[bytes], answers: queue.SimpleQueue[bytes]) -> None:
    """Pass on answers; an empty one when there will be no more."""
    while len(head := pipe.read(8)) == 8:
        length = int.from_bytes(head, "big")
        # The child has read hostile bytes; it is not trusted with this process's memory either.
        if length > _LARGEST_ANSWER or len(data := pipe.read(length)) < length:
            break
        answers.put(data)
    answers.put(b"")
