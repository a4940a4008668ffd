from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import fields
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.film import analysis, stretches
from segue.envs.film.analysis import AnalysisError, analyse
from segue.envs.film.frame_grid import grid_frames
from segue.envs.film.gate import MediaError, open_media, require_video
from segue.envs.film.shots import ShotTable
from segue.envs.film.stretches import LOOK_AHEAD, WARM_UP, WHOLE, plan_stretches
from segue.envs.film.watching import watch
from segue.envs.film.worker_pool import WorkerPool

FRAMES, CUTS = 240, (0, 31, 60, 83, 119, 149, 180, 200)


def write_film(
    path: Path,
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    gaps: tuple[int, ...] = (1,),
    frames: int = FRAMES,
) -> Path:
    """Shots of moving blobs with hard cuts; `gaps` are the frames' lengths, over and over."""
    rng = np.random.default_rng(3)
    wide = [np.kron(rng.integers(0, 256, (9, 40, 3)), np.ones((10, 10, 1))) for _ in CUTS]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24, options=options or {})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        stream.codec_context.gop_size = 12
        at = 0
        for number in range(frames):
            shot = int(np.searchsorted(CUTS, number, side="right")) - 1
            left = 3 * (number - CUTS[shot])
            picture = wide[shot][:, left : left + 160].astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 24)
            container.mux(stream.encode(frame))
            at += gaps[number % len(gaps)]
        container.mux(stream.encode(None))
    return path


H264 = {"preset": "veryfast", "x264-params": "keyint=12:min-keyint=12:scenecut=0:bframes=3"}
OPEN = {"preset": "veryfast", "x264-params": "keyint=12:scenecut=0:bframes=3:open-gop=1"}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", options=H264)


@pytest.fixture
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "STRETCH_SECONDS", 1.5)
    monkeypatch.setattr(analysis, "SECONDS_PER_WORKER", 1)


def assert_same(one: ShotTable, other: ShotTable) -> None:
    for part in fields(ShotTable):
        if part.name != "footage":
            np.testing.assert_array_equal(getattr(one, part.name), getattr(other, part.name))
    assert one.footage == other.footage


def children(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    return [int(row[0]) for row in rows if int(row[1]) == pid and "analysis_worker" in row[2]]


def wait_until_dead(pids: list[int]) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        shown = subprocess.run(
            ["ps", "-o", "stat=", "-p", ",".join(map(str, pids))],
            capture_output=True,
            text=True,
            check=False,
        )
        if all(state.startswith("Z") for state in shown.stdout.split()):
            return
        time.sleep(0.02)
    raise AssertionError(f"{pids} live on")


# -- stretches ------------------------------------------------------------------------------------


def test_stretches_begin_at_key_frames_and_own_each_frame_once(
    film: Path, short_stretches: None
) -> None:
    planned, frames = plan_stretches(film)
    assert abs(frames - FRAMES) <= 1
    assert len(planned) == 7
    assert (planned[0].owned[0], planned[0].seek, planned[-1].owned[1]) == (0, None, None)
    for before, after in pairwise(planned):
        assert before.owned[1] == after.owned[0] == after.start + WARM_UP
        assert after.start % 12 == 0
        assert after.start - before.start >= 36
    for one in planned:
        watched = watch(film, one, 3, lambda frames: None)
        first, stop = one.owned
        assert len(watched.evidence.signatures) == (stop or FRAMES) - first
        assert watched.places.tolist() == [
            frame for frame in range(first, stop or FRAMES) if frame % 3 == 0
        ]


def test_a_stretch_sees_little_more_than_its_own(film: Path, short_stretches: None) -> None:
    planned, _ = plan_stretches(film)
    told: list[int] = []
    watch(film, planned[1], 3, told.append)
    assert planned[1].owned[1] is not None
    assert max(told) < planned[1].owned[1] - planned[1].owned[0] + LOOK_AHEAD


def test_films_that_cannot_be_sought_are_one_stretch(tmp_path: Path, short_stretches: None) -> None:
    one_key = {"preset": "veryfast", "x264-params": "keyint=infinite:scenecut=0"}
    path = write_film(tmp_path / "recording.mp4", options=one_key)
    assert plan_stretches(path)[0] == (WHOLE,)
    assert analyse([path], cache=tmp_path, workers=2).start.tolist() == list(CUTS)
    assert not children(os.getpid())


def test_a_sought_container_goes_on_counting(film: Path) -> None:
    with open_media(film) as container:
        stream = require_video(container)
        whole = [(index, frame.pts) for index, frame in grid_frames(container, stream)]
    with open_media(film) as container:
        stream = require_video(container)
        container.seek(whole[60][1], stream=stream)
        origin = whole[0][1] * Fraction(stream.time_base or 0)
        later = grid_frames(container, stream, origin=origin)
        assert [(index, frame.pts) for index, frame in later] == whole[60:]


# -- the same table, whoever watches --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "codec", "options", "gaps"),
    [
        ("closed.mp4", "libx264", H264, (1,)),
        ("open.mkv", "libx264", OPEN, (1,)),
        ("varying.mp4", "libx264", H264, (1, 1, 4, 2)),
        ("stream.ts", "libx264", H264, (1,)),
        ("old.avi", "mpeg4", {}, (1,)),
        ("old.mpg", "mpeg2video", {}, (1,)),
    ],
)
def test_the_table_does_not_depend_on_the_stretches(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    codec: str,
    options: dict[str, str],
    gaps: tuple[int, ...],
) -> None:
    path = write_film(tmp_path / name, codec=codec, options=options, gaps=gaps)
    whole = analyse([path], cache=tmp_path / "whole", workers=1)
    assert len(whole) >= len(CUTS) - 1
    monkeypatch.setattr(stretches, "STRETCH_SECONDS", 1.5)
    assert name.endswith((".ts", ".mpg")) or len(plan_stretches(path)[0]) > 3
    assert_same(whole, analyse([path], cache=tmp_path / "parts", workers=1))


