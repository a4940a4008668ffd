"""Where the items of a track stand, on the frame grid of their sequence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import opentimelineio as otio

from segue.envs.film.timelines.rates import exact_number, exact_rate, nearest_frame, seconds_of

TRANSITION_NAMES = {"SMPTE_Dissolve": "dissolve", "SMPTE_Wipe": "wipe"}
"""Names of OTIO's standard transition types."""


@dataclass(frozen=True)
class Placed:
    """One item of a track.

    Attributes
    ----------
    item : Item
        A clip, a gap or a nested sequence.
    start, frames : int
        First frame in the sequence (its first frame is 0) and length, in frames of the sequence.
    entering, leaving : Transition or None
        The transitions at its start and at its end.
    """

    item: otio.core.Item
    start: int
    frames: int
    entering: otio.schema.Transition | None
    leaving: otio.schema.Transition | None

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.start + self.frames

    @property
    def is_gap(self) -> bool:
        """True where nothing is seen or heard."""
        return isinstance(self.item, otio.schema.Gap) or not self.item.enabled


def place(track: otio.core.Composition, rate: Fraction) -> list[Placed]:
    """Lay the items of a track on the frame grid.

    Parameters
    ----------
    track : Track
        Its items follow each other; transitions take no time of their own.
    rate : Fraction
        Frames per second of the sequence.

    Returns
    -------
    list of Placed
        In order, gaps included. Each border is rounded by itself, so that nothing adds up.
    """
    found: list[Placed] = []
    children = list(track)
    at = Fraction(0)
    for number, child in enumerate(children):
        if isinstance(child, otio.schema.Transition):
            continue
        length = seconds_of(child.trimmed_range().duration)
        start, end = nearest_frame(at, rate), nearest_frame(at + length, rate)
        sides = [children[k] if 0 <= k < len(children) else None for k in (number - 1, number + 1)]
        entering, leaving = (s if isinstance(s, otio.schema.Transition) else None for s in sides)
        found.append(Placed(child, start, end - start, entering, leaving))
        at += length
    return found


def sequence_rate(timeline: otio.schema.Timeline) -> Fraction:
    """Frames per second of a timeline.

    Its own start time's rate tells it; where it has none, most of the picture's lengths do.

    Parameters
    ----------
    timeline : Timeline
        The timeline.

    Raises
    ------
    ValueError
        If nothing tells a rate.
    """
    start = timeline.global_start_time
    if start is not None and start.rate > 1:
        return exact_rate(start.rate)
    for tracks in (timeline.video_tracks(), timeline.audio_tracks()):
        rates: Counter[Fraction] = Counter()
        for track in tracks:
            for item in track:
                if isinstance(item, otio.core.Item):
                    rates[exact_rate(item.trimmed_range().duration.rate)] += 1
        if rates:
            return rates.most_common(1)[0][0]
    raise ValueError("a timeline without a frame rate")


def transition_frames(transition: otio.schema.Transition, rate: Fraction) -> tuple[int, int]:
    """Frames of a transition before and after its cut."""
    before = nearest_frame(seconds_of(transition.in_offset), rate)
    return before, nearest_frame(seconds_of(transition.out_offset), rate)


def source_start(item: otio.core.Item) -> Fraction:
    """Second of the source at which an item starts, in the source's own timecode."""
    return seconds_of(item.trimmed_range().start_time)


def source_rate(item: otio.core.Item, rate: Fraction) -> Fraction:
    """Frames per second of an item's source; `rate` where nothing tells it."""
    reference = item.media_reference if isinstance(item, otio.schema.Clip) else None
    known = None if reference is None else reference.available_range
    for time in (known and known.duration, item.trimmed_range().start_time):
        if time is not None and 1 < time.rate < 1000:
            return exact_rate(time.rate)
    return rate


def speed_of(item: otio.core.Item) -> Fraction:
    """Source seconds per second of the sequence; 0 for a frozen frame, negative backwards."""
    speed = Fraction(1)
    for effect in item.effects:
        if isinstance(effect, otio.schema.FreezeFrame):
            return Fraction(0)
        if isinstance(effect, otio.schema.LinearTimeWarp):
            speed *= exact_number(effect.time_scalar).limit_denominator(10_000)
    return speed


def plain_effects(item: otio.core.Item) -> list[otio.schema.Effect]:
    """Effects of an item that are no time warps."""
    return [e for e in item.effects if not isinstance(e, otio.schema.TimeEffect)]
