"""One small stream of random numbers that compiled and plain Python code share bit for bit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

_INTO_UNIT = 1.0 / 9007199254740992.0  # 2 ** -53


def new_stream(seed: int) -> npt.NDArray[np.uint64]:
    """Start a stream.

    Parameters
    ----------
    seed : int
        Any non-negative whole number; it is spread by NumPy's ``SeedSequence``.

    Returns
    -------
    numpy.ndarray
        uint64 array (1,): the state of the generator, never zero; `uniform` changes it in place.
    """
    state = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    return state | np.uint64(1)  # zero is the one state that xorshift cannot leave


@njit(cache=True, nogil=True)
def uniform(stream: npt.NDArray[np.uint64]) -> float:
    """Draw the next number of a stream (xorshift64; Marsaglia 2003, triple 13, 7, 17).

    Only shifts and exclusive-ors are used: they never overflow, so that ``uniform.py_func`` gives
    the same bits in plain Python.

    Parameters
    ----------
    stream : numpy.ndarray
        uint64 array (1,), changed in place.

    Returns
    -------
    float
        A multiple of 2**-53 in [0, 1).
    """
    x = stream[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    stream[0] = x
    return float(x >> np.uint64(11)) * _INTO_UNIT


__all__ = ["new_stream", "uniform"]
