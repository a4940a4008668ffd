"""What a highlight reel is worth: the importance of what it keeps, and how well that is spread.

Importance is the value of the knapsack by which TVSum's protocol makes summaries (Song et al.
2015, *TVSum: Summarizing Web Videos Using Titles*). Diversity and representativeness are those of
Zhou, Qiao & Xiang (2018, *Deep Reinforcement Learning for Unsupervised Video Summarization with
Diversity-Representativeness Reward*), whose sums over all pairs and minima over all kept frames no
Markov state of a useful size could hold. So diversity looks at neighbours in the summary only, and
representativeness at one shot at a time, and the optimum stays exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from segue.rewards.base import WeightedSum
from segue.rewards.highlight_view import HighlightView

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Importance:
    """Share of the video's importance that is kept: v_i = s_i l_i / sum_j s_j l_j.

    With s the mean importance and l the length of a shot, as in the knapsack over frame scores.
    A summary that kept the whole video would earn 1.
    """

    name: ClassVar[str] = "importance"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: HighlightView) -> FloatArray:
        """Value per element."""
        return np.asarray(view.keeps * view.value, dtype=np.float64)


@dataclass(frozen=True)
class Diversity:
    """Dissimilarity to the shot kept before: b_i d(i, k), d = 1 - cos, 1 if k lies far back.

    The term R_div of Zhou et al. (2018) over neighbours of the summary only; b_i is the part of
    the budget that the shot takes, so that a summary cut finer earns no more by it. 0 for the
    first shot kept and for videos without features.
    """

    name: ClassVar[str] = "diversity"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: HighlightView) -> FloatArray:
        """Value per element."""
        return np.asarray(view.keeps * view.room * view.novelty, dtype=np.float64)


@dataclass(frozen=True)
class Representativeness:
    """How well a shot stands for the video: b_i exp(-sum_t l_t ||x_t - x_i||^2 / sum_t l_t).

    The term R_rep of Zhou et al. (2018), ``exp(-(1/T) sum_t min_k ||x_t - x_k||^2)``, of a summary
    of this shot alone: the minimum over what is kept needs all of it. Features are of unit
    length; b_i is as in `Diversity`. 0 for videos without features.
    """

    name: ClassVar[str] = "representativeness"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: HighlightView) -> FloatArray:
        """Value per element."""
        return np.asarray(view.keeps * view.room * view.typicality, dtype=np.float64)


@dataclass(frozen=True)
class Legality:
    """-1 for a shot kept that does not fit, or an action outside the space."""

    name: ClassVar[str] = "legality"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: HighlightView) -> FloatArray:
        """Value per element."""
        return np.where(view.illegal, -1.0, 0.0)


HIGHLIGHT = WeightedSum[HighlightView](
    (
        (Importance(), 1.0),
        (Diversity(), 0.1),
        (Representativeness(), 0.1),
        (Legality(), 0.25),
    )
)
"""The reward of `segue/Highlight-v0`.

Importance decides: a good summary of 15 % keeps about a third of it. The other two are worth a
tenth each at the most, and settle between shots that matter equally.
"""

IMPORTANCE = HIGHLIGHT.with_weights({"diversity": 0.0, "representativeness": 0.0})
"""Importance alone: the 0/1 knapsack of TVSum's protocol."""
