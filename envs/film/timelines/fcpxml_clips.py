"""The elements of an FCPXML storyline that is being written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.fcpxml_assets import ResourceWriter
from segue.envs.film.timelines.fcpxml_resources import SLATE_KEYS
from segue.envs.film.timelines.fcpxml_time import parse_time, read_time_map, tell_time
from segue.envs.film.timelines.flatten import is_title
from segue.envs.film.timelines.layout import (
    Placed,
    plain_effects,
    source_rate,
    source_start,
    speed_of,
)
from segue.envs.film.timelines.rates import nearest_frame, seconds_of
from segue.envs.film.timelines.sound import gain_of, role
from segue.envs.film.timelines.vocabulary import GAIN, SEGUE
from segue.envs.film.timelines.xml_records import add, from_record, plain

_ADJUST = tuple(
    f"adjust-{name}"
    for name in (
        *("crop", "corners", "conform", "transform", "blend", "stabilization", "rollingShutter"),
        *("360-transform", "reorient", "orientation", "volume", "panner"),
    )
)
_SOUND_ONLY = frozenset(
    ("adjust-volume", "adjust-panner", "audio-channel-source", "audio-role-source", "filter-audio")
)
_ORDER = {
    tag: rank
    for rank, tags in enumerate(
        (
            *(("param",), ("text",), ("text-style-def",), ("note",), ("conform-rate",)),
            *(("timeMap",), *((tag,) for tag in _ADJUST), ("<connected>",)),
            ("marker", "chapter-marker", "rating", "keyword"),
            *(("audio-channel-source", "audio-role-source"), ("filter-video",)),
            *(("filter-audio",), ("metadata",)),
        )
    )
    for tag in tags
}
"""Order in which the document type wants a clip's children."""

_REFUSED: dict[str, frozenset[str]] = {
    "asset-clip": frozenset(("audio-role-source",)),
    "ref-clip": frozenset(("audio-channel-source",)),
    "video": _SOUND_ONLY | {"metadata"},
    "title": _SOUND_ONLY | {"timeMap", "conform-rate"},
    "gap": _SOUND_ONLY | {"timeMap", "conform-rate", "filter-video", *_ADJUST},
}
"""Children that the document type does not allow in an element."""

_CONFORMED = {
    Fraction(text): name
    for text, name in (
        *(("24000/1001", "23.98"), ("24", "24"), ("25", "25"), ("30000/1001", "29.97")),
        *(("30", "30"), ("48", "48"), ("50", "50"), ("60000/1001", "59.94"), ("60", "60")),
    )
}
"""What ``conform-rate`` calls a rate."""

_ROUNDED = Fraction(1, 10_000)
"""Seconds by which OTIO's numbers may miss what a time map says."""

Compound = Callable[[otio.core.Item], str]
"""Writes a nested sequence and gives the id of its media."""


def in_order(element: Element) -> None:
    """Sort a clip's children as the document type wants them, and leave out what it forbids."""
    refused = _REFUSED.get(element.tag)
    if refused is not None:
        kept = [child for child in element if child.tag not in refused]
        connected = _ORDER["<connected>"]
        kept.sort(key=lambda child: _ORDER.get(child.tag, connected))
        element[:] = kept
    for child in element:
        in_order(child)


