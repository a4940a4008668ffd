"""The one gate through which every timeline file is read.

A timeline comes from anywhere. The gate lets regular files of a bounded size through, XML without
entities, JSON without cycles, and hands on timelines with a bounded number of items, a bounded
depth and finite times. The media that a timeline names are never opened here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import opentimelineio as otio

from segue.envs.base.errors import SegueError


class TimelineError(SegueError):
    """A timeline that cannot be read or written, said in one sentence that names the file."""


@dataclass(frozen=True)
class Limits:
    """What the gate lets through.

    Attributes
    ----------
    size : int
        Bytes of a file.
    elements : int
        Elements of an XML file, or objects of a JSON file.
    events : int
        Clips, gaps, transitions and nested sequences of all timelines of a file together, each
        nested sequence counted as often as it is used.
    nesting : int
        Depth of elements in XML and of objects and lists in JSON.
    """

    size: int = 32 * 2**20
    elements: int = 1_000_000
    events: int = 30_000
    nesting: int = 100


DEFAULT_LIMITS = Limits()

_LARGEST = 2.0**53
"""Beyond it floating-point frame numbers skip frames."""


class Budget:
    """Counts the items that a reader makes.

    Parameters
    ----------
    source : str
        Name of the file, for messages.
    limits : Limits
        `events` and `nesting` are heeded.
    """

    def __init__(self, source: str, limits: Limits) -> None:
        self.source, self.limits = source, limits
        self._events = 0

    def spend(self) -> None:
        """Count one item, or raise TimelineError."""
        self._events += 1
        if self._events > self.limits.events:
            raise TimelineError(
                f"{self.source} has more than the {self.limits.events:,} events allowed; split it."
            )


def read_bytes(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Content of a regular file.

    Parameters
    ----------
    path : Path
        The file.
    limits : Limits
        `size` is heeded.

    Raises
    ------
    TimelineError
        If the file is missing, no regular file, empty, too big, or the system refuses it.
    """
    try:
        # A pipe or a device named film.edl would block or never end.
        if not path.is_file():
            wrong = "is not a file" if path.exists() else "does not exist"
            raise TimelineError(f"{path} {wrong}; give an OTIO, EDL, FCP7 XML or FCPXML file.")
        with path.open("rb") as file:
            data = file.read(limits.size + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TimelineError(f"{path} cannot be read ({reason}); check its rights.") from error
    if not data.strip():
        raise TimelineError(f"{path} is empty; export it again.")
    if len(data) > limits.size:
        raise TimelineError(
            f"{path} has more than the {limits.size:,} bytes allowed; export it in parts."
        )
    return data


def parse_xml(data: bytes, source: str, limits: Limits = DEFAULT_LIMITS) -> Element:
    """Parse XML that can expand to nothing and fetch nothing.

    A document type is let through (FCP7 and FCPXML files name theirs) as long as it declares
    nothing itself; it is never fetched.

    Parameters
    ----------
    data : bytes
        The file.
    source : str
        Its name, for messages.
    limits : Limits
        `elements` and `nesting` are heeded.

    Returns
    -------
    Element
        The root.

    Raises
    ------
    TimelineError
        If it is no XML, declares entities, or is beyond the limits.
    """
    handlers = _XmlHandlers(source, limits)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = handlers.start, handlers.end
    parser.CharacterDataHandler = handlers.builder.data
    parser.EntityDeclHandler = handlers.refuse
    try:
        parser.Parse(data, True)
        return handlers.builder.close()
    except (expat.ExpatError, ValueError, LookupError, AssertionError) as error:
        raise TimelineError(f"{source} is no proper XML ({error}); export it again.") from error


class _XmlHandlers:
    """Hands the elements of a document to `builder` and refuses what is beyond the limits."""

    def __init__(self, source: str, limits: Limits) -> None:
        self.builder = TreeBuilder()
        self._source, self._limits = source, limits
        self._depth = self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > self._limits.nesting:
            raise TimelineError(
                f"{self._source} has elements nested deeper than the {self._limits.nesting} "
                "allowed; flatten its nested sequences."
            )
        if self._count > self._limits.elements:
            raise TimelineError(
                f"{self._source} has more than the {self._limits.elements:,} elements allowed; "
                "split it."
            )
        self.builder.start(name, attributes)

    def end(self, name: str) -> None:
        self._depth -= 1
        self.builder.end(name)

    def refuse(self, name: str, *_: object) -> None:
        raise TimelineError(
            f"{self._source} declares the XML entity {name[:40]!r}, which is not allowed; "
            "export it again without."
        )


@contextmanager
def understanding(source: str) -> Iterator[None]:
    """Turn what a malformed value raises inside the block into a TimelineError.

    The readers check what they can name; this catches the rest, such as a rate of 0 or a number
    with letters deep inside an attribute.

    Parameters
    ----------
    source : str
        Name of the file, for messages.
    """
    try:
        yield
    except (
        *(ValueError, TypeError, LookupError, ArithmeticError, AttributeError),
        *(RecursionError, MemoryError, RuntimeError, otio.exceptions.OTIOError),
    ) as error:
        said = " ".join(str(error).split())[:120] or "no reason given"
        raise TimelineError(
            f"{source} cannot be understood ({type(error).__name__}: {said}); export it again."
        ) from error


def check_timeline(timeline: otio.schema.Timeline, budget: Budget) -> None:
    """Refuse a timeline with which no arithmetic can be done.

    Parameters
    ----------
    timeline : Timeline
        As a reader made it.
    budget : Budget
        Every item is counted.

    Raises
    ------
    TimelineError
        If an item has no length, a negative or endless one, or there is too much of it.
    """
    if timeline.tracks is None:
        raise TimelineError(f"{budget.source} has a timeline without tracks; export it again.")
    if timeline.global_start_time is not None:
        _check_time(timeline.global_start_time, budget.source, signed=True)
    waiting = [(timeline.tracks, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > budget.limits.nesting:
            raise TimelineError(
                f"{budget.source} has sequences nested deeper than the {budget.limits.nesting} "
                "allowed; flatten them."
            )
        if isinstance(item, otio.core.Composition):
            waiting += [(child, depth + 1) for child in item]
        if isinstance(item, otio.schema.Transition):
            _check_time(item.in_offset, budget.source)
            _check_time(item.out_offset, budget.source)
        elif isinstance(item, otio.core.Item):
            if depth > 1 or item.source_range is not None:
                _check_item(item, budget.source)
        else:
            raise TimelineError(
                f"{budget.source} has an item of the unknown kind {item.schema_name()!r}; "
                "export it again."
            )
        if depth > 1:
            budget.spend()


def _check_item(item: otio.core.Item, source: str) -> None:
    """Refuse an item without a usable range."""
    found = item.source_range
    if found is None and isinstance(item, otio.core.Composition):
        return  # As long as what lies in it.
    if found is None:
        reference = item.media_reference if isinstance(item, otio.schema.Clip) else None
        found = None if reference is None else reference.available_range
    if found is None:
        raise TimelineError(f"{source} has an item {item.name!r} without length; give it a range.")
    _check_time(found.start_time, source, signed=True)
    _check_time(found.duration, source)
    for marker in item.markers:
        _check_time(marker.marked_range.start_time, source, signed=True)
        _check_time(marker.marked_range.duration, source)
    for effect in item.effects:
        if isinstance(effect, otio.schema.LinearTimeWarp) and not abs(effect.time_scalar) < 1e6:
            raise TimelineError(
                f"{source} has a clip at {effect.time_scalar:g} times its speed, which cannot be; "
                "export it again."
            )


def _check_time(time: otio.opentime.RationalTime, source: str, signed: bool = False) -> None:
    """Refuse a time that is not finite, beyond counting, or negative where that makes no sense."""
    value, rate = time.value, time.rate
    # Comparisons with NaN are false, hence this form.
    if not (0 < rate < _LARGEST and -_LARGEST < value < _LARGEST and (signed or value >= 0)):
        raise TimelineError(
            f"{source} has the time {value:g} at the rate {rate:g}, which cannot be; "
            "export it again."
        )
