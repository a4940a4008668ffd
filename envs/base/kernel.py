"""What compiled environments share: binding a kernel to its arrays, and masks as words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

EXPANDED = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").view(
    np.uint64
)[:, 0]
"""Eight bits spread over the eight bytes of a word, so that a mask is written eight at a time."""


def bind(kernel: Any, *arguments: Any) -> Callable[[npt.NDArray[np.int64]], None]:
    """Bind a Numba function to all of its arguments but the last, the actions.

    What comes back is the compiled code itself: it spares Numba's look at the type of every
    argument, a quarter of the time of a single environment's step. It must be given contiguous
    int64 actions, one a row: nothing checks them.
    """
    kinds = tuple(nb.typeof(argument) for argument in (*arguments, np.zeros(1, dtype=np.int64)))
    kernel.compile(kinds)
    return partial(kernel.overloads[kinds].entry_point, *arguments)
