"""The shaping function that all soft targets share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def bell(error: npt.ArrayLike, width: float) -> npt.NDArray[np.float64]:
    """Closeness to a target: ``exp(-error**2 / (2 width**2))``, in (0, 1], 1 at no error.

    Parameters
    ----------
    error : array_like
        Signed distance from the target, any shape.
    width : float
        Error at which the value has fallen to ``exp(-1/2)``, about .61; > 0.
    """
    scaled = np.asarray(error, dtype=np.float64) / width
    return np.exp(-0.5 * scaled * scaled)
