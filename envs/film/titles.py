"""Titles and credits: words on the picture, drawn with Pillow onto YUV planes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from segue.envs.film.edit import Edit, Title
from segue.envs.film.planes import BLACK, WHITE, Plane, Planes, mix

FADE_SECONDS = 0.4
"""Fade at both ends of a title; a shorter title fades for a quarter of its length."""

PAGE_LINES = 6
"""Lines of credits on one page."""

PAGE_SECONDS = 2.5
"""How long a page of credits stands."""

_MARGIN = 0.07  # of the picture's width and height that is left free
_SIZES = {"middle": 1 / 13, "lower_third": 1 / 18}  # of the letters, in picture heights
_SMALLEST = 9  # pixels
_SHADOW = 0.8  # its strength; the letters' is 1
_WEIGHTS = npt.NDArray[np.uint16]


class Credited(Protocol):
    """What stands in a manifest for something that a film was made from."""

    @property
    def licence(self) -> str:
        """SPDX identifier, or ``"LicenseRef-..."``."""

    @property
    def attribution(self) -> str:
        """Whom to name; may be empty."""


def credits(sources: Iterable[Credited], start: int, frames: int) -> tuple[Title, ...]:
    """Make the pages of the end credits.

    Parameters
    ----------
    sources : iterable of Credited
        What the film was made from, such as a run's sources. One without attribution is left out,
        as nobody is to be named, and what is named twice stands once.
    start : int
        First frame of the first page.
    frames : int
        Length of each page.

    Returns
    -------
    tuple of Title
        Pages of at most `PAGE_LINES` lines, one after the other; empty if nobody is to be named.
    """
    lines = list(dict.fromkeys(_line(source) for source in sources if source.attribution))
    pages = [lines[at : at + PAGE_LINES] for at in range(0, len(lines), PAGE_LINES)]
    return tuple(
        Title("\n".join(page), start + number * frames, frames, "middle")
        for number, page in enumerate(pages)
    )


def with_credits(edit: Edit, sources: Iterable[Credited]) -> Edit:
    """Return the edit with end credits on black behind its last piece.

    Parameters
    ----------
    edit : Edit
        An edit; its music goes on, fading, below the credits.
    sources : iterable of Credited
        See `credits`; where nobody is to be named, the edit is returned as it is.
    """
    frames = round(PAGE_SECONDS * edit.rate)
    pages = credits(sources, edit.frames, frames)
    return replace(edit, titles=edit.titles + pages, tail=edit.tail + len(pages) * frames)


def _line(source: Credited) -> str:
    """Name somebody, with the licence where its identifier says something."""
    if source.licence.startswith("LicenseRef-") or not source.licence:
        return source.attribution
    return f"{source.attribution} ({source.licence})"


def title_level(title: Title, frame: int, rate: float) -> float:
    """How strongly a title shows at `frame` of the film, in [0, 1]; 0 where it does not."""
    fade = max(min(round(FADE_SECONDS * rate), title.frames // 4), 1)
    since, left = frame - title.start, title.start + title.frames - frame
    return min(max(min((since + 0.5) / fade, (left - 0.5) / fade), 0.0), 1.0)


@dataclass(frozen=True)
class TitlePicture:
    """A title, drawn.

    Attributes
    ----------
    top, left : int
        Where its box lies in chroma pixels; twice that in luma.
    luma : Plane
        Brightness of letters and shadow in the box.
    weights : ndarray (h, w) uint16, ndarray (h / 2, w / 2) uint16
        How much it covers luma and chroma, in 256ths.
    """

    top: int
    left: int
    luma: Plane
    weights: tuple[_WEIGHTS, _WEIGHTS]

    def draw(self, picture: Planes, level: float) -> Planes:
        """Return the picture with the title on it, at a `level` in [0, 1]."""
        drawn = []
        for plane, step in zip(picture, (2, 1, 1), strict=True):
            weight = self.weights[0 if step == 2 else 1]
            weight = np.rint(weight * level).astype(np.uint16)
            out = plane.copy()
            box = out[self.top * step :, self.left * step :][: weight.shape[0], : weight.shape[1]]
            colour = self.luma if step == 2 else np.full(weight.shape, BLACK[1], np.uint8)
            box[...] = mix(box, colour, weight)
            drawn.append(out)
        return drawn[0], drawn[1], drawn[2]


@lru_cache(maxsize=4)
def title_picture(text: str, place: str, width: int, height: int) -> TitlePicture:
    """Draw a title for pictures of `width` by `height` pixels, both even.

    Lines that are too long are broken between words, and letters made smaller until all fit.
    """
    lines, font = _set(text, place, width, height)
    block = _block(lines, font, place)
    left = (width - block.width) // 2 if place == "middle" else round(_MARGIN * width)
    top = (height - block.height) // 2
    if place == "lower_third":
        top = round((1 - 1.6 * _MARGIN) * height) - block.height
    letters = Image.new("L", (width, height))
    letters.paste(block, (left, top))
    soft = max(1.0, font.size / 14)
    shadow = Image.new("L", (width, height))
    shadow.paste(block, (left + round(soft), top + round(soft)))
    shadow = shadow.filter(ImageFilter.GaussianBlur(soft))
    return _covering(np.asarray(letters) / 255, np.asarray(shadow) / 255 * _SHADOW)


def _covering(letters: npt.NDArray[np.float64], shadow: npt.NDArray[np.float64]) -> TitlePicture:
    """Lay letters over their shadow and cut the box out that they take."""
    cover = 1 - (1 - letters) * (1 - shadow)
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    if not len(rows):
        empty = np.zeros((0, 0), np.uint16)
        return TitlePicture(0, 0, empty.astype(np.uint8), (empty, empty))
    top, left = rows[0] // 2, columns[0] // 2
    box = (slice(2 * top, rows[-1] // 2 * 2 + 2), slice(2 * left, columns[-1] // 2 * 2 + 2))
    cover, letters = cover[box], letters[box]
    luma = WHITE[0] * letters + BLACK[0] * (cover - letters)
    luma = np.divide(luma, cover, out=np.full_like(cover, BLACK[0]), where=cover > 0)
    halved = cover.reshape(cover.shape[0] // 2, 2, cover.shape[1] // 2, 2).mean(axis=(1, 3))
    weights = tuple(np.rint(256 * part).astype(np.uint16) for part in (cover, halved))
    return TitlePicture(
        int(top), int(left), np.rint(luma).astype(np.uint8), (weights[0], weights[1])
    )


def _set(
    text: str, place: str, width: int, height: int
) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """Break the text into lines that fit, in the largest letters that do."""
    path = _font_for(text)
    size = max(round(_SIZES[place] * height), _SMALLEST)
    room = (round((1 - 2 * _MARGIN) * width), round((1 - 2 * _MARGIN) * height))
    while True:
        font = ImageFont.truetype(path, size)
        lines = [part for line in text.split("\n") for part in _broken(line, font, room[0])]
        block = _block(lines, font, place)
        if size <= _SMALLEST or (block.width <= room[0] and block.height <= room[1]):
            return lines, font
        size = max(size * 9 // 10, _SMALLEST)


def _broken(line: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break one line between its words."""
    broken = [""]
    for word in line.split():
        longer = f"{broken[-1]} {word}".strip()
        if broken[-1] and font.getlength(longer) > width:
            broken.append(word)
        else:
            broken[-1] = longer
    return broken


