"""Scene, camera set-up and take of a clip, as slates and clip names tell them.

A *set-up* is one position of one camera: all takes of ``24A`` are one set-up, ``24B`` is another.
Three habits of naming are understood, with or without an ending, a frame number, the stars of
circled takes and remarks behind:

* American slates: ``24A-3``, ``24A T3``, ``S024A_TK03``, ``Scene 24A Take 3``, ``24A-3_B`` and
  ``24A-3B*`` (camera B), ``24A-3PU`` (a pick-up): scene 24, set-up 24A, take 3. Letters before the
  number name a scene that was put in (``A24``, before 24) or, if they are R, V or X, reshoots,
  visual effects and extra shots of the same scene; ``203_24A-3`` is of episode 203;
* European slates: ``45-2-3``, ``45/2-3``, ``sc045_sh020_tk03``: scene 45, set-up 45/2, take 3;
* anything with its take: ``ZZ100_501.take_1``: set-up ZZ100_501, take 1.

Camera A is the main one: slates that name it and slates that name no camera are one set-up.
Other names, such as a camera's own ``A012C003_210512_R1AB``, tell no take; each is a set-up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_EXTENSION = re.compile(r"\.(?:[a-z][a-z0-9]{1,4}|r3d|3gp)$", re.IGNORECASE)
_STILLS = re.compile(r"\.(?:bmp|cin|dpx|exr|jpe?g|png|tga|tiff?)$", re.IGNORECASE)
_FRAME_NUMBER = re.compile(r"\.\d{4,8}$|[._][#%][#\d]*$|[._]?\[\d+-\d+\]$")
_STILLS_NUMBER = re.compile(r"_\d{4,8}$")
_TAKE = r"(?:tk|take|t)?[ ._-]*0*(?P<take>\d{1,2})(?:\.\d)?[ ._-]*(?:pu|ser|mos|pt\d)?(?:\.\d)?"
_ANGLE = r"(?:[ ._-]*\*{0,2} *(?:cam(?:era)?[ ._-]*)?(?P<angle>[A-H])(?:[ ._-]*cam(?:era)?)?)?"
_REMARKS = r"(?:x\d{1,2})?(?:[*+ _-].*)?"
_NO_DATE = r"(?!(?:19|20)\d\d[-_. ]\d\d[-_. ]\d\d)"
_EPISODE = r"(?:(?P<episode>\d{3})_(?=[A-Z]*\d+[A-Z]*-)|(?!\d{3}_[A-Z]*\d+[A-Z]*-))"
_EPISODE_FIRST = re.compile(r"\W*\d{3}_[A-Z]*\d+[A-Z]*-", re.IGNORECASE)
_AMERICAN = re.compile(
    rf"\W*{_NO_DATE}{_EPISODE}(?:scene|sc|s)?[ ._-]*(?P<unit>[RVX]*)(?P<before>[A-Z]{{0,2}})"
    rf"0*(?P<scene>\d{{1,4}})(?P<letters>[A-Z]{{0,3}})[ ._/-]+{_TAKE}{_ANGLE}{_REMARKS}",
    re.IGNORECASE,
)
_EUROPEAN = re.compile(
    rf"\W*{_NO_DATE}(?:scene|sc|s)?[ ._-]*0*(?P<scene>\d{{1,4}}[A-Z]?)[ ._/-]+(?:shot|sh)?[ ._-]*"
    rf"0*(?P<letters>\d{{1,4}}[A-Z]?)[ ._/-]+{_TAKE}{_ANGLE}{_REMARKS}",
    re.IGNORECASE,
)
_WITH_TAKE = re.compile(
    r"(?P<scene>.*?[^ ._-])(?P<letters>)[ ._-]+(?:take|tk)[ ._-]*0*(?P<take>\d{1,3})\b.*",
    re.IGNORECASE,
)

_ONLY_TAKE = re.compile(r"(?:take|tk)[ ._-]*0*(?P<take>\d{1,3})", re.IGNORECASE)
_COPY = re.compile(r"(?:\.(?:copy|sub|new|sync)\.\d+\w*| *\([^()]*\)| FF)+$", re.IGNORECASE)

_SETUP = re.compile(
    r"(?:(?P<episode>\d{3})_)?(?P<unit>[RVX]*)(?P<before>[A-Z]{0,2})(?P<scene>\d{1,4})"
    r"(?P<letters>[A-Z]{0,3})(?:/(?P<second>\d{1,4})(?P<third>[A-Z]?))?(?: (?P<angle>[A-H]))?"
)
_NUMBER = re.compile(r"\d")

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


@dataclass(frozen=True)
class Place:
    """Where a set-up stands among those of its film, as far as its name tells.

    Attributes
    ----------
    scene : str
        The scene; empty where the name is no slate's.
    slate : str
        The set-up without its camera.
    order : tuple
        Set-ups in this order are in the order of scenes and of set-ups in each; a scene that was
        put in, such as ``A24``, comes before 24. Empty where the name holds no number.
    """

    scene: str
    slate: str
    order: tuple[Any, ...]


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
        it, with the letters of the set-up; where it is the bare number of the scene in the name,
        the name tells the set-up. Without a name, the reel stands for the set-up.

    Returns
    -------
    Slate
    """
    cleaned = [clean_name(name) for name in names]
    parsed = [_parse(name) for name in cleaned]
    found = next((one for one in parsed if one.setup), Slate(""))
    take = take or next((m["take"] for m in map(_ONLY_TAKE.fullmatch, cleaned) if m), "")
    said = scene.strip().upper()
    if said and said != found.scene:
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


