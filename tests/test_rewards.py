"""Every reward term against values worked out by hand, and both presets against stored ones."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction
from math import cos, exp, log, sin
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.counterpoint.env import CounterpointEnv
from segue.envs.film.shots import FEATURES, THIRDS, THUMBNAIL
from segue.envs.highlight.env import HighlightEnv
from segue.envs.highlight.types import Video
from segue.envs.lead_sheet.env import LeadSheetEnv
from segue.envs.lead_sheet.types import LOW
from segue.envs.lead_sheet.types import Piece as Progression
from segue.envs.melody.env import MelodyEnv
from segue.envs.montage.dynamics import clock
from segue.envs.montage.env import MontageEnv
from segue.envs.montage.types import Bank
from segue.envs.multicam.env import MulticamEnv
from segue.envs.multicam.types import NO_THUMBNAILS, Camera, Scene
from segue.envs.music.chords import Chord
from segue.envs.music.metre import Metre
from segue.envs.music.tune import ChordSpan
from segue.rewards import WeightedSum, bell, film, film_view, melody
from segue.rewards.counterpoint import COUNTERPOINT
from segue.rewards.counterpoint_view import CounterpointView
from segue.rewards.film import MONTAGE
from segue.rewards.film_view import CutView
from segue.rewards.highlight import HIGHLIGHT
from segue.rewards.highlight_view import HighlightView
from segue.rewards.melody import LEAD_SHEET, NoteView
from segue.rewards.multicam import MULTICAM
from segue.rewards.phrase import PHRASE

Array = npt.NDArray[Any]


def note(**changes: Any) -> NoteView:
    """A weak onset of a chord tone, a whole step up from the note before; then `changes`."""
    view = NoteView(
        kind=np.array([melody.ONSET]),
        pitch=np.array([67]),
        chord_tone=np.array([True]),
        degree=np.array([7]),
        moves=np.array([True]),
        interval=np.array([2]),
        leap=np.array([0]),
        run=np.array([0]),
        repeats=np.array([0]),
        unresolved=np.array([False]),
        strength=np.array([0.25]),
        target=np.array([67.0]),
        template=np.array([melody.ONSET]),
        motif=np.array([melody.NO_MOTIF]),
        cadence=np.array([melody.NO_CADENCE]),
        illegal=np.array([False]),
    )
    return replace(view, **{name: np.atleast_1d(value) for name, value in changes.items()})


def cut(**changes: Any) -> CutView:
    """A plain cut in the middle of a film to a piece of a quarter of it; then `changes`."""
    values: dict[str, Any] = {field.name: 0.0 for field in fields(CutView)}
    values |= {"share": 0.25, "seconds": 2.0, "first": False, "fills": False, "illegal": False}
    values |= {
        "transition": film_view.CUT,
        "effect": film_view.NONE,
        "strength": 0.5,
        "similarity": 0.5,
    }
    return CutView(**{name: np.atleast_1d(v) for name, v in (values | changes).items()})


def value(term: Any, view: Any) -> Any:
    found = term(view)
    assert found.dtype == np.float64
    return pytest.approx(np.broadcast_to(found, (1,)).item(), abs=1e-12)


# --- shaping and sums --------------------------------------------------------------------------


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


# --- melody ------------------------------------------------------------------------------------


def test_harmony_is_weighted_by_the_metre() -> None:
    term = melody.Harmony()
    assert value(term, note(strength=1.0)) == 1.0
    assert value(term, note(strength=0.125)) == 0.125
    assert value(term, note(strength=0.5, chord_tone=False)) == -0.5
    assert value(term, note(strength=1.0, kind=melody.HOLD, chord_tone=False)) == -1.0
    assert value(term, note(strength=1.0, kind=melody.HOLD)) == 0.0
    assert value(term, note(strength=1.0, kind=melody.REST, chord_tone=False)) == 0.0


def test_dissonance_is_left_by_step() -> None:
    term = melody.Resolution()
    for interval, worth in ((1, 0), (2, 0), (-1, 0), (-2, 0), (0, -1), (3, -1), (-3, -1), (12, -1)):
        assert value(term, note(unresolved=True, interval=interval)) == worth
    assert value(term, note(unresolved=True, kind=melody.HOLD, moves=False, interval=0)) == 0
    assert value(term, note(unresolved=True, kind=melody.REST, moves=False, interval=0)) == -1
    assert value(term, note(unresolved=True, kind=melody.ONSET, moves=False, interval=1)) == -1
    assert value(term, note(unresolved=False, interval=7)) == 0


def test_small_intervals_are_worth_more() -> None:
    worth = (-0.3, 1.0, 1.0, 0.6, 0.5, 0.3, -1.0, 0.2, -0.4, -0.4, -1.0, -1.0, 0.0)
    for size, expected in enumerate(worth):
        assert value(melody.Motion(), note(interval=size)) == expected
        assert value(melody.Motion(), note(interval=-size)) == expected
    assert value(melody.Motion(), note(moves=False, interval=0)) == 0


def test_what_goes_on_too_long_is_worth_less() -> None:
    term = melody.Motion()
    for sign in (1, -1):
        for run, size, worth in (
            (3, 2, 1.0),
            (4, 2, -2.0),
            (4, 4, -2.0),
            (4, -2, 1.0),
            (4, 5, 0.3),
        ):
            assert value(term, note(run=sign * run, interval=sign * size)) == worth
    assert value(term, note(run=4, interval=0)) == -0.3
    assert [value(term, note(repeats=n, interval=0)) for n in range(3)] == [-0.3, -1.0, -2.0]
    assert value(term, note(repeats=1, interval=1)) == 1.0
    assert value(term, note(run=4, repeats=2, moves=False, interval=0)) == 0


def test_cadences_are_reached_by_step() -> None:
    term = melody.Approach()
    for cadence in (melody.HALF_CADENCE, melody.FULL_CADENCE):
        for size, worth in ((0, -0.5), (1, 0), (2, 0), (3, -0.5), (4, -0.5), (5, -1), (12, -1)):
            for sign in (1, -1):
                assert value(term, note(cadence=cadence, interval=sign * size)) == worth
        assert value(term, note(cadence=cadence, moves=False, interval=0)) == -0.5
    assert value(term, note(cadence=melody.NO_CADENCE, interval=7)) == 0


def test_a_leap_is_answered_by_a_step_back() -> None:
    term = melody.LeapRecovery()
    for leap in (1, -1):
        for interval, worth in ((-1, 0), (-2, 0), (-3, -1), (0, -1), (1, -1), (2, -1), (-7, -1)):
            assert value(term, note(leap=leap, interval=leap * interval)) == worth
    assert value(term, note(leap=0, interval=-1)) == 0
    assert value(term, note(leap=1, interval=0, moves=False)) == 0


def test_onsets_lie_near_the_arch() -> None:
    term = melody.Contour()
    assert value(term, note(pitch=70, target=70.0)) == 1.0
    assert value(term, note(pitch=73, target=70.0)) == pytest.approx(exp(-0.5))
    assert value(term, note(pitch=64, target=70.0)) == pytest.approx(exp(-2.0))
    assert value(term, note(pitch=70, target=70.0, kind=melody.HOLD)) == 0.0
    assert value(term, note(pitch=-1, target=70.0, kind=melody.REST)) == 0.0
    assert value(term, note(pitch=60, target=melody.NO_TARGET)) == 0.0


def test_rhythm_follows_the_template() -> None:
    # Asked for (rows) against played (columns): rest, hold, onset; the last row is free.
    worth = [[0, -0.5, -1], [-0.5, 0, -1], [-1, -1, 0], [0, 0, 0]]
    for template in range(4):
        for kind in range(3):
            view = note(template=template, kind=kind)
            assert value(melody.Rhythm(), view) == worth[template][kind]


def test_the_motif_asks_for_directions() -> None:
    term = melody.Motif()
    for motif in (-1, 0, 1):
        for interval in (-5, -1, 0, 2, 9):
            agrees = int(np.sign(interval)) == motif
            assert value(term, note(motif=motif, interval=interval)) == (1 if agrees else -1)
    assert value(term, note(motif=melody.NO_MOTIF, interval=2)) == 0
    assert value(term, note(motif=1, interval=0, moves=False)) == 0


def test_cadences_ask_for_degrees() -> None:
    term = melody.Cadence()
    for degree in range(-1, 12):
        full = value(term, note(cadence=melody.FULL_CADENCE, degree=degree))
        assert full == (0 if degree == 0 else -1)
        half = value(term, note(cadence=melody.HALF_CADENCE, degree=degree))
        assert half == (0 if degree in (2, 7, 10, 11) else -1)
        assert value(term, note(cadence=melody.NO_CADENCE, degree=degree)) == 0


@pytest.mark.parametrize(("term", "view"), [(melody.Legality(), note), (film.Legality(), cut)])
def test_illegal_actions_cost_one(term: Any, view: Any) -> None:
    assert value(term, view(illegal=True)) == -1.0
    assert value(term, view(illegal=False)) == 0.0


# --- film --------------------------------------------------------------------------------------


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
        assert value(term, cut(transition=film_view.CUT, strength=strength)) == 0.15
    dissolve = {"transition": film_view.DISSOLVE, "energy": 0.5}
    assert value(term, cut(**dissolve, **phrase)) == 0.175
    calm = cut(transition=film_view.DISSOLVE, energy=0.0, **phrase)
    assert value(term, calm) == pytest.approx(0.225)
    assert value(term, cut(**dissolve, strength=0.94)) == 0.05
    fade = {"transition": film_view.FADE_THROUGH_BLACK, "similarity": 0.2}
    assert value(term, cut(**fade, **phrase)) == 0.2
    assert value(term, cut(**fade, strength=0.94)) == 0.0
    wipe = {"transition": film_view.WIPE, "motion_y": 0.3}
    assert value(term, cut(**wipe, motion_x=-0.8)) == 0.2
    assert value(term, cut(**wipe, motion_x=0.4, **phrase)) == 0.1


@pytest.mark.parametrize(
    ("effect", "worth", "changes"),
    [
        (film_view.NONE, 0.6, {"motion": 1.0, "saturation": 0.15}),
        (film_view.SLOW_MOTION, 0.6, {"motion": 0.8, "energy": 0.25}),
        (film_view.SLOW_MOTION, 0.0, {"motion": 0.8, "energy": 1.0}),
        (film_view.COLOUR_BOOST, 1.0, {"saturation": 0.15}),
        (film_view.COLOUR_BOOST, exp(-0.5), {"saturation": 0.23}),
        (film_view.BLACK_AND_WHITE, 1.0, {"saturation": 0.0}),
        (film_view.BLACK_AND_WHITE, exp(-2.0), {"saturation": 0.12}),
        (film_view.ZOOM_IN, 0.9, {"motion": 0.0}),
        (film_view.ZOOM_IN, 0.9 * exp(-0.5), {"motion": 0.15}),
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


# --- the presets -------------------------------------------------------------------------------

WEIGHTS = {
    "segue/Highlight-v0": {
        "importance": 1.0,
        "diversity": 0.1,
        "representativeness": 0.1,
        "legality": 0.25,
    },
    "segue/Counterpoint-v0": {
        "perfect_consonance": 2.0,
        "direct_motion": 1.0,
        "compound": 1.0,
        "skip_to_octave": 8.0,
        "skip_from_unison": 4.0,
        "tenth_to_octave": 8.0,
        "consecutive_skips": 1.0,
        "skip_preceded": 1.0,
        "skip_followed": 1.0,
        "leap_back": 1.0,
        "large_leap": 1.0,
        "melodic_tritone": 8.0,
        "neighbour": 1.0,
        "repetition": 1.0,
        "leap_at_cadence": 13.0,
        "lydian_tritone": 13.0,
        "climax": 4.0,
        "legality": 4.0,
    },
    "segue/LeadSheet-v0": {
        "harmony": 1.0,
        "resolution": 1.0,
        "motion": 1.0,
        "leap_recovery": 1.0,
        "contour": 0.6,
        "rhythm": 2.5,
        "motif": 0.4,
        "cadence": 4.0,
        "approach": 2.0,
        "legality": 1.0,
    },
    "segue/Melody-v0": {
        "scale": 1.0,
        "motion": 2.5,
        "recovery": 0.5,
        "leaps": 10.0,
        "climax": 3.0,
        "nadir": 3.0,
        "opening": 9.0,
        "cadence": 2.0,
        "rhythm": 1.5,
        "silence": 1.0,
        "repetition": 5.0,
        "variety": 0.8,
        "return": 1.5,
        "echo": 0.3,
        "run": 8.0,
        "monotony": 300.0,
        "surprise": 4.0,
        "prior": 5.0,
        "legality": 1.0,
    },
    "segue/Montage-v0": {
        "sync": 1.0,
        "pacing": 4.0,
        "continuity": 1.0,
        "jump_cut": 1.0,
        "diversity": 0.5,
        "quality": 0.5,
        "stillness": 1.0,
        "energy": 0.8,
        "order": 2.5,
        "transition_fit": 1.0,
        "effect_fit": 1.0,
        "duration": 3.0,
        "legality": 0.1,
    },
    "segue/Multicam-v0": {
        "visibility": 1.0,
        "scale": 0.5,
        "pacing": 1.0,
        "long_take": 0.8,
        "jump_cut": 1.0,
        "ping_pong": 0.5,
        "establishing": 0.5,
        "legality": 0.5,
    },
}


def progression() -> Progression:
    """Two bars in C: the tonic's chord and its dominant, with every kind of demand."""
    onset, hold, rest, free = melody.ONSET, melody.HOLD, melody.REST, melody.NO_MOTIF
    return Progression(
        mood="hopeful",
        tonic=0,
        mode="major",
        tempo=120.0,
        metre=Metre(4, 4),
        chords=tuple(
            ChordSpan(4 * bar, 4, Chord(root, "maj")) for bar, root in enumerate((0, 7, 0))
        ),
        template=np.array([onset, hold, onset, onset, rest, onset, hold, rest] * 3, dtype=np.int8),
        motif=np.array([free, free, 1, -1, free, 1, 0, free] * 3, dtype=np.int8),
        cadence=np.array([0] * 8 + [1] + [0] * 7 + [2] + [0] * 7, dtype=np.int8),
        target=np.array([67 + 5 * sin(slot / 3) for slot in range(24)]),
    )


