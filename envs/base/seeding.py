"""Random words for episodes, the same for a single environment and for a row of a batch.

Each environment has a key, drawn from its seed; the word of its e-th episode is a hash of key
and e. A batch of environments thus needs no generators, and a state is a few integers.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt
from gymnasium.utils import seeding

Words = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


@nb.njit(nogil=True, cache=True)
def episode_words(keys: Words, episodes: Words) -> Words:
    """Word of each (key, episode) pair, by SplitMix64 (Steele, Lea & Flood 2014).

    Parameters
    ----------
    keys, episodes : ndarray (n,) uint64

    Returns
    -------
    ndarray (n,) uint64
    """
    words = np.empty_like(keys)
    for i in range(len(keys)):
        word = keys[i] + (episodes[i] + np.uint64(1)) * _GOLDEN
        word = (word ^ (word >> np.uint64(30))) * _FIRST
        word = (word ^ (word >> np.uint64(27))) * _SECOND
        words[i] = word ^ (word >> np.uint64(31))
    return words


def draw_key(generator: np.random.Generator) -> np.uint64:
    """Draw the key of an environment from its Gymnasium generator."""
    return np.uint64(generator.integers(0, 2**63))


def key_of_seed(seed: int) -> np.uint64:
    """Key that ``reset(seed=seed)`` gives to a single environment."""
    return draw_key(seeding.np_random(seed)[0])
