"""Small grey signatures of frames, in which a whole film can be held and compared."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Signatures = npt.NDArray[np.uint8]
Span = tuple[int, int]
"""First frame and the frame after the last."""

SIGNATURE = (16, 9)
"""Width and height of the grey signature."""

PIXELS = SIGNATURE[0] * SIGNATURE[1]


def signature_of(luma: npt.NDArray[np.uint8]) -> Signatures:
    """Signature of a grey picture, ``(PIXELS,)``."""
    small = cv2.resize(luma, SIGNATURE, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8).ravel()


def correlation(
    left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Pearson correlation row by row; 0 where a row is even."""
    left = left - left.mean(axis=1, keepdims=True)
    right = right - right.mean(axis=1, keepdims=True)
    scale = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.asarray((left * right).sum(axis=1) / np.maximum(scale, 1e-6), dtype=np.float32)