# Pitches as MIDI numbers; rests, holds, one illegal leap and one pitch outside key and chord.
MELODY = [64, 1, 72, 71, 0, 69, 1, 0, 65, 64, 62, 1, 67, 73, 84, 1, 72, 71, 72, 1, 65, 69, 1, 0]


def sheet_episode(**options: Any) -> tuple[list[float], list[dict[str, float]]]:
    env = LeadSheetEnv(pieces=[progression()], **options)
    env.reset(seed=0)
    results = [env.step(a if a < 2 else a - LOW + 2) for a in MELODY]
    assert results[-1][2]
    return [r[1] for r in results], [r[4]["reward_terms"] for r in results]


def montage_bank() -> Bank:
    """Five shots of few frames under twelve beats: the film stays partly empty."""
    shots, beats = 5, 12
    frames = np.array([[40, 48, 30, 24, 50]])
    grid = np.arange(beats + 1) * 12
    lengths, spans = clock(grid)
    number = np.arange(shots * THIRDS * len(FEATURES)).reshape(1, shots, THIRDS, len(FEATURES))
    signed = [name in ("motion_x", "motion_y", "centroid_x", "centroid_y") for name in FEATURES]
    features = number * 7 % 31 / 31
    # The fourth shot is a still.
    features[0, 3, :, FEATURES.index("motion")] = 0.0
    features[0, 3, :, [FEATURES.index("motion_x"), FEATURES.index("motion_y")]] = 0.5
    likeness = np.arange((shots * THIRDS) ** 2) * 11 % 37 / 36
    likeness = likeness.reshape(1, shots, THIRDS, shots, THIRDS)
    # A plain cut from the third shot to the first one jumps.
    likeness[0, 2, :, 0, :] = 0.98
    return Bank(
        rate=Fraction(24),
        beat_frames=grid,
        lengths=lengths,
        spans=spans,
        strength=np.array([1, 0.25, 0.5, 0.25, 0.75, 0.25] * 2, dtype=np.float32),
        energy=np.array([0.5 - 0.4 * cos(b / 2) for b in range(beats)], dtype=np.float32),
        row=np.arange(shots, dtype=np.int32)[None],
        frames=frames,
        features=np.where(signed, 2 * features - 1, features).astype(np.float32),
        similarity=likeness.astype(np.float32),
        position=np.array([[0.1, 0.3, 0.45, 0.7, 0.9]], dtype=np.float32),
        film=np.array([[0, 0, 0, 1, 1]], dtype=np.int32),
        thumbnails=np.zeros((shots, THIRDS, *THUMBNAIL, 3), dtype=np.uint8),
    )


