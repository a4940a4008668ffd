"""Effects: what they draw, by themselves, in moviepy and in a film."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from film_footage import (
    LENGTH,
    RATE,
    cut,
    edit_of,
    lumas,
    number_of,
    numbered,
    numbers,
    pictures,
    solid,
    write_film,
)

from segue.envs.base.errors import SegueError
from segue.envs.film.effects import EFFECTS, FREEZE, plane_effect, register_effect
from segue.envs.film.planes import BLACK, WHITE, Planes
from segue.envs.film.renderer import render


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "numbered.mp4"
    write_film(path, numbered(LENGTH), RATE)
    return path


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "red.mp4"
    write_film(path, solid((200, 40, 60), 60), RATE)
    return path


def test_effects_stand_in_the_order_of_the_action_index() -> None:
    assert list(EFFECTS)[:20] == [
        *("none", "slow_motion", "colour_boost", "black_and_white"),
        *("zoom_in", "mirror", "fade_in", "fade_out"),
        *("speed_up", "freeze", "zoom_out", "shake", "blur", "sharpen"),
        *("vignette", "warm", "cool", "sepia", "letterbox", "flash"),
    ]
    speeds = {name: spec.speed for name, spec in EFFECTS.items() if spec.speed != 1}
    assert speeds == {"slow_motion": Fraction(1, 2), "speed_up": 2, "freeze": FREEZE}


def test_effect_names_do_not_load_moviepy() -> None:
    code = (
        "import sys, segue.envs.film.effects; sys.exit(bool({'moviepy', 'PIL'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", [name for name in EFFECTS if name != "none"])
def test_every_effect_is_a_moviepy_effect_that_keeps_size(name: str) -> None:
    from moviepy import Effect, VideoClip

    picture = np.random.default_rng(0).integers(0, 256, (36, 64, 3), np.uint8)
    effect = EFFECTS[name].build(2.0)
    assert isinstance(effect, Effect)
    filtered = VideoClip(lambda t: picture, duration=2.0).with_effects([effect])
    for t in (0.0, 1.0, 1.99):
        frame = filtered.get_frame(t)
        assert frame.shape == picture.shape
        assert frame.dtype == np.uint8
    idle = ("slow_motion", "speed_up", "freeze", "fade_out", "flash")  # at half a second
    assert np.array_equal(filtered.get_frame(0.5), picture) == (name in idle)


def test_effects_do_what_they_say(film: Path, red: Path) -> None:
    def first(source: Path, effect: str, at: int = 0) -> Planes:
        return pictures(edit_of(cut(source, 5, 24, effect=effect)))[at]

    assert number_of(first(film, "mirror")[0]) == int(f"{5:08b}"[::-1], 2)
    plain, grey, strong = (first(red, name) for name in ("none", "black_and_white", "colour_boost"))
    assert abs(int(grey[2][20, 20]) - 128) <= 1
    assert abs(int(grey[0][20, 20]) - int(plain[0][20, 20])) <= 2
    assert strong[2].mean() > plain[2].mean() + 15
    assert first(film, "fade_in", 0)[0].max() <= 17
    assert number_of(first(film, "fade_in", 23)[0]) == 28
    assert number_of(first(film, "fade_out", 0)[0]) == 5
    assert first(film, "fade_out", 23)[0].max() < 40
    still = edit_of(cut(film, 5, 24, effect="zoom_in", speed=Fraction(1, 1000)))
    # Bar 0 of frame 5 is bright and bar 1 dark: the push-in moves their border outwards.
    bright = [np.count_nonzero(y[54, :40] > 125) for y, _, _ in pictures(still)]
    assert bright == sorted(bright, reverse=True)
    assert bright[0] == 24
    assert bright[-1] == pytest.approx(96 - 72 * 1.15, abs=1.5)


def scene() -> Planes:
    """A smooth picture with an edge in the middle, strong in colour."""
    rows, columns = np.mgrid[0:144, 0:192]
    luma = (60 + columns // 4 + rows // 8 + 70 * (columns > 95)).astype(np.uint8)
    return luma, np.full((72, 96), 90, np.uint8), np.full((72, 96), 170, np.uint8)


def drawn(name: str, seconds: float = 1.0, length: float = 2.0) -> Planes:
    draw = EFFECTS[name].draw
    assert draw is not None
    before = scene()
    after = draw(before, seconds, length)
    for plane, untouched in zip(before, scene(), strict=True):
        assert np.array_equal(plane, untouched), "an effect must not change what it was given"
    return after


def edge(luma: npt.NDArray[np.uint8]) -> float:
    return float(np.abs(np.diff(luma.astype(int), axis=1)).max())


@pytest.mark.parametrize("name", [name for name, spec in EFFECTS.items() if spec.draw])
def test_every_drawing_keeps_size_and_type(name: str) -> None:
    for seconds in (0.0, 1.0, 2.0):
        for plane, before in zip(drawn(name, seconds), scene(), strict=True):
            assert plane.shape == before.shape
            assert plane.dtype == np.uint8


def test_light_and_colour() -> None:
    y, u, v = scene()
    assert edge(drawn("blur")[0]) < 0.5 * edge(y)
    assert edge(drawn("sharpen")[0]) > 1.3 * edge(y)
    dark = drawn("vignette")[0] / y
    assert dark[72, 96] == 1
    assert dark[0, 0] < 0.6 > dark[-1, -1]
    assert drawn("warm")[1].mean() < u.mean() < drawn("cool")[1].mean()
    assert drawn("warm")[2].mean() > v.mean() > drawn("cool")[2].mean()
    sepia = drawn("sepia")
    assert np.array_equal(sepia[0], y)
    assert np.ptp(sepia[1]) == np.ptp(sepia[2]) == 0
    assert sepia[1][0, 0] < 128 < sepia[2][0, 0]


def test_letterbox_leaves_the_shape_of_scope() -> None:
    y, u, _ = drawn("letterbox")
    rows = np.flatnonzero((y != BLACK[0]).any(axis=1))
    assert len(rows) == pytest.approx(192 / 2.39, abs=2)
    assert rows[0] == 143 - rows[-1]
    assert np.all(u[: rows[0] // 2] == 128)
    wide = (np.full((80, 240), 90, np.uint8), *[np.full((40, 120), 90, np.uint8)] * 2)
    draw = EFFECTS["letterbox"].draw
    assert draw is not None
    assert draw(wide, 0.0, 1.0) is wide


def test_effects_that_move() -> None:
    assert drawn("flash", 0.0)[0].min() == WHITE[0]
    assert drawn("flash", 0.15)[0].mean() > scene()[0].mean() + 20
    first, last = drawn("zoom_out", 0.0), drawn("zoom_out", 2.0)
    assert np.array_equal(last[0], scene()[0])
    assert np.array_equal(first[0], drawn("zoom_in", 2.0)[0])
    places = [np.abs(np.diff(drawn("shake", t)[0][72].astype(int))).argmax() for t in (0.1, 0.3)]
    assert places[0] != places[1]
    assert max(abs(place - 95) for place in places) <= 192 * 0.03


def test_time_maps_show_the_right_source_frames(film: Path) -> None:
    fast = cut(film, 20, 6, effect="speed_up", speed=EFFECTS["speed_up"].speed)
    still = cut(film, 50, 4, effect="freeze", speed=EFFECTS["freeze"].speed)
    assert numbers(edit_of(fast, still)) == [20, 22, 24, 26, 28, 30, 50, 50, 50, 50]


def test_an_effect_that_changes_the_size_is_refused(film: Path) -> None:
    register_effect(plane_effect("halve", lambda p, s, n: (p[0][::2], p[1], p[2]), ""))
    try:
        with pytest.raises(SegueError, match="'halve' gave a picture of shape"):
            pictures(edit_of(cut(film, 0, 2, effect="halve")))
    finally:
        EFFECTS.pop("halve")


def test_a_fade_runs_over_the_handles_too(film: Path) -> None:
    dissolve = {"transition": "dissolve", "transition_frames": 8}
    edit = edit_of(cut(film, 0, 20), cut(film, 255 - 64, 24, effect="fade_in", **dissolve))
    at_cut = pictures(edit)[20][0]
    assert at_cut.max() > 30  # four frames of fade have passed before the cut


def test_third_party_effects_reach_the_workers(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inverting.py").write_text(
        "from fractions import Fraction\n"
        "from moviepy import vfx\n"
        "from segue.envs.film.effects import EffectSpec, register_effect\n"
        "def build(seconds):\n    return vfx.InvertColors()\n"
        "register_effect(EffectSpec('invert', Fraction(1), build, 'negative'))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        __import__("inverting")
        render(edit_of(cut(film, 5, 3, effect="invert")), tmp_path / "film.mp4")
    finally:
        EFFECTS.pop("invert", None)
    assert number_of(lumas(tmp_path / "film.mp4")[0]) == 255 - 5
