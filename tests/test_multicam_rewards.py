"""Each term of `segue.rewards.multicam` against values worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from math import erf, exp, log, sqrt
from typing import Any

import numpy as np
import pytest

from segue.rewards import multicam
from segue.rewards.multicam_view import CameraView


def view(**changes: Any) -> CameraView:
    """A second step of a shot, half a second long, on a medium camera; then `changes`."""
    values: dict[str, Any] = {
        "level": 0.5,
        "size": 0.5,
        "emphasis": 0.5,
        "orients": False,
        "widest": False,
        "cut": False,
        "stays": True,
        "returns": False,
        "similarity": 0.0,
        "held": 1,
        "step": 0.5,
        "illegal": False,
    }
    return CameraView(**{name: np.atleast_1d(v) for name, v in (values | changes).items()})


def value(term: Any, seen: CameraView) -> Any:
    found = term(seen)
    assert found.dtype == np.float64
    assert term.low <= found.item() <= term.high
    return pytest.approx(found.item(), abs=1e-12)


def cut(**changes: Any) -> CameraView:
    return view(**{"cut": True, "stays": False} | changes)


def test_visibility_is_the_level() -> None:
    assert value(multicam.Visibility(), view(level=0.7)) == 0.7
    assert value(multicam.Visibility(), cut(level=0.0)) == 0.0


def test_the_shot_is_as_close_as_the_moment_matters() -> None:
    term = multicam.Scale()
    assert value(term, view(size=1.0, emphasis=1.0)) == 1.0
    assert value(term, view(size=0.65, emphasis=1.0)) == exp(-0.5)
    assert value(term, view(size=0.7, emphasis=0.0)) == exp(-2.0)


def below(seconds: float) -> float:
    """Chance of a log-normal length of median 4 s and spread .5 below so many seconds."""
    return 0.5 * (1.0 + erf(log(seconds / 4.0) / (0.5 * sqrt(2.0))))


def test_pacing_is_the_evidence_for_log_normal_lengths() -> None:
    term = multicam.Pacing()
    memoryless = 1.0 - exp(-0.5 / (4.0 * exp(0.125)))
    for held in (3, 8, 20):
        ends = (below(held * 0.5 + 0.25) - below(held * 0.5 - 0.25)) / (
            1 - below(held * 0.5 - 0.25)
        )
        assert value(term, cut(held=held)) == pytest.approx(log(ends / memoryless) / 4.0)
        stays = log((1 - ends) / (1 - memoryless)) / 4.0
        assert value(term, view(held=held)) == pytest.approx(stays)
    assert value(term, view(stays=False, held=0)) == 0.0
    # Half a second is so short for a shot that the limit holds.
    assert value(term, cut(held=1)) == -1.0


def test_pacing_adds_up_to_the_likelihood_of_a_length() -> None:
    term = multicam.Pacing(limit=100.0)
    memoryless = 1.0 - exp(-0.5 / (4.0 * exp(0.125)))
    for length in (3, 9, 16):
        steps = [term(view(held=held)).item() for held in range(1, length)]
        total = 100.0 * (sum(steps) + term(cut(held=length)).item())
        chance = below(length * 0.5 + 0.25) - below(length * 0.5 - 0.25)
        known = chance / (1 - below(0.25))  # a shot lasts a step at least
        rival = memoryless * (1 - memoryless) ** (length - 1)
        assert total == pytest.approx(log(known / rival), abs=1e-6)


def test_long_takes_tire() -> None:
    term = multicam.LongTake()
    worth = [(1, 0.0), (12, 0.0), (15, -0.25), (18, -0.5), (24, -1.0), (40, -1.0)]
    for held, expected in worth:
        assert value(term, view(held=held)) == expected
        assert value(term, cut(held=held)) == 0.0


def test_a_cut_between_like_cameras_jumps() -> None:
    term = multicam.JumpCut()
    for similarity, worth in ((0.0, 0.0), (0.5, 0.0), (0.75, -0.5), (1.0, -1.0)):
        assert value(term, cut(similarity=similarity)) == worth
        assert value(term, view(similarity=similarity)) == 0.0


def test_coming_back_too_soon_costs() -> None:
    term = multicam.PingPong()
    for held, worth in ((2, 2 / 3), (3, 0.5), (6, 0.0), (20, 0.0)):
        assert value(term, cut(held=held, returns=True)) == pytest.approx(-worth)
        assert value(term, cut(held=held)) == 0.0
        assert value(term, view(held=held, returns=True)) == 0.0


def test_the_wide_shot_orients() -> None:
    term = multicam.Establishing()
    assert value(term, view(orients=True, widest=True)) == 1.0
    assert value(term, view(orients=True)) == 0.0
    assert value(term, view(widest=True)) == 0.0


def test_illegal_actions_cost_one() -> None:
    assert value(multicam.Legality(), view(illegal=True)) == -1.0
    assert value(multicam.Legality(), view()) == 0.0


def test_terms_broadcast_over_a_grid() -> None:
    grid = replace(
        view(),
        held=np.arange(30).reshape(1, -1),
        cut=np.array([[True], [False]]),
        stays=np.array([[False], [True]]),
    )
    for name, values in zip(multicam.MULTICAM.names, multicam.MULTICAM.values(grid), strict=True):
        assert np.isfinite(values).all(), name
    shape = multicam.Pacing()(grid).shape
    assert shape == (2, 30)
