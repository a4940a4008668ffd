"""Audits as tables, for Markdown and for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.experiments.audit import Audit, Rate
from segue.experiments.audit_rivals import RIVALS


def audit_markdown(audits: Sequence[Audit]) -> str:
    """Tables of the audits: per cent of wins among decided lines, interval, and ties."""
    parts = []
    for one in audits:
        head, *rows = _table(one)
        marked = [head, ["---"] * len(head), [f"**{rows[0][0]}**", *rows[0][1:]], *rows[1:]]
        table = "\n".join(f"| {' | '.join(row)} |" for row in marked)
        parts.append(f"### `{one.name}`: {_summary(one)}\n\n{table}\n")
    return "\n".join(parts)


def audit_lines(audits: Sequence[Audit]) -> list[str]:
    """Like `audit_markdown`, but as lines for a terminal."""
    lines: list[str] = []
    for one in audits:
        table = _table(one)
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


def _table(one: Audit) -> list[list[str]]:
    rows = [
        [term, *(rate_cell(by_kind[kind]) for kind in RIVALS)]
        for term, by_kind in one.rates.items()
    ]
    return [["term", *RIVALS], *rows]


def rate_cell(rate: Rate) -> str:
    """Share of wins in per cent, its interval, and the share of ties."""
    if np.isnan(rate.share):
        return "always tied"
    low, high = (100 * edge for edge in rate.interval())
    tied = f"; {100 * rate.tied:.1f} tied" if rate.ties else ""
    return f"{100 * rate.share:.1f} ({low:.1f}-{high:.1f}{tied})"
