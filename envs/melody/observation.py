"""What an agent sees of `segue/Melody-v0`."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.melody import dynamics
from segue.envs.melody.types import (
    CHAIN,
    FOLLOWS,
    HALF_MOVE,
    HALF_TOKEN,
    KNOWN,
    LONGEST_RETURN,
    MEAN_SURPRISE,
    MOST,
    MOVES,
    NO_PITCH,
    NO_TOKEN,
    PRIMERS,
    SHORTER,
    STEPS,
    STILL,
    SURPRISE,
    SURPRISE_LEVELS,
    TOKENS,
    WHOLE_MOVE,
    WHOLE_TOKEN,
    WINDOW,
)

SIZES = (
    (STEPS + 1, PRIMERS)
    + (17, 17, 2)
    + (NO_PITCH + 1,) * 4
    + (MOST + 1, dynamics.OFFS_KEPT + 1, MOST + 1, 2)
    + (3, NO_PITCH + 1, MOST + 1)
    + (NO_PITCH + 1, 3, NO_PITCH + 1, 3)
    + (4, MOST + 1, MOST + 1)
    + (SHORTER + 1, LONGEST_RETURN + 1)
    + (4, 4, TOKENS + 1, TOKENS + 1)
    + (SHORTER + 1, TOKENS + 1)
    + (SURPRISE_LEVELS,)
)
"""How many values each integer may take; one-hot they are 615 wide."""


def space() -> spaces.MultiDiscrete:
    """Observation space: 32 integers, the columns of an observed row in `types`."""
    return spaces.MultiDiscrete(np.array(SIZES), dtype=np.int16)  # type: ignore[arg-type]


@nb.njit(inline="always")
def encode(
    seen: npt.NDArray[np.int16],
    hidden: npt.NDArray[np.int32],
    history: npt.NDArray[np.int8],
    step: int,
    i: int,
) -> None:
    """Write what row i of `seen` shows beside the rules' own columns; `step` tokens stand.

    The rules keep most of their state in `seen` itself, so that nothing is copied.
    """
    half, whole = step - WINDOW, step - 2 * WINDOW
    seen[i, HALF_MOVE] = history[np.uint64(STEPS + half), i] if half >= 0 else STILL
    seen[i, WHOLE_MOVE] = history[np.uint64(STEPS + whole), i] if whole >= 0 else STILL
    seen[i, HALF_TOKEN] = history[np.uint64(half), i] if half >= 0 else NO_TOKEN
    seen[i, WHOLE_TOKEN] = history[np.uint64(whole), i] if whole >= 0 else NO_TOKEN
    known, places = 0, 0
    for link in range(np.uint64(SHORTER)):
        found = hidden[i, np.uint64(CHAIN) + link]
        # A longer match is among the shorter ones, so the last that is not empty is the longest.
        some = int(found != 0)
        known += some
        places += some * (found - places)
    after = history[np.uint64(dynamics.first_place(places) + 1), i]
    seen[i, KNOWN] = known
    seen[i, FOLLOWS] = NO_TOKEN + int(known > 0) * (after - NO_TOKEN)
    seen[i, MEAN_SURPRISE] = dynamics.surprise_level(hidden[i, SURPRISE], hidden[i, MOVES])
