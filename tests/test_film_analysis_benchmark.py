from __future__ import annotations

from pathlib import Path

import pytest

from segue.envs.base.errors import SegueError
from segue.envs.film.synthetic import write_synthetic_film
from segue.experiments import analysis_benchmark
from segue.experiments.bench import bench


def test_analysis_is_measured_twice_on_the_film_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "film.mp4"
    *_, frames = write_synthetic_film(film, shots=3, seconds_per_shot=(1, 1), size=(64, 36))
    clock = iter((10.0, 10.5, 20.0, 20.25))
    monkeypatch.setattr(analysis_benchmark.time, "perf_counter", lambda: next(clock))
    figures = bench(["analysis"], film=film)["analysis"]
    assert (figures["film"], figures["film_seconds"]) == ("film.mp4", frames / 24)
    assert (figures["width"], figures["height"], figures["shots"]) == (64, 36, 3)
    assert (figures["first_seconds"], figures["second_seconds"]) == (0.5, 0.25)
    assert figures["times_real_time"] == 2 * frames / 24
    assert [row["measured"] for row in figures["ratios"]] == [2 * frames / 24, 4.0]
    assert [row["least"] for row in figures["ratios"]] == [8.0, 1.0]
    shown = " ".join(capsys.readouterr().out.split())
    assert "film.mp4, 3.0 s of 64 x 36" in shown
    assert "at least 8" in shown


def test_a_film_that_cannot_be_analysed_is_named(tmp_path: Path) -> None:
    with pytest.raises(SegueError, match=r"none\.mp4 does not exist"):
        bench(["analysis"], film=tmp_path / "none.mp4")