def _block(lines: Sequence[str], font: ImageFont.FreeTypeFont, place: str) -> Image.Image:
    """Draw lines, white on black, in an image that just holds them."""
    text = "\n".join(lines)
    align = "center" if place == "middle" else "left"
    measure = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = measure.multiline_textbbox((0, 0), text, font, align=align)
    block = Image.new("L", (max(int(right - left) + 2, 1), max(int(bottom - top) + 2, 1)))
    ImageDraw.Draw(block).multiline_text((1 - left, 1 - top), text, 255, font, align=align)
    return block


@lru_cache(maxsize=16)
def _font_for(text: str) -> str:
    """File of a font that has the text's letters: DejaVu, or else the system's best."""
    letters = {ord(letter) for letter in text if not letter.isspace()}
    best = _dejavu()
    missing = len(letters - _letters_of(best))
    if not missing:
        return best
    # Only where it is needed: matplotlib is slow to import.
    from matplotlib.font_manager import findSystemFonts

    for path in sorted(findSystemFonts()):
        left = len(letters - _letters_of(path))
        if left < missing:
            best, missing = path, left
        if not missing:
            break
    return best


def _dejavu() -> str:
    """DejaVu Sans (Latin, Greek, Cyrillic and more), which comes with matplotlib."""
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf")


def _letters_of(path: str) -> set[int]:
    """Code points that a font has; none where it cannot be read."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with TTFont(path, fontNumber=0, lazy=True) as font:
            return set(font.getBestCmap() or ())
    except (TTLibError, OSError, KeyError, AssertionError):
        return set()
