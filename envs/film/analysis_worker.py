"""The parts of an analysis, one job each, and the worker that does them.

Run as ``python -m segue.envs.film.analysis_worker`` it serves (`segue.envs.film.worker_loop`) jobs
like::

    {"path": "...", "into": "...", "stride": 3, "stretch": {...}}

A job without a stretch is to listen to the film. What was found out goes to the file ``into``,
which appears when it is complete.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av.error
import cv2
import numpy as np
import numpy.typing as npt

from segue.envs.film.gate import MediaError
from segue.envs.film.shot_detection import Evidence
from segue.envs.film.sound_features import Heard, listen
from segue.envs.film.stretches import Stretch
from segue.envs.film.watching import FIRST, Watched, watch
from segue.envs.film.worker_loop import Report, serve


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn what FFmpeg says in the block, and the gate does not know, into a MediaError."""
    try:
        yield
    except av.error.FFmpegError as error:
        raise MediaError(
            f"{path} cannot be decoded to its end ({error.strerror}); copy or export it again."
        ) from error


def job_line(path: Path, into: Path, stretch: Stretch | None, stride: int) -> str:
    """Write a job as one line of JSON; `work` tells what the arguments mean."""
    job = {
        "path": path.absolute(),
        "into": into.absolute(),
        "stretch": None if stretch is None else asdict(stretch),
        "stride": stride,
    }
    return json.dumps(job, default=str) + "\n"


def work(job: dict[str, Any], report: Report) -> None:
    """Watch a stretch of a film, or listen to the film, and write what was found out.

    Parameters
    ----------
    job : dict
        ``path``; ``into``; ``stretch``, the fields of a `Stretch` or None; ``stride`` of
        `watch`.
    report : callable
        Told how many frames are done.

    Raises
    ------
    MediaError
        If the film cannot be read or is damaged.
    """
    path = Path(job["path"])
    if job["stretch"] is None:
        heard = listen(path)
        found = {"start": np.array(heard.start), **_arrays(heard)}
    else:
        given = job["stretch"]
        origin = None if given["origin"] is None else Fraction(given["origin"])
        stretch = Stretch(tuple(given["owned"]), given["start"], given["seek"], origin)
        with decoding(path):
            watched = watch(path, stretch, job["stride"], report)
        found = {**_arrays(watched), **_arrays(watched.evidence)}
    into = Path(job["into"])
    partial = into.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **found)
    partial.replace(into)


def read_watched(paths: list[Path]) -> Watched | None:
    """Put the stretches of a film together; None where they do not join.

    They do not where damage hides frames from one way to reach them and not from another.
    """
    parts = [_load(path) for path in paths]
    for part, follows in pairwise(parts):
        if part["facts"][FIRST] + len(part["signatures"]) != follows["facts"][FIRST]:
            return None
    facts = parts[0]["facts"]
    whole = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != "facts"
    }
    evidence = Evidence(**{part.name: whole.pop(part.name) for part in fields(Evidence)})
    return Watched(facts=facts, evidence=evidence, **whole)


def read_heard(path: Path) -> Heard:
    """Read what `work` wrote of a film's sound."""
    part = _load(path)
    return Heard(float(part["start"]), part["power"], part["speech"], part["music"])


def _arrays(record: Watched | Evidence | Heard) -> dict[str, npt.NDArray[np.generic]]:
    """Fields of a record that are arrays, by name."""
    values = {part.name: getattr(record, part.name) for part in fields(record)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def _load(path: Path) -> dict[str, npt.NDArray[Any]]:
    with np.load(path, allow_pickle=False) as entry:
        return {name: entry[name] for name in entry.files}


if __name__ == "__main__":
    cv2.setNumThreads(1)
    serve(work, "the analysis")
