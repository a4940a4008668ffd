"""The virtual cameras: what is cut out of the picture of a single take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Framing:
    """A part of a picture, of the picture's own shape.

    Attributes
    ----------
    left, top : float
        Of the part, as shares of the picture's width and height.
    share : float
        Its width and height, as a share of the picture's, in (0, 1].
    size : int
        The shot size that it makes of a wide take, see `segue.envs.multicam.types.SIZES`.
    """

    left: float
    top: float
    share: float
    size: int


FRAMINGS = {
    "wide": Framing(0.0, 0.0, 1.0, 0),
    "left": Framing(0.0, 0.15, 0.6, 2),
    "right": Framing(0.4, 0.15, 0.6, 2),
    "close": Framing(0.3, 0.15, 0.4, 3),
}
"""Every virtual camera by name. Heads are above the middle of most pictures, so are these."""


def overlap(one: Framing, other: Framing) -> float:
    """Area that two framings share over the area that they cover together, in [0, 1]."""
    across = _shared(one.left, one.share, other.left, other.share)
    down = _shared(one.top, one.share, other.top, other.share)
    return across * down / (one.share**2 + other.share**2 - across * down)


def _shared(begin: float, length: float, other: float, other_length: float) -> float:
    return max(0.0, min(begin + length, other + other_length) - max(begin, other))
