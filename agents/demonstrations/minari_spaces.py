"""Spaces as Minari's metadata has them, read from text that nobody vouches for."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

MOST_NUMBERS = 1 << 24
"""Of an observation."""
_MOST_CHOICES = 1 << 31


def space_of(text: Any) -> spaces.Space[Any]:
    """Space that a text of Minari's ``serialize_space`` describes.

    Parameters
    ----------
    text : str
        Of a Discrete, MultiDiscrete, MultiBinary or Box space, or a Dict of such.

    Raises
    ------
    ValueError, TypeError, KeyError, RecursionError, AssertionError, OverflowError
        If it describes none of these.
    """
    record = json.loads(text)
    if record["type"] == "Dict":
        parts = {str(key): _flat(part) for key, part in record["subspaces"].items()}
        return spaces.Dict(parts)
    return _flat(record)


def _flat(record: dict[str, Any]) -> spaces.Space[Any]:
    kind = record["type"]
    if kind == "Discrete":
        return spaces.Discrete(_whole(record["n"]), start=int(record.get("start", 0)))
    if kind == "MultiDiscrete":
        sizes = np.asarray(record["nvec"], np.int64)
        if sizes.size > MOST_NUMBERS or not ((sizes > 0) & (sizes <= _MOST_CHOICES)).all():
            raise ValueError("a MultiDiscrete space of impossible sizes")
        start = np.asarray(record.get("start", np.zeros_like(sizes)), np.int64)
        dtype: Any = _number(record["dtype"], "iu")
        return spaces.MultiDiscrete(sizes, dtype=dtype, start=start)
    if kind == "MultiBinary":
        return spaces.MultiBinary(_whole(record["n"]))
    if kind == "Box":
        return _box(record)
    raise ValueError(f"a space of the type {kind}")


def _box(record: dict[str, Any]) -> spaces.Box:
    shape = tuple(_whole(side) for side in record["shape"])
    if math.prod(shape) > MOST_NUMBERS:
        raise ValueError("a Box of too many numbers")
    dtype: Any = _number(record["dtype"], "iufb")
    low, high = (np.asarray(record[name], dtype) for name in ("low", "high"))
    if low.shape != shape or high.shape != shape:
        raise ValueError("a Box whose bounds have another shape")
    return spaces.Box(low, high, shape, dtype)


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 < value <= _MOST_CHOICES:
        raise ValueError(f"a size of {value!r:.40}")
    return value


def _number(name: Any, kinds: str) -> np.dtype[Any]:
    dtype = np.dtype(str(name))
    if dtype.kind not in kinds or dtype.itemsize > 8:
        raise ValueError(f"numbers of the type {name!r:.40}")
    return dtype


def fitting(values: npt.NDArray[Any], space: spaces.Space[Any]) -> npt.NDArray[Any]:
    """Check stored values of a space, one a row, and give them its type.

    Parameters
    ----------
    values : ndarray (n, ...)
        Numbers.
    space : gymnasium.Space
        As `space_of` gives it, but no Dict.

    Raises
    ------
    ValueError
        If the shape is another, or a value lies outside, is no whole number where the space has
        whole ones only, or is not finite. Real numbers may lie outside the bounds of a Box, as
        those of many environments do.
    """
    if values.shape[1:] != space.shape:
        raise ValueError(f"values of the shape {values.shape[1:]} for {space.shape}")
    dtype = space.dtype
    assert dtype is not None
    if dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            cast = values.astype(dtype)
        if not np.isfinite(cast).all():
            raise ValueError("values that are not finite")
        return cast
    low, high = _bounds(space)
    if values.dtype.kind not in "iub" or not ((values >= low) & (values <= high)).all():
        raise ValueError("values outside the space")
    return values.astype(dtype)


def _bounds(space: spaces.Space[Any]) -> tuple[Any, Any]:
    """Least and greatest value of a space of whole numbers."""
    if isinstance(space, spaces.Discrete):
        return space.start, space.start + space.n - 1
    if isinstance(space, spaces.MultiDiscrete):
        return space.start, space.start + space.nvec - 1
    if isinstance(space, spaces.Box):
        return space.low, space.high
    return 0, 1


__all__ = ["fitting", "space_of"]
