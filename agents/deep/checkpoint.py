"""Checkpoints of deep agents: safetensors and JSON, never a pickle.

A checkpoint is a folder ``checkpoint-<serial>`` with ``arrays.safetensors``, ``state.json`` and
``manifest.json``, which is written last and holds the hashes of the others. It is made under
another name and renamed when it is whole, so that a kill at any moment leaves the previous one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from stable_baselines3.common.base_class import BaseAlgorithm

from segue.agents.deep.algorithm_state import algorithm_state, restore_algorithm
from segue.agents.deep.tensor_tree import Arrays, join, split
from segue.envs.base.errors import SegueError

_FORMAT = "segue.checkpoint.v1"
_KEPT = 2


def save_checkpoint(model: BaseAlgorithm, folder: Path, extra: Mapping[str, Any]) -> Path:
    """Write a checkpoint and keep the one before it.

    PPO, MaskablePPO and A2C go on exactly when this is called between two rollouts, e.g. in a
    callback's ``_on_rollout_start``, and the env is a `NativeVecEnv` whose vector env has
    ``state_dict`` and ``load_state_dict``; other envs begin new episodes. Of DQN the networks, the
    optimiser and the counts are kept, not the replay buffer.

    Parameters
    ----------
    model : stable_baselines3.common.base_class.BaseAlgorithm
        The agent.
    folder : pathlib.Path
        Where checkpoints lie; made if missing.
    extra : mapping of str to Any
        More to keep: numbers, strings, lists, dicts, arrays.

    Returns
    -------
    pathlib.Path
        The new checkpoint's folder.

    Raises
    ------
    SegueError
        If `extra` holds something else.
    """
    arrays: Arrays = {}
    tree = {"class": type(model).__name__, "model": algorithm_state(model), "extra": dict(extra)}
    state = json.dumps(split(tree, arrays)).encode()
    contents = {"arrays.safetensors": save_arrays(arrays), "state.json": state}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    manifest = {"format": _FORMAT, "sha256": hashes}
    contents["manifest.json"] = json.dumps(manifest, indent=1).encode()

    folder.mkdir(parents=True, exist_ok=True)
    earlier = _checkpoints(folder)
    serial = _serial(earlier[0]) + 1 if earlier else 0
    target = folder / f"checkpoint-{serial:08d}"
    temporary = folder / f".{uuid.uuid4().hex[:12]}"
    try:
        temporary.mkdir()
        for name, data in contents.items():
            _write_synced(temporary / name, data)
        _sync_folder(temporary)
        temporary.rename(target)
        _sync_folder(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    for old in earlier[_KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def load_checkpoint(model: BaseAlgorithm, folder: Path) -> dict[str, Any]:
    """Put a model into the state of the newest whole checkpoint.

    To go on, call ``model.learn(steps_left, reset_num_timesteps=False)``.

    Parameters
    ----------
    model : stable_baselines3.common.base_class.BaseAlgorithm
        Built as the saved one was, on an env like its; not changed if nothing can be read.
    folder : pathlib.Path
        Where `save_checkpoint` wrote.

    Returns
    -------
    dict
        The `extra` that was saved.

    Raises
    ------
    SegueError
        If there is no whole checkpoint or it is of another agent or shape.

    Warns
    -----
    UserWarning
        For each damaged checkpoint that is passed over.
    """
    for path in _checkpoints(folder):
        try:
            tree = _read(path)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            warnings.warn(
                f"The checkpoint {path} is damaged ({error}); the one before it is tried.",
                stacklevel=2,
            )
            continue
        if tree["class"] != type(model).__name__:
            raise SegueError(
                f"{path} is a checkpoint of {tree['class']}, not of {type(model).__name__}; "
                "build the agent that was saved."
            )
        try:
            restore_algorithm(model, tree["model"])
        except (RuntimeError, ValueError) as error:
            raise SegueError(
                f"{path} does not fit the agent ({str(error).splitlines()[0]}); "
                "build it with the saved run's env and hyperparameters."
            ) from error
        extra: dict[str, Any] = tree["extra"]
        return extra
    raise SegueError(f"{folder} holds no whole checkpoint; name the folder of a saved run.")


def _checkpoints(folder: Path) -> list[Path]:
    """List the checkpoints of a folder, newest first."""
    found = [path for path in folder.glob("checkpoint-*") if path.name[11:].isdigit()]
    return sorted(found, key=_serial, reverse=True)


def _serial(path: Path) -> int:
    return int(path.name[11:])


def _read(path: Path) -> dict[str, Any]:
    manifest = json.loads((path / "manifest.json").read_bytes())
    if manifest["format"] != _FORMAT:
        raise ValueError(f"unknown format {manifest['format']!r}")
    contents = {}
    for name in ("arrays.safetensors", "state.json"):
        contents[name] = (path / name).read_bytes()
        if hashlib.sha256(contents[name]).hexdigest() != manifest["sha256"][name]:
            raise ValueError(f"{name} does not match its hash")
    arrays = load_arrays(contents["arrays.safetensors"])
    tree: dict[str, Any] = join(json.loads(contents["state.json"]), arrays)
    return tree


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder and writes its entries through.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["load_checkpoint", "save_checkpoint"]
