"""The parts of finding a finished edit's sources, on arrays."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from segue.envs.film.finished_alignment import Run, View, align, ratios_of
from segue.envs.film.finished_frames import STILL, Stills
from segue.envs.film.finished_refinement import gains, refine, whole
from segue.envs.film.finished_transitions import contrast_of, fade_length, find_blend
from segue.envs.film.finished_windows import WINDOW, Box, descriptors, picture_area, windows


def pictures(seed: int, count: int, size: tuple[int, int] = STILL) -> np.ndarray:
    """Smooth random pictures that drift to the right, (count, *size) float."""
    noise = np.random.default_rng(seed).random((size[0] // 3 + 1, size[1] // 3 + count // 3 + 2))
    large = np.kron(noise, np.ones((3, 3))) * 200 + 20
    return np.array([large[: size[0], k : k + size[1]] for k in range(count)])


def film(luma: np.ndarray) -> Stills:
    return Stills(Path("film.mp4"), "", Fraction(24), 480, 270, luma.astype(np.uint8))


def view_of(edit: np.ndarray, source: np.ndarray, ratios: tuple[Fraction, ...]) -> View:
    edited, frames = (descriptors(luma.astype(np.uint8), Box())[0] for luma in (edit, source))
    return View(0, edited, (), frames, ratios, False)


# -- windows --------------------------------------------------------------------------------------


def test_a_window_averages_areas_and_is_black_outside() -> None:
    luma = pictures(0, 1).astype(np.uint8)
    assert windows(luma, Box()).mean() == pytest.approx(luma.mean(), abs=1e-3)
    half = windows(luma, Box(0.0, 0.0, 0.5, 1.0))
    assert half.mean() == pytest.approx(luma[:, :, :24].mean(), abs=1e-3)
    beyond = windows(luma, Box(-0.5, 0.0, 1.0, 1.0))[0]
    assert beyond[:, :10].max() == 0
    assert beyond[:, -1].min() > 0
    assert np.allclose(windows(luma, Box(), mirrored=True), windows(luma, Box())[:, :, ::-1])


def test_a_box_seen_through_another_is_drawn_to_scale() -> None:
    # A source that fills the middle half of a frame's height is half a frame: the frame shows
    # twice the source's height around its middle.
    through = Box().seen_through(Box(0.0, 0.25, 1.0, 0.75), Box())
    assert (through.top, through.bottom) == (-0.5, 1.5)
    assert (through.left, through.right) == (0.0, 1.0)
    assert Box().zoomed(2.0) == Box(0.25, 0.25, 0.75, 0.75)
    assert Box().narrowed(0.5) == Box(0.25, 0.0, 0.75, 1.0)
    assert Box().narrowed(2.0) == Box(0.0, 0.25, 1.0, 0.75)


def test_descriptions_survive_fades_and_grades_but_tell_pictures_apart() -> None:
    luma = pictures(1, 40)
    plain, weight = descriptors(luma.astype(np.uint8), Box())
    graded, _ = descriptors((luma * 0.3 + 40).astype(np.uint8), Box())
    other, _ = descriptors(pictures(2, 40).astype(np.uint8), Box())
    same = (plain.astype(float) * graded.astype(float)).sum(axis=1)
    assert same.min() > 0.95
    assert (plain.astype(float) @ other.astype(float).T).max() < 0.45
    assert weight.min() > 0.5
    nothing, none = descriptors(np.full((1, *STILL), 90, np.uint8), Box())
    assert nothing.any() == none.any() == False  # noqa: E712


def test_a_reduced_description_fits_the_whole_picture() -> None:
    luma = pictures(3, 5, (54, 96))
    whole_picture = luma[:, ::2, ::2]
    enlarged = np.array([np.kron(one[7:20, 12:36], np.ones((2, 2))) for one in whole_picture])
    enlarged = np.pad(enlarged, ((0, 0), (0, 1), (0, 0)), mode="edge")[:, :27, :48]
    plain, _ = descriptors(whole_picture.astype(np.uint8), Box())
    reduced, _ = descriptors(enlarged.astype(np.uint8), Box().zoomed(0.5))
    apart, _ = descriptors(enlarged.astype(np.uint8), Box())
    fits = (plain.astype(float) * reduced.astype(float)).sum(axis=1)
    assert fits.min() > 0.6
    assert (plain.astype(float) * apart.astype(float)).sum(axis=1).max() < 0.45


def test_bars_are_found_to_a_part_of_a_row() -> None:
    luma = np.full((3, *STILL), 200.0)
    luma[:, :3] = luma[:, -3:] = 0
    luma[:, 3] = luma[:, -4] = 100  # half covered
    area = picture_area(film(luma))
    assert (area.left, area.right) == (0.0, 1.0)
    assert area.top == pytest.approx(3.5 / 27)
    assert area.bottom == pytest.approx(23.5 / 27)
    assert picture_area(film(np.zeros((3, *STILL)))) == Box()


# -- alignment ------------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", ["1", "1/2", "2", "5/4", "3/5", "0"])
def test_runs_at_any_speed_are_found(speed: str) -> None:
    source = np.concatenate([pictures(k, 80) for k in range(4)])
    ratio = Fraction(speed)
    firsts = ((10, 40), (105, 25), (245, 35))
    truth = np.concatenate([[first + int(k * ratio) for k in range(n)] for first, n in firsts])
    edit = source[truth]
    ratios = ratios_of(Fraction(24), Fraction(24))
    views = [view_of(edit, source, ratios)]
    _, weight = descriptors(edit.astype(np.uint8), Box())

    runs = refine(align(views, weight), views, weight)

    assert [run.start for run in runs] == [0, 40, 65]
    assert [run.ratio for run in runs] == [ratio] * 3
    found = np.concatenate(
        [whole(run, views[0], weight).places(np.arange(run.start, run.stop)) for run in runs]
    )
    assert abs(found - truth).max() <= 1
    assert (found == truth).mean() > 0.9


def test_what_is_in_no_source_has_no_view_and_black_ends_no_run() -> None:
    source = pictures(5, 60)
    edit = np.concatenate([source[5:25], np.zeros((4, *STILL)), source[29:40], pictures(6, 30)])
    views = [view_of(edit, source, (Fraction(1),))]
    _, weight = descriptors(edit.astype(np.uint8), Box())
    runs = align(views, weight)
    assert [(run.start, run.stop, run.view) for run in runs] == [(0, 35, 0), (35, 65, -1)]
    assert runs[0].first == 5


def test_still_pictures_run_at_normal_speed() -> None:
    source = np.repeat(pictures(7, 1), 60, axis=0)
    views = [view_of(source[:30], source, ratios_of(Fraction(24), Fraction(24)))]
    _, weight = descriptors(source[:30].astype(np.uint8), Box())
    (run,) = refine(align(views, weight), views, weight)
    assert run.ratio == 1


def test_rates_keep_time_or_frames() -> None:
    assert ratios_of(Fraction(24), Fraction(30))[0] == Fraction(4, 5)
    assert Fraction(1) in ratios_of(Fraction(24), Fraction(25))
    assert len(set(ratios_of(Fraction(24), Fraction(24)))) == len(ratios_of(Fraction(24), 24))


def test_a_run_moved_shows_what_it_showed() -> None:
    run = Run(10, 50, 0, Fraction(7, 2), Fraction(3, 4))
    frames = np.arange(0, 60)
    assert np.array_equal(run.places(frames), run.moved(23).places(frames))
    assert run.places(np.array([10, 11, 12])).tolist() == [3, 4, 5]


def test_frames_beyond_the_source_cost() -> None:
    source = pictures(8, 20)
    view = view_of(source, source, (Fraction(1),))
    weight = np.ones(20, np.float32)
    assert gains(view, Run(0, 20, 0, Fraction(0)), weight).min() > 0.5
    assert gains(view, Run(0, 20, 0, Fraction(10)), weight)[10:].max() == -1.0


# -- transitions ----------------------------------------------------------------------------------

OLD, NEW = pictures(11, 48, WINDOW), pictures(12, 48, WINDOW)


def mixed(share: np.ndarray) -> np.ndarray:
    return (1 - share[:, None, None]) * OLD + share[:, None, None] * NEW


def ramp(start: int, length: int) -> np.ndarray:
    return np.clip((np.arange(48) - start + 0.5) / max(length, 1), 0.0, 1.0)


def blend(shown: np.ndarray, cut: int = 24) -> tuple[str, int, int] | None:
    arrays = (array.astype(np.float32) for array in (shown, OLD, NEW))
    found = find_blend(*arrays, 100, 100 + cut)
    return None if found is None else (found.kind, found.start, found.stop)


@pytest.mark.parametrize("length", [6, 12, 24])
@pytest.mark.parametrize("cut", [22, 24, 26])
def test_a_dissolve_has_its_length_wherever_the_cut_was_put(length: int, cut: int) -> None:
    start = 24 - length // 2
    found = blend(mixed(ramp(start, length)), cut)
    assert found is not None
    kind, first, stop = found
    assert kind == "dissolve"
    assert abs(first - 100 - start) <= 1
    assert abs(stop - first - length) <= 1


def test_a_cut_is_no_dissolve_not_even_under_a_title_or_a_grade() -> None:
    shown = mixed((np.arange(48) >= 24).astype(float))
    assert blend(shown) is None
    graded = shown * np.linspace(0.7, 0.7, 48)[:, None, None] + 20
    assert blend(graded) is None
    shown[:, 6:11, 8:24] = 255
    assert blend(shown) is None
    # A single blended frame, as conversions of the frame rate leave.
    blended = mixed(np.where(np.arange(48) == 24, 0.5, (np.arange(48) > 24).astype(float)))
    assert blend(blended) is None


def test_a_wipe_is_no_dissolve() -> None:
    across = (np.arange(WINDOW[1]) + 0.5) / WINDOW[1]
    entered = across[None] < ramp(16, 16)[:, None]
    shown = np.where(entered[:, None, :], NEW, OLD)
    found = blend(shown)
    assert found is not None
    assert found[0] == "wipe"
    assert abs(found[1] - 116) <= 1
    assert abs(found[2] - 132) <= 1


def test_fades_have_their_length_and_cuts_none() -> None:
    for length in (4, 12, 24):
        level = np.clip((np.arange(48)[::-1] + 0.5) / length, 0.0, 1.0)
        shown = (OLD * level[:, None, None]).astype(np.float32)
        contrast = contrast_of(shown, OLD.astype(np.float32))
        assert np.allclose(contrast, level, atol=0.02)
        assert abs(fade_length(contrast) - length) <= 1
        assert fade_length(contrast[: 48 - length]) == 0
    assert fade_length(np.ones(30)) == 0
