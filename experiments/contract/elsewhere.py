"""A check in another process, where hashes of texts, addresses and the clock are others."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from segue.envs.base.references import load_plugins
from segue.experiments.contract import child
from segue.experiments.contract.check import Finding, NotCheckedError, Subject, check, fault
from segue.experiments.contract.playing import rollout

SEED, STEPS = 51, 50
SECONDS = 120.0
UNKNOWN = "unknown"


@check("other process", "the same seed gives the same episodes in another process")
def other_process(subject: Subject) -> Iterator[Finding]:
    """Compare digests of a play here and there."""
    here = digest(subject)
    with tempfile.TemporaryFile() as errors:
        process = child.start(__name__, errors, leads=False, PYTHONHASHSEED="4711")
        try:
            job = {"env": subject.env_id, "options": dict(subject.options)}
            there, _ = process.communicate(json.dumps(job) + "\n", SECONDS)
        except subprocess.TimeoutExpired:
            there = ""
        except (TypeError, ValueError) as error:
            raise NotCheckedError("its options cannot be handed to another process") from error
        finally:
            child.end(process)
    if there == UNKNOWN:
        raise NotCheckedError(f"another process knows no {subject.env_id}; name it as module:id")
    if len(there) != len(here):
        yield fault("it cannot be played in another process; import what it needs in its module.")
    elif there != here:
        yield fault(
            "another process plays otherwise with the same seed; let nothing depend on the order "
            "of a set, on hash(), id() or the time."
        )


def digest(subject: Subject) -> str:
    """SHA-256 of all that a play gives."""
    found = hashlib.sha256()
    for part in rollout(subject.make(), SEED, STEPS):
        _add(found, part)
    return found.hexdigest()


def _add(found: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        for key, part in value.items():
            found.update(repr(key).encode())
            _add(found, part)
    elif isinstance(value, tuple | list):
        for part in value:
            _add(found, part)
    elif isinstance(value, np.ndarray):
        found.update(f"{value.dtype}{value.shape}".encode())
        found.update(np.ascontiguousarray(value).tobytes() if value.dtype != object else b"")
    elif value is None or isinstance(value, bool | int | float | str | bytes | np.generic):
        found.update(repr(value).encode())
    else:
        found.update(type(value).__name__.encode())  # Its text may hold an address.


def main() -> None:
    """Play what a line of JSON on the input names, and print the digest."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    load_plugins()
    job = json.loads(sys.stdin.readline())
    import segue.envs  # noqa: F401 (registers the ids)

    try:
        told = digest(Subject(job["env"], job["options"]))
    except gym.error.Error:
        told = UNKNOWN
    print(told, end="", file=answers, flush=True)
    os._exit(0)