# Shot, in-point, length, transition, effect; the third comes again and is replaced.
PIECES = [
    (2, 1, 0, film_view.CUT, film_view.FADE_IN),
    (0, 0, 1, film_view.CUT, film_view.MIRROR),
    (0, 2, 0, film_view.WIPE, film_view.NONE),
    (4, 1, 1, film_view.CUT, film_view.SLOW_MOTION),
    (3, 0, 1, film_view.FADE_THROUGH_BLACK, film_view.BLACK_AND_WHITE),
]


def montage_episode(**options: Any) -> tuple[list[float], list[dict[str, float]]]:
    env = MontageEnv(bank=montage_bank(), **options)
    env.reset(seed=0)
    results = [env.step(np.array(piece)) for piece in PIECES]
    assert results[-1][2]
    return [r[1] for r in results], [r[4]["reward_terms"] for r in results]


# Cantus firmi and lines above them, MIDI pitches; the third note of the first line is illegal.
COUNTERPOINTS = (
    (
        (53, 57, 59, 60, 53, 55, 50, 53, 50, 52, 55, 57, 55, 53),
        (60, 72, 53, 64, 72, 67, 65, 65, 65, 60, 59, 60, 64, 65),
    ),
    ((62, 65, 64, 62), (62, 69, 73, 74)),
)


