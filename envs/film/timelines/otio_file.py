"""OpenTimelineIO's own JSON, read by the library once it is known to be harmless.

The library's parser is C++ that crashes the process at deep nesting, at objects that contain
themselves and at a timeline without tracks; what could do so is refused before.
"""

from __future__ import annotations

import json
import re
from typing import Any

import opentimelineio as otio

from segue.envs.film.timelines.gate import Limits, TimelineError

_REFERENCE = "SerializableObjectRef.1"
_BARE_INFINITY = re.compile(r'("(?:[^"\\]|\\.)*")|\bInf(?:inity)?\b')


def read_otio(data: bytes, source: str, limits: Limits) -> list[otio.schema.Timeline]:
    """Read the timelines of an OTIO file.

    Parameters
    ----------
    data : bytes
        The file.
    source : str
        Its name, for messages.
    limits : Limits
        `nesting` and `elements` are heeded.

    Returns
    -------
    list of Timeline
        One, or those of a collection.

    Raises
    ------
    TimelineError
        If it is no OTIO file, holds no timeline, or is beyond the limits.
    """
    try:
        parsed = _parse(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise TimelineError(f"{source} is no proper JSON ({error}); export it again.") from error
    whole = _Resolver(parsed, source, limits).resolved()
    found = _timelines(otio.adapters.read_from_string(json.dumps(whole), "otio_json"))
    if not found:
        raise TimelineError(f"{source} holds no timeline; export a timeline, not a single clip.")
    return found


def _parse(text: str) -> Any:
    """Parse JSON as OTIO writes it, which has a bare Inf where Python wants Infinity."""
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(_BARE_INFINITY.sub(lambda found: found[1] or "Infinity", text))


def _timelines(found: object) -> list[otio.schema.Timeline]:
    if isinstance(found, otio.schema.Timeline):
        return [found]
    if isinstance(found, otio.schema.SerializableCollection):
        return [timeline for child in found for timeline in _timelines(child)]
    return []


def _known_schema(copied: dict[str, Any]) -> dict[str, Any]:
    """Put a marker of a later library, whose colour is an object, as the present one has it."""
    colour = copied.get("color")
    if copied.get("OTIO_SCHEMA") == "Marker.3" and (colour is None or isinstance(colour, dict)):
        name = colour.get("name") if colour else None
        return {**copied, "OTIO_SCHEMA": "Marker.2", "color": str(name or "GREEN")}
    return copied


class _Resolver:
    """Copies parsed JSON, with each reference to an object replaced by that object."""

    def __init__(self, parsed: Any, source: str, limits: Limits) -> None:
        self._parsed, self._source, self._limits = parsed, source, limits
        self._known: dict[str, Any] = {}
        self._open: set[str] = set()
        self._count = 0

    def resolved(self) -> Any:
        """Return the whole document; raises TimelineError."""
        return self._copy(self._parsed, 0)

    def _copy(self, value: Any, depth: int) -> Any:
        if not isinstance(value, (dict, list)):
            return value
        self._count += 1
        if self._count > self._limits.elements:
            raise TimelineError(
                f"{self._source} has more than the {self._limits.elements:,} objects allowed; "
                "split it."
            )
        if depth > self._limits.nesting:
            raise TimelineError(
                f"{self._source} is nested deeper than the {self._limits.nesting} levels allowed; "
                "flatten its nested sequences."
            )
        if isinstance(value, list):
            return [self._copy(item, depth + 1) for item in value]
        if value.get("OTIO_SCHEMA") == _REFERENCE:
            return self._referred(str(value.get("id")), depth)
        name = value.get("OTIO_REF_ID")
        if name is not None:
            self._known[str(name)] = value
            self._open.add(str(name))
        copied = {k: self._copy(v, depth + 1) for k, v in value.items() if k != "OTIO_REF_ID"}
        self._open.discard(str(name))
        self._check(copied)
        return _known_schema(copied)

    def _referred(self, name: str, depth: int) -> Any:
        if name in self._open or name not in self._known:
            raise TimelineError(
                f"{self._source} refers to the object {name[:40]!r} from inside it or before it; "
                "export it again."
            )
        return self._copy(self._known[name], depth + 1)

    def _check(self, copied: dict[str, Any]) -> None:
        """Refuse what the library takes and then crashes at."""
        if str(copied.get("OTIO_SCHEMA", "")).startswith("Timeline."):
            tracks = copied.get("tracks")
            kind = tracks.get("OTIO_SCHEMA", "") if isinstance(tracks, dict) else ""
            if not str(kind).startswith("Stack."):
                raise TimelineError(
                    f"{self._source} has a timeline without tracks; export it again."
                )
