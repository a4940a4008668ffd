"""Which media file a timeline's clip was cut from, among the files that the user names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

import opentimelineio as otio

from segue.envs.film.gate import probe
from segue.envs.film.timelines.gate import TimelineError
from segue.envs.film.timelines.layout import source_rate
from segue.envs.film.timelines.rates import nearest_frame, seconds_of

_HOUR = 3600


@dataclass(frozen=True)
class Media:
    """A source of pieces.

    Attributes
    ----------
    path : Path
        The file; only its name where no footage is given.
    rate : Fraction
        Frames per second.
    frames : int or None
        Length; None where nothing tells it.
    start : Fraction
        Second of the source's timecode at its first frame.
    """

    path: Path
    rate: Fraction
    frames: int | None
    start: Fraction

    def frame(self, second: Fraction) -> int:
        """Frame at a second of the source's timecode, held inside the file.

        Timelines such as CMX lists do not tell where a source's timecode starts. Where a second
        lies beyond the end, whole hours are taken off, as tapes and cameras start on the hour.
        """
        frame = nearest_frame(second - self.start, self.rate)
        if self.frames is None:
            return max(frame, 0)
        if frame >= self.frames:
            frame = nearest_frame((second - self.start) % _HOUR, self.rate)
        return min(max(frame, 0), self.frames - 1)


class Footage:
    """Finds media files by the names that clips give them. No other file is ever opened.

    Parameters
    ----------
    named : Path, mapping of str to Path, or None
        A folder, whose files (those directly in it) are found by name; or the files by name of
        the clip's media, its reel or the clip itself; or None, to take the clips at their word.
    """

    def __init__(self, named: Path | Mapping[str, Path] | None) -> None:
        self._trusting = named is None
        if isinstance(named, Mapping):
            self._files = {_key(name): Path(path) for name, path in named.items()}
        elif named is None:
            self._files = {}
        else:
            folder = Path(named)
            if not folder.is_dir():
                raise TimelineError(f"{folder} is not a folder; give the one that holds the media.")
            home = folder.resolve()
            self._files = {
                _key(entry.name): entry
                for entry in sorted(folder.iterdir(), reverse=True)
                if not entry.name.startswith(".")
                and entry.is_file()
                and home in entry.resolve().parents
            }
        self._stems = {_stem(name): path for name, path in self._files.items()}
        self._probed: dict[Path, tuple[Fraction, int]] = {}

    def find(self, clip: otio.schema.Clip) -> Path | None:
        """Find the file of a clip; None where it is not there."""
        names = media_names(clip)
        if self._trusting:
            return Path(names[0]) if names else Path("unnamed")
        for name in names:
            if _key(name) in self._files:
                return self._files[_key(name)]
        for name in names:
            if _stem(_key(name)) in self._stems:
                return self._stems[_stem(_key(name))]
        return None

    def media(self, clip: otio.schema.Clip, rate: Fraction) -> Media:
        """Find the picture that a clip was cut from.

        Parameters
        ----------
        clip : Clip
            The clip.
        rate : Fraction
            Frames per second of its sequence, taken where nothing tells the source's.

        Raises
        ------
        TimelineError
            If the file is not there or has no picture.
        SegueError
            If the file cannot be read.
        """
        path = self.find(clip)
        if path is None:
            names = media_names(clip) or ["unnamed"]
            raise TimelineError(
                f"The clip {clip.name!r} was cut from {names[0]!r}, which is not in the footage; "
                "add it."
            )
        reference = clip.media_reference
        known = None if reference is None else reference.available_range
        start = Fraction(0) if known is None else seconds_of(known.start_time)
        if self._trusting:
            own = source_rate(clip, rate)
            frames = None if known is None else nearest_frame(seconds_of(known.duration), own)
            return Media(path, own, frames or None, start)
        return Media(path, *self._facts(path), start)

    def _facts(self, path: Path) -> tuple[Fraction, int]:
        """Rate and length of a file, from its header."""
        if path not in self._probed:
            facts = probe(path)
            if facts.rate is None or facts.seconds is None:
                raise TimelineError(f"{path} has no picture of known length; give a film.")
            frames = round(Fraction(facts.seconds).limit_denominator(1_000_000) * facts.rate)
            self._probed[path] = facts.rate, max(frames, 1)
        return self._probed[path]


def media_names(clip: otio.schema.Clip) -> list[str]:
    """Names under which a clip's media may be found, best first, without their folders."""
    reference = clip.media_reference
    names = []
    if isinstance(reference, otio.schema.ExternalReference) and reference.target_url:
        names.append(_last_part(reference.target_url))
    if reference is not None:
        names.append(_last_part(reference.name))
    known = clip.metadata.get("segue", {})
    reel = known.get("reel", "") if hasattr(known, "get") else ""
    names += [_last_part(clip.name), str(reel)]
    return list(dict.fromkeys(name for name in names if name))


def _last_part(url: str) -> str:
    """Name of the file that a URL or a path of any system ends in."""
    path = url
    if "://" in url or url.startswith("file:"):
        path = unquote(urlsplit(url).path)
    elif "%" in url:
        path = unquote(url)
    name = PurePosixPath(path).name
    return PureWindowsPath(name).name or name


def _key(name: str) -> str:
    return name.casefold()


def _stem(name: str) -> str:
    return PurePosixPath(name).stem
