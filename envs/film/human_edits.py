"""Records of what people cut: the shots of an edit, as a timeline or a finished film tells them.

An edit is one line of a JSON lines file, `SCHEMA` in version `SCHEMA_VERSION`; `write_edits` and
`read_edits` are its two ends. Times are whole frames: of the edit at the edit's rate, of a source
at the source's own. Rates and speeds are fractions, written as ``"24000/1001"``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError

SCHEMA = "segue-human-edit"
SCHEMA_VERSION = 1

FILE = "demonstrations.jsonl"
"""Name of the file in a folder of demonstrations."""

KINDS = ("picture", "title", "black", "unknown")
"""What a shot shows: footage; words on a plain ground; nothing; pictures of no known source."""

MOST_BYTES = 256 * 2**20
"""Largest file that is read."""


@dataclass(frozen=True)
class Source:
    """Something that shots were cut from.

    Attributes
    ----------
    name : str
        The file's or, where that is missing, the clip's name.
    path : str
        The file; empty where it is missing.
    rate : Fraction
        Frames per second.
    frames : int
        Length; 0 where it is not known.
    width, height : int
        Picture size in pixels; 0 where it is not known.
    """

    name: str
    path: str
    rate: Fraction
    frames: int = 0
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Shot:
    """One piece of an edit, from cut to cut.

    The cut of a dissolve is its middle in a finished edit; in a timeline it is where the timeline
    puts it, which in a CMX list is where the dissolve begins.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    start, frames : int
        First frame on the timeline (0 is the edit's first) and length, > 0.
    source : int
        Index into `HumanEdit.sources`; -1 for none.
    in_point : int
        Source frame shown at `start`: counted from the file's first frame where the file is at
        hand, otherwise as the timeline counts (source timecode).
    speed : Fraction
        Source seconds per second of the edit; 0 is a freeze frame, negative runs backwards.
    setup : str
        The camera set-up, see `segue.envs.film.slates`; empty where nothing tells.
    reel, scene, take, angle, clip : str
        As timeline or slate say; empty where they do not.
    track : int
        Video track, 1 the lowest.
    transition : str
        How the shot is entered: ``"cut"``, ``"dissolve"``, ``"wipe"``, ``"fade_through_black"``,
        ``"fade_through_white"``, or as the timeline calls it.
    transition_frames : int
        Its length; 0 for a cut.
    fade_in, fade_out : int
        Frames over which the shot comes from and goes to black or white.
    mirrored : bool
        Left and right exchanged.
    confidence : float
        Likeness to the source's frames, in [0, 1]; 1 where a timeline says it.
    features : mapping
        Scalars of the shot by name (`segue.envs.film.shots.FEATURES`), where the footage is at
        hand.
    """

    kind: str
    start: int
    frames: int
    source: int = -1
    in_point: int = 0
    speed: Fraction = Fraction(1)
    setup: str = ""
    reel: str = ""
    scene: str = ""
    take: str = ""
    angle: str = ""
    clip: str = ""
    track: int = 1
    transition: str = "cut"
    transition_frames: int = 0
    fade_in: int = 0
    fade_out: int = 0
    mirrored: bool = False
    confidence: float = 1.0
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class HumanEdit:
    """One edit that a person made.

    Attributes
    ----------
    title : str
        Its name.
    origin : str
        Name of the file that it was read from.
    rate : Fraction
        Frames per second of the edit.
    width, height : int
        Picture size in pixels; 0 where it is not known.
    sources : tuple of Source
        What it was cut from.
    shots : tuple of Shot
        What is seen, in order, without overlaps; a timeline's gaps are ``"black"`` shots.
    """

    title: str
    origin: str
    rate: Fraction
    width: int
    height: int
    sources: tuple[Source, ...]
    shots: tuple[Shot, ...]

    @property
    def frames(self) -> int:
        """Length in frames."""
        return self.shots[-1].start + self.shots[-1].frames if self.shots else 0


def setups(edit: HumanEdit) -> tuple[str, ...]:
    """Camera set-up of each shot that shows footage, in order."""
    return tuple(shot.setup for shot in edit.shots if shot.kind == "picture")


def shot_lengths(edit: HumanEdit) -> tuple[float, ...]:
    """Length in seconds of each shot that shows footage, in order."""
    return tuple(float(s.frames / edit.rate) for s in edit.shots if s.kind == "picture")


def write_edits(edits: Sequence[HumanEdit], path: Path) -> None:
    """Write edits as JSON lines, whole or not at all."""
    lines = [json.dumps(_plain(edit), ensure_ascii=False) + "\n" for edit in edits]
    with atomic_path(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def read_edits(path: Path) -> tuple[HumanEdit, ...]:
    """Read edits that `write_edits` wrote.

    Parameters
    ----------
    path : Path
        The file, or a folder that holds it under the name `FILE`.

    Returns
    -------
    tuple of HumanEdit

    Raises
    ------
    SegueError
        If there is no such file, or a line of it is no edit of this version.
    """
    path = path / FILE if path.is_dir() else path
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SegueError(f"{path} has {size:,} bytes, more than {MOST_BYTES:,}; split it.")
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SegueError(
            f"{path} cannot be read ({error.strerror}); make it with segue demonstrations."
        ) from error
    except UnicodeDecodeError as error:
        raise SegueError(f"{path} is not UTF-8 text; give a file of demonstrations.") from error
    edits = []
    for number, line in enumerate(lines, 1):
        try:
            edits.append(_edit(json.loads(line)))
        except (ValueError, TypeError, KeyError, ZeroDivisionError, RecursionError) as error:
            raise SegueError(
                f"Line {number} of {path} is no {SCHEMA} of version {SCHEMA_VERSION} ({error}); "
                "make the file again with segue demonstrations."
            ) from error
    return tuple(edits)


def _plain(edit: HumanEdit) -> dict[str, Any]:
    """The edit as JSON has it."""
    record: dict[str, Any] = _fractions_out(asdict(edit))
    return {"schema": SCHEMA, "version": SCHEMA_VERSION} | record


def _fractions_out(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, dict):
        return {key: _fractions_out(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_fractions_out(inner) for inner in value]
    return value


def _edit(record: Any) -> HumanEdit:
    """The edit of one line; ValueError, TypeError or KeyError where it is none."""
    if not isinstance(record, dict) or record.pop("schema", None) != SCHEMA:
        raise ValueError("another schema")
    if record.pop("version", None) != SCHEMA_VERSION:
        raise ValueError("another version")
    sources = tuple(_build(Source, one) for one in record.pop("sources"))
    shots = tuple(_build(Shot, one) for one in record.pop("shots"))
    edit: HumanEdit = _build(HumanEdit, record | {"sources": sources, "shots": shots})
    if edit.rate <= 0 or any(source.rate <= 0 for source in sources):
        raise ValueError("a rate of 0 or less")
    for before, shot in zip((None, *shots), shots, strict=False):
        if shot.kind not in KINDS or shot.frames <= 0 or not -1 <= shot.source < len(sources):
            raise ValueError(f"an impossible shot at frame {shot.start}")
        if before is not None and shot.start < before.start + before.frames:
            raise ValueError(f"two shots on frame {shot.start}")
    return edit


def _build(kind: type[Any], record: Mapping[str, Any]) -> Any:
    """A record of `kind`, each value of the type that its field has."""
    kinds = {one.name: str(one.type) for one in fields(kind)}
    if unknown := set(record) - set(kinds):
        raise ValueError(f"unknown field {min(unknown)}")
    return kind(**{name: _value(name, kinds[name], value) for name, value in record.items()})


def _value(name: str, kind: str, value: Any) -> Any:
    """Check one value against its field's annotation."""
    if kind == "Fraction" and isinstance(value, str):
        return Fraction(value)
    if kind == "float" and isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    if kind == "Mapping[str, float]" and isinstance(value, dict):
        return {str(key): float(inner) for key, inner in value.items()}
    plain = {"str": str, "int": int, "bool": bool}.get(kind)
    if plain is not None and type(value) is plain:
        return value
    if kind.startswith("tuple[") and isinstance(value, tuple):
        return value
    raise TypeError(f"{name} is {value!r}, which is no {kind}")
