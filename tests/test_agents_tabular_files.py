"""Tables on disk: exact resume after any chunk or kill, damage told or passed over, full disks."""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from safetensors import safe_open

from segue.agents.demonstrations import record
from segue.agents.tabular import (
    DemonstrationConfig,
    DemonstrationTable,
    GreedyPolicy,
    QLearningConfig,
    QTable,
    load_newest,
    save_newest,
    saved_tables,
    train_from_demonstrations,
    train_plain,
    transitions_of,
)
from segue.envs.base.errors import SegueError

SETTINGS: dict[str, Any] = {
    "alpha": 0.4,
    "alpha_decay": 0.3,
    "gamma": 0.9,
    "epsilon_start": 0.8,
    "epsilon_end": 0.1,
    "epsilon_episodes": 40,
    "chunk_episodes": 10,
    "replay": "online",
    "max_steps": 40,
    "seed": 7,
}
AGENTS = ("q", "double-q", "q-lambda", "demonstrations")
Saved = QTable | DemonstrationTable


def train(agent: str, episodes: int, start: Any = None, progress: Any = None) -> Saved:
    """Train on Gymnasium's taxi in the rain, which draws from a generator of its own."""
    env = gym.make("Taxi-v4", is_rainy=True)
    if agent != "demonstrations":
        config = QLearningConfig(episodes=episodes, method=agent, **SETTINGS)  # type: ignore[arg-type]
        return train_plain(env, config, table=start, progress=progress)
    shown = transitions_of(
        record(env, lambda env, seen, mask: int(mask.argmax()), range(2), "first"), env
    )
    few = DemonstrationConfig(warm_start_updates=50, capacity=60)
    config = QLearningConfig(episodes=episodes, **SETTINGS)
    return train_from_demonstrations(env, shown, config, few, learner=start, progress=progress)


def kind(agent: str) -> type[Saved]:
    return DemonstrationTable if agent == "demonstrations" else QTable


Contents = dict[str, Any]


def read(path: Path) -> Contents:
    """Every array, bit for bit, and the counts in a file."""
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        found: Contents = {"counts": json.loads(file.metadata()["record"])}
    return found | {name: (str(a.dtype), a.shape, a.tobytes()) for name, a in arrays.items()}


def contents(saved: Saved, folder: Path) -> Contents:
    """What `read` gives of its file."""
    saved.save(folder / "contents.safetensors")
    return read(folder / "contents.safetensors")


@pytest.mark.parametrize("agent", AGENTS)
def test_a_run_that_stops_after_any_chunk_ends_as_the_uninterrupted_one(
    agent: str, tmp_path: Path
) -> None:
    files: list[Path] = []

    def keep(now: Saved) -> None:
        files.append(tmp_path / f"{len(files)}.safetensors")
        now.save(files[-1])

    whole = contents(train(agent, 60, progress=keep), tmp_path)
    assert len(files) == 6 + (agent == "demonstrations")
    for path in files:
        loaded = kind(agent).load(path)
        assert contents(loaded, tmp_path) == read(path)
        assert contents(train(agent, 60, loaded), tmp_path) == whole


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_agents_tabular_files import kind, train
from segue.agents.tabular import load_newest, save_newest, saved_tables
agent, folder = sys.argv[2], Path(sys.argv[3])
start = load_newest(kind(agent), folder) if saved_tables(folder) else None
print("ready", flush=True)
save_newest(train(agent, 600, start, lambda now: save_newest(now, folder)), folder)
"""


def test_a_killed_run_goes_on_to_the_same_end(tmp_path: Path) -> None:
    agent = "demonstrations"
    tests = str(Path(__file__).parent)
    command = [sys.executable, "-c", KILLED, tests, agent, str(tmp_path)]
    kills = 0
    for wait in (0.2, 0.45, None):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        if wait is not None:
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        process.stdout.close()
        kills += process.wait(timeout=120) == -signal.SIGKILL
    assert kills > 0
    assert not list(tmp_path.glob(".*"))  # The last save swept up after the kills.
    assert len(saved_tables(tmp_path)) == 2
    found = load_newest(kind(agent), tmp_path)
    assert contents(found, tmp_path) == contents(train(agent, 600), tmp_path)


@pytest.mark.parametrize("agent", AGENTS)
def test_no_damaged_file_is_loaded_silently_wrong(agent: str, tmp_path: Path) -> None:
    path = tmp_path / "table.safetensors"
    trained = train(agent, 30)
    trained.save(path)
    whole, generator, refused = path.read_bytes(), np.random.default_rng(0), 0
    wanted = read(path)
    for trial in range(200):
        damaged = bytearray(whole)
        place = int(generator.integers(len(whole)))
        if trial % 4 == 0:
            del damaged[place:]
        else:
            damaged[place] ^= 1 << int(generator.integers(8))
        path.write_bytes(damaged)
        try:
            loaded = kind(agent).load(path)
        except SegueError:
            refused += 1
        else:  # Only what means nothing, such as padding, was hit.
            assert contents(loaded, tmp_path) == wanted
    assert refused > 190


def test_damage_of_the_newest_falls_back_and_says_so(tmp_path: Path) -> None:
    made: list[bytes] = []

    def keep(now: QTable) -> None:
        made.append(save_newest(now, tmp_path).read_bytes())

    train("q", 40, progress=keep)
    newest, before = saved_tables(tmp_path)  # The older two are gone.
    assert (newest.read_bytes(), before.read_bytes()) == (made[3], made[2])
    newest.write_bytes(made[3][:-1] + b"?")
    with pytest.warns(UserWarning, match=f"{newest.name} cannot be read.*before it is tried"):
        loaded = load_newest(QTable, tmp_path)
    assert loaded.episodes == 30
    save_newest(loaded, tmp_path)
    assert load_newest(QTable, tmp_path).episodes == 30
    for path in saved_tables(tmp_path):
        path.write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="cannot be read"),
        pytest.raises(SegueError, match="no undamaged table"),
    ):
        load_newest(QTable, tmp_path)


def test_a_full_disk_leaves_the_last_good_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = train("q", 10)
    save_newest(table, tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = sorted(tmp_path.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SegueError, match="No space left"):
            save_newest(table, tmp_path)
    assert sorted(tmp_path.iterdir()) == before
    assert load_newest(QTable, tmp_path).episodes == 10


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "executed",)

    path = tmp_path / "table-00000000.safetensors"
    path.write_bytes(pickle.dumps(Hostile()))
    for load in (QTable.load, DemonstrationTable.load, GreedyPolicy.load):
        with pytest.raises(SegueError, match="cannot be read"):
            load(path)
    with (
        pytest.warns(UserWarning, match="cannot be read"),
        pytest.raises(SegueError, match="no undamaged"),
    ):
        load_newest(QTable, tmp_path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("agent", AGENTS)
def test_a_loaded_table_acts_as_the_saved_one(agent: str, tmp_path: Path) -> None:
    trained = train(agent, 60)
    trained.save(tmp_path / "table.safetensors")
    loaded = kind(agent).load(tmp_path / "table.safetensors")
    before, after = (
        saved.table if isinstance(saved, DemonstrationTable) else saved
        for saved in (trained, loaded)
    )
    np.testing.assert_array_equal(before.policy().actions(), after.policy().actions())
    assert len(set(after.policy().actions().tolist())) > 1
