"""The picture of a programme: the cameras as lanes over time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from segue.envs.film.filmstrip import BACKGROUND, INK, MUTED, TRANSITION
from segue.envs.multicam.types import LEVELS, SIZES, Bank, Scene

WIDTH, LANE, LABEL, HEAD, FOOT = 960, 36, 110, 18, 26
"""Pixels: of the picture; of a lane; of the names; of the title; of the emphasis and the clock."""

DIM, BRIGHT = (34, 42, 54), (86, 140, 196)
"""A camera that sees nothing of the action, and one that sees it best."""
ON_AIR = TRANSITION
EMPHASIS = (150, 92, 180)
_TICK_SECONDS = 5
_FONT_SIZE = 10

Picture = npt.NDArray[np.uint8]


def picture(bank: Bank, scene: int, programme: npt.NDArray[np.int8]) -> Picture:
    """Draw a scene and the programme so far.

    A lane for each camera, the brighter the better it sees the speaker or the action, with
    thumbnails where there is footage; the camera on the air is framed, cuts are upright lines. At
    the foot the emphasis of the moment, and marks where the audience needs to be oriented.

    Parameters
    ----------
    bank : Bank
        The scenes.
    scene : int
        Which of them.
    programme : ndarray (steps so far,) int8
        Cameras shown.

    Returns
    -------
    ndarray (height, 960, 3) uint8
        Of one size for every scene of the bank.
    """
    shown = bank.scenes[scene]
    height = HEAD + LANE * bank.cameras + FOOT
    canvas = Image.new("RGB", (WIDTH, height), BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    edges = [LABEL + round((WIDTH - LABEL) * k / shown.steps) for k in range(shown.steps + 1)]
    title = f"{shown.title} ({shown.note})" if shown.note else shown.title
    draw.text((4, 3), title, fill=MUTED, font=_font())
    for lane, camera in enumerate(shown.cameras):
        top = HEAD + lane * LANE
        draw.text((4, top + LANE // 3), camera.name[:18], fill=INK, font=_font())
        for step, level in enumerate(shown.levels[:, lane].tolist()):
            box = (edges[step], top + 2, edges[step + 1] - 1, top + LANE - 3)
            draw.rectangle(box, fill=_mixed(DIM, BRIGHT, level / (LEVELS - 1)))
        _thumbnails(canvas, shown, lane, top)
    _programme(draw, programme.tolist(), edges)
    _foot(draw, shown, edges, height - FOOT)
    return np.asarray(canvas)


def _thumbnails(canvas: Image.Image, scene: Scene, lane: int, top: int) -> None:
    """Put the pictures of a lane at their moments, as many as there is room for."""
    moments = len(scene.thumbnails)
    if not moments:
        return
    height = LANE - 8
    width = round(height * scene.thumbnails.shape[3] / scene.thumbnails.shape[2])
    room = max(1, (WIDTH - LABEL) // (2 * width))
    for k in np.unique(np.linspace(0, moments - 1, min(room, moments)).round().astype(int)):
        image = Image.fromarray(scene.thumbnails[k, lane]).resize((width, height))
        left = LABEL + round((WIDTH - LABEL) * k / moments)
        canvas.paste(image, (min(left + 2, WIDTH - width), top + 4))


def _programme(draw: ImageDraw.ImageDraw, programme: list[int], edges: list[int]) -> None:
    """Frame what is on the air, and join the shots by their cuts."""
    begin = 0
    for step, camera in enumerate(programme):
        last = step + 1 == len(programme)
        if not last and programme[step + 1] == camera:
            continue
        top = HEAD + camera * LANE
        box = (edges[begin], top + 1, edges[step + 1] - 1, top + LANE - 2)
        draw.rectangle(box, outline=ON_AIR, width=2)
        if not last:
            lanes = sorted((camera, programme[step + 1]))
            ends = [(edges[step + 1], HEAD + lane * LANE + LANE // 2) for lane in lanes]
            draw.line(ends, fill=ON_AIR, width=2)
        begin = step + 1


def _foot(draw: ImageDraw.ImageDraw, scene: Scene, edges: list[int], top: int) -> None:
    """Draw emphasis, marks of orientation, and the clock."""
    draw.text((4, top + 1), "emphasis", fill=MUTED, font=_font())
    for step, (emphasis, orients) in enumerate(zip(scene.emphasis, scene.orients, strict=True)):
        box = (edges[step], top + 2, edges[step + 1] - 1, top + 9)
        draw.rectangle(box, fill=_mixed(BACKGROUND, EMPHASIS, (emphasis + 1) / SIZES))
        if orients:
            draw.line([(box[0], top + 11), (box[2], top + 11)], fill=INK)
    every = max(1, round(_TICK_SECONDS / scene.seconds))
    for step in range(0, scene.steps, every):
        seconds = f"{float(step * scene.seconds):g}"
        draw.text((edges[step], top + 13), seconds, fill=MUTED, font=_font())


def _mixed(low: tuple[int, ...], high: tuple[int, ...], share: float) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * share) for a, b in zip(low, high, strict=True))


@lru_cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font; loading it takes longer than drawing."""
    return ImageFont.load_default(_FONT_SIZE)
