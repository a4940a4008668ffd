"""Films and tunes that lie among the runs of a report: shown by a picture, and linked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from segue.envs.base.errors import SegueError
from segue.experiments.manifest import MANIFEST, read_manifest
from segue.experiments.report_html import picture_address, size_of
from segue.experiments.run_report_facts import Origin, origin, shown
from segue.experiments.run_report_media import Budget

PICTURES = {
    "timeline.png": "The timeline: pictures, beats, transitions and effects",
    "frames.jpg": "Frames of the film",
    "score.png": "Score of the tune",
}
"""Files that show a work, and what they are."""
LINKS = {
    "report.html": "page about it",
    "film.mp4": "film",
    "tune.wav": "tune",
    "timeline.otio": "timeline for editors",
    "tune.mid": "tune as MIDI",
}
"""Files that are linked, and what they are."""
_SIDE = 1280
_MOST_PIXELS = 50_000_000


@dataclass(frozen=True)
class Work:
    """A film or tune.

    Attributes
    ----------
    path : Path
        Its folder.
    origin : Origin
        How and when it was made.
    settings : mapping of str to str
        As its manifest tells.
    pictures : list of (caption, address)
        Data addresses.
    links : list of (what, address, size)
        Files of it, relative to the page.
    problem : str
        What is wrong with it; empty if all is well.
    """

    path: Path
    origin: Origin
    settings: Mapping[str, str]
    pictures: list[tuple[str, str]]
    links: list[tuple[str, str, str]]
    problem: str


def work(path: Path, page: Path, budget: Budget) -> Work:
    """Look at the folder of a film or tune.

    Parameters
    ----------
    path : Path
        The folder.
    page : Path
        Where the page will lie.
    budget : Budget
        Room for its pictures.
    """
    settings, problem = {}, ""
    try:
        config = read_manifest(path / MANIFEST).get("config", {})
        settings = {str(name): shown(value) for name, value in dict(config).items()}
    except (SegueError, TypeError, ValueError) as error:
        problem = str(error)
    pictures = []
    for name, caption in PICTURES.items():
        if not (path / name).is_file():
            continue
        try:
            address = budget.take("pictures", _picture(path / name))
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            problem = f"{path / name} is no picture ({error})."
            continue
        if address:
            pictures.append((caption, address))
    links = [
        (what, _address(path / name, page), size_of(path / name))
        for name, what in LINKS.items()
        if (path / name).is_file()
    ]
    return Work(path, origin(path), settings, pictures, links, problem)


def _picture(path: Path) -> str:
    with Image.open(path) as image:
        if image.width * image.height > _MOST_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels are too many")
        small = image.convert("RGB")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return picture_address(np.asarray(small))


def _address(path: Path, page: Path) -> str:
    """Give the address of a file relative to the page; a whole one on another drive."""
    target, folder = path.resolve(), page.resolve().parent
    try:
        return quote(Path(os.path.relpath(target, folder)).as_posix())
    except ValueError:
        return target.as_uri()


__all__ = ["Work", "work"]
