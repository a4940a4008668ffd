"""What transitions and effects are worth where: the tables of `segue.rewards.film_craft`."""

from __future__ import annotations

from dataclasses import fields, replace
from math import exp, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.film.effects import EFFECTS
from segue.envs.film.transitions import TRANSITIONS
from segue.envs.montage import views
from segue.rewards import film, film_craft, film_view
from segue.rewards.film_view import EFFECT_NAMES, TRANSITION_NAMES, CutView

Array = npt.NDArray[Any]
COUNT = 40_000
SIGNED = ("rise", "motion_x", "motion_y", "centroid_x", "centroid_y")
FLAGS = ("first", "fills", "same_film")


def place(**changes: Any) -> CutView:
    """A plain cut that fills the whole film, so that a term is the worth itself."""
    values: dict[str, Any] = {field.name: 0.0 for field in fields(CutView)}
    values |= {"share": 1.0, "seconds": 2.0, "transition": 0, "effect": 0}
    values |= dict.fromkeys(FLAGS, False)
    return CutView(**{name: np.atleast_1d(v) for name, v in (values | changes).items()})


def random_places(seed: int) -> CutView:
    generator = np.random.default_rng(seed)
    values: dict[str, Array] = {f.name: generator.random(COUNT) for f in fields(CutView)}
    signed = [name for name in values if name.removeprefix("last_") in SIGNED]
    values |= {name: generator.uniform(-1.0, 1.0, COUNT) for name in signed}
    values |= {name: generator.random(COUNT) < 0.5 for name in FLAGS}
    values["strength"] = np.where(generator.random(COUNT) < 0.3, 1.0, values["strength"])
    values["share"] = np.ones(COUNT)
    return CutView(**values)


def worths(name: str) -> tuple[Array, tuple[str, ...]]:
    """Worth of everything at random places, (kinds, COUNT), and the names."""
    term: Any = film.TransitionFit() if name == "transition" else film.EffectFit()
    names = TRANSITION_NAMES if name == "transition" else EFFECT_NAMES
    view = random_places(0)
    found = [term(replace(view, **{name: np.full(COUNT, row)})) for row in range(len(names))]
    return np.stack(found), names


OPENS, CALM = {"strength": 1.0}, {"energy": 0.25}
RIGHT = {"motion_x": 0.4, "motion_y": 0.3}


@pytest.mark.parametrize(
    ("name", "worth", "changes"),
    [
        ("cut", 0.85, {}),
        ("cut", 0.85, {**OPENS, "motion_x": 1.0}),
        ("dissolve", 0.8375, {**OPENS, **CALM}),
        ("dissolve", 0.2, CALM),
        ("fade_through_black", 0.7, {**OPENS, "similarity": 0.3}),
        ("fade_through_black", 0.0, {"similarity": 0.3}),
        ("wipe", 0.8, {**OPENS, "motion_x": -0.8, "motion_y": 0.5}),
        ("wipe", 0.0, {"motion_x": -0.8, "motion_y": 0.5}),
        ("wipe_up", 0.5, {**OPENS, "motion_x": -0.8, "motion_y": 0.5}),
        ("dip_to_white", 0.95 * 0.75, {**OPENS, "energy": 0.75}),
        ("dip_to_white", 0.0, {"energy": 0.75}),
        (
            "clock_wipe",
            0.95 * 0.6,
            {**OPENS, "position": 0.5, "last_position": 0.3, "same_film": 1},
        ),
        ("clock_wipe", 0.0, {**OPENS, "position": 0.5, "last_position": 0.3}),
        ("clock_wipe", 0.0, {**OPENS, "position": 0.3, "last_position": 0.5, "same_film": 1}),
        ("iris", 0.75 * exp(-0.5), {**OPENS, **CALM, "last_centroid_x": 0.3}),
        ("slide", 0.95 * 0.7, {"last_motion_x": 0.7, "motion_x": 0.1}),
        ("push", 0.1 + 0.9 * sqrt(0.32), {"last_motion_x": -0.4, "motion_x": -0.8}),
        ("push", 0.1, {"last_motion_x": 0.4, "motion_x": -0.8}),
        ("zoom", 0.1 + 0.9 * 0.5 * 0.6, {"strength": 0.5, "rise": 0.3}),
        ("zoom", 1.0, {"strength": 1.0, "rise": 0.7}),
        ("whip", 0.5 * 0.24 + 0.2, {"motion": 0.3, "energy": 0.8, **RIGHT, "last_motion_x": 0.4}),
        (
            "match_cut",
            0.1 + 0.9 * 0.5 / 0.52,
            {**RIGHT, "last_motion_x": 0.4, "last_motion_y": 0.3},
        ),
        ("match_cut", 0.1, {**RIGHT, "last_motion_x": -0.4, "last_motion_y": -0.3}),
        ("match_cut", 0.1, {}),
        ("j_cut", 0.8, {"same_film": 1}),
        ("j_cut", 1.0, {"same_film": 1, "rise": 0.5}),
        ("j_cut", 0.4 + 0.4 * exp(-0.5), {"same_film": 1, "position": 0.08, "rise": -0.5}),
        ("j_cut", 0.4, {"rise": 0.5}),
        ("l_cut", 0.9, {"same_film": 1, "rise": -0.25}),
        ("l_cut", 0.8, {"same_film": 1, "rise": 0.25}),
    ],
)
def test_a_transition_suits_the_place(name: str, worth: float, changes: dict[str, Any]) -> None:
    view = place(transition=TRANSITION_NAMES.index(name), **changes)
    assert film.TransitionFit()(view).item() == pytest.approx(worth)


