"""What of a timeline's tracks and nested sequences is seen, as one row of pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

import opentimelineio as otio

from segue.envs.film.timelines.layout import (
    Placed,
    place,
    source_start,
    speed_of,
    transition_frames,
)
from segue.envs.film.timelines.rates import nearest_frame, seconds_of
from segue.envs.film.timelines.vocabulary import TITLE, transition_name


@dataclass(frozen=True)
class Piece:
    """A visible part of a clip.

    Attributes
    ----------
    clip : Clip
        The clip.
    start, frames : int
        First frame in the sequence and length, in frames of the sequence.
    source : Fraction
        Second of the source shown first, in the source's own timecode.
    speed : Fraction
        Source seconds per second of the sequence.
    transition : str
        How it is entered, a name in `segue.envs.film.transitions.TRANSITIONS`; empty for a cut.
    before, after : int
        Frames of the transition before and after the piece's start.
    """

    clip: otio.schema.Clip
    start: int
    frames: int
    source: Fraction
    speed: Fraction
    transition: str = ""
    before: int = 0
    after: int = 0

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.start + self.frames

    def trimmed(self, start: int, end: int, rate: Fraction) -> Piece | None:
        """Keep the part from `start` to `end` - 1; None where nothing is left."""
        begin, stop = max(self.start, start), min(self.end, end)
        if begin >= stop:
            return None
        source = self.source + (begin - self.start) / rate * self.speed
        kept = replace(self, start=begin, frames=stop - begin, source=source)
        if begin > self.start:
            kept = replace(kept, transition="", before=0, after=0)
        return kept


def is_title(clip: otio.core.Item) -> bool:
    """Whether a clip draws words."""
    return (
        isinstance(clip, otio.schema.Clip)
        and isinstance(clip.media_reference, otio.schema.GeneratorReference)
        and clip.media_reference.generator_kind == TITLE
    )


def visible(stack: otio.schema.Stack, rate: Fraction) -> list[Piece]:
    """Find what the picture tracks show, upper tracks before lower ones.

    Titles are left out; they lie over the picture and hide nothing. A nested sequence that is
    played at another speed is shown at its own.

    Parameters
    ----------
    stack : Stack
        Tracks from bottom to top.
    rate : Fraction
        Frames per second of the outer sequence.

    Returns
    -------
    list of Piece
        In order of their start; they do not overlap.
    """
    shown: list[Piece] = []
    for track in stack:
        if isinstance(track, otio.schema.Track) and track.kind != otio.schema.TrackKind.Video:
            continue
        if not track.enabled:
            continue
        shown = _painted(shown, track_pieces(track, rate), rate)
    return shown


def track_pieces(track: otio.core.Item, rate: Fraction) -> list[Piece]:
    """Pieces of one track, what lies in nested sequences taken out of them; no titles."""
    if isinstance(track, otio.schema.Clip):
        return [_piece(Placed(track, 0, _length(track, rate), None, None), rate)]
    if isinstance(track, otio.schema.Stack):
        return visible(track, rate)
    pieces: list[Piece] = []
    for placed in place(track, rate):
        if placed.is_gap or is_title(placed.item) or not placed.frames:
            continue
        if isinstance(placed.item, otio.schema.Clip):
            pieces.append(_piece(placed, rate))
        else:
            pieces += _nested(placed, rate)
    return pieces


def _length(item: otio.core.Item, rate: Fraction) -> int:
    return nearest_frame(seconds_of(item.trimmed_range().duration), rate)


def _piece(placed: Placed, rate: Fraction) -> Piece:
    """Make the piece of a clip."""
    item = placed.item
    plain = Piece(item, placed.start, placed.frames, source_start(item), speed_of(item))
    if placed.entering is None:
        return plain
    before, after = transition_frames(placed.entering, rate)
    name = transition_name(placed.entering)
    return replace(plain, transition=name, before=before, after=after)


def _nested(placed: Placed, rate: Fraction) -> list[Piece]:
    """Pieces of a nested sequence where it stands; how it is entered holds for its first."""
    begin = nearest_frame(source_start(placed.item), rate)
    shift = placed.start - begin
    inner = [
        piece.trimmed(begin, begin + placed.frames, rate)
        for piece in track_pieces(placed.item, rate)
    ]
    pieces = [replace(p, start=p.start + shift) for p in inner if p is not None]
    if pieces and placed.entering is not None and pieces[0].start == placed.start:
        before, after = transition_frames(placed.entering, rate)
        name = transition_name(placed.entering)
        pieces[0] = replace(pieces[0], transition=name, before=before, after=after)
    return pieces


def _painted(below: list[Piece], above: Iterable[Piece], rate: Fraction) -> list[Piece]:
    """Lay the pieces of a track over those of the tracks below it."""
    above = sorted(above, key=lambda piece: piece.start)
    if not below:
        return above
    free: list[tuple[int, int]] = []
    at = 0
    for piece in above:
        free.append((at, piece.start))
        at = max(at, piece.end)
    free.append((at, max(at, below[-1].end)))
    kept: list[Piece] = []
    number = 0
    for begin, end in free:
        while number and below[number - 1].end > begin:
            number -= 1
        while number < len(below) and below[number].start < end:
            part = below[number].trimmed(begin, end, rate)
            if part is not None:
                kept.append(part)
            number += 1
    return sorted([*kept, *above], key=lambda piece: piece.start)
