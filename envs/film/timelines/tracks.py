"""Tracks from items that stand at given times."""

from __future__ import annotations

from fractions import Fraction

import opentimelineio as otio

from segue.envs.film.timelines.rates import rational_time, seconds_of

_MOST_LEVELS = 200
"""Tracks that one row of items may need because they overlap."""


def time_range(
    start: Fraction, length: Fraction, start_rate: Fraction, rate: Fraction
) -> otio.opentime.TimeRange:
    """Make an exact OTIO range.

    Parameters
    ----------
    start, length : Fraction
        Seconds.
    start_rate, rate : Fraction
        Grids of the two.
    """
    return otio.opentime.TimeRange(rational_time(start, start_rate), rational_time(length, rate))


class TrackBuilder:
    """Puts items on as many tracks as they need not to overlap.

    Parameters
    ----------
    kind : str
        OTIO's kind of track.
    letter : str
        What the tracks' names begin with.
    rate : Fraction
        Grid of the gaps.
    number : int
        Number of the first track.
    """

    def __init__(self, kind: str, letter: str, rate: Fraction, number: int = 1) -> None:
        self._kind, self._letter, self._rate, self._number = kind, letter, rate, number
        self._tracks: list[otio.schema.Track] = []
        self._ends: list[Fraction] = []

    def put(
        self,
        at: Fraction,
        item: otio.core.Item,
        entering: otio.schema.Transition | None = None,
    ) -> None:
        """Put an item at second `at`, behind a transition."""
        self.put_row(at, [item] if entering is None else [entering, item])

    def put_row(self, at: Fraction, row: list[otio.core.Composable]) -> None:
        """Put items and transitions that follow each other from second `at` on.

        Raises
        ------
        ValueError
            If too many items overlap.
        """
        at = max(at, Fraction(0))
        level = next((k for k, end in enumerate(self._ends) if end <= at), len(self._ends))
        if level == _MOST_LEVELS:
            raise ValueError(f"more than {_MOST_LEVELS} items at one time")
        if level == len(self._ends):
            name = f"{self._letter}{self._number + level}"
            self._tracks.append(otio.schema.Track(name, kind=self._kind))
            self._ends.append(Fraction(0))
        track = self._tracks[level]
        if at > self._ends[level]:
            span = time_range(Fraction(0), at - self._ends[level], self._rate, self._rate)
            track.append(otio.schema.Gap(source_range=span))
        for item in row:
            # OTIO does not take two transitions that touch.
            if isinstance(item, otio.schema.Transition):
                if len(track) and isinstance(track[-1], otio.schema.Transition):
                    continue
            else:
                at += seconds_of(item.trimmed_range().duration)
            track.append(item)
        self._ends[level] = at

    def tracks(self) -> list[otio.schema.Track]:
        """The tracks, lowest first."""
        return self._tracks
