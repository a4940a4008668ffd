"""The values in FCP7 XML: numbers, rates, markers."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.tracks import time_range

TICKS = 254_016_000_000
"""Premiere's ticks per second, which every frame and sample rate divides."""

_NUMBER = re.compile(r"\s*-?\d{1,18}(\.\d{1,18})?(e[+-]?\d{1,2})?\s*", re.IGNORECASE)


def rate_of(element: Element, default: Fraction | None) -> Fraction | None:
    """Frames per second in the ``rate`` of an element; `default` where it has none.

    Raises
    ------
    ValueError
        If it is not between 1 and 1000.
    """
    base = element.find("rate/timebase")
    if base is None or not (base.text or "").strip():
        return default
    rate = number(base, Fraction(0))
    if text_of(element, "rate/ntsc").upper() == "TRUE":
        rate *= Fraction(1000, 1001)
    if not Fraction(9, 10) <= rate <= 1000:
        raise ValueError(f"the timebase {(base.text or '')[:20]!r}")
    return rate


def text_of(element: Element, path: str) -> str:
    """Text of a descendant; empty where there is none."""
    return (element.findtext(path) or "").strip()


def number(element: Element | None, default: Fraction) -> Fraction:
    """Number in an element; `default` where it is missing or empty.

    Raises
    ------
    ValueError
        If it is no number.
    """
    text = None if element is None else element.text
    if text is None or not text.strip():
        return default
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text.strip()[:20]!r} for a number")
    return Fraction(text.strip())


def integer(element: Element | None, default: int) -> int:
    """Whole number in an element, rounded; see `number`."""
    return round(number(element, Fraction(default)))


def markers_of(
    element: Element, rate: Fraction, start: Fraction, own: Fraction
) -> list[otio.schema.Marker]:
    """Markers of a sequence or a clip.

    Parameters
    ----------
    element : Element
        What they lie in.
    rate : Fraction
        Frames per second in which they count.
    start : Fraction
        Second at which their frame 0 is.
    own : Fraction
        Grid of the result.
    """
    found = []
    for marker in element.iterfind("marker"):
        begin = number(marker.find("in"), Fraction(0))
        end = number(marker.find("out"), Fraction(-1))
        span = time_range(start + begin / rate, max(end - begin, Fraction(0)) / rate, own, rate)
        found.append(
            otio.schema.Marker(
                text_of(marker, "name"), span, "GREEN", comment=text_of(marker, "comment")
            )
        )
    return found
