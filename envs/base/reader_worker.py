"""The child's side of `segue.envs.base.reader_process`: answers jobs under limits.

Jobs and answers are a length (eight bytes, big-endian) and that many bytes. An answer is a kind,
one of `PART`, `END` and `ERROR`, and what it holds: a piece of what was read, nothing, or a reason.
Each job is answered by its parts, then an end; or by an error at any point.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from segue.envs.base.errors import SegueError

PART, END, ERROR = b"p", b".", b"x"


def serve(read: Callable[[bytes], Iterator[bytes]], memory: int, seconds: int) -> None:
    """Answer jobs until the input ends.

    Parameters
    ----------
    read : callable
        Yields the parts of a job's answer; a `SegueError` holds the reason where there is none.
        Anything else that it raises ends the process.
    memory : int
        Bytes that may be allocated beyond what is in use at the start.
    seconds : int
        Processor time of a job, in case that nobody is left to end it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A library may print; the answers get a descriptor of their own.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs = sys.stdin.buffer
    _limit_memory(memory)
    _send(answers, END)
    while len(head := jobs.read(8)) == 8:
        _limit_time(seconds)
        try:
            for part in read(jobs.read(int.from_bytes(head, "big"))):
                _send(answers, PART, part)
            _send(answers, END)
        except SegueError as error:
            _send(answers, ERROR, str(error).encode("utf-8", "replace"))


def _send(answers: IO[bytes], kind: bytes, data: bytes = b"") -> None:
    answers.write((1 + len(data)).to_bytes(8, "big") + kind + data)
    answers.flush()


def _limit_memory(memory: int) -> None:
    """Cap the address space, where the system can (not on Windows and macOS)."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
        # A crash is expected here and leaves no picture of itself behind.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(seconds: int) -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))
