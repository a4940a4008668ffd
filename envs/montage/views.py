"""From placed pieces to what the reward may see."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.film.shots import FEATURES
from segue.envs.montage.dynamics import Ints, Piece
from segue.envs.montage.types import FIRST, Bank
from segue.rewards.film import MIRROR, CutView

Array = npt.NDArray[Any]


def look(
    bank: Bank,
    bin_: Array,
    beat: Ints,
    last_shot: Ints,
    last_third: Ints,
    last_mirrored: Array,
    shot: Ints,
    transition: Ints,
    effect: Ints,
    piece: Piece,
) -> CutView:
    """View of pieces laid at `beat` after a given last piece; all arrays broadcast together.

    `unfilled` and `illegal` are 0: the caller that knows better replaces them.
    """
    features = {
        name: bank.features[bin_, shot, piece.entry, index] for index, name in enumerate(FEATURES)
    }
    before = {
        name: bank.features[bin_, last_shot, last_third, FEATURES.index(name)]
        for name in ("motion_x", "motion_y", "centroid_x", "centroid_y")
    }
    facing = np.where(effect == MIRROR, -1.0, 1.0)
    faced = np.where(last_mirrored, -1.0, 1.0)
    return CutView(
        share=piece.beats / bank.beats,
        seconds=piece.frames / float(bank.rate),
        first=last_shot == FIRST,
        fills=beat + piece.beats >= bank.beats,
        strength=bank.strength[beat],
        energy=bank.energy[beat],
        transition=transition,
        effect=effect,
        similarity=bank.similarity[bin_, last_shot, last_third, shot, piece.entry],
        brightness=features["brightness"],
        saturation=features["saturation"],
        sharpness=features["sharpness"],
        motion=features["motion"],
        motion_x=features["motion_x"] * facing,
        motion_y=features["motion_y"],
        centroid_x=features["centroid_x"] * facing,
        centroid_y=features["centroid_y"],
        last_motion_x=before["motion_x"] * faced,
        last_motion_y=before["motion_y"],
        last_centroid_x=before["centroid_x"] * faced,
        last_centroid_y=before["centroid_y"],
        position=bank.position[bin_, shot],
        last_position=bank.position[bin_, last_shot],
        unfilled=np.zeros(1),
        illegal=np.zeros(1, dtype=np.bool_),
    )
