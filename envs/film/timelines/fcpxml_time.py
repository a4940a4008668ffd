"""FCPXML's rational times and time maps."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree.ElementTree import Element

from segue.envs.film.timelines.time_map import TimeMap

_TIME = re.compile(r"\s*(-?\d{1,18})(?:\.(\d{1,9}))?(?:/(\d{1,18}))?s\s*")

_LARGEST_DENOMINATOR = 2**31 - 1


def parse_time(text: str) -> Fraction:
    """Seconds of an FCPXML time such as ``"1001/30000s"``, ``"5s"`` or ``"2.5s"``.

    Raises
    ------
    ValueError
        If it is no time.
    """
    found = _TIME.fullmatch(text)
    if found is None or (found[3] is not None and int(found[3]) == 0):
        raise ValueError(f"{text[:30]!r} for a time")
    whole = Fraction(f"{found[1]}.{found[2]}") if found[2] else Fraction(int(found[1]))
    return whole / int(found[3] or 1)


def tell_time(seconds: Fraction) -> str:
    """Write seconds as FCPXML does: exact, as long as 32 bits hold the denominator."""
    seconds = seconds.limit_denominator(_LARGEST_DENOMINATOR)
    if seconds.denominator == 1:
        return f"{seconds.numerator}s"
    return f"{seconds.numerator}/{seconds.denominator}s"


def time_of(element: Element, name: str, default: Fraction = Fraction(0)) -> Fraction:
    """Time in an attribute of an element."""
    text = element.get(name)
    return default if text is None else parse_time(text)


def read_time_map(element: Element) -> TimeMap | None:
    """Read a ``timeMap`` element; None where it has no points."""
    found = {time_of(e, "time"): time_of(e, "value") for e in element.iterfind("timept")}
    return TimeMap(tuple(sorted(found.items()))) if found else None
