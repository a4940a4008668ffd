"""CMX 3600 edit decision lists of any program as OpenTimelineIO timelines.

A list does not tell its frame rate. In order, these decide: the caller's word, the comment of
segue's own writer, drop-frame (29.97, or 59.94 where frame numbers reach 30), and else the rate at
which most events last as long in the source as in the record.

The record timecode is the timeline: what it leaves open is a gap, and the first event starts the
timeline. A transition begins with its event, so its cut is there, unless segue's comment says
where it is.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace
from fractions import Fraction

import opentimelineio as otio

from segue.envs.film.timelines.cmx_comments import Comments
from segue.envs.film.timelines.cmx_lines import CmxList, Line, likely_rate, scan
from segue.envs.film.timelines.gate import Budget, TimelineError
from segue.envs.film.timelines.rates import (
    exact_number,
    from_timecode,
    has_drop_frame,
    rational_time,
)
from segue.envs.film.timelines.tracks import TrackBuilder, time_range
from segue.envs.film.timelines.vocabulary import GAIN, SEGUE, TITLE, one_line

_BLACK = "BL"


@dataclass(frozen=True)
class _Event:
    """An event on the frame grid; `source` in seconds, `record` in frames of the timeline."""

    line: Line
    source: Fraction
    record: tuple[int, int]
    speed: Fraction
    before: int
    after: int

    @property
    def is_black(self) -> bool:
        return self.line.reel == _BLACK


def read_cmx(data: bytes, budget: Budget, rate: Fraction | None = None) -> otio.schema.Timeline:
    """Read an edit decision list.

    Parameters
    ----------
    data : bytes
        The file.
    budget : Budget
        Its name and what it may hold.
    rate : Fraction, optional
        Frames per second; by default see the module's text.

    Returns
    -------
    Timeline
        Reel names and comments lie in ``metadata["cmx_3600"]`` of each clip.

    Raises
    ------
    TimelineError
        If it is no such list.
    """
    found = scan(_text(data, budget.source), budget)
    own = bool(found.rate)
    if rate is None:
        rate = Fraction(found.rate) if own else likely_rate(found)
    rate = exact_number(float(rate)) if not isinstance(rate, Fraction) else rate
    if not 1 <= rate <= 1000:
        raise TimelineError(f"{budget.source} has the frame rate {rate}; give one from 1 to 1000.")
    drops = has_drop_frame(rate) and (found.drop is not False)
    counted = [_counted(line, rate, drops) for line in found.events]
    # The repeated end of the event before; what is there is told by that event.
    kept = [e for e in counted if e.record[0] < e.record[1]]
    if not kept:
        raise TimelineError(f"{budget.source} has only events without length; export it again.")
    first = min(event.record[0] for event in kept)
    timeline = otio.schema.Timeline(
        found.title, global_start_time=rational_time(first / rate, rate)
    )
    known: dict[str, object] = {"rate": str(rate)}
    if has_drop_frame(rate):
        known["drop_frame"] = drops
    width, _, height = found.size.partition(" x ")
    if width.isdigit() and height.isdigit():
        known.update(width=int(width[:6]), height=int(height[:6]))
    timeline.metadata[SEGUE] = known
    _fill(timeline, kept, rate, first, own)
    _add_titles(timeline, found, rate, drops, first)
    return timeline


def _text(data: bytes, source: str) -> str:
    """Decode a list, which may come from any system."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    if b"\0" in data:
        raise TimelineError(f"{source} is no text, so no edit decision list; export it again.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _counted(line: Line, rate: Fraction, drops: bool) -> _Event:
    """Put an event on the frame grid."""
    drop = drops and line.drop
    first, last, begin, end = (from_timecode(time, rate, drop) for time in line.times)
    exact = line.comments.text("source")
    source = Fraction(exact) if exact else first / rate
    told = line.comments.found.get("transition")
    length = line.length if line.code != "C" else 0
    before, after = 0, length
    if told:
        before, after = int(told[2]), int(told[3])
    return _Event(
        line, source, (begin, end), _speed(line, rate, last - first, end - begin), before, after
    )


def _speed(line: Line, rate: Fraction, source: int, record: int) -> Fraction:
    """Source seconds per second of an event.

    ``M2`` gives frames per second with one decimal, of the true rate or of the nominal one (both
    30 and 29.97 are called normal speed). What fits the event's own ends best is meant.
    """
    exact = line.comments.text("speed")
    if exact:
        return Fraction(exact)
    motions = [speed for reel, speed in line.motion if reel == line.reel] or [
        speed for _, speed in line.motion
    ]
    if not motions:
        return Fraction(1)
    nominal = -(-rate.numerator // rate.denominator)
    meant = (motions[-1] / nominal, motions[-1] / rate)
    ratio = Fraction(source, record) if record else meant[0]
    return min(meant, key=lambda speed: abs(abs(speed) - ratio))


def _fill(
    timeline: otio.schema.Timeline, events: list[_Event], rate: Fraction, first: int, own: bool
) -> None:
    """Lay the events on tracks: picture, and sound by its channels."""
    picture: list[_Event] = []
    sounds: dict[int, list[_Event]] = {}
    for event in sorted(events, key=lambda event: event.record[0]):
        channel = event.line.channel
        tracks = list(event.line.tracks)
        if channel != "NONE" and channel[0] in "AB" and "V" not in channel[:1]:
            tracks.append(2 if channel.startswith("A2") else 1)
        if channel[0] in "VB" or channel.endswith("/V"):
            picture.append(event)
        elif not tracks:
            tracks.append(1)
        for number in dict.fromkeys(tracks):
            sounds.setdefault(number, []).append(event)
    video = TrackBuilder(otio.schema.TrackKind.Video, "V", rate)
    for event in _with_cuts(picture, rate):
        _lay(video, event, rate, first, own)
    for track in video.tracks() or [otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)]:
        timeline.tracks.append(track)
    for number in sorted(sounds):
        audio = TrackBuilder(otio.schema.TrackKind.Audio, "A", rate, number)
        for event in sounds[number]:
            plain = replace(event, before=0, after=0)
            _lay(audio, plain, rate, first, own)
        for track in audio.tracks():
            timeline.tracks.append(track)


def _with_cuts(events: list[_Event], rate: Fraction) -> list[_Event]:
    """Move the borders of events from where transitions begin to where segue says the cut is."""
    found: list[_Event] = []
    for event in events:
        before = event.before
        last = found[-1] if found else None
        begin = event.record[0]
        if before and last is not None and last.record[1] == begin:
            dip = len(found) > 1 and last.is_black and last.record[1] - last.record[0] == before
            if dip and not event.is_black and last.line.code == "D":
                # Dissolves to black and from it, which together are one transition.
                found.pop()
                leaving = found[-1]
                found[-1] = replace(leaving, record=(leaving.record[0], begin))
                found.append(event)
                continue
            found[-1] = replace(last, record=(last.record[0], begin + before))
        if before:
            event = replace(
                event,
                record=(begin + before, event.record[1]),
                source=event.source + before / rate * event.speed,
            )
        found.append(event)
    return [event for event in found if event.record[0] < event.record[1]]


def _lay(builder: TrackBuilder, event: _Event, rate: Fraction, first: int, own: bool) -> None:
    """Put an event on its track."""
    begin, end = event.record
    item: otio.core.Item = otio.schema.Gap(
        source_range=time_range(Fraction(0), (end - begin) / rate, rate, rate)
    )
    if not event.is_black:
        item = _clip(event, rate, own)
    transition = None
    if event.before or event.after:
        wipe = event.line.code.startswith("W")
        name = event.line.comments.text("transition") or ("wipe" if wipe else "dissolve")
        kind = {"wipe": "SMPTE_Wipe", "dissolve": "SMPTE_Dissolve"}.get(name)
        if kind is None:
            kind = "SMPTE_Wipe" if wipe else "Custom_Transition"
            kind = "SMPTE_Dissolve" if "dissolve" in name.lower() else kind
        offsets = (rational_time(n / rate, rate) for n in (event.before, event.after))
        transition = otio.schema.Transition(
            name, kind, *offsets, {"cmx_3600": {"code": event.line.code}}
        )
    builder.put(Fraction(begin - first) / rate, item, transition)


def _clip(event: _Event, rate: Fraction, own: bool) -> otio.schema.Clip:
    """Make the clip of an event."""
    line, comments = event.line, event.line.comments
    begin, end = event.record
    media, source_rate = _media(comments, rate)
    name = comments.text("to") if line.code != "C" else ""
    name = name or comments.text("from") or comments.text("file") or line.reel
    span = time_range(event.source, (end - begin) / rate, source_rate, rate)
    clip = otio.schema.Clip(name, media, span)
    clip.metadata["cmx_3600"] = {"reel": line.reel, "comments": comments.lines}
    known = dict(comments.slate)
    # segue's own lists tell the reel in a comment, since the column may hold a file's name.
    if not own and line.reel != "AX":
        known.setdefault("reel", line.reel)
    if comments.text("role"):
        known["role"] = comments.text("role")
    if known:
        clip.metadata[SEGUE] = known
    if event.speed == 0:
        clip.effects.append(otio.schema.FreezeFrame("freeze"))
    elif event.speed != 1:
        clip.effects.append(otio.schema.LinearTimeWarp("speed", time_scalar=float(event.speed)))
    for effect in comments.effects:
        clip.effects.append(otio.schema.Effect(effect, effect))
    if comments.text("level"):
        gain = float(comments.text("level"))
        clip.effects.append(otio.schema.Effect(GAIN, GAIN, {SEGUE: {GAIN: gain}}))
    for timecode, colour, words in line.locators:
        frame = from_timecode(timecode, rate, has_drop_frame(rate) and line.drop)
        at = event.source + (frame - begin) / rate * event.speed
        label, _, comment = words.partition(" | ")
        marked = time_range(at, 1 / rate, source_rate, rate)
        clip.markers.append(
            otio.schema.Marker(label.strip(), marked, colour.upper(), comment=comment.strip())
        )
    return clip


def _media(comments: Comments, rate: Fraction) -> tuple[otio.core.MediaReference, Fraction]:
    """Name the media of an event, and the rate of its frames."""
    told = comments.found.get("media")
    known, own = None, rate
    if told:
        own = Fraction(told[2])
        known = time_range(Fraction(told[3]), int(told[1]) / own, own, own)
    file = comments.text("file")
    if not file:
        return otio.schema.MissingReference(available_range=known), own
    reference = otio.schema.ExternalReference(file, known)
    reference.name = file.replace("\\", "/").rsplit("/", 1)[-1]
    return reference, own


def _add_titles(
    timeline: otio.schema.Timeline, found: CmxList, rate: Fraction, drops: bool, first: int
) -> None:
    """Put segue's titles on a track above the picture."""
    builder = TrackBuilder(otio.schema.TrackKind.Video, "V", rate, 2)
    for timecode, frames, where, text in found.titles:
        at = Fraction(from_timecode(timecode, rate, drops) - first) / rate
        words = otio.schema.GeneratorReference(
            one_line(text), TITLE, parameters={"text": text, "place": where}
        )
        span = time_range(Fraction(0), frames / rate, rate, rate)
        builder.put(at, otio.schema.Clip(one_line(text), words, span))
    for number, track in enumerate(builder.tracks()):
        timeline.tracks.insert(1 + number, track)
