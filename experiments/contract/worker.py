"""The process that makes the checks, started by `segue.experiments.contract.runner` only.

A job is one line of JSON on its input; it answers with lines of JSON on its output::

    {"env": "Id-v0", "options": {}, "first": 0}
    -> {"begun": 0} {"outcome": {...}} {"begun": 1} ...   or   {"refused": "..."}

When its input ends, because the process that started it ended, it ends too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from typing import Any

import gymnasium as gym

import segue.envs  # noqa: F401 (registers the ids)
from segue.envs.base.errors import SegueError
from segue.envs.base.references import load_plugins, resolve_options
from segue.experiments.contract.check import Finding, Subject, raised
from segue.experiments.contract.suite import CHECKS, Outcome, examine_all

OUR_ROWS = 64
"""Rows that are compared where a vector form is built on segue's `Task`, and resets are cheap."""


def main() -> None:
    """Read the job, check, answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Who started it decides what becomes of it.
    # What an environment prints is no answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        for answer in _answers(job):
            print(json.dumps(answer), file=answers)
    except SegueError as error:
        print(json.dumps({"refused": str(error)}), file=answers)
    # Threads that an environment has left running do not hold it up.
    answers.flush()
    os._exit(0)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def _answers(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"begun": job["first"]}
    failed = find(job["env"])
    if failed is not None:
        yield {"outcome": asdict(failed)}
        yield {"unmade": True}
        return
    resolve_options(job["options"])
    subject = Subject(job["env"], job["options"])
    yield from _checked(subject, job["first"])


def _checked(subject: Subject, first: int) -> Iterator[dict[str, Any]]:
    begun: list[int] = []
    with warnings.catch_warnings():
        for outcome in examine_all(subject, CHECKS[first:], begun.append):
            yield {"outcome": asdict(outcome)}
            yield {"begun": first + begun[-1] + 1}


def find(env_id: str) -> Outcome | None:
    """Import the module of an id and look the id up; an `Outcome` if importing it fails.

    Raises
    ------
    SegueError
        If there is no such module or id.
    """
    load_plugins()
    module, _, name = env_id.rpartition(":")
    try:
        if module:
            import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module == error.name or module.startswith(f"{error.name}.")):
            return _unmade(error)
        raise SegueError(
            f"There is no module {module!r}; install it, or name its folder in PYTHONPATH."
        ) from error
    # A module of others can raise anything.
    except (Exception, SystemExit) as error:
        return _unmade(error)
    try:
        gym.spec(name)
    except gym.error.Error as error:
        where = f"{module} registers no" if module else "There is no"
        raise SegueError(
            f"{where} environment {name!r}; give an id that Gymnasium knows, or module:id for one "
            "that a module registers."
        ) from error
    return None


def _unmade(error: BaseException) -> Outcome:
    said = Finding("error", f"importing its module failed: {raised(error)}")
    return Outcome(CHECKS[0].name, CHECKS[0].demands, "failed", (said,))
