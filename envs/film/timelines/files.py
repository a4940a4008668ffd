"""Reading and writing timeline files by their ending."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from segue.envs.base.atomic import atomic_path
from segue.envs.film.edit import Edit
from segue.envs.film.timelines.cmx_reader import read_cmx
from segue.envs.film.timelines.cmx_writer import cmx_text
from segue.envs.film.timelines.fcp7_reader import read_fcp7
from segue.envs.film.timelines.fcp7_writer import fcp7_text
from segue.envs.film.timelines.fcpxml_reader import read_fcpxml
from segue.envs.film.timelines.fcpxml_writer import fcpxml_text
from segue.envs.film.timelines.from_edit import to_otio
from segue.envs.film.timelines.gate import (
    DEFAULT_LIMITS,
    Budget,
    Limits,
    TimelineError,
    check_timeline,
    parse_xml,
    read_bytes,
    understanding,
)
from segue.envs.film.timelines.otio_file import read_otio

SUFFIXES = (".otio", ".edl", ".xml", ".fcpxml", ".fcpxmld")
"""Endings, in lower case, of the files that are read; all but the last, a bundle, are written."""

_BUNDLE_FILE = "Info.fcpxml"


def read_timeline(
    path: Path | str, *, rate: Fraction | None = None, limits: Limits = DEFAULT_LIMITS
) -> otio.schema.Timeline:
    """Read a timeline; of several in one file, the first.

    Parameters
    ----------
    path : Path or str
        An ``.otio``, ``.edl``, ``.xml`` (FCP7), ``.fcpxml`` or ``.fcpxmld`` file. XML is told apart
        by what it holds.
    rate : Fraction, optional
        Frames per second of an EDL, which does not tell its own; see
        `segue.envs.film.timelines.cmx_reader`. The other formats do and ignore it.
    limits : Limits
        What is let through.

    Returns
    -------
    Timeline
        All times exact. What the file says beyond OTIO's model lies in the metadata: under
        ``"segue"`` the reel, scene and take of a clip and the picture size of the timeline, under
        the format's name what writing that format again needs.

    Raises
    ------
    TimelineError
        If the file cannot be read as a timeline. The media it names are not looked at.
    """
    return read_timelines(path, rate=rate, limits=limits)[0]


def read_timelines(
    path: Path | str, *, rate: Fraction | None = None, limits: Limits = DEFAULT_LIMITS
) -> list[otio.schema.Timeline]:
    """Read all timelines of a file, at least one; otherwise like `read_timeline`."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise TimelineError(f"{path} is no timeline; give one that ends in {', '.join(SUFFIXES)}.")
    if suffix == ".fcpxmld":
        path = path / _BUNDLE_FILE
    source = str(path)
    data = read_bytes(path, limits)
    budget = Budget(source, limits)
    with understanding(source):
        if suffix == ".otio":
            found = read_otio(data, source, limits)
        elif suffix == ".edl":
            found = [read_cmx(data, budget, rate)]
        else:
            found = _read_xml(data, budget)
        # What lies in nested sequences was counted while reading; here it counts once more.
        counted = Budget(source, limits)
        for timeline in found:
            check_timeline(timeline, counted)
    return found


def write_timeline(
    timeline: otio.schema.Timeline | Sequence[otio.schema.Timeline], path: Path | str
) -> None:
    """Write one timeline, or several where the format can hold them, whole or not at all.

    Parameters
    ----------
    timeline : Timeline or sequence of Timeline
        What to write; CMX holds one.
    path : Path or str
        A name that ends in ``.otio``, ``.edl``, ``.xml`` (FCP7) or ``.fcpxml``.

    Raises
    ------
    TimelineError
        If the format cannot say what the timeline holds.
    SegueError
        If the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    writers: dict[str, Callable[[list[otio.schema.Timeline]], str]] = {
        ".otio": _otio_text,
        ".edl": lambda timelines: cmx_text(_only(timelines)),
        ".xml": fcp7_text,
        ".fcpxml": fcpxml_text,
    }
    if suffix not in writers:
        raise TimelineError(f"{path} must end in {', '.join(writers)}; choose a name that does.")
    several = [timeline] if isinstance(timeline, otio.schema.Timeline) else list(timeline)
    if not several:
        raise TimelineError(f"There is no timeline to write to {path}; give at least one.")
    with understanding(f"The timeline {several[0].name!r}"):
        for one in several:
            check_timeline(one, Budget(f"The timeline {one.name!r}", DEFAULT_LIMITS))
        text = writers[suffix](several)
    newline = "\r\n" if suffix == ".edl" else "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline=newline)


def write_otio(edit: Edit, path: Path) -> None:
    """Write an edit as an ``.otio`` file that names media under its folder relative to it.

    Raises
    ------
    SegueError
        If the edit is impossible or the file cannot be written.
    """
    write_timeline(to_otio(edit, _named(path, ".otio").parent), path)


def write_edl(edit: Edit, path: Path) -> None:
    """Write an edit as a CMX 3600 list; see `segue.envs.film.timelines.cmx_writer`.

    Raises
    ------
    SegueError
        If the edit is impossible or too much for CMX, or the file cannot be written.
    """
    write_timeline(to_otio(edit), _named(path, ".edl"))


def _named(path: Path, suffix: str) -> Path:
    path = Path(path)
    if path.suffix.lower() != suffix:
        raise TimelineError(f"{path} does not end in {suffix}; choose a name that does.")
    return path


def _read_xml(data: bytes, budget: Budget) -> list[otio.schema.Timeline]:
    """Read FCP7 XML or FCPXML, whichever it is."""
    root = parse_xml(data, budget.source, budget.limits)
    if root.tag == "fcpxml":
        return read_fcpxml(root, budget)
    if root.tag == "xmeml":
        return read_fcp7(root, budget)
    raise TimelineError(
        f"{budget.source} holds <{root.tag[:40]}>, not the timeline of an editing program; "
        "export it as FCP7 XML (xmeml) or FCPXML."
    )


def _otio_text(timelines: list[otio.schema.Timeline]) -> str:
    whole = timelines[0]
    if len(timelines) > 1:
        whole = otio.schema.SerializableCollection("timelines", timelines)
    return str(otio.adapters.write_to_string(whole, "otio_json"))


def _only(timelines: list[otio.schema.Timeline]) -> otio.schema.Timeline:
    if len(timelines) > 1:
        raise TimelineError("CMX holds one timeline; write each to its own file.")
    return timelines[0]
