"""Scene, camera set-up and take of a clip, as slates and clip names tell them.

A *set-up* is one position of one camera: all takes of ``24A`` are one set-up, ``24B`` is another.
Three habits of naming are understood, with or without an ending and a frame number behind:

* American slates: ``24A-3``, ``24A T3``, ``S024A_TK03``, ``Scene 24A Take 3``, ``24A-3_B`` (camera
  B): scene 24, set-up 24A, take 3;
* European slates: ``45-2-3``, ``sc045_sh020_tk03``: scene 45, set-up 45/2, take 3;
* anything with its take: ``ZZ100_501.take_1``: set-up ZZ100_501, take 1.

Other names, such as a camera's own ``A012C003_210512_R1AB``, tell no take; each is a set-up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_EXTENSION = re.compile(r"\.(?:[a-z][a-z0-9]{1,4}|r3d|3gp)$", re.IGNORECASE)
_FRAME_NUMBER = re.compile(r"[._](?:\d{4,8}|[#%][#\dd]*)$|[._]?\[\d+-\d+\]$")
_TAKE = r"(?:tk|take|t)?[ ._-]*0*(?P<take>\d{1,2})"
_AMERICAN = re.compile(
    rf"(?:scene|sc|s)?[ ._-]*0*(?P<scene>\d{{1,4}})(?P<letters>[A-Z]{{0,3}})[ ._/-]+{_TAKE}"
    r"(?:[ ._-]*(?:cam(?:era)?)?[ ._-]*(?P<angle>[A-H])(?:[ ._-]*cam(?:era)?)?)?",
    re.IGNORECASE,
)
_EUROPEAN = re.compile(
    r"(?:scene|sc|s)?[ ._-]*0*(?P<scene>\d{1,4}[A-Z]?)[ ._/-]+(?:shot|sh)?[ ._-]*"
    rf"0*(?P<letters>\d{{1,4}}[A-Z]?)[ ._/-]+{_TAKE}",
    re.IGNORECASE,
)
_WITH_TAKE = re.compile(
    r"(?P<scene>.*?[^ ._-])(?P<letters>)[ ._-]+(?:take|tk)[ ._-]*0*(?P<take>\d{1,3})\b.*",
    re.IGNORECASE,
)

_ONLY_TAKE = re.compile(r"(?:take|tk)[ ._-]*0*(?P<take>\d{1,3})", re.IGNORECASE)
_COPY = re.compile(r"(?:\.(?:copy|sub|new)\.\d+| *\([^()]*\)| FF)+$", re.IGNORECASE)

_NO_REELS = ("", "AX", "BL")
"""Reels that stand for no tape: auxiliary source and black."""


@dataclass(frozen=True)
class Slate:
    """What a slate says; empty where it does not.

    Attributes
    ----------
    setup : str
        The camera set-up, in capitals; the same for all its takes.
    scene, take, angle : str
        Scene, take and camera.
    """

    setup: str
    scene: str = ""
    take: str = ""
    angle: str = ""


def read_slate(
    *names: str, reel: str = "", scene: str = "", take: str = "", angle: str = ""
) -> Slate:
    """Read the slate of a clip.

    Parameters
    ----------
    *names : str
        Names of the clip and of its file, the likeliest first; the first that tells a set-up and
        a take counts, or else the first that is more than a take's number.
    reel, scene, take, angle : str
        What the timeline itself says; it counts for more than the name. `scene` is as slates have
        it, with the letters of the set-up. Without a name, the reel stands for the set-up.

    Returns
    -------
    Slate
    """
    cleaned = [clean_name(name) for name in names]
    parsed = [_parse(name) for name in cleaned]
    found = next((one for one in parsed if one.setup), Slate(""))
    take = take or next((m["take"] for m in map(_ONLY_TAKE.fullmatch, cleaned) if m), "")
    if scene:
        said = scene.strip().upper()
        take, angle = take or found.take, angle or found.angle
        return Slate(_with_angle(said, angle), said, take.strip(), angle)
    if found.setup:
        angle = angle or found.angle
        return Slate(
            _with_angle(found.setup, angle), found.scene, take.strip() or found.take, angle
        )
    telling = (name for name in cleaned if re.search(r"\w", name))
    plain = next((name for name in telling if not _ONLY_TAKE.fullmatch(name)), "")
    plain = plain or (reel if reel.upper() not in _NO_REELS else "")
    return Slate(_with_angle(plain.upper(), angle), "", take.strip(), angle)


def clean_name(clip: str) -> str:
    """Name of a clip without folders, ending, frame number and what programs add to copies."""
    name = re.split(r"[\\/]", clip.strip())[-1] if re.search(r"[\\/].*\.\w+$", clip) else clip
    name = _EXTENSION.sub("", _COPY.sub("", name.strip()))
    return _COPY.sub("", _FRAME_NUMBER.sub("", name)).strip()


def _parse(name: str) -> Slate:
    """What the name tells; without a set-up where it tells no take."""
    for pattern, between in ((_EUROPEAN, "/"), (_AMERICAN, "")):
        if match := pattern.fullmatch(name):
            scene, letters = match["scene"].upper(), match["letters"].upper()
            angle = (match.groupdict().get("angle") or "").upper()
            return Slate(scene + between + letters, scene, match["take"], angle)
    if match := _WITH_TAKE.fullmatch(name):
        return Slate(match["scene"].upper(), "", match["take"])
    return Slate("")


def _with_angle(setup: str, angle: str) -> str:
    return f"{setup} {angle.upper()}" if setup and angle else setup
