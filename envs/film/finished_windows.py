"""Parts of small pictures, and descriptions of them by which they are found again.

Letterboxed, cropped, enlarged and mirrored pictures are compared without decoding again.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segue.envs.film.finished_frames import STILL, Stills

WINDOW = (18, 32)
"""Height and width of what the search compares."""

DARK = 24
"""Luma (full range) below which a row or column of every picture counts as a bar."""

BOX_SIDE = 5
"""Side in pixels of `WINDOW` of the square over which pictures are normalised."""

NOISE = 2.0
"""Luma levels: contrast that may be coding noise."""

LEAST_DETAIL = 1e-3
"""Length of a description below which it is nil."""


Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Box:
    """A part of a picture, in shares of its width and height; it may reach beyond the picture."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def aspect(self, stills: Stills) -> float:
        """Width over height of the part."""
        width = (self.right - self.left) * stills.width
        return width / ((self.bottom - self.top) * stills.height)

    def zoomed(self, scale: float) -> Box:
        """The part that fills the frame when the picture is enlarged about the middle."""
        x, y = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        across, down = (self.right - self.left) / 2 / scale, (self.bottom - self.top) / 2 / scale
        return Box(x - across, y - down, x + across, y + down)

    def narrowed(self, share: float) -> Box:
        """The middle of the part: `share` of its width, or 1 / `share` of its height if > 1."""
        across, down = min(share, 1.0), min(1.0 / share, 1.0)
        x, y = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        half = (self.right - self.left) / 2 * across, (self.bottom - self.top) / 2 * down
        return Box(x - half[0], y - half[1], x + half[0], y + half[1])

    def seen_through(self, part: Box, whole: Box) -> Box:
        """What `whole` shows where `part` of it shows this box: both drawn to the same scale."""
        across = (self.right - self.left) / (part.right - part.left)
        down = (self.bottom - self.top) / (part.bottom - part.top)
        return Box(
            self.left + (whole.left - part.left) * across,
            self.top + (whole.top - part.top) * down,
            self.right + (whole.right - part.right) * across,
            self.bottom + (whole.bottom - part.bottom) * down,
        )


def picture_area(stills: Stills) -> Box:
    """Part of the frame that is ever lit: what is left without black bars.

    A row or column belongs to a bar if it is darker than `DARK` in every frame; how far a bar
    reaches into the next one is told by how much dimmer that is than its neighbour. The whole
    frame where less than half of a side would be left, as in a film that is black throughout.
    """
    brightest = stills.luma.max(axis=0)
    top, bottom = _lit(brightest.max(axis=1))
    left, right = _lit(brightest.max(axis=0))
    if bottom - top < 0.5 or right - left < 0.5:
        return Box()
    return Box(left, top, right, bottom)


def windows(luma: npt.NDArray[np.uint8], box: Box, *, mirrored: bool = False) -> Floats:
    """Cut a part out of pictures and scale it to `WINDOW` by averaging areas.

    Parameters
    ----------
    luma : ndarray (n, *STILL) uint8
        Pictures of `Stills`.
    box : Box
        The part; what lies outside the picture is black.
    mirrored : bool
        Left and right exchanged.

    Returns
    -------
    ndarray (n, *WINDOW) float32
        Luma in [0, 255].
    """
    down = _averaging(STILL[0], box.top, box.bottom, WINDOW[0])
    across = _averaging(STILL[1], box.left, box.right, WINDOW[1])
    if mirrored:
        across = across[::-1]
    return np.asarray(down @ luma.astype(np.float32) @ across.T, np.float32)


def descriptors(
    luma: npt.NDArray[np.uint8], box: Box, *, mirrored: bool = False
) -> tuple[npt.NDArray[np.float16], Floats]:
    """Describe pictures so that inner products tell how alike they are.

    Each pixel of the window less the mean of the square of `BOX_SIDE` around it, divided by the
    square's standard deviation plus `NOISE`: local contrast normalisation (Jarrett et al. 2009),
    which keeps what a fade, a grade or a vignette leaves and confines a title to the pixels that
    it covers.

    Parameters
    ----------
    luma, box, mirrored
        As for `windows`.

    Returns
    -------
    described : ndarray (n, height * width of WINDOW) float16
        Of unit length where the box lies inside the picture; nil for a picture without detail.
        Where the box reaches beyond the picture, nil outside, and longer by as much as makes up
        for what is missing in an inner product.
    weight : ndarray (n,) float32
        Share of the picture with detail above the noise, in [0, 1].
    """
    described = np.zeros((len(luma), *WINDOW), np.float16)
    weight = np.zeros(len(luma), np.float32)
    side = (BOX_SIDE, BOX_SIDE)
    inner = (_inside(box.top, box.bottom, WINDOW[0]), _inside(box.left, box.right, WINDOW[1]))
    for start in range(0, len(luma), 4096):
        pictures = windows(luma[start : start + 4096], box, mirrored=mirrored)
        share = pictures[0][inner].size / pictures[0].size
        for number, whole in enumerate(pictures, start):
            picture = np.ascontiguousarray(whole[inner])
            mean = cv2.blur(picture, side, borderType=cv2.BORDER_REFLECT_101)
            power = cv2.blur(picture * picture, side, borderType=cv2.BORDER_REFLECT_101)
            deviation = np.sqrt(np.maximum(power - mean * mean, 0.0))
            detail = (picture - mean) / (deviation + NOISE)
            length = float(np.linalg.norm(detail)) * share**0.5
            weight[number] = np.mean(deviation / (deviation + NOISE))
            if length > LEAST_DETAIL:
                described[number][inner] = detail / length
    return described.reshape(len(luma), -1), weight


def _inside(start: float, stop: float, count: int) -> slice:
    """Which of the equal parts of a span lie wholly inside the picture."""
    edges = np.linspace(start, stop, count + 1)
    parts = np.flatnonzero((edges[:-1] > -1e-6) & (edges[1:] < 1.0 + 1e-6))
    return slice(int(parts[0]), int(parts[-1]) + 1)


def _lit(brightest: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """First and last lit row, as shares of the side."""
    lit = np.flatnonzero(brightest >= DARK).tolist()
    if len(lit) < 3:
        return 0.0, 0.0
    first, last = float(lit[0]), float(lit[-1] + 1)
    level = brightest.astype(float).tolist()
    if lit[0] > 0:
        first += 1.0 - min(level[lit[0]] / level[lit[0] + 1], 1.0)
    if lit[-1] + 1 < len(brightest):
        last -= 1.0 - min(level[lit[-1]] / level[lit[-1] - 1], 1.0)
    return first / len(brightest), last / len(brightest)


def _averaging(size: int, start: float, stop: float, count: int) -> Floats:
    """Matrix (count, size) that averages pixels, black outside, over equal parts of a span."""
    edges = np.linspace(start * size, stop * size, count + 1)
    pixels = np.arange(size)
    low = np.maximum(edges[:-1, None], pixels[None])
    high = np.minimum(edges[1:, None], pixels[None] + 1)
    overlap = np.maximum(high - low, 0.0)
    return np.asarray(overlap / np.diff(edges)[:, None], np.float32)
