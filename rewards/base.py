"""What a reward is: named terms, weighted and added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

View = TypeVar("View")
ViewIn = TypeVar("ViewIn", contravariant=True)


class Term(Protocol[ViewIn]):
    """One reason to like or dislike a decision.

    A term is a small frozen dataclass. It sees a *view*, a record whose fields are arrays that
    broadcast against each other, and works elementwise on them. It may therefore be called on a
    batch (every field of shape ``(batch,)``) as well as on an open grid (each field on an axis of
    its own), which is how the exact solvers tabulate it.
    """

    @property
    def name(self) -> str:
        """Key in ``info["reward_terms"]`` and in the logs."""

    @property
    def low(self) -> float:
        """Least value, before the weight."""

    @property
    def high(self) -> float:
        """Greatest value, before the weight."""

    def __call__(self, view: ViewIn) -> npt.NDArray[Any]:
        """Value of each element, in ``[low, high]``."""


@dataclass(frozen=True)
class WeightedSum(Generic[View]):
    """A reward: the sum of weighted terms, each still visible.

    Parameters
    ----------
    terms : tuple of (Term, float)
        The terms with their weights; names must differ.

    Raises
    ------
    ValueError
        When two terms share a name.
    """

    terms: tuple[tuple[Term[View], float], ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"reward terms must have distinct names, got {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms, in order of addition."""
        return tuple(term.name for term, _ in self.terms)

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of each term."""
        return {term.name: weight for term, weight in self.terms}

    def values(self, view: View) -> tuple[FloatArray, ...]:
        """Weighted value of each term, each of whatever shape the fields it reads broadcast to."""
        return tuple(
            weight * np.asarray(term(view), dtype=np.float64) for term, weight in self.terms
        )

    def with_weights(self, weights: Mapping[str, float]) -> WeightedSum[View]:
        """Return the same terms with some weights replaced.

        Raises
        ------
        ValueError
            When a name is not a term's.
        """
        unknown = sorted(set(weights) - set(self.names))
        if unknown:
            raise ValueError(
                f"unknown reward term {unknown[0]!r}; the terms are {', '.join(self.names)}"
            )
        return WeightedSum(tuple((t, weights.get(t.name, weight)) for t, weight in self.terms))