def counterpoint_episode(**options: Any) -> tuple[list[float], list[dict[str, float]]]:
    results = []
    for cantus, line in COUNTERPOINTS:
        env = CounterpointEnv(cantus=cantus, **options)
        env.reset(seed=0)
        results += [env.step(pitch - cantus[-1]) for pitch in line]
        assert results[-1][2]
    return [r[1] for r in results], [r[4]["reward_terms"] for r in results]


def highlight_episode(**options: Any) -> tuple[list[float], list[dict[str, float]]]:
    looks = np.array([[1.0, 0], [0, 2], [3, 0], [3, 4], [0, 1], [2, 0]])
    seconds = np.array([2.0, 1, 4, 2, 3, 8])
    video = Video("six shots", seconds, np.array([1.0, 3, 2, 5, 4, 1]), looks)
    env = HighlightEnv(videos=[video], budget=0.5, unit=1.0, **options)
    env.reset(seed=0)
    # Of 10 s, 8 are kept; the last shot is longer than what is left.
    results = [env.step(action) for action in (1, 0, 1, 1, 0, 1)]
    assert results[-1][2]
    return [r[1] for r in results], [r[4]["reward_terms"] for r in results]


# Two times a motif, two offs, a scale run, an action that is no token, a pitch outside the key
# five times.
TOKENS = [14, 1, 18, 16, 18, 1, 21, 1] * 2
TOKENS += [14, 0, 0, 16, 18, 19, 21, 23, 25, 99, 15, 15, 15, 15, 15, 21]
# Ten notes of a scale, and a turn on the last beat.
SCALE_RUN = [14, 1, 16, 1, 18, 1, 19, 1, 21, 1, 23, 1, 25, 1, 26, 1, 28, 1, 1, 1, 1, 1, 1, 1]
SCALE_RUN += [30, 1, 1, 1, 28, 1, 1, 1]


