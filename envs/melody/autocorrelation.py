"""Autocorrelation of the tokens of one row in a batch, for RL Tuner's term."""

from __future__ import annotations

import numba as nb
import numpy as np

from segue.envs.melody import dynamics
from segue.envs.melody.observation import token_at
from segue.envs.melody.packing import Words, word
from segue.envs.melody.playing import put, see
from segue.envs.melody.types import HIDDEN_WORDS, PRODUCTS, SEEN_WORDS, STEP, SUMS

AUTOCORRELATED = 0.15
"""Autocorrelation from which on RL Tuner counts it."""

LAG_COUNT = 3
"""Lags of the autocorrelation: 1, 2 and 3."""

PRODUCT_BITS = 20
"""Bits of each sum of products."""


@nb.njit(forceinline=True)
def play_sums(seen: Words, history: Words, hidden: Words, i: np.uint64) -> float:
    """Sum of the absolute autocorrelations that count, of a row whose token has been played."""
    length = see(seen, i, STEP)
    newest = word(history, SEEN_WORDS, i, 0)
    second, third = word(history, SEEN_WORDS, i, 1), word(history, SEEN_WORDS, i, 2)
    tokens = (newest, second, third, word(history, SEEN_WORDS, i, 3))
    token = newest & 127
    sums = word(hidden, HIDDEN_WORDS, i, SUMS) + (token << 16) + (token * token << 32)
    products = word(hidden, HIDDEN_WORDS, i, PRODUCTS)
    ends, found = 0, 0.0
    for place in range(LAG_COUNT):
        lag = place + 1
        earlier = newest >> 8 * lag & 127
        products += token * earlier * int(length > lag) << PRODUCT_BITS * place
        ends += token_at(tokens, length - lag) + (newest >> 8 * place & 127)
        size = abs(
            dynamics.correlation(
                length,
                sums >> 16 & 0xFFFF,
                sums >> 32,
                products >> PRODUCT_BITS * place & ((1 << PRODUCT_BITS) - 1),
                ends,
                lag,
            )
        )
        found += size * int(size > AUTOCORRELATED)
    put(hidden, HIDDEN_WORDS, i, SUMS, 1, sums)
    put(hidden, HIDDEN_WORDS, i, PRODUCTS, 1, products)
    return found
