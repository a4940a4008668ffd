"""Checkpoints on bad disks: nothing damaged is loaded, nothing good is lost, the user is told."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from segue.agents.deep import NativeVecEnv, build, load_checkpoint, save_checkpoint
from segue.agents.deep.algorithm_state import algorithm_state
from segue.agents.deep.tensor_tree import split
from segue.agents.tabular import QTable, load_newest, save_newest, saved_tables
from segue.envs.base.errors import SegueError
from segue.experiments.learning import make_vector_env

torch.set_num_threads(1)

SETTINGS: dict[str, dict[str, Any]] = {
    "dqn": {"buffer_size": 60, "learning_starts": 10, "batch_size": 8},
    "ppo": {"n_steps": 8, "batch_size": 16, "n_epochs": 1},
}
FILES = ("arrays.safetensors", "manifest.json", "state.json")


def make(name: str, seed: int = 0, width: int = 4) -> BaseAlgorithm:
    venv = NativeVecEnv(make_vector_env("CartPole-v1", 2, {}))
    settings = SETTINGS[name] | {"policy_kwargs": {"net_arch": [width]}}
    return build(name, venv, seed=seed, hyperparameters=settings)


def saved(name: str, folder: Path, count: int, seed: int = 0) -> list[str]:
    """Save `count` times while learning; gives what each checkpoint says."""
    model, said = make(name, seed), []
    for number in range(count):
        model.learn(32, reset_num_timesteps=number == 0)
        save_checkpoint(model, folder, {"number": number})
        said.append(digest(model))
    return said


def digest(model: BaseAlgorithm) -> str:
    """Hash of everything that a model is."""
    arrays: dict[str, Any] = {}
    whole = hashlib.sha256(json.dumps(split(algorithm_state(model), arrays)).encode())
    for array in arrays.values():
        whole.update(array.tobytes())
    return whole.hexdigest()


def weights(model: BaseAlgorithm) -> list[Any]:
    return [tensor.tolist() for tensor in model.policy.parameters()]


def newest(folder: Path) -> Path:
    return max(folder.glob("checkpoint-*"))


def damage(path: Path, other: Path, generator: np.random.Generator) -> str:
    """Do something to the checkpoint or the table at `path`; `other` is of another run."""
    file = path / generator.choice(FILES) if path.is_dir() else path
    data = bytearray(file.read_bytes())
    place = int(generator.integers(len(data)))
    kind = str(generator.choice(["flip", "flips", "cut", "empty", "gone", "swap", "noise", "grow"]))
    if kind == "flip":
        data[place] ^= 1 << int(generator.integers(8))
    elif kind == "flips":
        for index in generator.integers(len(data), size=20).tolist():
            data[index] ^= int(generator.integers(1, 256))
    elif kind == "cut":
        del data[place:]
    elif kind == "empty":
        data.clear()
    elif kind == "noise":
        data = bytearray(generator.bytes(len(data)))
    elif kind == "grow":
        data += generator.bytes(9)
    if kind == "gone":
        file.unlink()
    elif kind == "swap" and path.is_dir():
        source = other / generator.choice(FILES)
        file.write_bytes(source.read_bytes() + b" " * (source.name == file.name == FILES[1]))
        if source.name == file.name == FILES[1]:
            return "swapped manifest"
    else:
        file.write_bytes(data)
    return f"{kind} {file.name}"


@pytest.mark.parametrize("name", SETTINGS)
def test_no_damaged_checkpoint_is_loaded_silently_wrong(name: str, tmp_path: Path) -> None:
    good, others = tmp_path / "good", tmp_path / "others"
    before, after = saved(name, good, 2)
    saved(name, others, 2, seed=5)
    generator, model, passed = np.random.default_rng(0), make(name, 3), 0
    for _ in range(100):
        folder = tmp_path / "damaged"
        shutil.copytree(good, folder)
        path = newest(folder)
        done = damage(path, newest(others), generator)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            extra = load_checkpoint(model, folder)
        if told:
            assert len(told) == 1
            assert str(path) in str(told[0].message)
            assert "the one before it is tried" in str(told[0].message)
            assert (digest(model), extra) == (before, {"number": 0}), done
            passed += 1
        else:  # What was hit means nothing, as a space in the manifest.
            assert (digest(model), extra) == (after, {"number": 1}), done
        shutil.rmtree(folder)
    assert passed > 85


def test_no_damaged_table_is_loaded_silently_wrong(tmp_path: Path) -> None:
    good, folder = tmp_path / "good", tmp_path / "damaged"
    for number in range(2):
        save_newest(table(number), good)
    generator, passed = np.random.default_rng(0), 0
    for _ in range(100):
        shutil.copytree(good, folder)
        path = saved_tables(folder)[0]
        done = damage(path, path, generator)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = load_newest(QTable, folder)
        assert not told or str(path) in str(told[0].message)
        wanted = table(int(not (told or done.startswith("gone"))))
        assert found.counts() == wanted.counts(), done
        for name, array in wanted.arrays().items():
            np.testing.assert_array_equal(found.arrays()[name], array, done)
        passed += bool(told)
        shutil.rmtree(folder)
    assert passed > 70


def table(number: int) -> QTable:
    made = QTable.empty(6, 3, seed=number)
    made.q[:3] = number + np.arange(9.0).reshape(3, 3)
    return QTable(**made.arrays(), episodes=number)  # type: ignore[arg-type]


def test_a_whole_checkpoint_of_another_number_is_no_newest_one(tmp_path: Path) -> None:
    before, _ = saved("ppo", tmp_path, 2)
    first, second = sorted(tmp_path.iterdir())
    shutil.rmtree(second)
    shutil.copytree(first, second)
    model = make("ppo", 1)
    with pytest.warns(UserWarning, match="its manifest is that of checkpoint 0"):
        load_checkpoint(model, tmp_path)
    assert digest(model) == before


def test_a_save_after_damage_keeps_the_last_good_one(tmp_path: Path) -> None:
    saved("ppo", tmp_path / "deep", 3)
    (newest(tmp_path / "deep") / "state.json").write_text("{}")
    model = make("ppo")
    with pytest.warns(UserWarning, match="damaged"):
        load_checkpoint(model, tmp_path / "deep")
    save_checkpoint(model, tmp_path / "deep", {"number": 3})
    newest(tmp_path / "deep").joinpath("state.json").write_text("{}")
    with pytest.warns(UserWarning, match="damaged"):
        assert load_checkpoint(model, tmp_path / "deep") == {"number": 1}
    save_checkpoint(model, tmp_path / "deep", {"number": 4})
    save_checkpoint(model, tmp_path / "deep", {"number": 5})
    names = sorted(path.name for path in (tmp_path / "deep").iterdir())
    assert names == ["checkpoint-00000004", "checkpoint-00000005"]

    for number in range(3):
        path = save_newest(table(number), tmp_path / "tables")
    path.write_bytes(b"?")
    save_newest(table(3), tmp_path / "tables").write_bytes(b"?")
    with pytest.warns(UserWarning, match="cannot be read"):
        assert load_newest(QTable, tmp_path / "tables").episodes == 1


# Full disks.

CALLS = {"open": os, "write": os, "fsync": os, "mkdir": Path, "rename": Path}


class FullDisk:
    """Lets a number of changing calls to the system pass, then refuses them all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, passing: int) -> None:
        self.left, self.calls = passing, 0
        for name, owner in CALLS.items():
            monkeypatch.setattr(owner, name, self._wrapped(getattr(owner, name)))

    def _wrapped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def checked(*arguments: Any, **keywords: Any) -> Any:
            flags = arguments[1] if call.__name__ == "open" else os.O_CREAT
            if flags & os.O_CREAT:
                self.calls += 1
                if self.calls > self.left:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*arguments, **keywords)

        return checked


