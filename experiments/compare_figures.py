"""Pictures of a comparison: intervals, performance profiles and sample efficiency, with bands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from segue.experiments.figures import INK, STYLE, empty_chart, name_lines, svg_text
from segue.experiments.statistics import Band, Estimate, Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMES = 9.5
"""Size of the names of lines, in points."""


def interval_plot(
    rows: Mapping[str, tuple[Estimate, Estimate]],
    lines: Mapping[str, float],
    xlabel: str,
    palette: Mapping[str, str],
) -> str:
    """Draw a bar from end to end of each interval, with a stroke at the value.

    Parameters
    ----------
    rows : mapping of str to (Estimate, Estimate)
        From top to bottom: drawn as a wide bar, and as a thin line behind it.
    lines : mapping of str to float
        Vertical lines to compare with, such as random and greedy; one far away is only named.
    xlabel : str
        What the values are.
    palette : mapping of str to str
        Colour of each row.

    Returns
    -------
    str
        SVG.
    """
    from matplotlib import rc_context
    from matplotlib.ticker import MaxNLocator

    with rc_context(STYLE):
        figure, axes = empty_chart(1.2 + 0.42 * len(rows))
        axes.grid(axis="x")
        for y, (label, (inner, outer)) in enumerate(rows.items()):
            colour = palette[label]
            axes.plot([outer.low, outer.high], [y, y], color=colour, linewidth=1.5)
            axes.barh(
                y, inner.high - inner.low, left=inner.low, height=0.5, color=colour, alpha=0.55
            )
            axes.plot([inner.value] * 2, [y - 0.25, y + 0.25], color=INK, linewidth=1.5)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        ends = [end for both in rows.values() for one in both for end in (one.low, one.high)]
        named = _upright(axes, lines, min(ends), max(ends))
        axes.set_yticks(range(len(rows)), [label.replace(" (", "\n(") for label in rows])
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.use_sticky_edges = False
        axes.margins(x=0.05)
        axes.set_xlabel(xlabel)
        _name_upright(axes, named)
        return svg_text(figure)


def _upright(
    axes: Axes, lines: Mapping[str, float], low: float, high: float
) -> list[tuple[float, str]]:
    """Draw vertical lines but for those far from what is shown, which have their value named.

    Returns where each is, from -inf, left of everything, to inf, and what is to be written there.
    """
    far = 2.0 * (high - low)
    named = []
    for name, value in lines.items():
        if value < low - far:
            named.append((-math.inf, f"\u2190 {name} {value:.2f}"))
        elif value > high + far:
            named.append((math.inf, f"{name} {value:.2f} \u2192"))
        else:
            axes.axvline(value, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), alpha=0.7)
            named.append((value, name))
    return sorted(named)


def _name_upright(axes: Axes, named: Sequence[tuple[float, str]]) -> None:
    """Write names above the axes, one that would meet another in a line above it."""
    from matplotlib.textpath import TextPath

    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # How wide the axes are depends on what stands beside them.
    left, right = axes.get_xlim()
    span = axes.get_window_extent().width * 72.0 / figure.dpi
    taken: list[float] = []  # Right end of each line of names, in points.
    for value, text in named:
        share = min(max((value - left) / (right - left), 0.0), 1.0)
        align = {-math.inf: "left", math.inf: "right"}.get(value, "center")
        width = TextPath((0, 0), text, size=_NAMES).get_extents().width + _NAMES
        start = share * span - width * {"left": 0.0, "center": 0.5, "right": 1.0}[align]
        line = next((n for n, end in enumerate(taken) if end <= start), len(taken))
        taken[line : line + 1] = [start + width]
        axes.annotate(
            text,
            (share, 1.0),
            (0.0, 3.0 + 1.3 * _NAMES * line),
            xycoords="axes fraction",
            textcoords="offset points",
            ha=align,
            fontsize=_NAMES,
        )


def band_plot(
    series: Mapping[str, tuple[Floats, Band]],
    xlabel: str,
    ylabel: str,
    palette: Mapping[str, str],
    lines: Mapping[str, float] | None = None,
    steps: bool = False,
) -> str:
    """Draw curves, each with its band.

    Parameters
    ----------
    series : mapping of str to (x, Band)
        The curves by name, (n,) each.
    xlabel, ylabel : str
        What the axes show.
    palette : mapping of str to str
        Colour of each curve.
    lines : mapping of str to float
        Horizontal lines to compare with.
    steps : bool
        Whether x counts steps, written as 10k or 2M.

    Returns
    -------
    str
        SVG.
    """
    from matplotlib import rc_context
    from matplotlib.ticker import EngFormatter, MaxNLocator

    with rc_context(STYLE):
        columns = 3 if max(map(len, series), default=0) < 16 else 1
        figure, axes = empty_chart(2.8 + 0.24 * -(-len(series) // columns))
        axes.grid(axis="y")
        for name, (x, band) in series.items():
            colour = palette[name]
            axes.fill_between(x, band.low, band.high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(x, band.values, color=colour, linewidth=2.0, label=name)
        for value in (lines or {}).values():
            axes.axhline(value, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), alpha=0.7)
        if steps:
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.margins(x=0.02, y=0.08)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        figure.legend(loc="outside upper left", ncols=columns)
        name_lines(axes, lines or {})
        return svg_text(figure)


def profile_values(scores: list[Floats], bounded: bool, points: int = 101) -> Floats:
    """Choose the scores at which performance profiles are looked at, (points,), ascending.

    From 0 to 1 where 1 is the best there can be and nobody is far below 0, otherwise over all
    that was reached.
    """
    low = min(float(np.quantile(of, 0.01)) for of in scores)
    high = max(float(of.max()) for of in scores)
    if bounded:
        low, high = (0.0 if low > -0.5 else low), 1.0
    return np.linspace(low, high, points)


__all__ = ["band_plot", "interval_plot", "profile_values"]