def place_of(setup: str) -> Place:
    """Where a set-up stands among those of its film.

    Parameters
    ----------
    setup : str
        As `read_slate` gives it.

    Returns
    -------
    Place
    """
    found = _SETUP.fullmatch(setup)
    angle = found["angle"] or "" if found else ""
    name = setup.removesuffix(f" {angle}") if angle else setup
    if found is None:
        numbers = tuple((int(part), "") if part.isdigit() else (-1, part) for part in _parts(setup))
        return Place("", setup, (1, numbers) if _NUMBER.search(setup) else ())
    episode, before = found["episode"] or "", found["before"] or ""
    scene = (episode, int(found["scene"]), not before, before)
    letters, second = found["letters"] or "", found["second"]
    within = (len(letters), letters, int(second) if second else 0, found["third"] or "")
    said = "_".join(filter(None, (episode, before + found["scene"])))
    return Place(said, name, (0, scene, within, (found["unit"] or "", angle)))


def _parts(name: str) -> list[str]:
    return re.findall(r"\d+|\D+", name)


def clean_name(clip: str) -> str:
    """Name of a clip without folders, ending, frame number and what programs add to copies."""
    name = re.split(r"[\\/]", clip.strip())[-1] if re.search(r"[\\/].*\.\w+$", clip) else clip
    name = _COPY.sub("", name.strip())
    # Cameras number their films as others number the frames of a sequence: MVI_0034.MOV.
    still = _STILLS.search(name)
    name = _FRAME_NUMBER.sub("", _EXTENSION.sub("", name))
    return _COPY.sub("", _STILLS_NUMBER.sub("", name) if still else name).strip()


def _parse(name: str) -> Slate:
    """What the name tells; without a set-up where it tells no take."""
    if not _EPISODE_FIRST.match(name) and (match := _EUROPEAN.fullmatch(name)):
        scene = match["scene"].upper()
        setup = f"{scene}/{match['letters'].upper()}"
        return Slate(setup, scene, match["take"], (match["angle"] or "").upper())
    if match := _AMERICAN.fullmatch(name):
        episode = f"{match['episode']}_" if match["episode"] else ""
        scene = match["before"].upper() + match["scene"]
        setup = episode + match["unit"].upper() + scene + match["letters"].upper()
        return Slate(setup, episode + scene, match["take"], (match["angle"] or "").upper())
    if match := _WITH_TAKE.fullmatch(name):
        return Slate(match["scene"].upper(), "", match["take"])
    return Slate("")


def _with_angle(setup: str, angle: str) -> str:
    """The set-up of a camera; camera A goes without saying."""
    return f"{setup} {angle.upper()}" if setup and angle.upper() not in ("", "A") else setup