class Falling:
    """Tokens are the less likely the greater they are."""

    def log_probabilities(self, tokens: Array) -> Array:
        return np.tile(-1.0 - np.arange(38) / 10, (len(tokens), 1))


def melody_episode(**options: Any) -> tuple[list[float], list[dict[str, float]]]:
    env = MelodyEnv(prior=Falling(), **options)
    results = []
    for tokens in (TOKENS, SCALE_RUN):
        env.reset(seed=0)
        results += [env.step(token) for token in tokens]
        assert results[-1][2]
    return [r[1] for r in results], [r[4]["reward_terms"] for r in results]


def hand_scene() -> Scene:
    """Ten steps of two seconds before three cameras, the last two nearly alike."""
    return Scene(
        title="By hand",
        seconds=Fraction(2),
        cameras=(Camera("wide", 0), Camera("close", 3), Camera("medium", 2)),
        levels=np.array([[3, 7, 1], [3, 0, 5]] * 5, dtype=np.int8),
        emphasis=np.array([0, 1, 2, 3, 3, 2, 1, 0, 1, 2], dtype=np.int8),
        orients=np.array([True, False] * 5),
        similarity=np.array([[1.0, 0.2, 0.4], [0.2, 1.0, 0.8], [0.4, 0.8, 1.0]]),
        thumbnails=NO_THUMBNAILS,
    )


