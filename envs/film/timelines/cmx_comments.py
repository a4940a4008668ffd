"""The comments by which an edit decision list says what CMX 3600 has no word for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from urllib.parse import unquote, urlsplit

import opentimelineio as otio

from segue.envs.film.timelines.layout import plain_effects, source_rate
from segue.envs.film.timelines.rates import nearest_frame, seconds_of
from segue.envs.film.timelines.sound import gain_of, role
from segue.envs.film.timelines.vocabulary import GAIN, SEGUE, one_line

_SLATE = ("reel", "scene", "take")
_PATTERNS = {
    "transition": re.compile(r"TRANSITION NAME IS (.*), (\d{1,6})\+(\d{1,6}) FRAMES"),
    "media": re.compile(r"MEDIA IS (\d{1,12}) FRAMES AT ([\d/]{1,20}) FROM (-?[\d/]{1,30})"),
    "source": re.compile(r"SOURCE IN IS (-?[\d/]{1,40}) SECONDS"),
    "speed": re.compile(r"SPEED IS (-?[\d/]{1,40})"),
    "effect": re.compile(r"EFFECT NAME IS (.+)"),
    "role": re.compile(r"AUDIO ROLE IS (.+)"),
    "level": re.compile(r"AUDIO LEVEL IS ([\d.]{1,12})"),
    "slate": re.compile(r"(REEL(?= IS)|SCENE|TAKE|ANGLE|CAMERA(?! ROLL))(?: IS |: ?)(.+)", re.I),
    "file": re.compile(r"(?:FROM CLIP|TO CLIP|FROM FILE|SOURCE FILE):\s*(.+)"),
    "to": re.compile(r"TO CLIP NAME:\s*(.*)"),
    "from": re.compile(r"FROM CLIP NAME:\s*(.*)"),
}


@dataclass
class Comments:
    """What the comments of one event say.

    Attributes
    ----------
    found : dict of str to match
        The last match of each pattern.
    effects : list of str
        Names of the effects.
    slate : dict of str to str
        Reel, scene and take.
    lines : list of str
        All comments as they stand.
    """

    found: dict[str, re.Match[str]] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)
    slate: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Take in a comment, without its star."""
        self.lines.append(line)
        for name, pattern in _PATTERNS.items():
            match = pattern.match(line)
            if match is None:
                continue
            if name == "effect":
                self.effects.append(match[1].strip())
            elif name == "slate":
                told = match[1].lower()
                self.slate["angle" if told == "camera" else told] = match[2].strip()
            else:
                self.found[name] = match
            return

    def text(self, name: str) -> str:
        """What stands behind the words of pattern `name`; empty where it does not occur."""
        match = self.found.get(name)
        return match[1].strip() if match else ""


def clip_comments(
    clip: otio.schema.Clip, exact: Fraction, first: int, rate: Fraction, speed: Fraction
) -> list[str]:
    """List what stands under a clip's event.

    Parameters
    ----------
    clip : Clip
        The clip.
    exact : Fraction
        Second of the source at which the event begins.
    first : int
        Frame that stands in the list for it.
    rate, speed : Fraction
        The list's frames per second and the clip's speed.
    """
    lines = []
    reference = clip.media_reference
    if isinstance(reference, otio.schema.ExternalReference) and reference.target_url:
        lines.append(f"FROM CLIP: {_path(reference.target_url)}")
    if reference is not None and reference.available_range is not None:
        known = reference.available_range
        own = source_rate(clip, rate)
        frames, start = nearest_frame(seconds_of(known.duration), own), seconds_of(known.start_time)
        lines.append(f"MEDIA IS {frames} FRAMES AT {own} FROM {start}")
    if Fraction(first) / rate != exact:
        lines.append(f"SOURCE IN IS {exact} SECONDS")
    if speed != 1:
        lines.append(f"SPEED IS {speed}")
    lines += [
        f"EFFECT NAME IS {one_line(effect.effect_name or effect.name)}"
        for effect in plain_effects(clip)
        if effect.effect_name != GAIN
    ]
    told = clip.metadata.get(SEGUE, {})
    lines += [f"{name.upper()} IS {one_line(str(told[name]))}" for name in _SLATE if told.get(name)]
    return lines


def sound_comments(clip: otio.schema.Clip) -> list[str]:
    """List what stands under a sound's event besides."""
    lines = [f"AUDIO ROLE IS {role(clip)}"] if role(clip) else []
    if gain_of(clip) != 1:
        lines.append(f"AUDIO LEVEL IS {gain_of(clip):g}")
    return lines


def _path(url: str) -> str:
    """Path of a ``file:`` URL; anything else as it stands."""
    parts = urlsplit(url)
    return one_line(unquote(parts.path) if parts.scheme == "file" else url)
