"""FCP7 XML (xmeml), which Premiere Pro, DaVinci Resolve and Final Cut Pro 7 exchange, as OTIO.

A clip beside a transition gives -1 for the border that lies under it, and an in-point that counts
from the transition's start; both are put back to the cut. Points are read to the tick where
Premiere tells them so. A clip's in-point counts frames at its speed, from its file's start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.expansion import Expansion
from segue.envs.film.timelines.fcp7_clips import ClipReader
from segue.envs.film.timelines.fcp7_values import (
    TICKS,
    integer,
    markers_of,
    number,
    rate_of,
    text_of,
)
from segue.envs.film.timelines.gate import Budget, TimelineError
from segue.envs.film.timelines.rates import rational_time
from segue.envs.film.timelines.tracks import time_range
from segue.envs.film.timelines.vocabulary import SEGUE
from segue.envs.film.timelines.xml_records import to_record

_ITEMS = ("clipitem", "generatoritem", "transitionitem")
_DEEPEST = 20


@dataclass(frozen=True)
class _Join:
    """A transition in frames of its sequence."""

    element: Element
    start: int
    end: int
    cut: int


def read_fcp7(root: Element, budget: Budget) -> list[otio.schema.Timeline]:
    """Read every sequence that is not part of another.

    Parameters
    ----------
    root : Element
        ``xmeml``.
    budget : Budget
        The file's name and what it may hold.

    Returns
    -------
    list of Timeline
        In the order of the file.

    Raises
    ------
    TimelineError
        If there is none, or a sequence contains itself.
    """
    reader = _SequenceReader(root, budget)
    expansion = Expansion(_ITEMS, reader.referred, budget)
    for sequence in _top_level(root):
        expansion.check(sequence)
    found = [reader.timeline(sequence) for sequence in _top_level(root)]
    if not found:
        raise TimelineError(f"{budget.source} holds no sequence; export a sequence, not a clip.")
    return found


def _top_level(element: Element) -> Iterator[Element]:
    for child in element:
        if child.tag == "sequence":
            yield child
        elif child.tag in ("project", "bin", "children"):
            yield from _top_level(child)


class _SequenceReader:
    """Reads sequences, with what the document's ids stand for."""

    def __init__(self, root: Element, budget: Budget) -> None:
        self._budget = budget
        self._known: dict[tuple[str, str], Element] = {}
        for element in root.iter():
            if element.tag in ("sequence", "file") and element.get("id") and len(element):
                self._known.setdefault((element.tag, element.get("id", "")), element)
        self._depth = 0

    def referred(self, element: Element) -> Element | None:
        """The sequence that an empty one with its id stands for."""
        return self._whole(element) if element.tag == "sequence" else None

    def timeline(self, sequence: Element) -> otio.schema.Timeline:
        """Read a sequence as a timeline."""
        sequence = self._whole(sequence)
        rate = rate_of(sequence, None)
        if rate is None:
            raise TimelineError(
                f"{self._budget.source} has a sequence {text_of(sequence, 'name')!r} without a "
                "frame rate; export it again."
            )
        start = integer(sequence.find("timecode/frame"), 0)
        timeline = otio.schema.Timeline(
            text_of(sequence, "name"), global_start_time=rational_time(start / rate, rate)
        )
        known: dict[str, object] = {"rate": str(rate)}
        for side in ("width", "height"):
            length = integer(sequence.find(f"media/video/format/samplecharacteristics/{side}"), 0)
            if length > 0:
                known[side] = length
        shown = text_of(sequence, "timecode/displayformat")
        if shown in ("DF", "NDF"):
            known["drop_frame"] = shown == "DF"
        timeline.metadata[SEGUE] = known
        for track in self._tracks(sequence, rate):
            timeline.tracks.append(track)
        timeline.tracks.markers.extend(markers_of(sequence, rate, Fraction(0), rate))
        return timeline

    def nested(self, sequence: Element, default: Fraction) -> otio.schema.Stack:
        """Read a sequence that lies in another one as a stack."""
        if self._depth >= _DEEPEST:
            raise TimelineError(
                f"{self._budget.source} has sequences nested deeper than the {_DEEPEST} allowed; "
                "flatten them."
            )
        self._depth += 1
        sequence = self._whole(sequence)
        stack = otio.schema.Stack(text_of(sequence, "name"))
        for track in self._tracks(sequence, rate_of(sequence, default) or default):
            stack.append(track)
        self._depth -= 1
        return stack

    def _whole(self, element: Element) -> Element:
        """Return the element itself, or the one with its id that tells more."""
        if len(element):
            return element
        return self._known.get((element.tag, element.get("id", "")), element)

    def _tracks(self, sequence: Element, rate: Fraction) -> Iterator[otio.schema.Track]:
        kinds = (("video", otio.schema.TrackKind.Video), ("audio", otio.schema.TrackKind.Audio))
        for tag, kind in kinds:
            count = 0
            for element in sequence.iterfind(f"media/{tag}/track"):
                # Premiere writes each channel of a stereo track as a track of its own.
                if element.get("currentExplodedTrackIndex", "0") != "0":
                    continue
                count += 1
                yield self._track(element, kind, f"{tag[0].upper()}{count}", rate)

    def _track(self, element: Element, kind: str, name: str, rate: Fraction) -> otio.schema.Track:
        """Lay a track's items behind each other, with gaps where none is."""
        track = otio.schema.Track(text_of(element, "name") or name, kind=kind)
        track.enabled = text_of(element, "enabled").upper() != "FALSE"
        clips = ClipReader(rate, self._whole, self.nested)
        items = [child for child in element if child.tag in _ITEMS]
        joins = [_join(e, rate) if e.tag == "transitionitem" else None for e in items]
        cursor = 0
        for place, child in enumerate(items):
            self._budget.spend()
            join = joins[place]
            if join is not None:
                cursor = _fill(track, cursor, join.cut, rate)
                if not len(track) or not isinstance(track[-1], otio.schema.Transition):
                    track.append(_transition(join, rate))
                continue
            before = joins[place - 1] if place else None
            after = joins[place + 1] if place + 1 < len(items) else None
            start, end = integer(child.find("start"), -1), integer(child.find("end"), -1)
            lead = 0
            if start < 0 and before is not None:
                start, lead = before.cut, before.cut - before.start
            if end < 0 and after is not None:
                end = after.cut
            if start < 0 or end <= max(start, cursor):
                continue
            lead += max(cursor - start, 0)
            start = max(start, cursor)
            if text_of(child, "effect/effectid") == "Slug":  # FCP7's word for black
                cursor = _fill(track, cursor, end, rate)
                continue
            cursor = _fill(track, cursor, start, rate)
            track.append(clips.item(child, end - start, lead))
            cursor = end
        return track


