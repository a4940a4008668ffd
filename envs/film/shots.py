"""Records of analysed footage: what the analyser hands to the film environments."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

THIRDS = 3
"""Each shot is described at its early, middle and late third."""

FEATURES = (
    "brightness",
    "contrast",
    "saturation",
    "warmth",
    "sharpness",
    "motion",
    "motion_x",
    "motion_y",
    "centroid_x",
    "centroid_y",
)
"""Scalar features of a third.

brightness, contrast, saturation, sharpness and motion lie in [0, 1]; warmth (red against blue),
motion_x, motion_y (mean optical flow, right and down positive) and centroid_x, centroid_y (of
the salient detail, right and down positive) in [-1, 1].
"""

QUALITY_FEATURES = ("exposure", "shake", "subject_size")
"""Scalar features of a third that tell how well it was taken and how near, in [0, 1].

exposure is the share of pixels that are neither crushed to black nor blown to white. shake is the
quick part of the movement of most of the picture: the camera's, or a figure's that fills it.
subject_size is the share of the picture that its salient detail spreads over: a proxy for the size
of a face or figure, which would need a trained model. It tells a figure before a plain ground from
one far off; a busy background counts as subject.
"""

SOUND_FEATURES = ("loudness", "speech", "music")
"""Scalar features of a shot's own sound, in [0, 1]; all 0 without sound.

loudness is 1 + L / 60 with L the root mean square in dB of full scale, 0 from -60 dB down. speech
and music are proxies from the sound's course, not the word of a trained model: see
`segue.envs.film.sound_features`.
"""

COLOURS = 24
"""Width of the colour histogram of a third: non-negative, unit length."""

THUMBNAIL = (36, 64)
"""Height and width of a thumbnail in pixels."""

_NONE: npt.NDArray[np.float32] = np.zeros(0, np.float32)


@dataclass(frozen=True)
class Footage:
    """One media file as the gate saw it.

    Attributes
    ----------
    path : Path
        The file.
    digest : str
        SHA-256 of its bytes, hexadecimal.
    rate : Fraction
        Frames per second.
    frames : int
        Length in frames (counted by decoding).
    width, height : int
        Displayed picture size in pixels.
    has_sound : bool
        True when it holds an audio stream.
    licence : str
        SPDX identifier or ``"LicenseRef-user"`` where it is the user's own.
    attribution : str
        Whom to name.
    """

    path: Path
    digest: str
    rate: Fraction
    frames: int
    width: int
    height: int
    has_sound: bool
    licence: str
    attribution: str


@dataclass(frozen=True)
class ShotTable:
    """Every shot of some footage, one row a shot, in order of file and time.

    Attributes
    ----------
    footage : tuple of Footage
        The files.
    file : ndarray (n,) int32
        Index into `footage`.
    start, frames : ndarray (n,) int32
        First frame and length, in frames of the file.
    features : ndarray (n, THIRDS, len(FEATURES)) float32
        See `FEATURES`.
    colours : ndarray (n, THIRDS, COLOURS) float32
        Unit-length colour histograms.
    thumbnails : ndarray (n, THIRDS, *THUMBNAIL, 3) uint8
        RGB pictures of the middle of each third.
    quality : ndarray (n, THIRDS, len(QUALITY_FEATURES)) float32
        See `QUALITY_FEATURES`; 0 where a table is made without it.
    sound : ndarray (n, len(SOUND_FEATURES)) float32
        See `SOUND_FEATURES`; 0 where a table is made without it.
    """

    footage: tuple[Footage, ...]
    file: npt.NDArray[np.int32]
    start: npt.NDArray[np.int32]
    frames: npt.NDArray[np.int32]
    features: npt.NDArray[np.float32]
    colours: npt.NDArray[np.float32]
    thumbnails: npt.NDArray[np.uint8]
    quality: npt.NDArray[np.float32] = field(default_factory=lambda: _NONE)
    sound: npt.NDArray[np.float32] = field(default_factory=lambda: _NONE)

    def __post_init__(self) -> None:
        shapes = {"quality": (THIRDS, len(QUALITY_FEATURES)), "sound": (len(SOUND_FEATURES),)}
        for name, shape in shapes.items():
            if getattr(self, name) is _NONE:
                object.__setattr__(self, name, np.zeros((len(self), *shape), np.float32))

    def __len__(self) -> int:
        return len(self.start)