def multicam_episode(**options: Any) -> tuple[list[float], list[dict[str, float]]]:
    env = MulticamEnv(scenes=[hand_scene()], hold=1, **options)
    env.reset(seed=0)
    results = [env.step(camera) for camera in (0, 0, 0, 0, 0, 1, 2, 1, 7, 0)]
    assert results[-1][2]
    return [r[1] for r in results], [r[4]["reward_terms"] for r in results]


EPISODES = {
    "segue/Counterpoint-v0": counterpoint_episode,
    "segue/Highlight-v0": highlight_episode,
    "segue/LeadSheet-v0": sheet_episode,
    "segue/Melody-v0": melody_episode,
    "segue/Montage-v0": montage_episode,
    "segue/Multicam-v0": multicam_episode,
}
PRESETS: dict[str, Any] = {
    "segue/Counterpoint-v0": COUNTERPOINT,
    "segue/Highlight-v0": HIGHLIGHT,
    "segue/LeadSheet-v0": LEAD_SHEET,
    "segue/Melody-v0": PHRASE,
    "segue/Montage-v0": MONTAGE,
    "segue/Multicam-v0": MULTICAM,
}


@pytest.mark.parametrize("name", EPISODES)
def test_the_presets_have_their_weights(name: str) -> None:
    assert PRESETS[name].weights == WEIGHTS[name]


