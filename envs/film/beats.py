"""Beats of a piece of music."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    downbeats : ndarray (d,) int64
        Beats that begin a bar, increasing; empty where nobody knows.
    sections : ndarray (s,) int64
        Beats that begin a section of the piece, increasing; the first is 0.
    """

    times: npt.NDArray[np.float64]
    strength: npt.NDArray[np.float32]
    energy: npt.NDArray[np.float32]
    tempo: float
    downbeats: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    sections: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))

    def __len__(self) -> int:
        return len(self.strength)
