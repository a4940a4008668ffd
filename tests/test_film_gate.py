from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from written_media import write_clicks, write_frames, write_shots

from segue.envs.film.analysis import analyse
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
from segue.envs.film.synthetic import write_synthetic_film


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[int, ...]]:
    return write_shots(tmp_path_factory.mktemp("film") / "film.mp4")


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
