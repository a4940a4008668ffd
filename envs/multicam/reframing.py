"""The effects that a virtual camera is rendered with: ``reframe_left``, ``reframe_close``...

They are registered when this module is imported, which a render worker does by itself and
`segue.envs.multicam.timeline` where an edit needs them, not sooner: each registered effect is one
more choice of `segue/Montage-v0`.
"""

from __future__ import annotations

from segue.envs.film.effects import EFFECTS, Draw, plane_effect, register_effect
from segue.envs.film.planes import Planes, enlarge
from segue.envs.multicam.framings import FRAMINGS, Framing


def effect_of(framing: str) -> str:
    """Name of the effect that shows a framing; ``"none"`` for all of the picture."""
    return "none" if FRAMINGS[framing].share == 1.0 else f"reframe_{framing}"


def register_reframings() -> None:
    """Register the effects that are not registered yet."""
    for name, framing in FRAMINGS.items():
        if effect_of(name) not in EFFECTS:
            about = f"virtual camera: the {name} part of the picture, enlarged"
            register_effect(plane_effect(effect_of(name), _draw(framing), about))


def _draw(framing: Framing) -> Draw:
    right, down = (begin + framing.share / 2 - 0.5 for begin in (framing.left, framing.top))

    def reframe(picture: Planes, seconds: float, length: float) -> Planes:
        return enlarge(picture, 1 / framing.share, right, down)

    return reframe


register_reframings()
