"""Speeds, filters and generators of an FCP7 XML document that is being written."""

from __future__ import annotations

from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.layout import plain_effects, speed_of
from segue.envs.film.timelines.sound import gain_of
from segue.envs.film.timelines.vocabulary import GAIN
from segue.envs.film.timelines.xml_records import add, from_record, plain

_LOWER_THIRD = "0.35"
"""Height of a lower third below the middle, in picture heights."""


def remap_of(
    item: otio.core.Item, source: Fraction, length: Fraction
) -> tuple[Element | None, Fraction]:
    """Write the speed of a clip.

    Parameters
    ----------
    item : Item
        The clip.
    source, length : Fraction
        Its source's first frame and its length, both in frames of the source.

    Returns
    -------
    (Element or None, Fraction)
        The effect, None at normal speed; and the clip's in-point, in frames at its speed.
    """
    speed = speed_of(item)
    known = item.metadata.get("fcp7", {})
    warps = [e for e in item.effects if isinstance(e, otio.schema.TimeEffect)]
    if speed == 1 and known.get("timeremap") and warps:
        return from_record(known["timeremap"]), Fraction(str(known["in"]))
    if speed == 1:
        return None, source
    first = Fraction(max(source // speed, 0)) if speed > 0 else Fraction(0)
    effect = Element("effect")
    for tag, text in effect_parts("Time Remap", "timeremap", "motion", "motion"):
        add(effect, tag, text)
    for name, value in (
        ("variablespeed", "0"),
        ("speed", f"{float(abs(speed)) * 100:.10g}"),
        ("reverse", "TRUE" if speed < 0 else "FALSE"),
        ("frameblending", "FALSE"),
    ):
        _parameter(effect, name, value)
    graph = _parameter(effect, "graphdict", "0")
    last = first + max(-(-length // 1), 1)
    for when, sort in ((first, "speedkfin"), (last, "speedkfout")):
        key = add(graph, "keyframe")
        add(key, "when", when)
        add(key, "value", _decimal(source + (when - first) * speed))
        add(key, "speedvirtualkf", "TRUE")
        add(key, sort, "TRUE")
    return effect, first


def effect_parts(name: str, kind: str, category: str, sort: str) -> tuple[tuple[str, str], ...]:
    """What every effect says, in FCP7's order."""
    return (
        ("name", name),
        ("effectid", kind),
        ("effectcategory", category),
        ("effecttype", sort),
        ("mediatype", "video"),
    )


def _parameter(effect: Element, name: str, value: str) -> Element:
    element = add(effect, "parameter")
    add(element, "parameterid", name)
    add(element, "name", name)
    add(element, "value", value)
    return element


def filters_of(item: otio.core.Item, sound: bool) -> list[Element]:
    """Effects of an item, as they were read or by their names."""
    found = []
    for effect in plain_effects(item):
        record = effect.metadata.get("fcp7", {}).get("effect")
        if effect.effect_name == GAIN:
            element = Element("effect")
            for tag, text in effect_parts(
                "Audio Levels", "audiolevels", "audiolevels", "audiolevels"
            ):
                add(element, tag, "audio" if tag == "mediatype" else text)
            _parameter(element, "level", f"{gain_of(item):g}")
        elif record:
            element = from_record(record)
        else:
            name = plain(effect.effect_name or effect.name)
            element = Element("effect")
            for tag, text in effect_parts(name, name, "", "filter"):
                add(element, tag, "audio" if sound and tag == "mediatype" else text)
        found.append(element)
    return found


def generator_of(reference: otio.schema.GeneratorReference, known: Any) -> Element:
    """Write the effect that draws a title or another generator."""
    record = known.get("effect")
    if record and reference.generator_kind != "title":
        return from_record(record)
    effect = Element("effect")
    for tag, text in effect_parts("Text", "Text", "Text", "generator"):
        add(effect, tag, text)
    _parameter(effect, "str", str(reference.parameters.get("text", reference.name)))
    _parameter(effect, "fontsize", "48")
    origin = _parameter(effect, "origin", "")
    value = origin.find("value")
    if value is not None:
        add(value, "horiz", "0")
        lower = reference.parameters.get("place") == "lower_third"
        add(value, "vert", _LOWER_THIRD if lower else "0")
    return effect


def _decimal(value: Fraction) -> str:
    """Write a frame number, with decimals only where it has a fraction."""
    return str(value) if value.denominator == 1 else f"{float(value):.6f}"
