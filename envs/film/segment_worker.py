"""A render worker: ``python -m segue.envs.film.segment_worker``, started by the renderer only.

It serves (`segue.envs.film.worker_loop`) jobs like::

    {"edit": {...}, "modules": [...], "frames": [0, 96], "coding": {...}, "path": "..."}
"""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Cut, Edit, Title
from segue.envs.film.effects import EFFECTS
from segue.envs.film.segments import Coding, write_segment
from segue.envs.film.transitions import TRANSITIONS
from segue.envs.film.worker_loop import Report, serve

REPORT_FRAMES = 8
"""Progress is told every so many frames."""


def job_line(edit: Edit, frames: tuple[int, int], coding: Coding, path: Path) -> str:
    """Write a job as one line of JSON."""
    job = {
        "edit": edit_to_json(replace(edit, music=None)),  # the sound is not a worker's affair
        "modules": _modules(edit),
        "frames": frames,
        "coding": asdict(coding),
        "path": str(path.absolute()),
    }
    return json.dumps(job) + "\n"


def edit_to_json(edit: Edit) -> dict[str, Any]:
    """Write an edit as what JSON knows; the reward terms, which nobody renders, are left out."""
    record = asdict(edit)
    for cut in record["cuts"]:
        del cut["reward_terms"]
        cut["source"] = Path(cut["source"]).absolute()
    music = edit.music and edit.music.absolute()
    plain: dict[str, Any] = json.loads(json.dumps({**record, "music": music}, default=str))
    return plain


def edit_from_json(record: dict[str, Any]) -> Edit:
    """Rebuild an edit that `edit_to_json` wrote."""
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
    changed = {
        "rate": Fraction(record["rate"]),
        "cuts": cuts,
        "titles": tuple(Title(**title) for title in record["titles"]),
        "music": record["music"] and Path(record["music"]),
    }
    return Edit(**{**record, **changed})


def work(job: dict[str, Any], report: Report) -> None:
    """Write the segment that a job asks for."""

    def tell(count: int) -> None:
        if count % REPORT_FRAMES == 0:
            report(count)

    for module in job["modules"]:
        importlib.import_module(module)
    start, stop = job["frames"]
    edit, coding = edit_from_json(job["edit"]), Coding(**job["coding"])
    write_segment(edit, (start, stop), coding, Path(job["path"]), tell)


def _modules(edit: Edit) -> list[str]:
    """Modules that define the edit's effects and transitions."""
    effects = [EFFECTS[cut.effect] for cut in edit.cuts]
    makers: list[object] = [effect.draw or effect.build for effect in effects]
    makers += [TRANSITIONS[cut.transition].blend for cut in edit.cuts if cut.transition_frames]
    names = {str(getattr(maker, "__module__", "")) for maker in makers}
    if "__main__" in names:
        raise SegueError(
            "An effect or transition of the edit is defined in a script's main part; move it to a "
            "module of its own, so that render workers can import it."
        )
    return sorted(names)


if __name__ == "__main__":
    serve(work, "rendering")
