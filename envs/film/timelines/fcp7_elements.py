"""The clips of an FCP7 XML document that is being written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.fcp7_effects import (
    effect_parts,
    filters_of,
    generator_of,
    remap_of,
)
from segue.envs.film.timelines.fcp7_values import TICKS
from segue.envs.film.timelines.flatten import is_title
from segue.envs.film.timelines.layout import (
    Placed,
    source_rate,
    source_start,
    transition_frames,
)
from segue.envs.film.timelines.rates import nearest_frame, seconds_of, to_timecode
from segue.envs.film.timelines.sound import role
from segue.envs.film.timelines.vocabulary import MUSIC, SEGUE, SOUND
from segue.envs.film.timelines.xml_records import add, from_record


def add_rate(parent: Element, rate: Fraction) -> None:
    """Write a rate as FCP7 does: a whole timebase, and whether it runs 1000/1001 as fast."""
    base = -(-rate.numerator // rate.denominator)
    element = add(parent, "rate")
    add(element, "timebase", base)
    add(element, "ntsc", "FALSE" if rate == base else "TRUE")


def add_timecode(parent: Element, frame: int, rate: Fraction, drop: bool, reel: str = "") -> None:
    """Write the timecode at which something starts."""
    element = add(parent, "timecode")
    add_rate(element, rate)
    with suppress(ValueError):  # Beyond 24 hours only the frame number tells it.
        add(element, "string", to_timecode(frame, rate, drop))
    add(element, "frame", frame)
    add(element, "displayformat", "DF" if drop else "NDF")
    if reel:
        add(add(element, "reel"), "name", reel)


def is_ntsc_or_whole(rate: Fraction) -> bool:
    """Whether FCP7 can say a rate."""
    return rate.denominator == 1 or (rate * Fraction(1001, 1000)).denominator == 1


class ClipWriter:
    """Writes clips, with ids that run through the document.

    Parameters
    ----------
    nested : callable
        Writes a nested sequence, given its frames per second.
    """

    def __init__(self, nested: Callable[[otio.core.Item, Fraction], Element]) -> None:
        self._nested = nested
        self._clips = 0
        self._files: dict[tuple[object, ...], Element] = {}

    def element(self, placed: Placed, rate: Fraction, sound: bool) -> Element:
        """Write an item of a track of `rate` frames per second."""
        item = placed.item
        reference = item.media_reference if isinstance(item, otio.schema.Clip) else None
        known = reference.metadata.get("fcp7", {}) if reference is not None else {}
        drawn = isinstance(item, otio.schema.Clip) and (is_title(item) or "effect" in known)
        element = self._start("generatoritem" if drawn else "clipitem", item.name)
        add(element, "enabled", "TRUE" if item.enabled else "FALSE")
        own = source_rate(item, rate)
        own = own if is_ntsc_or_whole(own) and not drawn else rate
        start = _media_start(item)
        remap = _timing(element, placed, rate, own, start)
        if drawn and reference is not None:
            element.append(generator_of(reference, known))
        elif isinstance(item, otio.schema.Clip):
            self._file(element, item, own, sound)
        else:
            element.append(self._nested(item, rate))
        if remap is not None:
            add(element, "filter").append(remap)
        for effect in filters_of(item, sound):
            add(element, "filter").append(effect)
        for record in item.metadata.get("fcp7", {}).get("kept", ()):
            element.append(from_record(record))
        for marker in item.markers:
            self.mark(element, marker, start, own)
        _slate(element, item, sound)
        if sound:
            track = add(element, "sourcetrack")
            add(track, "mediatype", "audio")
            add(track, "trackindex", 1)
        return element

    def black(self, placed: Placed, rate: Fraction) -> Element:
        """Write a gap as a slug, which is what FCP7 calls black."""
        element = self._start("generatoritem", "Slug")
        add(element, "enabled", "TRUE")
        add(element, "duration", placed.frames)
        add_rate(element, rate)
        add(element, "start", placed.start)
        add(element, "end", placed.end)
        add(element, "in", 0)
        add(element, "out", placed.frames)
        effect = add(element, "effect")
        for tag, text in effect_parts("Slug", "Slug", "Slug", "generator"):
            add(effect, tag, text)
        return element

    def mark(
        self, element: Element, marker: otio.schema.Marker, start: Fraction, rate: Fraction
    ) -> None:
        """Write a marker, counted from second `start`."""
        written = add(element, "marker")
        add(written, "name", marker.name)
        add(written, "comment", marker.comment)
        begin = nearest_frame(seconds_of(marker.marked_range.start_time) - start, rate)
        length = nearest_frame(seconds_of(marker.marked_range.duration), rate)
        add(written, "in", begin)
        add(written, "out", begin + length if length else -1)

    def _start(self, tag: str, name: str) -> Element:
        self._clips += 1
        element = Element(tag, id=f"clipitem-{self._clips}")
        add(element, "name", name)
        return element

    def _file(self, parent: Element, clip: otio.schema.Clip, own: Fraction, sound: bool) -> None:
        """Write the file of a clip, or only its id where it was written already."""
        reference = clip.media_reference
        url = getattr(reference, "target_url", "") or ""
        name = (reference.name if reference is not None else "") or ""
        span = None if reference is None else reference.available_range
        range_ = None if span is None else (seconds_of(span.start_time), seconds_of(span.duration))
        reel = str(clip.metadata.get(SEGUE, {}).get("reel", ""))
        kind = "audio" if sound else "video"
        key = (url, name, range_, reel)
        if key in self._files:
            file = self._files[key]
            add(parent, "file", id=file.get("id"))
            media = file.find("media")
            if media is not None and media.find(kind) is None:
                add(media, kind)
            return
        element = add(parent, "file", id=f"file-{len(self._files) + 1}")
        self._files[key] = element
        add(element, "name", name)
        if url:
            add(element, "pathurl", url)
        elif isinstance(reference, otio.schema.GeneratorReference):
            add(element, "mediaSource", reference.generator_kind)
        add_rate(element, own)
        if range_ is not None:
            add(element, "duration", nearest_frame(range_[1], own))
        add_timecode(element, nearest_frame(_media_start(clip), own), own, False, reel)
        told = {} if reference is None else reference.metadata.get("fcp7", {})
        if told.get("media"):
            element.append(from_record(told["media"]))
        else:
            add(add(element, "media"), kind)


def _media_start(item: otio.core.Item) -> Fraction:
    """Second of the source's timecode at its first frame."""
    reference = item.media_reference if isinstance(item, otio.schema.Clip) else None
    known = None if reference is None else reference.available_range
    return Fraction(0) if known is None else seconds_of(known.start_time)


