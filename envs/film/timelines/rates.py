"""Exact frame rates, times and SMPTE timecode.

OpenTimelineIO holds rates and frame numbers as floating-point numbers. Everything that is computed
here is a `Fraction`, so that 23.976 and 29.97 frames a second never drift.
"""

from __future__ import annotations

import re
from fractions import Fraction

import opentimelineio as otio

_NTSC_TOLERANCE = 0.006
"""23.98 is meant for 24000/1001; the next real rate, 24, is further away."""

_FINEST = 100_000_000
_DAY_HOURS = 24
_TIMECODE = re.compile(r"(\d{1,3})([:;.,])(\d{1,2})([:;.,])(\d{1,2})([:;.,])(\d{1,3})")


def exact_rate(rate: float) -> Fraction:
    """Rate that a floating-point number stands for.

    Parameters
    ----------
    rate : float
        Frames or samples per second, > 0.

    Returns
    -------
    Fraction
        A whole number, n * 1000 / 1001, or the nearest fraction with a denominator of at most
        1001.

    Raises
    ------
    ValueError
        If the rate is not a positive number.
    """
    if not 0 < rate < 2**53:
        raise ValueError(f"a rate of {rate:g}")
    nearest = round(rate)
    if nearest and abs(rate - nearest) < 1e-6:
        return Fraction(nearest)
    ntsc = Fraction(1000 * (int(rate) + 1), 1001)
    if rate < 1000 and abs(rate - float(ntsc)) < _NTSC_TOLERANCE:
        return ntsc
    return Fraction(rate).limit_denominator(1001) or Fraction(rate)


def seconds_of(time: otio.opentime.RationalTime) -> Fraction:
    """Seconds that an OTIO time stands for, exact."""
    return exact_number(time.value) / exact_rate(time.rate)


def exact_number(value: float) -> Fraction:
    """Number that a floating-point one stands for: whole, or with a denominator up to a million."""
    if abs(value - round(value)) < 1e-6:
        return Fraction(round(value))
    return Fraction(value).limit_denominator(1_000_000)


def rational_time(seconds: Fraction, rate: Fraction) -> otio.opentime.RationalTime:
    """OTIO time of exact seconds.

    Parameters
    ----------
    seconds : Fraction
        The time.
    rate : Fraction
        Rate of the grid that it should stand on.

    Returns
    -------
    RationalTime
        In frames of `rate` where that is a whole number; otherwise numerator over denominator of
        the seconds, which is as exact, or to the microsecond where that would take too many digits.
    """
    frames = seconds * rate
    if frames.denominator == 1:
        return otio.opentime.RationalTime(frames.numerator, float(rate))
    if seconds.denominator > _FINEST or abs(seconds.numerator) >= 2**53:
        seconds = seconds.limit_denominator(1_000_000)
    return otio.opentime.RationalTime(seconds.numerator, seconds.denominator)


def nearest_frame(seconds: Fraction, rate: Fraction) -> int:
    """Frame of the grid of `rate` that is nearest to `seconds`; halves go up."""
    return int((seconds * rate + Fraction(1, 2)) // 1)


def has_drop_frame(rate: Fraction) -> bool:
    """Whether SMPTE ST 12 counts this rate with drop-frame timecode: 29.97 and 59.94."""
    return rate in (Fraction(30000, 1001), Fraction(60000, 1001))


def to_timecode(frame: int, rate: Fraction, drop: bool) -> str:
    """SMPTE timecode of a frame.

    Parameters
    ----------
    frame : int
        Frame number, >= 0.
    rate : Fraction
        Frames per second; 50 and 59.94 count frames 0 to 49 and 0 to 59, not pairs.
    drop : bool
        Leave out the first two (59.94: four) labels of each minute but every tenth.

    Returns
    -------
    str
        ``"HH:MM:SS:FF"``, with ``;`` before the frames for drop-frame.

    Raises
    ------
    ValueError
        If the frame is negative or lies beyond 24 hours.
    """
    nominal = -(-rate.numerator // rate.denominator)
    if drop:
        skipped = nominal // 15
        tens, rest = divmod(frame, nominal * 600 - 9 * skipped)
        minutes = max(rest - nominal * 60, 0) // (nominal * 60 - skipped)
        if rest >= nominal * 60:
            minutes += 1
        frame += skipped * (9 * tens + minutes)
    seconds, frames = divmod(frame, nominal)
    hours, rest = divmod(seconds, 3600)
    if frame < 0 or hours >= _DAY_HOURS:
        raise ValueError("timecode runs from 0 to 24 hours")
    mark = ";" if drop else ":"
    return f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}{mark}{frames:02d}"


def from_timecode(text: str, rate: Fraction, drop: bool) -> int:
    """Frame number of an SMPTE timecode.

    Parameters
    ----------
    text : str
        ``"HH:MM:SS:FF"``; any of ``: ; . ,`` may separate.
    rate : Fraction
        Frames per second.
    drop : bool
        Whether it counts drop-frame.

    Raises
    ------
    ValueError
        If it is no timecode of that rate.
    """
    hours, minutes, seconds, frames = timecode_fields(text)
    nominal = -(-rate.numerator // rate.denominator)
    if minutes > 59 or seconds > 59 or frames >= nominal:
        raise ValueError(f"the timecode {text!r} at {float(rate):g} frames a second")
    total = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if drop:
        whole = hours * 60 + minutes
        total -= nominal // 15 * (whole - whole // 10)
    return total


def timecode_fields(text: str) -> tuple[int, int, int, int]:
    """Hours, minutes, seconds and frames of a timecode; raises ValueError where it is none."""
    found = _TIMECODE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:20]!r} for a timecode")
    hours, minutes, seconds, frames = (int(found[k]) for k in (1, 3, 5, 7))
    return hours, minutes, seconds, frames
