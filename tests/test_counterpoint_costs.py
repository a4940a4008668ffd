"""Each cost of `segue/Counterpoint-v0` against points counted by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from segue.rewards import counterpoint as terms
from segue.rewards.counterpoint_view import CADENTIAL, FIRST, INNER, LAST, CounterpointView


def bar(**changes: Any) -> CounterpointView:
    """A third inside the line, after two steps up against a falling cantus; then `changes`."""
    view = CounterpointView(
        place=np.array([INNER]),
        interval=np.array([4]),
        moves=np.array([True]),
        move=np.array([2]),
        turns=np.array([True]),
        last_move=np.array([1]),
        cantus_move=np.array([-2]),
        lydian_tritone=np.array([False]),
        climax_returned=np.array([False]),
        illegal=np.array([False]),
    )
    return replace(view, **{name: np.atleast_1d(value) for name, value in changes.items()})


@pytest.mark.parametrize(
    ("term", "points", "changes"),
    [
        *((terms.PerfectConsonance(), -1, {"interval": i}) for i in (7, 12, 19)),
        *((terms.PerfectConsonance(), 0, {"interval": i}) for i in (3, 4, 8, 9, 15)),
        *((terms.PerfectConsonance(), 0, {"interval": 12, "place": p}) for p in (FIRST, LAST)),
        (terms.DirectMotion(), -1, {"cantus_move": 5}),
        (terms.DirectMotion(), 0, {"cantus_move": 5, "move": -1}),
        (terms.DirectMotion(), 0, {"cantus_move": 0}),
        (terms.Compound(), -1, {"interval": 15}),
        (terms.Compound(), 0, {"interval": 12}),
        (terms.SkipToOctave(), -1, {"interval": 12, "move": 3}),
        (terms.SkipToOctave(), -1, {"interval": 12, "cantus_move": -4}),
        (terms.SkipToOctave(), 0, {"interval": 12}),
        (terms.SkipToOctave(), 0, {"interval": 7, "move": 3}),
        # A rise of 3 over a cantus that falls by 2 makes a unison a fourth, one of 9 a tenth.
        (terms.SkipFromUnison(), -1, {"interval": 5, "move": 3}),
        (terms.SkipFromUnison(), 0, {"interval": 4, "move": 2}),
        (terms.SkipFromUnison(), 0, {"interval": 7, "move": 3}),
        (terms.TenthToOctave(), -1, {"interval": 12, "move": -2, "cantus_move": 2}),
        (terms.TenthToOctave(), -1, {"interval": 12, "move": -1, "cantus_move": 2}),
        (terms.TenthToOctave(), 0, {"interval": 12, "move": 1, "cantus_move": -2}),
        (terms.ConsecutiveSkips(), -1, {"move": 4, "last_move": 3}),
        (terms.ConsecutiveSkips(), -4, {"move": -7, "last_move": -3}),
        (terms.ConsecutiveSkips(), 0, {"move": 4, "last_move": -3}),
        (terms.ConsecutiveSkips(), 0, {"move": 4, "last_move": 2}),
        *((terms.SkipPreceded(), p, {"move": m}) for m, p in ((5, -1), (7, -3), (12, -3))),
        *((terms.SkipPreceded(), p, {"move": m}) for m, p in ((8, -8), (2, 0), (-5, 0))),
        (terms.SkipPreceded(), -1, {"move": -3, "last_move": 0}),
        *((terms.SkipFollowed(), p, {"last_move": m}) for m, p in ((4, -3), (7, -8), (12, -8))),
        *((terms.SkipFollowed(), p, {"last_move": m}) for m, p in ((8, -34), (2, 0), (-4, 0))),
        (terms.LeapBack(), -4, {"move": -5, "last_move": 7}),
        (terms.LeapBack(), 0, {"move": -5, "last_move": 3}),
        (terms.LeapBack(), 0, {"move": 5, "last_move": 7}),
        (terms.LeapBack(), 0, {"move": -2, "last_move": 12}),
        *((terms.LargeLeap(), p, {"move": m}) for m, p in ((12, -5), (-12, -5), (8, -2), (7, 0))),
        (terms.MelodicTritone(), -1, {"move": 4, "last_move": 2}),
        (terms.MelodicTritone(), -1, {"move": -7, "last_move": 1}),
        (terms.MelodicTritone(), 0, {"move": 4, "last_move": 1}),
        (terms.Neighbour(), -1, {"move": -1}),
        (terms.Neighbour(), 0, {"move": -2}),
        (terms.Neighbour(), 0, {"move": -5, "last_move": 5}),
        (terms.Neighbour(), 0, {"move": 0, "last_move": 0}),
        (terms.Repetition(), -1, {"move": 0}),
        (terms.Repetition(), -1, {"move": -5, "last_move": 5}),
        (terms.Repetition(), -2, {"move": 0, "last_move": 0}),
        (terms.Repetition(), 0, {}),
        (terms.LeapAtCadence(), -1, {"move": 5, "place": CADENTIAL}),
        (terms.LeapAtCadence(), 0, {"move": 4, "place": CADENTIAL}),
        (terms.LeapAtCadence(), 0, {"move": 7}),
        (terms.LydianTritone(), -1, {"lydian_tritone": True}),
        (terms.Climax(), -1, {"place": LAST, "climax_returned": True}),
        (terms.Climax(), 0, {"climax_returned": True}),
        (terms.Legality(), -1, {"illegal": True}),
    ],
    ids=lambda part: getattr(part, "name", ""),
)
def test_what_breaks_a_rule_costs(term: Any, points: float, changes: dict[str, Any]) -> None:
    assert term(bar(**changes)).item() == points
    assert -0.001 < term(bar()).item() <= 0.0


def test_what_needs_a_note_before_costs_nothing_without_one() -> None:
    still = {"moves": False, "move": 0, "turns": False, "last_move": 0, "cantus_move": 0}
    for interval in (0, 7, 12):
        for term, _ in terms.COUNTERPOINT.terms:
            assert term(bar(place=FIRST, interval=interval, **still)).item() == 0.0
    # One note before and none before that: no pair of moves is judged.
    for term in (terms.ConsecutiveSkips(), terms.SkipPreceded(), terms.Neighbour()):
        assert term(bar(move=3, turns=False, last_move=0)).item() == 0.0
