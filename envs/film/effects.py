"""The effects that an edit may put on a piece, in the order of the environments' action index.

Every effect is a moviepy effect, and works in any moviepy script. segue's own are defined by what
they draw on YUV planes (`segue.envs.film.plane_effects`), so that the renderer need not take their
frames through RGB; one from elsewhere may be any moviepy effect. Importing this module loads
neither moviepy nor Pillow, so that an environment can do it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from segue.envs.base.errors import SegueError
from segue.envs.film import plane_effects as drawn
from segue.envs.film.planes import Planes

if TYPE_CHECKING:
    from moviepy import Effect

Draw = Callable[[Planes, float, float], Planes]
"""``draw(picture, seconds, length)``: the filtered picture at a second of a piece that is on screen
for `length` seconds, handles counted. It must keep the size and change no array that it was given.
"""

FREEZE = Fraction(1, 4096)
"""Speed of a freeze frame: no piece is long enough to show a second frame."""


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
    draw : callable or None
        The same on YUV planes, see `Draw`; the renderer then does not need `build`. None for an
        effect that is only known as a moviepy effect. `plane_effect` makes both from one function.
    """

    name: str
    speed: Fraction
    build: Callable[[float], Effect | None]
    description: str
    draw: Draw | None = None


EFFECTS: dict[str, EffectSpec] = {}
"""Every effect by name; the order is the environments' action index."""


def register_effect(spec: EffectSpec) -> None:
    """Add an effect behind the last one.

    Rendering happens in other processes, which import the module that defines ``spec.draw`` or
    ``spec.build``: register the effect where that module is imported, not in a script's main part.

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


def plane_effect(name: str, draw: Draw, description: str) -> EffectSpec:
    """Describe an effect by what it draws on YUV planes.

    Parameters
    ----------
    name : str
        Name of the effect.
    draw : callable
        See `Draw`.
    description : str
        One line for people.
    """
    return EffectSpec(name, Fraction(1), partial(_on_planes, draw), description, draw)


def _on_planes(draw: Draw, seconds: float) -> Effect:
    from segue.envs.film.effect_filters import OnPlanes

    return OnPlanes(draw)


def _time_map(name: str, speed: Fraction, description: str) -> EffectSpec:
    return EffectSpec(name, speed, partial(_multiply_speed, float(speed)), description)


def _multiply_speed(factor: float, seconds: float) -> Effect:
    from moviepy import vfx

    return vfx.MultiplySpeed(factor)


def _nothing(seconds: float) -> None:
    """Leave the picture as it is."""


# The order is the action index: append, and never move.
for _spec in (
    EffectSpec("none", Fraction(1), _nothing, "the picture as it was shot"),
    _time_map("slow_motion", Fraction(1, 2), "half speed"),
    plane_effect("colour_boost", drawn.colour_boost, "stronger colours, a little more contrast"),
    plane_effect("black_and_white", drawn.black_and_white, "luminance only"),
    plane_effect("zoom_in", drawn.zoom_in, "slow push-in on the centre"),
    plane_effect("mirror", drawn.mirror, "left and right exchanged"),
    plane_effect("fade_in", drawn.fade_in, "from black at the start"),
    plane_effect("fade_out", drawn.fade_out, "to black at the end"),
    _time_map("speed_up", Fraction(2), "double speed"),
    _time_map("freeze", FREEZE, "the first frame held"),
    plane_effect("zoom_out", drawn.zoom_out, "slow pull-out from the centre"),
    plane_effect("shake", drawn.shake, "as a camera held in the hand"),
    plane_effect("blur", drawn.blur, "out of focus"),
    plane_effect("sharpen", drawn.sharpen, "stronger edges"),
    plane_effect("vignette", drawn.vignette, "darker towards the corners"),
    plane_effect("warm", drawn.warm, "the light of evening"),
    plane_effect("cool", drawn.cool, "the light of dusk"),
    plane_effect("sepia", drawn.sepia, "the brown of an old print"),
    plane_effect("letterbox", drawn.letterbox, "bars above and below, as in scope"),
    plane_effect("flash", drawn.flash, "from white at the start, quickly"),
):
    register_effect(_spec)
