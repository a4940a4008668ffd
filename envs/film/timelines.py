"""An edit as a timeline that editing programs open: OpenTimelineIO and CMX 3600.

The OTIO timeline has one video track, whose clips carry what segue knows in
``metadata["segue"]``, and one sound track with the music. The timeline's `global_start_time` is 0.

OpenTimelineIO's CMX adapter writes every wipe as a dissolve, and four times the source that slow
motion at half speed takes, so `segue.envs.film.cmx` writes it (the adapter reads it back
frame-exactly):

* ``dissolve`` is ``D``, ``wipe`` is ``W001`` (SMPTE wipe 1). CMX knows transitions only from the
  frame where they begin, so the leaving event ends ``d / 2`` frames before the cut and the entering
  one begins there, with its handle.
* ``fade_through_black`` is what CMX has for it: a dissolve of ``d / 2`` frames to ``BL`` (black)
  that ends on the cut, then one of ``d / 2`` frames from it.
* slow motion is ``M2``; other effects are ``* EFFECT NAME IS`` comments.
* source timecode counts from 0 at the *edit's* rate, as CMX has one rate: a source of another rate
  is addressed by time.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import opentimelineio as otio

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.film.cmx import edl_text
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.plan import check_edit

_OTIO_TRANSITIONS = {"dissolve": "SMPTE_Dissolve"}
"""OTIO has one standard type; the others are ``Custom_Transition`` and named."""

_SOUND_RATE = 48_000


def to_otio(edit: Edit, folder: Path | None = None) -> otio.schema.Timeline:
    """Build the OTIO timeline of an edit.

    Parameters
    ----------
    edit : Edit
        The edit.
    folder : Path or None
        Where the timeline will stand: media under it are named relative to it, all others by
        absolute ``file:`` URLs.

    Returns
    -------
    Timeline
        Each clip's source range starts at its in-point at the source's rate and is as long as the
        piece at the edit's rate; transitions are centred on the cuts; slow motion is a
        ``LinearTimeWarp``, other effects an ``Effect`` of that name; a marker stands on each cut.

    Raises
    ------
    SegueError
        If the edit is impossible, see `segue.envs.film.plan.check_edit`.
    """
    check_edit(edit)
    rate = float(edit.rate)
    start = otio.opentime.RationalTime(0, rate)
    timeline = otio.schema.Timeline(edit.title, global_start_time=start)
    timeline.metadata["segue"] = {
        "rate": str(edit.rate),
        "width": edit.width,
        "height": edit.height,
    }
    picture = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for cut in edit.cuts:
        if cut.transition_frames:
            picture.append(_transition(cut, rate))
        picture.append(_clip(cut, rate, folder))
    timeline.tracks.append(picture)
    if edit.music is not None:
        timeline.tracks.append(_music(edit, edit.music, folder))
    return timeline


def write_otio(edit: Edit, path: Path) -> None:
    """Write an edit as an OTIO file.

    Parameters
    ----------
    edit : Edit
        The edit.
    path : Path
        The file, ending in ``.otio``.

    Raises
    ------
    SegueError
        If the edit is impossible or the file cannot be written.
    """
    path = _named(path, ".otio")
    text = otio.adapters.write_to_string(to_otio(edit, path.parent), "otio_json")
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_edl(edit: Edit, path: Path) -> None:
    """Write an edit as a CMX 3600 edit decision list; see the module's text for what CMX can say.

    Parameters
    ----------
    edit : Edit
        The edit; at most 999 events, at a rate that SMPTE timecode has.
    path : Path
        The file, ending in ``.edl``.

    Raises
    ------
    SegueError
        If the edit is impossible or too much for CMX, or the file cannot be written.
    """
    path = _named(path, ".edl")
    text = edl_text(edit)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\r\n")


def media_url(media: Path, folder: Path | None) -> str:
    """Name a media file as a URL: relative under `folder`, otherwise absolute.

    Parameters
    ----------
    media : Path
        The file.
    folder : Path or None
        Where the timeline will stand.
    """
    full = Path(os.path.abspath(media))  # noqa: PTH100  # resolve() would follow links
    if folder is not None:
        home = Path(os.path.abspath(folder))  # noqa: PTH100
        if full.is_relative_to(home):
            return quote(full.relative_to(home).as_posix())
    return full.as_uri()


def _named(path: Path, suffix: str) -> Path:
    path = Path(path)
    if path.suffix.lower() != suffix:
        raise SegueError(f"{path} does not end in {suffix}; choose a name that does.")
    return path


def _clip(cut: Cut, rate: float, folder: Path | None) -> otio.schema.Clip:
    """Make the clip of one piece."""
    source_rate = float(cut.source_rate)
    reference = otio.schema.ExternalReference(
        media_url(cut.source, folder),
        otio.opentime.TimeRange(
            otio.opentime.RationalTime(0, source_rate),
            otio.opentime.RationalTime(cut.source_frames, source_rate),
        ),
    )
    reference.name = cut.source.name
    start = otio.opentime.RationalTime(cut.in_point, source_rate)
    clip = otio.schema.Clip(
        cut.shot,
        reference,
        otio.opentime.TimeRange(start, otio.opentime.RationalTime(cut.frames, rate)),
    )
    clip.metadata["segue"] = {
        "effect": cut.effect,
        "transition": cut.transition,
        "reward_terms": {name: float(value) for name, value in cut.reward_terms.items()},
    }
    if cut.speed != 1:
        warp = otio.schema.LinearTimeWarp(cut.effect, time_scalar=float(cut.speed))
        clip.effects.append(warp)
    elif cut.effect != "none":
        clip.effects.append(otio.schema.Effect(cut.effect, cut.effect))
    marked = otio.opentime.TimeRange(start, otio.opentime.RationalTime(1, rate))
    marker = otio.schema.Marker(f"cut: {cut.transition}", marked, otio.schema.MarkerColor.GREEN)
    marker.metadata["segue"] = dict(clip.metadata["segue"])
    clip.markers.append(marker)
    return clip


def _transition(cut: Cut, rate: float) -> otio.schema.Transition:
    """Make the transition by which a piece is entered."""
    half = otio.opentime.RationalTime(cut.transition_frames // 2, rate)
    kind = _OTIO_TRANSITIONS.get(cut.transition, "Custom_Transition")
    return otio.schema.Transition(
        cut.transition, kind, half, half, {"segue": {"transition": cut.transition}}
    )


def _music(edit: Edit, music: Path, folder: Path | None) -> otio.schema.Track:
    """Make the sound track."""
    track = otio.schema.Track("A1", kind=otio.schema.TrackKind.Audio)
    start = otio.opentime.RationalTime(round(edit.music_start * _SOUND_RATE), _SOUND_RATE)
    length = otio.opentime.RationalTime(edit.frames, float(edit.rate))
    reference = otio.schema.ExternalReference(media_url(music, folder))
    reference.name = music.name
    track.append(otio.schema.Clip(music.stem, reference, otio.opentime.TimeRange(start, length)))
    return track
