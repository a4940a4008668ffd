"""Shaping and sums of reward terms, and the range of every term."""

from __future__ import annotations

from dataclasses import fields
from math import exp
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from reward_views import cut, note, value

from segue.envs.lead_sheet.types import LOW
from segue.envs.montage.env import MontageEnv
from segue.rewards import WeightedSum, bell, film, film_view, melody
from segue.rewards.counterpoint import COUNTERPOINT
from segue.rewards.counterpoint_view import CounterpointView
from segue.rewards.film import MONTAGE
from segue.rewards.film_view import CutView
from segue.rewards.highlight import HIGHLIGHT
from segue.rewards.highlight_view import HighlightView
from segue.rewards.melody import LEAD_SHEET, NoteView

Array = npt.NDArray[Any]


def test_the_bell_falls_from_one() -> None:
    assert bell(0.0, 2.0) == 1.0
    assert bell(2.0, 2.0) == pytest.approx(exp(-0.5))
    assert bell(-2.0, 2.0) == pytest.approx(exp(-0.5))
    assert bell(3.0, 1.5) == pytest.approx(exp(-2.0))
    assert bell([[0, 1]], 1).shape == (1, 2)


def test_a_sum_names_weighs_and_adds_its_terms() -> None:
    both = WeightedSum(((melody.Harmony(), 2.0), (melody.Legality(), 0.5)))
    assert both.names == ("harmony", "legality")
    assert both.weights == {"harmony": 2.0, "legality": 0.5}
    harmony, legality = both.values(note(illegal=True))
    assert (harmony.tolist(), legality.tolist()) == ([0.5], [-0.5])
    changed = both.with_weights({"legality": 3.0})
    assert changed.names == both.names
    assert changed.weights == {"harmony": 2.0, "legality": 3.0}
    assert both.weights == {"harmony": 2.0, "legality": 0.5}
    assert [v.item() for v in changed.values(note(illegal=True))] == [0.5, -3.0]


def test_wrong_names_are_told() -> None:
    with pytest.raises(ValueError, match="distinct names, got harmony, harmony"):
        WeightedSum(((melody.Harmony(), 1.0), (melody.Harmony(), 1.0)))
    with pytest.raises(ValueError, match="'volume'; the terms are harmony, resolution"):
        LEAD_SHEET.with_weights({"volume": 1.0})
    with pytest.raises(ValueError, match="'volume'"):
        MontageEnv(shots=3, beats=4, bins=1, reward_weights={"volume": 1.0})


@pytest.mark.parametrize(("term", "view"), [(melody.Legality(), note), (film.Legality(), cut)])
def test_illegal_actions_cost_one(term: Any, view: Any) -> None:
    assert value(term, view(illegal=True)) == -1.0
    assert value(term, view(illegal=False)) == 0.0


# --- ranges ------------------------------------------------------------------------------------

COUNT = 4000


def random_notes(generator: np.random.Generator) -> NoteView:
    moves = generator.random(COUNT) < 0.7
    return NoteView(
        kind=generator.integers(0, 3, COUNT),
        pitch=generator.integers(LOW, LOW + 25, COUNT),
        chord_tone=generator.random(COUNT) < 0.5,
        degree=generator.integers(-1, 12, COUNT),
        moves=moves,
        interval=np.where(moves, generator.integers(-12, 13, COUNT), 0),
        leap=generator.integers(-1, 2, COUNT),
        run=generator.integers(-4, 5, COUNT),
        repeats=generator.integers(0, 3, COUNT),
        unresolved=generator.random(COUNT) < 0.5,
        strength=generator.choice([0.125, 0.25, 0.5, 1.0], COUNT),
        target=generator.uniform(LOW, LOW + 24, COUNT),
        template=generator.integers(0, 4, COUNT),
        motif=generator.integers(-1, 3, COUNT),
        cadence=generator.integers(0, 3, COUNT),
        illegal=generator.random(COUNT) < 0.5,
    )


def random_bars(generator: np.random.Generator) -> CounterpointView:
    moves, turns = generator.random((2, COUNT)) < 0.9
    return CounterpointView(
        place=generator.integers(0, 4, COUNT),
        interval=generator.integers(0, 20, COUNT),
        moves=moves,
        move=np.where(moves, generator.integers(-12, 13, COUNT), 0),
        turns=moves & turns,
        last_move=np.where(moves & turns, generator.integers(-12, 13, COUNT), 0),
        cantus_move=np.where(moves, generator.integers(-12, 13, COUNT), 0),
        lydian_tritone=generator.random(COUNT) < 0.5,
        climax_returned=generator.random(COUNT) < 0.5,
        illegal=generator.random(COUNT) < 0.5,
    )


def random_shots(generator: np.random.Generator) -> HighlightView:
    value, room, typicality, novelty = generator.random((4, COUNT))
    keeps, illegal = generator.random((2, COUNT)) < 0.5
    return HighlightView(value, room, typicality, novelty, keeps, illegal)


def random_cuts(generator: np.random.Generator) -> CutView:
    values: dict[str, Array] = {f.name: generator.random(COUNT) for f in fields(CutView)}
    signed = [name for name in values if "motion_" in name or "centroid_" in name]
    values |= {name: generator.uniform(-1.0, 1.0, COUNT) for name in signed}
    flags = ("first", "fills", "same_film", "illegal")
    values |= {name: generator.random(COUNT) < 0.5 for name in flags}
    values |= {"rise": generator.uniform(-1.0, 1.0, COUNT)}
    kinds = {"transition": film_view.TRANSITION_NAMES, "effect": film_view.EFFECT_NAMES}
    # One more than there are names stands for what others have registered.
    values |= {key: generator.integers(0, len(n) + 1, COUNT) for key, n in kinds.items()}
    values |= {"seconds": 0.1 + 20 * values["share"]}
    values["share"][::2] = 1.0
    for name in ("motion", "motion_x", "motion_y"):
        values[name][::5] = 0.0
    return CutView(**values)


@pytest.mark.parametrize(
    ("term", "draw"),
    [(term, random_notes) for term, _ in LEAD_SHEET.terms]
    + [(term, random_bars) for term, _ in COUNTERPOINT.terms]
    + [(term, random_shots) for term, _ in HIGHLIGHT.terms]
    + [(term, random_cuts) for term, _ in MONTAGE.terms],
    ids=lambda part: getattr(part, "name", ""),
)
def test_terms_keep_their_range_and_use_it(term: Any, draw: Any) -> None:
    found = term(draw(np.random.default_rng(0)))
    assert found.shape == (COUNT,)
    assert found.min() >= term.low
    assert found.max() <= term.high
    # The stated range is not wider than it need be.
    assert found.min() <= term.low + 0.1
    assert found.max() >= term.high - 0.1


@pytest.mark.parametrize(
    ("preset", "draw"),
    [(LEAD_SHEET, random_notes), (COUNTERPOINT, random_bars), (MONTAGE, random_cuts)],
    ids=["LEAD_SHEET", "COUNTERPOINT", "MONTAGE"],
)
def test_terms_do_not_look_at_what_they_do_not_tell(preset: Any, draw: Any) -> None:
    view = draw(np.random.default_rng(1))
    whole = preset.values(view)
    part = type(view)(**{f.name: getattr(view, f.name)[17:18] for f in fields(view)})
    for all_of_them, alone in zip(whole, preset.values(part), strict=True):
        np.testing.assert_allclose(alone, all_of_them[17:18], rtol=0, atol=1e-15)
