"""A render worker: ``python -m segue.envs.film.segment_worker``, started by the renderer only.

It reads jobs as JSON lines and answers with JSON lines::

    <- {"edit": {...}, "modules": [...], "frames": [0, 96], "coding": {...}, "path": "..."}
    -> {"frames": 1} ... {"frames": 96} {"done": true}   or   {"error": "...", "trace": "..."}

When its input ends, because the renderer closed it or was killed, the worker ends at once,
whatever it is doing: so no worker outlives its renderer.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import signal
import sys
import threading
import traceback
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.effects import EFFECTS
from segue.envs.film.segments import Coding, write_segment
from segue.envs.film.transitions import TRANSITIONS

REPORT_FRAMES = 8
"""Progress is told every so many frames."""


def job_line(edit: Edit, frames: tuple[int, int], coding: Coding, path: Path) -> str:
    """Write a job as one line of JSON."""
    record = asdict(edit)
    for cut in record["cuts"]:
        del cut["reward_terms"]
        cut["source"] = Path(cut["source"]).absolute()
    job = {
        "edit": record,
        "modules": _modules(edit),
        "frames": frames,
        "coding": asdict(coding),
        "path": path.absolute(),
    }
    return json.dumps(job, default=str) + "\n"


def main() -> None:
    """Work until the input ends."""
    # Ctrl-C reaches the whole process group; the renderer decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Libraries may print; the answers get a descriptor of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_watch, args=(jobs,), daemon=True).start()
    while True:
        _work(json.loads(jobs.get()), answers)


def _watch(jobs: queue.SimpleQueue[str]) -> None:
    """Queue the jobs; end the process when the input ends."""
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)


def _work(job: dict[str, Any], answers: IO[str]) -> None:
    """Do one job and answer."""

    def report(count: int) -> None:
        if count % REPORT_FRAMES == 0:
            print(json.dumps({"frames": count}), file=answers)

    try:
        for module in job["modules"]:
            importlib.import_module(module)
        start, stop = job["frames"]
        edit, coding = _read_edit(job["edit"]), Coding(**job["coding"])
        write_segment(edit, (start, stop), coding, Path(job["path"]), report)
        answer: dict[str, Any] = {"done": True}
    except SegueError as error:
        answer = {"error": str(error), "trace": ""}
    except Exception as error:
        said = f"rendering failed with {type(error).__name__} ({error})"
        answer = {"error": said, "trace": traceback.format_exc()}
    print(json.dumps(answer), file=answers)


def _modules(edit: Edit) -> list[str]:
    """Modules that define the edit's effects and transitions."""
    makers: list[object] = [EFFECTS[cut.effect].build for cut in edit.cuts]
    makers += [TRANSITIONS[cut.transition].blend for cut in edit.cuts if cut.transition_frames]
    names = {str(getattr(maker, "__module__", "")) for maker in makers}
    if "__main__" in names:
        raise SegueError(
            "An effect or transition of the edit is defined in a script's main part; move it to a "
            "module of its own, so that render workers can import it."
        )
    return sorted(names)


def _read_edit(record: dict[str, Any]) -> Edit:
    """Rebuild the edit."""
    cuts = tuple(
        Cut(
            **{
                **cut,
                "source": Path(cut["source"]),
                "source_rate": Fraction(cut["source_rate"]),
                "speed": Fraction(cut["speed"]),
            }
        )
        for cut in record["cuts"]
    )
    # The soundtrack is not a worker's affair.
    return Edit(**{**record, "rate": Fraction(record["rate"]), "cuts": cuts, "music": None})


if __name__ == "__main__":
    main()
