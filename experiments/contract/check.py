"""What a check is, what it finds, and the environment that it looks at."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
from gymnasium import spaces
from gymnasium.envs.registration import load_env_creator

from segue.envs.base.references import resolve_options
from segue.envs.base.single import SegueEnv
from segue.envs.base.vector import SegueVectorEnv


class NotCheckedError(Exception):
    """A check cannot be made here, such as for a missing library; its text says why."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes
    ----------
    severity : str
        ``"error"``: the environment breaks what segue or Gymnasium builds on; ``"warning"``: it
        works, but not as well as it could.
    sentence : str
        What is wrong and what to do.
    """

    severity: Literal["error", "warning"]
    sentence: str


def fault(sentence: str) -> Finding:
    """Make an error."""
    return Finding("error", sentence)


def advice(sentence: str) -> Finding:
    """Make a warning."""
    return Finding("warning", sentence)


@dataclass(eq=False)
class Subject:
    """An environment that is to be looked at, made anew by each check that needs it.

    Attributes
    ----------
    env_id : str
        Gymnasium id, or ``module:id``.
    options : mapping
        Its keyword arguments.
    short : mapping
        Those that make episodes short, for checks that play many whole ones.
    rows : int
        Rows of the vector form that are compared with single environments.
    steps : int
        Steps under random actions.
    """

    env_id: str
    options: Mapping[str, Any] = field(default_factory=dict)
    short: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 8
    steps: int = 1000

    def make(self, short: bool = False, **more: Any) -> gym.Env[Any, Any]:
        """Make the environment, with `more` keyword arguments, as segue trains it."""
        options = {**self.options, **(self.short if short else {}), **more}
        return gym.make(self.env_id, disable_env_checker=True, **resolve_options(options))

    def make_rows(self, count: int, short: bool = True, **more: Any) -> Any:
        """Make the environment's own vector form, `count` rows."""
        options = {**self.options, **(self.short if short else {}), **more}
        return gym.make_vec(
            self.env_id,
            num_envs=count,
            vectorization_mode="vector_entry_point",
            **resolve_options(options),
        )

    @cached_property
    def example(self) -> gym.Env[Any, Any]:
        """One that is only asked what it offers."""
        return self.make()

    @cached_property
    def first(self) -> tuple[Any, Mapping[str, Any]]:
        """Observation and info of its first reset."""
        return self.example.reset(seed=0)

    @property
    def ours(self) -> bool:
        """Whether it is built on segue's `Task`, of which more is demanded."""
        return isinstance(self.example.unwrapped, SegueEnv)

    @property
    def our_rows(self) -> bool:
        """Whether its vector form is built on segue's `Task`."""
        spec = self.example.spec
        creator: object = None if spec is None else spec.vector_entry_point
        if isinstance(creator, str):
            creator = load_env_creator(creator)
        return isinstance(creator, type) and issubclass(creator, SegueVectorEnv)

    def offers(self, name: str) -> bool:
        """Whether the environment or a wrapper has an attribute."""
        return self.example.has_wrapper_attr(name)


Find = Callable[[Subject], Iterator[Finding]]
Applies = Callable[[Subject], str]
"""What the environment lacks for a check, in words; empty where it applies."""


def always(subject: Subject) -> str:
    """Apply to every environment."""
    return ""


@dataclass(frozen=True)
class Check:
    """One demand.

    Attributes
    ----------
    name : str
        Short, unique.
    demands : str
        What must hold, as a sentence without its subject.
    find : callable
        Yields what is wrong with a `Subject`; may raise whatever the environment raises.
    applies : callable
        See `Applies`.
    gate : bool
        Whether nothing else can be checked where this one fails.
    """

    name: str
    demands: str
    find: Find
    applies: Applies = always
    gate: bool = False


def check(
    name: str, demands: str, applies: Applies = always, gate: bool = False
) -> Callable[[Find], Check]:
    """Make a function that finds faults a `Check`."""
    return lambda find: Check(name, demands, find, applies, gate)


def built_on_task(subject: Subject) -> str:
    """Apply to environments built on segue's `Task`."""
    return "" if subject.ours else "it is not built on segue's Task"


def action_sizes(space: spaces.Space[Any]) -> list[int] | None:
    """Choices of each part of an action; None where they cannot be counted."""
    if isinstance(space, spaces.Discrete):
        return [int(space.n)]
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1:
        return [int(size) for size in space.nvec]
    return None


def raised(error: BaseException) -> str:
    """Say what was raised and where in code that is neither segue's nor Gymnasium's."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if not _known(f.filename)] or list(frames)
    where = f" in {Path(theirs[-1].filename).name}, line {theirs[-1].lineno}" if theirs else ""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = f" ({lines[0].rstrip('.')})" if lines else ""
    return f"{type(error).__name__} was raised{where}{said}; mend it."


def _known(file: str) -> bool:
    own = Path(__file__).parents[1]
    return own in Path(file).parents or "gymnasium" in Path(file).parts
