"""The sweep on Ray: the table of the local engine, whatever dies in the middle.

Each Ray here has a port, a token and a folder of its own, in processes that the test has started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from ray_cluster import Cluster, cluster_of_two, environment, short_folder
from sweep_runs import ENV, checkpointed, kill_in_the_middle, table, waited_for, write_space

from segue.experiments import ray_sweep
from segue.experiments.sweep_run import PROCESS
from segue.experiments.sweep_verb import Asked, Machine, sweep_verb

STEPS, SEED = 12_000, 5
SEGUE = [sys.executable, "-W", "ignore", "-m", "segue.experiments.cli"]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with cluster_of_two() as found:
        yield found


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as found:
        yield found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The table of the local engine."""
    folder = tmp_path_factory.mktemp("local")
    asked = Asked(ENV, "ppo", write_space(folder), 2, 2, STEPS, "random", False, SEED)
    sweep_verb(asked, Machine(), folder / "out", ["segue", "sweep"], dry=False)
    return table(folder / "out")


def started(
    folder: Path, environment: Mapping[str, str], *arguments: str
) -> subprocess.Popen[bytes]:
    command = [*SEGUE, "sweep", ENV, "--agent=ppo", f"--space={write_space(folder)}", "--trials=2"]
    command += ["--seeds=2", f"--steps={STEPS}", f"--seed={SEED}", f"--out={folder / 'out'}"]
    return subprocess.Popen([*command, "--engine=ray", *arguments], env=dict(environment))


def test_a_killed_node_and_a_killed_worker_do_not_change_the_table(
    undisturbed: dict[str, bytes], cluster: Cluster, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    driver = started(tmp_path, cluster.environment, f"--address={cluster.address}")
    try:
        busy = at_node(out, cluster.nodes[1])
        cluster.kill(1)
        at_head = at_node(out, cluster.nodes[0])
        os.kill(int((at_head / PROCESS).read_text()), signal.SIGKILL)
        assert driver.wait(120) == 0
    finally:
        driver.kill()
        driver.wait()
    assert table(out) == undisturbed
    # Each was gone on with in its folder: another file of events.
    events = {run: len(list(run.glob("events.*"))) for run in out.glob("trials/*/*")}
    assert min(events[busy], events[at_head]) >= 2
    assert sum(events.values()) == len(events) + 2


def at_node(out: Path, session: int) -> Path:
    """Wait for a run in its middle whose process is of a node's session."""

    def look() -> list[Path]:
        return [run for run in checkpointed(out) if session_of(run) == session]

    return waited_for(look, 60.0)[0]


def session_of(run: Path) -> int:
    """Session of the process that is at a run, which is that of its node; 0 if there is none."""
    try:
        return os.getsid(int((run / PROCESS).read_text()))
    except (OSError, ValueError):
        return 0


def test_a_killed_driver_is_restored_to_the_same_table(
    undisturbed: dict[str, bytes], folder: Path, tmp_path: Path
) -> None:
    """Ray is started by the sweep, and nothing of it is left in the end."""
    out = tmp_path / "out"
    given = environment(folder)
    driver = started(tmp_path, given, "--workers=2")
    kill_in_the_middle(out)  # Tune has begun: its state lies in the cache.
    driver.kill()
    driver.wait()
    assert list(folder.glob("ray-sweep-*/tune/tuner.pkl"))
    assert list(Path("/tmp").glob(f"segue-ray-{driver.pid}-*"))
    resumed = [*SEGUE, "sweep", f"--resume={out}", "--engine=ray", "--workers=2"]
    done = subprocess.run(resumed, env=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert table(out) == undisturbed
    assert not list(folder.glob("ray-sweep-*"))
    assert not list(Path("/tmp").glob(f"segue-ray-{driver.pid}-*"))


def test_a_run_that_had_ended_before_the_driver_was_killed_is_passed_over() -> None:
    """What Tune restores may lag behind the folder of runs, by which what is left is found."""
    assert ray_sweep._trainable({"run": "000/1002"}, {}) == {"error": ""}