def test_a_disk_that_fills_at_any_moment_leaves_the_last_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make("ppo")
    model.learn(16)
    first = weights(model)
    save_checkpoint(model, tmp_path, {"number": 0})
    model.learn(16, reset_num_timesteps=False)
    second, other = weights(model), make("ppo", 1)
    with monkeypatch.context() as patched:
        disk = FullDisk(patched, 10_000)
        save_checkpoint(model, tmp_path / "elsewhere", {})
    shutil.rmtree(tmp_path / "elsewhere")
    assert disk.calls > 10
    for passing in range(disk.calls - 2):  # Two were for the folder itself.
        with monkeypatch.context() as patched:
            FullDisk(patched, passing)
            with pytest.raises(SegueError, match=r"No space left.*make room") as error:
                save_checkpoint(model, tmp_path, {"number": 1})
        assert str(tmp_path) in str(error.value)
        assert not list(tmp_path.glob(".*"))
        number = load_checkpoint(other, tmp_path)["number"]
        # Whole is the new one only when nothing but the last fsync was refused.
        assert number == int(newest(tmp_path).name[-1]) == int(passing == disk.calls - 3)
        assert weights(other) == (second if number else first)
        shutil.rmtree(tmp_path / "checkpoint-00000001", ignore_errors=True)
    save_checkpoint(model, tmp_path, {"number": 1})
    assert load_checkpoint(other, tmp_path) == {"number": 1}


@pytest.mark.parametrize("name", ["touch", "fsync", "replace", "mkdir"])
def test_a_full_disk_leaves_the_last_good_table(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tables"
    save_newest(table(1), folder)

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os if name == "fsync" else Path, name, full)
        with pytest.raises(SegueError, match="No space left"):
            save_newest(table(2), folder if name != "mkdir" else tmp_path / "new")
    assert [path.name for path in folder.iterdir()] == ["table-00000000.safetensors"]
    assert load_newest(QTable, folder).episodes == 1


def test_half_a_checkpoint_of_a_killed_run_is_swept_up(tmp_path: Path) -> None:
    half = tmp_path / ".checkpoint-0123456789ab"
    half.mkdir()
    (half / "state.json").write_text("{")
    model = make("ppo")
    with pytest.raises(SegueError, match="no whole checkpoint"):
        load_checkpoint(model, tmp_path)
    save_checkpoint(model, tmp_path, {})
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-00000000"]


LIMITED = """
import resource, sys
limit, *arguments = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
from segue.experiments import cli
sys.argv = ["segue", "train", *arguments]
cli.main()
"""


def test_a_run_on_a_full_disk_ends_with_a_sentence_and_goes_on(tmp_path: Path) -> None:
    """Files of more than so many bytes cannot be written, as on a disk that has no more room."""
    run = tmp_path / "run"
    train = ["CartPole-v1", "--agent", "ppo", "--steps", "2048", "--out", str(run), "--json"]

    def limited(limit: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "ignore", "-c", LIMITED, str(limit), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    full = limited(60_000, *train)
    assert full.returncode == 2, full.stderr
    last = full.stderr.strip().splitlines()[-1]
    assert last.startswith("segue: A checkpoint cannot be written into")
    assert "Traceback" not in full.stderr
    assert not list((run / "checkpoints").iterdir())
    room = limited(1 << 30, "--resume", str(run), "--json")
    assert room.returncode == 0, room.stderr
    assert json.loads(room.stdout.splitlines()[-1])["steps"] >= 2048
    assert not list(run.glob(".*"))
