"""State in words of eight bytes, so that a processor steps eight melodies and more at a time.

A row of bytes is read and written as little-endian 64-bit words. A loop over rows that only shifts,
masks and adds them is compiled to vector instructions; one that loads single bytes is not.
Index arithmetic is unsigned, which spares Numba's test for counting from the end.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.int64]

BYTES = 8
"""Bytes in a word."""

_ONES = 0x0101010101010101
# As signed numbers: Numba makes floats of signed and unsigned ones together.
_HIGHEST = 0x8080808080808080 - (1 << 64)
_GATHER = 0x8040201008040201 - (1 << 64)
_OLDEST_OUT = (1 << 56) - 1


@nb.njit(inline="always")
def word(words: Words, width: int, i: np.uint64, number: int) -> int:
    """Word `number` of row i in `words` (rows * width,)."""
    return int(words[np.uint64(width) * i + np.uint64(number)])


@nb.njit(inline="always")
def field(words: Words, width: int, i: np.uint64, column: int) -> int:
    """Byte `column` of row i in `words` (rows * width,); 0 to 127."""
    return int(word(words, width, i, column // BYTES) >> (column % BYTES * 8)) & 127


@nb.njit(inline="always")
def pack(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int) -> int:
    """Word of eight bytes, each 0 to 127, the first one lowest."""
    low = a | b << 8 | c << 16 | d << 24
    return low | e << 32 | f << 40 | g << 48 | h << 56


@nb.njit(inline="always")
def equal_bytes(value: int, bytes_: int) -> int:
    """Highest bit of each byte that is `value`; all are 0 to 127."""
    return (_HIGHEST - (bytes_ ^ value * _ONES)) & _HIGHEST


@nb.njit(inline="always")
def among_seven(value: int, bytes_: int) -> int:
    """1 where one of the seven lower bytes is `value`, else 0."""
    return int(equal_bytes(value, bytes_) & _OLDEST_OUT != 0)


@nb.njit(inline="always")
def eight_bits(value: int, bytes_: int) -> int:
    """Eight bits, set where a byte is `value`; the highest bit is that of the lowest byte."""
    # The product moves bit 8 k to bit 63 - k; no two bits of it meet.
    return int(((equal_bytes(value, bytes_) >> 7) & _ONES) * _GATHER >> 56) & 255
