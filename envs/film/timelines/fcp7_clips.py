"""The clips of an FCP7 XML track: media, speeds, filters, generators."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.fcp7_values import (
    TICKS,
    integer,
    markers_of,
    number,
    rate_of,
    text_of,
)
from segue.envs.film.timelines.time_map import TimeMap
from segue.envs.film.timelines.tracks import time_range
from segue.envs.film.timelines.vocabulary import GAIN, MUSIC, SEGUE, SOUND, TITLE, one_line
from segue.envs.film.timelines.xml_records import to_record

KEPT = ("labels", "colorinfo", "pixelaspectratio", "anamorphic", "alphatype", "fielddominance")
"""Children of a clip that are kept as they are."""

TIME_REMAP, LEVELS = "timeremap", "audiolevels"
"""Ids of the effects that hold a clip's speed and its gain."""

LOWER_THIRD = Fraction(1, 5)
"""A text whose origin lies further below the middle, in picture heights, is a lower third."""

_NEAR = Fraction(1, 1000)


class ClipReader:
    """Makes OTIO items of a track's clips.

    Parameters
    ----------
    rate : Fraction
        Frames per second of the sequence.
    whole : callable
        Finds the full element that an empty one with an id stands for.
    nested : callable
        Reads a nested sequence, given the rate to take if it tells none.
    """

    def __init__(
        self,
        rate: Fraction,
        whole: Callable[[Element], Element],
        nested: Callable[[Element, Fraction], otio.schema.Stack],
    ) -> None:
        self._rate, self._whole, self._nested = rate, whole, nested

    def item(self, element: Element, frames: int, lead: int) -> otio.core.Item:
        """Make the item of a ``clipitem`` or ``generatoritem``.

        Parameters
        ----------
        element : Element
            The clip.
        frames : int
            Its length in frames of the sequence.
        lead : int
            Frames of the sequence between the point that its in-point tells of and its start.
        """
        own = rate_of(element, self._rate) or self._rate
        item, start, grid = self._medium(element, own)
        item.name = one_line(text_of(element, "name"))
        first = number(element.find("in"), Fraction(0))
        remap, speed = _remap(element, first, frames / self._rate * own)
        if remap is None:
            source = first / own
            ticks = number(element.find("pproTicksIn"), Fraction(-1)) / TICKS
            if ticks >= 0 and abs(ticks - source) < 1 / own:
                source = ticks
        else:
            source = _snapped(remap.at(first)) / own
        moved = lead / self._rate
        source += moved * speed if speed is not None else moved
        source = _snapped(source * grid) / grid
        item.source_range = time_range(start + source, frames / self._rate, grid, self._rate)
        item.enabled = text_of(element, "enabled").upper() != "FALSE"
        if speed == 0:
            item.effects.append(otio.schema.FreezeFrame("freeze"))
        elif speed is None:
            item.effects.append(otio.schema.TimeEffect("timeremap", "TimeRemap"))
        elif speed != 1:
            item.effects.append(otio.schema.LinearTimeWarp("speed", time_scalar=float(speed)))
        self._describe(item, element, first + moved * own)
        item.markers.extend(markers_of(element, own, start, grid))
        return item

    def _medium(self, element: Element, own: Fraction) -> tuple[otio.core.Item, Fraction, Fraction]:
        """Make the bare item, and find the second at which its media start and their rate."""
        sequence, file = element.find("sequence"), element.find("file")
        if sequence is not None:
            return self._nested(sequence, self._rate), Fraction(0), self._rate
        if element.tag == "generatoritem":
            return otio.schema.Clip(media_reference=_generator(element)), Fraction(0), self._rate
        if file is None:
            return (
                otio.schema.Clip(media_reference=otio.schema.MissingReference()),
                Fraction(0),
                own,
            )
        file = self._whole(file)
        grid = rate_of(file, own) or own
        timecode = file.find("timecode")
        start = Fraction(0)
        if timecode is not None:
            begin = rate_of(timecode, grid) or grid
            start = number(timecode.find("frame"), Fraction(0)) / begin
        known = None
        length = number(file.find("duration"), Fraction(0))
        if length > 0:
            known = time_range(start, length / grid, grid, grid)
        name, url = text_of(file, "name"), text_of(file, "pathurl")
        told = {"media": to_record(media)} if (media := file.find("media")) is not None else {}
        metadata: dict[str, Any] = {"fcp7": told}
        reference: otio.core.MediaReference
        if url:
            reference = otio.schema.ExternalReference(url, known, metadata)
        elif text_of(file, "mediaSource"):
            kind = text_of(file, "mediaSource")
            reference = otio.schema.GeneratorReference(name, kind, known, metadata=metadata)
        else:
            reference = otio.schema.MissingReference(available_range=known, metadata=metadata)
        reference.name = name
        return otio.schema.Clip(media_reference=reference), start, grid

    def _describe(self, item: otio.core.Item, element: Element, first: Fraction) -> None:
        """Put filters, the slate, the role and what is kept on an item."""
        for effect in element.iterfind("filter/effect"):
            kind = text_of(effect, "effectid")
            if kind == TIME_REMAP:
                item.metadata["fcp7"] = {"timeremap": to_record(effect), "in": str(first)}
                continue
            level = _parameter(effect, "level")
            if kind == LEVELS and level is not None and level.find("keyframe") is None:
                gain = float(number(level.find("value"), Fraction(1)))
                item.effects.append(otio.schema.Effect(GAIN, GAIN, {SEGUE: {GAIN: gain}}))
                continue
            name = text_of(effect, "name") or kind
            record = {"fcp7": {"effect": to_record(effect)}}
            item.effects.append(otio.schema.Effect(name, name, record))
        kept = [to_record(child) for child in element if child.tag in KEPT]
        if kept:
            item.metadata.setdefault("fcp7", {})["kept"] = kept
        file = element.find("file")
        told = {
            "reel": "" if file is None else text_of(self._whole(file), "timecode/reel/name"),
            "scene": text_of(element, "logginginfo/scene"),
            "take": text_of(element, "logginginfo/shottake"),
        }
        part = text_of(element, "comments/mastercomment1")
        if part in (MUSIC, SOUND):
            told["role"] = part
        found = {name: value for name, value in told.items() if value}
        if found:
            item.metadata[SEGUE] = found


