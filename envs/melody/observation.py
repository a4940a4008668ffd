"""What an agent sees of `segue/Melody-v0`."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from gymnasium import spaces

from segue.envs.melody import asking, dynamics
from segue.envs.melody.packing import pack
from segue.envs.melody.types import (
    LONGEST_RETURN,
    LONGEST_RUN,
    MOST,
    NO_PITCH,
    NO_TOKEN,
    PRIMER,
    PRIMERS,
    SHORTER,
    STEPS,
    SURPRISE_LEVELS,
    TOKENS,
    WINDOW,
)

SIZES = (
    (STEPS + 1, PRIMERS)
    + (17, 17, 2)
    + (NO_PITCH + 1,) * 4
    + (MOST + 1, dynamics.OFFS_KEPT + 1, LONGEST_RUN + 1, 2)
    + (3, NO_PITCH + 1, MOST + 1)
    + (NO_PITCH + 1, 3, NO_PITCH + 1, 3)
    + (4, LONGEST_RUN + 1, LONGEST_RUN + 1)
    + (SHORTER + 1, LONGEST_RETURN + 1)
    + (4, 4, TOKENS + 1, TOKENS + 1)
    + (SHORTER + 1, TOKENS + 1)
    + (SURPRISE_LEVELS,)
)
"""How many values each integer may take; one-hot they are 639 wide."""


MODES = ("features", "tokens", "prior")

SITUATION = PRIMER + 1
"""Columns of an observed row that stand beside the tokens: STEP and PRIMER, the first two."""


def space(mode: str) -> spaces.MultiDiscrete | spaces.Dict:
    """Observation space.

    In mode ``features`` 32 integers, the columns of an observed row in `types`. In mode ``tokens``
    the melody itself: ``tokens``, the newest first, NO_TOKEN where none is yet; ``tokens_mask``,
    1 where there is one; ``situation``: STEP and PRIMER. In mode ``prior`` the ``features``, and
    ``prior_log_p``, what the prior says of each token to come: `asking.space`.
    """
    if mode == "features":
        return _integers(SIZES)
    if mode == "prior":
        return spaces.Dict({"features": _integers(SIZES), "prior_log_p": asking.space()})
    return spaces.Dict(
        {
            "tokens": _integers((TOKENS + 1,) * STEPS),
            "tokens_mask": spaces.MultiBinary(STEPS),
            "situation": _integers(SIZES[:SITUATION]),
        }
    )


def _integers(sizes: tuple[int, ...]) -> spaces.MultiDiscrete:
    found: Any = spaces.MultiDiscrete(np.array(sizes), dtype=np.int8)
    # Stable-Baselines3 adds the sizes up in their own type, which is that of the observations.
    found.nvec = found.nvec.astype(np.int64)
    return found  # type: ignore[no-any-return]


@nb.njit(inline="always")
def encode(
    returns: int,
    moves: int,
    tokens: tuple[int, int, int, int],
    counts: tuple[int, int, int],
    surprise: int,
    intervals: int,
) -> int:
    """Last word of an observed row: what is shown of what went before.

    Parameters
    ----------
    returns : int
        Sixteenths so far that ended a returning motif.
    moves : int
        The last sixteen moves, two bits each, the newest lowest.
    tokens : tuple of int
        The tokens in bytes, the newest lowest.
    counts : tuple of int
        As of `dynamics.longest_match`.
    surprise, intervals : int
        Sum of the intervals' surprise, and how many they are.
    """
    low, middle, high = counts
    known, lags = dynamics.longest_match(low, middle, high)
    # The earliest of the places, so the longest lag; and the token after it.
    after = STEPS - 2 - dynamics.first_place(lags)
    follows = NO_TOKEN + int(known > 0) * (token_at(tokens, after) - NO_TOKEN)
    word = pack(
        returns,
        (moves >> 2 * (WINDOW - 1)) & 3,
        (moves >> 2 * (2 * WINDOW - 1)) & 3,
        tokens[0] >> 56,
        tokens[1] >> 56,
        known,
        follows,
        dynamics.surprise_level(surprise, intervals),
    )
    return int(word)


@nb.njit(inline="always")
def token_at(tokens: tuple[int, int, int, int], age: int) -> int:
    """Token of that age in bytes, the newest (age 0) lowest; any number for another age."""
    newest, second, third, oldest = tokens
    chosen, place = newest, age >> 3
    chosen += int(place == 1) * (second - newest)
    chosen += int(place == 2) * (third - newest)
    chosen += int(place == 3) * (oldest - newest)
    return (chosen >> (8 * (age & 7))) & 127
