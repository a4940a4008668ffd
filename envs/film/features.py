"""What one small picture looks like: pure functions on arrays.

Pictures are BGR (OpenCV's order), ``(height, width, 3)`` uint8; grey pictures ``(height, width)``
uint8. The analyser calls these on 160 x 90 pixels, whatever the film's own size and shape, so
sharpness and motion are those of that size and footage of different sizes can be compared.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from segue.envs.film.shots import COLOURS

Picture = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float32]

SHARP_VARIANCE = 4000.0
"""Variance of the Laplacian that gives a sharpness of one half: about the median of film."""

FAST = 0.5
"""Picture widths a second that give a motion of tanh(1) = .76: a brisk pan."""

GREY_CHROMA = 0.15
"""HSV saturation below which a pixel counts as grey in the colour histogram."""

_HUES, _GREYS = 8, 8


def grey(picture: Picture) -> Picture:
    """Luma of a BGR picture (ITU-R BT.601 weights)."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def brightness(luma: Picture) -> float:
    """Mean luma / 255, in [0, 1]."""
    return float(luma.mean()) / 255.0


def contrast(luma: Picture) -> float:
    """Standard deviation of luma / 127.5 (RMS contrast), in [0, 1]: 1 is half black, half white."""
    return float(luma.std()) / 127.5


def saturation(picture: Picture) -> float:
    """Sum of chroma / sum of value, in [0, 1]; 0 for black.

    HSV saturation (max - min) / max weighted by value, since the saturation of nearly black pixels
    is noise.
    """
    highest = picture.max(axis=2).sum(dtype=np.float64)
    lowest = picture.min(axis=2).sum(dtype=np.float64)
    return float((highest - lowest) / highest) if highest > 0 else 0.0


def warmth(picture: Picture) -> float:
    """(R - B) / (R + B) of the mean red and blue, in [-1, 1]; 0 where both are nil."""
    blue, _, red = picture.reshape(-1, 3).mean(axis=0, dtype=np.float64)
    return float((red - blue) / (red + blue)) if red + blue > 0 else 0.0


def sharpness(luma: Picture) -> float:
    """Variance v of the Laplacian, squashed to v / (v + `SHARP_VARIANCE`), in [0, 1).

    Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".
    """
    variance = float(cv2.Laplacian(luma, cv2.CV_32F, ksize=3).var())
    return variance / (variance + SHARP_VARIANCE)


def motion(before: Picture, luma: Picture, rate: float) -> tuple[float, float, float]:
    """Amount and mean direction of movement between two grey pictures, a frame apart.

    With (u, v) the dense optical flow (DIS, Kroeger et al. 2016) in picture widths a second and
    s = `FAST`: tanh(mean |(u, v)| / s), tanh(mean u / s), tanh(mean v / s).

    Parameters
    ----------
    before, luma : ndarray (height, width) uint8
        Two neighbouring frames.
    rate : float
        Frames per second.

    Returns
    -------
    tuple of float
        Amount in [0, 1); to the right and down in (-1, 1), each no larger than the amount. They
        tell where the picture's content goes: a pan to the right moves it to the left.
    """
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    pair = (np.ascontiguousarray(before), np.ascontiguousarray(luma))
    flow = np.asarray(estimator.calc(*pair, np.zeros((*luma.shape, 2), np.float32)))
    scale = rate / luma.shape[1] / FAST
    amount = float(np.hypot(flow[..., 0], flow[..., 1]).mean())
    right, down = flow.reshape(-1, 2).mean(axis=0, dtype=np.float64)
    moved = np.tanh(np.array([amount, right, down]) * scale)
    return float(moved[0]), float(moved[1]), float(moved[2])


def salient_centroid(luma: Picture) -> tuple[float, float]:
    """Centre of the salient detail: x to the right and y down, in [-1, 1]; (0, 0) without detail.

    Gradient |dx| + |dy| (Sobel), smoothed over a tenth of the width, less its mean, negative parts
    dropped, squared: what stands out from a busy picture rules, not the busy picture.
    """
    # Whole numbers as far as possible: the last bits of OpenCV's floating point depend on where an
    # array lies in memory, and the same film must give the same table.
    right = np.abs(np.asarray(cv2.Sobel(luma, cv2.CV_16S, 1, 0), dtype=np.int32))
    down = np.abs(np.asarray(cv2.Sobel(luma, cv2.CV_16S, 0, 1), dtype=np.int32))
    side = max(luma.shape[1] // 10, 1)
    gradient = (right + down).astype(np.uint16) * np.uint16(16)
    detail = np.asarray(cv2.blur(gradient, (side, side)), dtype=np.float64)
    weight = np.square(np.maximum(detail - detail.mean(), 0.0))
    total = float(weight.sum())
    if total < 1.0:
        return 0.0, 0.0
    height, width = luma.shape
    x = float((weight.sum(axis=0) * _centres(width)).sum()) / total
    y = float((weight.sum(axis=1) * _centres(height)).sum()) / total
    return x, y


def colour_shares(picture: Picture) -> Vector:
    """Share of the pixels in each of `COLOURS` classes, summing to 1.

    Classes 0-15: eight hues (0 is red, by 45 degrees) x dark or light (value below or above one
    half) of pixels with an HSV saturation of at least `GREY_CHROMA`; 16-23: eight levels of grey
    for the rest. Averaged over frames and put through `unit_colours` they give the histogram of a
    shot.
    """
    hsv = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2HSV_FULL), dtype=np.uint8)
    hue, chroma, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    # Half a class is added so that red, which lies around 0, is one class and not two halves.
    coloured = ((hue.astype(np.int32) + 16) // 32 % _HUES) * 2 + (value >= 128)
    neutral = 2 * _HUES + value.astype(np.int32) // (256 // _GREYS)
    is_grey = (chroma < 255 * GREY_CHROMA) | (value < 26)
    classes = np.where(is_grey, neutral, coloured)
    counts = np.bincount(classes.ravel(), minlength=COLOURS)
    return (counts / classes.size).astype(np.float32)


def unit_colours(shares: Vector) -> Vector:
    """Square root of shares that sum to 1 along the last axis: non-negative and of unit length.

    The inner product of two such histograms is their Bhattacharyya coefficient.
    """
    rooted = np.sqrt(np.maximum(shares, 0.0))
    unit = rooted / np.linalg.norm(rooted, axis=-1, keepdims=True)
    return np.asarray(unit, dtype=np.float32)


def still_features(picture: Picture, luma: Picture) -> Vector:
    """Vector of the features of one picture in the order of `shots.FEATURES`, motion left at 0.

    Returns
    -------
    ndarray (10,) float32
    """
    x, y = salient_centroid(luma)
    looks = (brightness(luma), contrast(luma), saturation(picture), warmth(picture))
    return np.array((*looks, sharpness(luma), 0.0, 0.0, 0.0, x, y), np.float32)


def _centres(size: int) -> npt.NDArray[np.float64]:
    """Coordinates of pixel centres, -1 and 1 being the picture's edges."""
    return (2 * np.arange(size) + 1) / size - 1.0
