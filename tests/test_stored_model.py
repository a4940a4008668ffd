"""Files that somebody else made: an error, and nothing of theirs is executed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import torch
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm

from segue.agents.deep import NativeVecEnv, build, load_checkpoint, save_checkpoint
from segue.agents.deep import stored_model as stored_model_module
from segue.agents.deep.stored_model import load_zip
from segue.agents.tabular import QTable, load_newest, save_newest
from segue.agents.tabular.array_file import write_arrays
from segue.agents.tabular.q_table import _KIND
from segue.envs.base.errors import SegueError
from segue.experiments.learning import make_vector_env
from segue.experiments.stored_evaluation import evaluate_zip

torch.set_num_threads(1)

ENV = "CartPole-v1"


class Hostile:
    """Whoever unpickles one makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def venv() -> NativeVecEnv:
    return NativeVecEnv(make_vector_env(ENV, 2, {}))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip that Stable-Baselines3 wrote."""
    path = tmp_path_factory.mktemp("zip") / "model.zip"
    model = PPO("MlpPolicy", ENV, n_steps=16, batch_size=16, seed=0, device="cpu")
    model.learn(32).save(path)
    return path


def rewritten(honest: Path, path: Path, **files: bytes | None) -> Path:
    """Copy a zip with other files in it; None leaves one out."""
    with zipfile.ZipFile(honest) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = files.pop(name.replace(".", "_"), source.read(name))
            if data is not None:
                target.writestr(name, data)
        for name, data in files.items():
            target.writestr(name, data or b"")
    return path


def test_a_zip_is_loaded_only_on_trust(honest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was opened")

    with monkeypatch.context() as patched:
        patched.setattr(stored_model_module, "ZipFile", never)
        patched.setattr(PPO, "load", never)
        with pytest.raises(SegueError, match="can run any code when they are read"):
            load_zip(honest, "ppo", venv(), trust=False)
    model, whole = load_zip(honest, "ppo", venv(), trust=True), PPO.load(honest)
    for one, other in zip(model.policy.parameters(), whole.policy.parameters(), strict=True):
        assert torch.equal(one, other)
    assert model.num_timesteps == 32
    result = evaluate_zip(honest, ENV, "ppo", trust=True, episodes=2)
    assert len(result.evaluation.returns) == 2
    assert result.others[0].name == "random"


def test_the_command_line_asks_for_trust(honest: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "segue.experiments.cli", "evaluate"]
    command += [str(honest), "--env", ENV, "--agent", "ppo"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "--trust" in done.stderr


def test_hostile_zips_run_nothing(honest: Path, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    with zipfile.ZipFile(honest) as source:
        record = json.loads(source.read("data"))
    bomb = base64.b64encode(cloudpickle.dumps(Hostile(mark))).decode()
    record["policy_class"][":serialized:"] = bomb
    data = rewritten(honest, tmp_path / "data.zip", data=json.dumps(record).encode())
    buffer = io.BytesIO()
    torch.save({"policy": Hostile(mark)}, buffer)
    weights = rewritten(honest, tmp_path / "weights.zip", policy_pth=buffer.getvalue())
    for path in (data, weights):
        with pytest.raises(SegueError, match="pickles"):
            load_zip(path, "ppo", venv(), trust=False)
    with pytest.raises(SegueError, match="cannot be loaded as ppo"):
        load_zip(weights, "ppo", venv(), trust=True)  # PyTorch itself takes only tensors.
    assert not mark.exists()
    pickle.loads(pickle.dumps(Hostile(mark)))  # noqa: S301
    assert mark.exists()  # The bomb was a live one.


def test_zips_that_stable_baselines_never_writes_are_refused(honest: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.zip"
    climbing = rewritten(honest, tmp_path / "climbing.zip", **{"../../climbed": b"x"})
    lacking = rewritten(honest, tmp_path / "lacking.zip", policy_pth=None)
    many = rewritten(honest, tmp_path / "many.zip", **{f"f{i}": b"" for i in range(80)})
    large = tmp_path / "large.zip"
    raw = bytearray(honest.read_bytes())  # The unpacked size that the directory at its end claims.
    place = raw.rindex(b"PK\x01\x02") + 24
    raw[place : place + 4] = (3 << 30).to_bytes(4, "little")
    large.write_bytes(raw)
    for file, said in ((climbing, "never writes"), (lacking, "no zip of"), (many, "64 files")):
        with pytest.raises(SegueError, match=said):
            load_zip(file, "ppo", venv(), trust=True)
    with pytest.raises(SegueError, match="unpacks to more"):
        load_zip(large, "ppo", venv(), trust=True)
    for content in (b"", b"PK\x03\x04", b"PK\x03\x04" + b"?" * 100, pickle.dumps(1)):
        path.write_bytes(content)
        with pytest.raises(SegueError, match="zip"):
            load_zip(path, "ppo", venv(), trust=True)
    for gone in (tmp_path, tmp_path / "nothing.zip"):
        with pytest.raises(SegueError, match="no zip"):
            load_zip(gone, "ppo", venv(), trust=True)
    for name in ("dqn", "a2c", "maskable-ppo", "bc"):
        with pytest.raises(SegueError, match=name):
            load_zip(honest, name, venv(), trust=True)
    other = NativeVecEnv(make_vector_env("FrozenLake-v1", 2, {}))
    with pytest.raises(SegueError, match="cannot be loaded as ppo"):
        load_zip(honest, "ppo", other, trust=True)
    with pytest.raises(SegueError, match="--env and --agent"):
        evaluate_zip(honest, None, "ppo", trust=True, episodes=1)


# Checkpoints that a forger wrote: their hashes match.


def agent(name: str = "dqn") -> BaseAlgorithm:
    small = {"policy_kwargs": {"net_arch": [4]}}
    if name == "dqn":
        small |= {"buffer_size": 40, "learning_starts": 8, "batch_size": 4}
    return build(name, venv(), seed=0, hyperparameters=small)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    model = agent()
    model.learn(24)
    return save_checkpoint(model, tmp_path / "run", {"returns": [1.0]})


def forge(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> None:
    """Change what a checkpoint says and make its manifest fit."""
    state = json.loads((path / "state.json").read_bytes())
    arrays = load_arrays((path / "arrays.safetensors").read_bytes())
    text = change(state, arrays)
    (path / "state.json").write_text(text if isinstance(text, str) else json.dumps(state))
    (path / "arrays.safetensors").write_bytes(save_arrays(arrays))
    sign(path)


def sign(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_bytes())
    for name in manifest["sha256"]:
        manifest["sha256"][name] = hashlib.sha256((path / name).read_bytes()).hexdigest()
    (path / "manifest.json").write_text(json.dumps(manifest))


def put(*keys: Any, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], Any]:
    """Make a change of the value that lies under some keys."""

    def change(state: dict[str, Any], arrays: dict[str, Any]) -> None:
        node: Any = state
        for key in keys[:-1]:
            node = next(pair[1] for pair in node["dict"] if pair[0] == key)
        next(pair for pair in node["dict"] if pair[0] == keys[-1])[1] = value

    return change


def widen(state: dict[str, Any], arrays: dict[str, Any]) -> None:
    for name, array in arrays.items():
        arrays[name] = np.zeros((*array.shape, 2), array.dtype)


FORGERIES: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "deep": lambda state, arrays: "[" * 200_000 + "]" * 200_000,
    "nested": lambda state, arrays: '{"list": [' * 3_000 + "1" + "]}" * 3_000,
    "no JSON": lambda state, arrays: "\x80\x04pickle",
    "object": put("extra", value={"object": "builtins.eval"}),
    "two kinds": put("extra", value={"dict": [], "list": []}),
    "bare list": put("extra", value=["x"]),
    "odd key": put("extra", value={"dict": [[None, 1]]}),
    "no array": put("extra", value={"dict": [["x", {"array": "99999"}]]}),
    "extra": put("extra", value=3),
    "model": put("model", value={"list": []}),
    "empty": put("model", value={"dict": []}),
    "NaN": put("model", "counts", "num_timesteps", value=float("nan")),
    "endless": put("model", "counts", "exploration_rate", value=float("inf")),
    "negative": put("model", "counts", "_n_updates", value=-1),
    "true": put("model", "counts", "_n_updates", value=True),
    "large": put("model", "replay", "pos", value=10**30),
    "text": put("model", "replay", "arrays", value="x"),
    "attribute": put("model", "counts", value={"dict": [["policy", 3]]}),
    "optimiser": put("model", "optimizer", "param_groups", value={"list": []}),
    "random": put("model", "random", "numpy", value={"tuple": ["MT19937", 1, 2, 3, 4]}),
    "python": put("model", "random", "python", value={"tuple": [3, {"tuple": []}, None]}),
    "env": put("model", "env", "env", value={"dict": [["envs", {"list": []}]]}),
    "shapes": widen,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_checkpoints_are_refused(forgery: str, checkpoint: Path) -> None:
    forge(checkpoint, FORGERIES[forgery])
    model = agent()
    before = [tensor.clone() for tensor in model.policy.state_dict().values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Some are taken for damaged.
        with pytest.raises(SegueError, match=r"holds no whole checkpoint|does not fit the agent"):
            load_checkpoint(model, checkpoint.parent)
    after = model.policy.state_dict().values()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert model.num_timesteps == 0


def link(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def large(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate((1 << 32) + 1)  # A hole, which takes no room.


def header(path: Path) -> None:
    """A tensor of 2**60 numbers in a file of few bytes."""
    text = json.dumps({"a": {"dtype": "F64", "shape": [1 << 60], "data_offsets": [0, 8]}}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0" * 8)
    sign(path.parent)


@pytest.mark.parametrize("what", [link, pipe, large], ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", ["arrays.safetensors", "state.json", "manifest.json", ""])
def test_only_plain_files_of_bounded_size_are_read(
    what: Callable[[Path], None], name: str, checkpoint: Path
) -> None:
    if name or what is link:
        what(checkpoint / name)
    else:
        header(checkpoint / "arrays.safetensors")
    with (
        pytest.warns(UserWarning, match="is damaged"),
        pytest.raises(SegueError, match="no whole checkpoint"),
    ):
        load_checkpoint(agent(), checkpoint.parent)


def test_a_pickle_in_a_checkpoint_stays_one(checkpoint: Path, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    for name in ("arrays.safetensors", "state.json"):
        (checkpoint / name).write_bytes(pickle.dumps(Hostile(mark)))
    sign(checkpoint)
    with (
        pytest.warns(UserWarning, match="is damaged"),
        pytest.raises(SegueError, match="no whole checkpoint"),
    ):
        load_checkpoint(agent(), checkpoint.parent)
    assert not mark.exists()


def test_loading_never_unpickles(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = QTable.empty(4, 2, seed=0)
    save_newest(table, tmp_path / "tables")
    ppo = agent("ppo")
    save_checkpoint(ppo, tmp_path / "ppo", {})

    class Never:
        def __init__(self, *_: Any, **__: Any) -> None:
            raise AssertionError("something was unpickled")

    for module in (pickle, cloudpickle):
        for name in ("load", "loads"):
            monkeypatch.setattr(module, name, Never)
    monkeypatch.setattr(pickle, "Unpickler", Never)
    monkeypatch.setattr(pickle, "_Unpickler", Never)
    monkeypatch.setattr(torch, "load", Never)
    assert load_checkpoint(agent(), checkpoint.parent) == {"returns": [1.0]}
    assert load_checkpoint(agent("ppo"), tmp_path / "ppo") == {}
    assert load_newest(QTable, tmp_path / "tables").episodes == 0


TABLES: dict[str, dict[str, Any]] = {
    "visits": {"visits": np.zeros((1, 1), np.int64)},
    "type": {"q": np.zeros((4, 2), np.float32)},
    "second": {"second": np.zeros((2, 2)), "second_visits": np.zeros((2, 2), np.int64)},
    "stream": {"stream": np.zeros(1, np.uint64)},
    "partly": {"q": np.array([[np.nan, 1.0]] * 4)},
    "endless": {"q": np.full((4, 2), np.inf)},
    "negative": {"visits": np.full((4, 2), -1)},
    "unknown": {"other": np.zeros(1)},
    "none": {"q": np.zeros((4, 0))},
}


@pytest.mark.parametrize("change", TABLES)
def test_tables_that_no_training_makes_are_refused(change: str, tmp_path: Path) -> None:
    """Compiled code trusts their shapes."""
    table = QTable.empty(4, 2, seed=0)
    path = tmp_path / "table.safetensors"
    write_arrays(path, _KIND, table.arrays(), table.counts())
    QTable.load(path)
    write_arrays(path, _KIND, table.arrays() | TABLES[change], table.counts())
    with pytest.raises(SegueError, match="holds no Q-table"):
        QTable.load(path)
    for counts in ({"steps": -1}, {"steps": 1.5}, {"settled": 1}, {"more": 2}):
        write_arrays(path, _KIND, table.arrays(), table.counts() | counts)
        with pytest.raises(SegueError, match="holds no Q-table"):
            QTable.load(path)
