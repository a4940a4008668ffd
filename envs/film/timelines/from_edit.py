"""An edit as an OpenTimelineIO timeline, from which every other format is written.

* ``V1`` holds the pieces. Each clip's source range starts at its in-point at the source's rate and
  is as long as the piece at the edit's rate. Transitions are centred on the cuts. Slow motion is a
  ``LinearTimeWarp``, other effects an ``Effect`` of that name. A marker on each cut says why: its
  comment gives the reward terms and the runner-up. A tail of black is a gap.
* ``V2`` holds the titles, where there are any: clips of a ``GeneratorReference``.
* ``A1`` holds the music and ``A2``, where it sounds, the pieces' own sound, which begins earlier or
  later than their picture by `Cut.sound_lead`.

The timeline's ``global_start_time`` is 0.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from urllib.parse import quote

import opentimelineio as otio

from segue.envs.film.edit import Cut, Edit, Title
from segue.envs.film.effects import EFFECTS
from segue.envs.film.plan import check_edit
from segue.envs.film.timelines.vocabulary import (
    GAIN,
    MUSIC,
    SEGUE,
    SOUND,
    TITLE,
    marker_name,
    one_line,
    tell_reason,
)

_OTIO_TRANSITIONS = {"dissolve": "SMPTE_Dissolve", "wipe": "SMPTE_Wipe"}
"""OTIO's standard types; the others are ``Custom_Transition`` and named."""

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
        See the module's text.

    Raises
    ------
    SegueError
        If the edit is impossible, see `segue.envs.film.plan.check_edit`.
    """
    check_edit(edit)
    rate = float(edit.rate)
    start = otio.opentime.RationalTime(0, rate)
    timeline = otio.schema.Timeline(edit.title, global_start_time=start)
    timeline.metadata[SEGUE] = {
        "rate": str(edit.rate),
        "width": edit.width,
        "height": edit.height,
    }
    picture = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for cut in edit.cuts:
        if cut.transition_frames:
            picture.append(_transition(cut, rate))
        picture.append(_clip(cut, rate, folder))
    if edit.tail:
        picture.append(_gap(edit.tail, rate))
    timeline.tracks.append(picture)
    for track in _titles(edit.titles, rate):
        timeline.tracks.append(track)
    if edit.music is not None:
        timeline.tracks.append(_music(edit, edit.music, folder))
    if edit.source_gain > 0:
        timeline.tracks.append(_own_sound(edit, folder))
    return timeline


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


def _range(start: otio.opentime.RationalTime, frames: int, rate: float) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(start, otio.opentime.RationalTime(frames, rate))


def _gap(frames: int, rate: float) -> otio.schema.Gap:
    return otio.schema.Gap(source_range=_range(otio.opentime.RationalTime(0, rate), frames, rate))


def _reference(cut: Cut, folder: Path | None) -> otio.schema.ExternalReference:
    """Name the media of a piece."""
    source_rate = float(cut.source_rate)
    reference = otio.schema.ExternalReference(
        media_url(cut.source, folder),
        _range(otio.opentime.RationalTime(0, source_rate), cut.source_frames, source_rate),
    )
    reference.name = cut.source.name
    return reference


def _clip(cut: Cut, rate: float, folder: Path | None) -> otio.schema.Clip:
    """Make the clip of one piece."""
    start = otio.opentime.RationalTime(cut.in_point, float(cut.source_rate))
    clip = otio.schema.Clip(cut.shot, _reference(cut, folder), _range(start, cut.frames, rate))
    known: dict[str, object] = {
        "effect": cut.effect,
        "transition": cut.transition,
        "reward_terms": {name: float(value) for name, value in cut.reward_terms.items()},
    }
    named: Mapping[str, object] = {
        "runner_up": cut.runner_up,
        "sound_lead": cut.sound_lead,
        "reel": cut.reel,
        "scene": cut.scene,
        "take": cut.take,
    }
    known.update({name: value for name, value in named.items() if value})
    clip.metadata[SEGUE] = known
    if cut.speed != 1:
        name = cut.effect if cut.effect != "none" else "speed"
        clip.effects.append(otio.schema.LinearTimeWarp(name, time_scalar=float(cut.speed)))
    # Where the effect is the speed itself, the warp is all there is of it.
    if cut.effect != "none" and EFFECTS[cut.effect].speed == 1:
        clip.effects.append(otio.schema.Effect(cut.effect, cut.effect))
    marker = otio.schema.Marker(
        marker_name(cut.transition),
        _range(start, 1, rate),
        otio.schema.MarkerColor.GREEN,
        comment=tell_reason(cut),
    )
    marker.metadata[SEGUE] = known
    clip.markers.append(marker)
    return clip


def _transition(cut: Cut, rate: float) -> otio.schema.Transition:
    """Make the transition by which a piece is entered."""
    half = otio.opentime.RationalTime(cut.transition_frames // 2, rate)
    kind = _OTIO_TRANSITIONS.get(cut.transition, "Custom_Transition")
    return otio.schema.Transition(
        cut.transition, kind, half, half, {SEGUE: {"transition": cut.transition}}
    )


def _titles(titles: Iterable[Title], rate: float) -> list[otio.schema.Track]:
    """Make the tracks of words: one, and more where titles overlap."""
    tracks: list[otio.schema.Track] = []
    ends: list[int] = []
    for title in sorted(titles, key=lambda title: title.start):
        level = next((k for k, end in enumerate(ends) if end <= title.start), len(ends))
        if level == len(ends):
            tracks.append(otio.schema.Track(f"V{level + 2}", kind=otio.schema.TrackKind.Video))
            ends.append(0)
        if title.start > ends[level]:
            tracks[level].append(_gap(title.start - ends[level], rate))
        words = one_line(title.text)
        reference = otio.schema.GeneratorReference(
            words, TITLE, parameters={"text": title.text, "place": title.place}
        )
        zero = otio.opentime.RationalTime(0, rate)
        clip = otio.schema.Clip(words, reference, _range(zero, title.frames, rate))
        tracks[level].append(clip)
        ends[level] = title.start + title.frames
    return tracks


def _music(edit: Edit, music: Path, folder: Path | None) -> otio.schema.Track:
    """Make the track of the music."""
    track = otio.schema.Track("A1", kind=otio.schema.TrackKind.Audio)
    start = otio.opentime.RationalTime(round(edit.music_start * _SOUND_RATE), _SOUND_RATE)
    reference = otio.schema.ExternalReference(media_url(music, folder))
    reference.name = music.name
    clip = otio.schema.Clip(music.stem, reference, _range(start, edit.frames, float(edit.rate)))
    clip.metadata[SEGUE] = {"role": MUSIC}
    track.append(clip)
    return track


def _own_sound(edit: Edit, folder: Path | None) -> otio.schema.Track:
    """Make the track of the pieces' own sound; where a lead asks for too much it is shortened."""
    track = otio.schema.Track("A2", kind=otio.schema.TrackKind.Audio)
    rate = float(edit.rate)
    starts = [0, *accumulate(cut.frames for cut in edit.cuts)]
    begins = [
        starts[k] - min(cut.sound_lead, int(cut.in_point / cut.source_rate / cut.speed * edit.rate))
        for k, cut in enumerate(edit.cuts)
    ]
    ends = [*begins[1:], starts[-1]]
    at = 0
    for number, cut in enumerate(edit.cuts):
        begin, end = max(begins[number], at), min(ends[number], starts[-1])
        if end <= begin:
            continue
        if begin > at:
            track.append(_gap(begin - at, rate))
        moved = (begin - starts[number]) / edit.rate * cut.speed * cut.source_rate
        source_rate = float(cut.source_rate)
        start = otio.opentime.RationalTime(float(cut.in_point + moved), source_rate)
        clip = otio.schema.Clip(cut.shot, _reference(cut, folder), _range(start, end - begin, rate))
        clip.metadata[SEGUE] = {"role": SOUND}
        if cut.speed != 1:
            clip.effects.append(otio.schema.LinearTimeWarp("speed", time_scalar=float(cut.speed)))
        gain = otio.schema.Effect(GAIN, GAIN, {SEGUE: {GAIN: float(edit.source_gain)}})
        clip.effects.append(gain)
        track.append(clip)
        at = end
    return track