class ClipWriter:
    """Writes items, without what is connected to them.

    Parameters
    ----------
    resources : ResourceWriter
        Gets what they refer to.
    rate : Fraction
        Frames per second of the sequence.
    compound : callable
        Writes nested sequences.
    """

    def __init__(self, resources: ResourceWriter, rate: Fraction, compound: Compound) -> None:
        self._resources, self._rate, self._compound = resources, rate, compound

    def element(self, placed: Placed, sound: bool) -> tuple[Element, Fraction]:
        """Write an item.

        Parameters
        ----------
        placed : Placed
            The item; only its length is heeded.
        sound : bool
            Whether it lies on a sound track.

        Returns
        -------
        (Element, Fraction)
            The element, with neither lane nor offset, and the second of its own time at which it
            begins.
        """
        item = placed.item
        start, retimed = self._timing(placed)
        element = self._bare(item, sound)
        element.set("name", plain(item.name or ("Gap" if element.tag == "gap" else "")))
        element.set("start", tell_time(start))
        element.set("duration", tell_time(placed.frames / self._rate))
        if not item.enabled:
            element.set("enabled", "0")
        for child in self._kept(item):
            element.append(child)
        if retimed is not None:
            element.append(retimed)
        own = source_rate(item, self._rate)
        conformed = element.tag == "asset-clip" and not sound and own != self._rate
        if conformed and element.find("conform-rate") is None:
            add(element, "conform-rate", scaleEnabled="0", srcFrameRate=_CONFORMED.get(own))
        for child in self._filters(item):
            element.append(child)
        if sound and gain_of(item) != 1:
            level = 20 * math.log10(gain_of(item)) if gain_of(item) > 0 else -96.0
            add(element, "adjust-volume", amount=f"{level:.6g}dB")
        self._mark(element, item, start)
        self._slate(element, item)
        return element, start

    def mark(self, element: Element, marker: otio.schema.Marker, at: Fraction) -> None:
        """Put a marker on an element, at a second of its own time."""
        told = marker.metadata.get("fcpxml", {})
        length = seconds_of(marker.marked_range.duration)
        chapter = told.get("tag") == "chapter-marker"
        add(
            element,
            "chapter-marker" if chapter else "marker",
            start=tell_time(nearest_frame(at, self._rate) / self._rate),
            duration=tell_time(max(length, 1 / self._rate)),
            value=marker.name,
            completed=None if chapter else told.get("completed"),
            note=marker.comment or None,
        )

    def _bare(self, item: otio.core.Item, sound: bool) -> Element:
        """Make the element with its reference and what it draws."""
        if isinstance(item, otio.schema.Gap):
            return Element("gap")
        known = item.metadata.get("fcpxml", {})
        attributes = {str(k): plain(v) for k, v in dict(known.get("attributes", {})).items()}
        if not isinstance(item, otio.schema.Clip):
            kept = {k: v for k, v in attributes.items() if k in ("srcEnable", "useAudioSubroles")}
            return Element("ref-clip", {"ref": self._compound(item), **kept})
        reference = item.media_reference
        if isinstance(reference, otio.schema.GeneratorReference):
            return self._drawn(reference, is_title(item))
        attributes.pop("role", None)
        if not known:
            attributes["srcEnable"] = "audio" if sound else "video"
        if sound:
            attributes["srcEnable"] = "audio"
            if role(item):
                attributes["audioRole"] = role(item)
        return Element(
            "asset-clip", {"ref": self._resources.asset(item, self._rate, sound), **attributes}
        )

    def _drawn(self, reference: otio.schema.GeneratorReference, title: bool) -> Element:
        """Make the element of a title or another generator."""
        known = reference.metadata.get("fcpxml", {})
        told = dict(known.get("effect", {}))
        parts = [from_record(record) for record in known.get("parts", ())]
        if not title:
            name = self._resources.effect(told, reference.generator_kind or "Custom")
            element = Element("video", ref=name)
            element.extend([part for part in parts if part.tag == "param"])
            return element
        lower = reference.parameters.get("place") == "lower_third"
        name = self._resources.effect(told, "Basic Lower Third" if lower else "Basic Title")
        element = Element("title", ref=name)
        said = str(reference.parameters.get("text", reference.name))
        text = "\n".join("".join(p.itertext()).strip() for p in parts if p.tag == "text")
        if text == said and text:
            element.extend(self._renamed(parts))
        else:
            style = self._resources.style()
            add(add(element, "text"), "text-style", said, ref=style)
            words = add(element, "text-style-def", id=style)
            add(words, "text-style", font="Helvetica", fontSize="72", alignment="center")
        return element

    def _renamed(self, parts: list[Element]) -> list[Element]:
        """Give the text styles of a title ids of their own."""
        names = {p.get("id"): self._resources.style() for p in parts if p.get("id")}
        for part in parts:
            for element in part.iter():
                for name in ("id", "ref"):
                    if element.get(name) in names:
                        element.set(name, names[element.get(name)])
                    elif name in element.attrib:
                        del element.attrib[name]
        return parts

    def _timing(self, placed: Placed) -> tuple[Fraction, Element | None]:
        """Second of an item's own time at which it begins, and its time map if it has one."""
        item, length = placed.item, placed.frames / self._rate
        if isinstance(item, otio.schema.Gap):
            return Fraction(0), None
        source, speed = source_start(item), speed_of(item)
        known = item.metadata.get("fcpxml", {})
        warps = [e for e in item.effects if isinstance(e, otio.schema.TimeEffect)]
        if known.get("timeMap"):
            element, start = from_record(known["timeMap"]), parse_time(str(known["start"]))
            found = read_time_map(element)
            if found is not None:
                kept = found.speed(start, start + length)
                if kept == speed or (kept is None and warps):
                    moved = source - found.at(start)
                    if abs(moved) > _ROUNDED:
                        _shift(element, moved)
                    return start, element
        if not warps or speed == 1:
            return source, None
        # On the frame grid, and so that the map begins with the source or after it.
        start = Fraction(0)
        if speed > 0:
            start = Fraction(max(source * self._rate // speed, 0)) / self._rate
        first = source - start * speed
        element = Element("timeMap")
        for time in (Fraction(0), start + length):
            value = tell_time(first + time * speed)
            add(element, "timept", time=tell_time(time), value=value, interp="linear")
        return start, element

    def _kept(self, item: otio.core.Item) -> Iterator[Element]:
        """Children that were read and not understood, without what refers to other documents."""
        for record in item.metadata.get("fcpxml", {}).get("kept", ()):
            element = from_record(record)
            for inner in element.iter():
                inner[:] = [child for child in inner if child.get("ref") is None]
                for name in ("tracking", "dataLocator"):
                    inner.attrib.pop(name, None)
            if element.tag in _ORDER:
                yield element

    def _filters(self, item: otio.core.Item) -> Iterator[Element]:
        """Filters of an item."""
        for effect in plain_effects(item):
            if effect.effect_name != GAIN:
                known: Any = effect.metadata.get("fcpxml", {})
                yield self.filter(known, effect.effect_name or effect.name)

    def filter(self, known: Any, name: str) -> Element:
        """Write a filter as it was read, or by its name."""
        record = known.get("filter")
        element = from_record(record) if record else Element("filter-video", name=plain(name))
        element.set("ref", self._resources.effect(dict(known.get("effect", {})), name))
        return element

    def _mark(self, element: Element, item: otio.core.Item, start: Fraction) -> None:
        source, speed = source_start(item), speed_of(item)
        if isinstance(item, otio.schema.Gap):
            source, speed = Fraction(0), Fraction(1)
        for marker in item.markers:
            apart = seconds_of(marker.marked_range.start_time) - source
            self.mark(element, marker, start + (apart / speed if speed else 0))

    def _slate(self, element: Element, item: otio.core.Item) -> None:
        """Write reel, scene and take."""
        told = item.metadata.get(SEGUE, {})
        keys = {name: key for key, name in reversed(SLATE_KEYS.items())}
        found = {name: told[name] for name in ("reel", "scene", "take") if told.get(name)}
        if found:
            metadata = add(element, "metadata")
            for name, value in found.items():
                add(metadata, "md", key=keys[name], value=value)


def _shift(element: Element, by: Fraction) -> None:
    """Add to the source's seconds of a time map."""
    for point in element.iterfind("timept"):
        point.set("value", tell_time(parse_time(point.get("value", "0s")) + by))
