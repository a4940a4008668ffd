"""What ``segue demonstrations`` does: people's edits become records, and are told about."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any

from segue.envs.base.cache import file_digest
from segue.envs.base.errors import SegueError
from segue.envs.film.demonstrations import edit_of_timeline, with_features
from segue.envs.film.finished import match_finished
from segue.envs.film.finished_edit import edit_of
from segue.envs.film.human_edit_statistics import foretell
from segue.envs.film.human_edits import FILE, HumanEdit, Shot, read_edits, write_edits
from segue.envs.film.sample_film import USER_LICENCE, known_source
from segue.envs.film.timelines import read_timelines, write_otio
from segue.experiments.human_edit_model import learn, learnt_rows
from segue.experiments.manifest import Source, write_manifest
from segue.experiments.progress import Tell, progress_bar
from segue.experiments.run_folder import RunFolder

Outcome = tuple[dict[str, Any], list[str]]

TIMELINE = "timeline.otio"

_MATCHED = 0.5
"""Share of the progress bar for finding the sources; the rest is for their features."""


def finished_verb(
    film: Path, sources: Sequence[Path], out: Path | None, command: Sequence[str]
) -> Outcome:
    """Find what a finished edit was cut from; write its timeline and its record.

    Parameters
    ----------
    film : Path
        The finished edit.
    sources : sequence of Path
        The films that it was cut from.
    out : Path or None
        Folder of the run; None for a new one in ``runs/``.
    command : sequence of str
        How it was started.

    Returns
    -------
    record : dict
        Shots, and the files written.
    lines : list of str
        The same as a table.

    Raises
    ------
    SegueError
        If a film cannot be read.
    """
    with progress_bar("demonstrations") as tell:
        human = match_finished(film, sources, progress=_part(tell, 0.0, _MATCHED))
        human = with_features(human, progress=_part(tell, _MATCHED, 1.0))
    folder = RunFolder.create(None, "film", "demonstrations", 0, out)
    write_edits([human], folder.path / FILE)
    write_otio(edit_of(human, film), folder.path / TIMELINE)
    used = [source_of(path) for path in (film, *sources)]
    write_manifest(folder, command=command, seed=0, config={"film": film.name}, sources=used)
    files = {name: str(folder.path / name) for name in (FILE, TIMELINE)}
    record = {
        "run": str(folder.path),
        "files": files,
        "rate": str(human.rate),
        "frames": human.frames,
        "shots": [_shot_record(human, shot) for shot in human.shots],
    }
    lines = [_shot_line(human, shot) for shot in human.shots]
    return record, [*lines, *(f"{name}: {path}" for name, path in files.items())]


def timeline_verb(
    files: Sequence[Path],
    footage: Path | None,
    rate: Fraction | None,
    out: Path | None,
    command: Sequence[str],
) -> Outcome:
    """Read timelines as demonstrations; what cannot be read is told on stderr and passed over.

    Parameters
    ----------
    files : sequence of Path
        Timelines.
    footage : Path or None
        Folder of the media they were cut from.
    rate : Fraction or None
        Frames per second of EDLs, which do not tell it.
    out, command
        As for `finished_verb`.

    Returns
    -------
    record : dict
        Edits, problems, and the file written.
    lines : list of str
        The same, a line an edit.

    Raises
    ------
    SegueError
        If no file can be read, or the footage's folder is none.
    """
    if footage is not None and not footage.is_dir():
        raise SegueError(f"{footage} is not a folder; give the one that holds the media.")
    edits: list[HumanEdit] = []
    problems: list[str] = []
    with progress_bar("demonstrations") as tell:
        for number, path in enumerate(files):
            step = (number / len(files), (number + 1) / len(files))
            tell(step[0], f"reading {path.name}")
            try:
                found = _read(path, footage, rate, _part(tell, *step))
            except SegueError as error:
                problems.append(str(error))
            else:
                edits += found
    for problem in problems:
        print(f"segue: {problem}", file=sys.stderr)
    if not edits:
        raise SegueError("No timeline could be read; export them again as OTIO, EDL or XML.")
    folder = RunFolder.create(None, "film", "demonstrations", 0, out)
    write_edits(edits, folder.path / FILE)
    config = {"files": [path.name for path in files]}
    used = [source_of(path) for path in files if path.is_file()]
    write_manifest(folder, command=command, seed=0, config=config, sources=used)
    record = {
        "run": str(folder.path),
        "files": {FILE: str(folder.path / FILE)},
        "edits": [
            {"title": edit.title, "origin": edit.origin, "shots": len(edit.shots)} for edit in edits
        ],
        "problems": problems,
    }
    lines = [f"{edit.origin}: {edit.title}, {len(edit.shots)} shots" for edit in edits]
    return record, [*lines, f"{FILE}: {folder.path / FILE}"]


def report_verb(folder: Path) -> Outcome:
    """Say what demonstrations hold, and how well rules and learnt models foretell the next shot.

    Parameters
    ----------
    folder : Path
        A folder that `finished_verb` or `timeline_verb` wrote, or its file.

    Returns
    -------
    record : dict
        Of `segue.envs.film.human_edit_statistics.Foretold`, and under ``learnt`` of
        `segue.experiments.human_edit_model.Learnt`, or None where there is too little to learn.
    lines : list of str
        The same in words.

    Raises
    ------
    SegueError
        If the demonstrations cannot be read or show no footage.
    """
    edits = read_edits(folder)
    found = foretell(edits)
    with progress_bar("demonstrations") as tell:
        learnt = learn(edits, tell)
    record = {
        name: value if not isinstance(value, float) or isfinite(value) else None
        for name, value in asdict(found).items()
    }
    record["learnt"] = None if learnt is None else asdict(learnt)
    rows = [
        ("edits", f"{found.edits}"),
        ("shots that show footage", f"{found.shots}"),
        ("camera set-ups, edit by edit", f"{found.setups}"),
        ("median length of a shot", f"{found.median_seconds:.2f} s"),
        ("next set-ups to foretell", f"{found.choices}"),
        ("the set-up before last comes next", _share(found.before_last)),
        ("the most frequent set-up so far comes next", _share(found.most_frequent)),
        ("log density of a length, AR(1) log-normal", _number(found.length_log_likelihood)),
        *learnt_rows(learnt),
    ]
    width = max(len(name) for name, _ in rows)
    return record, [f"{name:<{width}}  {value}" for name, value in rows]


def parse_rate(text: str) -> Fraction:
    """Frames per second such as ``25``, ``23.976`` or ``30000/1001``.

    Raises
    ------
    SegueError
        If the text is no number above 0.
    """
    names = {"23.976": "24000/1001", "23.98": "24000/1001", "29.97": "30000/1001"}
    names |= {"59.94": "60000/1001", "47.952": "48000/1001"}
    try:
        rate = Fraction(names.get(text.strip(), text))
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 240:
        raise SegueError(f"{text!r} is no frame rate; give one such as 24, 25 or 29.97.")
    return rate


def _read(path: Path, footage: Path | None, rate: Fraction | None, tell: Tell) -> list[HumanEdit]:
    """The edits of a file, with features where their footage is at hand."""
    if not path.exists():
        raise SegueError(f"{path} does not exist; check the name.")
    timelines = read_timelines(path, rate=rate)
    edits = [edit_of_timeline(timeline, path.name, footage) for timeline in timelines]
    return edits if footage is None else [with_features(edit, progress=tell) for edit in edits]


def _part(tell: Tell, start: float, stop: float) -> Callable[[float, str], None]:
    """Tell the share of a part as a share of the whole."""
    return lambda share, text: tell(start + (stop - start) * share, text)


def source_of(path: Path) -> Source:
    """A file for the manifest, with the licence of a sample or as the user's own."""
    digest = file_digest(path)
    licence, attribution = known_source(path, digest)
    return Source(path.name, licence or USER_LICENCE, attribution, digest)


