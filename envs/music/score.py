"""The engraved score as a picture."""

from __future__ import annotations

import io
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from segue.envs.base.atomic import atomic_path
from segue.envs.music.musicxml import musicxml_bytes
from segue.envs.music.piano_roll import piano_roll
from segue.envs.music.scales import key_name
from segue.envs.music.tune import Tune

__all__ = ["piano_roll", "score_image", "write_score"]

_MARGIN = 40  # Pixels at a width of 1400, as all sizes of the heading.
_TITLE, _TEXT = 46, 26
_PAGE_UNITS = (
    1400 * 3 // 2
)  # Verovio's unit of page width; with the scale it sets the size of a staff.


def score_image(tune: Tune, width: int = 1400) -> npt.NDArray[np.uint8]:
    """Engrave a tune: title, mood, tempo and key, then the melody with chord symbols.

    Parameters
    ----------
    tune : Tune
        The tune.
    width : int
        Pixels across, 600-4000; the height follows from the number of lines.

    Returns
    -------
    ndarray (height, width, 3) uint8
        Black on white, the whole tune on one page.

    Raises
    ------
    SegueError
        If the mood or the key is unknown.
    """
    # Each takes longer to import than the rest of this package together.
    import resvg_py

    fonts = _fonts()
    png = resvg_py.svg_to_bytes(
        svg_string=_engrave(tune),
        background="white",
        width=width,
        # The same picture on every machine.
        skip_system_fonts=True,
        font_files=[str(path) for path in fonts.values()],
        font_family="STIXGeneral",
        serif_family="STIXGeneral",
    )
    staves = Image.open(io.BytesIO(bytes(png))).convert("RGB")
    heading = _heading(tune, width, fonts)
    page = Image.new("RGB", (width, heading.height + staves.height + _MARGIN // 2), "white")
    page.paste(heading, (0, 0))
    page.paste(staves, (0, heading.height))
    return np.asarray(page, dtype=np.uint8)


def write_score(tune: Tune, path: Path | str, width: int = 1400) -> None:
    """Write `score_image` of a tune as a PNG file.

    Parameters
    ----------
    tune, width
        As for `score_image`.
    path : Path or str
        The file to make; it appears whole or not at all.

    Raises
    ------
    SegueError
        If the file cannot be written, or as `score_image`.
    """
    with atomic_path(path) as temporary:
        Image.fromarray(score_image(tune, width)).save(temporary, format="PNG")


def _engrave(tune: Tune) -> str:
    """The staves as SVG."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit: Any = verovio.toolkit()
    margin = _MARGIN * _PAGE_UNITS // 1400
    toolkit.setOptions(
        {
            **{"breaks": "encoded", "adjustPageHeight": True, "svgViewBox": True},
            **{"pageWidth": _PAGE_UNITS, "pageHeight": 60000, "scale": 40},
            **{"pageMarginLeft": margin, "pageMarginRight": margin, "pageMarginTop": 20},
            **{"header": "none", "footer": "none", "spacingSystem": 6, "xmlIdSeed": 1},
            # Justify a full last line; a short one keeps its natural length.
            **{"minLastJustification": 0.0 if tune.bars % 4 == 0 else 0.8},
        }
    )
    toolkit.loadData(_for_engraving(musicxml_bytes(tune)))
    return _plain_text(toolkit.renderToSVG(1))


def _for_engraving(data: bytes) -> str:
    """Take out what the heading says: the tempo, and the name of the only part."""
    root = ElementTree.fromstring(data)
    for measure in root.iter("measure"):
        for direction in measure.findall("direction"):
            measure.remove(direction)
    for name in root.iter("part-name"):
        name.set("print-object", "no")
    return ElementTree.tostring(root, encoding="unicode")


def _plain_text(svg: str) -> str:
    """Write accidentals of chord symbols in the text font.

    Verovio takes them from its music font, which it embeds in a way that browsers read and resvg
    does not.
    """
    for glyph, sign in (("\uea64", "♭"), ("\uea65", "♮"), ("\uea66", "♯")):
        svg = re.sub(
            rf'<tspan font-family="[^"]*" font-size="\d+px">{glyph}</tspan>',
            f'<tspan font-family="DejaVu Sans" font-size="380px">{sign}</tspan>',
            svg,
        )
    return svg.replace("7b5</tspan>", "7♭5</tspan>")


def _heading(tune: Tune, width: int, fonts: dict[str, Path]) -> Image.Image:
    """Title in the middle; under it mood and tempo on the left, key on the right."""
    scale = width / 1400
    margin = round(_MARGIN * scale)
    title_size = _TITLE * scale
    title = ImageFont.truetype(str(fonts["bold"]), title_size)
    while title.getlength(tune.title) > width - 2 * margin and title_size > 8:
        title_size *= 0.9
        title = ImageFont.truetype(str(fonts["bold"]), title_size)
    picture = Image.new("RGB", (width, round(150 * scale)), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((width / 2, 55 * scale), tune.title, "black", title, anchor="mm")
    words = ImageFont.truetype(str(fonts["italic"]), _TEXT * scale)
    signs = ImageFont.truetype(str(fonts["signs"]), _TEXT * scale * 0.9)
    figures = ImageFont.truetype(str(fonts["text"]), _TEXT * scale)
    line = 118 * scale
    x = float(margin)
    mood = tune.mood.replace("_", " ").capitalize()
    for text, font in ((f"{mood}   ", words), ("♩", signs), (f" = {tune.tempo:g}", figures)):
        draw.text((x, line), text, "black", font, anchor="ls")
        x += font.getlength(text)
    key = key_name(tune.tonic, tune.mode)
    draw.text((width - margin, line), key, "black", words, anchor="rs")
    return picture


def _fonts() -> dict[str, Path]:
    """Free fonts that matplotlib's package carries, since a machine may have none."""
    spec = find_spec("matplotlib")
    folder = Path((spec.submodule_search_locations or ["."])[0] if spec else ".")
    files = {
        "text": "STIXGeneral.ttf",
        "bold": "STIXGeneralBol.ttf",
        "italic": "STIXGeneralItalic.ttf",
        "signs": "DejaVuSans.ttf",
    }
    return {use: folder / "mpl-data" / "fonts" / "ttf" / name for use, name in files.items()}
