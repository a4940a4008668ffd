"""From placed pieces to what the reward may see."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.film.shots import FEATURES
from segue.envs.montage.dynamics import Ints, Piece
from segue.envs.montage.types import FIRST, Bank
from segue.rewards.film_view import MIRROR, CutView

Array = npt.NDArray[Any]

FILLED, LEGAL = np.zeros(1), np.zeros(1, dtype=np.bool_)


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
    unfilled: Array = FILLED,
    illegal: Array = LEGAL,
) -> CutView:
    """View of pieces laid at `beat` after a given last piece; all arrays broadcast together."""
    now = dict(
        zip(FEATURES, np.moveaxis(bank.features[bin_, shot, piece.entry], -1, 0), strict=True)
    )
    then = dict(
        zip(FEATURES, np.moveaxis(bank.features[bin_, last_shot, last_third], -1, 0), strict=True)
    )
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
        brightness=now["brightness"],
        saturation=now["saturation"],
        sharpness=now["sharpness"],
        motion=now["motion"],
        motion_x=now["motion_x"] * facing,
        motion_y=now["motion_y"],
        centroid_x=now["centroid_x"] * facing,
        centroid_y=now["centroid_y"],
        last_motion_x=then["motion_x"] * faced,
        last_motion_y=then["motion_y"],
        last_centroid_x=then["centroid_x"] * faced,
        last_centroid_y=then["centroid_y"],
        position=bank.position[bin_, shot],
        last_position=bank.position[bin_, last_shot],
        unfilled=unfilled,
        illegal=illegal,
    )
