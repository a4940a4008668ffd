from __future__ import annotations

from pathlib import Path

import av
import av.error
import numpy as np
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.film import analysis, stretches
from segue.envs.film.analysis import analyse
from segue.envs.film.analysis_worker import decoding
from segue.envs.film.gate import MediaError
from segue.envs.film.stretches import plan_stretches

FRAMES = 150


def film_bytes(path: Path, form: str) -> bytes:
    """Two shots of moving blobs with a key frame every 12 frames, and a tone."""
    rng = np.random.default_rng(3)
    wide = [np.kron(rng.integers(0, 256, (9, 60, 3)), np.ones((10, 10, 1))) for _ in range(2)]
    options = {"movflags": "faststart"} if form == "mp4" else {}
    with av.open(str(path), "w", format=form, options=options) as container:
        coding = {"preset": "veryfast", "x264-params": "keyint=12:min-keyint=12:scenecut=0"}
        video = container.add_stream("libx264", rate=24, options=coding)
        video.width, video.height, video.pix_fmt = 160, 90, "yuv420p"
        audio = container.add_stream("aac", rate=44_100, layout="mono")
        for number in range(FRAMES):
            left = 2 * (number % 75)
            picture = wide[number // 75][:, left : left + 160].astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(video.encode(frame))
        wave = 0.1 * np.sin(np.arange(FRAMES * 44_100 // 24) / 20)
        sound = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), "fltp", layout="mono")
        sound.sample_rate = 44_100
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
        container.mux(video.encode(None))
    return path.read_bytes()


def flipped(data: bytes, seed: int) -> bytes:
    places = np.random.default_rng(seed).integers(len(data) // 4, len(data), 25)
    damaged = bytearray(data)
    for place in places.tolist():
        damaged[place] ^= 0xFF
    return bytes(damaged)


def outcome(path: Path, cache: Path, workers: int) -> object:
    try:
        table = analyse([path], cache=cache, workers=workers)
    except SegueError as error:
        return str(error)
    return table.start.tolist(), table.footage[0].frames, table.features.tobytes()


@pytest.mark.parametrize("form", ["mp4", "matroska", "mpegts"])
def test_damaged_files_give_a_table_or_a_typed_error_and_always_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(stretches, "STRETCH_SECONDS", 1.5)
    monkeypatch.setattr(analysis, "SECONDS_PER_WORKER", 1)
    whole = film_bytes(tmp_path / "whole.mp4", form)
    hole = bytearray(whole)
    hole[len(whole) // 2 : len(whole) * 5 // 8] = bytes(len(whole) * 5 // 8 - len(whole) // 2)
    for number, data in enumerate((whole[: len(whole) * 3 // 5], bytes(hole), flipped(whole, 1))):
        path = tmp_path / f"damaged{number}.mp4"
        path.write_bytes(data)
        first, second = (outcome(path, tmp_path / f"{number}-{n}", n) for n in (1, 2))
        assert first == second
        assert isinstance(first, tuple) or str(path) in str(first)


def test_a_header_of_a_million_frames(tmp_path: Path) -> None:
    whole = film_bytes(tmp_path / "whole.mp4", "mp4")
    path = tmp_path / "million.mp4"
    entries = whole.index(b"stts") + 12
    path.write_bytes(whole[:entries] + (1_000_000).to_bytes(4, "big") + whole[entries + 4 :])
    table = analyse([path], cache=tmp_path)
    assert table.footage[0].frames == FRAMES
    assert table.start.tolist() == [0, 75]


def test_sizes_without_samples_are_a_typed_error(tmp_path: Path) -> None:
    whole = film_bytes(tmp_path / "whole.mp4", "mp4")
    path = tmp_path / "sizes.mp4"
    count = whole.index(b"stsz") + 12
    path.write_bytes(whole[:count] + (1_000_000).to_bytes(4, "big") + whole[count + 4 :])
    with pytest.raises(MediaError, match=r"sizes\.mp4"):
        analyse([path], cache=tmp_path)


def test_time_stamps_that_run_away_are_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for number in range(48):
            picture = np.full((36, 64, 3), 5 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number if number < 40 else number + 10**9
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(SegueError, match=r"late\.mkv"):
        analyse([path], cache=tmp_path)


def test_what_ffmpeg_says_becomes_a_media_error(tmp_path: Path) -> None:
    path = tmp_path / "film.ts"
    with (
        pytest.raises(MediaError, match=r"film\.ts cannot be decoded to its end \(try again\)"),
        decoding(path),
    ):
        raise av.error.BlockingIOError(11, "try again", str(path))
    with pytest.raises(ZeroDivisionError), decoding(path):
        raise ZeroDivisionError
    with pytest.raises(MediaError, match=r"film\.ts does not exist"):
        plan_stretches(path)
