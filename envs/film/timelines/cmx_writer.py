"""CMX 3600: the edit decision list that every editing program reads.

* ``SMPTE_Dissolve`` and what CMX has no word for is ``D``, a wipe ``W001`` (SMPTE wipe 1). CMX
  knows transitions only from the frame where they begin, so the leaving event ends there and the
  entering one begins there, with its handle.
* A dip to black is what CMX has for it: a dissolve to ``BL`` (black) that ends on the cut, then one
  from it.
* Other speeds are ``M2``. Rates of 29.97 and 59.94 count drop-frame, with ``;`` before the frames.
* Source timecode counts at the timeline's rate, as CMX has one rate: a source of another rate is
  addressed by time.
* What CMX has no word for stands in comments, for people and for
  `segue.envs.film.timelines.cmx_reader`: the frame rate, names of transitions and where their cut
  is, effects, exact speeds and source times, reel, scene and take, roles and levels of sound,
  titles. Markers are ``* LOC:`` lines.
"""

from __future__ import annotations

import json

import opentimelineio as otio

from segue.envs.film.timelines.cmx_events import (
    BLACK,
    Clock,
    Event,
    picture_events,
    sound_events,
)
from segue.envs.film.timelines.flatten import is_title
from segue.envs.film.timelines.gate import TimelineError
from segue.envs.film.timelines.layout import Placed, place, sequence_rate
from segue.envs.film.timelines.vocabulary import SEGUE, one_line

MOST_EVENTS = 999
"""Event numbers have three digits."""


def cmx_text(timeline: otio.schema.Timeline) -> str:
    """Write a timeline as the text of a CMX 3600 list.

    Parameters
    ----------
    timeline : Timeline
        One picture track, besides titles, without nested sequences; at most 999 events.

    Raises
    ------
    TimelineError
        If it is more than CMX can say, or has a rate that SMPTE timecode does not know.
    """
    clock = Clock(timeline)
    titles, pictures = _picture_tracks(timeline)
    events = [event for track in pictures for event in picture_events(track, clock)]
    sounds = timeline.audio_tracks()
    for number, track in enumerate(sounds):
        channel = "AA" if len(sounds) == 1 else ("A", "A2", "NONE")[min(number, 2)]
        codes = (f"AUD  {number + 1}",) if number > 1 else ()
        events += sound_events(track, clock, channel, codes)
    if not events:
        raise TimelineError(f"The timeline {timeline.name!r} is empty; CMX needs an event.")
    if len(events) > MOST_EVENTS:
        raise TimelineError(
            f"The edit needs {len(events)} events and CMX has {MOST_EVENTS}; write OTIO instead."
        )
    lines = [
        f"TITLE: {one_line(timeline.name)}",
        f"FCM: {'' if clock.drop else 'NON-'}DROP FRAME",
        "",
    ]
    before: Event | None = None
    for number, event in enumerate(events, start=1):
        lines += _event_lines(number, event, before, clock)
        if before is None:  # Some readers take no comment before the first event.
            lines += _list_comments(timeline, titles, clock)
        before = event
    return "\n".join(lines) + "\n"


def _list_comments(timeline: otio.schema.Timeline, titles: list[Placed], clock: Clock) -> list[str]:
    """List what concerns the whole list."""
    lines = [f"* FRAME RATE IS {clock.rate}"]
    known = timeline.metadata.get(SEGUE, {})
    if known.get("width") and known.get("height"):
        lines.append(f"* PICTURE SIZE IS {known['width']} x {known['height']}")
    for placed in titles:
        parameters = placed.item.media_reference.parameters
        words = json.dumps(str(parameters.get("text", placed.item.name)))
        where = parameters.get("place", "middle")
        at = clock.record(placed.start)
        lines.append(f"* TITLE AT {at} FOR {placed.frames} FRAMES IN {where}: {words}")
    return lines


def _picture_tracks(
    timeline: otio.schema.Timeline,
) -> tuple[list[Placed], list[otio.schema.Track]]:
    """Part the titles from the one track of pictures."""
    titles: list[Placed] = []
    pictures: list[otio.schema.Track] = []
    rate = sequence_rate(timeline)
    for track in timeline.video_tracks():
        placed = place(track, rate)
        if any(is_title(p.item) for p in placed):
            titles += [p for p in placed if is_title(p.item)]
        elif any(not p.is_gap for p in placed) or not pictures:
            pictures.append(track)
    shown = [t for t in pictures if any(not p.is_gap for p in place(t, rate))] or pictures[:1]
    if len(shown) > 1:
        raise TimelineError(
            f"The timeline {timeline.name!r} has {len(shown)} picture tracks and CMX one; "
            "flatten it, or write OTIO, FCP7 XML or FCPXML."
        )
    return titles, shown


def _event_lines(number: int, event: Event, before: Event | None, clock: Clock) -> list[str]:
    """Write one event; one with a transition repeats the end of the event before it."""
    lines = []
    joined = before is not None and before.record[1] == event.record[0]
    if event.code != "C":
        reel, at = (before.reel, before.source[1]) if before and joined else (BLACK, 0)
        ends = [clock.source(at)] * 2 + [clock.record(event.record[0])] * 2
        lines.append(_line(number, reel, event.channel, "C", 0, ends))
    spans = [clock.source(f) for f in event.source] + [clock.record(f) for f in event.record]
    lines.append(_line(number, event.reel, event.channel, event.code, event.length, spans))
    if event.speed != 1:
        speed = float(event.speed * clock.rate)
        lines.append(
            f"M2   {event.reel:8} {speed:05.1f}                {spans[0].replace(';', ':')}"
        )
    lines += event.codes
    if event.code != "C" and before is not None and joined and before.name:
        lines.append(f"* FROM CLIP NAME:  {before.name}")
    if event.name:
        lines.append(f"* {'TO' if event.code != 'C' else 'FROM'} CLIP NAME:  {event.name}")
    return [*lines, *(f"* {comment}" for comment in event.comments)]


def _line(number: int, reel: str, channel: str, code: str, length: int, times: list[str]) -> str:
    """Write one line of an event."""
    duration = f"{length:03d}" if length else "   "
    return f"{number:03d}  {reel:8} {channel:5} {code:4} {duration} {' '.join(times)}"
