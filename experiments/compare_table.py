"""A comparison in words: tables in Markdown, and the same figures as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from segue.experiments.compare_scores import LEAST_SEEDS, Measure, Pair, Row
from segue.experiments.separation import Separation, ranges
from segue.experiments.statistics import LEVEL, RESAMPLES, Band, Estimate, Floats

COLUMNS = (
    *("agent", "seeds", "IQM", "whole runs drawn", "mean", "median", "optimality gap"),
    *("mean return", "steps", "wall-clock"),
)

EXPLAINED = (
    "IQM: mean of the middle half of all scores of all seeds on all test episodes, with its "
    f"{LEVEL:.0%} stratified-bootstrap interval ({RESAMPLES:,} times, runs drawn anew within each "
    "episode; Agarwal et al. 2021). That interval takes the episodes of a seed for independent, "
    "which those of one trained agent are not; the next column draws each seed with all its "
    "episodes, and is what tells how other seeds would do. Median: over episodes, of the mean over "
    "seeds.",
    f"Nothing is called better with under {LEAST_SEEDS} seeds of a trained agent, since an "
    "interval from so few is too narrow, nor unless both intervals of the probability of "
    "improvement leave 0.5 out. Random and greedy play are one run each: against them, the "
    "episodes are drawn anew as well.",
)


def main_table(rows: Sequence[Row], measure: Measure) -> list[str]:
    """Give a line of Markdown for each agent and baseline."""
    cells = [
        [
            row.label,
            f"{len(row.seeds)}: {ranges(row.seeds)}" if row.trained else "",
            _estimate(row.iqm, row),
            _interval(row.whole, row),
            f"{row.mean.value:.3f}",
            f"{row.median.value:.3f}",
            f"{row.gap.value:.3f}" if measure.bounded else "",
            f"{row.returns:.3f}",
            f"{row.steps:,}" if row.trained else "",
            f"{row.seconds:,.1f} s" if row.seconds else "",
        ]
        for row in rows
    ]
    return table(COLUMNS, cells, left=(0, 1))


def pair_table(pairs: Sequence[Pair]) -> list[str]:
    """Give a line of Markdown for each two."""
    cells = [
        [
            f"{pair.ours} beats {pair.theirs}",
            f"{pair.chance.value:.3f} ({pair.chance.low:.3f} to {pair.chance.high:.3f})",
            f"({pair.whole.low:.3f} to {pair.whole.high:.3f})",
            pair.verdict,
        ]
        for pair in pairs
    ]
    names = ("", "probability of improvement", "whole runs drawn", "verdict")
    return table(names, cells, left=(0, 3))


def table(names: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """Write a Markdown table whose columns also stand straight in a terminal."""
    every = [[cell.replace("|", "\\|") for cell in row] for row in (names, *rows)]
    widths = [max(3, *(len(row[i]) for row in every)) for i in range(len(names))]
    lines = [
        "| "
        + " | ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in every
    ]
    marks = ["-" * w if i in left else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    return [lines[0], "| " + " | ".join(marks) + " |", *lines[1:]]


def separation_lines(found: Separation) -> list[str]:
    """Say what was for training, tuning and testing, and loudly what was not kept apart."""
    return [
        *(f"- **Not kept apart**: {warning}" for warning in found.warnings),
        f"- Training: {found.training}.",
        f"- Tuning (segue sweep): {found.tuning}.",
        f"- Testing: {found.testing}.",
        f"- Checked: {found.checked}",
    ]


def intervals_csv(rows: Sequence[Row], measure: Measure) -> str:
    """Every statistic of every row."""
    lines: list[list[object]] = []
    for row in rows:
        every: Mapping[str, Estimate] = {
            "iqm": row.iqm,
            "iqm_whole_runs": row.whole,
            "mean": row.mean,
            "median": row.median,
            **({"optimality_gap": row.gap} if measure.bounded else {}),
        }
        for name, of in every.items():
            ends = (of.low, of.high) if len(row.scores) > 1 else ("", "")
            lines.append([row.label, ranges(row.seeds), name, of.value, *ends])
    return _csv(("agent", "seeds", "statistic", "value", "low", "high"), lines)


def pairs_csv(pairs: Sequence[Pair]) -> str:
    """Every probability of improvement."""
    names = ("ours", "theirs", "value", "low", "high", "low_whole_runs", "high_whole_runs")
    return _csv(
        (*names, "verdict"),
        (
            [
                *(pair.ours, pair.theirs, pair.chance.value, pair.chance.low, pair.chance.high),
                *(pair.whole.low, pair.whole.high, pair.verdict),
            ]
            for pair in pairs
        ),
    )


def bands_csv(series: Mapping[str, tuple[Floats, Band]], x: str, y: str) -> str:
    """Every point of every curve with its band."""
    rows = (
        [label, *point]
        for label, (at, band) in series.items()
        for point in zip(
            at.tolist(), band.values.tolist(), band.low.tolist(), band.high.tolist(), strict=True
        )
    )
    return _csv(("agent", x, y, "low", "high"), rows)


def _estimate(of: Estimate, row: Row) -> str:
    return " ".join(filter(None, (f"{of.value:.3f}", _interval(of, row))))


def _interval(of: Estimate, row: Row) -> str:
    """Of one run there is none."""
    return f"({of.low:.3f} to {of.high:.3f})" if len(row.scores) > 1 else ""


def _csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


__all__ = [
    "EXPLAINED",
    "bands_csv",
    "intervals_csv",
    "main_table",
    "pair_table",
    "pairs_csv",
    "separation_lines",
    "table",
]