def _generator(element: Element) -> otio.schema.GeneratorReference:
    """Make the reference of a title or another generator."""
    effect = element.find("effect")
    if effect is None:
        return otio.schema.GeneratorReference(text_of(element, "name"), "unknown")
    metadata = {"fcp7": {"effect": to_record(effect)}}
    words = _parameter(effect, "str")
    if words is None:
        name = text_of(effect, "name")
        kind = text_of(effect, "effectid") or name
        return otio.schema.GeneratorReference(name, kind, metadata=metadata)
    text = (words.findtext("value") or "").replace("\r", "\n")
    origin = _parameter(effect, "origin")
    height = Fraction(0) if origin is None else number(origin.find("value/vert"), Fraction(0))
    place = "lower_third" if height > LOWER_THIRD else "middle"
    return otio.schema.GeneratorReference(
        one_line(text), TITLE, parameters={"text": text, "place": place}, metadata=metadata
    )


def _parameter(effect: Element, name: str) -> Element | None:
    """Find a parameter of an effect by its id."""
    return next(
        (p for p in effect.iterfind("parameter") if text_of(p, "parameterid") == name), None
    )


def _remap(
    element: Element, first: Fraction, length: Fraction
) -> tuple[TimeMap | None, Fraction | None]:
    """Read the speed of a clip.

    Parameters
    ----------
    element : Element
        The clip.
    first, length : Fraction
        Its in-point and length in its own frames.

    Returns
    -------
    (TimeMap or None, Fraction or None)
        Which frame of the source stands at which of its own, or None at normal speed; and the
        speed, or None where it changes.
    """
    effect = next(
        (e for e in element.iterfind("filter/effect") if text_of(e, "effectid") == TIME_REMAP), None
    )
    if effect is None:
        return None, Fraction(1)
    told, backwards = _parameter(effect, "speed"), _parameter(effect, "reverse")
    percent = Fraction(100) if told is None else number(told.find("value"), Fraction(100))
    speed = (percent / 100).limit_denominator(1000)
    if backwards is not None and text_of(backwards, "value").upper() == "TRUE":
        speed = -abs(speed)
    graph = _parameter(effect, "graphdict")
    points = {
        number(key.find("when"), Fraction(0)): number(key.find("value"), Fraction(0))
        for key in (() if graph is None else graph.iterfind("keyframe"))
    }
    if len(points) < 2:
        start = (
            Fraction(integer(element.find("duration"), 0)) * -speed if speed < 0 else Fraction(0)
        )
        return TimeMap(((Fraction(0), start), (Fraction(1), start + speed))), speed
    found = TimeMap(tuple(sorted(points.items())))
    variable = _parameter(effect, "variablespeed")
    if variable is not None and number(variable.find("value"), Fraction(0)) == 1:
        return found, found.speed(first, first + length)
    return found, speed


def _snapped(frame: Fraction) -> Fraction:
    """Take a frame number that misses a whole one by rounding for that one."""
    nearest = Fraction(round(frame))
    return nearest if abs(frame - nearest) < _NEAR else frame
