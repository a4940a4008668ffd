"""Speeds that change within a clip."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property


@dataclass(frozen=True)
class TimeMap:
    """Which time of the source stands at which time of a retimed clip, in one unit.

    Attributes
    ----------
    points : tuple of (Fraction, Fraction)
        (time of the clip, time of the source), ascending in the first; at least one. Between them
        the map is taken for linear, also where a program smooths it.
    """

    points: tuple[tuple[Fraction, Fraction], ...]

    def at(self, when: Fraction) -> Fraction:
        """Time of the source at a time of the clip; beyond the ends the last slope goes on."""
        number = self._segment(when)
        time, value = self.points[number]
        return value + (when - time) * self._slope(number)

    def speed(self, start: Fraction, end: Fraction) -> Fraction | None:
        """Speed from `start` to `end`, if it is the same all the way; otherwise None."""
        first = self._segment(start)
        last = first
        while last + 1 < len(self.points) - 1 and self.points[last + 1][0] < end:
            last += 1
        slopes = {self._slope(number) for number in range(first, last + 1)}
        return slopes.pop() if len(slopes) == 1 else None

    @cached_property
    def _times(self) -> list[Fraction]:
        return [time for time, _ in self.points]

    def _segment(self, when: Fraction) -> int:
        return min(max(bisect_right(self._times, when) - 1, 0), max(len(self._times) - 2, 0))

    def _slope(self, number: int) -> Fraction:
        if len(self.points) == 1:
            return Fraction(0)
        (t0, v0), (t1, v1) = self.points[number : number + 2]
        return (v1 - v0) / (t1 - t0)
