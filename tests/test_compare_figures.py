"""Names above the lines of a comparison."""

from __future__ import annotations

import itertools

import pytest

from segue.experiments import compare_figures
from segue.experiments.compare_figures import interval_plot
from segue.experiments.figures import empty_chart
from segue.experiments.statistics import Estimate

APART = {"random": 0.2, "greedy": 0.5, "bound": 0.8}


@pytest.mark.parametrize(
    "lines",
    [
        APART,
        {"random": 0.50, "greedy": 0.52, "behaviour cloning": 0.53, "bound": 1.0},
        {"random": -40.0, "people": -50.0, "greedy": 0.05, "bound": 90.0, "optimum": 91.0},
        *({"random": -40.0, "greedy": value / 50} for value in range(8, 22)),
        {},
    ],
)
@pytest.mark.parametrize("label", ["dqn", "an agent with a long name, 10 shown"])
def test_no_name_stands_on_another(lines: dict[str, float], label: str) -> None:
    _, axes = empty_chart(2.0)
    axes.plot([0.0, 1.0], [0.0, 1.0])
    axes.set_yticks([0.5], [label])
    compare_figures._name_upright(axes, compare_figures._upright(axes, lines, 0.0, 1.0))
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    names = [text for text in axes.texts if text.get_text()]
    assert len(names) == len(lines)
    boxes = [text.get_window_extent() for text in names]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    top = axes.get_window_extent().y1
    assert all(box.y0 >= top for box in boxes)
    # A name that meets no other stands on the line next to the axes, above its own value.
    if lines == APART and len(label) < 5:
        assert max(box.y0 for box in boxes) < min(box.y1 for box in boxes)
        for text, box in zip(names, boxes, strict=True):
            x, _ = axes.transData.transform((lines[text.get_text()], 0.0))
            assert (box.x0 + box.x1) / 2 == pytest.approx(x, abs=1.0)


def test_every_line_is_named_in_the_picture() -> None:
    whole = Estimate(0.5, 0.4, 0.6)
    lines = {"random": -9.0, "greedy": 0.45, "bound": 0.47}
    svg = interval_plot({"agent": (whole, whole)}, lines, "return", {"agent": "#123456"})
    for said in ("random -9.00", "greedy", "bound"):
        assert said in svg
