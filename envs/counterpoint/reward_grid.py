"""What the reward of `segue/Counterpoint-v0` may see of a step, as the axes of one open grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.envs.base.reward_table import along
from segue.envs.counterpoint.types import (
    NO_MOVE,
    WIDEST_INTERVAL,
    WIDEST_MOVE,
)
from segue.rewards.counterpoint_view import LAST, CounterpointView

AXES = 8
"""Place, interval, move, move before, move of the cantus firmus, Lydian tritone, climax returned,
illegal. None depends on the cantus firmi, so that the tables are the same for any of them."""


def open_grid() -> CounterpointView:
    """Build the view of every combination at once, each field on its own axis."""

    def axis(values: npt.ArrayLike, number: int) -> npt.NDArray[np.int64]:
        return along(values, number, AXES)

    index = np.arange(NO_MOVE + 1)
    semitones = np.where(index == NO_MOVE, 0, index - WIDEST_MOVE)
    return CounterpointView(
        place=axis(np.arange(LAST + 1), 0),
        interval=axis(np.arange(WIDEST_INTERVAL + 1), 1),
        moves=axis(index, 2) != NO_MOVE,
        move=axis(semitones, 2),
        turns=axis(index, 3) != NO_MOVE,
        last_move=axis(semitones, 3),
        cantus_move=axis(semitones, 4),
        lydian_tritone=axis(np.arange(2), 5) == 1,
        climax_returned=axis(np.arange(2), 6) == 1,
        illegal=axis(np.arange(2), 7) == 1,
    )