# fmt: off
RAW: dict[str, dict[str, list[float]]] = {
    "segue/Highlight-v0": {
        "importance": [2 / 43, 0, 8 / 43, 10 / 43, 0, 0],
        "diversity": [0, 0, 0, 0.2 * 0.4, 0, 0],
        "representativeness": [0.2 * exp(-0.48), 0, 0.4 * exp(-0.48), 0.2 * exp(-0.64), 0, 0],
        "legality": [0, 0, 0, 0, 0, -1],
    },
    "segue/Counterpoint-v0": {
        "perfect_consonance": [0, 0, 0, 0, -1, -1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        "direct_motion": [0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, -1, 0, 0],
        "compound": [0, -1, 0, 0, -1, 0, -1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        "skip_to_octave": [0, 0, 0, 0, 0, -1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        "skip_from_unison": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0],
        "tenth_to_octave": [0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        "consecutive_skips": [0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -4, 0],
        "skip_preceded": [0, 0, 0, -1, 0, 0, 0, 0, 0, -1, 0, 0, -1, 0, 0, 0, -1, 0],
        "skip_followed": [0, 0, 0, -3, 0, 0, -3, 0, 0, 0, -3, 0, 0, -3, 0, 0, -8, -3],
        "leap_back": [0, 0, -9, 0, -3, -5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        "large_leap": [0, -5, 0, 0, -2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        "melodic_tritone": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0],
        "neighbour": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0],
        "repetition": [0, 0, 0, 0, 0, 0, 0, -1, -2, 0, 0, -1, 0, 0, 0, 0, 0, 0],
        "leap_at_cadence": [0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, -1, 0, 0],
        "lydian_tritone": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0],
        "climax": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0],
        "legality": [0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    },
    "segue/LeadSheet-v0": {
        "harmony": [
            1, 0, 0.25, -0.125, 0, -0.125, -0.25, 0, -1, -0.125, 0.25, 0, 0.5,
            0, 0, 0, 1, -0.125, 0.25, 0, -0.5, -0.125, -0.25, 0,
        ],
        "resolution": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0,
        ],
        "motion": [
            0, 0, -0.4, 1, 0, 1, 0, 0, 0.5, 1, -2, 0, 0.3, 0, 0, 0, 0.3, 1, 1, 0, 0.2,
            0.5, 0, 0,
        ],
        "leap_recovery": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0,
        ],
        "contour": [
            0.60653066, 0, 0.816866165, 0.99761418, 0, 0.611172593, 0, 0, 0.360336428,
            0.466331028, 0.402535281, 0, 0.451361759, 0, 0, 0, 0.010390184, 0.071497144,
            0.102953505, 0, 0.435014821, 0.912355871, 0, 0,
        ],
        "rhythm": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, -1, -1, -1, -0.5, 0, 0, -1, 0, -1, -1, 0, 0, 0,
        ],
        "motif": [
            0, 0, 1, 1, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0,
        ],
        "cadence": [
            0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
        "approach": [
            0, 0, 0, 0, 0, 0, 0, 0, -0.5, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0,
        ],
        "legality": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    },
    "segue/Melody-v0": {
        "scale": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1,
            -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0,
        ],
        "motion": [
            0, 0, 0, 0.05, 0.05, 0, 0, 0, -0.15, 0, 0, 0.05, 0.05, 0, 0, 0, -0.15, 0, 0, 0.05,
            0.05, 0, 0.05, 0.05, 0.05, 0, -0.85, 0, 0, 0, 0, -0.75, 0, 0, 0.05, 0, 0.05, 0, 0, 0,
            0.05, 0, 0.05, 0, 0.05, 0, 0, 0, 0.05, 0, 0, 0, 0, 0, 0, 0, 0.05, 0, 0, 0, 0.05, 0, 0,
            0,
        ],
        "recovery": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0,
        ],
        "leaps": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.05, 0, 0, 0, 0, 0, 0, 0, 0.05, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0,
        ],
        "climax": [
            1, 0, 0, 0, -1, 0, 1, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
            0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0,
        ],
        "nadir": [
            1, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0,
        ],
        "opening": [
            1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0,
        ],
        "cadence": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0.25,
        ],
        "rhythm": [
            0, 0, 0.5, 0, 0, 0, 0.5, 0, 0.5, 0, 0.5, 0, 0, 0, 0.5, 0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0, 0.5, 0, 0.5, 0, 0.5, 0, 0.5, 0, 0.5, 0, 0.5, 0, 0.5,
            0, 0, 0, 0, 0, 0, 0, 0.3, 0, 0, 0, 1, 0, 0, 0,
        ],
        "silence": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0,
        ],
        "repetition": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, -0.125, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0,
        ],
        "variety": [
            0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.5, 1,
            1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0,
        ],
        "return": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0,
        ],
        "echo": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 0.5, 0, 0.5, 0, 0, -0.5, 0.5, 0, 0.5,
            0, -0.5, 0, -0.5, -0.5, -0.5, -0.5, -0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0,
            0.5, 0, 0.5, 0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0.5, 0, 0, 0, -0.5, 0, 0, 0,
        ],
        "run": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -0.25, -1, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -0.25, 0, -1, 0, -2.25, 0, -3, 0, 0, 0, 0,
            0, 0, 0, -3, 0, 0, 0, 0, 0, 0, 0,
        ],
        "monotony": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, -0.6,
        ],
        "surprise": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0.839427873, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0.235746077,
        ],
        "prior": [
            0, 0, 0, 0, 0, 0, -0.026066932, 0, 0, 0, 0, 0, 0, 0, -0.026066932, 0, 0, 0, 0, 0, 0, 0,
            -0.026066932, -0.076066932, -0.126066932, 0, 0, 0, 0, 0, 0, -0.026066932, 0, 0, 0, 0,
            0, 0, 0, 0, -0.026066932, 0, -0.076066932, 0, -0.126066932, 0, -0.151066932, 0,
            -0.201066932, 0, 0, 0, 0, 0, 0, 0, -0.251066932, 0, 0, 0, -0.201066932, 0, 0, 0,
        ],
        "legality": [
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0,
        ],
    },
    "segue/Montage-v0": {
        "sync": [
            0.041666667, 0.041666667, 0.020833333, 0.125, 0.166666667,
        ],
        "pacing": [
            3.8663e-05, 0.0090483, 0.000863687, 0.08427846, 0.137942389,
        ],
        "continuity": [
            0.041666667, 0.043717762, 0.030087092, 0.151628911, 0.123624043,
        ],
        "jump_cut": [
            0, -0.166666667, 0, 0, 0,
        ],
        "diversity": [
            0.041666667, 0.00333333, 0.002314816, 0.138888886, 0.055555552,
        ],
        "quality": [
            0.059282108, 0.078930226, 0.032114724, 0.085541738, 0.075043145,
        ],
        "stillness": [
            0, 0, 0, 0, -0.166666667,
        ],
        "energy": [
            0.01307306, 0.166299116, 0.082074169, 0.138487914, 0.001926947,
        ],
        "order": [
            0.041666667, 0, 0.066666663, 0.066666673, 0,
        ],
        "transition_fit": [
            0.05, 0.1, 0.024193548, 0.1, 0.055555552,
        ],
        "effect_fit": [
            0.083333333, 0.083333333, 0.05, 0.026898489, 0,
        ],
        "duration": [
            0, 0, 0, 0, -0.333333333,
        ],
        "legality": [
            0, 0, -1, 0, 0,
        ],
    },
    "segue/Multicam-v0": {
        "visibility": [
            0.428571429, 0.428571429, 0.428571429, 0.428571429, 0.428571429, 0, 0.142857143, 0,
            0.428571429, 0.428571429,
        ],
        "scale": [
            1, 0.635390989, 0.162991218, 0.016879884, 0.016879884, 0.635390989, 0.635390989,
            0.016879884, 0.635390989, 0.162991218,
        ],
        "pacing": [
            0, 0.028004805, -0.0856025, -0.117917639, -0.119672993, 0.125473821, -0.060107838,
            -0.060107838, -0.060107838, 0.028004805,
        ],
        "long_take": [0, 0, 0, 0, -0.333333333, 0, 0, 0, 0, 0],
        "jump_cut": [0, 0, 0, 0, 0, 0, -0.6, -0.6, 0, 0],
        "ping_pong": [0, 0, 0, 0, 0, 0, 0, -0.333333333, 0, 0],
        "establishing": [1, 0, 1, 0, 1, 0, 0, 0, 1, 0],
        "legality": [0, 0, 0, 0, 0, 0, 0, 0, -1, 0],
    },
}
"""Unweighted terms of the two episodes, step by step."""
# fmt: on


