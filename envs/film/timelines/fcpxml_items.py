"""The items of an FCPXML storyline: clips, gaps, titles, transitions, and what they carry."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.fcpxml_resources import Resources, slate_of
from segue.envs.film.timelines.fcpxml_time import read_time_map, tell_time, time_of
from segue.envs.film.timelines.rates import rational_time
from segue.envs.film.timelines.time_map import TimeMap
from segue.envs.film.timelines.tracks import time_range
from segue.envs.film.timelines.vocabulary import GAIN, SEGUE, TITLE, one_line
from segue.envs.film.timelines.xml_records import to_record

__all__ = ["ItemReader", "Resources", "is_sound"]

KEPT = ("note", "conform-rate", "audio-channel-source", "audio-role-source", "keyword", "rating")
"""Children of a clip that are kept as they are, beside all that begin with ``adjust-``."""

KEPT_ATTRIBUTES = ("audioRole", "videoRole", "srcEnable", "useAudioSubroles", "tcFormat", "role")
"""Attributes of a clip that are kept as they are."""

FILTERS = ("filter-video", "filter-audio")
"""Elements that become effects."""

_CONTENT = ("video", "audio", "asset-clip", "ref-clip", "gap", "spine")
_WRAPPERS = ("clip", "sync-clip")

Nested = Callable[[list[Element], Fraction, str], otio.schema.Stack]
"""Reads the storylines of a compound clip, given their frame rate and its name."""


def content_of(element: Element) -> tuple[Element | None, Fraction]:
    """Find what a clip shows or sounds like.

    Parameters
    ----------
    element : Element
        A clip; of the kinds that wrap their media, the innermost one is found.

    Returns
    -------
    (Element or None, Fraction)
        The element that refers to a resource, and what to add to the clip's own time to get the
        time of that element.
    """
    shift = Fraction(0)
    while element.tag in (*_WRAPPERS, "gap", "spine"):
        wrapped = element.tag in _WRAPPERS
        inner = [e for e in element if e.tag in _CONTENT and (not wrapped or not e.get("lane"))]
        if not inner:
            return None, shift
        element = inner[0]
        shift -= time_of(element, "offset")
        if element.tag not in ("asset-clip", "video", "audio", "spine"):
            shift += time_of(element, "start")
    return element, shift


def is_sound(element: Element, resources: Resources) -> bool:
    """Whether an item is only heard."""
    content, _ = content_of(element)
    if element.get("srcEnable") == "audio" or (content is not None and content.tag == "audio"):
        return True
    name = None if content is None else content.get("ref")
    return resources.has(name, "hasAudio") and not resources.has(name, "hasVideo")


class ItemReader:
    """Makes OTIO items of elements.

    Parameters
    ----------
    resources : Resources
        What the document's ids stand for.
    rate : Fraction
        Frames per second of the sequence.
    nested : callable
        Reads compound clips.
    """

    def __init__(self, resources: Resources, rate: Fraction, nested: Nested) -> None:
        self._resources, self._rate, self._nested = resources, rate, nested

    def length(self, element: Element) -> Fraction:
        """Seconds that an item takes; raises ValueError where nothing tells it."""
        if element.get("duration") is None:
            asset = self._resources.get("asset", element.get("ref"))
            if asset is None or asset.get("duration") is None:
                raise ValueError(f"<{element.tag}> without a duration")
            return time_of(asset, "duration")
        found = time_of(element, "duration")
        if found < 0:
            raise ValueError(f"<{element.tag}> of the negative duration {tell_time(found)}")
        return found

    def local_start(self, element: Element) -> Fraction:
        """Second of an item's own time at which it begins."""
        default = Fraction(0)
        if element.tag in ("asset-clip", "video", "audio"):
            default = self._resources.asset_start(element.get("ref"))
        elif element.tag in ("ref-clip", "mc-clip"):
            default = self._media_start(element)
        return time_of(element, "start", default)

    def gap(self, length: Fraction) -> otio.schema.Gap:
        """Make a gap of so many seconds."""
        return otio.schema.Gap(source_range=time_range(Fraction(0), length, self._rate, self._rate))

    def is_component(self, element: Element, child: Element) -> bool:
        """Whether a connected sound is only the other half of the clip that it lies in."""
        content, _ = content_of(element)
        same = content is not None and content.get("ref") == child.get("ref")
        return child.tag == "audio" and element.tag in _WRAPPERS and same

    def item(self, element: Element) -> otio.core.Item:
        """Make the item of an element, without what is connected to it."""
        start, length = self.local_start(element), self.length(element)
        if element.tag == "gap":
            gap = self.gap(length)
            gap.name = element.get("name", "")
            self._mark(gap, element, None, -start, self._rate)
            return gap
        found = element.find("timeMap")
        retimed = None if found is None else read_time_map(found)
        inner = start if retimed is None else retimed.at(start)
        item, shift, own = self._medium(element)
        item.name = one_line(element.get("name", ""))
        item.source_range = time_range(inner + shift, length, own, self._rate)
        item.enabled = element.get("enabled") != "0"
        if retimed is not None and found is not None:
            _warp(item, retimed, start, start + length)
        self._describe(item, element, start, found)
        self._mark(item, element, retimed, shift, own)
        return item

    def transition(self, element: Element, edge: Fraction) -> otio.schema.Transition:
        """Make a transition around the cut that stands at second `edge` of the storyline."""
        length = time_of(element, "duration")
        offset = time_of(element, "offset", edge - length / 2)
        before = min(max(edge - offset, Fraction(0)), length)
        name = element.get("name", "")
        kind = "SMPTE_Dissolve" if "dissolve" in name.lower() else "Custom_Transition"
        kind = "SMPTE_Wipe" if name.lower() == "wipe" else kind
        filters = [self._filter(e) for tag in FILTERS for e in element.iterfind(tag)]
        offsets = (rational_time(part, self._rate) for part in (before, length - before))
        return otio.schema.Transition(name, kind, *offsets, {"fcpxml": {"filters": filters}})

    def _medium(self, element: Element) -> tuple[otio.core.Item, Fraction, Fraction]:
        """Make the bare item of a clip, and find the shift to its media's time and their rate."""
        content, shift = content_of(element)
        if element.tag == "title":
            return otio.schema.Clip(media_reference=self._title(element)), shift, self._rate
        if element.tag in ("ref-clip", "mc-clip"):
            return self._compound(element), -self._media_start(element), self._rate
        if content is None:
            missing = otio.schema.MissingReference()
            return otio.schema.Clip(media_reference=missing), shift, self._rate
        name = content.get("ref")
        if content is not element:
            shift += self.local_start(content)
        if self._resources.get("asset", name) is None and self._resources.effect(name):
            drawn = otio.schema.GeneratorReference(
                content.get("name", ""),
                self._resources.effect(name).get("name", "generator"),
                metadata={"fcpxml": self._drawn(content)},
            )
            return otio.schema.Clip(media_reference=drawn), shift, self._rate
        reference = self._resources.reference(name, self._rate)
        own = self._resources.asset_rate(name) or self._rate
        return otio.schema.Clip(media_reference=reference), shift, own

    def _drawn(self, element: Element) -> dict[str, Any]:
        """Keep what a generator is made of."""
        parts = [to_record(e) for e in element if e.tag in ("param", "text", "text-style-def")]
        return {"effect": self._resources.effect(element.get("ref")), "parts": parts}

    def _title(self, element: Element) -> otio.schema.GeneratorReference:
        """Make the reference of words."""
        text = "\n".join("".join(e.itertext()).strip() for e in element.iterfind("text"))
        effect = self._resources.effect(element.get("ref"))
        lower = "lower third" in f"{effect.get('name', '')} {effect.get('uid', '')}".lower()
        return otio.schema.GeneratorReference(
            element.get("name", ""),
            TITLE,
            parameters={"text": text, "place": "lower_third" if lower else "middle"},
            metadata={"fcpxml": self._drawn(element)},
        )

    def _media_start(self, element: Element) -> Fraction:
        media = self._resources.get("media", element.get("ref"))
        inner = None if media is None else next(iter(media), None)
        return Fraction(0) if inner is None else time_of(inner, "tcStart")

    def _compound(self, element: Element) -> otio.core.Item:
        """Read the compound or multicam clip that an element refers to."""
        media = self._resources.get("media", element.get("ref"))
        inner = None if media is None else next(iter(media), None)
        if media is None or inner is None:
            return otio.schema.Clip(media_reference=otio.schema.MissingReference())
        rate = self._resources.known_rate(inner.get("format")) or self._rate
        name = media.get("name", "")
        if inner.tag != "multicam":
            return self._nested([inner], rate, name)
        angles = {angle.get("angleID"): angle for angle in inner.iterfind("mc-angle")}
        wanted = [
            source.get("angleID")
            for source in element.iterfind("mc-source")
            if source.get("srcEnable", "all") in ("all", "video")
        ]
        shown = [angles[angle] for angle in wanted if angle in angles]
        return self._nested(shown or list(angles.values())[:1], rate, name)

    def _filter(self, element: Element) -> dict[str, Any]:
        """Keep a filter and the effect that it refers to."""
        return {
            "filter": to_record(element),
            "effect": self._resources.effect(element.get("ref")),
        }

    def _describe(
        self, item: otio.core.Item, element: Element, start: Fraction, retimed: Element | None
    ) -> None:
        """Put filters, roles, the slate and what is not understood on an item."""
        gain = _gain(element) if is_sound(element, self._resources) else None
        kept = [e for e in element if e.tag in KEPT or e.tag.startswith("adjust-")]
        if gain is not None:
            kept = [e for e in kept if e.tag != "adjust-volume"]
            item.effects.append(otio.schema.Effect(GAIN, GAIN, {SEGUE: {GAIN: gain}}))
        known: dict[str, Any] = {"start": tell_time(start), "kept": [to_record(e) for e in kept]}
        known["attributes"] = {k: element.get(k) for k in KEPT_ATTRIBUTES if element.get(k)}
        if retimed is not None:
            known["timeMap"] = to_record(retimed)
        for child in element:
            if child.tag in FILTERS:
                name = child.get("name") or self._resources.effect(child.get("ref")).get("name", "")
                item.effects.append(otio.schema.Effect(name, name, {"fcpxml": self._filter(child)}))
        item.metadata["fcpxml"] = known
        content, _ = content_of(element)
        asset = self._resources.get("asset", None if content is None else content.get("ref"))
        told = {**slate_of(asset), **slate_of(element)}
        part = element.get("audioRole") or element.get("role")
        if is_sound(element, self._resources) and part:
            told["role"] = part
        if told:
            item.metadata[SEGUE] = told

    def _mark(
        self,
        item: otio.core.Item,
        element: Element,
        retimed: TimeMap | None,
        shift: Fraction,
        own: Fraction,
    ) -> None:
        """Put an item's markers on it, at the second of its source."""
        for marker in element:
            if marker.tag not in ("marker", "chapter-marker"):
                continue
            at = time_of(marker, "start")
            at = (at if retimed is None else retimed.at(at)) + shift
            length = time_of(marker, "duration", 1 / self._rate)
            told: dict[str, Any] = {"tag": marker.tag}
            if marker.get("completed") is not None:
                told["completed"] = marker.get("completed")
            item.markers.append(
                otio.schema.Marker(
                    marker.get("value", ""),
                    time_range(at, length, own, self._rate),
                    {"0": "RED", "1": "GREEN"}.get(marker.get("completed", ""), "BLUE"),
                    {"fcpxml": told},
                    marker.get("note", ""),
                )
            )


def _warp(item: otio.core.Item, retimed: TimeMap, start: Fraction, end: Fraction) -> None:
    """Put the effect of a time map on an item: a constant speed, a freeze, or neither."""
    speed = retimed.speed(start, end)
    if speed == 0:
        item.effects.append(otio.schema.FreezeFrame("freeze"))
    elif speed is None:
        item.effects.append(otio.schema.TimeEffect("timeMap", "TimeMap"))
    elif speed != 1:
        item.effects.append(otio.schema.LinearTimeWarp("speed", time_scalar=float(speed)))


def _gain(element: Element) -> float | None:
    """Gain in the volume of a sound; None where it tells none."""
    found = element.find("adjust-volume")
    text = "" if found is None else found.get("amount", "").removesuffix("dB")
    try:
        return round(10 ** (min(float(text), 60.0) / 20), 6)
    except ValueError:
        return None
