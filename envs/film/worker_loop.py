"""What every worker process does: jobs in, answers out, and no outliving the process it serves.

Jobs are JSON lines on its input; it answers each with JSON lines on its output::

    -> {"frames": 1} ... {"frames": 96} {"done": true}   or   {"error": "...", "trace": "..."}

When its input ends, because the process that started it closed it or was killed, the worker ends
at once, whatever it is doing.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import IO, Any

from segue.envs.base.errors import SegueError

Report = Callable[[int], None]
"""Called with the frames of a job that are done."""


def serve(work: Callable[[dict[str, Any], Report], None], what: str) -> None:
    """Work until the input ends.

    Parameters
    ----------
    work : callable
        Does a job.
    what : str
        Its name in the message about an error that is not the user's, such as "rendering".
    """
    # Ctrl-C reaches the whole process group; who started the workers decides what becomes of them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Libraries may print; the answers get a descriptor of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_watch, args=(jobs,), daemon=True).start()
    while True:
        _answer(json.loads(jobs.get()), work, what, answers)


def _watch(jobs: queue.SimpleQueue[str]) -> None:
    """Queue the jobs; end the process when the input ends."""
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)


def _answer(
    job: dict[str, Any],
    work: Callable[[dict[str, Any], Report], None],
    what: str,
    answers: IO[str],
) -> None:
    """Do one job and answer."""

    def report(count: int) -> None:
        print(json.dumps({"frames": count}), file=answers)

    try:
        work(job, report)
        answer: dict[str, Any] = {"done": True}
    except SegueError as error:
        answer = {"error": str(error), "trace": ""}
    except Exception as error:
        said = f"{what} failed with {type(error).__name__} ({error})"
        answer = {"error": said, "trace": traceback.format_exc()}
    print(json.dumps(answer), file=answers)
