"""The engine of a sweep on this machine: each run in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

from segue.envs.base.errors import SegueError
from segue.experiments.sweep_plan import Run
from segue.experiments.sweep_run import run_one

RETRIES = 3
"""How often a run whose process was killed is gone on with."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_PRELOADED = ("segue.experiments.sweep_run", "segue.experiments.train", "torch._dynamo")
"""What every run imports, the last one when it makes its optimiser."""

Done = Callable[[Run], None]


@dataclass(frozen=True)
class _Working:
    """A process at a run, what it says, and how many were killed at the run before it."""

    run: Run
    process: BaseProcess
    said: Connection
    killed: int


def run_local(runs: Sequence[Run], workers: int, done: Done) -> None:
    """Make all runs.

    Each has a process of its own, forked where the system can from one that has imported
    everything, so that it starts at once and shares that memory. A process that is killed costs
    one retry from the run's checkpoint. None outlives this one, even if this one is killed.

    Parameters
    ----------
    runs : sequence of Run
        What to make, the first ones first.
    workers : int
        Processes at a time, >= 1.
    done : callable
        Told each run that has ended.

    Raises
    ------
    SegueError
        If a run's process was killed more than `RETRIES` times, or says that it cannot go on.
    """
    context = _context()
    waiting = deque((run, 0) for run in runs)
    working: dict[int, _Working] = {}
    try:
        while waiting or working:
            while waiting and len(working) < workers:
                one = _start(context, *waiting.popleft())
                working[one.process.sentinel] = one
            for sentinel in wait(list(working)):
                assert isinstance(sentinel, int)
                one = working.pop(sentinel)
                if _ended_well(one):
                    done(one.run)
                else:
                    waiting.appendleft((one.run, one.killed + 1))
    finally:
        for one in working.values():
            one.process.kill()
            _close(one)


def _context() -> BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    for name in _THREADS:
        os.environ.setdefault(name, "1")  # One thread a process; read when NumPy is imported.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    return context


def _start(context: BaseContext, run: Run, killed: int) -> _Working:
    said, saying = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(run, saying), name=run.name)  # type: ignore[attr-defined]
    process.start()
    saying.close()
    return _Working(run, process, said, killed)


def _work(run: Run, saying: Connection) -> None:
    """Make a run in a process of its own; say what ended it if it was not the run's end."""
    # Ctrl-C reaches the whole process group; the process that started this one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        run_one(run)
    except SegueError as error:
        saying.send_bytes(str(error).encode())


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _ended_well(one: _Working) -> bool:
    """Tell whether a process that has ended has made its run."""
    one.process.join()
    status, message = one.process.exitcode, ""
    if one.said.poll():
        try:
            message = one.said.recv_bytes().decode()
        except EOFError:  # What a pipe without a writer gives.
            message = ""
    _close(one)
    if message:
        raise SegueError(message)
    if status == 0:
        return True
    if one.killed >= RETRIES:
        raise SegueError(
            f"The run {one.run.path} ended unexpectedly {RETRIES + 1} times (exit status "
            f"{status}); if memory ran out, resume the sweep with fewer workers."
        )
    return False


def _close(one: _Working) -> None:
    one.process.join()
    one.process.close()
    one.said.close()
