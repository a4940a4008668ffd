"""A sweep as parallel coordinates: a line a trial, an axis a setting, the return last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

Axis = tuple[str, Sequence[Any]]
"""What a setting is called, and its value in each trial."""

_STEP, _HEIGHT, _LEFT, _TOP, _BOTTOM = 118, 240, 70, 44, 24
"""Pixels between axes, of an axis, and around them."""
_MOST_TICKS = 5

_STYLE = """
text{font:11px sans-serif;fill:#24292f}.axis{stroke:#7a7f87}.line{fill:none;stroke-width:1.6}
.best{stroke-width:3.4}.failed{stroke:#b9bec5;stroke-dasharray:3 3}
@media (prefers-color-scheme: dark){text{fill:#d9dde2}.failed{stroke:#5a616a}}
"""


def sweep_picture(axes: Sequence[Axis], values: Sequence[float | None], name: str) -> str:
    """Draw trials as lines over their settings, from pale (the worst) to dark (the best).

    Parameters
    ----------
    axes : sequence of Axis
        The settings.
    values : sequence of float or None
        What each trial is worth, the best first; None of those that failed or were left out, whose
        lines are dashed and end at the last setting.
    name : str
        What the values are.

    Returns
    -------
    str
        SVG; equal sweeps give equal text.
    """
    columns = [_places(list(column)) for _, column in axes]
    known = [value for value in values if value is not None]
    ends = _places(known)
    width = 2 * _LEFT + _STEP * len(axes)
    height = _TOP + _HEIGHT + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"><style>{_STYLE}</style>'
    ]
    # The best one last, so that it lies on top.
    for number in reversed(range(len(values))):
        heights = [column[0][number] for column in columns]
        value = values[number]
        if value is not None:
            heights.append(ends[0][known.index(value)])
        parts.append(_line(heights, number, value, len(known)))
    named = [*((label, column[1]) for (label, _), column in zip(axes, columns, strict=True))]
    for place, (label, ticks) in enumerate([*named, (name, ends[1])]):
        parts.append(_axis(_LEFT + place * _STEP, label, ticks))
    return "\n".join([*parts, "</svg>\n"])


def _places(column: list[Any]) -> tuple[list[float], list[tuple[float, str]]]:
    """Heights from 0 to 1 of values, and the ticks: numbers to scale, other things in a row."""
    kinds = {type(value) for value in column}
    if kinds and kinds <= {int, float}:
        low, high = min(column), max(column)
        places = [(value - low) / (high - low) if high > low else 0.5 for value in column]
    else:
        distinct = sorted({str(value) for value in column})
        at = {text: (k + 0.5) / len(distinct) for k, text in enumerate(distinct)}
        places = [at[str(value)] for value in column]
    found = sorted({(place, _text(value)) for place, value in zip(places, column, strict=True)})
    if len(found) > _MOST_TICKS:
        found = [found[0], found[-1]]
    return places, found


def _line(heights: Sequence[float], rank: int, value: float | None, count: int) -> str:
    points = " ".join(
        f"{_LEFT + place * _STEP},{_TOP + _HEIGHT * (1 - height):.1f}"
        for place, height in enumerate(heights)
    )
    if value is None:
        return f'<polyline class="line failed" points="{points}"/>'
    strength = 1.0 - 0.8 * rank / max(count - 1, 1)
    kind = "line best" if rank == 0 else "line"
    return (
        f'<polyline class="{kind}" stroke="#2f6fde" stroke-opacity="{strength:.2f}" '
        f'points="{points}"/>'
    )


def _axis(x: int, label: str, ticks: Sequence[tuple[float, str]]) -> str:
    bottom = _TOP + _HEIGHT
    parts = [
        f'<line class="axis" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>',
        f'<text x="{x}" y="{_TOP - 18}" text-anchor="middle">{escape(label)}</text>',
    ]
    for place, text in ticks:
        y = _TOP + _HEIGHT * (1 - place) + 4
        parts.append(f'<text x="{x + 5}" y="{y:.1f}">{escape(text)}</text>')
    return "".join(parts)


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
