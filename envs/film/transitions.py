"""The transitions between two pieces, in the order of the environments' action index.

They work on the planes of YUV 4:2:0 pictures of limited range, so that a frame that no effect
touches never passes through RGB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError

Plane = npt.NDArray[np.uint8]
"""One plane of a picture, (height, width) uint8."""

Planes = tuple[Plane, Plane, Plane]
"""Y (h, w), U and V (h / 2, w / 2), limited range: black is 16, 128, 128."""

BLACK = (16, 128, 128)
"""Black in `Planes`."""

WIPE_EDGE = 0.06
"""Width of the wipe's soft edge in picture widths."""


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
    """

    name: str
    needs_handles: bool
    blend: Callable[[Planes, Planes, float], Planes] | None
    description: str


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


def dissolve(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Mix the two pictures, `progress` of the entering one.

    Parameters
    ----------
    leaving, entering : Planes
        Pictures of one size.
    progress : float
        In [0, 1].

    Returns
    -------
    Planes
        A new picture.
    """
    weight = round(256 * progress)
    a, b, c = (_mix(old, new, weight) for old, new in zip(leaving, entering, strict=True))
    return a, b, c


def fade_through_black(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Fade the leaving picture to black until the middle, then the entering one from black.

    Parameters
    ----------
    leaving, entering : Planes
        Pictures of one size.
    progress : float
        In [0, 1].

    Returns
    -------
    Planes
        A new picture.
    """
    picture = leaving if progress < 0.5 else entering
    level = round(256 * abs(2 * progress - 1))
    a, b, c = (
        _mix(np.uint8(black), plane, level) for black, plane in zip(BLACK, picture, strict=True)
    )
    return a, b, c


def wipe(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Uncover the entering picture from left to right behind a soft edge.

    Parameters
    ----------
    leaving, entering : Planes
        Pictures of one size.
    progress : float
        In [0, 1]; the edge starts wholly outside on the left and ends outside on the right.

    Returns
    -------
    Planes
        A new picture.
    """
    a, b, c = (_wipe(old, new, progress) for old, new in zip(leaving, entering, strict=True))
    return a, b, c


def _mix(
    old: Plane | np.uint8, new: Plane, weight: int | npt.NDArray[np.uint16]
) -> npt.NDArray[np.uint8]:
    """Return ``old + weight / 256 * (new - old)``, rounded."""
    weight = np.asarray(weight, np.uint16)
    mixed: npt.NDArray[np.uint16] = np.asarray(old, np.uint16) * (np.uint16(256) - weight)
    # 255 * 256 + 128 still fits 16 bits, and the sum of the weights is 256.
    mixed = mixed + new * weight
    mixed += np.uint16(128)
    mixed >>= 8
    return mixed.astype(np.uint8)


def _wipe(old: Plane, new: Plane, progress: float) -> Plane:
    """Wipe one plane; the edge is placed in picture widths, so that the planes agree."""
    width = old.shape[1]
    middle = progress * (1 + WIPE_EDGE) - WIPE_EDGE / 2
    centres = (np.arange(width) + 0.5) / width
    covered = np.clip((middle - centres) / WIPE_EDGE + 0.5, 0.0, 1.0)
    weight = np.rint(256 * covered).astype(np.uint16)
    out: Plane = np.where(weight == 256, new, old)
    edge = np.flatnonzero((weight > 0) & (weight < 256))
    if len(edge):
        strip = slice(int(edge[0]), int(edge[-1]) + 1)
        out[:, strip] = _mix(old[:, strip], new[:, strip], weight[strip])
    return out


for _spec in (
    TransitionSpec("cut", False, None, "none: one frame to the next"),
    TransitionSpec("dissolve", True, dissolve, "one picture melts into the other"),
    TransitionSpec("fade_through_black", False, fade_through_black, "out to black and in again"),
    TransitionSpec("wipe", True, wipe, "left to right behind a soft edge"),
):
    register_transition(_spec)
