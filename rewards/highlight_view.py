"""What a highlight reward may see of one decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class HighlightView:
    """What the reward sees of keeping or skipping one shot; all fields broadcast.

    Attributes
    ----------
    value : float array
        Importance of the shot times its length, over the sum of both of the whole video, in
        [0, 1]; those of a video add up to 1.
    room : float array
        The shot's length over the budget of the whole video, in units, >= 0; what is kept of a
        video adds up to 1 at most.
    typicality : float array
        How well the shot stands for the whole video, in [0, 1]; see
        `segue.rewards.highlight.Representativeness`.
    novelty : float array
        How unlike the last shot kept it is, in [0, 1]; 0 where none was kept yet.
    keeps : bool array
        The shot is kept.
    illegal : bool array
        The action was against the budget or outside the space, and has been replaced by a skip.
    """

    value: FloatArray
    room: FloatArray
    typicality: FloatArray
    novelty: FloatArray
    keeps: BoolArray
    illegal: BoolArray
