"""The transitions between two pieces, in the order of the environments' action index.

What they draw stands in `segue.envs.film.transition_blends`. Some draw nothing, and are an
editor's way to cut: on a match of movement, or with the sound before or after the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from segue.envs.base.errors import SegueError
from segue.envs.film import transition_blends as blends
from segue.envs.film.planes import Planes

SOUND_LEAD_SECONDS = 0.5
"""How far the sound goes ahead of the picture in a J-cut, and lags behind it in an L-cut."""


@dataclass(frozen=True)
class TransitionSpec:
    """One transition.

    Attributes
    ----------
    name : str
        What `segue.envs.film.edit.Cut.transition` says.
    needs_handles : bool
        True if it shows the leaving piece after its end and the entering one before its start.
        Otherwise those pieces are held on their last and first frame there.
    blend : callable or None
        ``blend(leaving, entering, progress)`` with `progress` in (0, 1) returns new `Planes`; the
        arguments must not be changed. None for a plain cut, which has no length.
    description : str
        One line for people.
    sound_lead_seconds : float
        By how much the entering piece's own sound comes before its picture (J-cut) or, negative,
        after it (L-cut). Whoever makes the `Cut` puts it into ``Cut.sound_lead``, see
        `sound_lead`.
    """

    name: str
    needs_handles: bool
    blend: Callable[[Planes, Planes, float], Planes] | None
    description: str
    sound_lead_seconds: float = 0.0


TRANSITIONS: dict[str, TransitionSpec] = {}
"""Every transition by name; the order is the environments' action index."""


def register_transition(spec: TransitionSpec) -> None:
    """Add a transition behind the last one.

    Rendering happens in other processes, which import the module that defines ``spec.blend``:
    register the transition where that module is imported, not in a script's main part.

    Raises
    ------
    SegueError
        If the name is taken.
    """
    if spec.name in TRANSITIONS:
        raise SegueError(f"A transition named {spec.name!r} exists already; choose another name.")
    TRANSITIONS[spec.name] = spec


def sound_lead(transition: str, rate: Fraction, before: int, after: int) -> int:
    """Frames for ``Cut.sound_lead`` at a cut by `transition`.

    Parameters
    ----------
    transition : str
        A name in `TRANSITIONS`.
    rate : Fraction
        Frames per second of the timeline.
    before, after : int
        Frames of the pieces on both sides; the sound moves by half of the shorter one at most.
    """
    frames = round(abs(TRANSITIONS[transition].sound_lead_seconds) * rate)
    frames = min(frames, before // 2, after // 2)
    return frames if TRANSITIONS[transition].sound_lead_seconds >= 0 else -frames


_LEAD = SOUND_LEAD_SECONDS

# The order is the action index: append, and never move.
for _spec in (
    TransitionSpec("cut", False, None, "none: one frame to the next"),
    TransitionSpec("dissolve", True, blends.dissolve, "one picture melts into the other"),
    TransitionSpec(
        "fade_through_black", False, blends.fade_through_black, "out to black and in again"
    ),
    TransitionSpec("wipe", True, blends.wipe, "left to right behind a soft edge"),
    TransitionSpec("dip_to_white", False, blends.dip_to_white, "out to white and in again"),
    TransitionSpec("wipe_up", True, blends.wipe_up, "bottom to top behind a soft edge"),
    TransitionSpec("clock_wipe", True, blends.clock_wipe, "as the hand of a clock goes round"),
    TransitionSpec("iris", True, blends.iris, "a circle opens from the centre"),
    TransitionSpec("slide", True, blends.slide, "the new picture slides over the old one"),
    TransitionSpec("push", True, blends.push, "the new picture pushes the old one out"),
    TransitionSpec("zoom", True, blends.zoom, "into the old picture and out of the new one"),
    TransitionSpec("whip", True, blends.whip, "a push as blurred as a whipped camera"),
    TransitionSpec("match_cut", False, None, "a cut from one movement into its like"),
    TransitionSpec("j_cut", False, None, "a cut that is heard before it is seen", _LEAD),
    TransitionSpec("l_cut", False, None, "a cut that is seen before it is heard", -_LEAD),
):
    register_transition(_spec)
