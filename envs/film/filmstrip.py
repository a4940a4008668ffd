"""Pictures of films: a timeline drawn as a strip of thumbnails, and a contact strip of a film."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from segue.envs.base.errors import SegueError
from segue.envs.film.gate import frame_rate, open_media, require_video
from segue.envs.film.pictures import Fitter, colour_matrix
from segue.envs.film.reader import FrameReader

Picture = npt.NDArray[np.uint8]
"""RGB picture, (height, width, 3) uint8."""

BACKGROUND = (24, 26, 30)
INK = (232, 232, 228)
MUTED = (138, 142, 150)
TRANSITION = (255, 176, 59)
"""Marks of dissolves, wipes and fades."""

_LABEL_HEIGHT = 14
_TICK_HEIGHT = 10
_FONT_SIZE = 10


def strip(
    pictures: Sequence[Picture],
    widths: Sequence[float],
    labels: Sequence[str],
    *,
    transitions: Sequence[float] = (),
    beats: Sequence[float] = (),
    total: float | None = None,
    size: tuple[int, int] = (960, 96),
) -> Picture:
    """Draw a timeline: a thumbnail for each piece, as wide as the piece is long.

    Parameters
    ----------
    pictures : sequence of ndarray (h, w, 3) uint8
        A picture for each piece, of any size; tiled, or cropped about its centre, to the width.
    widths : sequence of float
        Length of each piece, >= 0, in any unit (beats, frames, seconds).
    labels : sequence of str
        A text for each piece, such as its effect; empty for none, cut off where it does not fit.
    transitions : sequence of float
        Length of the transition into each piece, in the same unit, 0 for a cut; empty for none.
    beats : sequence of float
        Where ticks stand, in the same unit from the start.
    total : float or None
        Length of the whole strip, so that an unfinished film leaves room; None is the pieces' sum.
    size : tuple of int
        Width and height of the drawing in pixels.

    Returns
    -------
    ndarray (height, width, 3) uint8
        The drawing.

    Raises
    ------
    ValueError
        If the sequences differ in length.
    """
    if not len(pictures) == len(widths) == len(labels):
        raise ValueError("pictures, widths and labels must be of one length")
    if transitions and len(transitions) != len(pictures):
        raise ValueError("transitions must be empty or as many as the pictures")
    canvas = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    ends = list(accumulate(widths, initial=0.0))
    scale = size[0] / max(total or 0.0, ends[-1], 1e-9)
    xs = [round(end * scale) for end in ends]
    bottom = size[1] - _LABEL_HEIGHT - _TICK_HEIGHT
    for picture, label, left, right in zip(pictures, labels, xs[:-1], xs[1:], strict=True):
        if right > left:
            tile = _tiled(picture, max(right - left - 1, 1), max(bottom, 1))
            canvas.paste(Image.fromarray(tile), (left, 0))
            _write(draw, label, left + 2, bottom + 1, right - left - 4)
    for length, x in zip(transitions, xs[:-1], strict=False):
        if length > 0:
            _draw_transition(draw, x, max(length * scale / 2, 3.0), bottom - 1)
    _draw_ruler(draw, [round(beat * scale) for beat in beats], xs[1:-1], size[1])
    return np.asarray(canvas)


def contact_frames(film: Path, n: int = 8, *, height: int = 120) -> Picture:
    """Draw `n` frames of a finished film side by side, spread evenly over its length.

    Parameters
    ----------
    film : Path
        A film.
    n : int
        How many frames, >= 1.
    height : int
        Height of the strip in pixels, even.

    Returns
    -------
    ndarray (height, n * w, 3) uint8
        The frames from left to right; w follows from the film's shape.

    Raises
    ------
    SegueError
        If the film cannot be read or `n` is not positive.
    """
    if n < 1:
        raise SegueError(f"A strip of {n} frames cannot be drawn; ask for at least one.")
    with open_media(film) as container:
        stream = require_video(container)
        seconds = (stream.duration or 0) * (stream.time_base or 0) or (
            container.duration or 0
        ) / 1e6
        frames = max(int(seconds * frame_rate(stream)), 1)
        matrix = colour_matrix(stream.codec_context.colorspace, stream.height)
    reader = FrameReader(film, threads=1)
    try:
        shape = reader.size
        fitter = Fitter(max(2 * round(height * shape[0] / shape[1] / 2), 2), height, matrix)
        return np.concatenate(
            [
                fitter.rgb(fitter.fit(reader.frame((2 * k + 1) * frames // (2 * n)), reader.aspect))
                for k in range(n)
            ],
            axis=1,
        )
    finally:
        reader.close()


def _tiled(picture: Picture, width: int, height: int) -> Picture:
    """Scale a picture to a height; repeat it, or crop it about its centre, to a width."""
    rows, columns = picture.shape[:2]
    natural = max(round(columns * height / rows), 1)
    image = Image.fromarray(np.ascontiguousarray(picture))
    scaled = np.asarray(image.resize((natural, height), Image.Resampling.BILINEAR))
    if natural >= width:
        left = (natural - width) // 2
        return np.ascontiguousarray(scaled[:, left : left + width])
    return np.ascontiguousarray(np.tile(scaled, (1, -(-width // natural), 1))[:, :width])


def _draw_transition(draw: ImageDraw.ImageDraw, x: int, half: float, bottom: int) -> None:
    """Draw a bow tie over a cut: one piece tapers off while the next one grows."""
    corners = [(x - half, 0), (x + half, bottom), (x + half, 0), (x - half, bottom)]
    draw.polygon(corners, outline=TRANSITION)


def _draw_ruler(
    draw: ImageDraw.ImageDraw, beats: Sequence[int], cuts: Sequence[int], height: int
) -> None:
    """Draw the ticks of beats and cuts at the foot of a strip."""
    for x in beats:
        draw.line([(x, height - _TICK_HEIGHT), (x, height - 3)], fill=MUTED)
    for x in cuts:
        draw.line([(x, height - _TICK_HEIGHT - 2), (x, height - 1)], fill=INK)


@lru_cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font; loading it takes longer than drawing."""
    return ImageFont.load_default(_FONT_SIZE)


def _write(draw: ImageDraw.ImageDraw, text: str, x: int, y: int, room: int) -> None:
    """Write as much of a text as there is room for."""
    font = _font()
    while text and draw.textlength(text, font=font) > room:
        text = text[:-1]
    if text:
        draw.text((x, y), text, fill=INK, font=font)
