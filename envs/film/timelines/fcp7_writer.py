"""Timelines as FCP7 XML (xmeml 5), which Premiere Pro and DaVinci Resolve open.

Points are written in frames and, where they lie off the frame grid, in Premiere's ticks besides.
A clip beside a transition says -1 for the border under it, where its source has the frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.fcp7_elements import ClipWriter, add_rate, add_timecode
from segue.envs.film.timelines.fcp7_values import TICKS
from segue.envs.film.timelines.layout import (
    Placed,
    place,
    sequence_rate,
    transition_frames,
)
from segue.envs.film.timelines.rates import has_drop_frame, nearest_frame, seconds_of
from segue.envs.film.timelines.vocabulary import SEGUE
from segue.envs.film.timelines.xml_records import add, document, from_record

_DEFAULT_SIZE = (1920, 1080)


def fcp7_text(timelines: Sequence[otio.schema.Timeline]) -> str:
    """Write timelines as sequences of one document.

    Parameters
    ----------
    timelines : sequence of Timeline
        At least one.

    Returns
    -------
    str
        The document.
    """
    root = Element("xmeml", version="5")
    writer = _SequenceWriter()
    for timeline in timelines:
        rate = sequence_rate(timeline)
        known = timeline.metadata.get(SEGUE, {})
        size = known.get("width"), known.get("height")
        sides = (int(size[0]), int(size[1])) if all(size) else _DEFAULT_SIZE
        sequence = writer.sequence(timeline.tracks, timeline.name, rate, sides)
        start = timeline.global_start_time
        first = 0 if start is None else nearest_frame(seconds_of(start), rate)
        drop = has_drop_frame(rate) and known.get("drop_frame") is not False
        add_timecode(sequence, first, rate, drop)
        for marker in timeline.tracks.markers:
            writer.clips.mark(sequence, marker, Fraction(0), rate)
        root.append(sequence)
    return document(root, "xmeml")


class _SequenceWriter:
    """Writes sequences, with ids that run through the document."""

    def __init__(self) -> None:
        self._sequences = 0
        self._size = _DEFAULT_SIZE
        self.clips = ClipWriter(self._nested)

    def sequence(
        self,
        tracks: Iterable[otio.core.Item],
        name: str,
        rate: Fraction,
        size: tuple[int, int],
    ) -> Element:
        """Write a stack of tracks."""
        self._size = size
        self._sequences += 1
        element = Element("sequence", id=f"sequence-{self._sequences}")
        add(element, "name", name)
        length = add(element, "duration", 0)
        add_rate(element, rate)
        media = add(element, "media")
        video, audio = add(media, "video"), add(media, "audio")
        shown = add(add(video, "format"), "samplecharacteristics")
        add_rate(shown, rate)
        add(shown, "width", size[0])
        add(shown, "height", size[1])
        end = 0
        for track in tracks:
            sound = getattr(track, "kind", "") == otio.schema.TrackKind.Audio
            written = add(audio if sound else video, "track")
            end = max(end, self._track(written, track, rate, sound))
        length.text = str(end)
        return element

    def _track(self, element: Element, track: otio.core.Item, rate: Fraction, sound: bool) -> int:
        """Write a track's items; return the frame at which it ends."""
        children = list(track) if isinstance(track, otio.schema.Track) else [track]
        row = place(children, rate)
        number = 0
        for child in children:
            if isinstance(child, otio.schema.Transition):
                edge = row[number].start if number < len(row) else row[-1].end if row else 0
                sides = _beside(row, number)
                _transition(element, child, edge, rate, sound, sides)
                continue
            placed = row[number]
            number += 1
            if placed.frames and not isinstance(placed.item, otio.schema.Gap):
                element.append(self.clips.element(placed, rate, sound))
        gap = row and isinstance(row[-1].item, otio.schema.Gap)
        if gap:
            # A gap is what no item fills, so one that ends a track needs something to end it.
            element.append(self.clips.black(row[-1], rate))
        add(element, "enabled", "FALSE" if not track.enabled else "TRUE")
        add(element, "locked", "FALSE")
        return row[-1].end if row else 0

    def _nested(self, item: otio.core.Item, rate: Fraction) -> Element:
        tracks = [item] if isinstance(item, otio.schema.Track) else list(item)
        return self.sequence(tracks, item.name, rate, self._size)


def _beside(row: list[Placed], number: int) -> tuple[bool, bool]:
    """Whether something is seen before and after the cut in front of item `number`."""
    before = 0 < number <= len(row) and not row[number - 1].is_gap
    return before, number < len(row) and not row[number].is_gap


def _transition(
    track: Element,
    transition: otio.schema.Transition,
    edge: int,
    rate: Fraction,
    sound: bool,
    sides: tuple[bool, bool],
) -> None:
    """Write a transition around the cut at frame `edge`."""
    before, after = transition_frames(transition, rate)
    if before + after == 0:
        return
    element = add(track, "transitionitem")
    add(element, "start", edge - before)
    add(element, "end", edge + after)
    alignment = "center"
    if not before:
        alignment = "start" if sides[0] else "start-black"
    elif not after:
        alignment = "end" if sides[1] else "end-black"
    add(element, "alignment", alignment)
    add(element, "cutPointTicks", int(before / rate * TICKS))
    add_rate(element, rate)
    record = transition.metadata.get("fcp7", {}).get("effect")
    if record:
        element.append(from_record(record))
        return
    name = transition.name or transition.transition_type
    effect = add(element, "effect")
    add(effect, "name", name)
    wipe = transition.transition_type == "SMPTE_Wipe"
    kinds = ("Wipe", "Edge Wipe") if wipe else ("Dissolve", "Cross Dissolve")
    add(effect, "effectid", kinds[1])
    add(effect, "effectcategory", kinds[0])
    add(effect, "effecttype", "transition")
    add(effect, "mediatype", "audio" if sound else "video")
