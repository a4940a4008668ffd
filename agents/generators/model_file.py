"""Networks in one safetensors file, in half precision, what is told of them in its head."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError

Built = TypeVar("Built")

_LARGEST = 1 << 28


def write_model(path: Path, form: str, network: torch.nn.Module, told: Mapping[str, Any]) -> None:
    """Write a network; `told` can be written as JSON, and `form` names what it holds."""
    weights = {name: x.half().contiguous() for name, x in network.state_dict().items()}
    # One entry, since their order in the file would be left to chance.
    head = json.dumps(dict(told), sort_keys=True)
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(weights, metadata={form: head}))


def read_model(
    path: Path,
    form: str,
    build: Callable[[dict[str, Any], dict[str, torch.Tensor]], Built],
    kind: str,
    writer: str,
) -> Built:
    """Read what `write_model` wrote.

    Parameters
    ----------
    path : Path
        The file.
    form : str
        As it was written by.
    build : callable
        Makes the model of what is told and of the weights, float32; what it raises where these do
        not fit counts as damage.
    kind, writer : str
        What the file should be, and what writes such files, for the error's words.

    Raises
    ------
    SegueError
        If it is no such file.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        with safe_open(str(path), framework="pt") as file:
            head = file.metadata() or {}
            weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        if form not in head:
            raise ValueError("it is of another format")
        return build(json.loads(head[form]), weights)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".:")
        raise SegueError(
            f"{path} is no {kind} ({reason}); name a file that {writer} wrote."
        ) from error


__all__ = ["read_model", "write_model"]
