"""Charts of a report, as SVG that follows the reader's light or dark colours."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = npt.ArrayLike
"""Coordinates, (n,)."""

COLOURS = ("#2f6fde", "#d9730d", "#2a9d6f", "#a24bc4", "#c8384b", "#7a7f87")
"""Of the series, told apart with any colour vision and on white as well as on black."""

INK = "#24292f"
"""Of text and axes."""
_PAPER, _FAINT = "#ffffff", "#d8dce1"
_DARK = {_PAPER: "#16191d", INK: "#d9dde2", _FAINT: "#3a4048"}

STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 10.5,
    "svg.fonttype": "none",  # text stays text: small, sharp, searchable
    "svg.hashsalt": "segue",  # the same chart is the same file
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": _FAINT,
    "grid.linewidth": 0.8,
    "figure.facecolor": _PAPER,
    "axes.facecolor": _PAPER,
    "legend.frameon": False,
}
"""Of every chart, for `matplotlib.rc_context`."""


def learning_curve(
    series: Mapping[str, tuple[Points, Points]],
    xlabel: str,
    ylabel: str,
    lines: Mapping[str, float] | None = None,
) -> str:
    """Draw curves over training.

    Parameters
    ----------
    series : mapping of str to (x, y)
        The curves, both (n,), by name; values that are not finite leave gaps.
    xlabel, ylabel : str
        What the axes show, with the unit.
    lines : mapping of str to float
        Horizontal lines to compare with, such as random, greedy and bound.

    Returns
    -------
    str
        SVG.
    """
    from matplotlib import rc_context
    from matplotlib.ticker import EngFormatter, MaxNLocator

    with rc_context(STYLE):
        figure, axes = empty_chart(3.3)
        axes.grid(axis="y")
        for (name, (x, y)), colour in zip(series.items(), colours(len(series)), strict=True):
            few = np.size(x) < 12
            axes.plot(
                np.asarray(x, dtype=float),
                np.asarray(y, dtype=float),
                color=colour,
                linewidth=2.0,
                marker="o" if few else None,
                markersize=3.5,
                label=name,
            )
        for value in (lines or {}).values():
            axes.axhline(value, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), alpha=0.7)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.margins(x=0.02, y=0.08)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        if len(series) > 1:
            figure.legend(loc="outside upper left", ncols=min(len(series), 3))
        name_lines(axes, lines or {})
        return svg_text(figure)


def term_bars(terms: Mapping[str, Mapping[str, float]], xlabel: str = "mean per episode") -> str:
    """Draw what each reward term gave to each policy.

    Parameters
    ----------
    terms : mapping of str to mapping of str to float
        By policy: the weighted value of each term, by its name.
    xlabel : str
        What the values are.

    Returns
    -------
    str
        SVG.
    """
    from matplotlib import rc_context

    names = list(dict.fromkeys(name for values in terms.values() for name in values))
    thick = 0.8 / max(len(terms), 1)
    with rc_context(STYLE):
        figure, axes = empty_chart(0.9 + len(names) * max(0.26, 0.14 * len(terms)))
        axes.grid(axis="x")
        rows = np.arange(len(names))
        for number, (policy, values) in enumerate(terms.items()):
            lengths = [values.get(name, 0.0) for name in names]
            offset = (number - (len(terms) - 1) / 2) * thick
            colour = COLOURS[number % len(COLOURS)]
            axes.barh(rows + offset, lengths, 0.9 * thick, color=colour, label=policy)
        axes.axvline(0.0, color=INK, linewidth=1.0)
        axes.set_yticks(rows, [name.replace("_", " ") for name in names])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.margins(y=0.02)
        axes.invert_yaxis()
        axes.set_xlabel(xlabel)
        if len(terms) > 1:
            figure.legend(loc="outside upper left", ncols=min(len(terms), 3))
        return svg_text(figure)


def win_rates(rows: Mapping[str, Sequence[float]], columns: Sequence[str]) -> str:
    """Draw shares of wins as a grid of coloured cells, blue above one half, orange below.

    Parameters
    ----------
    rows : mapping of str to sequence of float
        Shares from 0 to 1 by row, one a column; NaN where nothing was decided.
    columns : sequence of str
        Names of the columns.

    Returns
    -------
    str
        SVG.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, axes = empty_chart(0.6 + 0.27 * len(rows))
        for y, shares in enumerate(rows.values()):
            for x, share in enumerate(shares):
                colour = _FAINT if np.isnan(share) else COLOURS[0 if share >= 0.5 else 1]
                depth = 0.5 if np.isnan(share) else 0.1 + 1.5 * abs(share - 0.5)
                axes.add_patch(_cell(x, y, colour, depth))
                text = "tied" if np.isnan(share) else f"{100 * share:.1f}"
                axes.text(x, y, text, ha="center", va="center", fontsize=9.5)
        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(range(len(rows)), [name.replace("_", " ") for name in rows])
        axes.set_xticks(range(len(columns)), [name.replace(" ", "\n") for name in columns])
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        return svg_text(figure)


def _cell(x: int, y: int, colour: str, depth: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.44), 0.94, 0.88, facecolor=colour, alpha=depth)


def colours(count: int) -> Sequence[str]:
    """Give a colour for each of some series, again from the first where there are many."""
    return [COLOURS[number % len(COLOURS)] for number in range(count)]


def empty_chart(height: float) -> tuple[Figure, Axes]:
    """Make a chart of 5 inches by `height`, which a phone shows at its full size."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # Not by pyplot, which keeps every figure in a global list.
    figure = Figure(figsize=(5.0, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.add_subplot()


def name_lines(axes: Axes, lines: Mapping[str, float]) -> None:
    """Write each line's name at its right end, names that would meet pushed apart."""
    if not lines:
        return
    low, high = axes.get_ylim()
    least = (high - low) * 0.075
    at = -np.inf
    placed = []
    for name, value in sorted(lines.items(), key=lambda line: line[1]):
        at = max(value, at + least)
        placed.append((name, at))
    # What was pushed beyond the top moves down with those below it.
    ceiling = max(high, max(lines.values()))
    for index in range(len(placed) - 1, -1, -1):
        name, at = placed[index]
        placed[index] = (name, min(at, ceiling))
        ceiling = placed[index][1] - least
    for name, at in placed:
        axes.annotate(
            name,
            (1.01, at),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9.5,
            annotation_clip=False,
        )


def svg_text(figure: Figure) -> str:
    """Write the chart; its few neutral colours turn where the reader prefers a dark page."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing)
    rules = "".join(
        f'[style*="{kind}: {light}"]{{{kind}:{dark} !important}}'
        for light, dark in _DARK.items()
        for kind in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark) {{{rules}}}</style>"
    text = buffer.getvalue()
    head, mark, body = text.partition("<defs>")
    return head[head.index("<svg") :] + style + mark + body
