"""Pieces of HTML of a report of runs: tables in boxes that scroll, lists, folded parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from segue.experiments.report_html import escaped, number
from segue.experiments.statistics import Estimate


def wide_table(
    caption: str,
    names: Sequence[str],
    rows: Iterable[tuple[str, Sequence[str]]],
    numbers: Collection[int] = (),
) -> str:
    """Table in a box of its own that scrolls sideways where the page is narrow.

    Parameters
    ----------
    caption : str
        What it tells.
    names : sequence of str
        Heads of the columns.
    rows : iterable of (class, cells)
        Cells are HTML, the first one heads its row; a class may be empty.
    numbers : collection of int
        Columns that are aligned to the right.
    """

    def kind(index: int) -> str:
        return ' class="number"' if index in numbers else ' class="name"' if index == 0 else ""

    head = "".join(
        f'<th scope="col"{kind(index)}>{escaped(name)}</th>' for index, name in enumerate(names)
    )
    body = ""
    for style, (first, *rest) in rows:
        cells = "".join(f"<td{kind(index)}>{cell}</td>" for index, cell in enumerate(rest, start=1))
        about = f' class="{style}"' if style else ""
        body += f'<tr{about}><th scope="row"{kind(0)}>{first}</th>{cells}</tr>'
    said = escaped(caption)
    # A box that scrolls must be reachable with the keyboard, and say what it is.
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{said}"><table>'
        f"<caption><span>{said}</span></caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def folded(summary: str, inside: str) -> str:
    """Part that is shown when it is asked for."""
    return f"<details><summary>{escaped(summary)}</summary>{inside}</details>" if inside else ""


def items(texts: Iterable[str]) -> str:
    """List of texts."""
    found = "".join(f"<li>{escaped(text)}</li>" for text in texts)
    return f"<ul>{found}</ul>" if found else ""


def paragraph(text: str, style: str = "") -> str:
    """Paragraph of a text, what stands in backquotes as code; empty for none."""
    if not text:
        return ""
    about = f' class="{style}"' if style else ""
    return f"<p{about}>{with_code(text)}</p>"


def with_code(text: str) -> str:
    """Text with what stands in one or two backquotes as code."""
    parts = text.replace("``", "`").split("`")
    if len(parts) % 2 == 0:  # One is left over: it is no mark.
        return escaped(text)
    return "".join(
        f"<code>{escaped(part)}</code>" if index % 2 else escaped(part)
        for index, part in enumerate(parts)
    )


def estimate(of: Estimate, runs: int) -> str:
    """Value with its interval, which one run has not."""
    ends = interval(of, runs)
    return f"<strong>{number(of.value)}</strong>" + (f" {ends}" if ends else "")


def interval(of: Estimate, runs: int) -> str:
    """Ends of an interval; empty for one run."""
    return f"({number(of.low)} to {number(of.high)})" if runs > 1 else ""


__all__ = [
    "estimate",
    "folded",
    "interval",
    "items",
    "paragraph",
    "wide_table",
    "with_code",
]
