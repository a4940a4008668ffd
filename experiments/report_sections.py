"""Sections of a report, each from its records to HTML; empty where there is nothing to tell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from segue.experiments.manifest import Source
from segue.experiments.report_html import (
    chart_address,
    escaped,
    media_address,
    number,
    picture_address,
    size_of,
)
from segue.experiments.report_records import Picture, ScoreRow

COLUMN = '<th role="columnheader" scope="col"'


def player(kind: str, media: Path, page: Path) -> str:
    """Player of a film (kind ``"video"``) or a tune (``"audio"``), with a link to the file."""
    name, address = escaped(media.name), media_address(media, page)
    if address is None:
        return f'<p class="soft">{name} does not lie beside this page.</p>'
    label, address = {"video": "Film", "audio": "Tune"}[kind], escaped(address)
    return (
        f'<figure class="media"><{kind} controls preload="metadata" src="{address}" '
        f'aria-label="{label}"></{kind}><figcaption>{label}: <a href="{address}">{name}</a>, '
        f"{size_of(media)}</figcaption></figure>"
    )


def facts(values: Mapping[str, str]) -> str:
    """List of names and values."""
    rows = "".join(
        f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>"
        for name, value in values.items()
    )
    return f"<dl>{rows}</dl>" if rows else ""


def scores(rows: Sequence[ScoreRow]) -> str:
    """Table of policies; the intervals are drawn on one scale."""
    if not rows:
        return ""
    ends = [end for row in rows for end in (row.low, row.mean, row.high) if math.isfinite(end)]
    low, high = (min(ends), max(ends)) if ends else (0.0, 0.0)
    names = ["Policy", "Mean [interval]", "Of the bound", "Interval", "Note"]
    head = "".join(f"{COLUMN}>{name}</th>" for name in names)
    body = "".join(_score(row, low, high) for row in rows)
    caption = f"Intervals are drawn from {number(low)} (left) to {number(high)} (right)."
    return (
        f'<section class="scores"><h2>Scores</h2><table role="table"><caption>{caption}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table></section>'
    )


def curves(charts: Sequence[tuple[str, str | bytes]]) -> str:
    """Charts side by side."""
    figures = "".join(figure(caption, chart_address(chart)) for caption, chart in charts)
    if not figures:
        return ""
    return f'<section><h2>Curves</h2><div class="curves">{figures}</div></section>'


def pictures(drawn: Sequence[tuple[str, Picture]]) -> str:
    """Pictures one below the other."""
    figures = "".join(figure(caption, picture_address(picture)) for caption, picture in drawn)
    return f'<section class="pictures"><h2>Pictures</h2>{figures}</section>' if figures else ""


def sources(records: Sequence[Source]) -> str:
    """List what the work was made from, with licences."""
    items = "".join(_source(source) for source in records)
    return f'<section><h2>Sources</h2><ul class="sources">{items}</ul></section>' if items else ""


def command(line: str) -> str:
    """Show the command that made it."""
    if not line:
        return ""
    return f"<section><h2>Made by</h2><pre><code>{escaped(line)}</code></pre></section>"


def _score(row: ScoreRow, low: float, high: float) -> str:
    part = "" if row.fraction is None else f"{number(100 * row.fraction, 1)}&#8239;%"
    return (
        f'<tr role="row"><th role="rowheader" scope="row">{escaped(row.name)}</th>'
        f'<td role="cell" class="mean"><strong>{number(row.mean)}</strong> '
        f'<span class="soft">[{number(row.low)}, {number(row.high)}]</span></td>'
        f'<td role="cell" class="part">{part}</td>'
        f'<td role="cell" class="plot">{_interval(row, low, high)}</td>'
        f'<td role="cell" class="note soft">{escaped(row.note)}</td></tr>'
    )


def _interval(row: ScoreRow, low: float, high: float) -> str:
    """Draw mean and interval between `low` and `high`; the table says them in figures."""
    if not all(map(math.isfinite, (row.mean, row.low, row.high))):
        return ""
    # Three per cent of room on both sides, so that dots at the ends stay whole.
    left, middle, right = (
        3.0 + 94.0 * ((end - low) / (high - low) if high > low else 0.5)
        for end in (row.low, row.mean, row.high)
    )
    return (
        '<div class="track" aria-hidden="true">'
        f'<span class="range" style="left:{left:.2f}%;width:{max(right - left, 0.0):.2f}%"></span>'
        f'<span class="dot" style="left:{middle:.2f}%"></span></div>'
    )


def figure(caption: str, address: str) -> str:
    """Picture with its caption, which is also its text for those who do not see it."""
    said = escaped(caption)
    return f'<figure><img src="{address}" alt="{said}"><figcaption>{said}</figcaption></figure>'


def _source(source: Source) -> str:
    digest = f"sha256 {source.digest[:16]}…" if source.digest else ""
    lines = [
        f'<span title="{escaped(source.digest)}"><code>{escaped(digest)}</code></span>'
        if digest
        else "",
        escaped(source.attribution),
    ]
    about = "<br>".join(line for line in reversed(lines) if line)
    return (
        f'<li><strong>{escaped(source.name)}</strong> <span class="tag">{escaped(source.licence)}'
        f'</span><div class="soft">{about}</div></li>'
    )
