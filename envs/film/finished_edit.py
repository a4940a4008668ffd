"""A matched finished edit as segue's own record of an edit, which rewards and writers take."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.effects import EFFECTS
from segue.envs.film.gate import probe
from segue.envs.film.human_edits import HumanEdit, Shot
from segue.envs.film.transitions import TRANSITIONS

_TRANSITIONS = {"fade_through_white": ("dip_to_white", "fade_through_black")}
"""Names that the record of people's edits has and `TRANSITIONS` has not, with what stands in."""


def edit_of(human: HumanEdit, film: Path) -> Edit:
    """Make the edit that rewards score, writers write and the renderer renders.

    Titles, black and pictures of no known source are taken from the finished film itself, so that
    the edit has its length; so are frozen and reversed shots, which `Cut` cannot say. Transitions
    are shortened to what their pieces have room for, and made even.

    Parameters
    ----------
    human : HumanEdit
        As `segue.envs.film.finished.match_finished` gives it.
    film : Path
        The finished film.

    Returns
    -------
    Edit
        One cut a shot, in order: ``cuts[k]`` is ``human.shots[k]``.

    Raises
    ------
    SegueError
        If the edit has no shots or the film cannot be read.
    """
    if not human.shots:
        raise SegueError(f"{human.title} has no shots; choose another film.")
    facts = probe(film)
    width, height = (max(side // 2 * 2, 16) for side in (human.width, human.height))
    lengths = _transition_lengths(human.shots)
    cuts: list[Cut] = []
    for number, (shot, length) in enumerate(zip(human.shots, lengths, strict=True)):
        cut = _cut(human, shot, number, film, facts.rate or human.rate)
        name = _transition(shot.transition) if length else "cut"
        leaves = number + 1 < len(lengths) and lengths[number + 1] > 0
        effect = _effect(shot, fade_in=not length, fade_out=not leaves)
        cuts.append(replace(cut, transition=name, transition_frames=length, effect=effect))
    return Edit(human.title, human.rate, width, height, tuple(cuts))


def _cut(human: HumanEdit, shot: Shot, number: int, film: Path, rate: Fraction) -> Cut:
    """Make one piece, without transition and effect."""
    if shot.kind == "picture" and shot.speed > 0 and human.sources[shot.source].path:
        source = human.sources[shot.source]
        return Cut(
            source=Path(source.path),
            source_rate=source.rate,
            source_frames=max(source.frames, shot.in_point + 1),
            in_point=shot.in_point,
            frames=shot.frames,
            speed=shot.speed,
            effect="none",
            transition="cut",
            transition_frames=0,
            shot=shot.clip or shot.setup or f"{Path(source.name).stem} {number + 1:03d}",
            reel=shot.reel,
            scene=shot.scene,
            take=shot.take,
        )
    name = f"{shot.kind} {number + 1:03d}"
    frames = max(human.frames, 1)
    return Cut(film, rate, frames, shot.start, shot.frames, Fraction(1), "none", "cut", 0, name)


def _transition_lengths(shots: tuple[Shot, ...]) -> list[int]:
    """Even length of the transition into each shot, so that no frame belongs to two."""
    lengths = [0]
    for before, shot in pairwise(shots):
        room = 2 * min(before.frames - lengths[-1] // 2, shot.frames)
        wanted = shot.transition_frames // 2 * 2
        if shot.transition == "cut" or _is_half_fade(before, shot):
            wanted = 0
        lengths.append(max(min(wanted, room), 0))
    return lengths


def _is_half_fade(before: Shot, shot: Shot) -> bool:
    """Tell whether only one of two shots fades, which is an effect and no transition in `Edit`."""
    fades = shot.transition.startswith("fade_through")
    return fades and not (before.fade_out and shot.fade_in)


def _transition(name: str) -> str:
    """A transition that the renderer has."""
    choices: tuple[str, ...] = (name, *_TRANSITIONS.get(name, ()), "dissolve")
    known = [choice for choice in choices if choice in TRANSITIONS]
    return known[0]


def _effect(shot: Shot, *, fade_in: bool, fade_out: bool) -> str:
    """Name of the effect that says most of what was done to a shot; a piece has one."""
    if shot.speed != 1:
        named = [name for name, spec in EFFECTS.items() if spec.speed == shot.speed]
        return named[0] if named else "none"
    if shot.mirrored:
        return "mirror"
    if shot.fade_in and fade_in:
        return "fade_in"
    return "fade_out" if shot.fade_out and fade_out else "none"
