"""The finished file: exact length, sound in time; nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from film_footage import (
    LENGTH,
    RATE,
    cut,
    edit_of,
    flashing,
    lumas,
    number_of,
    numbered,
    write_film,
)

from segue.envs.base.errors import SegueError
from segue.envs.film.effects import EFFECTS
from segue.envs.film.renderer import render
from segue.envs.film.worker_pool import RenderError


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "numbered.mp4"
    write_film(path, numbered(LENGTH), RATE)
    return path


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
    """Renderer's workers of a process; other tests' processes may live on beside them."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    return [int(row[0]) for row in rows if int(row[1]) == pid and "segment_worker" in row[2]]


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
    assert workers
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
