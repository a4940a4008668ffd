"""The cuts of a film in a report: as a strip to click on, and as a table of what each earned."""

from __future__ import annotations

import math
from collections.abc import Sequence

from segue.experiments.report_html import clock, escaped, number, thumbnail_address
from segue.experiments.report_records import CutRow
from segue.experiments.report_sections import COLUMN

PLAIN_EFFECT, PLAIN_TRANSITION = "none", "cut"
"""Names of what leaves the picture alone."""

_STRONGEST = 0.34
"""Opacity of a cell's colour at the largest value."""


def thumbnails(rows: Sequence[CutRow]) -> str:
    """Style rules that hold each thumbnail once, for the strip as well as for the table."""
    return "".join(
        f".t{index}{{background-image:url({thumbnail_address(row.thumbnail)})}}\n"
        for index, row in enumerate(rows)
    )


def strip(rows: Sequence[CutRow]) -> str:
    """Timeline: each cut as wide as it is long, a link to its row of the table."""
    if not rows:
        return ""
    total = max(row.time + row.length for row in rows)
    items = "".join(_strip_item(index, row) for index, row in enumerate(rows))
    label = f"Timeline: {len(rows)} cuts in {clock(total)}"
    return f'<ol class="strip" data-total="{total:.3f}" aria-label="{label}">{items}</ol>'


def table(rows: Sequence[CutRow]) -> str:
    """Table of the cuts: picture, place, craft, and a bar for each reward term."""
    if not rows:
        return ""
    names = list(dict.fromkeys(name for row in rows for name in row.terms))
    # What is nought everywhere would take room from what differs.
    shown = [name for name in names if any(row.terms.get(name, 0.0) != 0.0 for row in rows)]
    values = [abs(v) for row in rows for v in row.terms.values() if math.isfinite(v)]
    scale = max(values, default=0.0)
    kinds = [("sum", "reward"), *(("term", _spaced(name)) for name in shown)] if shown else []
    heads = "".join(f'{COLUMN} class="{k}"><span>{escaped(n)}</span></th>' for k, n in kinds)
    body = "".join(_cut(index, row, shown, scale) for index, row in enumerate(rows))
    return (
        '<section class="cuts"><h2>Cuts</h2><table role="table">'
        f"<caption>{_caption(names, shown, scale)}</caption>"
        f'<thead role="rowgroup"><tr role="row">{COLUMN}>Picture</th>{COLUMN}>Cut</th>'
        f'{COLUMN}>Shot</th>{heads}</tr></thead><tbody role="rowgroup">{body}</tbody>'
        f"{_totals(rows, shown)}</table></section>"
    )


def _strip_item(index: int, row: CutRow) -> str:
    effect = "" if row.effect == PLAIN_EFFECT else _spaced(row.effect)
    parts = (row.shot, _spaced(row.transition), effect)
    said = escaped(f"{row.number}. {clock(row.time)}: {', '.join(part for part in parts if part)}")
    blend = "" if row.transition == PLAIN_TRANSITION else ' class="blend"'
    mark = f'<span class="effect" aria-hidden="true">{escaped(effect)}</span>' if effect else ""
    return (
        f'<li{blend} style="flex:{max(row.length, 0.0):.3f} 1 0" {_span(row)}>'
        f'<a class="t{index}" href="#cut-{index}" title="{said}" aria-label="{said}">{mark}</a>'
        "</li>"
    )


def _cut(index: int, row: CutRow, shown: Sequence[str], scale: float) -> str:
    tags = ""
    if row.transition != PLAIN_TRANSITION:
        tags += f'<span class="tag blend">{escaped(_spaced(row.transition))}</span>'
    if row.effect != PLAIN_EFFECT:
        tags += f'<span class="tag">{escaped(_spaced(row.effect))}</span>'
    terms = "".join(_term(name, row.terms.get(name, 0.0), scale) for name in shown)
    total = number(math.fsum(row.terms.values()), sign=True)
    return (
        f'<tr role="row" id="cut-{index}" {_span(row)}>'
        f'<td role="cell" class="thumb"><span class="t{index}" role="img" '
        f'aria-label="Picture of cut {row.number}"></span></td>'
        f'<th role="rowheader" scope="row" class="when"><b>{row.number}</b> '
        f'<span>{clock(row.time)}<br><span class="soft">{number(row.length, 2)}&#8239;s</span>'
        "</span></th>"
        f'<td role="cell" class="what">{escaped(row.shot)}<br>{tags}</td>'
        + (f'<td role="cell" class="sum">{total}</td>{terms}</tr>' if shown else "</tr>")
    )


def _term(name: str, value: float, scale: float) -> str:
    size = abs(value) / scale if scale > 0 and math.isfinite(value) else 0.0
    return (
        f'<td role="cell" class="term {"cost" if value < 0 else "earn"}" '
        f'style="--size:{size:.3f};--heat:{_STRONGEST * size:.3f}" '
        f'data-term="{escaped(_spaced(name))}">{number(value, sign=True)}'
        '<span class="bar" aria-hidden="true"></span></td>'
    )


def _totals(rows: Sequence[CutRow], shown: Sequence[str]) -> str:
    """Foot of the table: what each term gave over the whole film."""
    if not shown:
        return ""
    sums = [math.fsum(row.terms.get(name, 0.0) for row in rows) for name in shown]
    whole = math.fsum(value for row in rows for value in row.terms.values())
    # Sums are larger than what a cut earns; their bars have a scale of their own.
    scale = max(map(abs, sums))
    cells = "".join(_term(name, value, scale) for name, value in zip(shown, sums, strict=True))
    return (
        '<tfoot role="rowgroup"><tr role="row"><th role="rowheader" scope="row" class="all" '
        f'colspan="3">Whole film</th><td role="cell" class="sum">{number(whole, sign=True)}</td>'
        f"{cells}</tr></tfoot>"
    )


def _caption(names: Sequence[str], shown: Sequence[str], scale: float) -> str:
    if not shown:
        return ""
    text = (
        "What each reward term gave for each cut, weighted. Blue earns, orange costs; all bars "
        f"of the cuts have one scale, on which half a cell is {number(scale)}."
    )
    silent = [_spaced(name) for name in names if name not in shown]
    if silent:
        text += f" Nought throughout: {', '.join(silent)}."
    return escaped(text)


def _span(row: CutRow) -> str:
    return f'data-start="{row.time:.3f}" data-end="{row.time + row.length:.3f}"'


def _spaced(name: str) -> str:
    return name.replace("_", " ")
