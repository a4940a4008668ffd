"""Workers as child processes that can neither be left behind nor leave anything."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from segue.envs.base.errors import SegueError

_POLL_SECONDS = 0.2  # a blocking get cannot be interrupted by Ctrl-C on Windows


class WorkerError(SegueError):
    """A job failed or its worker died.

    Attributes
    ----------
    worker_trace : str
        The worker's traceback, empty where there is none.
    died : str
        What to say of a worker that ended with an exit status.
    """

    died = "A worker ended unexpectedly (exit status {status})."

    def __init__(self, message: str, worker_trace: str = "") -> None:
        super().__init__(message)
        self.worker_trace = worker_trace


class RenderError(WorkerError):
    """Rendering failed."""

    died = (
        "A render worker ended unexpectedly (exit status {status}); if memory ran out, "
        "render with fewer workers or a smaller picture."
    )


class _Worker:
    """One child process and a thread that listens to it."""

    def __init__(
        self, module: str, folder: Path, name: str, heard: queue.SimpleQueue[tuple[_Worker, str]]
    ) -> None:
        self.log = folder / f"{name}.log"
        self.job: int | None = None
        # The same modules as here, wherever they come from; the folder is empty of modules.
        paths = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
                encoding="utf-8",
            )
        self._listener = threading.Thread(target=self._listen, args=(heard,), daemon=True)
        self._listener.start()

    def _listen(self, heard: queue.SimpleQueue[tuple[_Worker, str]]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            heard.put((self, line))
        heard.put((self, ""))

    def send(self, job: int, line: str) -> None:
        """Hand over a job."""
        self.job = job
        assert self.process.stdin is not None
        with suppress(OSError):  # If it has died, the listener says so, with the reason.
            self.process.stdin.write(line)
            self.process.stdin.flush()

    def end(self) -> None:
        """Kill and reap."""
        self.process.kill()
        self.process.wait()
        self._listener.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(OSError):  # Closing flushes what a dead worker has not read.
                pipe.close()


class WorkerPool:
    """Runs jobs in child processes; every child is dead when the ``with`` block ends.

    Parameters
    ----------
    workers : int
        How many processes, >= 1.
    folder : Path
        An empty folder for their logs.
    module : str
        What a worker runs: a module whose main part is `worker_loop.serve`.
    failure : type of WorkerError
        What is raised when a job fails.
    """

    def __init__(
        self,
        workers: int,
        folder: Path,
        module: str = "segue.envs.film.segment_worker",
        failure: type[WorkerError] = RenderError,
    ) -> None:
        self._failure = failure
        self._heard: queue.SimpleQueue[tuple[_Worker, str]] = queue.SimpleQueue()
        self._workers: list[_Worker] = []
        try:
            for number in range(workers):
                self._workers.append(_Worker(module, folder, f"worker{number}", self._heard))
        except BaseException:
            self.close()
            raise

    def start(self, lines: Sequence[str]) -> None:
        """Start the first jobs; `finish` does the rest."""
        self._lines = lines
        self._waiting = list(range(len(lines)))
        for worker in self._workers:
            self._give(worker)

    def finish(self, report: Callable[[int, int], None]) -> None:
        """Wait for all jobs.

        Parameters
        ----------
        report : callable
            Told ``(job, frames)`` whenever a job has got further.

        Raises
        ------
        WorkerError
            Of the kind given, if a job failed or a worker died.
        """
        left = len(self._lines)
        while left:
            try:
                worker, line = self._heard.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if worker.job is None:
                continue
            answer = self._answer(worker, line)
            if "frames" in answer:
                report(worker.job, answer["frames"])
            else:
                left -= 1
                self._give(worker)

    def _answer(self, worker: _Worker, line: str) -> dict[str, Any]:
        """Read what a worker said; raise if it is bad news."""
        if not line:
            code = worker.process.wait()
            log = worker.log.read_text(encoding="utf-8", errors="replace").strip()
            raise self._failure(self._failure.died.format(status=code), log)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise self._failure(answer["error"], answer["trace"])
        return answer

    def _give(self, worker: _Worker) -> None:
        """Hand the next job to an idle worker."""
        worker.job = None
        if self._waiting:
            job = self._waiting.pop(0)
            worker.send(job, self._lines[job])

    def close(self) -> None:
        """Kill and reap every worker."""
        for worker in self._workers:
            worker.end()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