def test_the_table_does_not_depend_on_the_workers(
    tmp_path: Path, film: Path, short_stretches: None
) -> None:
    other = write_film(tmp_path / "other.mp4", options=H264, frames=100)
    tables, told = [], []
    for workers in (1, 2):
        progress: list[float] = []
        tables.append(
            analyse(
                [other, film],
                cache=tmp_path / str(workers),
                workers=workers,
                progress=lambda share, text, progress=progress: progress.append(share),
            )
        )
        told.append(progress)
        assert [path.suffix for path in (tmp_path / str(workers)).iterdir()] == [".npz"] * 2
    assert_same(*tables)
    assert tables[0].start[tables[0].file == 1].tolist() == list(CUTS)
    for progress in told:
        assert progress == sorted(progress)
        assert progress[-1] == 1.0
        assert any(0.2 < share < 0.9 for share in progress)
    assert not children(os.getpid())


def test_parts_that_do_not_join_are_watched_in_one(
    tmp_path: Path, film: Path, short_stretches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = analyse([film], cache=tmp_path / "good", workers=1)
    planned, frames = plan_stretches(film)
    torn = (planned[0], *planned[2:])
    monkeypatch.setattr(analysis, "plan_stretches", lambda path: (torn, frames))
    assert_same(good, analyse([film], cache=tmp_path / "torn", workers=1))


# -- trouble --------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_trouble_with_one_film_is_told_and_the_finished_ones_stay(
    tmp_path: Path, film: Path, short_stretches: None, workers: int
) -> None:
    black = tmp_path / "black.mp4"
    with av.open(str(black), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for _ in range(60):
            picture = np.zeros((90, 160, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    cache = tmp_path / "cache"
    with pytest.raises(MediaError, match=r"black\.mp4 holds no shot"):
        analyse([film, black], cache=cache, workers=workers)
    assert len(list(cache.iterdir())) <= 1
    assert not children(os.getpid())
    assert len(analyse([film], cache=cache)) == len(CUTS)


def test_a_worker_that_dies_is_a_typed_error(
    tmp_path: Path, film: Path, short_stretches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pool(count: int, folder: Path, module: str, failure: type[AnalysisError]) -> WorkerPool:
        return WorkerPool(count, folder, "segue.envs.film.nowhere", failure)

    monkeypatch.setattr(analysis, "WorkerPool", pool)
    with pytest.raises(AnalysisError, match=r"ended unexpectedly \(exit status 1\)") as caught:
        analyse([film], cache=tmp_path, workers=2)
    assert "nowhere" in caught.value.worker_trace
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SegueError, match="0 workers"):
        analyse([film], cache=tmp_path, workers=0)


def test_an_exception_while_workers_watch_leaves_nothing(
    tmp_path: Path, film: Path, short_stretches: None
) -> None:
    seen: list[int] = []

    def tell(share: float, text: str) -> None:
        if share > 0:
            seen.extend(children(os.getpid()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        analyse([film], cache=tmp_path, workers=2, progress=tell)
    assert len(seen) == 2
    wait_until_dead(seen)
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import sys, time
from pathlib import Path
from segue.envs.film import analysis, stretches
stretches.STRETCH_SECONDS, analysis.SECONDS_PER_WORKER = 1.5, 1
def told(share, text):
    if share > 0:
        print("under way", flush=True)
        time.sleep(60)
analysis.analyse([Path(sys.argv[1])], cache=Path(sys.argv[2]), workers=2, progress=told)
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_analysis(tmp_path: Path, film: Path, sent: int) -> None:
    command = [sys.executable, "-c", SCRIPT, str(film), str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "under way\n"
        workers = children(process.pid)
        assert len(workers) == 2
        for pid in (process.pid, *workers) if sent == signal.SIGINT else (process.pid,):
            os.kill(pid, sent)
        process.communicate(timeout=10)
    assert process.returncode != 0
    wait_until_dead(workers)
    assert sent == signal.SIGKILL or list(tmp_path.iterdir()) == []
