"""Transitions: what they draw and where they stand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from film_footage import (
    LENGTH,
    RATE,
    cut,
    edit_of,
    number_of,
    numbered,
    numbers,
    pictures,
    write_film,
)

from segue.envs.base.errors import SegueError
from segue.envs.film.plan import check_edit, moments
from segue.envs.film.planes import BLACK, Planes
from segue.envs.film.transitions import TRANSITIONS, sound_lead


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "numbered.mp4"
    write_film(path, numbered(LENGTH), RATE)
    return path


def flat(luma: int) -> Planes:
    return (
        np.full((64, 128), luma, np.uint8),
        np.full((32, 64), 100, np.uint8),
        np.full((32, 64), 150, np.uint8),
    )


DIPS = ["fade_through_black", "dip_to_white"]
DRAWN = [name for name, spec in TRANSITIONS.items() if spec.blend]


def test_transitions_stand_in_the_order_of_the_action_index() -> None:
    assert list(TRANSITIONS)[:15] == [
        *("cut", "dissolve", "fade_through_black", "wipe"),
        *("dip_to_white", "wipe_up", "clock_wipe", "iris", "slide", "push", "zoom", "whip"),
        *("match_cut", "j_cut", "l_cut"),
    ]
    assert [name for name in DRAWN if not TRANSITIONS[name].needs_handles] == DIPS


def blend(name: str, progress: float, old: Planes, new: Planes) -> Planes:
    function = TRANSITIONS[name].blend
    assert function is not None
    before = [plane.copy() for plane in (*old, *new)]
    made = function(old, new, progress)
    for plane, untouched in zip((*old, *new), before, strict=True):
        assert np.array_equal(plane, untouched), "a transition must not change what it was given"
    return made


@pytest.mark.parametrize("name", DRAWN)
def test_every_transition_leads_from_one_picture_to_the_other(name: str) -> None:
    generator = np.random.default_rng(0)
    old, new = (
        tuple(generator.integers(16, 235, s, np.uint8) for s in ((64, 128), (32, 64), (32, 64)))
        for _ in range(2)
    )
    for progress, shown in ((0.0, old), (1.0, new)):
        for plane, wanted in zip(blend(name, progress, old, new), shown, strict=True):  # type: ignore[arg-type]
            assert np.array_equal(plane, wanted)
    for progress in (0.01, 0.37, 0.5, 0.63, 0.99):
        for plane, like in zip(blend(name, progress, old, new), old, strict=True):  # type: ignore[arg-type]
            assert plane.shape == like.shape
            assert plane.dtype == np.uint8


@pytest.mark.parametrize(
    "name", [n for n in DRAWN if n not in ("fade_through_black", "dip_to_white", "zoom")]
)
def test_the_entering_picture_takes_more_and_more_of_the_frame(name: str) -> None:
    shares = [blend(name, k / 10, flat(40), flat(200))[0].mean() for k in range(11)]
    assert np.all(np.diff(shares) > 0)
    assert shares[5] == pytest.approx(120, abs=30)


def test_where_the_edges_of_wipes_stand() -> None:
    at = {name: blend(name, 0.5, flat(40), flat(200))[0] > 120 for name in DRAWN}
    assert at["wipe_up"][40:].all()
    assert not at["wipe_up"][:24].any()
    assert at["clock_wipe"][:, 70:].all()
    assert not at["clock_wipe"][:, :58].any()
    assert at["iris"][32, 64]
    assert not at["iris"][[0, 0, -1, -1], [0, -1, 0, -1]].any()
    for name in ("slide", "push"):
        assert at[name][:, 64:].all()
        assert not at[name][:, :64].any()


def test_slide_covers_and_push_moves() -> None:
    ramp = np.tile(np.arange(128, dtype=np.uint8), (64, 1))
    old, new = (ramp, *flat(0)[1:]), flat(200)
    assert np.array_equal(blend("slide", 0.5, old, new)[0][:, :64], ramp[:, :64])
    assert np.array_equal(blend("push", 0.5, old, new)[0][:, :64], ramp[:, 64:])
    edge = np.abs(np.diff(blend("whip", 0.5, old, new)[0][10].astype(int))).max()
    assert edge < 0.3 * np.abs(np.diff(blend("push", 0.5, old, new)[0][10].astype(int))).max()


def test_cuts_for_the_ear_have_no_length_and_a_lead(film: Path) -> None:
    assert sound_lead("j_cut", RATE, 100, 100) == 12
    assert sound_lead("l_cut", RATE, 100, 100) == -12
    assert sound_lead("l_cut", RATE, 10, 100) == -5
    assert [sound_lead(n, RATE, 100, 100) for n in ("cut", "match_cut", "dissolve")] == [0, 0, 0]
    for name in ("match_cut", "j_cut", "l_cut"):
        assert numbers(edit_of(cut(film, 0, 3), cut(film, 50, 3, transition=name))) == [
            *range(3),
            *range(50, 53),
        ]
        with pytest.raises(SegueError, match="0 for a cut"):
            check_edit(
                edit_of(cut(film, 0, 9), cut(film, 50, 9, transition=name, transition_frames=2))
            )


def test_blends() -> None:
    old, new = flat(40), flat(200)
    half = TRANSITIONS["dissolve"].blend
    fade = TRANSITIONS["fade_through_black"].blend
    wipe = TRANSITIONS["wipe"].blend
    assert half
    assert fade
    assert wipe
    assert np.all(half(old, new, 0.5)[0] == 120)
    assert np.all(half(flat(255), flat(255), 0.3)[0] == 255)
    assert np.all(fade(old, new, 0.25)[0] == 28)
    assert np.all(fade(old, new, 0.75)[0] == 108)
    assert tuple(int(plane[0, 0]) for plane in fade(old, new, 0.5)) == BLACK
    row = wipe(old, new, 0.5)[0][10].astype(int)
    assert row[0] == 200
    assert row[-1] == 40
    assert np.all(np.diff(row) <= 0)
    assert 110 <= row[63:65].mean() <= 130
    assert np.array_equal(wipe(old, new, 0.0)[0], old[0])
    assert np.array_equal(wipe(old, new, 1.0)[0], new[0])
    assert np.all(old[0] == 40)


def test_a_dissolve_is_centred_and_shows_handles(film: Path) -> None:
    edit = edit_of(
        cut(film, 0, 10),
        cut(film, 100, 10, transition="dissolve", transition_frames=4),
        cut(film, 30, 10, transition="fade_through_black", transition_frames=4),
    )
    seen = list(moments(edit, 0, 30))
    assert [m.entering is not None for m in seen[:13]] == [False] * 8 + [True] * 4 + [False]
    assert [m.progress for m in seen[8:12]] == [0.125, 0.375, 0.625, 0.875]
    assert [m.leaving.frame for m in seen[8:12]] == [8, 9, 10, 11]
    assert [m.entering.frame for m in seen[8:12] if m.entering] == [-2, -1, 0, 1]
    assert [m.entering.frame for m in seen[18:22] if m.entering] == [0, 0, 0, 1]
    assert [m.leaving.frame for m in seen[18:22]] == [8, 9, 9, 9]
    shown = pictures(edit)
    leaving, entering = (pictures(edit_of(cut(film, n, 1)))[0][0] for n in (9, 99))
    wanted = leaving + (entering.astype(float) - leaving) * 0.375
    assert np.abs(shown[9][0] - wanted).max() <= 2
    assert number_of(shown[7][0]) == 7
    assert number_of(shown[12][0]) == 102
