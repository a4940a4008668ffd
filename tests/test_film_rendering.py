"""Rendering an edit: the right frames, untouched colours, a sound plan."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from film_footage import (
    LENGTH,
    MATRIX_709,
    RATE,
    SIZE,
    cut,
    edit_of,
    number_of,
    numbered,
    numbers,
    pictures,
    solid,
    write_film,
)

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Title
from segue.envs.film.effects import EffectSpec, register_effect
from segue.envs.film.filmstrip import contact_frames, strip
from segue.envs.film.pictures import Fitter, planes
from segue.envs.film.plan import check_edit, split
from segue.envs.film.planes import BLACK
from segue.envs.film.reader import FrameReader
from segue.envs.film.renderer import render
from segue.envs.film.segments import render_frames


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


def test_every_frame_is_the_source_frame_that_the_edit_names(film: Path) -> None:
    edit = edit_of(
        cut(film, 0, 10),
        cut(film, 123, 17),
        cut(film, 60, 12, speed=Fraction(1, 2), effect="slow_motion"),
        cut(film, 62, 9),  # forward from there
        cut(film, 30, 5),  # back
        cut(film, LENGTH - 4, 4),
    )
    wanted = [edit.source_frame(c, k) for c in edit.cuts for k in range(c.frames)]
    assert wanted[27:33] == [60, 60, 61, 61, 62, 62]
    assert numbers(edit) == wanted


def test_frames_beyond_the_file_hold_its_last_frame(film: Path) -> None:
    assert numbers(edit_of(cut(film, LENGTH - 2, 5))) == [238, 239, 239, 239, 239]


def test_other_rates_show_the_frame_at_the_same_instant(film: Path) -> None:
    edit = edit_of(cut(film, 100, 30), rate=Fraction(30))
    assert numbers(edit) == [100 + k * 24 // 30 for k in range(30)]


def test_any_part_can_be_rendered_by_itself(film: Path) -> None:
    edit = edit_of(cut(film, 5, 30), cut(film, 90, 30))
    part = render_frames(edit, 25, 40, MATRIX_709, 2)
    assert [number_of(planes(frame)[0]) for frame in part] == [*range(30, 35), *range(90, 100)]


@pytest.mark.parametrize("suffix", [".mkv", ".avi", ".ts"])
def test_other_containers_are_read_to_the_frame(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    write_film(path, numbered(120), RATE)
    reader = FrameReader(path, 2)
    asked = [0, 70, 71, 20, 119, 55, 3]
    assert [number_of(planes(reader.frame(n))[0]) for n in asked] == asked
    reader.close()


def test_a_picture_held_for_long_is_found_after_a_jump(tmp_path: Path) -> None:
    path = tmp_path / "held.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options={"bf": "3", "g": "200"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for order, picture in enumerate(numbered(100)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = order + (40 if order >= 90 else 0), 1 / RATE
            output.mux(stream.encode(frame.reformat(format="yuv420p")))
        output.mux(stream.encode(None))
    for wanted in range(84, 90):
        # The average rate differs, so ask by instant: the reader's grid is that of the gate.
        reader = FrameReader(path, 1)
        forward = [number_of(planes(reader.frame(n))[0]) for n in range(110)]
        reader.frame(0)
        assert number_of(planes(reader.frame(wanted))[0]) == forward[wanted]
        reader.close()


def test_an_effect_shifts_no_colour_and_untouched_frames_are_the_decoders(red: Path) -> None:
    edit = edit_of(cut(red, 0, 4), cut(red, 4, 4, effect="mirror"))
    shown = pictures(edit)
    with av.open(str(red)) as container:
        source = planes(next(container.decode(video=0)))
        for plane, original in zip(shown[0], source, strict=True):
            assert np.array_equal(plane, original)
    for plain, mirrored in zip(shown[0], shown[6], strict=True):
        assert abs(float(plain.mean()) - float(mirrored.mean())) < 0.6


def test_a_bt601_source_is_converted_to_the_films_matrix(tmp_path: Path) -> None:
    path = tmp_path / "red601.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options={"crf": "8"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.colorspace = 6
        frame = av.VideoFrame.from_ndarray(next(solid((255, 0, 0), 1)), format="rgb24")
        output.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=5)))
        output.mux(stream.encode(None))
    y, u, v = pictures(edit_of(cut(path, 0, 1, source_frames=1)))[0]
    wanted = (63, 102, 240)  # red in BT.709
    assert [abs(int(p[20, 20]) - w) <= 3 for p, w in zip((y, u, v), wanted, strict=True)] == [
        True
    ] * 3


def test_other_shapes_are_centred_on_black(red: Path) -> None:
    y, u, _ = pictures(edit_of(cut(red, 0, 1), width=192, height=192))[0]
    assert np.all(y[:40] == BLACK[0])
    assert np.all(y[-40:] == BLACK[0])
    assert np.all(u[:20] == BLACK[1])
    bright = np.flatnonzero(y[:, 96] > 40)
    assert bright[0] + bright[-1] == pytest.approx(191, abs=1)
    assert len(bright) == pytest.approx(108, abs=2)


def test_phone_footage_is_turned_upright(film: Path, tmp_path: Path) -> None:
    data = bytearray(film.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    quarter = (0, 1 << 16, 0, -(1 << 16) & 0xFFFFFFFF, 0, 0, 0, 0, 1 << 30)  # 90 degrees clockwise
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big") for value in quarter)
    path = tmp_path / "phone.mp4"
    path.write_bytes(data)
    y, _, _ = pictures(edit_of(cut(path, 1, 1), width=108, height=192))[0]
    # Bar 0, bright in frame 1, stood on the left: turned clockwise it lies on top.
    assert y[:20].min() > 125
    assert y[40:].max() < 125
    reader = FrameReader(path, 1)
    assert reader.size == (108, 192)
    reader.close()


def test_swscale_round_trip_keeps_brightness() -> None:
    fitter = Fitter(64, 64, MATRIX_709)
    for level in (16, 50, 90, 126, 180, 235):
        frame = av.VideoFrame(64, 64, "yuv420p")
        for plane, value in zip(planes(frame), (level, 128, 128), strict=True):
            plane[...] = value
        back = planes(fitter.from_rgb(fitter.rgb(frame)))[0]
        assert abs(int(back[30, 30]) - level) <= 1


def test_runs_cover_the_film_and_end_at_plain_cuts(film: Path) -> None:
    dissolve = {"transition": "dissolve", "transition_frames": 8}
    edit = edit_of(*(cut(film, 0, 50, **(dissolve if k % 3 == 1 else {})) for k in range(12)))
    runs = split(edit, 4)
    assert runs[0][0] == 0
    assert runs[-1][1] == edit.frames
    assert all(a[1] == b[0] for a, b in pairwise(runs))
    assert all(stop % 50 == 0 and (stop // 50) % 3 != 1 for _, stop in runs[:-1])
    assert len(split(edit_of(cut(film, 0, 20)), 6)) == 1
    assert len(split(edit_of(cut(film, 0, 2000)), 6)) == 6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"effect": "melt"}, "melt"),
        ({"transition": "spin", "transition_frames": 4}, "spin"),
        ({"transition": "dissolve", "transition_frames": 5}, "even"),
        ({"transition": "dissolve", "transition_frames": 0}, "even"),
        ({"transition": "dissolve", "transition_frames": 40}, "shorten"),
        ({"transition": "cut", "transition_frames": 4}, "even"),
        ({"frames": 0}, "at least one frame"),
        ({"in_point": LENGTH}, "frames 0 to 239"),
        ({"speed": Fraction(0)}, "positive"),
        ({"sound_lead": 10}, "sound lead"),
        ({"sound_lead": -10}, "sound lead"),
    ],
)
def test_impossible_pieces_are_refused(film: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(SegueError, match=words):
        check_edit(edit_of(cut(film, 0, 10), replace(cut(film, 50, 10), **changes)))  # type: ignore[arg-type]


def test_impossible_edits_are_refused(film: Path, tmp_path: Path) -> None:
    good = edit_of(cut(film, 0, 10))
    for bad in (
        replace(good, cuts=()),
        replace(good, width=191),
        replace(good, rate=Fraction(0)),
        replace(good, music_start=-1.0),
        replace(good, source_gain=1.5),
        replace(good, tail=-1),
        replace(good, titles=(Title("late", 5, 6, "middle"),)),
        replace(good, titles=(Title("lost", 0, 5, "ceiling"),)),
        edit_of(cut(film, 0, 10, sound_lead=2)),
        edit_of(cut(film, 0, 10, transition="dissolve", transition_frames=4)),
    ):
        with pytest.raises(SegueError):
            check_edit(bad)
    for path in (tmp_path / "film.avi", tmp_path / "missing" / "film.mp4"):
        with pytest.raises(SegueError):
            render(good, path)
    with pytest.raises(SegueError, match=r"gone\.mp4"):
        render(edit_of(cut(tmp_path / "gone.mp4", 0, 10)), tmp_path / "film.mp4")
    with pytest.raises(SegueError, match="exists already"):
        register_effect(EffectSpec("none", Fraction(1), lambda seconds: None, ""))


def test_strip_is_in_proportion() -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    tiles = [np.full((9, 16, 3), colour, np.uint8) for colour in colours]
    drawn = strip(tiles, [1, 2, 1], ["", "", ""], total=8, size=(800, 90))
    assert drawn.shape == (90, 800, 3)
    for colour, columns in zip(colours, ((0, 98), (102, 298), (302, 398)), strict=True):
        assert np.all(drawn[20, columns[0] : columns[1]] == colour)
    assert np.all(drawn[20, 402:] == drawn[20, 799])
    told = strip(tiles, [1, 2, 1], ["mirror", "", ""], total=8, beats=[5.0], size=(800, 90))
    changed = np.flatnonzero((told != drawn).any(axis=(0, 2)))
    assert 0 < changed[0] < 100
    assert changed[-1] == 500
    marked = strip(tiles, [1, 2, 1], [""] * 3, transitions=[0, 0.5, 0], total=8, size=(800, 90))
    changed = np.flatnonzero((marked != drawn).any(axis=(0, 2)))
    assert (changed[0], changed[-1]) == (75, 125)
    assert strip([], [], [], size=(64, 40)).shape == (40, 64, 3)


def test_contact_frames_are_spread_evenly(film: Path) -> None:
    drawn = contact_frames(film, 4, height=54)
    assert drawn.shape == (54, 4 * 96, 3)
    assert [number_of(part[..., 1]) for part in np.split(drawn, 4, axis=1)] == [30, 90, 150, 210]
