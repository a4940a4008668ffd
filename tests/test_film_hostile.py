"""Hostile and broken media: a typed error or the right film, and no other file is ever opened."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
import pytest
from film_footage import (
    LENGTH,
    RATE,
    clicks,
    cut,
    edit_of,
    lumas,
    number_of,
    numbered,
    numbers,
    write_film,
    write_sounding_film,
)

from segue.envs.base.errors import SegueError
from segue.envs.film.gate import MediaError, open_media, probe
from segue.envs.film.pictures import planes
from segue.envs.film.reader import FrameReader
from segue.envs.film.renderer import render
from segue.envs.film.soundtrack import mix

DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1" bandwidth="1"><BaseURL>{0}</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>"
)
LISTS = {
    "dash": DASH,
    "dash behind a box": "\0\0\0\x18ftypisom\0\0\0\0isomiso2" + DASH,
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{0}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile {0}\n",
    "concat by url": "ffconcat version 1.0\nfile 'file:{0}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "image list": "{0}\n{0}\n",
}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "numbered.mp4"
    write_film(path, numbered(LENGTH), RATE)
    return path


@contextmanager
def right_or_refused(path: Path) -> Iterator[None]:
    """Let the block go through, or end with a typed error that names the file."""
    try:
        yield
    except SegueError as error:
        if path.name not in str(error):
            raise AssertionError(f"{error} does not name {path.name}") from error


# --- No second file ---------------------------------------------------------------------------


@contextmanager
def guarded(canary: Path) -> Iterator[list[str]]:
    """Note every opening of `canary`, a pipe: a writer can open it only when a reader has."""
    os.mkfifo(canary)
    opened: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.002):
            try:
                writer = os.open(canary, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                continue
            opened.append(canary.name)
            os.close(writer)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield opened
        time.sleep(0.01)
    finally:
        over.set()
        watcher.join()


def test_the_guard_sees_an_opening(tmp_path: Path) -> None:
    with guarded(tmp_path / "canary.mp4") as opened:
        (tmp_path / "list.txt").write_text("ffconcat version 1.0\nfile canary.mp4\n")
        with pytest.raises(av.error.FFmpegError):
            av.open(str(tmp_path / "list.txt"), format="concat")
    assert opened


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("name", ["trap.mp4", "trap.m3u8", "trap.mpd"])
def test_lists_named_like_films_open_nothing(tmp_path: Path, kind: str, name: str) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    with guarded(outside / "canary.mp4") as opened:
        for named in (outside / "canary.mp4", Path("../outside/canary.mp4")):
            (inside / name).write_text(LISTS[kind].format(named))
            with pytest.raises(MediaError, match=rf"{name} (is not a media|cannot be read)"):
                probe(inside / name)
            with pytest.raises(MediaError, match=name):
                render(edit_of(cut(inside / name, 0, 5)), tmp_path / "film.mp4")
            with pytest.raises(MediaError, match=name):
                list(mix(edit_of(cut(inside / name, 0, 5), source_gain=1.0)))
    assert not opened
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inside", "outside"]


def test_data_kept_in_another_file_is_not_fetched(film: Path, tmp_path: Path) -> None:
    """MP4 may say that its samples lie in another file (a ``url `` of the ``dref`` box)."""
    with guarded(tmp_path / "canary.mp4") as opened:
        location = str(tmp_path / "canary.mp4").encode() + b"\0"
        data = bytearray(film.read_bytes())
        at = data.index(b"dref") + 12  # behind type, version and count
        assert bytes(data[at + 4 : at + 12]) == b"url \0\0\0\x01"
        data[at : at + 12] = struct.pack(">I", 12 + len(location)) + b"url \0\0\0\0" + location
        for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
            place = data.index(box) - 4
            size = struct.unpack_from(">I", data, place)[0] + len(location)
            struct.pack_into(">I", data, place, size)
        path = tmp_path / "reference.mp4"
        path.write_bytes(data)
        with right_or_refused(path):
            assert numbers(edit_of(cut(path, 7, 2))) == [7, 8]
    assert not opened


# --- Broken files -----------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".ts"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_file_gives_its_frames_or_a_typed_error(
    tmp_path: Path, suffix: str, share: float
) -> None:
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"half{suffix}"
    write_film(whole, numbered(100), RATE)
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with right_or_refused(path):
        shown = numbers(edit_of(cut(path, 0, 100, source_frames=100)))
        right = next((k for k in range(100) if shown[k] != k), 100)
        assert len(shown) == 100
        assert right >= 100 * share - 60
        # Behind what is there the last picture is held, and one in pieces may be shown.
        assert len(set(shown[right + 8 :])) <= 2


def patched(film: Path, path: Path, box: bytes, offset: int, value: int) -> Path:
    """Copy an MP4 file with one 32-bit number of a box replaced."""
    data = bytearray(film.read_bytes())
    struct.pack_into(">I", data, data.index(box) + 4 + offset, value)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("box", "offset"),
    [(b"stts", 8), (b"stsz", 8), (b"stss", 4), (b"ctts", 4), (b"stsc", 8), (b"stco", 4)],
)
def test_headers_that_promise_a_million_frames(
    film: Path, tmp_path: Path, box: bytes, offset: int
) -> None:
    path = patched(film, tmp_path / "liar.mp4", box, offset, 1_000_000)
    began = time.monotonic()
    promised = {"source_frames": 10**6}
    with right_or_refused(path):
        shown = numbers(edit_of(cut(path, 0, 3, **promised), cut(path, 999_990, 3, **promised)))
        assert len(shown) == 6
        assert shown[:3] == [0, 1, 2]
        assert len(set(shown[3:])) == 1
    assert time.monotonic() - began < 10


def test_headers_that_promise_days_or_acres(film: Path, tmp_path: Path) -> None:
    seconds = patched(film, tmp_path / "days.mp4", b"mdhd", 12, 0xFFFF_FFF0)
    with pytest.raises(SegueError, match=r"days\.mp4"):
        render(edit_of(cut(seconds, 10**9, 5, source_frames=2 * 10**9)), tmp_path / "film.mp4")
    acres = patched(film, tmp_path / "acres.mp4", b"avc1", 24, 30_000 << 16 | 30_000)
    with right_or_refused(acres):
        assert numbers(edit_of(cut(acres, 0, 2))) == [0, 1]
    assert not (tmp_path / "film.mp4").exists()


def test_flipped_bytes_never_crash_or_hang(film: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    data = film.read_bytes()
    header = data.index(b"moov")
    for number in range(40):
        broken = bytearray(data)
        for at in generator.integers(header if number % 2 else 0, len(data), 20):
            broken[at] = generator.integers(256)
        path = tmp_path / f"flipped{number}.mp4"
        path.write_bytes(broken)
        with right_or_refused(path):
            assert len(numbers(edit_of(cut(path, 30, 4)))) == 4


def test_broken_sound_is_a_typed_error_or_silence(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    write_sounding_film(whole, clicks(4.0), frames=96)
    data = whole.read_bytes()
    for share in (0.3, 0.7):
        path.write_bytes(data[: int(len(data) * share)])
        with right_or_refused(path):
            sound = np.concatenate(list(mix(edit_of(cut(path, 0, 96), source_gain=1.0))), axis=1)
            assert sound.shape[1] == 192_000
            assert np.isfinite(sound).all()


def test_empty_files_are_refused(tmp_path: Path, film: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    for edit in (edit_of(cut(empty, 0, 5)), edit_of(cut(film, 0, 5), music=empty)):
        with pytest.raises(MediaError, match=r"empty\.mp4 is empty"):
            render(edit, tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == [empty]


# --- Unusual files ----------------------------------------------------------------------------


def test_odd_sizes_are_rendered(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 191, 107, "yuv444p"
        for picture in numbered(30):
            frame = av.VideoFrame.from_ndarray(picture[:107, :191], format="rgb24")
            output.mux(stream.encode(frame.reformat(format="yuv444p")))
        output.mux(stream.encode(None))
    render(edit_of(cut(path, 5, 10, effect="mirror")), tmp_path / "film.mp4")
    shown = [number_of(luma[:, ::-1]) for luma in lumas(tmp_path / "film.mp4")]
    assert shown == list(range(5, 15))


def test_a_variable_rate_shows_each_picture_at_its_time(tmp_path: Path) -> None:
    path = tmp_path / "varying.mkv"
    gaps = [42] * 20 + [125] * 20 + [42] * 20
    stamps = np.cumsum([0, *gaps[:-1]])
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=24, options={"preset": "fast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 192, 108, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for stamp, picture in zip(stamps.tolist(), numbered(60), strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    facts = probe(path)
    assert facts.rate is not None
    with open_media(path) as container:
        assert container.streams.video[0].average_rate is not None
    piece = cut(path, 0, 90, source_rate=facts.rate, source_frames=10**4)
    for at, shown in enumerate(numbers(edit_of(piece))):
        frame = edit_of(piece).source_frame(piece, at)
        instant = float(frame / facts.rate) * 1000
        slack = float(500 / facts.rate)  # half a frame of the grid
        assert stamps[shown] <= instant + slack
        assert shown == 59 or stamps[shown + 1] >= instant - slack
    reader = FrameReader(path, 1)
    assert number_of(planes(reader.frame(0))[0]) == 0
    reader.close()


def test_a_stream_that_nobody_knows_is_passed_over(film: Path, tmp_path: Path) -> None:
    sounding, path = tmp_path / "sounding.mov", tmp_path / "unknown.mov"
    write_sounding_film(sounding, clicks(2.0), frames=48)
    data = sounding.read_bytes()
    path.write_bytes(data.replace(b"sowt", b"zzzz"))
    assert path.read_bytes() != data
    assert probe(sounding).has_sound
    assert not probe(path).has_sound
    edit = edit_of(cut(path, 5, 3), source_gain=1.0)
    assert numbers(edit) == [5, 6, 7]
    assert not np.concatenate(list(mix(edit)), axis=1).any()
    with pytest.raises(MediaError, match=r"unknown\.mov has no sound"):
        render(edit_of(cut(film, 0, 5), music=path), tmp_path / "film.mp4")
    path.write_bytes(data.replace(b"avc1", b"zzzz"))
    with pytest.raises(MediaError, match=r"unknown\.mov has no picture"):
        render(edit_of(cut(path, 0, 5)), tmp_path / "film.mp4")
