"""Every term of the reward of montages against values worked out by hand."""

from __future__ import annotations

from math import exp, log
from typing import Any

import pytest
from reward_views import cut, value

from segue.rewards import film, film_view


def test_sync_is_the_strength_of_the_beat() -> None:
    assert value(film.Sync(), cut(strength=0.7)) == 0.175
    assert value(film.Sync(), cut(strength=0.7, share=1.0)) == 0.7
    assert value(film.Sync(), cut(strength=0.7, first=True)) == 0.125


def test_pacing_falls_with_the_energy_of_the_music() -> None:
    term = film.Pacing()
    assert value(term, cut(energy=0.0, seconds=4.0)) == 0.25
    assert value(term, cut(energy=1.0, seconds=1.2)) == 0.25
    assert value(term, cut(energy=0.5, seconds=4.8**0.5)) == 0.25
    assert value(term, cut(energy=0.0, seconds=2.0)) == pytest.approx(
        0.25 * exp(-0.5 * (log(2.0) / 0.5) ** 2)
    )
    assert value(term, cut(energy=0.0, seconds=8.0)) == value(term, cut(energy=0.0, seconds=2.0))
    assert value(term, cut(energy=0.0, seconds=4.0, first=True)) == 0.25


def test_continuity_follows_eye_and_motion() -> None:
    term = film.Continuity()
    # The detail stays, still pictures are neutral.
    assert value(term, cut()) == 0.25 * (0.5 + 0.25)
    far = cut(centroid_x=0.3, last_centroid_y=-0.4)
    assert value(term, far) == pytest.approx(0.25 * (0.5 * exp(-0.5) + 0.25))
    along = {"motion_x": 0.6, "motion_y": 0.8, "last_motion_x": 0.3, "last_motion_y": 0.4}
    assert value(term, cut(**along)) == pytest.approx(0.25 * (0.5 + 0.375))
    against = along | {"motion_x": -0.6, "motion_y": -0.8}
    assert value(term, cut(**against)) == pytest.approx(0.25 * (0.5 + 0.125))
    fast = dict.fromkeys(along, 1.0)
    assert value(term, cut(**fast)) == 0.25
    assert value(term, cut(first=True)) == 0.125


def test_a_plain_cut_between_like_pictures_jumps() -> None:
    term = film.JumpCut()
    assert value(term, cut(similarity=0.97)) == -0.25
    assert value(term, cut(similarity=0.96)) == 0.0
    assert value(term, cut(similarity=0.97, first=True)) == 0.0
    for transition in (film_view.DISSOLVE, film_view.FADE_THROUGH_BLACK, film_view.WIPE):
        assert value(term, cut(similarity=0.97, transition=transition)) == 0.0


def test_diversity_is_what_differs() -> None:
    assert value(film.Diversity(), cut(similarity=0.2)) == 0.2
    assert value(film.Diversity(), cut(similarity=0.2, first=True)) == 0.125


def test_quality_is_sharpness_and_exposure() -> None:
    term = film.Quality()
    assert value(term, cut(sharpness=1.0, brightness=0.5)) == 0.25
    assert value(term, cut(sharpness=0.2, brightness=0.3)) == pytest.approx(
        0.25 * (0.1 + 0.5 * exp(-0.5))
    )
    assert value(term, cut(sharpness=0.0, brightness=0.9)) == pytest.approx(0.125 * exp(-2.0))


def test_only_what_does_not_move_at_all_is_still() -> None:
    term, still = film.Stillness(), {"motion": 0.0, "motion_x": 0.0, "motion_y": 0.0}
    assert value(term, cut(**still)) == -0.25
    for name in still:
        assert value(term, cut(**still | {name: 0.01})) == 0.0


def test_energy_matches_motion_and_loudness() -> None:
    term = film.Energy()
    assert value(term, cut(motion=0.4, energy=0.4)) == 0.25
    assert value(term, cut(motion=0.1, energy=0.4)) == pytest.approx(0.25 * exp(-0.5))
    assert value(term, cut(motion=0.7, energy=0.1)) == pytest.approx(0.25 * exp(-2.0))


def test_order_goes_forward_in_small_steps() -> None:
    term = film.Order()
    assert value(term, cut(position=0.5, last_position=0.3)) == 0.2
    assert value(term, cut(position=0.3, last_position=0.5)) == 0.0
    assert value(term, cut(position=0.5, last_position=0.5)) == 0.0
    assert value(term, cut(position=0.5, last_position=0.3, first=True)) == 0.125


def test_transitions_suit_the_place() -> None:
    term, phrase = film.TransitionFit(), {"strength": 0.95}
    for strength in (0.0, 1.0):
        plain = cut(transition=film_view.CUT, strength=strength)
        assert value(term, plain) == pytest.approx(0.2125)
    dissolve = {"transition": film_view.DISSOLVE, "energy": 0.5}
    assert value(term, cut(**dissolve, **phrase)) == pytest.approx(0.25 * 0.725)
    calm = cut(transition=film_view.DISSOLVE, energy=0.0, **phrase)
    assert value(term, calm) == pytest.approx(0.2375)
    assert value(term, cut(**dissolve, strength=0.94)) == 0.05
    fade = {"transition": film_view.FADE_THROUGH_BLACK, "similarity": 0.2}
    assert value(term, cut(**fade, **phrase)) == 0.2
    assert value(term, cut(**fade, strength=0.94)) == 0.0
    wipe = {"transition": film_view.WIPE, "motion_y": 0.3}
    assert value(term, cut(**wipe, motion_x=-0.8, **phrase)) == 0.2
    assert value(term, cut(**wipe, motion_x=-0.8, strength=0.94)) == 0.0
    assert value(term, cut(**wipe, motion_x=0.4, **phrase)) == 0.1


@pytest.mark.parametrize(
    ("effect", "worth", "changes"),
    [
        (film_view.NONE, 0.9, {"motion": 1.0, "saturation": 0.15}),
        (film_view.SLOW_MOTION, 0.6, {"motion": 0.8, "energy": 0.25}),
        (film_view.SLOW_MOTION, 0.0, {"motion": 0.8, "energy": 1.0}),
        (film_view.COLOUR_BOOST, 0.95, {"saturation": 0.15}),
        (film_view.COLOUR_BOOST, 0.95 * exp(-0.5), {"saturation": 0.23}),
        (film_view.BLACK_AND_WHITE, 1.0, {"saturation": 0.0, "strength": 1.0}),
        (film_view.BLACK_AND_WHITE, 0.0, {"saturation": 0.0, "strength": 0.9}),
        (film_view.BLACK_AND_WHITE, exp(-2.0), {"saturation": 0.12, "strength": 1.0}),
        (film_view.ZOOM_IN, 0.75, {"motion": 0.0, "energy": 0.25}),
        (film_view.ZOOM_IN, exp(-0.5), {"motion": 0.15, "energy": 0.0}),
        (film_view.MIRROR, 0.5, {"motion": 1.0}),
        (film_view.FADE_IN, 1.0, {"first": True}),
        (film_view.FADE_IN, 0.0, {"fills": True}),
        (film_view.FADE_OUT, 1.0, {"fills": True}),
        (film_view.FADE_OUT, 0.0, {"first": True}),
    ],
)
def test_effects_suit_the_picture(effect: int, worth: float, changes: dict[str, Any]) -> None:
    assert value(film.EffectFit(), cut(effect=effect, **changes)) == pytest.approx(0.25 * worth)


def test_what_stays_empty_costs() -> None:
    assert value(film.Duration(), cut(unfilled=0.375)) == -0.375
    assert value(film.Duration(), cut(unfilled=0.0)) == 0.0
