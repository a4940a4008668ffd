"""The resources of an FCPXML document that is being written."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element

import opentimelineio as otio

from segue.envs.film.timelines.fcpxml_time import tell_time
from segue.envs.film.timelines.layout import source_rate
from segue.envs.film.timelines.rates import seconds_of
from segue.envs.film.timelines.xml_records import add, plain

KNOWN_EFFECTS = {
    "dissolve": "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265",
    "Cross Dissolve": "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265",
    "Audio Crossfade": "FFAudioTransition",
    "Basic Title": ".../Titles.localized/Bumper:Opener.localized/Basic Title.localized/"
    "Basic Title.moti",
    "Basic Lower Third": ".../Titles.localized/Lower Thirds.localized/"
    "Basic Lower Third.localized/Basic Lower Third.moti",
    "Custom": ".../Generators.localized/Solids.localized/Custom.localized/Custom.motn",
}
"""Final Cut Pro's own names of effects. Others are written as ``segue/`` and their name, which it
shows as a missing effect of that name."""

_DEFAULT_SIZE = (1920, 1080)


class ResourceWriter:
    """Gathers formats, assets, effects and media, each once.

    Parameters
    ----------
    size : (int, int) or None
        Picture size in pixels.
    """

    def __init__(self, size: tuple[int, int] | None) -> None:
        self.element = Element("resources")
        self._size = size or _DEFAULT_SIZE
        self._ids: dict[tuple[object, ...], str] = {}
        self._assets: dict[str, Element] = {}
        self._styles = 0

    def format(self, rate: Fraction) -> str:
        """Id of the format of a frame rate."""
        key = ("format", rate)
        if key not in self._ids:
            self._ids[key] = self._next()
            width, height = self._size
            add(
                self.element,
                "format",
                id=self._ids[key],
                frameDuration=tell_time(1 / rate),
                width=width,
                height=height,
            )
        return self._ids[key]

    def asset(self, clip: otio.schema.Clip, rate: Fraction, sound: bool) -> str:
        """Id of the asset of a clip.

        Parameters
        ----------
        clip : Clip
            The clip.
        rate : Fraction
            Frames per second of its sequence, taken where nothing tells the source's.
        sound : bool
            Whether it is heard here, not seen.
        """
        reference = clip.media_reference
        url = getattr(reference, "target_url", "") or ""
        name = (reference.name if reference is not None else "") or clip.name
        known = None if reference is None else reference.available_range
        span = None if known is None else (seconds_of(known.start_time), seconds_of(known.duration))
        key = ("asset", url, name, span)
        if key not in self._ids:
            self._ids[key] = self._next()
            asset = add(self.element, "asset", id=self._ids[key], name=name)
            if span is not None:
                asset.set("start", tell_time(span[0]))
                asset.set("duration", tell_time(span[1]))
            told = {} if reference is None else reference.metadata.get("fcpxml", {})
            for fact, value in dict(told.get("asset", {})).items():
                asset.set(str(fact), plain(value))
            add(asset, "media-rep", kind="original-media", src=url)
            self._assets[self._ids[key]] = asset
        asset = self._assets[self._ids[key]]
        if sound and asset.get("hasAudio") is None:
            for fact, value in (("hasAudio", 1), ("audioSources", 1), ("audioChannels", 2)):
                asset.set(fact, str(value))
        if not sound or asset.get("hasVideo") == "1":
            asset.set("hasVideo", "1")
            if asset.get("format") is None:
                asset.set("format", self.format(source_rate(clip, rate)))
        return self._ids[key]

    def effect(self, told: Mapping[str, Any], name: str) -> str:
        """Id of an effect.

        Parameters
        ----------
        told : mapping
            Its name, ``uid`` and ``src`` where they were read from a file.
        name : str
            Its name where they were not.
        """
        name = str(told.get("name", name))
        uid = str(told.get("uid", "")) or KNOWN_EFFECTS.get(name, f"segue/{name}")
        key = ("effect", name, uid)
        if key not in self._ids:
            self._ids[key] = self._next()
            source = told.get("src")
            add(self.element, "effect", id=self._ids[key], name=name, uid=uid, src=source)
        return self._ids[key]

    def media(self, name: str, content: str, sequence: Element) -> str:
        """Id of a compound clip.

        Parameters
        ----------
        name : str
            Its name.
        content : str
            What tells it apart from others.
        sequence : Element
            What it holds.
        """
        key = ("media", name, content)
        if key not in self._ids:
            self._ids[key] = self._next()
            add(self.element, "media", id=self._ids[key], name=name).append(sequence)
        return self._ids[key]

    def style(self) -> str:
        """A new id for a text style."""
        self._styles += 1
        return f"ts{self._styles}"

    def _next(self) -> str:
        return f"r{len(self._ids) + 1}"
