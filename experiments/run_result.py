"""What a run gave, kept in its folder as ``result.json`` for what compares and reports runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError

RESULT = "result.json"
"""Name of the file in a run's folder."""
FORMAT = "segue.result.v1"
LARGEST = 64 * 2**20
"""Bytes of the largest file that is read."""


@dataclass(frozen=True)
class Scores:
    """What a policy reached on the test episodes.

    Attributes
    ----------
    returns : tuple of float
        One an episode.
    terms : mapping of str to float
        Mean sum of each reward term over an episode.
    """

    returns: tuple[float, ...]
    terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResult:
    """What a run gave.

    Attributes
    ----------
    env, agent : str
        Gymnasium id and name of the agent.
    seed : int
        Of the agent and of its training episodes.
    steps : int
        Environment steps made in all.
    seconds : float
        Wall-clock of training. Of a run that was stopped, that since it was last resumed.
    test_seeds : tuple of int
        Seed of each test episode.
    returns : tuple of float
        What the agent reached, one a test episode.
    terms : mapping of str to float
        Mean sum of each reward term over an episode.
    baselines : mapping of str to Scores
        Random, and greedy where there is one, on the same episodes.
    bounds : tuple of float or None
        Best return that each test episode can have, or above; None where nothing is known.
    exact : bool
        Whether `bounds` are the optima; false where there are none.
    curve_steps : tuple of int
        Steps made, ascending, when the return of training was looked at.
    curve_returns : tuple of float
        Mean return of the training episodes that had ended lately, at each of these.
    agreement : mapping of str to float
        Of an agent that only imitates, with demonstrations that were held out.
    """

    env: str
    agent: str
    seed: int
    steps: int
    seconds: float
    test_seeds: tuple[int, ...]
    returns: tuple[float, ...]
    terms: Mapping[str, float] = field(default_factory=dict)
    baselines: Mapping[str, Scores] = field(default_factory=dict)
    bounds: tuple[float, ...] | None = None
    exact: bool = False
    curve_steps: tuple[int, ...] = ()
    curve_returns: tuple[float, ...] = ()
    agreement: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that all parts fit together.

        Raises
        ------
        ValueError
            If numbers are missing, not finite or below zero where they may not be.
        """
        if not self.returns:
            raise ValueError("there are no returns")
        if self.seed < 0 or self.steps < 0 or self.seconds < 0:
            raise ValueError("seed, steps or seconds lie below 0")
        bounds = self.test_seeds if self.bounds is None else self.bounds
        episodes = {"returns": self.returns, "bounds": bounds}
        episodes |= {f"returns of {name}": of.returns for name, of in self.baselines.items()}
        for name, values in episodes.items():
            if len(values) != len(self.test_seeds):
                raise ValueError(f"{len(values)} {name} stand by {len(self.test_seeds)} test seeds")
        if len(self.curve_steps) != len(self.curve_returns):
            raise ValueError("the curve has not as many steps as returns")
        if list(self.curve_steps) != sorted(self.curve_steps):
            raise ValueError("the steps of the curve do not ascend")
        if self.exact and self.bounds is None:
            raise ValueError("there are no bounds that could be exact")
        for name, numbers in self._numbers().items():
            if not all(map(isfinite, numbers)):
                raise ValueError(f"{name} are not finite")

    def _numbers(self) -> dict[str, Sequence[float]]:
        found: dict[str, Sequence[float]] = {
            "seconds": [self.seconds],
            "returns": self.returns,
            "terms": list(self.terms.values()),
            "bounds": self.bounds or (),
            "returns of the curve": self.curve_returns,
            "agreements": list(self.agreement.values()),
        }
        for name, scores in self.baselines.items():
            found[f"scores of {name}"] = [*scores.returns, *scores.terms.values()]
        return found


def write_result(folder: Path, result: RunResult) -> Path:
    """Write what a run gave into its folder, whole or not at all.

    Parameters
    ----------
    folder : Path
        The run's.
    result : RunResult
        What it gave.

    Returns
    -------
    Path
        The file ``result.json``.

    Raises
    ------
    SegueError
        If the folder cannot be written to.
    """
    bounds = None
    if result.bounds is not None:
        bounds = {"values": list(result.bounds), "exact": result.exact}
    record = {"format": FORMAT} | {name: getattr(result, name) for name in _PLAIN}
    record |= {
        "baselines": {name: asdict(scores) for name, scores in result.baselines.items()},
        "bounds": bounds,
        "curve": {"steps": result.curve_steps, "returns": result.curve_returns},
    }
    text = json.dumps(record, allow_nan=False, ensure_ascii=False, default=dict)
    path = folder / RESULT
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    return path


def read_result(path: Path) -> RunResult:
    """Read what `write_result` wrote.

    Parameters
    ----------
    path : Path
        The file, or the run's folder.

    Returns
    -------
    RunResult

    Raises
    ------
    SegueError
        If it is missing, too large or not such a file; its numbers are not finite or too few.
    """
    if path.is_dir():
        path = path / RESULT
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise SegueError(
            f"{path} cannot be read ({error.strerror}); let the run finish, or test it with "
            "segue evaluate, which writes it."
        ) from error
    if len(data) > LARGEST:
        raise SegueError(f"{path} has more than {LARGEST:,} bytes; it is no result of a run.")
    try:
        return _read(json.loads(data))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise SegueError(
            f"{path} is no result of a run ({reason.rstrip('.')}); test the run again with "
            "segue evaluate."
        ) from error


_PLAIN = (
    *("env", "agent", "seed", "steps", "seconds"),
    *("test_seeds", "returns", "terms", "agreement"),
)
"""Parts that stand in the file as they are."""
_PARTS = {"format", *_PLAIN, "baselines", "bounds", "curve"}


def _read(record: Any) -> RunResult:
    if _mapping(record, "the file").get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    if unknown := set(record) - _PARTS:
        raise ValueError(f"{min(unknown)!r} is unknown")
    curve = _mapping(record["curve"], "the curve")
    bounds = record["bounds"]
    if bounds is not None and not isinstance(_mapping(bounds, "bounds")["exact"], bool):
        raise ValueError("exact is not true or false")
    return RunResult(
        env=_text(record["env"]),
        agent=_text(record["agent"]),
        seed=_integer(record["seed"]),
        steps=_integer(record["steps"]),
        seconds=_number(record["seconds"]),
        test_seeds=tuple(map(_integer, _list(record["test_seeds"]))),
        returns=_numbers(record["returns"]),
        terms=_named(record["terms"]),
        baselines={
            name: _scores(_mapping(scores, name))
            for name, scores in _mapping(record["baselines"], "baselines").items()
        },
        bounds=None if bounds is None else _numbers(bounds["values"]),
        exact=bounds is not None and bounds["exact"],
        curve_steps=tuple(map(_integer, _list(curve["steps"]))),
        curve_returns=_numbers(curve["returns"]),
        agreement=_named(record["agreement"]),
    )


def _scores(record: dict[str, Any]) -> Scores:
    return Scores(_numbers(record["returns"]), _named(record["terms"]))


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no mapping")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("a list is expected where there is none")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r:.40} is no name")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r:.40} is no whole number")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{value!r:.40} is no number")
    return float(value)


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(map(_number, _list(value)))


def _named(value: Any) -> dict[str, float]:
    return {name: _number(of) for name, of in _mapping(value, "what has names").items()}
