"""What segue's own transitions draw, on the planes of YUV 4:2:0 pictures of limited range.

Each function takes the leaving picture, the entering one of the same size and the progress in
[0, 1], and returns a new picture; at 0 it is the leaving one and at 1 the entering one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import pi, sin

import numpy as np
import numpy.typing as npt

from segue.envs.film.planes import BLACK, WHITE, Plane, Planes, enlarge, mix, towards

SOFT_EDGE = 0.06
"""Width of the soft edge of wipes, as a part of the way that the edge goes."""

ZOOM = 1.8
"""Greatest enlargement of `zoom`."""

WHIP_BLUR = 0.07
"""Greatest radius of the blur of `whip`, in picture widths."""

_Ranks = npt.NDArray[np.float32]
"""When each pixel is uncovered, from 0 to 1, (height, width)."""


def dissolve(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Mix the two pictures, `progress` of the entering one."""
    weight = round(256 * progress)
    y, u, v = (mix(old, new, weight) for old, new in zip(leaving, entering, strict=True))
    return y, u, v


def fade_through_black(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Fade the leaving picture to black until the middle, then the entering one from black."""
    return towards(leaving if progress < 0.5 else entering, BLACK, abs(2 * progress - 1))


def dip_to_white(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Fade the leaving picture to white until the middle, then the entering one from white."""
    return towards(leaving if progress < 0.5 else entering, WHITE, abs(2 * progress - 1))


def wipe(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Uncover the entering picture from left to right behind a soft edge."""
    return _uncover(leaving, entering, progress, _from_left)


def wipe_up(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Uncover the entering picture from the bottom to the top behind a soft edge."""
    return _uncover(leaving, entering, progress, _from_bottom)


def clock_wipe(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Uncover the entering picture clockwise from twelve o'clock."""
    return _uncover(leaving, entering, progress, _clockwise)


def iris(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Uncover the entering picture in a circle that grows from the centre."""
    return _uncover(leaving, entering, progress, _from_centre)


def slide(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Slide the entering picture in from the right, over the leaving one."""
    y, u, v = (plane.copy() for plane in leaving)
    for out, new, shown in zip((y, u, v), entering, _columns(leaving, progress), strict=True):
        out[:, out.shape[1] - shown :] = new[:, :shown]
    return y, u, v


def push(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Move both pictures to the left, the entering one behind the leaving one."""
    y, u, v = (
        np.concatenate([old[:, shown:], new[:, :shown]], axis=1)
        for old, new, shown in zip(leaving, entering, _columns(leaving, progress), strict=True)
    )
    return y, u, v


def whip(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Push the leaving picture out, blurred along the movement, as a camera whipped round."""
    from PIL import Image, ImageFilter

    strength = WHIP_BLUR * sin(pi * progress)

    def blurred(plane: Plane) -> Plane:
        along = ImageFilter.BoxBlur((strength * plane.shape[1], 0))
        return np.asarray(Image.fromarray(plane).filter(along))

    y, u, v = (blurred(plane) for plane in push(leaving, entering, progress))
    return y, u, v


def zoom(leaving: Planes, entering: Planes, progress: float) -> Planes:
    """Rush into the leaving picture and out of the entering one, with a short dissolve between."""
    share = _eased((progress - 0.35) / 0.3)
    if share <= 0:
        return enlarge(leaving, 1 + (ZOOM - 1) * progress**2)
    late = enlarge(entering, 1 + (ZOOM - 1) * (1 - progress) ** 2)
    if share >= 1:
        return late
    return dissolve(enlarge(leaving, 1 + (ZOOM - 1) * progress**2), late, share)


def _eased(share: float) -> float:
    """Start and stop gently: a cubic from 0 to 1 with flat ends."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def _columns(picture: Planes, progress: float) -> tuple[int, int, int]:
    """Columns of each plane that have moved in; even in luma, so that the planes agree."""
    chroma = round(_eased(progress) * picture[1].shape[1])
    return min(2 * chroma, picture[0].shape[1]), chroma, chroma


def _uncover(
    leaving: Planes,
    entering: Planes,
    progress: float,
    ranks: Callable[[int, int], _Ranks],
) -> Planes:
    """Show the entering picture where its rank lies behind the edge, mixed inside the edge."""
    middle = progress * (1 + SOFT_EDGE) - SOFT_EDGE / 2
    drawn = []
    for old, new in zip(leaving, entering, strict=True):
        covered = np.clip((middle - ranks(*old.shape)) * (256 / SOFT_EDGE) + 128, 0, 256)
        drawn.append(mix(old, new, np.rint(covered).astype(np.uint16)))
    return drawn[0], drawn[1], drawn[2]


def _grid(height: int, width: int) -> tuple[_Ranks, _Ranks]:
    """Places of rows (height, 1) and columns (1, width), from 0 to 1."""
    rows, columns = (
        ((np.arange(count) + 0.5) / count).astype(np.float32) for count in (height, width)
    )
    return rows[:, None], columns[None]


def _from_left(height: int, width: int) -> _Ranks:
    return _grid(height, width)[1]


def _from_bottom(height: int, width: int) -> _Ranks:
    return 1 - _grid(height, width)[0]


@lru_cache(maxsize=2)
def _clockwise(height: int, width: int) -> _Ranks:
    rows, columns = _grid(height, width)
    angle = np.arctan2((columns - 0.5) * width, (0.5 - rows) * height)
    return np.asarray(angle / (2 * np.pi) % 1, np.float32)


@lru_cache(maxsize=2)
def _from_centre(height: int, width: int) -> _Ranks:
    rows, columns = _grid(height, width)
    far = np.hypot((columns - 0.5) * width, (rows - 0.5) * height)
    return np.asarray(far / (np.hypot(height, width) / 2), np.float32)
