"""What the ids of an FCPXML document stand for."""

from __future__ import annotations

from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.fcpxml_time import parse_time, time_of
from segue.envs.film.timelines.gate import TimelineError
from segue.envs.film.timelines.tracks import time_range

SLATE_KEYS = {
    "com.apple.proapps.studio.reel": "reel",
    "com.apple.proapps.studio.scene": "scene",
    "com.apple.proapps.studio.shot": "take",
    "com.apple.proapps.studio.take": "take",
}
"""Keys under which Final Cut Pro keeps what the slate says; it calls the take a shot."""

_ASSET_FACTS = ("uid", "hasVideo", "hasAudio", "audioSources", "audioChannels", "audioRate")


class Resources:
    """Looks up formats, assets, effects and media.

    Parameters
    ----------
    element : Element or None
        ``resources``.
    source : str
        Name of the file, for messages.
    """

    def __init__(self, element: Element | None, source: str) -> None:
        self._source = source
        self._found: dict[str, dict[str, Element]] = {}
        for child in () if element is None else element:
            self._found.setdefault(child.tag, {}).setdefault(child.get("id", ""), child)

    @property
    def media(self) -> dict[str, Element]:
        """Compound and multicam clips by id."""
        return self._found.get("media", {})

    def get(self, kind: str, name: str | None) -> Element | None:
        """Find a resource of a kind by its id."""
        return self._found.get(kind, {}).get(name or "")

    def rate(self, name: str | None) -> Fraction:
        """Frames per second of a sequence's format.

        Raises
        ------
        TimelineError
            If the document does not define it.
        """
        rate = self.known_rate(name)
        if rate is None:
            raise TimelineError(
                f"{self._source} has a sequence whose format {name!r} tells no frame rate; "
                "export it again."
            )
        return rate

    def known_rate(self, name: str | None) -> Fraction | None:
        """Frames per second of a format; None where it tells none, as that of a sound does."""
        found = self.get("format", name)
        text = None if found is None else found.get("frameDuration")
        if text is None:
            return None
        length = parse_time(text)
        if not Fraction(1, 1000) <= length <= 1:
            raise ValueError(f"the frame duration {text[:30]!r}")
        return 1 / length

    def size(self, name: str | None) -> dict[str, int]:
        """Width and height of a format; empty where it tells none."""
        found = self.get("format", name)
        sides = {} if found is None else {k: found.get(k, "") for k in ("width", "height")}
        told = all(text.isdigit() and len(text) < 7 for text in sides.values())
        return {k: int(v) for k, v in sides.items()} if told else {}

    def effect(self, name: str | None) -> dict[str, str]:
        """Attributes of an effect but for its id; empty where it is not defined."""
        found = self.get("effect", name)
        return {} if found is None else {k: v for k, v in found.attrib.items() if k != "id"}

    def asset_start(self, name: str | None) -> Fraction:
        """Second of its own timecode at which an asset starts."""
        found = self.get("asset", name)
        return Fraction(0) if found is None else time_of(found, "start")

    def asset_rate(self, name: str | None) -> Fraction | None:
        """Frames per second of an asset's picture; None where it tells none."""
        found = self.get("asset", name)
        return None if found is None else self.known_rate(found.get("format"))

    def reference(self, name: str | None, rate: Fraction) -> otio.core.MediaReference:
        """Make the media reference of an asset.

        Parameters
        ----------
        name : str or None
            Its id.
        rate : Fraction
            Grid of its length where it tells none.
        """
        found = self.get("asset", name)
        if found is None:
            return otio.schema.MissingReference(name=name or "")
        own = self.asset_rate(name) or rate
        known = None
        if found.get("duration") and time_of(found, "duration") > 0:
            start, length = time_of(found, "start"), time_of(found, "duration")
            known = time_range(start, length, own, own)
        facts = {key: found.get(key) for key in _ASSET_FACTS if found.get(key) is not None}
        copy = found.find("media-rep")
        url = found.get("src") or ("" if copy is None else copy.get("src", ""))
        metadata: dict[str, Any] = {"fcpxml": {"asset": facts}}
        reference: otio.core.MediaReference
        if url:
            reference = otio.schema.ExternalReference(url, known, metadata)
        else:
            reference = otio.schema.MissingReference(available_range=known, metadata=metadata)
        reference.name = found.get("name", "")
        return reference

    def has(self, name: str | None, what: str) -> bool:
        """Whether an asset has ``"hasVideo"`` or ``"hasAudio"``."""
        found = self.get("asset", name)
        return found is not None and found.get(what) == "1"


def slate_of(element: Element | None) -> dict[str, str]:
    """Reel, scene and take in the ``metadata`` of a clip or an asset."""
    found: dict[str, str] = {}
    for entry in () if element is None else element.iterfind("metadata/md"):
        name = SLATE_KEYS.get(entry.get("key", ""))
        value = entry.get("value", "")
        if name and value:
            found[name] = value
    return found
