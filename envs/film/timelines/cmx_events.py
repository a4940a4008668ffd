"""The events of an edit decision list that is being written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

import opentimelineio as otio

from segue.envs.film.timelines.cmx_comments import clip_comments, sound_comments
from segue.envs.film.timelines.gate import TimelineError
from segue.envs.film.timelines.layout import (
    Placed,
    place,
    sequence_rate,
    source_start,
    speed_of,
    transition_frames,
)
from segue.envs.film.timelines.rates import has_drop_frame, nearest_frame, seconds_of, to_timecode
from segue.envs.film.timelines.vocabulary import SEGUE, one_line, transition_name

RATES = tuple(
    Fraction(rate)
    for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60")
)
"""Frames per second that SMPTE timecode counts."""

DIPS = ("fade_through_black", "dip_to_black")
"""Transitions that are written as two dissolves with black between them."""

BLACK = "BL"
"""CMX's reel of black."""

_REEL_LENGTH = 8


@dataclass(frozen=True)
class Event:
    """One source range on the record timeline, in frames at the timeline's rate.

    Attributes
    ----------
    reel : str
        Name in the reel column, at most eight letters or digits.
    source, record : (int, int)
        First frame, and the one after the last, of the source and of the timeline.
    channel, code : str
        As they stand in their columns.
    length : int
        Frames of the transition with which it begins; 0 for a cut.
    name : str
        Name of the clip.
    speed : Fraction
        Source seconds per second of the timeline.
    comments : tuple of str
        What stands under it, without the stars.
    codes : tuple of str
        Lines under it that are no comments.
    """

    reel: str
    source: tuple[int, int]
    record: tuple[int, int]
    channel: str = "V"
    code: str = "C"
    length: int = 0
    name: str = ""
    speed: Fraction = Fraction(1)
    comments: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class Clock:
    """Writes frames of one timeline as timecode.

    Parameters
    ----------
    timeline : Timeline
        Its rate, its first frame and whether it counts drop-frame are heeded.

    Raises
    ------
    TimelineError
        If SMPTE timecode does not know the rate.
    """

    def __init__(self, timeline: otio.schema.Timeline) -> None:
        self.rate = sequence_rate(timeline)
        if self.rate not in RATES:
            raise TimelineError(
                f"CMX has no timecode for {self.rate} frames a second; write OTIO instead, or edit "
                f"at {', '.join(str(rate) for rate in RATES)}."
            )
        said = timeline.metadata.get(SEGUE, {}).get("drop_frame")
        self.drop = has_drop_frame(self.rate) and said is not False
        first = timeline.global_start_time
        self.first = 0 if first is None else nearest_frame(seconds_of(first), self.rate)

    def record(self, frame: int) -> str:
        """Timecode of a frame of the timeline."""
        return self.source(self.first + frame)

    def source(self, frame: int) -> str:
        """Timecode of a frame of a source."""
        try:
            return to_timecode(frame, self.rate, self.drop)
        except ValueError as error:
            raise TimelineError(f"CMX cannot say frame {frame}: {error}; write OTIO.") from error


def picture_events(track: otio.schema.Track, clock: Clock) -> list[Event]:
    """List the picture's events; a transition belongs to the event that it enters.

    Raises
    ------
    TimelineError
        If the track holds a nested sequence.
    """
    events: list[Event] = []
    row = place(track, clock.rate)
    for number, placed in enumerate(row):
        begin, end = placed.start, placed.end
        code, length = "C", 0
        comments: tuple[str, ...] = ()
        if placed.entering is not None:
            name = transition_name(placed.entering)
            before, after = transition_frames(placed.entering, clock.rate)
            before = min(before, begin)  # Before the timeline there is nothing to mix with.
            if name in DIPS and not placed.is_gap:
                black = (begin - before, begin)
                events.append(_black(black, "D", before))
                code, length = "D", after
            else:
                begin -= before
                code, length = ("W001" if "wipe" in name else "D"), before + after
            told = one_line(placed.entering.name) or name
            comments = (f"TRANSITION NAME IS {told}, {before}+{after} FRAMES",)
        if placed.leaving is not None:
            end -= transition_frames(placed.leaving, clock.rate)[0]
        code = code if length else "C"
        if placed.is_gap:
            # A gap is told by the record times alone, but for one that is faded to and for those
            # that begin and end it all.
            if code != "C" or number in (0, len(row) - 1):
                events.append(_black((begin, end), code, length, comments))
        elif end > begin or length:
            events.append(_clip_event(placed, (begin, end), clock, code, length, comments))
    return events


