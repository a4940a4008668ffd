"""Timelines and matched films as demonstrations: what people's edits say, in one kind of record."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio

from segue.envs.film.analysis import analyse
from segue.envs.film.finished_frames import Progress
from segue.envs.film.gate import MediaError
from segue.envs.film.human_edits import HumanEdit, Shot, Source
from segue.envs.film.shots import FEATURES, ShotTable
from segue.envs.film.slates import clean_name, read_slate
from segue.envs.film.timelines import TimelineError
from segue.envs.film.timelines.flatten import Piece, visible
from segue.envs.film.timelines.footage import Footage, media_names
from segue.envs.film.timelines.gate import understanding
from segue.envs.film.timelines.layout import sequence_rate, source_rate
from segue.envs.film.timelines.rates import nearest_frame

_BLACK = ("black", "slug", "solid", "colour", "color", "gap")
"""Parts of the names of generators that draw no words."""


@dataclass(frozen=True)
class _Seen:
    """Sources met so far, and where each shot of them is looked up."""

    sources: list[Source]
    numbers: dict[tuple[str, str, Fraction], int]


def edit_of_timeline(
    timeline: otio.schema.Timeline, origin: str, footage: Path | None = None
) -> HumanEdit:
    """Read what a timeline shows.

    Upper tracks hide lower ones, nested sequences are taken apart; gaps are black shots, except
    before the first clip. Titles over the picture are left out. Where a clip goes on behind a cut
    as if there were none (a through edit), there is none.

    Parameters
    ----------
    timeline : Timeline
        As `segue.envs.film.timelines.read_timeline` gives it.
    origin : str
        Name of its file.
    footage : Path or None
        Folder of media files. Clips whose file is not there keep what the timeline says of them.

    Returns
    -------
    HumanEdit

    Raises
    ------
    TimelineError
        If the timeline shows no clip or cannot be understood.
    SegueError
        If a media file cannot be read.
    """
    named = f"The timeline {timeline.name!r} of {origin}"
    with understanding(named):
        rate = sequence_rate(timeline)
        pieces = visible(timeline.tracks, rate)
        if not pieces:
            raise TimelineError(f"{named} shows no clips; choose one that does.")
        files = None if footage is None else Footage(footage)
        tracks = _tracks(timeline)
        seen = _Seen([], {})
        shots: list[Shot] = []
        begin = end = pieces[0].start
        for piece in pieces:
            if piece.start > end:
                shots.append(Shot("black", end - begin, piece.start - end))
            shot = _shot(piece, begin, rate, files, seen, tracks)
            if shots and _goes_on(shots[-1], shot, rate, seen):
                shots[-1] = replace(shots[-1], frames=shots[-1].frames + shot.frames)
            else:
                shots.append(shot)
            end = piece.end
    width, height = _size(timeline)
    title = timeline.name or Path(origin).stem
    return HumanEdit(title, origin, rate, width, height, tuple(seen.sources), tuple(shots))


def with_features(
    edit: HumanEdit, *, cache: Path | None = None, progress: Progress | None = None
) -> HumanEdit:
    """Add to each shot what its footage looks like there.

    `FEATURES` are averaged over the thirds of the source's shots that it was cut from. A shot
    without a set-up is named after the source's shot.

    Parameters
    ----------
    edit : HumanEdit
        The edit; sources without a file, or whose file holds no shots, are passed over.
    cache, progress
        As for `segue.envs.film.analysis.analyse`.

    Returns
    -------
    HumanEdit
    """
    tables: dict[int, ShotTable] = {}
    known = [number for number, source in enumerate(edit.sources) if source.path]
    for count, number in enumerate(known):

        def report(share: float, text: str, count: int = count) -> None:
            if progress:
                progress((count + share) / len(known), text)

        # A file that shows no shot, such as one of a second, has no features.
        with suppress(MediaError):
            path = Path(edit.sources[number].path)
            tables[number] = analyse([path], cache=cache, progress=report)
    shots = tuple(
        _described(shot, edit, tables[shot.source]) if shot.source in tables else shot
        for shot in edit.shots
    )
    return replace(edit, shots=shots)


def _described(shot: Shot, edit: HumanEdit, table: ShotTable) -> Shot:
    """The shot with the features of the footage under it."""
    source = edit.sources[shot.source]
    length = float(shot.frames / edit.rate * shot.speed * source.rate)
    first, last = sorted((float(shot.in_point), shot.in_point + length))
    last = max(last, first + 1.0)
    thirds = table.features.shape[1]
    edges = np.linspace(0.0, 1.0, thirds + 1)
    begins = table.start[:, None] + table.frames[:, None] * edges[None, :-1]
    ends = table.start[:, None] + table.frames[:, None] * edges[None, 1:]
    shared = np.clip(np.minimum(ends, last) - np.maximum(begins, first), 0.0, None)
    if shared.sum() <= 0:
        return shot
    mean = np.einsum("nt,ntf->f", shared, table.features) / shared.sum()
    features = {name: round(float(value), 5) for name, value in zip(FEATURES, mean, strict=True)}
    setup = shot.setup or f"{Path(source.name).stem} {int(shared.sum(axis=1).argmax()) + 1:03d}"
    return replace(shot, features=features, setup=setup)


def _shot(
    piece: Piece,
    begin: int,
    rate: Fraction,
    files: Footage | None,
    seen: _Seen,
    tracks: Sequence[otio.schema.Track],
) -> Shot:
    """Make the record of one piece of a timeline."""
    clip = piece.clip
    number, in_point = _source(piece, rate, files, seen)
    said = {key: str(_metadata(clip).get(key, "")) for key in ("reel", "scene", "take", "angle")}
    slate = read_slate(clip.name, *media_names(clip), **said)
    kind = _kind(clip)
    return Shot(
        kind,
        piece.start - begin,
        piece.frames,
        source=number if kind == "picture" else -1,
        in_point=in_point if kind == "picture" else 0,
        speed=piece.speed,
        setup=slate.setup if kind == "picture" else "",
        reel=said["reel"],
        scene=slate.scene,
        take=slate.take,
        angle=slate.angle,
        clip=clip.name,
        track=_track_number(clip, tracks),
        transition=piece.transition or "cut",
        transition_frames=piece.before + piece.after if piece.transition else 0,
    )


def _source(piece: Piece, rate: Fraction, files: Footage | None, seen: _Seen) -> tuple[int, int]:
    """Number of a piece's source, and its in-point there."""
    clip = piece.clip
    if _kind(clip) != "picture":
        return -1, 0
    if files is not None and files.find(clip) is not None:
        media = files.media(clip, rate)
        source = Source(media.path.name, str(media.path), media.rate, media.frames or 0)
        in_point = media.frame(piece.source)
    else:
        own = source_rate(clip, rate)
        names = media_names(clip)
        source = Source(names[0] if names else clean_name(clip.name), "", own)
        in_point = nearest_frame(piece.source, own)
    key = (source.name, source.path, source.rate)
    if key not in seen.numbers:
        seen.numbers[key] = len(seen.sources)
        seen.sources.append(source)
    return seen.numbers[key], in_point