def _shot_record(human: HumanEdit, shot: Shot) -> dict[str, Any]:
    """What ``--json`` says of a shot."""
    return {
        "kind": shot.kind,
        "start": shot.start,
        "frames": shot.frames,
        "source": human.sources[shot.source].name if shot.source >= 0 else None,
        "in_point": shot.in_point if shot.source >= 0 else None,
        "speed": str(shot.speed),
        "mirrored": shot.mirrored,
        "transition": shot.transition,
        "transition_frames": shot.transition_frames,
        "fade_in": shot.fade_in,
        "fade_out": shot.fade_out,
        "confidence": shot.confidence,
    }


def _shot_line(human: HumanEdit, shot: Shot) -> str:
    """A shot in one line."""
    at = f"{float(shot.start / human.rate):8.2f} s {shot.frames:5d} frames"
    entered = shot.transition + (f" {shot.transition_frames}" if shot.transition_frames else "")
    if shot.source < 0:
        return f"{at}  {entered:<22} {shot.kind}"
    source = human.sources[shot.source].name
    said = f"{source} from frame {shot.in_point}"
    if shot.speed != 1:
        said += f" at speed {shot.speed}"
    if shot.mirrored:
        said += ", mirrored"
    return f"{at}  {entered:<22} {said}, likeness {shot.confidence:.2f}"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %" if isfinite(value) else "-"


def _number(value: float) -> str:
    return f"{value:.3f}" if isfinite(value) else "-"
