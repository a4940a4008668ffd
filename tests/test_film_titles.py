"""Titles and credits: where and when they stand, and that nothing else is touched."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from film_footage import (
    LENGTH,
    RATE,
    SIZE,
    cut,
    edit_of,
    lumas,
    number_of,
    numbered,
    numbers,
    pictures,
    tone,
    write_film,
)

from segue.envs.film.edit import Title
from segue.envs.film.planes import BLACK
from segue.envs.film.renderer import render
from segue.envs.film.titles import PAGE_LINES, PAGE_SECONDS, credits, title_picture, with_credits


@dataclass(frozen=True)
class Source:
    licence: str
    attribution: str


SOURCES = (
    Source("CC-BY-3.0", "Big Buck Bunny, Blender Foundation"),
    Source("LicenseRef-user", ""),
    Source("LicenseRef-user", "My Neighbour"),
    Source("CC-BY-3.0", "Big Buck Bunny, Blender Foundation"),
)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "numbered.mp4"
    write_film(path, numbered(LENGTH), RATE)
    return path


def box(text: str, place: str, width: int = 640, height: int = 360) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of what a title covers, in pixels."""
    drawn = title_picture(text, place, width, height)
    rows, columns = drawn.weights[0].shape
    return 2 * drawn.top, 2 * drawn.left, 2 * drawn.top + rows, 2 * drawn.left + columns


def test_only_the_frames_of_a_title_are_touched(film: Path) -> None:
    plain = edit_of(cut(film, 5, 40))
    shown = pictures(edit_of(cut(film, 5, 40), titles=(Title("Hello", 10, 20, "middle"),)))
    for number, (with_title, without) in enumerate(zip(shown, pictures(plain), strict=True)):
        same = all(np.array_equal(a, b) for a, b in zip(with_title, without, strict=True))
        assert same == (not 10 <= number < 30)


def test_letters_are_white_with_a_shadow_and_fade_at_both_ends(film: Path) -> None:
    # Frame 0 of the footage is dark grey throughout.
    still = cut(film, 0, 30, speed=Fraction(1, 100))
    edit = edit_of(still, titles=(Title("HHHH", 0, 30, "middle"),))
    brightest = [int(y.max()) for y, _, _ in pictures(edit)]
    assert max(brightest) >= 230
    assert brightest[0] < 0.5 * max(brightest)
    assert brightest[-1] < 0.5 * max(brightest)
    assert brightest[:8] == sorted(brightest[:8])
    assert brightest[-8:] == sorted(brightest[-8:], reverse=True)
    middle = pictures(edit)[15]
    ground = int(pictures(edit_of(still))[15][0][54, 96])
    assert middle[0].min() < ground - 10  # the shadow


def test_a_title_stands_where_it_should_and_inside_the_picture() -> None:
    top, left, bottom, right = box("A title", "middle")
    assert (top + bottom) / 2 == pytest.approx(180, abs=6)
    assert (left + right) / 2 == pytest.approx(320, abs=6)
    top, left, bottom, right = box("A name", "lower_third")
    assert 200 < top < bottom < 340
    assert 30 < left < 60
    assert right < 320
    for text in ("many words " * 40, "W" * 200, "line\n" * 30):
        for place in ("middle", "lower_third"):
            for width, height in ((640, 360), (192, 108), (108, 192)):
                top, left, bottom, right = box(text, place, width, height)
                assert 0 <= top < bottom <= height
                assert 0 <= left < right <= width


def test_any_text_can_be_drawn() -> None:
    for text in ("", " \n ", "Żółć Ωμέγα Жизнь", "映画の終わり", "🎬", "\u202eright to left\u0000"):
        drawn = title_picture(text, "middle", 320, 180)
        assert drawn.weights[0].max(initial=0) <= 256
        assert (drawn.weights[0].size > 0) == bool(text.strip())


def test_credits_name_everybody_once() -> None:
    (page,) = credits(SOURCES, 100, 60)
    assert page == Title(
        "Big Buck Bunny, Blender Foundation (CC-BY-3.0)\nMy Neighbour", 100, 60, "middle"
    )
    many = credits([Source("CC0-1.0", f"Person {k}") for k in range(PAGE_LINES + 1)], 0, 60)
    assert [(page.start, len(page.text.split("\n"))) for page in many] == [(0, PAGE_LINES), (60, 1)]
    assert credits([Source("LicenseRef-user", "")], 0, 60) == ()


def test_an_edit_ends_with_its_credits_on_black(film: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "music.wav", tone(300, 8.0).T, 48_000)
    plain = edit_of(cut(film, 9, 30), music=tmp_path / "music.wav")
    edit = with_credits(plain, SOURCES)
    page = round(PAGE_SECONDS * RATE)
    assert edit.frames == 30 + page
    assert numbers(edit)[:30] == list(range(9, 39))
    render(edit, tmp_path / "film.mp4", workers=2)
    shown = lumas(tmp_path / "film.mp4")
    assert len(shown) == edit.frames
    assert [number_of(luma) for luma in shown[:30]] == list(range(9, 39))
    assert shown[30 + page // 2].max() > 200
    corner = shown[30 + page // 2][: SIZE[1] // 8, : SIZE[0] // 8]
    assert np.all(np.abs(corner.astype(int) - BLACK[0]) <= 2)
    assert with_credits(plain, SOURCES[1:2]) == plain
