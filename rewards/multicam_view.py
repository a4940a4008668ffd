"""What a multicam reward sees: one step of the programme on one camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CameraView:
    """What a multicam reward sees of one step on the air; fields broadcast together.

    Attributes
    ----------
    level : float array
        How well the camera shown sees the speaker or the action, in [0, 1].
    size : float array
        Its shot size, from 0 (the wide shot) to 1 (the close-up).
    emphasis : float array
        How much the moment matters, in [0, 1].
    orients : bool array
        The audience needs to be shown where it is.
    widest : bool array
        The camera shown is the widest of its scene.
    cut : bool array
        Another camera was on the air in the step before; False in the first step.
    stays : bool array
        The same camera was; False in the first step.
    returns : bool array
        The camera shown is the one of the shot before last.
    similarity : float array
        How alike the camera shown and the one in the step before are, in [0, 1]; 0 in the first.
    held : int array
        Steps that the shot on the air in the step before has lasted, 0 in the first step; the
        greatest value stands for itself and all above.
    step : float array
        Seconds of a step.
    illegal : bool array
        The action was illegal and has been replaced.
    """

    level: Array
    size: Array
    emphasis: Array
    orients: BoolArray
    widest: BoolArray
    cut: BoolArray
    stays: BoolArray
    returns: BoolArray
    similarity: Array
    held: npt.NDArray[np.integer[Any]]
    step: Array
    illegal: BoolArray
