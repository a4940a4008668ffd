"""Whether a melody might be a person's: a trained judge as a term of `segue/Melody-v0`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from segue.rewards.base import FloatArray
from segue.rewards.melody_view import MelodyView


@dataclass(frozen=True)
class Realism:
    """The judge takes the melody for a person's.

    At the end: ``2 D - 1``, D the probability by the judge that a person made the melody, if half
    of all melodies are people's; the hyperbolic tangent of half the log-odds. Paid for what a
    discriminator says, as generators are (Goodfellow et al. 2014) and agents that imitate (Ho &
    Ermon 2016), whose reward ``-log(1 - D)`` has no upper limit: an agent could earn all it likes
    where the judge is wrong. A term only where there is a judge.
    """

    name: ClassVar[str] = "realism"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: MelodyView) -> FloatArray:
        """Value per element."""
        return np.tanh(view.judged / 2.0)
