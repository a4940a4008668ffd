"""What one small picture looks like: pure functions on arrays.

Pictures are BGR (OpenCV's order), ``(height, width, 3)`` uint8; grey pictures ``(height, width)``
uint8. The analyser calls these on 160 x 90 pixels, whatever the film's own size and shape, so
sharpness and motion are those of that size and footage of different sizes can be compared.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from segue.envs.film.shots import COLOURS, FEATURES

Picture = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float32]

SHARP_VARIANCE = 4000.0
"""Variance of the Laplacian that gives a sharpness of one half: about the median of film."""

FAST = 0.5
"""Picture widths a second that give a motion of tanh(1) = .76: a brisk pan."""

SHAKY = 0.1
"""Quick camera movement, in picture widths a second, that gives a shake of tanh(1) = .76."""

GREY_CHROMA = 0.15
"""HSV saturation below which a pixel counts as grey in the colour histogram."""

CRUSHED, BLOWN = 3, 252
"""Luma from which down a pixel has lost its shadows, and from which up its lights."""

SAMPLED = (*FEATURES, "exposure", "subject_size", "camera_x", "camera_y")
"""What is noted of a sampled frame; the camera's movement in picture widths a second."""

_HUES, _GREYS = 8, 8


def grey(picture: Picture) -> Picture:
    """Luma of a BGR picture (ITU-R BT.601 weights)."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def brightness(luma: Picture) -> float:
    """Mean luma / 255, in [0, 1]."""
    return _mean_and_deviation(luma)[0] / 255.0


def contrast(luma: Picture) -> float:
    """Standard deviation of luma / 127.5 (RMS contrast), in [0, 1]: 1 is half black, half white."""
    return deviation(luma) / 127.5


def deviation(luma: Picture) -> float:
    """Standard deviation of luma, 0-127.5."""
    return _mean_and_deviation(luma)[1]


def saturation(picture: Picture) -> float:
    """Sum of chroma / sum of value, in [0, 1]; 0 for black.

    HSV saturation (max - min) / max weighted by value, since the saturation of nearly black pixels
    is noise.
    """
    blue, green, red = cv2.split(picture)
    highest = float(cv2.sumElems(cv2.max(cv2.max(blue, green), red))[0])
    lowest = float(cv2.sumElems(cv2.min(cv2.min(blue, green), red))[0])
    return (highest - lowest) / highest if highest > 0 else 0.0


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


def exposure(luma: Picture) -> float:
    """Share of the pixels between `CRUSHED` and `BLOWN`, in [0, 1]: 1 where nothing is clipped."""
    counts = np.bincount(luma.ravel(), minlength=256)
    return float(counts[CRUSHED + 1 : BLOWN].sum()) / luma.size


def optical_flow(before: Picture, luma: Picture, rate: float) -> Vector:
    """Dense optical flow between two grey pictures, a frame apart (DIS, Kroeger et al. 2016).

    Parameters
    ----------
    before, luma : ndarray (height, width) uint8
        Two neighbouring frames.
    rate : float
        Frames per second.

    Returns
    -------
    ndarray (height, width, 2) float32
        Picture widths a second, to the right and down. They tell where the picture's content goes:
        a pan to the right moves it to the left.
    """
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    pair = (np.ascontiguousarray(before), np.ascontiguousarray(luma))
    flow = np.asarray(estimator.calc(*pair, np.zeros((*luma.shape, 2), np.float32)))
    return np.asarray(flow * np.float32(rate / luma.shape[1]), dtype=np.float32)


def motion(flow: Vector) -> tuple[float, float, float]:
    """Amount and mean direction of the movement that `optical_flow` found.

    With (u, v) the flow and s = `FAST`: tanh(mean |(u, v)| / s), tanh(mean u / s),
    tanh(mean v / s).

    Returns
    -------
    tuple of float
        Amount in [0, 1); to the right and down in (-1, 1), each no larger than the amount.
    """
    amount = float(cv2.magnitude(flow[..., 0], flow[..., 1]).mean(dtype=np.float64))
    right, down = flow.reshape(-1, 2).mean(axis=0, dtype=np.float64)
    moved = np.tanh(np.array([amount, right, down]) / FAST)
    return float(moved[0]), float(moved[1]), float(moved[2])


def camera_motion(flow: Vector) -> tuple[float, float]:
    """Movement of the whole picture in widths a second: median of the flow, right and down.

    The median leaves out what moves in front of the background, up to half of the picture.
    """
    right, down = np.median(flow[::3, ::3].reshape(-1, 2), axis=0)
    return float(right), float(down)


def shake(camera: npt.NDArray[np.float64]) -> float:
    """How restless the camera is: tanh of the quick part of its movement over `SHAKY`.

    The quick part is the root mean square of the second difference of its velocity, over the
    square root of 6, which is the velocity's own if the samples are independent. A pan has none.

    Parameters
    ----------
    camera : ndarray (samples, 2) float64
        `camera_motion` of neighbouring samples, about eight a second.

    Returns
    -------
    float
        In [0, 1); 0 for fewer than three samples.
    """
    if len(camera) < 3:
        return 0.0
    bend = camera[2:] - 2 * camera[1:-1] + camera[:-2]
    return float(np.tanh(np.sqrt(np.square(bend).sum(axis=1).mean() / 6) / SHAKY))


def salient_region(luma: Picture) -> tuple[float, float, float]:
    """Where the salient detail lies and how much of the picture it takes.

    Gradient |dx| + |dy| (Sobel), smoothed over a tenth of the width, less its mean, negative parts
    dropped, squared: what stands out from a busy picture rules, not the busy picture.

    Returns
    -------
    tuple of float
        Centre, x to the right and y down, in [-1, 1]; and the area, as a share of the picture in
        [0, 1], of the rectangle over which evenly spread detail would have the same standard
        deviations. (0, 0, 0) without detail.
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
        return 0.0, 0.0, 0.0
    x, wide = _spread(weight.sum(axis=0) / total)
    y, high = _spread(weight.sum(axis=1) / total)
    return x, y, min(3.0 * wide * high, 1.0)


def salient_centroid(luma: Picture) -> tuple[float, float]:
    """Centre of the salient detail, the first two of `salient_region`."""
    return salient_region(luma)[:2]


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
    """Vector of the features of one picture in the order of `SAMPLED`, movement left at 0.

    Returns
    -------
    ndarray (len(SAMPLED),) float32
    """
    x, y, size = salient_region(luma)
    looks = (brightness(luma), contrast(luma), saturation(picture), warmth(picture))
    shot = (sharpness(luma), 0.0, 0.0, 0.0, x, y)
    return np.array((*looks, *shot, exposure(luma), size, 0.0, 0.0), np.float32)


def _mean_and_deviation(luma: Picture) -> tuple[float, float]:
    # OpenCV sums whole numbers here, exactly, and takes a fifth of NumPy's time.
    mean, spread = cv2.meanStdDev(luma)
    return float(np.asarray(mean).item()), float(np.asarray(spread).item())


def _spread(share: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of a distribution over the pixels of a line."""
    at = _centres(len(share))
    mean = float((share * at).sum())
    return mean, float(np.sqrt((share * np.square(at - mean)).sum()))


def _centres(size: int) -> npt.NDArray[np.float64]:
    """Coordinates of pixel centres, -1 and 1 being the picture's edges."""
    return (2 * np.arange(size) + 1) / size - 1.0
