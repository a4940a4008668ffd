"""What a film reward sees: one piece laid on the timeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

TRANSITION_NAMES = (
    "cut",
    "dissolve",
    "fade_through_black",
    "wipe",
    "dip_to_white",
    "wipe_up",
    "clock_wipe",
    "iris",
    "slide",
    "push",
    "zoom",
    "whip",
    "match_cut",
    "j_cut",
    "l_cut",
)
"""Transitions that a reward has a say on; `CutView.transition` is an index, or len for others."""
EFFECT_NAMES = (
    "none",
    "slow_motion",
    "colour_boost",
    "black_and_white",
    "zoom_in",
    "mirror",
    "fade_in",
    "fade_out",
    "speed_up",
    "freeze",
    "zoom_out",
    "shake",
    "blur",
    "sharpen",
    "vignette",
    "warm",
    "cool",
    "sepia",
    "letterbox",
    "flash",
)
"""Effects that a reward has a say on; `CutView.effect` is an index, or len for others."""
CUT, DISSOLVE, FADE_THROUGH_BLACK, WIPE = range(4)
"""The first of `TRANSITION_NAMES`, which have these places in the action, too."""
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
"""The first of `EFFECT_NAMES`, which have these places in the action, too."""

PLAIN = np.isin((*TRANSITION_NAMES, ""), ("cut", "match_cut", "j_cut", "l_cut"))
"""Whether a transition shows one picture after the other and nothing between."""


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
    rise : float array
        How much louder the music is than it was a bar ago, in [-1, 1].
    transition, effect : int array
        Indices into the names above; len of them for one that others registered.
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
    same_film : bool array
        Both shots come from one file.
    recency : float array
        1 where the shot is that of the piece before, 1 / k where it is that of the k-th piece
        before, 0 where it has not been shown.
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
    rise: Array
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
    same_film: BoolArray
    recency: Array
    unfilled: Array
    illegal: BoolArray
