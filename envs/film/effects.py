"""The effects that an edit may put on a piece, in the order of the environments' action index.

Only the names and the specifications live here, so that an environment can import them without
loading moviepy; the filters themselves are in `segue.envs.film.effect_filters`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from segue.envs.base.errors import SegueError

if TYPE_CHECKING:
    from moviepy import Effect

FADE_SECONDS = 1.0
"""Longest fade to or from black; a shorter piece fades for half of its length."""


@dataclass(frozen=True)
class EffectSpec:
    """One effect.

    Attributes
    ----------
    name : str
        What `segue.envs.film.edit.Cut.effect` says.
    speed : Fraction
        Source seconds per timeline second. Other than 1, the effect is a time map: whoever makes
        the `Cut` puts it into ``Cut.speed`` and the renderer draws no pixels for it.
    build : callable
        Takes the seconds that the piece is on screen, handles counted, and returns a moviepy
        ``Effect`` for a clip of that length, or None where nothing is to be done. The filtered
        frame must keep its size.
    description : str
        One line for people.
    """

    name: str
    speed: Fraction
    build: Callable[[float], Effect | None]
    description: str


EFFECTS: dict[str, EffectSpec] = {}
"""Every effect by name; the order is the environments' action index."""


def register_effect(spec: EffectSpec) -> None:
    """Add an effect behind the last one.

    Rendering happens in other processes, which import the module that defines ``spec.build``:
    register the effect where that module is imported, not in a script's main part.

    Raises
    ------
    SegueError
        If the name is taken or the speed is not positive.
    """
    if spec.name in EFFECTS:
        raise SegueError(f"An effect named {spec.name!r} exists already; choose another name.")
    if spec.speed <= 0:
        raise SegueError(f"Effect {spec.name!r} has speed {spec.speed}; give a positive one.")
    EFFECTS[spec.name] = spec


def _nothing(seconds: float) -> None:
    """Leave the picture as it is."""


def _slow_motion(seconds: float) -> Effect:
    from moviepy import vfx

    return vfx.MultiplySpeed(0.5)


def _colour_boost(seconds: float) -> Effect:
    from segue.envs.film.effect_filters import ColourBoost

    return ColourBoost(saturation=1.5, contrast=0.08)


def _black_and_white(seconds: float) -> Effect:
    from segue.envs.film.effect_filters import BlackAndWhite

    return BlackAndWhite()


def _zoom_in(seconds: float) -> Effect:
    from segue.envs.film.effect_filters import PushIn

    return PushIn(scale=1.15)


def _mirror(seconds: float) -> Effect:
    from moviepy import vfx

    return vfx.MirrorX()


def _fade_in(seconds: float) -> Effect:
    from segue.envs.film.effect_filters import FadeIn

    return FadeIn(min(FADE_SECONDS, seconds / 2))


def _fade_out(seconds: float) -> Effect:
    from segue.envs.film.effect_filters import FadeOut

    return FadeOut(min(FADE_SECONDS, seconds / 2))


_NORMAL = Fraction(1)

for _spec in (
    EffectSpec("none", _NORMAL, _nothing, "the picture as it was shot"),
    EffectSpec("slow_motion", Fraction(1, 2), _slow_motion, "half speed"),
    EffectSpec("colour_boost", _NORMAL, _colour_boost, "stronger colours, a little more contrast"),
    EffectSpec("black_and_white", _NORMAL, _black_and_white, "luminance only"),
    EffectSpec("zoom_in", _NORMAL, _zoom_in, "slow push-in on the centre"),
    EffectSpec("mirror", _NORMAL, _mirror, "left and right exchanged"),
    EffectSpec("fade_in", _NORMAL, _fade_in, "from black at the start"),
    EffectSpec("fade_out", _NORMAL, _fade_out, "to black at the end"),
):
    register_effect(_spec)
