"""Rendering an edit: the right frames, untouched colours, exact sound, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import opentimelineio as otio
import pytest
import soundfile

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.effects import EFFECTS, EffectSpec, register_effect
from segue.envs.film.filmstrip import contact_frames, strip
from segue.envs.film.pictures import Fitter, planes
from segue.envs.film.plan import check_edit, moments, split
from segue.envs.film.reader import FrameReader
from segue.envs.film.renderer import render
from segue.envs.film.segments import render_frames
from segue.envs.film.timelines import to_otio, write_edl, write_otio
from segue.envs.film.transitions import BLACK, TRANSITIONS, Planes
from segue.envs.film.worker_pool import RenderError
from segue.experiments.render_benchmark import build_ffmpeg_command, compare_with_ffmpeg

RATE = Fraction(24)
SIZE = (192, 108)
BITS = 8
LENGTH = 240
MATRIX_709 = 1


def write_film(path: Path, frames: Iterator[npt.NDArray[np.uint8]], rate: Fraction) -> None:
    """Encode RGB frames with B-frames and key frames 50 apart."""
    with av.open(str(path), "w") as output:
        stream = None
        for picture in frames:
            if stream is None:
                options = {"preset": "fast", "crf": "12", "g": "50", "sc_threshold": "0"}
                # AVI cannot say when a B-frame is shown; its own codec has none.
                codec = "mpeg4" if path.suffix == ".avi" else "libx264"
                stream = output.add_stream(codec, rate=rate, options=options)
                stream.width, stream.height = picture.shape[1], picture.shape[0]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.colorspace = 1
                stream.codec_context.color_range = 1
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=1, src_color_range=2, dst_color_range=1
            )
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def numbered(count: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Pictures that carry their number as bars, dark for 0, bright for 1."""
    width, height = SIZE
    for number in range(count):
        picture = np.zeros((height, width, 3), np.uint8)
        for bit in range(BITS):
            bar = slice(bit * width // BITS, (bit + 1) * width // BITS)
            picture[:, bar] = 210 if number >> bit & 1 else 40
        yield picture


def number_of(luma: npt.NDArray[np.uint8]) -> int:
    height, width = luma.shape
    middle = luma[height // 2, [int((bit + 0.5) * width / BITS) for bit in range(BITS)]]
    return sum(1 << bit for bit in range(BITS) if middle[bit] > 125)


def lumas(path: Path) -> list[npt.NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [planes(frame)[0].copy() for frame in container.decode(video=0)]


def solid(colour: tuple[int, int, int], count: int) -> Iterator[npt.NDArray[np.uint8]]:
    for _ in range(count):
        yield np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)


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


def cut(source: Path, in_point: int, frames: int, **changes: object) -> Cut:
    plain = Cut(source, RATE, LENGTH, in_point, frames, Fraction(1), "none", "cut", 0, "shot")
    return replace(plain, **changes)  # type: ignore[arg-type]


def edit_of(*cuts: Cut, **changes: object) -> Edit:
    plain = Edit("a film", RATE, *SIZE, cuts)
    return replace(plain, **changes)  # type: ignore[arg-type]


def pictures(edit: Edit) -> list[Planes]:
    frames = render_frames(edit, 0, edit.frames, MATRIX_709, 1)
    return [tuple(plane.copy() for plane in planes(frame)) for frame in frames]  # type: ignore[misc]


def numbers(edit: Edit) -> list[int]:
    return [number_of(y) for y, _, _ in pictures(edit)]


# --- Which frame is shown ---------------------------------------------------------------------


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


# --- Colours and shapes -----------------------------------------------------------------------


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


# --- Effects ----------------------------------------------------------------------------------


def test_effects_stand_in_the_order_of_the_action_index() -> None:
    assert list(EFFECTS)[:8] == [
        *("none", "slow_motion", "colour_boost", "black_and_white"),
        *("zoom_in", "mirror", "fade_in", "fade_out"),
    ]
    assert EFFECTS["slow_motion"].speed == Fraction(1, 2)


def test_effect_names_do_not_load_moviepy() -> None:
    code = "import sys, segue.envs.film.effects; sys.exit('moviepy' in sys.modules)"
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
    assert np.array_equal(filtered.get_frame(0.5), picture) == (name in ("slow_motion", "fade_out"))


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


# --- Transitions ------------------------------------------------------------------------------


def flat(luma: int) -> Planes:
    return (
        np.full((64, 128), luma, np.uint8),
        np.full((32, 64), 100, np.uint8),
        np.full((32, 64), 150, np.uint8),
    )


def test_transitions_stand_in_the_order_of_the_action_index() -> None:
    assert list(TRANSITIONS)[:4] == ["cut", "dissolve", "fade_through_black", "wipe"]
    assert [TRANSITIONS[n].needs_handles for n in list(TRANSITIONS)[:4]] == [0, 1, 0, 1]


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


# --- The plan ---------------------------------------------------------------------------------


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
        ({"effect": "sepia"}, "sepia"),
        ({"transition": "spin", "transition_frames": 4}, "spin"),
        ({"transition": "dissolve", "transition_frames": 5}, "even"),
        ({"transition": "dissolve", "transition_frames": 0}, "even"),
        ({"transition": "dissolve", "transition_frames": 40}, "shorten"),
        ({"transition": "cut", "transition_frames": 4}, "even"),
        ({"frames": 0}, "at least one frame"),
        ({"in_point": LENGTH}, "frames 0 to 239"),
        ({"speed": Fraction(0)}, "positive"),
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


# --- The finished film ------------------------------------------------------------------------


def flashing(count: int, every: int) -> Iterator[npt.NDArray[np.uint8]]:
    for number in range(count):
        yield from solid((255,) * 3 if number % every == every // 2 else (0,) * 3, 1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Flash frames cut to clicks: 200 frames in five pieces, 30 apart in footage and sound."""
    folder = tmp_path_factory.mktemp("finished")
    write_film(folder / "flashes.mp4", flashing(240, 30), RATE)
    sound = np.zeros((48_000 * 12, 2), np.float32)
    for number in range(15, 240, 30):
        at = number * 2000 + 48_000  # the music starts a second into its file
        sound[at : at + 240] = 0.9
    sound[:, 1] += 0.05 * np.sin(np.arange(len(sound)) / 20).astype(np.float32)
    soundfile.write(folder / "clicks.wav", sound, 48_000)
    cuts = [cut(folder / "flashes.mp4", k * 40, 40) for k in range(5)]
    edit = edit_of(*cuts, music=folder / "clicks.wav", music_start=1.0)
    told: list[float] = []
    render(edit, folder / "film.mp4", progress=told.append, workers=2)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert sorted(p.name for p in folder.iterdir()) == ["clicks.wav", "film.mp4", "flashes.mp4"]
    return folder / "film.mp4"


def test_picture_and_sound_have_the_exact_length_and_start_together(finished: Path) -> None:
    assert len(lumas(finished)) == 200
    with av.open(str(finished)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.frames == 200
        assert video.average_rate == RATE
        assert (video.start_time, audio.start_time) == (0, 0)
        assert video.duration * video.time_base == Fraction(200, 24)
        assert audio.duration * audio.time_base == pytest.approx(200 / 24, abs=1e-4)
        stamps = [frame.pts * video.time_base * RATE for frame in container.decode(video)]
    assert stamps == list(range(200))
    data = finished.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_clicks_fall_on_flashes_and_the_end_fades(finished: Path) -> None:
    flashes = [k for k, luma in enumerate(lumas(finished)) if luma.mean() > 128]
    with av.open(str(finished)) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    sound = np.concatenate(blocks, axis=1)
    # The last AAC frame may be padded by the decoder, never cut.
    assert 400_000 <= sound.shape[1] < 400_000 + 1024
    loud = np.flatnonzero(np.abs(sound[0]) > 0.4)
    clicks = loud[np.flatnonzero(np.diff(loud, prepend=-9999) > 4000)]
    assert flashes == [15, 45, 75, 105, 135, 165, 195]
    assert np.abs(clicks[:6] / 2000 - flashes[:6]).max() < 0.1  # frames
    early, late = sound[1, 330_000:340_000], sound[1, 398_000:400_000]
    assert late.std() < 0.2 * early.std()


def test_music_that_ends_early_is_followed_by_silence(film: Path, tmp_path: Path) -> None:
    wav = tmp_path / "short.wav"
    soundfile.write(wav, 0.3 * np.sin(np.arange(22_050) / 9), 44_100)
    edit = edit_of(cut(film, 0, 48), music=wav)
    render(edit, tmp_path / "film.mp4", preview=True)
    with av.open(str(tmp_path / "film.mp4")) as container:
        sound = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
    assert 96_000 <= sound.shape[1] < 97_024
    assert sound[0, 5000:20_000].std() > 0.1
    assert np.abs(sound[0, 30_000:]).max() < 0.01
    with pytest.raises(SegueError, match="ends before second 5"):
        render(replace(edit, music_start=5.0), tmp_path / "other.mp4")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.mp4", "short.wav"]


def test_fractional_rates_and_previews(film: Path, tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    edit = edit_of(cut(film, 0, 150), rate=rate, width=1280, height=720)
    render(edit, tmp_path / "film.mp4", preview=True, workers=1)
    with av.open(str(tmp_path / "film.mp4")) as container:
        video = container.streams.video[0]
        assert (video.width, video.height) == (640, 360)
        assert video.average_rate == rate
        assert video.duration * video.time_base == 150 / rate
        assert not container.streams.audio
    shown = [number_of(luma) for luma in lumas(tmp_path / "film.mp4")]
    assert shown == [edit.source_frame(edit.cuts[0], k) for k in range(150)]


# --- Nothing is left --------------------------------------------------------------------------

SCRIPT = """
import sys
from fractions import Fraction
from pathlib import Path
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.renderer import render
film, out = Path(sys.argv[1]), Path(sys.argv[2])
cuts = tuple(
    Cut(film, Fraction(24), 240, 0, 2000, Fraction(1, 8), "zoom_in", "cut", 0, "s") for _ in "abcd"
)
def told(share):
    if share > 0:
        print("under way", flush=True)
render(Edit("long", Fraction(24), 640, 360, cuts), out, progress=told)
"""


def children(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [line.split() for line in listed.stdout.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def alive(pid: int) -> bool:
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()[:1] not in ("", "Z")


def start_long_render(film: Path, out: Path) -> tuple[subprocess.Popen[str], list[int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(film), str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "under way\n"
    workers = children(process.pid)
    assert len(workers) == 2
    return process, workers


def wait_until_dead(pids: list[int]) -> None:
    until = time.monotonic() + 5
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in pids)


def test_ctrl_c_leaves_nothing(film: Path, tmp_path: Path) -> None:
    process, workers = start_long_render(film, tmp_path / "film.mp4")
    for pid in (process.pid, *workers):  # as a terminal does it
        os.kill(pid, signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in said
    wait_until_dead(workers)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_renderer_leaves_no_worker_and_its_folder_goes_next_time(
    film: Path, tmp_path: Path
) -> None:
    process, workers = start_long_render(film, tmp_path / "film.mp4")
    process.kill()
    process.communicate(timeout=10)
    wait_until_dead(workers)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".segue-render-")
    living = tmp_path / left.name.replace(f"-{process.pid}-", f"-{os.getpid()}-")
    living.mkdir()
    render(edit_of(cut(film, 0, 5)), tmp_path / "film.mp4", preview=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([living.name, "film.mp4"])


def test_a_failing_worker_leaves_nothing_and_is_told_in_one_sentence(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules, out = tmp_path / "modules", tmp_path / "out"
    modules.mkdir()
    out.mkdir()
    (out / "film.mp4").write_bytes(b"earlier")
    (modules / "failing.py").write_text(
        "import os\n"
        "from fractions import Fraction\n"
        "from segue.envs.film.effects import EffectSpec, register_effect\n"
        "def build(seconds):\n    raise ZeroDivisionError('no')\n"
        "register_effect(EffectSpec('fail', Fraction(1), build, ''))\n"
        "def build(seconds):\n    os._exit(3)\n"
        "register_effect(EffectSpec('die', Fraction(1), build, ''))\n"
    )
    monkeypatch.syspath_prepend(modules)
    try:
        __import__("failing")
        with pytest.raises(RenderError, match="ZeroDivisionError") as caught:
            render(edit_of(cut(film, 5, 60, effect="fail")), out / "film.mp4")
        assert "failing.py" in caught.value.worker_trace
        with pytest.raises(RenderError, match="exit status 3"):
            render(edit_of(cut(film, 5, 60, effect="die")), out / "film.mp4")
    finally:
        EFFECTS.pop("fail", None)
        EFFECTS.pop("die", None)
    assert not any(alive(pid) for pid in children(os.getpid()))
    assert [p.name for p in out.iterdir()] == ["film.mp4"]
    assert (out / "film.mp4").read_bytes() == b"earlier"


# --- Timelines --------------------------------------------------------------------------------


def mixed_edit(film: Path, rate: Fraction = RATE) -> Edit:
    cuts = (
        cut(film, 10, 40, shot="one", reward_terms={"beat": 0.5}),
        cut(film, 100, 30, shot="two", transition="dissolve", transition_frames=8),
        cut(film, 150, 24, shot="three", speed=Fraction(1, 2), effect="slow_motion"),
        cut(film, 60, 30, shot="four", transition="wipe", transition_frames=12, effect="mirror"),
        cut(film, 20, 30, shot="five", transition="fade_through_black", transition_frames=12),
    )
    cuts = tuple(replace(c, source_rate=rate) for c in cuts)
    return edit_of(*cuts, rate=rate, music=film, music_start=1.5)


def test_otio_round_trip(film: Path, tmp_path: Path) -> None:
    edit = mixed_edit(film)
    path = film.parent / "timeline.otio"
    write_otio(edit, path)
    back = otio.adapters.read_from_file(str(path))
    path.unlink()
    assert back.is_equivalent_to(to_otio(edit, film.parent))
    track, music = back.tracks
    clips = list(track.find_clips())
    assert track.duration() == otio.opentime.RationalTime(edit.frames, 24)
    assert [c.source_range.start_time.value for c in clips] == [10, 100, 150, 60, 20]
    assert [c.source_range.duration.value for c in clips] == [40, 30, 24, 30, 30]
    assert [c.range_in_parent().start_time.value for c in clips] == [0, 40, 70, 94, 124]
    assert clips[0].media_reference.target_url == "numbered.mp4"
    assert clips[0].metadata["segue"]["reward_terms"]["beat"] == 0.5
    assert clips[0].markers
    assert clips[2].effects[0].time_scalar == 0.5
    assert clips[3].effects[0].effect_name == "mirror"
    joins = [item for item in track if isinstance(item, otio.schema.Transition)]
    assert [(j.name, j.in_offset.value, j.out_offset.value) for j in joins] == [
        ("dissolve", 4, 4),
        ("wipe", 6, 6),
        ("fade_through_black", 6, 6),
    ]
    assert joins[0].transition_type == "SMPTE_Dissolve"
    assert music[0].source_range.start_time.to_seconds() == 1.5
    assert music.duration().to_seconds() == edit.frames / 24
    elsewhere = to_otio(edit, tmp_path).tracks[0][0].media_reference.target_url
    assert elsewhere == film.as_uri()


@pytest.mark.parametrize(
    "rate", [Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001)]
)
def test_edl_reads_back_frame_exact(film: Path, tmp_path: Path, rate: Fraction) -> None:
    edit = mixed_edit(film, rate)
    write_edl(edit, tmp_path / "film.edl")
    back = otio.adapters.read_from_file(str(tmp_path / "film.edl"), rate=float(rate))
    (track,) = back.video_tracks()
    clips = list(track.find_clips())
    assert [c.name for c in clips] == ["one", "two", "three", "four", "BLACK", "five"]
    # A transition's event begins with it, half its length before the cut.
    starts = [c.range_in_parent().start_time.value for c in clips]
    assert starts == [0, 36, 70, 88, 118, 124]
    assert [c.source_range.start_time.value for c in clips] == [10, 96, 150, 54, 0, 20]
    assert track.duration().value == edit.frames
    kinds = [j.transition_type for j in track if isinstance(j, otio.schema.Transition)]
    assert kinds == ["SMPTE_Dissolve", "SMPTE_Wipe", "SMPTE_Dissolve", "SMPTE_Dissolve"]
    assert clips[2].effects[0].time_scalar == pytest.approx(0.5, abs=0.002)
    assert "EFFECT NAME IS mirror" in clips[3].metadata["cmx_3600"]["comments"]
    assert clips[3].media_reference.target_url == str(film)
    assert back.audio_tracks()[0].duration().value == edit.frames


def test_timelines_refuse_what_they_cannot_say(film: Path, tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="no timecode for 12"):
        write_edl(edit_of(cut(film, 0, 10), rate=Fraction(12)), tmp_path / "film.edl")
    with pytest.raises(SegueError, match=r"\.otio"):
        write_otio(edit_of(cut(film, 0, 10)), tmp_path / "film.txt")
    with pytest.raises(SegueError, match="999"):
        write_edl(edit_of(*(cut(film, 0, 1) for _ in range(1000))), tmp_path / "film.edl")
    assert list(tmp_path.iterdir()) == []


# --- Strips -----------------------------------------------------------------------------------


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


# --- The yardstick ----------------------------------------------------------------------------


def test_the_yardstick_renders_the_same_film(film: Path, tmp_path: Path) -> None:
    edit = replace(mixed_edit(film), music=None)
    command = build_ffmpeg_command(edit, tmp_path / "film.mp4")
    assert command[-1] == str(tmp_path / "film.mp4")
    told = compare_with_ffmpeg(edit, tmp_path)
    assert told["segue_frames"] == told["ffmpeg_frames"] == edit.frames
    assert told["ratio"] == told["segue_seconds"] / told["ffmpeg_seconds"]
    assert list(tmp_path.iterdir()) == []
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    ours = [y for y, _, _ in pictures(edit)]
    for at in (5, 35, 50, 80, 110, 135, 153):  # outside transitions
        assert number_of(lumas(tmp_path / "film.mp4")[at]) == number_of(ours[at])
