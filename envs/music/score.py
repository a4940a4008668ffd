"""The engraved score as a picture."""

from __future__ import annotations

import base64
import io
import re
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFont

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.music.musicxml import musicxml_bytes
from segue.envs.music.scales import key_name
from segue.envs.music.tune import Tune

FORMATS = (".png", ".svg")
"""Suffixes of score files."""

WIDTH = 1400
"""Width of the page in the SVG's units, in which all sizes here are given."""

_MARGIN = 40
_TITLE, _TEXT = 46, 26
_HEADING = 150  # Height, from the edge of the page to the staves.
_PAGE_UNITS = WIDTH * 3 // 2  # Verovio's unit of page width; it sets the size of a staff.

_SIGNS = "DejaVu Sans, sans-serif"
_FONTS = {
    "regular": "STIXGeneral.ttf",
    "bold": "STIXGeneralBol.ttf",
    "italic": "STIXGeneralItalic.ttf",
    "signs": "DejaVuSans.ttf",
}


def score_image(tune: Tune, width: int = WIDTH) -> npt.NDArray[np.uint8]:
    """Draw `score_svg` of a tune.

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
    # Takes longer to import than the rest of this package.
    import resvg_py

    png = resvg_py.svg_to_bytes(
        svg_string=_page(tune),
        background="white",
        width=width,
        # The same picture on every machine.
        skip_system_fonts=True,
        font_files=[str(_font_path(use)) for use in _FONTS],
        font_family="STIXGeneral",
        serif_family="STIXGeneral",
    )
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"), dtype=np.uint8)


def score_svg(tune: Tune) -> str:
    """Engrave a tune: title, mood, tempo and key, then the melody with chord symbols.

    Parameters
    ----------
    tune : Tune
        The tune.

    Returns
    -------
    str
        SVG that refers to nothing outside: notes are outlines, words are text in fonts that it
        holds as far as it uses them. The same tune gives the same SVG.

    Raises
    ------
    SegueError
        If the mood or the key is unknown.
    """
    page = _page(tune)
    return page.replace("<style/>", f"<style>{_font_rules(page)}</style>", 1)


def write_score(tune: Tune, path: Path | str, width: int = WIDTH) -> None:
    """Write the score of a tune as a picture.

    Parameters
    ----------
    tune : Tune
        The tune.
    path : Path or str
        The file to make: ``.png`` for `score_image`, ``.svg`` for `score_svg`. It appears whole or
        not at all.
    width : int
        As for `score_image`; an SVG has no pixels.

    Raises
    ------
    SegueError
        If the suffix is another one, the file cannot be written, or as `score_image`.
    """
    kind = Path(path).suffix.lower()
    if kind not in FORMATS:
        raise SegueError(f"{path} has no suffix of a score; name it {' or '.join(FORMATS)}.")
    with atomic_path(path) as temporary:
        if kind == ".svg":
            temporary.write_text(score_svg(tune), encoding="utf-8")
        else:
            Image.fromarray(score_image(tune, width)).save(temporary, format="PNG")


@lru_cache(maxsize=1)  # Asked for by either kind of file.
def _page(tune: Tune) -> str:
    """The whole page as SVG, its fonts named only."""
    staves = _engrave(tune)
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', staves)
    assert box is not None
    tall = WIDTH * int(box[2]) / int(box[1])
    height = round(_HEADING + tall)
    place = f'<svg x="0" y="{_HEADING}" width="{WIDTH}" height="{tall:g}" '
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">\n'
        f"<title>{escape(tune.title)}</title>\n<style/>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
        f"{_heading(tune)}\n{staves.replace('<svg ', place, 1)}</svg>\n"
    )


def _heading(tune: Tune) -> str:
    """Title in the middle; under it mood and tempo on the left, key on the right."""
    size = float(_TITLE)
    while _length(tune.title, "bold", size) > WIDTH - 2 * _MARGIN and size > 8:
        size *= 0.9
    middle, right = WIDTH // 2, WIDTH - _MARGIN
    title = f'<text x="{middle}" y="{55 + size / 3:g}" text-anchor="middle" font-weight="bold"'
    key = escape(key_name(tune.tonic, tune.mode))
    lines = [
        f'<g font-family="STIXGeneral, Times, serif" font-size="{_TEXT}">',
        f'{title} font-size="{size:g}">{escape(tune.title)}</text>',
        f'<text x="{right}" y="118" text-anchor="end" font-style="italic">{key}</text>',
    ]
    # One text each, since resvg sets a line of several styles in one of them.
    x = float(_MARGIN)
    words = [(tune.mood.replace("_", " ").capitalize(), "italic"), ("♩", "signs")]
    words += [(f"= {tune.tempo:g}", "regular")] + ([("Swing", "italic")] if tune.swing > 1 else [])
    for text, use in words:
        style = {"italic": ' font-style="italic"', "signs": f' font-family="{_SIGNS}"'}.get(use, "")
        lines.append(f'<text x="{x:.1f}" y="118"{style}>{escape(text)}</text>')
        x += _length(text, use, _TEXT) + (6 if use == "signs" else 18)
    return "\n".join([*lines, "</g>"])


def _length(text: str, use: str, size: float) -> float:
    return ImageFont.truetype(str(_font_path(use)), size).getlength(text)


def _engrave(tune: Tune) -> str:
    """The staves as SVG."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit: Any = verovio.toolkit()
    margin = _MARGIN * _PAGE_UNITS // WIDTH
    toolkit.setOptions(
        {
            **{"breaks": "encoded", "adjustPageHeight": True, "svgViewBox": True},
            **{"pageWidth": _PAGE_UNITS, "pageHeight": 60000, "scale": 40},
            **{"pageMarginLeft": margin, "pageMarginRight": margin, "pageMarginTop": 20},
            **{"header": "none", "footer": "none", "spacingSystem": 6, "xmlIdSeed": 1},
            "smuflTextFont": "none",  # `_plain_text` does without it.
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
            f'<tspan font-family="{_SIGNS}" font-size="380px">{sign}</tspan>',
            svg,
        )
    svg = svg.replace("7b5</tspan>", "7♭5</tspan>")
    return svg.replace('font-family="Times, serif"', 'font-family="STIXGeneral, Times, serif"')


@cache
def _font_path(use: str) -> Path:
    """One of the free fonts that matplotlib's package carries, since a machine may have none."""
    spec = find_spec("matplotlib")
    folder = Path((spec.submodule_search_locations or ["."])[0] if spec else ".")
    return folder / "mpl-data" / "fonts" / "ttf" / _FONTS[use]


def _font_rules(page: str) -> str:
    """CSS that holds the fonts of a page, cut down to its characters."""
    from fontTools import subset  # Half a second.

    words = "".join(ElementTree.fromstring(page).itertext())
    rules = []
    for use in _FONTS:
        options = subset.Options(hinting=False, layout_features=["kern"], recalc_timestamp=False)
        options.drop_tables += ["FFTM"]  # FontForge's; what cannot be cut down is complained of.
        cut = subset.Subsetter(options)
        cut.populate(text=words)
        held = io.BytesIO()
        with subset.load_font(str(_font_path(use)), options) as font:
            cut.subset(font)
            font.save(held)
        family = "DejaVu Sans" if use == "signs" else "STIXGeneral"
        look = {"bold": "font-weight:bold;", "italic": "font-style:italic;"}.get(use, "")
        data = base64.b64encode(held.getvalue()).decode()
        rules.append(
            f"@font-face{{font-family:'{family}';{look}"
            f"src:url(data:font/ttf;base64,{data}) format('truetype')}}"
        )
    return "".join(rules)
