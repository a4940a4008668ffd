"""Whether a value is of a space, and if not, why, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from segue.experiments.contract.playing import short


def misfit(value: Any, space: spaces.Space[Any], name: str) -> str:
    """Say why a value is not of a space, dtype and shape counted; empty where it is.

    Parameters
    ----------
    value : Any
        Such as an observation.
    space : gymnasium.Space
        What it should be of.
    name : str
        What messages call it.
    """
    if isinstance(space, spaces.Dict):
        return _of_dict(value, space, name)
    if isinstance(space, spaces.Tuple):
        if not isinstance(value, tuple):
            return f"{name} is a {type(value).__name__}, but its space is a Tuple"
        if len(value) != len(space.spaces):
            return f"{name} has {len(value)} parts, but its space {len(space.spaces)}"
        pairs = enumerate(zip(value, space.spaces, strict=True))
        told = (misfit(part, each, f"{name}[{number}]") for number, (part, each) in pairs)
        return next((text for text in told if text), "")
    if isinstance(space, spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary):
        return _of_array(value, space, name)
    if space.contains(value):
        return ""
    return f"{name} is {short(value)}, which is not in {short(space)}"


def _of_dict(value: Any, space: spaces.Dict, name: str) -> str:
    if not isinstance(value, Mapping):
        return f"{name} is a {type(value).__name__}, but its space is a Dict"
    if set(value) != set(space.spaces):
        return f"{name} has the keys {sorted(value)}, but its space {sorted(space.spaces)}"
    told = (misfit(value[key], part, f"{name}[{key!r}]") for key, part in space.spaces.items())
    return next((text for text in told if text), "")


def _of_array(
    value: Any, space: spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary, name: str
) -> str:
    if not isinstance(value, np.ndarray) and not (space.shape == () and np.isscalar(value)):
        return f"{name} is a {type(value).__name__}, but its space wants a NumPy array"
    array = np.asarray(value)
    if array.shape != space.shape:
        return f"{name} has shape {array.shape}, but its space {space.shape}"
    if array.dtype != space.dtype:
        return f"{name} has dtype {array.dtype}, but its space {space.dtype}"
    if array.dtype.kind == "f" and np.isnan(array).any():
        return f"{name} has NaN in it"
    if space.contains(array):
        return ""
    if isinstance(space, spaces.Box):
        where = np.argwhere((array < space.low) | (array > space.high))
        if len(where):
            at = tuple(where[0].tolist())
            return (
                f"{name}{list(at) if at else ''} is {array[at]:g}, outside "
                f"{space.low[at]:g} to {space.high[at]:g}"
            )
    return f"{name} is {short(array)}, which is not in {short(space)}"
