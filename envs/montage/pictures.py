"""Thumbnails of a bin: those of the footage, or for made-up shots plain ones of their features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.envs.film.shots import FEATURES, THUMBNAIL
from segue.envs.montage.types import MIRRORED, REVERSED, Bank

_REACH = 0.25
"""Size of the bright detail, in half pictures."""


def thumbnails(bank: Bank, bin_: int) -> npt.NDArray[np.uint8]:
    """Pictures of a bin's shots, (n, THIRDS, h, w, 3) uint8 RGB."""
    if not len(bank.thumbnails):
        return drawn(bank.features[bin_])
    pictures = bank.thumbnails[bank.row[bin_]]
    if bank.turned is not None:
        turned = bank.turned[bin_].reshape(-1, 1, 1, 1, 1)
        pictures = np.where(turned & MIRRORED, pictures[:, :, :, ::-1], pictures)
        pictures = np.where(turned & REVERSED, pictures[:, ::-1], pictures)
    return np.asarray(pictures)


def drawn(features: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Draw pictures of `features` (..., f): (..., h, w, 3) uint8.

    A plain ground as bright, as coloured and as warm as they say, with a lighter detail at the
    salient place.
    """
    level, colour, warm, x, y = (
        features[..., FEATURES.index(name), None, None]
        for name in ("brightness", "saturation", "warmth", "centroid_x", "centroid_y")
    )
    height, width = THUMBNAIL
    down = np.linspace(-1, 1, height)[:, None] - y
    across = np.linspace(-1, 1, width) - x
    ground = 0.8 * level + 0.35 * np.exp(-(down**2 + across**2) / (2 * _REACH**2))
    tint = 0.6 * colour * np.sign(warm) * np.ones_like(ground)
    picture = np.stack([ground * (1 + tint), ground, ground * (1 - tint)], axis=-1)
    return np.asarray((255 * picture).clip(0, 255).astype(np.uint8))
