"""Pictures on their way from a decoder to the encoder: planes, fit and colour.

A rendered film is YUV 4:2:0 of limited range in one colour matrix, that of the first source.
Pictures that are so already are handed on untouched.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from segue.envs.film.planes import BLACK, Plane, Planes

FORMAT = "yuv420p"
FILL_TOLERANCE = 0.01
"""A picture that would leave bars thinner than this share of the frame fills the frame instead.

Pixel shapes such as 399:400 come from rounding, not from a wish for bars of one pixel.
"""

_HD_LINES = 720
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""FFmpeg's colour space of a stream to swscale's matrix (libavutil/pixfmt.h, swscale.h)."""

_FULL_CHR_H_INT, _ACCURATE_RND = 0x2000, 0x40000
"""Flags of libswscale/swscale.h that not every PyAV has a name for."""
# Without these flags swscale's fast path darkens the picture by one code value.
_EXACT = int(Interpolation.BILINEAR) | _ACCURATE_RND | _FULL_CHR_H_INT


def colour_matrix(colorspace: int, height: int) -> int:
    """Swscale's colour matrix of a source.

    Parameters
    ----------
    colorspace : int
        FFmpeg's ``AVColorSpace`` of the stream.
    height : int
        Lines of the picture: an untagged source is taken for BT.709 from 720 on and for BT.601
        below, as players do.

    Returns
    -------
    int
        A value of `av.video.reformatter.Colorspace`.
    """
    untagged = Colorspace.ITU709 if height >= _HD_LINES else Colorspace.ITU601
    return _MATRICES.get(colorspace, int(untagged))


def planes(frame: VideoFrame) -> Planes:
    """View a yuv420p frame as arrays, without copying."""
    y, u, v = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        for plane in frame.planes
    )
    width, half = frame.width, (frame.width + 1) // 2
    return y[:, :width], u[:, :half], v[:, :half]


def frame_from_planes(picture: Planes) -> VideoFrame:
    """Copy planes into a new yuv420p frame."""
    height, width = picture[0].shape
    frame = VideoFrame(width, height, FORMAT)
    for target, plane in zip(planes(frame), picture, strict=True):
        target[...] = plane
    return frame


class Fitter:
    """Brings decoded frames to the film's size, range, matrix and pixel format.

    Parameters
    ----------
    width, height : int
        Size of the film in pixels, even.
    matrix : int
        Colour matrix of the film, see `colour_matrix`.
    """

    def __init__(self, width: int, height: int, matrix: int) -> None:
        self._size = (width, height)
        self._matrix = matrix
        self._scale = VideoReformatter()
        self._to_rgb = VideoReformatter()
        self._from_rgb = VideoReformatter()

    def fit(self, frame: VideoFrame, aspect: Fraction) -> VideoFrame:
        """Return the picture upright, in the film's form, with black bars where shapes differ.

        Parameters
        ----------
        frame : VideoFrame
            As decoded.
        aspect : Fraction
            Width of one pixel divided by its height, before any turn.
        """
        quarters = round(frame.rotation / 90) % 4
        matrix = colour_matrix(frame.colorspace, frame.height)
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        shown = (frame.width * aspect, Fraction(frame.height))
        inner = self._inner_size(shown[::-1] if quarters % 2 else shown)
        upright = inner[::-1] if quarters % 2 else inner
        right_form = frame.format.name == FORMAT and matrix == self._matrix and not full
        if not right_form or (frame.width, frame.height) != upright:
            frame = self._scale.reformat(
                frame,
                *upright,
                format=FORMAT,
                src_colorspace=matrix,
                dst_colorspace=self._matrix,
                src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
                dst_color_range=ColorRange.MPEG,
                interpolation=int(Interpolation.BICUBIC) | _ACCURATE_RND,
            )
        if quarters or inner != self._size:
            frame = self._place(frame, quarters)
        return frame

    def rgb(self, frame: VideoFrame) -> npt.NDArray[np.uint8]:
        """Picture of a fitted frame as (height, width, 3) uint8 RGB, full range."""
        rgb = self._to_rgb.reformat(
            frame,
            format="rgb24",
            src_colorspace=self._matrix,
            dst_colorspace=self._matrix,
            src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=_EXACT,
        )
        return np.asarray(rgb.to_ndarray(), np.uint8)

    def from_rgb(self, picture: npt.NDArray[np.uint8]) -> VideoFrame:
        """Fitted frame of a (height, width, 3) uint8 RGB picture of full range."""
        return self._from_rgb.reformat(
            VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24"),
            format=FORMAT,
            src_colorspace=self._matrix,
            dst_colorspace=self._matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=int(Interpolation.BILINEAR),
        )

    def _inner_size(self, shown: tuple[Fraction, Fraction]) -> tuple[int, int]:
        """Size of the picture inside the frame, even."""
        width, height = self._size
        scale = min(width / shown[0], height / shown[1])
        inner = (float(shown[0] * scale), float(shown[1] * scale))
        if inner[0] >= width * (1 - FILL_TOLERANCE) and inner[1] >= height * (1 - FILL_TOLERANCE):
            return self._size
        return max(2 * round(inner[0] / 2), 2), max(2 * round(inner[1] / 2), 2)

    def _place(self, frame: VideoFrame, quarters: int) -> VideoFrame:
        """Turn a picture and centre it on black."""
        canvas = VideoFrame(*self._size, FORMAT)
        width, height = (frame.height, frame.width) if quarters % 2 else (frame.width, frame.height)
        # In chroma samples first, so that luma and chroma are shifted alike.
        left, top = (self._size[0] - width) // 4, (self._size[1] - height) // 4
        for target, plane, black, step in zip(
            planes(canvas), planes(frame), BLACK, (2, 1, 1), strict=True
        ):
            turned: Plane = np.rot90(plane, quarters)
            target[...] = black
            rows, columns = turned.shape
            y, x = top * step, left * step
            target[y : y + rows, x : x + columns] = turned
        return canvas