def _goes_on(before: Shot, shot: Shot, rate: Fraction, seen: _Seen) -> bool:
    """Tell whether a shot is the rest of the one before."""
    same = (before.source, before.speed, before.track, before.clip)
    if shot.source < 0 or shot.transition != "cut":
        return False
    if same != (shot.source, shot.speed, shot.track, shot.clip):
        return False
    moved = before.frames / rate * shot.speed * seen.sources[shot.source].rate
    return abs(before.in_point + moved - shot.in_point) < 1


def _kind(clip: otio.schema.Clip) -> str:
    """What a clip shows, one of `segue.envs.film.human_edits.KINDS`."""
    reference = clip.media_reference
    if not isinstance(reference, otio.schema.GeneratorReference):
        empty = reference is None or reference.is_missing_reference
        return "black" if empty and clip.name.lower() in _BLACK else "picture"
    drawn = f"{reference.generator_kind} {reference.name} {clip.name}".lower()
    return "black" if any(word in drawn for word in _BLACK) else "title"


def _metadata(clip: otio.schema.Clip) -> dict[str, str]:
    """What a timeline says of reel, scene, take and angle."""
    known = clip.metadata.get("segue", {})
    return dict(known) if hasattr(known, "items") else {}


def _tracks(timeline: otio.schema.Timeline) -> list[otio.schema.Track]:
    return list(timeline.video_tracks())


def _track_number(clip: otio.schema.Clip, tracks: Sequence[otio.schema.Track]) -> int:
    """Number of the outermost video track that holds a clip, 1 for the lowest."""
    item = clip
    while item is not None:
        for number, track in enumerate(tracks, 1):
            if item is track:
                return number
        item = item.parent()
    return 1


def _size(timeline: otio.schema.Timeline) -> tuple[int, int]:
    """Picture size that a timeline tells of; 0 where it does not."""
    known = timeline.metadata.get("segue", {})
    try:
        width, height = int(known.get("width", 0)), int(known.get("height", 0))
    except (AttributeError, TypeError, ValueError):
        return 0, 0
    return max(width, 0), max(height, 0)