def sound_events(
    track: otio.schema.Track, clock: Clock, channel: str, codes: tuple[str, ...]
) -> list[Event]:
    """List a sound track's events."""
    events = []
    for placed in place(track, clock.rate):
        if placed.is_gap:
            continue
        event = _clip_event(placed, (placed.start, placed.end), clock)
        comments = (*event.comments, *sound_comments(placed.item))
        events.append(
            Event(
                *(event.reel, event.source, event.record, channel),
                name=event.name,
                speed=event.speed,
                comments=comments,
                codes=codes,
            )
        )
    return events


def _black(
    record: tuple[int, int], code: str, length: int, comments: tuple[str, ...] = ()
) -> Event:
    """Make an event of black."""
    source = (0, record[1] - record[0])
    return Event(BLACK, source, record, code=code, length=length, name="BLACK", comments=comments)


def _clip_event(
    placed: Placed,
    record: tuple[int, int],
    clock: Clock,
    code: str = "C",
    length: int = 0,
    comments: tuple[str, ...] = (),
) -> Event:
    """Make the event of a clip, which begins with its transition."""
    item = placed.item
    if not isinstance(item, otio.schema.Clip):
        raise TimelineError(
            f"The nested sequence {item.name!r} is more than CMX can say; "
            "write OTIO, FCP7 XML or FCPXML."
        )
    speed = speed_of(item)
    exact = source_start(item) + (record[0] - placed.start) / clock.rate * speed
    first = max(nearest_frame(exact, clock.rate), 0)
    # A frozen or reversed piece still has two different ends, as readers expect.
    span = max(round((record[1] - record[0]) * abs(speed)), 1 if speed != 1 else 0)
    told = clip_comments(item, exact, first, clock.rate, speed)
    told += _locators(placed, clock, speed)
    return Event(
        _reel(item),
        (first, first + span),
        record,
        code=code,
        length=length,
        name=one_line(item.name),
        speed=speed,
        comments=(*comments, *told),
    )


def _locators(placed: Placed, clock: Clock, speed: Fraction) -> list[str]:
    """List the markers of a clip, each at the record frame of its source frame."""
    lines = []
    for marker in placed.item.markers:
        apart = seconds_of(marker.marked_range.start_time) - source_start(placed.item)
        moved = nearest_frame(apart / speed, clock.rate) if speed else 0
        frame = placed.start + min(max(moved, 0), max(placed.frames - 1, 0))
        words = one_line(marker.name)
        if marker.comment:
            words += f" | {one_line(marker.comment)}"
        colour = str(marker.color or "GREEN").upper()
        lines.append(f"LOC: {clock.record(frame)} {colour:7} {words}")
    return lines


def _reel(clip: otio.schema.Clip) -> str:
    """Reel name of eight letters or digits: the clip's own, or from its media's name."""
    known = str(clip.metadata.get(SEGUE, {}).get("reel", ""))
    reference = clip.media_reference
    name = known or (reference.name if reference is not None else "") or clip.name
    stem = name if known else name.rsplit(".", 1)[0]
    reel = re.sub(r"[^A-Za-z0-9]+", "", stem).upper()[:_REEL_LENGTH]
    return "AX" if reel in ("", BLACK) else reel
