"""What a film reward sees: one piece laid on the timeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

CUT, DISSOLVE, FADE_THROUGH_BLACK, WIPE = range(4)
"""Transitions, in the order of the action."""
(
    NONE,
    SLOW_MOTION,
    COLOUR_BOOST,
    BLACK_AND_WHITE,
    ZOOM_IN,
    MIRROR,
    FADE_IN,
    FADE_OUT,
) = range(8)
"""Effects, in the order of the action."""


@dataclass(frozen=True)
class CutView:
    """What a film reward sees of one piece laid on the timeline; fields broadcast together.

    ``last_...`` describes the end of the piece before, as it is shown there; it means nothing
    where `first`.

    Attributes
    ----------
    share : float array
        Part of the film's beats that the piece fills, in [0, 1].
    seconds : float array
        Its length.
    first, fills : bool array
        It opens the film; it fills the film to its end.
    strength : float array
        How strongly the beat under the cut asks for it, in [0, 1]; 1 at the start of a phrase.
    energy : float array
        Loudness of the music where the piece begins, from 0 (its calmest bar) to 1.
    transition, effect : int array
        Indices of the constants above.
    similarity : float array
        Cosine of the colour histograms on the two sides of the cut, in [0, 1].
    brightness, saturation, sharpness : float array
        Of the piece where it begins, in [0, 1].
    motion : float array
        Amount of motion where it begins, as its rank among all the footage, in [0, 1].
    motion_x, motion_y, centroid_x, centroid_y : float array
        Direction of motion and place of the salient detail where it begins, in [-1, 1].
    last_motion_x, last_motion_y, last_centroid_x, last_centroid_y : float array
        The same where the piece before ends.
    position, last_position : float array
        Place of the shot in its film, and that of the shot before, in [0, 1].
    unfilled : float array
        Part of the film left empty because no shot is left; 0 except at such an end.
    illegal : bool array
        Some part of the action was illegal and has been replaced.
    """

    share: Array
    seconds: Array
    first: BoolArray
    fills: BoolArray
    strength: Array
    energy: Array
    transition: IntArray
    effect: IntArray
    similarity: Array
    brightness: Array
    saturation: Array
    sharpness: Array
    motion: Array
    motion_x: Array
    motion_y: Array
    centroid_x: Array
    centroid_y: Array
    last_motion_x: Array
    last_motion_y: Array
    last_centroid_x: Array
    last_centroid_y: Array
    position: Array
    last_position: Array
    unfilled: Array
    illegal: BoolArray
