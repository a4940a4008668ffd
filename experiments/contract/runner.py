"""Runs the checks in a process of its own, which may neither hang nor take this one down."""

from __future__ import annotations

import json
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

from segue.envs.base.errors import SegueError
from segue.experiments.contract import child
from segue.experiments.contract.check import Finding
from segue.experiments.contract.suite import CHECKS, Outcome

Tell = Callable[[float, str], None]

START_SECONDS = 60.0
"""Longest time to start and to import the environment's module."""
MOST_LOSSES = 2
"""Processes that may hang or die before the rest is left."""
POLL_SECONDS = 0.2


def run_checks(
    env_id: str, options: Mapping[str, Any], seconds: float, tell: Tell | None = None
) -> list[Outcome]:
    """Check an environment in another process.

    A check that takes too long, or takes the process down, is told as a fault, and the others are
    made in a new process; after `MOST_LOSSES` of these the rest is not checked.

    Parameters
    ----------
    env_id : str
        Gymnasium id, or ``module:id``.
    options : mapping
        Keyword arguments of the environment, as JSON knows them.
    seconds : float
        Longest time of a check, > 0.
    tell : callable or None
        Told the share done and the check that is being made.

    Returns
    -------
    list of Outcome
        One a check, in the order of `CHECKS`.

    Raises
    ------
    SegueError
        If there is no such module or id, or an option names something that is not there.
    """
    done: list[Outcome] = []
    losses = 0
    while len(done) < len(CHECKS):
        if losses == MOST_LOSSES or _shut(done):
            why = _shut(done) or "two checks hung or took the process down; mend them first"
            left = CHECKS[len(done) :]
            done += [Outcome(c.name, c.demands, "not checked", reason=why) for c in left]
            break
        with tempfile.TemporaryFile() as errors:
            lost = _Process(env_id, options, len(done), errors).run(done, seconds, tell)
            if lost and len(done) < len(CHECKS):
                check = CHECKS[len(done)]
                losses += 1
                said = Finding("error", lost)
                done.append(Outcome(check.name, check.demands, "failed", (said,)))
    return done


def _shut(done: list[Outcome]) -> str:
    gates = {check.name for check in CHECKS if check.gate}
    failed = [one.name for one in done if one.name in gates and one.status == "failed"]
    return f"mend {failed[0]!r} first" if failed else ""


class _Process:
    """One process and the thread that listens to it."""

    def __init__(
        self, env_id: str, options: Mapping[str, Any], first: int, errors: IO[bytes]
    ) -> None:
        self.errors = errors
        self.heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.process = child.start("segue.experiments.contract.worker", errors)
        job = {"env": env_id, "options": dict(options), "first": first}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.heard.put(line)
        self.heard.put("")

    def run(self, done: list[Outcome], seconds: float, tell: Tell | None) -> str:
        """Add what it finds to `done`; why it was lost, empty where it was not."""
        try:
            deadline = time.monotonic() + START_SECONDS
            answer: dict[str, Any] = {}
            while True:
                line = self._next(deadline)
                if line is None:
                    return (
                        f"it did not end within {seconds:g} seconds and was stopped; look for a "
                        "loop or a wait without end, or allow more with --seconds."
                    )
                if not line:
                    return "" if self._whole(done) else self._death(answer)
                answer = json.loads(line)
                if "refused" in answer:
                    raise SegueError(answer["refused"])
                if "outcome" in answer:
                    done.append(_outcome(answer["outcome"]))
                deadline = time.monotonic() + seconds
                if tell and len(done) < len(CHECKS):
                    tell(len(done) / len(CHECKS), CHECKS[len(done)].name)
        finally:
            child.end(self.process)
            self.listener.join()

    def _next(self, deadline: float) -> str | None:
        """Next line; empty where it has ended, None where it is too late."""
        while time.monotonic() < deadline:
            try:
                return self.heard.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
        return None

    def _whole(self, done: list[Outcome]) -> bool:
        return len(done) == len(CHECKS) or bool(_shut(done))

    def _death(self, answer: Mapping[str, Any]) -> str:
        code = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read()[-4000:].decode(errors="replace").strip().splitlines()
        if not answer:
            raise RuntimeError("the process of the checks did not start: " + " ".join(lines[-3:]))
        said = f" ({lines[-1].strip().rstrip('.')})" if lines else ""
        return f"it ended the whole process, exit status {code}{said}; never end it in an env."


def _outcome(record: dict[str, Any]) -> Outcome:
    findings = tuple(Finding(**one) for one in record.pop("findings"))
    return Outcome(**record, findings=findings)
