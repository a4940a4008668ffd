"""Hostile and damaged Minari datasets: an error in a sentence, nothing run, nothing else read."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest

from segue.agents.demonstrations import minari_worker as worker
from segue.agents.demonstrations import (
    play_random,
    read_episodes,
    read_header,
    record,
    write_episodes,
)
from segue.agents.demonstrations.minari_process import EpisodeProcess
from segue.envs.base.errors import SegueError


def written(name: str, folder: Path, **options: Any) -> Path:
    """A dataset of three episodes."""
    env = gym.make(name, disable_env_checker=True, **options)
    write_episodes(
        record(env, play_random(np.random.default_rng(0)), range(3), "random"),
        folder / "x-v0",
        env_id=name,
        observation_space=env.observation_space,
        action_space=env.action_space,
    )
    return folder / "x-v0"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of three multicam episodes, four cameras and twelve steps."""
    return written("segue/Multicam-v0", tmp_path_factory.mktemp("good"), scenes=2, steps=12)


@pytest.fixture
def bad(good: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(good, tmp_path / "bad-v0")


@pytest.fixture(scope="module")
def process() -> Iterator[EpisodeProcess]:
    with EpisodeProcess(10) as shared:
        yield shared


def refused(place: Path, process: EpisodeProcess, said: str = r"\.") -> None:
    with pytest.raises(SegueError, match=said) as caught:
        read_episodes(place, process)
    text = str(caught.value)
    assert place.name in text
    assert text.endswith(".")
    assert "\n" not in text


def elsewhere(folder: Path) -> Path:
    """Another file, whose arrays would do."""
    with h5py.File(folder / "other.h5", "w") as file:
        file["actions"] = np.zeros(12, np.int64)
    (folder / "raw.bin").write_bytes(bytes(96))
    return folder / "other.h5"


def linked(group: Any, folder: Path) -> None:
    group["actions"] = h5py.ExternalLink(str(elsewhere(folder)), "actions")


def to_a_pipe(group: Any, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    group["actions"] = h5py.ExternalLink(str(folder / "pipe"), "actions")


def soft(group: Any, folder: Path) -> None:
    group["actions"] = h5py.SoftLink("/episode_1/actions")


def outside(group: Any, folder: Path) -> None:
    elsewhere(folder)
    group.create_dataset("actions", (12,), np.int64, external=[(str(folder / "raw.bin"), 0, 96)])


def virtual(group: Any, folder: Path) -> None:
    layout = h5py.VirtualLayout((12,), np.int64)
    layout[:] = h5py.VirtualSource(str(elsewhere(folder)), "actions", (12,))
    group.create_virtual_dataset("actions", layout)


def array(value: Any, **settings: Any) -> Callable[[Any, Path], None]:
    return lambda group, folder: group.create_dataset("actions", data=value, **settings)


def any_length(group: Any, folder: Path) -> None:
    group.create_dataset("actions", (12,), h5py.vlen_dtype(np.uint8))


def bomb(group: Any, folder: Path) -> None:
    group.create_dataset("actions", (1 << 40,), np.int64, chunks=(1 << 16,), compression="gzip")


HOSTILE: dict[str, tuple[Callable[[Any, Path], Any], str]] = {
    "a link to another file": (linked, "to elsewhere"),
    "a link to a pipe": (to_a_pipe, "to elsewhere"),
    "a soft link": (soft, "to elsewhere"),
    "bytes of another file": (outside, "in other files"),
    "a virtual array": (virtual, "in other files"),
    "texts": (array(["a"] * 12), "give numbers"),
    "arrays of any length": (any_length, "give numbers"),
    "references": (array([None] * 12, dtype=h5py.ref_dtype), "give numbers"),
    "another packing": (array(np.zeros(12, np.int64), compression="lzf"), "unusually"),
    "a bomb": (bomb, "more than 512 MB"),
    "a group": (lambda group, folder: group.create_group("actions"), "not laid out"),
    "nothing": (lambda group, folder: None, "no entry 'actions'"),
    "real numbers": (array(np.zeros(12)), "outside the space"),
    "an unknown camera": (array(np.full(12, 4)), "outside the space"),
    "two choices": (array(np.zeros((12, 2), int)), "shape"),
    "too few": (array(np.zeros(11, int)), "as many"),
    "none": (array(np.zeros(0, int)), "at least one"),
    "illegal ones": (array(np.tile([0, 1], 6)), "mask does not allow"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_arrays_are_refused(what: str, bad: Path, process: EpisodeProcess) -> None:
    put, said = HOSTILE[what]
    with h5py.File(bad / "data/main_data.hdf5", "a") as file:
        del file["episode_2/actions"]
        put(file["episode_2"], bad)
    refused(bad, process, said)


def test_damaged_episodes_are_refused(bad: Path, process: EpisodeProcess) -> None:
    path = bad / "data/main_data.hdf5"
    whole = path.read_bytes()
    changes: list[tuple[str, Any, str]] = [
        ("rewards", np.full(12, np.nan), "not finite"),
        ("rewards", np.zeros((12, 1)), "as many"),
        ("terminations", np.ones(12, bool), "goes on after its end"),
        ("observations", np.zeros((13, 3), np.int16), "shape"),
        ("observations", np.full((13, 45), 9_999, np.int16), "outside the space"),
        ("infos/action_mask", np.full((13, 4), 2, np.int8), "other than 0 and 1"),
        ("infos/action_mask", np.ones((11, 4), np.int8), "masks of the shape"),
    ]
    for name, value, said in changes:
        path.write_bytes(whole)
        with h5py.File(path, "a") as file:
            del file[f"episode_0/{name}"]
            file[f"episode_0/{name}"] = value
        refused(bad, process, said)
    for damage in (b"", b"this is no HDF5 file", whole[: len(whole) // 2]):
        path.write_bytes(damage)
        refused(bad, process, "cannot be read as HDF5")
    path.write_bytes(whole)
    with h5py.File(path, "a") as file:
        file["episode_9"] = file["episode_0"]
    refused(bad, process, "no entry 'episode_3'")
    path.write_bytes(whole)
    with h5py.File(path, "a") as file:
        del file["episode_2"]
    refused(bad, process, "2 episodes, where its metadata tell of 3")


def test_real_numbers_must_be_finite(tmp_path: Path, process: EpisodeProcess) -> None:
    place = written("CartPole-v1", tmp_path)
    with h5py.File(place / "data/main_data.hdf5", "a") as file:
        file["episode_1/observations"][1, 2] = np.inf
    refused(place, process, "not finite")


def test_what_lies_elsewhere_is_not_read(bad: Path, process: EpisodeProcess) -> None:
    for name in ("main_data.hdf5", "metadata.json"):
        file = bad / "data" / name
        moved = file.rename(bad / name)
        refused(bad, process, "missing|no demonstrations")
        file.symlink_to(moved)
        refused(bad, process, "not a file of its own")
        file.unlink()
        os.mkfifo(file)
        refused(bad, process, "not a file of its own")
        file.unlink()
        moved.rename(file)
    (bad / "data").rename(bad / "there")
    (bad / "data").symlink_to(bad / "there")
    refused(bad, process, "not a file of its own")


def test_too_much_in_all_is_refused(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = good / "data/main_data.hdf5"
    sizes = [sum(a.nbytes for a in arrays.values()) for arrays in worker.episodes_of(path)]
    monkeypatch.setattr(worker, "MOST_TOTAL_BYTES", sum(sizes) - 100)
    with pytest.raises(SegueError, match="split it"):
        list(worker.episodes_of(path))


BOX = {"type": "Box", "dtype": "float32", "shape": [2], "low": [0, 0], "high": [1, 1]}
METADATA: dict[str, Any] = {
    "observation_space": [
        *({"type": "Text"}, {"type": "Discrete", "n": 10**400}, {"type": "Discrete", "n": -1}),
        *(
            {"type": "Tuple", "subspaces": []},
            {"type": "Dict", "subspaces": {"a": {"type": "Dict"}}},
        ),
        *(BOX | {"dtype": "O"}, BOX | {"shape": [1 << 30]}, BOX | {"low": 0}, BOX | {"high": [0]}),
        *({"type": "MultiDiscrete", "nvec": [0], "dtype": "int64"}, [], None, "x"),
        {"type": "MultiDiscrete", "nvec": [3], "dtype": "(9,9)f8"},
    ],
    "action_space": [BOX, {"type": "Discrete", "n": "2"}],
    "total_episodes": [2, -1, 1e400, "many", None],
    "env_spec": ["{", 3, [1]],
    "data_format": ["arrow", None],
    "segue": [[], {"sources": [1]}, {"options": 1}, {"env": ["segue/Multicam-v0"]}],
}


def test_hostile_metadata_are_refused(bad: Path, process: EpisodeProcess) -> None:
    path = bad / "data/metadata.json"
    whole = json.loads(path.read_text())
    for key, values in METADATA.items():
        for value in values:
            changed = json.dumps(value) if key.endswith("space") else value
            path.write_text(json.dumps(whole | {key: changed}))
            refused(bad, process)
        path.write_text(json.dumps({name: part for name, part in whole.items() if name != key}))
        if key not in ("env_spec", "segue"):
            refused(bad, process)
    for text in ("", "null", "[" * 100_000, '{"a": 1', "\x00", "9" * 9_999):
        path.write_text(text)
        refused(bad, process)
    with path.open("wb") as file:
        file.truncate(64 << 20)
    refused(bad, process, "too large")


def test_no_code_is_run(
    bad: Path, process: EpisodeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dataset names a module that is there; reading it imports nothing."""
    (bad / "evil_env.py").write_text(f"open({str(bad / 'ran')!r}, 'w')\nEnv = None\n")
    monkeypatch.syspath_prepend(bad)
    path = bad / "data/metadata.json"
    metadata = json.loads(path.read_text())
    spec = json.loads(metadata["env_spec"]) | {"id": "evil_env:Evil-v0"}
    spec["entry_point"] = "evil_env:Env"
    del metadata["segue"]
    path.write_text(json.dumps(metadata | {"env_spec": json.dumps(spec)}))
    assert len(read_episodes(bad, process)) == 3
    assert read_header(bad).env_id == "evil_env:Evil-v0"
    assert not (bad / "ran").exists()


@pytest.mark.parametrize("name", ["main_data.hdf5", "metadata.json"])
def test_whatever_is_damaged_is_read_right_or_refused(
    name: str, bad: Path, process: EpisodeProcess
) -> None:
    path, generator = bad / "data" / name, random.Random(name)
    whole = path.read_bytes()
    telling = [place for place, byte in enumerate(whole) if byte]
    outcomes = {"read": 0, "refused": 0}
    header = read_header(bad)
    for number in range(150):
        damaged = bytearray(whole)
        if number % 4 == 0:
            del damaged[generator.randrange(len(whole)) :]
        elif number % 4 == 1:
            to, of, length = (generator.randrange(n) for n in (len(whole), len(whole), 99))
            damaged[to : to + length] = damaged[of : of + length]
        else:
            for _ in range(generator.choice([1, 2, 4, 16])):
                damaged[generator.choice(telling)] = generator.choice(b"\0\x7f\x80\xff 01")
        path.write_bytes(damaged)
        try:
            episodes = read_episodes(bad, process)
        except SegueError:
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        if name == "main_data.hdf5":
            for episode in episodes:
                assert all(header.observation_space.contains(o) for o in episode.observations)
                assert episode.masks is not None
                assert episode.masks[np.arange(len(episode)), episode.actions].all()
                assert np.isfinite(episode.rewards).all()
    assert outcomes["refused"] > 15, outcomes
    assert outcomes["read"] > (15 if name == "main_data.hdf5" else 0), outcomes


def test_a_reader_that_hangs_or_dies_is_replaced(good: Path, tmp_path: Path) -> None:
    path = good / "data/main_data.hdf5"
    os.mkfifo(tmp_path / "pipe")
    with EpisodeProcess(1) as reader:
        began = time.monotonic()
        with pytest.raises(SegueError, match="took longer than 1 s"):
            reader.read(tmp_path / "pipe")
        assert time.monotonic() - began < 10
        assert len(reader.read(path)) == 3
        child = reader._process
        assert child is not None
        child.kill()
        with pytest.raises(SegueError, match="cannot be read"):
            reader.read(path)
        assert len(reader.read(path)) == 3
        child = reader._process
        assert child is not None
    assert child.poll() is not None
