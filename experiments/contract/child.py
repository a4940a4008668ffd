"""Processes in which an environment of others is played, so that nothing it does reaches here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import IO


def command(module: str) -> list[str]:
    """Command line of a process that runs ``main`` of a module with this one's import path.

    Python itself would put the current folder before it, where other modules may lie.
    """
    start = f"import sys; sys.path[:] = sys.argv[1:]; from {module} import main; main()"
    return [sys.executable, "-c", start, *sys.path]


def start(
    module: str, errors: IO[bytes], leads: bool = True, **environment: str
) -> subprocess.Popen[str]:
    """Start such a process, talking through pipes.

    Parameters
    ----------
    module : str
        Has ``main``.
    errors : binary file
        Takes what it writes to stderr.
    leads : bool
        Whether it heads a group of its own, all of which `end` kills; False for the child of one
        that does.
    environment : str
        Variables that differ.
    """
    return subprocess.Popen(
        command(module),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env={**os.environ, **environment},
        encoding="utf-8",
        start_new_session=leads,  # Windows has none and takes no notice.
    )


def end(process: subprocess.Popen[str]) -> None:
    """Kill a process with all that it has started, and reap it."""
    with suppress(OSError):
        if sys.platform == "win32" or os.getpgid(process.pid) != process.pid:
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # Closing flushes what a dead process has not read.
                pipe.close()
