"""A timeline of any program as segue's record of an edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import opentimelineio as otio

from segue.envs.film.edit import Cut, Edit, Title
from segue.envs.film.effects import EFFECTS
from segue.envs.film.timelines.flatten import Piece, is_title, visible
from segue.envs.film.timelines.footage import Footage
from segue.envs.film.timelines.gate import TimelineError, understanding
from segue.envs.film.timelines.layout import Placed, place, plain_effects, sequence_rate
from segue.envs.film.timelines.sound import music_of, own_sound_of
from segue.envs.film.timelines.vocabulary import SEGUE, is_reason, understand_reason
from segue.envs.film.transitions import TRANSITIONS

_SIZE = (1920, 1080)
"""Picture size in pixels of a timeline that does not tell its own."""

_LARGEST_SIDE = 16384

_SLOWEST = Fraction(1, 1_000_000)
"""Speed of a frozen frame: too slow to reach the next one."""


def to_edit(
    timeline: otio.schema.Timeline, footage: Path | Mapping[str, Path] | None = None
) -> Edit:
    """Read a timeline as an edit.

    What is seen becomes the row of pieces: upper tracks hide lower ones, nested sequences are
    taken apart, and gaps are closed, since an edit has none but a tail of black. A transition that
    stands beside its cut is centred by moving the cut under it. Reversed pieces run forwards over
    the same length, frozen ones at a speed of nearly 0. Effects and transitions that segue lacks
    are left out and taken for dissolves.

    Parameters
    ----------
    timeline : Timeline
        As `segue.envs.film.timelines.read_timeline` gives it.
    footage : Path, mapping of str to Path, or None
        The folder that holds the media, or the files by name; no other file is opened. None takes
        the timeline at its word and names the media without opening any.

    Returns
    -------
    Edit
        With the music where its file is found too.

    Raises
    ------
    TimelineError
        If the timeline shows no picture or a file is missing.
    SegueError
        If a file cannot be read.
    """
    named = f"The timeline {timeline.name!r}"
    with understanding(named):
        rate = sequence_rate(timeline)
        pieces = visible(timeline.tracks, rate)
        if not pieces:
            raise TimelineError(f"{named} shows no clips; choose one that does.")
        media = Footage(footage)
        cuts = [_cut(piece, media, rate) for piece in _centred(_closed(pieces), rate)]
        sound = own_sound_of(timeline, pieces, rate)
        music, music_start = music_of(timeline, rate, sound, media) or (None, 0)
        titles = _titles(timeline, pieces, rate)
        return Edit(
            timeline.name or "untitled",
            rate,
            *_size(timeline),
            _with_leads(cuts, sound.leads),
            music=music,
            music_start=float(music_start),
            source_gain=sound.gain,
            titles=titles,
            tail=_tail(timeline, pieces, titles, rate),
        )


def _closed(pieces: Sequence[Piece]) -> list[Piece]:
    """Close the gaps; what does not follow another piece directly is cut to."""
    found: list[Piece] = []
    at = 0
    for number, piece in enumerate(pieces):
        if number == 0 or pieces[number - 1].end != piece.start:
            piece = replace(piece, transition="", before=0, after=0)
        found.append(replace(piece, start=at))
        at += piece.frames
    return found


def _centred(pieces: list[Piece], rate: Fraction) -> list[Piece]:
    """Centre each transition on its cut, at an even length that its pieces have room for."""
    for number in range(1, len(pieces)):
        piece, leaving = pieces[number], pieces[number - 1]
        half = (piece.before + piece.after) // 2
        if not piece.transition or not half:
            pieces[number] = replace(piece, transition="", before=0, after=0)
            continue
        shift = half - piece.before
        shift = min(max(shift, 1 - leaving.frames), piece.frames - 1)
        pieces[number - 1] = replace(leaving, frames=leaving.frames + shift)
        pieces[number] = replace(
            piece,
            start=piece.start + shift,
            frames=piece.frames - shift,
            source=piece.source + shift / rate * piece.speed,
            before=half,
            after=half,
        )
    return _fitting(pieces)


def _fitting(pieces: list[Piece]) -> list[Piece]:
    """Shorten centred transitions until no piece is taken by two at once."""
    halves = [piece.before for piece in pieces]
    halves[0] = 0
    for number, piece in enumerate(pieces):
        halves[number] = min(halves[number], piece.frames)
        if number + 1 < len(pieces):
            halves[number + 1] = min(halves[number + 1], piece.frames - halves[number])
    return [
        replace(piece, before=half, after=half, transition=piece.transition if half else "")
        for piece, half in zip(pieces, halves, strict=True)
    ]


def _cut(piece: Piece, footage: Footage, rate: Fraction) -> Cut:
    """Make the record of one piece."""
    clip = piece.clip
    media = footage.media(clip, rate)
    speed = abs(piece.speed) or _SLOWEST
    source = piece.source
    if piece.speed < 0:
        source += piece.frames / rate * piece.speed
    in_point = media.frame(source)
    seen = int(piece.frames / rate * speed * media.rate) + 1
    reason = next((understand_reason(m.comment) for m in clip.markers if is_reason(m)), None)
    known = clip.metadata.get(SEGUE, {})
    return Cut(
        media.path,
        media.rate,
        media.frames if media.frames is not None else in_point + seen,
        in_point,
        piece.frames,
        speed,
        _effect(clip, speed),
        piece.transition or _bare_transition(clip),
        2 * piece.before,
        clip.name or media.path.stem,
        reward_terms=reason.reward_terms if reason else {},
        runner_up=reason.runner_up if reason else "",
        sound_lead=reason.sound_lead if reason else 0,
        reel=str(known.get("reel", "")),
        scene=str(known.get("scene", "")),
        take=str(known.get("take", "")),
    )


def _effect(clip: otio.schema.Clip, speed: Fraction) -> str:
    """Name of the first effect of a clip that segue has, or of the one that is its speed."""
    for effect in plain_effects(clip):
        for name in (effect.effect_name, effect.name):
            if name in EFFECTS and EFFECTS[name].speed == 1:
                return str(name)
    return next((n for n, spec in EFFECTS.items() if spec.speed == speed != 1), "none")


def _bare_transition(clip: otio.schema.Clip) -> str:
    """Name of the transition without length that a marker tells of, such as a match on action."""
    for marker in clip.markers:
        name = marker.name.removeprefix("cut: ")
        if is_reason(marker) and name in TRANSITIONS and TRANSITIONS[name].blend is None:
            return str(name)
    return "cut"


def _with_leads(cuts: Sequence[Cut], leads: Mapping[int, int]) -> tuple[Cut, ...]:
    """Put in what the sound tracks tell of each piece's sound, where the pieces allow it."""
    found = list(cuts)
    for number, lead in leads.items():
        if number and -cuts[number].frames < lead < cuts[number - 1].frames:
            found[number] = replace(cuts[number], sound_lead=lead)
    return tuple(found)


