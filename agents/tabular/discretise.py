"""Observations as one number: what a table of action values needs of any env."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

from segue.envs.base.errors import SegueError

MAX_STATES = 10_000_000

Bins = int | Sequence[int | Sequence[float]]
Ranges = Sequence[tuple[float, float] | None]


class Discretise(gym.ObservationWrapper[Any, Any, Any]):
    """Numbers the observations of an env from 0, in row-major order of their parts.

    A number of a Box falls into one of the bins of its dimension; what lies outside the outermost
    edges counts for the outermost bin. Parts of MultiDiscrete, MultiBinary, Tuple and Dict
    observations are numbered as they are. ``info``, with its action mask, passes through; where
    observations of one bin have different masks, no masked action is taken all the same.

    Parameters
    ----------
    env : gymnasium.Env
        Its observations are a Box, or made of Discrete ones.
    bins : int or sequence, optional
        For a Box, which needs it: the number of bins of every dimension, or for each dimension (in
        row-major order) its number of bins or its inner edges, rising; n edges make n + 1 bins.
    ranges : sequence, optional
        For a Box: low and high of each dimension whose bins are given by their number; None =
        those of the space, where they are finite. All None when left out.

    Raises
    ------
    SegueError
        If the bins or ranges do not fit the space, or there are more states than `MAX_STATES`.

    Examples
    --------
    >>> import gymnasium as gym
    >>> env = gym.make("CartPole-v1")
    >>> Discretise(env, bins=(1, [0.0], 6, 3), ranges=(None, None, None, (-2, 2)))
    ... # doctest: +ELLIPSIS
    <Discretise<...CartPole...>>
    """

    def __init__(
        self, env: gym.Env[Any, Any], bins: Bins | None = None, ranges: Ranges | None = None
    ) -> None:
        super().__init__(env)
        space = env.observation_space
        self._edges: list[npt.NDArray[np.float64]] | None = None
        self._starts: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        if isinstance(space, Box):
            self._edges = _edges(space, bins, ranges)
            sizes = [len(edges) + 1 for edges in self._edges]
        elif bins is not None or ranges is not None:
            raise SegueError(
                f"bins and ranges are for Box observations, not {space}; leave them out."
            )
        else:
            starts, sizes = _parts(space)
            self._starts = np.array(starts, np.int64)
        self._sizes = tuple(sizes)
        count = int(np.prod([float(size) for size in sizes]))
        if count > MAX_STATES:
            raise SegueError(
                f"The observations make {count:,} states, more than {MAX_STATES:,}; "
                "give fewer bins or choose a deep agent."
            )
        self.observation_space = Discrete(count)

    def observation(self, observation: Any) -> int:
        """Give the number of an observation of the wrapped env, in [0, S)."""
        if self._edges is None:
            digits = np.array(_flat(self.env.observation_space, observation)) - self._starts
        else:
            numbers = np.ravel(observation).tolist()
            # From the edge itself on, a number belongs to the bin above it.
            pairs = zip(self._edges, numbers, strict=True)
            digits = np.array([edges.searchsorted(number, "right") for edges, number in pairs])
        return int(np.ravel_multi_index(tuple(digits), self._sizes))

    def parts(self, state: int) -> tuple[int, ...]:
        """Give the bin (or the number from 0) of each part of a state's observations."""
        return tuple(int(digit) for digit in np.unravel_index(state, self._sizes))


def _edges(space: Box, bins: Bins | None, ranges: Ranges | None) -> list[npt.NDArray[np.float64]]:
    """Give the inner edges of the bins of each dimension."""
    n_numbers = int(np.prod(space.shape))
    if bins is None:
        raise SegueError(f"A table needs bins for {space}; give their number or their edges.")
    of_each = [bins] * n_numbers if isinstance(bins, int) else list(bins)
    spans = [None] * n_numbers if ranges is None else list(ranges)
    for name, given in (("bins", of_each), ("ranges", spans)):
        if len(given) != n_numbers:
            raise SegueError(
                f"{name} has {len(given)} entries but an observation {n_numbers} numbers; "
                "give one for each."
            )
    bounds = zip(space.low.ravel().tolist(), space.high.ravel().tolist(), strict=True)
    return [
        _edges_of(index, part, span or bound)
        for index, (part, span, bound) in enumerate(zip(of_each, spans, bounds, strict=True))
    ]


def _edges_of(
    index: int, part: int | Sequence[float], span: Sequence[float]
) -> npt.NDArray[np.float64]:
    if isinstance(part, int):
        low, high = (float(end) for end in span)
        if part < 1:
            raise SegueError(f"Dimension {index} has {part} bins; give at least one.")
        if part == 1:
            return np.zeros(0)
        # A Box without bounds may also say so by the greatest number of its type.
        if not -1e30 < low < high < 1e30:
            raise SegueError(
                f"Dimension {index} ranges from {low:g} to {high:g}, which cannot be cut into "
                f"{part} bins; give its range in ranges or its edges in bins."
            )
        return np.linspace(low, high, part + 1)[1:-1]
    edges = np.array(part, np.float64)
    if edges.ndim != 1 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise SegueError(f"Dimension {index} has the edges {part}; give finite ones that rise.")
    return edges


def _parts(space: gym.Space[Any]) -> tuple[list[int], list[int]]:
    """Give the first number and the size of every part of a space made of Discrete ones."""
    if isinstance(space, Discrete):
        return [int(space.start)], [int(cast(Any, space).n)]
    if isinstance(space, MultiDiscrete):
        return space.start.ravel().tolist(), space.nvec.ravel().tolist()
    if isinstance(space, MultiBinary):
        n_bits = int(np.prod(space.shape))
        return [0] * n_bits, [2] * n_bits
    if isinstance(space, Tuple | Dict):
        starts, sizes = [], []
        for part in _subspaces(space):
            more_starts, more_sizes = _parts(part)
            starts += more_starts
            sizes += more_sizes
        return starts, sizes
    raise SegueError(
        f"{space} cannot be numbered; use an env whose observations are a Box or made of "
        "Discrete, MultiDiscrete and MultiBinary ones."
    )


def _flat(space: gym.Space[Any], observation: Any) -> list[int]:
    """Give the numbers of an observation in the order of `_parts`."""
    if isinstance(space, Dict):
        return [
            number for key, part in space.spaces.items() for number in _flat(part, observation[key])
        ]
    if isinstance(space, Tuple):
        pairs = zip(space.spaces, observation, strict=True)
        return [number for part, value in pairs for number in _flat(part, value)]
    numbers: list[int] = np.ravel(observation).astype(np.int64).tolist()
    return numbers


def _subspaces(space: Tuple[Any] | Dict) -> Sequence[gym.Space[Any]]:
    return tuple(space.spaces.values()) if isinstance(space, Dict) else space.spaces


__all__ = ["MAX_STATES", "Bins", "Discretise", "Ranges"]
