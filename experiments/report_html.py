"""Pieces of HTML that a report is made of: text, pictures, media, numbers."""

from __future__ import annotations

import base64
import html
import io
import math
import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from segue.experiments.manifest import hide_home
from segue.experiments.report_records import Picture

THUMBNAIL_SIDE = 320
"""Longest side of a thumbnail in pixels: twice what is shown, for sharp screens."""
PICTURE_SIDE = 1920
"""Longest side of a picture in pixels."""

_MOST_PNG = 200_000
_PNG = b"\x89PNG\r\n\x1a\n"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def escaped(value: str) -> str:
    """Make a text safe inside an element or a quoted attribute; hide the home folder in it."""
    # File names may hold bytes that are no text.
    clean = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)
    return html.escape(hide_home(clean.encode("utf-8", "replace").decode("utf-8")))


def number(value: float, digits: int = 3, *, sign: bool = False) -> str:
    """Write a number with a true minus; a dash where it is not finite."""
    if not math.isfinite(value):
        return "–"  # noqa: RUF001
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    if float(text) == 0.0:
        text = text.lstrip("+-")
    return text.replace("-", "\N{MINUS SIGN}")


def clock(seconds: float) -> str:
    """Write a time of the film as minutes, seconds and tenths, such as ``1:07.4``."""
    tenths = round(max(seconds, 0.0) * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def chart_address(chart: str | bytes) -> str:
    """Give SVG text or PNG bytes as a data address."""
    data = chart.encode() if isinstance(chart, str) else chart
    return data_address("image/png" if data.startswith(_PNG) else "image/svg+xml", data)


def picture_address(picture: Picture) -> str:
    """Give a picture as a data address: PNG, or JPEG where PNG is large."""
    image = _limited(picture, PICTURE_SIDE)
    data = _encoded(image, "png", optimize=True)
    if len(data) > _MOST_PNG:
        return data_address("image/jpeg", _encoded(image, "jpeg", quality=88))
    return data_address("image/png", data)


def thumbnail_address(picture: Picture) -> str:
    """Give a small picture as a data address (JPEG)."""
    return data_address(
        "image/jpeg", _encoded(_limited(picture, THUMBNAIL_SIDE), "jpeg", quality=82)
    )


def media_address(media: Path, page: Path) -> str | None:
    """Give the relative address of a file in the page's folder or below; None elsewhere."""
    folder, target = (path.resolve() for path in (page.parent, media))
    if folder not in target.parents or not target.is_file():
        return None
    return quote(target.relative_to(folder).as_posix())


def size_of(media: Path) -> str:
    """Write the size of a file, in megabytes or kilobytes."""
    size = media.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(size / 1e3, 0.1):.1f} kB"


def _limited(picture: Picture, side: int) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(picture)).convert("RGB")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return image


def _encoded(image: Image.Image, form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def data_address(kind: str, data: bytes) -> str:
    """Give bytes of a media type as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
