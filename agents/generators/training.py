"""What the training of a generator offers to whoever drives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class GeneratorTraining(Protocol):
    """A training run that is made update by update and goes on bit for bit from its state."""

    step: int
    """Updates made."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        ...

    def update(self) -> dict[str, float]:
        """Make one update; returns figures for the board."""
        ...

    def validate(self) -> dict[str, float]:
        """Measure on what is held out; what is best is kept."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything that the run goes on from: numbers, strings, lists, dicts, arrays, tensors."""
        ...

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        ...