def _titles(
    timeline: otio.schema.Timeline, pieces: Sequence[Piece], rate: Fraction
) -> tuple[Title, ...]:
    """Find the words on the picture, at the frames where the closed row of pieces has them."""
    found = []
    for placed in _placed(timeline, rate):
        if not is_title(placed.item) or placed.is_gap or not placed.frames:
            continue
        parameters = placed.item.media_reference.parameters
        text = str(parameters.get("text", "")) or placed.item.name
        place_ = str(parameters.get("place", ""))
        start = _moved(placed.start, pieces)
        found.append(
            Title(
                text, start, placed.frames, "lower_third" if place_ == "lower_third" else "middle"
            )
        )
    return tuple(sorted(found, key=lambda title: title.start))


def _moved(frame: int, pieces: Sequence[Piece]) -> int:
    """Frame of the closed row at a frame of the timeline."""
    starts = list(accumulate((piece.frames for piece in pieces), initial=0))
    for piece, start in zip(pieces, starts, strict=False):
        if frame < piece.end:
            return start + max(frame - piece.start, 0)
    return starts[-1] + frame - pieces[-1].end


def _placed(timeline: otio.schema.Timeline, rate: Fraction) -> list[Placed]:
    """Items of all picture tracks where they stand."""
    return [placed for track in timeline.video_tracks() for placed in place(track, rate)]


def _tail(
    timeline: otio.schema.Timeline,
    pieces: Sequence[Piece],
    titles: Sequence[Title],
    rate: Fraction,
) -> int:
    """Frames of black that picture tracks and titles speak of after the last piece."""
    length = sum(piece.frames for piece in pieces)
    beyond = max(placed.end for placed in _placed(timeline, rate)) - pieces[-1].end
    return max(0, beyond, *(title.start + title.frames - length for title in titles))


def _size(timeline: otio.schema.Timeline) -> tuple[int, int]:
    """Picture size that a timeline tells of, if it can be rendered."""
    known = timeline.metadata.get(SEGUE, {})
    try:
        width, height = int(known.get("width", 0)), int(known.get("height", 0))
    except (TypeError, ValueError):
        return _SIZE
    usable = all(side % 2 == 0 and 16 <= side <= _LARGEST_SIDE for side in (width, height))
    return (width, height) if usable else _SIZE
