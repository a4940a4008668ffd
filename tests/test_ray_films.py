"""Folders of films on a cluster of two nodes: what they are found to hold, and rendering."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from ray_cluster import Cluster, cluster_of_two

from segue.envs.film.analysis import analyse
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.gate import film_files, probe
from segue.envs.film.synthetic import write_synthetic_film
from segue.envs.film.timelines import write_otio
from segue.experiments.ray_films import main

RATE, SIZE = Fraction(24), (160, 90)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for seed in range(3):
        path = folder / f"film{seed}.mp4"
        write_synthetic_film(path, shots=2, seed=seed, size=SIZE, seconds_per_shot=(1, 2))
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with cluster_of_two() as found:
        yield found


def run(cluster: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-m", "segue.experiments.ray_films", *arguments]
    command.append(f"--address={cluster.address}")
    return subprocess.run(
        command, env=cluster.environment, capture_output=True, text=True, timeout=120
    )


def test_features_are_found_once_and_are_then_in_every_cache(
    films: Path, cluster: Cluster, tmp_path: Path
) -> None:
    done = run(cluster, "analyse", str(films))
    assert done.returncode == 0, done.stderr
    here = analyse(film_files(films), cache=tmp_path, workers=1)
    assert done.stdout == f"{len(here)} shots in 3 films\n"
    kept = {path.name for path in tmp_path.glob("shots-*")}
    assert len(kept) == 3
    for folder in (cluster.cache(0), cluster.cache(1), Path(cluster.environment["SEGUE_CACHE"])):
        assert {path.name for path in folder.glob("shots-*")} == kept
        for name in kept:
            with np.load(folder / name) as there, np.load(tmp_path / name) as wanted:
                for part in wanted.files:
                    np.testing.assert_array_equal(there[part], wanted[part])


def test_every_timeline_is_rendered(films: Path, cluster: Cluster, tmp_path: Path) -> None:
    lengths = {"one": 20, "two": 31}
    for name, frames in lengths.items():
        source = films / "film0.mp4"
        cut = Cut(source, RATE, 48, 2, frames, Fraction(1), "none", "cut", 0, "shot")
        write_otio(Edit(name, RATE, *SIZE, (cut,)), tmp_path / f"{name}.otio")
    out = tmp_path / "out"
    done = run(cluster, "render", str(tmp_path), f"--footage={films}", f"--out={out}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(out / "one.mp4"), str(out / "two.mp4")]
    for name, frames in lengths.items():
        facts = probe(out / f"{name}.mp4")
        assert round(float(facts.seconds or 0) * RATE) == frames
    (films / "broken.mp4").write_text("no film")
    try:
        failed = run(cluster, "analyse", str(films))
    finally:
        (films / "broken.mp4").unlink()
    assert failed.returncode == 2
    (line,) = [line for line in failed.stderr.splitlines() if line.startswith("segue:")]
    assert "broken.mp4" in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["analyse", "nowhere"], "nowhere does not exist"), (["render", "."], "holds no timeline")],
)
def test_wrong_folders_are_told(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