@pytest.mark.parametrize(
    ("name", "worth", "changes"),
    [
        ("speed_up", 0.6 * 0.5, {"motion": 0.4, "energy": 0.5}),
        ("freeze", 0.95 * 0.24, {**OPENS, "motion": 0.4, "rise": -0.3}),
        ("freeze", 0.0, {"motion": 0.4, "rise": -0.3}),
        ("freeze", 0.0, {**OPENS, "motion": 0.4, "rise": 0.3}),
        ("zoom_out", 1.0, OPENS),
        ("zoom_out", 0.0, {}),
        ("shake", 0.1, {"motion": 0.4, "energy": 0.5, "strength": 0.5}),
        ("blur", 1.0, {**OPENS, "sharpness": 0.2}),
        ("sharpen", 0.95 * exp(-0.5), {"sharpness": 0.53}),
        ("vignette", 1.0, {**OPENS, "brightness": 0.2}),
        ("vignette", 0.2, {"brightness": 0.2}),
        ("warm", 0.2 + 0.8 * exp(-0.5), {**OPENS, "brightness": 0.6}),
        ("cool", 1.0, {**OPENS, "saturation": 0.6}),
        ("sepia", 0.75, {**OPENS, "brightness": 0.6, **CALM}),
        ("letterbox", 0.2 + 0.75 * 0.75, {**OPENS, **CALM}),
        ("flash", 0.95 * 0.75, {**OPENS, "energy": 0.75}),
    ],
)
def test_an_effect_suits_the_picture(name: str, worth: float, changes: dict[str, Any]) -> None:
    view = place(effect=EFFECT_NAMES.index(name), **changes)
    assert film.EffectFit()(view).item() == pytest.approx(worth)


@pytest.mark.parametrize("name", ["transition", "effect"])
def test_none_pays_for_itself_and_each_has_its_place(name: str) -> None:
    worth, names = worths(name)
    assert (worth >= 0.0).all()
    assert (worth <= 1.0).all()
    plain = {"transition": 0.85, "effect": 0.9}[name]
    np.testing.assert_array_equal(worth[0], plain)
    for row in range(1, len(names)):
        # The exception, wherever it stands; only fades have a place in every film.
        rare = (worth[row] > plain).mean() < 0.16 or names[row] in ("fade_in", "fade_out")
        assert rare, f"{names[row]} has too many places"
        best = worth[row] > np.delete(worth, row, axis=0).max(axis=0)
        # What the mirror does for continuity is paid there.
        assert best.any() or names[row] == "mirror", f"{names[row]} is never the best"


def test_the_tables_know_every_transition_and_effect() -> None:
    assert tuple(TRANSITIONS)[: len(TRANSITION_NAMES)] == TRANSITION_NAMES
    assert tuple(EFFECTS)[: len(EFFECT_NAMES)] == EFFECT_NAMES
    assert set(film_craft.TRANSITION_TABLE) == set(TRANSITION_NAMES)
    assert set(film_craft.EFFECT_TABLE) == set(EFFECT_NAMES)
    for table in (film_craft.TRANSITION_TABLE, film_craft.EFFECT_TABLE):
        for preference in table.values():
            assert preference.base + sum(preference.cues.values()) <= 1.0 + 1e-12
            assert min(preference.cues.values(), default=0.0) >= 0.0
    plain = [name for name, spec in TRANSITIONS.items() if spec.blend is None]
    assert [TRANSITION_NAMES[row] for row in np.flatnonzero(film_view.PLAIN)] == plain


def test_what_others_register_is_neutral(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRANSITIONS, "page_turn", TRANSITIONS["wipe"])
    monkeypatch.setitem(EFFECTS, "negative", EFFECTS["sepia"])
    number, code = len(TRANSITIONS) - 1, views.transition_codes()[-1]
    assert code == len(TRANSITION_NAMES)
    assert views.transition_codes().tolist() == list(range(number + 1))
    view = place(transition=code, effect=views.effect_codes()[-1], motion_x=1.0, similarity=0.99)
    assert film.TransitionFit()(view).item() == film_craft.NEUTRAL
    assert film.EffectFit()(view).item() == film_craft.NEUTRAL
    # It is no cut, so pictures may be alike.
    assert film.JumpCut()(view).item() == 0.0


def test_a_match_cut_asks_for_the_in_point_at_which_the_movement_goes_on() -> None:
    thirds = {"motion_x": np.array([-0.5, 0.1, 0.5]), "centroid_x": np.array([0.2, 0.2, 0.2])}
    view = place(last_motion_x=0.5, last_centroid_x=0.2)
    name = TRANSITION_NAMES.index("match_cut")
    view = replace(view, transition=np.full(3, name), **thirds)
    worth = film.TransitionFit()(view)
    assert worth.argmax() == 2
    assert worth[0] < 0.6 < worth[2]