def _fill(track: otio.schema.Track, cursor: int, start: int, rate: Fraction) -> int:
    """Lay a gap up to a frame, if something is missing there."""
    if start <= cursor:
        return cursor
    span = time_range(Fraction(0), (start - cursor) / rate, rate, rate)
    track.append(otio.schema.Gap(source_range=span))
    return start


def _join(element: Element, rate: Fraction) -> _Join:
    """Find where a transition and its cut are."""
    start, end = integer(element.find("start"), 0), integer(element.find("end"), 0)
    end = max(start, end)
    cut = (start + end) // 2
    alignment = text_of(element, "alignment")
    if alignment.startswith("start"):
        cut = start
    elif alignment.startswith("end"):
        cut = end
    ticks = element.find("cutPointTicks")
    if ticks is not None:
        exact = start + round(number(ticks, Fraction(-1)) / TICKS * rate)
        cut = exact if start <= exact <= end else cut
    return _Join(element, start, end, cut)


def _transition(join: _Join, rate: Fraction) -> otio.schema.Transition:
    """Make a transition."""
    effect = join.element.find("effect")
    name = "" if effect is None else text_of(effect, "name")
    kind = "Custom_Transition"
    if "dissolve" in f"{name} {text_of(join.element, 'effect/effectid')}".lower():
        kind = "SMPTE_Dissolve"
    elif "wipe" in name.lower():
        kind = "SMPTE_Wipe"
    offsets = (
        rational_time(frames / rate, rate)
        for frames in (Fraction(join.cut - join.start), Fraction(join.end - join.cut))
    )
    told = {} if effect is None else {"fcp7": {"effect": to_record(effect)}}
    return otio.schema.Transition(name, kind, *offsets, told)
