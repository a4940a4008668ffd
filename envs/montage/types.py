"""Records of `segue/Montage-v0`: the bins of shots, and the state of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from segue.envs.base.task import Batch

LENGTHS = (1, 2, 3, 4, 6, 8)
"""Lengths of a piece in beats, in the order of the action."""
IN_POINTS = 3
"""In-points of a piece: at the start, in the middle and at the end of what the shot can spare."""

BAR = 4
"""Beats."""

MIRRORED, REVERSED = 1, 2
"""Bits of `Bank.turned`."""

HANDLE = 6
"""Frames kept free at both ends of a shot, for transitions."""
LONGEST_TRANSITION = 2 * HANDLE
"""Frames."""

FIRST = -1
"""Value of `MontageBatch.last_shot` before the first piece."""

PLACED = 7
"""Columns of `MontageBatch.timeline`: shot, first frame in the shot, frames shown, beats,
transition, effect, beat."""


@dataclass(frozen=True)
class Bank:
    """Bins of shots, and the beats that they are cut to; one bin an episode.

    Attributes
    ----------
    rate : Fraction
        Frames per second of the timeline.
    beat_frames : ndarray (b + 1,) int64
        Frame of each beat from the film's first frame; the last is the film's length.
    lengths, spans : ndarray (b, lengths) and (b, lengths, effects) int64
        Frames that a piece takes on the timeline and of its shot; see `dynamics.clock`.
    strength, energy : ndarray (b,) float32
        Of each beat; see `segue.envs.film.beats.BeatGrid`.
    row : ndarray (bins, n) int32
        Which row of the shot table stands at each place of a bin; -1 for made-up shots.
    frames : ndarray (bins, n) int64
        Length of each shot without its handles.
    features : ndarray (bins, n, THIRDS, f) float32
        See `segue.envs.film.shots.FEATURES`; the amount of motion is its rank in the footage.
    similarity : ndarray (bins, n, THIRDS, n, THIRDS) float32
        Cosine of the colour histograms of every two thirds.
    position : ndarray (bins, n) float32
        Place of the shot in its film, in [0, 1].
    film : ndarray (bins, n) int32
        Number of the file that the shot comes from.
    thumbnails : ndarray (rows, THIRDS, h, w, 3) uint8
        RGB pictures by `row`; empty where they are drawn from the features, see
        `segue.envs.montage.pictures`.
    turned : ndarray (bins, n) int8 or None
        Shots that have been mirrored (bit MIRRORED) or reversed (bit REVERSED), so that the bins
        are for training only; None where none has.
    """

    rate: Fraction
    beat_frames: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    spans: npt.NDArray[np.int64]
    strength: npt.NDArray[np.float32]
    energy: npt.NDArray[np.float32]
    row: npt.NDArray[np.int32]
    frames: npt.NDArray[np.int64]
    features: npt.NDArray[np.float32]
    similarity: npt.NDArray[np.float32]
    position: npt.NDArray[np.float32]
    film: npt.NDArray[np.int32]
    thumbnails: npt.NDArray[np.uint8]
    turned: npt.NDArray[np.int8] | None = None

    @property
    def bins(self) -> int:
        """Number of bins."""
        return len(self.frames)

    @property
    def shots(self) -> int:
        """Shots in a bin."""
        return int(self.frames.shape[1])

    @property
    def beats(self) -> int:
        """Length of the film in beats."""
        return len(self.strength)

    @cached_property
    def rise(self) -> npt.NDArray[np.float32]:
        """How much louder each beat is than the one a bar before it, (b,), in [-1, 1]."""
        before = np.maximum(np.arange(self.beats) - BAR, 0)
        return np.asarray(self.energy - self.energy[before])


@dataclass(frozen=True)
class MontageBatch(Batch):
    """Batch of montages.

    Attributes
    ----------
    bin : ndarray (n,) int64
        Bin of the episode.
    beat : ndarray (n,) int64
        The cursor: beats filled so far.
    cuts : ndarray (n,) int64
        Pieces laid so far.
    used : ndarray (n, shots) bool
        Shots on the timeline.
    laid : ndarray (n, shots) int64
        Number of the piece, from 1, that showed the shot last; 0 for none.
    last_shot, last_third : ndarray (n,) int64
        Shot of the last piece (FIRST before any) and the third of it in which the piece ends.
    last_mirrored : ndarray (n,) bool
        It is shown mirrored.
    timeline : ndarray (n, beats, PLACED) int64
        The pieces laid so far.
    piece_terms : ndarray (n, beats, k) float64
        Weighted reward terms of each.
    """

    bin: npt.NDArray[np.int64]
    beat: npt.NDArray[np.int64]
    cuts: npt.NDArray[np.int64]
    used: npt.NDArray[np.bool_]
    laid: npt.NDArray[np.int64]
    last_shot: npt.NDArray[np.int64]
    last_third: npt.NDArray[np.int64]
    last_mirrored: npt.NDArray[np.bool_]
    timeline: npt.NDArray[np.int64]
    piece_terms: npt.NDArray[np.float64]
