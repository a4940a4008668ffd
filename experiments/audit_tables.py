"""Audits as tables, for Markdown and for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from segue.experiments.audit import Audit, Rate


def audit_markdown(audits: Sequence[Audit]) -> str:
    """Tables of the audits: per cent of wins among decided lines, interval, and ties."""
    return "\n".join(
        f"### `{one.name}`: {_summary(one)}\n\n{rates_markdown(one.rates)}" for one in audits
    )


def rates_markdown(rates: Mapping[str, Mapping[str, Rate]]) -> str:
    """Table of rates by term, the first of which is the whole reward, and by comparison."""
    head, *rows = _table(rates)
    marked = [head, ["---"] * len(head), [f"**{rows[0][0]}**", *rows[0][1:]], *rows[1:]]
    return "".join(f"| {' | '.join(row)} |\n" for row in marked)


def audit_lines(audits: Sequence[Audit]) -> list[str]:
    """Like `audit_markdown`, but as lines for a terminal."""
    lines: list[str] = []
    for one in audits:
        table = _table(one.rates)
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines.append(f"{one.name}: {_summary(one)}")
        lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        lines.append("")
    return lines


def _summary(one: Audit) -> str:
    """Say what was shown to the reward, and whether it passes."""
    shown = f"{one.lines:,} human passages of {one.tunes:,} tunes"
    if one.left_out:
        shown += f" ({one.left_out:,} more cannot be played there)"
    return f"{shown}; " + (f"misses {', '.join(one.missed)}" if one.missed else "passes")


def _table(rates: Mapping[str, Mapping[str, Rate]]) -> list[list[str]]:
    columns = list(next(iter(rates.values())))
    rows = [[term, *(rate_cell(by[column]) for column in columns)] for term, by in rates.items()]
    return [["term", *columns], *rows]


def rate_cell(rate: Rate) -> str:
    """Share of wins in per cent, its interval, and the share of ties."""
    if np.isnan(rate.share):
        return "always tied"
    low, high = (100 * edge for edge in rate.interval())
    tied = f"; {100 * rate.tied:.1f} tied" if rate.ties else ""
    return f"{per_cent(rate.share)} ({low:.1f}-{high:.1f}{tied})"


def per_cent(share: float) -> str:
    """Share in per cent, with so many digits that only all read as 100 and only none as 0."""
    digits = 1
    while 0.0 < share < 1.0 and round(100 * share, digits) in (0.0, 100.0):
        digits += 1
    return f"{100 * share:.{digits}f}"
