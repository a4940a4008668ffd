from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from written_media import write_clicks, write_shots, write_wave

from segue.envs.base.errors import SegueError
from segue.envs.film.beat_tracking import grid_of_tune, track_beats
from segue.envs.film.gate import (
    MediaError,
)
from segue.envs.film.synthetic import write_synthetic_film


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[int, ...]]:
    return write_shots(tmp_path_factory.mktemp("film") / "film.mp4")


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
    assert np.all(np.diff(grid.downbeats) == 4)
    assert grid.sections.tolist() == [0]
    # The deep, loud click stands on every fourth.
    strongest = np.abs(grid.times[None, :-1] - times[::4, None]).argmin(axis=1)
    others = np.setdiff1d(np.arange(len(grid)), strongest)
    assert grid.strength[strongest].min() > grid.strength[others].max()
    assert set(strongest.tolist()) == set(grid.downbeats.tolist())


def test_beats_of_a_films_sound(film: tuple[Path, tuple[int, ...]]) -> None:
    assert track_beats(film[0]).tempo == pytest.approx(120, rel=0.01)


def test_sound_without_a_beat_is_refused(tmp_path: Path) -> None:
    write_wave(tmp_path / "silence.wav", np.zeros(44_100), 22_050)
    with pytest.raises(SegueError, match=r"No beat can be heard in .*silence\.wav"):
        track_beats(tmp_path / "silence.wav")
    write_synthetic_film(tmp_path / "mute.mp4", shots=1, sound=False, seconds_per_shot=(1, 1))
    with pytest.raises(MediaError, match=r"mute\.mp4 has no sound"):
        track_beats(tmp_path / "mute.mp4")


def test_the_grid_of_a_tune() -> None:
    grid = grid_of_tune(120.0, 20, 4)
    np.testing.assert_array_equal(grid.times, np.arange(21) * 0.5)
    bar = [0.7, 0.25, 0.4, 0.25]
    expected = [1.0, *bar[1:], *bar, *bar, *bar, 1.0, *bar[1:]]
    np.testing.assert_allclose(grid.strength, expected)
    np.testing.assert_allclose(grid_of_tune(90, 4, 3).strength, [1, 0.25, 0.25, 0.7])
    assert grid.downbeats.tolist() == [0, 4, 8, 12, 16]
    assert grid.sections.tolist() == [0]
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
