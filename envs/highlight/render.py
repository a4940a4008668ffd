"""A summary as a picture: the curve of importance, what is kept of it, and the budget."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from segue.envs.highlight.types import Video

Picture = npt.NDArray[np.uint8]

SIZE = (960, 240)
"""Width and height in pixels."""
BACKGROUND, INK, MUTED = (24, 26, 30), (232, 232, 228), (92, 98, 108)
KEPT, SKIPPED, AHEAD = (255, 176, 59), (78, 88, 104), (46, 51, 60)
"""Colours of the shots: kept, skipped, and not yet come to."""

_MARGIN, _BAR = 24, 14


def summary_picture(
    video: Video, kept: npt.NDArray[np.bool_], used: int, budget: int, unit: float
) -> Picture:
    """Draw a summary as far as it goes.

    Parameters
    ----------
    video : Video
        What is summarised.
    kept : ndarray (m,) bool
        Of the first m shots, those kept.
    used, budget : int
        Units of the budget used, and all of them.
    unit : float
        Seconds in a unit.

    Returns
    -------
    ndarray (SIZE[1], SIZE[0], 3) uint8
        A bar for each shot, as wide as it is long and as high as it is important, in the colour
        of what was decided; under them the budget.
    """
    width, height = SIZE
    canvas = Image.new("RGB", SIZE, BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    ends = np.concatenate(([0.0], np.cumsum(video.seconds)))
    xs = _MARGIN + (width - 2 * _MARGIN) * ends / ends[-1]
    base = height - 3 * _MARGIN
    tops = base - (base - 2 * _MARGIN) * video.importance / video.importance.max()
    for shot, (left, right, top) in enumerate(
        zip(xs[:-1].tolist(), xs[1:].tolist(), tops.tolist(), strict=True)
    ):
        colour = AHEAD if shot >= len(kept) else (KEPT if kept[shot] else SKIPPED)
        draw.rectangle((left, top, max(right - 1, left), base), fill=colour)
    if len(kept) < len(video):
        draw.line((xs[len(kept)], _MARGIN, xs[len(kept)], base + 6), fill=INK)
    _budget(draw, base + _MARGIN, used / budget)
    said = (
        f"{video.name}   {int(kept.sum())} of {len(kept)} shots kept   "
        f"{video.values[: len(kept)][kept].sum():.1%} of the importance"
    )
    draw.text((_MARGIN, 4), said, fill=INK, font=_font())
    room = f"{used * unit:.1f} of {budget * unit:.1f} s"
    draw.text((_MARGIN, base + _MARGIN + _BAR + 3), room, fill=INK, font=_font())
    return np.asarray(canvas)


def _budget(draw: ImageDraw.ImageDraw, top: float, share: float) -> None:
    """Draw how much of the budget is used."""
    left, right = _MARGIN, SIZE[0] - _MARGIN
    draw.rectangle((left, top, right, top + _BAR), outline=MUTED)
    if share > 0.0:
        draw.rectangle((left, top, left + (right - left) * share, top + _BAR), fill=KEPT)


@lru_cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font; loading it takes longer than drawing."""
    return ImageFont.load_default(12)
