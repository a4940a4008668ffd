"""Pictures as planes of YUV 4:2:0, limited range, and the arithmetic that drawing on them takes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]
"""One plane of a picture, (height, width) uint8."""

Planes = tuple[Plane, Plane, Plane]
"""Y (h, w), U and V (h / 2, w / 2), limited range: black is 16, 128, 128."""

BLACK = (16, 128, 128)
"""Black in `Planes`."""

WHITE = (235, 128, 128)
"""White in `Planes`."""


def mix(old: Plane | np.uint8, new: Plane, weight: int | npt.NDArray[np.uint16]) -> Plane:
    """Return ``old + weight / 256 * (new - old)``, rounded.

    Parameters
    ----------
    old : Plane or uint8
        A plane, or one value for all of it.
    new : Plane
        The other one.
    weight : int or uint16 array
        From 0 (`old`) to 256 (`new`), for all pixels or for each.

    Returns
    -------
    Plane
        A new plane.
    """
    weight = np.asarray(weight, np.uint16)
    mixed: npt.NDArray[np.uint16] = np.asarray(old, np.uint16) * (np.uint16(256) - weight)
    # 255 * 256 + 128 still fits 16 bits, and the sum of the weights is 256.
    mixed = mixed + new * weight
    mixed += np.uint16(128)
    mixed >>= 8
    return mixed.astype(np.uint8)


def look_up(plane: Plane, table: bytes) -> Plane:
    """Replace each value of a plane by ``table[value]``; `table` has 256 bytes."""
    # bytes.translate is the fastest byte table within reach: three times that of NumPy's take.
    drawn = np.frombuffer(plane.tobytes().translate(table), np.uint8)
    return drawn.reshape(plane.shape)


def linear(factor: float, about: float, shift: float = 0.0) -> bytes:
    """Table for `look_up`: distances from `about` times `factor`, then moved by `shift`."""
    values = about + (np.arange(256) - about) * factor + shift
    return bytes(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def towards(picture: Planes, colour: tuple[int, int, int], level: float) -> Planes:
    """Mix a picture with one colour.

    Parameters
    ----------
    picture : Planes
        The picture.
    colour : tuple of int
        Y, U and V, such as `BLACK`.
    level : float
        Share of the picture; 1 or more returns `picture` itself.
    """
    if level >= 1:
        return picture
    y, u, v = (
        look_up(plane, linear(max(level, 0.0), value))
        for plane, value in zip(picture, colour, strict=True)
    )
    return y, u, v


def enlarge(picture: Planes, scale: float, right: float = 0.0, down: float = 0.0) -> Planes:
    """Enlarge about the centre, sampled between the pixels, so that slow movement does not jitter.

    Parameters
    ----------
    picture : Planes
        The picture.
    scale : float
        At least 1.
    right, down : float
        How far the middle of what is shown lies off the picture's centre, in picture widths and
        heights; held so far inside that no edge shows.

    Returns
    -------
    Planes
        A new picture of the same size.
    """
    from PIL import Image  # the plain path of rendering does without it

    def enlarged(plane: Plane) -> Plane:
        height, width = plane.shape
        across, along = width / scale, height / scale
        left = min(max((width - across) / 2 + right * width, 0.0), width - across)
        top = min(max((height - along) / 2 + down * height, 0.0), height - along)
        image = Image.fromarray(plane).resize(
            (width, height),
            Image.Resampling.BILINEAR,
            box=(left, top, left + across, top + along),
        )
        return np.asarray(image)

    y, u, v = (enlarged(plane) for plane in picture)
    return y, u, v
