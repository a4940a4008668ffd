"""The space that a sweep searches: which settings of a training run, and in what range.

A YAML file of two parts, by dotted path of a field of `TrainConfig`::

    search:
      hyperparameters.learning_rate: {type: float, low: 1.0e-4, high: 5.0e-3, log: true}
      hyperparameters.n_epochs: {type: int, low: 2, high: 8}
      hyperparameters.gamma: {type: choice, values: [0.95, 0.99]}
    fixed:
      num_envs: 64
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from segue.envs.base.errors import SegueError
from segue.experiments.overrides import with_settings
from segue.experiments.train_config import TrainConfig
from segue.experiments.typed_yaml import from_plain, load_yaml

OWN = ("env", "agent", "steps", "seed", "eval_episodes", "eval_seed", "test_options")
"""Fields that are the sweep's own, or that say how runs are judged."""
SHARED = {"maskable-ppo": "ppo", "double-q": "q-learning", "q-lambda": "q-learning"}
"""Agents whose space is that of another one."""
DIGITS = 3
"""Significant digits of a drawn number."""


@dataclass(frozen=True)
class FloatRange:
    """Numbers between two ends.

    Attributes
    ----------
    type : str
        ``"float"``.
    low, high : float
        The ends, both included.
    log : bool
        Whether they are drawn evenly on the logarithmic scale.
    """

    type: Literal["float"]
    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class IntRange:
    """Whole numbers between two ends.

    Attributes
    ----------
    type : str
        ``"int"``.
    low, high : int
        The ends, both included.
    log : bool
        Whether they are drawn evenly on the logarithmic scale.
    """

    type: Literal["int"]
    low: int
    high: int
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of some values.

    Attributes
    ----------
    type : str
        ``"choice"``.
    values : tuple
        The values, one or more.
    """

    type: Literal["choice"]
    values: tuple[Any, ...]


Dimension = FloatRange | IntRange | Choice
_KINDS: Mapping[str, type[Dimension]] = {"float": FloatRange, "int": IntRange, "choice": Choice}


@dataclass(frozen=True)
class Space:
    """What a sweep searches.

    Attributes
    ----------
    search : mapping of str to mapping
        By path of a field, a `Dimension` as it stands in YAML.
    fixed : mapping of str to Any
        By path, values that all trials have.
    """

    search: Mapping[str, Mapping[str, Any]]
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def dimensions(self, name: str = "the space") -> dict[str, Dimension]:
        """Give what is searched as records, in its order.

        Parameters
        ----------
        name : str
            What error messages call the space, such as its file.

        Raises
        ------
        SegueError
            If one is of an unknown type, lacks a part or holds nothing.
        """
        return {path: _dimension(one, f"{name}: {path}") for path, one in self.search.items()}


def read_space(path: Path | None, base: TrainConfig) -> Space:
    """Read a space and check it.

    Parameters
    ----------
    path : Path or None
        The YAML file; None takes the one that comes with segue for the agent.
    base : TrainConfig
        What the trials have beside it.

    Raises
    ------
    SegueError
        If the file cannot be read, a field is unknown or not to be searched, a range is empty or a
        value of a wrong type; or if no space comes with segue for the agent.
    """
    if path is not None:
        space, name = load_yaml(path, Space), str(path)
    else:
        space, name = default_space(base.agent), f"the space of {base.agent}"
    if not space.search:
        raise SegueError(f"{name} has nothing to search; name a field under search.")
    both = sorted(set(space.search) & set(space.fixed))
    if both:
        raise SegueError(f"{name}: {both[0]} is searched and fixed; keep one of the two.")
    for field_path in (*space.search, *space.fixed):
        _check_path(field_path, name)
    tried = {key: [value] for key, value in space.fixed.items()}
    tried |= {key: _ends(one) for key, one in space.dimensions(name).items()}
    for field_path, values in tried.items():
        for value in values:
            with_settings(base, {field_path: value}, name)
    return space


def default_space(agent: str) -> Space:
    """Read the space that comes with segue for an agent.

    Raises
    ------
    SegueError
        If there is none.
    """
    folder = resources.files("segue.experiments") / "spaces"
    with resources.as_file(folder / f"{SHARED.get(agent, agent)}.yaml") as file:
        if not file.is_file():
            raise SegueError(
                f"no space comes with segue for {agent}; write one and name it with --space."
            )
        return load_yaml(file, Space)


def rounded(value: float, dimension: FloatRange) -> float:
    """Keep `DIGITS` significant digits of a drawn number, within its range."""
    short = float(f"{value:.{DIGITS}g}")
    return min(max(short, dimension.low), dimension.high)


def _dimension(given: Mapping[str, Any], name: str) -> Dimension:
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise SegueError(f"{name} has the type {kind!r}; give one of {', '.join(_KINDS)}.")
    found = from_plain(given, _KINDS[kind], name)
    if isinstance(found, Choice):
        _check_values(found.values, name)
    elif not found.low < found.high:
        raise SegueError(f"{name} goes from {found.low} to {found.high}; give low below high.")
    elif found.log and found.low <= 0:
        raise SegueError(f"{name} begins at {found.low}; a logarithmic range begins above 0.")
    return found


def _check_values(values: Sequence[Any], name: str) -> None:
    if not values:
        raise SegueError(f"{name} has no values; give one or more.")
    for value in values:
        # YAML takes 1e-4, without a point, for text.
        if isinstance(value, str) and _is_number(value):
            raise SegueError(f"{name} has the text {value!r}; write a number as {float(value)!r}.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _ends(dimension: Dimension) -> list[Any]:
    if isinstance(dimension, Choice):
        return list(dimension.values)
    return [dimension.low, dimension.high]


def _check_path(path: str, name: str) -> None:
    head, *rest = path.split(".")
    free = [one for one in fields(TrainConfig) if one.name not in OWN]
    mappings = [one.name for one in free if one.default_factory is dict or "Mapping" in one.type]
    allowed = ", ".join(f"{f.name}.<name>" if f.name in mappings else f.name for f in free)
    if head not in {one.name for one in free}:
        why = "is the sweep's own" if head in OWN else "is no field of a training run"
        raise SegueError(f"{name}: {path} {why}; choose from {allowed}.")
    if (head in mappings) != bool(rest) or not all((head, *rest)):
        raise SegueError(f"{name}: {path} is no value of a training run; choose from {allowed}.")