def _timing(
    element: Element, placed: Placed, rate: Fraction, own: Fraction, start: Fraction
) -> Element | None:
    """Write where a clip stands and what it shows; return its speed's effect if it has one."""
    item = placed.item
    length = placed.frames / rate * own
    source = (source_start(item) - start) * own
    remap, first = remap_of(item, source, length)
    before = transition_frames(placed.entering, rate)[0] if placed.entering is not None else 0
    after = transition_frames(placed.leaving, rate)[1] if placed.leaving is not None else 0
    handle = before / rate * own
    # Without a whole number of frames before the cut, the clip is said to start on it.
    hidden = bool(before) and handle.denominator == 1 and first >= handle
    begin = first - handle if hidden else first
    end = first + length + after / rate * own
    reference = item.media_reference if isinstance(item, otio.schema.Clip) else None
    known = None if reference is None else reference.available_range
    media = length if known is None else seconds_of(known.duration) * own
    add(element, "duration", _whole(media))
    add_rate(element, own)
    add(element, "start", -1 if hidden else placed.start)
    add(element, "end", -1 if after else placed.end)
    add(element, "in", _whole(begin))
    add(element, "out", _whole(end))
    ticks = begin / own * TICKS
    if remap is None and ticks.denominator == 1 and ticks >= 0:
        add(element, "pproTicksIn", ticks.numerator)
        add(element, "pproTicksOut", round(end / own * TICKS))
    return remap


def _slate(element: Element, item: otio.core.Item, sound: bool) -> None:
    """Write scene, take and what a sound is."""
    told = item.metadata.get(SEGUE, {})
    if told.get("scene") or told.get("take"):
        logged = add(element, "logginginfo")
        add(logged, "scene", told.get("scene", ""))
        add(logged, "shottake", told.get("take", ""))
    if sound and role(item) in (MUSIC, SOUND):
        add(add(element, "comments"), "mastercomment1", role(item))


def _whole(frames: Fraction) -> int:
    return int((frames + Fraction(1, 2)) // 1)
