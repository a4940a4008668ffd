"""CMX 3600: the edit decision list that every editing program reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import opentimelineio as otio

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.plan import check_edit

MOST_EVENTS = 999
"""Event numbers have three digits."""

_REEL_LENGTH = 8
_DAY_HOURS = 24
_CODES = {"wipe": "W001"}
"""CMX's word for a transition; what is not named here is written as a dissolve."""


@dataclass(frozen=True)
class _Event:
    """One source range on the record timeline, in frames at the edit's rate."""

    reel: str
    source_in: int
    source_out: int
    record_in: int
    record_out: int
    code: str = "C"
    length: int = 0
    name: str = ""
    comments: tuple[str, ...] = ()


def edl_text(edit: Edit) -> str:
    """Write an edit as the text of a CMX 3600 list, non-drop-frame.

    Parameters
    ----------
    edit : Edit
        The edit; see `segue.envs.film.timelines` for how its parts are expressed.

    Raises
    ------
    SegueError
        If the edit is impossible, has a rate that SMPTE timecode does not know, or is too long.
    """
    check_edit(edit)
    if not otio.opentime.RationalTime.is_valid_timecode_rate(float(edit.rate)):
        raise SegueError(
            f"CMX has no timecode for {edit.rate} frames a second; write OTIO instead, or edit at "
            "24000/1001, 24, 25, 30000/1001, 30, 50, 60000/1001 or 60."
        )
    events = _picture_events(edit)
    if edit.music is not None:
        start = round(Fraction(edit.music_start) * edit.rate)
        span = (start, start + edit.frames, 0, edit.frames)
        names = (f"FROM CLIP NAME:  {edit.music.stem}", f"FROM CLIP: {edit.music}")
        events.append(_Event(_reel(edit.music.stem), *span, code="AA", comments=names))
    if len(events) > MOST_EVENTS:
        raise SegueError(
            f"The edit needs {len(events)} events and CMX has {MOST_EVENTS}; write OTIO instead."
        )
    lines = [f"TITLE: {_plain(edit.title)}", "FCM: NON-DROP FRAME", ""]
    before: _Event | None = None
    for number, event in enumerate(events, start=1):
        lines += _event_lines(number, event, before, float(edit.rate))
        before = event
    return "\n".join(lines) + "\n"


def _picture_events(edit: Edit) -> list[_Event]:
    """List the video events; a transition belongs to the event that it enters."""
    starts = [0, *accumulate(cut.frames for cut in edit.cuts)]
    events: list[_Event] = []
    for number, cut in enumerate(edit.cuts):
        begin, end = starts[number], starts[number + 1]
        code, length = "C", 0
        if cut.transition == "fade_through_black":
            half = cut.transition_frames // 2
            black = (begin - half, begin)
            events.append(_Event("BL", 0, half, *black, code="D", length=half, name="BLACK"))
            code, length = "D", half
        elif cut.transition_frames:
            begin -= cut.transition_frames // 2
            code, length = _CODES.get(cut.transition, "D"), cut.transition_frames
        end -= _taken_by_next(edit, number)
        source_in = _source(edit, cut, begin - starts[number])
        source_out = source_in + round((end - begin) * cut.speed)
        events.append(
            _Event(
                _reel(cut.source.stem),
                *(source_in, source_out, begin, end),
                code=code,
                length=length,
                name=cut.shot,
                comments=tuple(_comments(edit, cut, source_in)),
            )
        )
    return events


def _taken_by_next(edit: Edit, number: int) -> int:
    """Frames that CMX gives to the next event, because its transition begins there."""
    last = number + 1 == len(edit.cuts)
    return 0 if last else edit.cuts[number + 1].transition_frames // 2


def _source(edit: Edit, cut: Cut, frame: int) -> int:
    """Frame of the source in units of the edit's rate, held at the source's start."""
    seconds = Fraction(cut.in_point) / cut.source_rate + frame * cut.speed / edit.rate
    return max(round(seconds * edit.rate), 0)


def _comments(edit: Edit, cut: Cut, source_in: int) -> list[str]:
    """List what stands under an event."""
    lines = [f"FROM CLIP NAME:  {_plain(cut.shot)}", f"FROM CLIP: {cut.source}"]
    if cut.effect != "none":
        lines.append(f"EFFECT NAME IS {cut.effect}")
    if cut.transition not in ("cut", "dissolve", "wipe"):
        lines.append(f"TRANSITION NAME IS {cut.transition}, {cut.transition_frames} FRAMES")
    lines += [f"REWARD {_plain(name)} {value:+.4f}" for name, value in cut.reward_terms.items()]
    if cut.speed != 1:
        speed = float(cut.speed * edit.rate)
        timecode = _timecode(source_in, float(edit.rate))
        lines.append(f"M2   {_reel(cut.source.stem):8} {speed:05.1f}                {timecode}")
    return lines


def _event_lines(number: int, event: _Event, before: _Event | None, rate: float) -> list[str]:
    """Write one event; one with a transition repeats the end of the event before it."""
    channel = "AA" if event.code == "AA" else "V"
    code = "C" if event.code == "AA" else event.code
    lines = []
    if code != "C" and before is not None:
        ends = [before.source_out] * 2 + [event.record_in] * 2
        lines.append(_line(number, before.reel, channel, "C", 0, ends, rate))
    spans = [event.source_in, event.source_out, event.record_in, event.record_out]
    lines.append(_line(number, event.reel, channel, code, event.length, spans, rate))
    entering = "TO" if code != "C" else "FROM"
    if code != "C" and before is not None and before.name:
        lines.append(f"* FROM CLIP NAME:  {_plain(before.name)}")
    for comment in event.comments:
        # The media stay "FROM CLIP" even there: readers look for an event's media under that name.
        if comment.startswith("FROM CLIP NAME"):
            lines.append(f"* {comment.replace('FROM', entering, 1)}")
        else:
            lines.append(comment if comment.startswith("M2") else f"* {comment}")
    if event.reel == "BL":
        lines.append("* TO CLIP NAME:  BLACK")
    return lines


def _line(
    number: int, reel: str, channel: str, code: str, length: int, spans: list[int], rate: float
) -> str:
    """Write one line of an event."""
    duration = f"{length:03d}" if length else "   "
    times = " ".join(_timecode(frame, rate) for frame in spans)
    return f"{number:03d}  {reel:8} {channel:5} {code:4} {duration} {times}"


def _timecode(frame: int, rate: float) -> str:
    """Non-drop-frame timecode of a frame."""
    nominal = round(rate)
    seconds, frames = divmod(frame, nominal)
    hours, rest = divmod(seconds, 3600)
    if hours >= _DAY_HOURS:
        raise SegueError("CMX timecode ends at 24 hours; write OTIO instead.")
    return f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}:{frames:02d}"


def _reel(name: str) -> str:
    """Reel name: eight letters or digits."""
    return re.sub(r"[^A-Za-z0-9]+", "", name).upper()[:_REEL_LENGTH] or "AX"


def _plain(text: str) -> str:
    """Keep text on its line."""
    return " ".join(text.split())
