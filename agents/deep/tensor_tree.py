"""Nested records of arrays and plain values, split into JSON and named arrays and joined again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from segue.envs.base.errors import SegueError

Arrays = dict[str, npt.NDArray[Any]]


def split(tree: Any, arrays: Arrays) -> Any:
    """Take the arrays out of a nested record.

    Parameters
    ----------
    tree : Any
        Dicts (keys str or int), lists, tuples, arrays, tensors, numbers, strings, None.
    arrays : dict of str to numpy.ndarray
        Receives the arrays, under new names. They may share memory with the record.

    Returns
    -------
    Any
        The record as JSON values, a reference in the place of each array.

    Raises
    ------
    SegueError
        If the record holds something else.
    """
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if isinstance(tree, np.generic):
        return tree.item()
    if isinstance(tree, torch.Tensor):
        return {"tensor": _put(tree.detach().cpu().numpy(), arrays)}
    if isinstance(tree, np.ndarray):
        return {"array": _put(tree, arrays)}
    if isinstance(tree, Mapping):
        # Pairs, since the keys of an optimiser's state are whole numbers, which JSON has not.
        return {"dict": [[_key(key), split(value, arrays)] for key, value in tree.items()]}
    if isinstance(tree, list):
        return {"list": [split(value, arrays) for value in tree]}
    if isinstance(tree, tuple):
        return {"tuple": [split(value, arrays) for value in tree]}
    raise SegueError(
        f"A checkpoint cannot hold a {type(tree).__name__}; "
        "use numbers, strings, lists, dicts and arrays."
    )


def join(node: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Undo `split`.

    Parameters
    ----------
    node : Any
        What `split` gave.
    arrays : mapping of str to numpy.ndarray
        The arrays it took out.

    Returns
    -------
    Any
        The record, equal to the first one; its arrays are copies.

    Raises
    ------
    ValueError, TypeError, KeyError
        If `split` never gives such a thing.
    """
    if isinstance(node, list):
        raise ValueError("a list stands where a value should")
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    if kind == "tensor":
        return torch.from_numpy(np.array(arrays[content]))
    if kind == "array":
        return np.array(arrays[content])
    if kind not in ("dict", "list", "tuple") or not isinstance(content, list):
        raise ValueError(f"there is no kind of value {kind!r}")
    if kind == "dict":
        return {_key(key): join(value, arrays) for key, value in content}
    values = [join(value, arrays) for value in content]
    return tuple(values) if kind == "tuple" else values


def _key(key: Any) -> str | int:
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise SegueError(
            f"A checkpoint cannot hold a dict with the key {key!r}; use strings or whole numbers."
        )
    return key


def _put(array: npt.NDArray[Any], arrays: Arrays) -> str:
    if array.dtype.kind not in "biuf":
        raise SegueError(
            f"A checkpoint cannot hold an array of {array.dtype}; use numbers or booleans."
        )
    name = f"{len(arrays):05d}"
    arrays[name] = np.asarray(array, order="C")  # The file format stores the bytes as they lie.
    return name


__all__ = ["Arrays", "join", "split"]
