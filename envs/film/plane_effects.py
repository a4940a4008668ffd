"""What segue's own effects draw, on the planes of YUV 4:2:0 pictures.

Each function takes the picture, the second at which it stands and the length of the piece in
seconds, and returns a picture of the same size; it changes no array that it was given, and returns
the picture itself where it does nothing. A 720p frame takes 0.2 to 8 ms.
"""

from __future__ import annotations

from functools import lru_cache
from math import pi, sin

import numpy as np
import numpy.typing as npt

from segue.envs.film.planes import (
    BLACK,
    WHITE,
    Plane,
    Planes,
    enlarge,
    linear,
    look_up,
    mix,
    towards,
)

FADE_SECONDS = 1.0
"""Longest fade to or from black; a shorter piece fades for half of its length."""

FLASH_SECONDS = 0.3
"""Length of the flash; a shorter piece flashes for half of its length."""

ZOOM = 1.15
"""Enlargement at the end of a push-in and at the start of a pull-out."""

LETTERBOX = 2.39
"""Width by height of what a letterbox leaves (anamorphic scope)."""

BLUR = 1 / 90
"""Radius of the blur in picture heights."""

SHAKE = (0.011, 0.014)
"""Largest movement of a shaken picture, in picture widths and heights."""

_MIDDLE_GREY = (16 + 235) / 2
_NO_COLOUR = 128
_BOOST = (linear(1.08, _MIDDLE_GREY), linear(1.5, _NO_COLOUR))
_WARM = (linear(1.0, _NO_COLOUR, -9.0), linear(1.0, _NO_COLOUR, 8.0))
_COOL = (linear(1.0, _NO_COLOUR, 9.0), linear(1.0, _NO_COLOUR, -8.0))
_SEPIA = (108, 142)


def colour_boost(picture: Planes, seconds: float, length: float) -> Planes:
    """Half as much colour again, and 8 % more contrast about middle grey."""
    y, u, v = picture
    contrast, saturation = _BOOST
    return look_up(y, contrast), look_up(u, saturation), look_up(v, saturation)


def black_and_white(picture: Planes, seconds: float, length: float) -> Planes:
    """Luma only, by the weights of the film's own colour space."""
    grey = np.full_like(picture[1], _NO_COLOUR)
    return picture[0], grey, grey


def sepia(picture: Planes, seconds: float, length: float) -> Planes:
    """Luma in the brown of an old print."""
    y, u, v = picture
    return y, np.full_like(u, _SEPIA[0]), np.full_like(v, _SEPIA[1])


def warm(picture: Planes, seconds: float, length: float) -> Planes:
    """Less blue, more red: the light of evening."""
    return picture[0], look_up(picture[1], _WARM[0]), look_up(picture[2], _WARM[1])


def cool(picture: Planes, seconds: float, length: float) -> Planes:
    """More blue, less red: the light of dusk."""
    return picture[0], look_up(picture[1], _COOL[0]), look_up(picture[2], _COOL[1])


def mirror(picture: Planes, seconds: float, length: float) -> Planes:
    """Left and right exchanged."""
    y, u, v = picture
    return y[:, ::-1], u[:, ::-1], v[:, ::-1]


def fade_in(picture: Planes, seconds: float, length: float) -> Planes:
    """From black at the start."""
    return towards(picture, BLACK, seconds / min(FADE_SECONDS, length / 2))


def fade_out(picture: Planes, seconds: float, length: float) -> Planes:
    """To black at the end."""
    return towards(picture, BLACK, (length - seconds) / min(FADE_SECONDS, length / 2))


def flash(picture: Planes, seconds: float, length: float) -> Planes:
    """From white at the start, quickly, as a photographer's flash."""
    return towards(picture, WHITE, seconds / min(FLASH_SECONDS, length / 2))


def zoom_in(picture: Planes, seconds: float, length: float) -> Planes:
    """Enlarge slowly about the centre, as a camera that moves in."""
    return enlarge(picture, 1 + (ZOOM - 1) * _share(seconds, length))


def zoom_out(picture: Planes, seconds: float, length: float) -> Planes:
    """Begin enlarged and show more and more, as a camera that moves out."""
    return enlarge(picture, ZOOM - (ZOOM - 1) * _share(seconds, length))


def shake(picture: Planes, seconds: float, length: float) -> Planes:
    """Move as a camera held in the hand; enlarged just so far that no edge shows."""
    right = (sin(2 * pi * 2.3 * seconds) + 0.6 * sin(2 * pi * 5.1 * seconds + 1.0)) / 1.6
    down = (sin(2 * pi * 1.9 * seconds + 2.0) + 0.6 * sin(2 * pi * 4.3 * seconds)) / 1.6
    room = 1 - 2 * max(SHAKE)
    return enlarge(picture, 1 / room, SHAKE[0] * right, SHAKE[1] * down)


def blur(picture: Planes, seconds: float, length: float) -> Planes:
    """Out of focus."""
    from PIL import Image, ImageFilter

    def blurred(plane: Plane) -> Plane:
        radius = max(1.0, plane.shape[0] * BLUR)
        return np.asarray(Image.fromarray(plane).filter(ImageFilter.GaussianBlur(radius)))

    y, u, v = (blurred(plane) for plane in picture)
    return y, u, v


def sharpen(picture: Planes, seconds: float, length: float) -> Planes:
    """Stronger edges, in luma only; noise of two code values is left alone."""
    from PIL import Image, ImageFilter

    sharp = ImageFilter.UnsharpMask(radius=2, percent=90, threshold=2)
    return np.asarray(Image.fromarray(picture[0]).filter(sharp)), picture[1], picture[2]


def vignette(picture: Planes, seconds: float, length: float) -> Planes:
    """Darker towards the corners."""
    y, u, v = (
        mix(np.uint8(black), plane, _vignette(*plane.shape))
        for black, plane in zip(BLACK, picture, strict=True)
    )
    return y, u, v


def letterbox(picture: Planes, seconds: float, length: float) -> Planes:
    """Black bars above and below, as wide as `LETTERBOX` asks; a wider picture has none."""
    height, width = picture[0].shape
    bar = round((height - width / LETTERBOX) / 4)  # in chroma rows, so that the planes agree
    if bar <= 0:
        return picture
    y, u, v = (plane.copy() for plane in picture)
    for plane, black, rows in zip((y, u, v), BLACK, (2 * bar, bar, bar), strict=True):
        plane[:rows] = black
        plane[-rows:] = black
    return y, u, v


def _share(seconds: float, length: float) -> float:
    """How much of the piece has passed, in [0, 1]."""
    return min(max(seconds / length, 0.0), 1.0)


@lru_cache(maxsize=4)  # two shapes of plane, and those of a second film in one process
def _vignette(height: int, width: int) -> npt.NDArray[np.uint16]:
    """How much of the picture is left at each pixel: 256 inside, 102 (40 %) in the corners."""
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) * 2 / height - 1
    x = (np.arange(width, dtype=np.float32) + 0.5) * 2 / width - 1
    far = np.clip((np.hypot(x, y) / np.sqrt(2) - 0.4) / 0.6, 0, 1)
    left = 1 - 0.6 * far * far * (3 - 2 * far)
    return np.asarray(np.rint(256 * left), np.uint16)
