"""Timelines as FCPXML 1.10 projects, which Final Cut Pro and DaVinci Resolve open.

The lowest picture track (of a timeline that was read from FCPXML: its primary storyline) becomes
the primary storyline. Every other track is a lane of clips connected to it: pictures and titles
above, sound below. Where a lane has transitions, the clips that they join are a connected
storyline. Nested sequences are compound clips. Times are rational and on the frame grid; a source
of another rate is played in real time (``conform-rate`` without scaling).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.fcpxml_assets import KNOWN_EFFECTS, ResourceWriter
from segue.envs.film.timelines.fcpxml_clips import ClipWriter, in_order
from segue.envs.film.timelines.fcpxml_time import tell_time
from segue.envs.film.timelines.layout import Placed, place, sequence_rate, transition_frames
from segue.envs.film.timelines.rates import has_drop_frame, nearest_frame, seconds_of
from segue.envs.film.timelines.vocabulary import SEGUE
from segue.envs.film.timelines.xml_records import add, document, plain

_VERSION = "1.10"


def fcpxml_text(timelines: Sequence[otio.schema.Timeline]) -> str:
    """Write timelines as the projects of one event.

    Parameters
    ----------
    timelines : sequence of Timeline
        At least one; the first one's picture size holds for all.

    Returns
    -------
    str
        The document.
    """
    known = timelines[0].metadata.get(SEGUE, {})
    size = None
    if known.get("width") and known.get("height"):
        size = int(known["width"]), int(known["height"])
    resources = ResourceWriter(size)
    root = Element("fcpxml", version=_VERSION)
    root.append(resources.element)
    event = add(add(root, "library"), "event", name=timelines[0].name or "segue")
    for timeline in timelines:
        rate = sequence_rate(timeline)
        told = timeline.metadata.get(SEGUE, {}).get("drop_frame")
        start = timeline.global_start_time
        first = Fraction(0) if start is None else seconds_of(start)
        story = StoryWriter(resources, rate)
        sequence = story.sequence(timeline.tracks, nearest_frame(first, rate))
        drop = has_drop_frame(rate) and told is not False
        sequence.set("tcFormat", "DF" if drop else "NDF")
        for marker in timeline.tracks.markers:
            story.mark(marker)
        add(event, "project", name=timeline.name).append(sequence)
    in_order(root)
    return document(root, "fcpxml")


class StoryWriter:
    """Writes one sequence.

    Parameters
    ----------
    resources : ResourceWriter
        Gets what its clips refer to.
    rate : Fraction
        Its frames per second.
    """

    def __init__(self, resources: ResourceWriter, rate: Fraction) -> None:
        self._resources, self._rate = resources, rate
        self._clips = ClipWriter(resources, rate, self._compound)
        self._anchors: list[tuple[Placed, Element, Fraction]] = []

    def sequence(self, stack: otio.schema.Stack, start: int = 0) -> Element:
        """Write a stack of tracks that starts at frame `start` of its timecode."""
        pictures: list[otio.core.Item] = []
        sounds: list[otio.core.Item] = []
        for track in stack:
            sound = getattr(track, "kind", "") == otio.schema.TrackKind.Audio
            (sounds if sound else pictures).append(track)
        lanes = [track.metadata.get("fcpxml", {}).get("lane") for track in pictures]
        primary = lanes.index(0) if 0 in lanes else 0
        element = Element("sequence", format=self._resources.format(self._rate))
        element.set("tcStart", tell_time(start / self._rate))
        element.set("audioLayout", "stereo")
        element.set("audioRate", "48k")
        spine = add(element, "spine")
        if pictures:
            self._story(spine, _children(pictures[primary]), start, anchor=True)
        end = max((self._end(track) for track in (*pictures, *sounds)), default=0)
        self._fill(spine, start, end)
        for number, track in enumerate(pictures):
            if number != primary:
                self._connect(track, number - primary, False)
        for number, track in enumerate(sounds):
            self._connect(track, -1 - number - primary, True)
        total = max((placed.end for placed, _, _ in self._anchors), default=0)
        element.set("duration", tell_time(total / self._rate))
        return element

    def mark(self, marker: otio.schema.Marker) -> None:
        """Put a marker of the whole sequence on the item that stands there."""
        if self._anchors:
            frame = nearest_frame(seconds_of(marker.marked_range.start_time), self._rate)
            element, at = self._anchor(frame)
            self._clips.mark(element, marker, at)

    def _story(
        self,
        spine: Element,
        children: Sequence[otio.core.Composable],
        start: int,
        anchor: bool = False,
        sound: bool = False,
    ) -> None:
        """Write items and transitions that follow each other, the first at frame `start`."""
        row = place(children, self._rate)
        number = 0
        for child in children:
            edge = row[number].start if number < len(row) else row[-1].end if row else 0
            if isinstance(child, otio.schema.Transition):
                self._transition(spine, child, start + edge)
                continue
            placed = row[number]
            number += 1
            if not placed.frames:
                continue
            element, begin = self._clips.element(placed, sound)
            element.set("offset", tell_time((start + placed.start) / self._rate))
            spine.append(element)
            if anchor:
                self._anchors.append((placed, element, begin))

    def _transition(self, spine: Element, transition: otio.schema.Transition, edge: int) -> None:
        """Write a transition around the cut at frame `edge`."""
        before, after = transition_frames(transition, self._rate)
        if before + after == 0:
            return
        element = add(
            spine,
            "transition",
            name=transition.name or transition.transition_type,
            offset=tell_time((edge - before) / self._rate),
            duration=tell_time((before + after) / self._rate),
        )
        filters = list(transition.metadata.get("fcpxml", {}).get("filters", ()))
        # Without a filter Final Cut Pro takes its default transition, which is right for a name
        # that it does not know.
        if not filters and transition.name in KNOWN_EFFECTS:
            filters = [{}]
        seen = set()
        for known in filters:
            written = self._clips.filter(known, transition.name)
            if written.tag not in seen:
                seen.add(written.tag)
                element.append(written)

    def _fill(self, spine: Element, start: int, end: int) -> None:
        """Lengthen the primary storyline with a gap as far as anything is connected to it."""
        done = self._anchors[-1][0].end if self._anchors else 0
        if end > done:
            length = otio.opentime.RationalTime(end - done, float(self._rate))
            zero = otio.opentime.RationalTime(0, float(self._rate))
            gap = otio.schema.Gap(source_range=otio.opentime.TimeRange(zero, length))
            placed = Placed(gap, done, end - done, None, None)
            element, begin = self._clips.element(placed, False)
            element.set("offset", tell_time((start + done) / self._rate))
            spine.append(element)
            self._anchors.append((placed, element, begin))

    def _connect(self, track: otio.core.Item, lane: int, sound: bool) -> None:
        """Connect the items of a track to the primary storyline."""
        for run in _runs(_children(track)):
            at, children = run[0], run[1]
            frame = nearest_frame(at, self._rate)
            joined = any(isinstance(child, otio.schema.Transition) for child in children)
            if joined:
                parent, offset = self._anchor(frame)
                spine = add(parent, "spine", lane=lane, offset=tell_time(offset))
                self._story(spine, children, 0, sound=sound)
                continue
            for placed in place(children, self._rate):
                if placed.frames:
                    parent, offset = self._anchor(frame + placed.start)
                    element, _ = self._clips.element(placed, sound)
                    element.set("lane", str(lane))
                    element.set("offset", tell_time(offset))
                    parent.append(element)

    def _anchor(self, frame: int) -> tuple[Element, Fraction]:
        """Element of the primary storyline at a frame, and the second of its own time there."""
        found = next((a for a in reversed(self._anchors) if a[0].start <= frame), self._anchors[0])
        placed, element, begin = found
        return element, begin + (frame - placed.start) / self._rate

    def _end(self, track: otio.core.Item) -> int:
        """Last frame of a track on which something begins or, if it is a gap, ends."""
        row = place(_children(track), self._rate)
        return max((p.end for p in row), default=0)

    def _compound(self, item: otio.core.Item) -> str:
        """Write a nested sequence as a compound clip."""
        inner = StoryWriter(self._resources, self._rate)
        if isinstance(item, otio.schema.Stack):
            sequence = inner.sequence(item)
        else:
            stack = otio.schema.Stack(children=[item.deepcopy()])
            stack[0].source_range = None
            sequence = inner.sequence(stack)
        content = "".join(child.to_json_string(0) for child in item)
        return self._resources.media(plain(item.name or "Compound Clip"), content, sequence)


def _children(track: otio.core.Item) -> list[otio.core.Composable]:
    """Items of a track; what lies in a stack without one is a track of its own."""
    return list(track) if isinstance(track, otio.schema.Track) else [track]


def _runs(
    children: Sequence[otio.core.Composable],
) -> list[tuple[Fraction, list[otio.core.Composable]]]:
    """Part a track at its gaps: the second at which each run begins, and the run."""
    found: list[tuple[Fraction, list[otio.core.Composable]]] = []
    at = Fraction(0)
    run: list[otio.core.Composable] = []
    begin = at
    for child in children:
        if isinstance(child, otio.schema.Gap):
            if run:
                found.append((begin, run))
            run = []
            at += seconds_of(child.trimmed_range().duration)
            begin = at
            continue
        run.append(child)
        if not isinstance(child, otio.schema.Transition):
            at += seconds_of(child.trimmed_range().duration)
    if run:
        found.append((begin, run))
    return found