@pytest.mark.parametrize(
    ("name", "term"), [(name, term) for name, weights in WEIGHTS.items() for term in weights]
)
def test_an_env_pays_each_term_by_its_weight(name: str, term: str) -> None:
    raw, weight = RAW[name][term], WEIGHTS[name][term]
    assert any(raw), "the episode must bring the term into play"
    others = {other: 0.0 for other in WEIGHTS[name] if other != term}
    unit, _ = EPISODES[name](reward_weights=others | {term: 1.0})
    assert unit == pytest.approx(raw, abs=1e-7)
    paid, terms = EPISODES[name](reward_weights=others)
    assert paid == pytest.approx([weight * value for value in unit], abs=1e-12)
    assert [step[term] for step in terms] == paid
    _, whole = EPISODES[name]()
    assert [step[term] for step in whole] == paid


@pytest.mark.parametrize("name", EPISODES)
def test_the_default_reward_of_a_stored_episode(name: str) -> None:
    rewards, terms = EPISODES[name]()
    assert set(terms[0]) == set(WEIGHTS[name]) == set(RAW[name])
    weighted = [[WEIGHTS[name][term] * value for value in RAW[name][term]] for term in RAW[name]]
    expected = [sum(step) for step in zip(*weighted, strict=True)]
    assert rewards == pytest.approx(expected, abs=1e-6)
