"""Beats of a piece of music."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class BeatGrid:
    """The beats that a film is cut to.

    Attributes
    ----------
    times : ndarray (b + 1,) float64
        Seconds of each beat in the sound file, increasing; the last is the end of the last beat.
    strength : ndarray (b,) float32
        How strongly each beat asks for a cut, in [0, 1]: 1 the start of a phrase, about .7 a
        downbeat, less otherwise.
    energy : ndarray (b,) float32
        Loudness of each beat relative to the piece, in [0, 1].
    tempo : float
        Beats per minute.
    """

    times: npt.NDArray[np.float64]
    strength: npt.NDArray[np.float32]
    energy: npt.NDArray[np.float32]
    tempo: float

    def __len__(self) -> int:
        return len(self.strength)
