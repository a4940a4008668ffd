"""FCPXML projects as OpenTimelineIO timelines.

A project's primary storyline is the first picture track. Connected clips and storylines lie on
further tracks, by their lane. Compound and multicam clips are nested stacks. A transition in
FCPXML overlaps the items beside it, whose border is its cut. Times are kept exact, also where
they lie off the frame grid, as sound does.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.expansion import Expansion
from segue.envs.film.timelines.fcpxml_items import ItemReader, Resources, is_sound
from segue.envs.film.timelines.fcpxml_time import time_of
from segue.envs.film.timelines.gate import Budget, TimelineError
from segue.envs.film.timelines.rates import rational_time
from segue.envs.film.timelines.tracks import TrackBuilder
from segue.envs.film.timelines.vocabulary import SEGUE

STORY_ITEMS = frozenset(
    ("asset-clip", "clip", "video", "audio", "gap", "ref-clip", "sync-clip", "mc-clip", "title")
)
"""Elements that fill a storyline."""

_DEEPEST = 20
"""Compound clips within compound clips."""


def read_fcpxml(root: Element, budget: Budget) -> list[otio.schema.Timeline]:
    """Read every project of a document.

    Parameters
    ----------
    root : Element
        ``fcpxml``.
    budget : Budget
        The file's name and what it may hold.

    Returns
    -------
    list of Timeline
        In the order of the file. A document without projects gives its compound clips.

    Raises
    ------
    TimelineError
        If it holds neither, or refers to what it does not define.
    """
    resources = Resources(root.find("resources"), budget.source)

    def media(element: Element) -> Element | None:
        named = element.tag in ("ref-clip", "mc-clip")
        return resources.get("media", element.get("ref")) if named else None

    expansion = Expansion({*STORY_ITEMS, "transition"}, media, budget)
    for project in root.iter("project"):
        expansion.check(project)
    for compound in resources.media.values():
        expansion.check(compound)
    found = [
        _timeline(project.get("name", ""), sequence, resources, budget)
        for project in root.iter("project")
        for sequence in project.findall("sequence")
    ]
    if not found:
        found = [
            _timeline(media.get("name", ""), sequence, resources, budget)
            for media in resources.media.values()
            for sequence in media.findall("sequence")
        ]
    if not found:
        raise TimelineError(
            f"{budget.source} holds clips but no project; export a project from Final Cut Pro."
        )
    return found


def _timeline(
    name: str, sequence: Element, resources: Resources, budget: Budget
) -> otio.schema.Timeline:
    """Read a sequence."""
    rate = resources.rate(sequence.get("format"))
    start = time_of(sequence, "tcStart")
    timeline = otio.schema.Timeline(name, global_start_time=rational_time(start, rate))
    known: dict[str, object] = {"rate": str(rate), **resources.size(sequence.get("format"))}
    if sequence.get("tcFormat") in ("DF", "NDF"):
        known["drop_frame"] = sequence.get("tcFormat") == "DF"
    timeline.metadata[SEGUE] = known
    for track in StoryReader(resources, rate, budget, 0).tracks(sequence):
        timeline.tracks.append(track)
    return timeline


class StoryReader:
    """Reads one sequence's storylines and what is connected to them.

    Parameters
    ----------
    resources : Resources
        What the document's ids stand for.
    rate : Fraction
        Frames per second of the sequence.
    budget : Budget
        Every item is counted.
    depth : int
        How many compound clips this one lies in.
    """

    def __init__(self, resources: Resources, rate: Fraction, budget: Budget, depth: int) -> None:
        self._resources, self._rate, self._budget, self._depth = resources, rate, budget, depth
        self._items = ItemReader(resources, rate, self._nested)
        self._lanes: dict[tuple[bool, int], list[tuple[Fraction, list[otio.core.Composable]]]] = {}

    def tracks(self, parent: Element) -> list[otio.schema.Track]:
        """Read the storyline in `parent`: tracks of pictures from bottom to top, then of sound."""
        spine = parent.find("spine") if parent.tag == "sequence" else parent
        if spine is None:
            raise TimelineError(f"{self._budget.source} has a sequence without a spine.")
        self._story(spine, 0, Fraction(0), False)
        found = []
        numbers = {"V": 0, "A": 0}
        order = sorted(self._lanes, key=lambda key: (key[0], -key[1] if key[0] else key[1]))
        for sound, lane in order:
            kinds = otio.schema.TrackKind
            letter = "A" if sound else "V"
            builder = TrackBuilder(kinds.Audio if sound else kinds.Video, letter, self._rate)
            for at, row in sorted(self._lanes[sound, lane], key=lambda placed: placed[0]):
                builder.put_row(at, row)
            for track in builder.tracks():
                numbers[letter] += 1
                track.name = f"{letter}{numbers[letter]}"
                track.metadata["fcpxml"] = {"lane": lane}
                found.append(track)
        return found

    def _story(self, spine: Element, lane: int, at: Fraction, sound: bool) -> None:
        """Read the items of a storyline, which follow each other from second `at` on."""
        row: list[otio.core.Composable] = []
        placed = (e for e in spine if e.tag in STORY_ITEMS and e.get("offset"))
        first = next((time_of(e, "offset") for e in placed), Fraction(0))
        cursor = at
        for element in _chosen(spine):
            if element.tag == "transition":
                self._budget.spend()
                edge = cursor - at + first
                row.append(self._items.transition(element, edge))
            elif element.tag in STORY_ITEMS:
                offset = time_of(element, "offset", cursor - at + first) - first + at
                if offset > cursor:  # Some programs leave out the gaps.
                    row.append(self._items.gap(offset - cursor))
                    cursor = offset
                item = self._item(element, cursor)
                row.append(item)
                cursor += self._items.length(element)
        self._lanes.setdefault((sound, lane), []).append((at, _separated(row)))

    def _item(self, element: Element, at: Fraction) -> otio.core.Item:
        """Read an item that begins at second `at`, and put what is connected to it on lanes."""
        self._budget.spend()
        item = self._items.item(element)
        begin = self._items.local_start(element)
        for child in _chosen(element):
            lane = child.get("lane")
            if lane is None or not lane.lstrip("-").isdigit() or int(lane) == 0:
                continue
            number = int(lane)
            child_at = at + time_of(child, "offset", begin) - begin
            if child.tag == "spine":
                sound = all(
                    is_sound(e, self._resources) for e in child if e.tag in STORY_ITEMS - {"gap"}
                )
                self._story(child, number, max(child_at, Fraction(0)), sound and len(child) > 0)
            elif child.tag in STORY_ITEMS and not self._items.is_component(element, child):
                row: list[otio.core.Composable] = [self._item(child, child_at)]
                key = (is_sound(child, self._resources), number)
                self._lanes.setdefault(key, []).append((max(child_at, Fraction(0)), row))
        return item

    def _nested(self, stories: list[Element], rate: Fraction, name: str) -> otio.schema.Stack:
        """Read a compound or multicam clip's storylines as a stack."""
        if self._depth >= _DEEPEST:
            raise TimelineError(
                f"{self._budget.source} has compound clips nested deeper than the {_DEEPEST} "
                "allowed; break them apart."
            )
        stack = otio.schema.Stack(name)
        for story in stories:
            reader = StoryReader(self._resources, rate, self._budget, self._depth + 1)
            for track in reader.tracks(story):
                stack.append(track)
        return stack


def _chosen(parent: Element) -> Iterator[Element]:
    """Children of an element; of an audition the clip that is picked, in its place."""
    for child in parent:
        if child.tag != "audition":
            yield child
            continue
        picked = next((e for e in child if e.tag in STORY_ITEMS), None)
        if picked is not None:
            there = Element(picked.tag, {**picked.attrib})
            there.extend(list(picked))
            for name in ("lane", "offset"):
                there.attrib.pop(name, None)
                if child.get(name) is not None:
                    there.set(name, child.get(name, ""))
            yield there


def _separated(row: list[otio.core.Composable]) -> list[otio.core.Composable]:
    """Leave out the second of two transitions that follow each other, which OTIO cannot hold."""
    kept: list[otio.core.Composable] = []
    for item in row:
        doubled = kept and isinstance(kept[-1], otio.schema.Transition)
        if not (doubled and isinstance(item, otio.schema.Transition)):
            kept.append(item)
    return kept
