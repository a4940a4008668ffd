"""From descriptions of single frames to descriptions of shots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.film.features import SAMPLED, shake, unit_colours
from segue.envs.film.shots import COLOURS, FEATURES, QUALITY_FEATURES, THIRDS, THUMBNAIL
from segue.envs.film.signatures import Span
from segue.envs.film.watching import CAMERA, MOVEMENT, Watched

_SHOWN = [SAMPLED.index(name) for name in FEATURES]
_EXPOSURE, _SIZE = SAMPLED.index("exposure"), SAMPLED.index("subject_size")
_LEAST_FOR_SHAKE = 4


@dataclass(frozen=True)
class Pooled:
    """Columns of `shots.ShotTable` of one film; see there."""

    features: npt.NDArray[np.float32]
    quality: npt.NDArray[np.float32]
    colours: npt.NDArray[np.float32]
    thumbnails: npt.NDArray[np.uint8]


def pool(shots: list[Span], film: Watched) -> Pooled:
    """Average the descriptions of a whole film over each third of each shot."""
    places = film.places
    features = np.zeros((len(shots), THIRDS, len(FEATURES)), np.float32)
    quality = np.zeros((len(shots), THIRDS, len(QUALITY_FEATURES)), np.float32)
    shares = np.zeros((len(shots), THIRDS, COLOURS), np.float32)
    thumbnails = np.zeros((len(shots), THIRDS, *THUMBNAIL, 3), np.uint8)
    for row, (start, stop) in enumerate(shots):
        inside = np.flatnonzero((places >= start) & (places < stop))
        if not len(inside):  # the film is so much longer than it says that descriptions ran out
            inside = np.array([np.argmin(np.abs(places - start))])
        # The movement from the last frame of another shot to the first of this one is none.
        moving = inside[places[inside] > start]
        for third in range(THIRDS):
            span = (start + (stop - start) * third // 3, start + (stop - start) * (third + 1) // 3)
            middle = (span[0] + span[1]) / 2
            pooled = _within(places, inside, span, middle)
            mean = film.features[pooled].mean(axis=0)
            pairs = _within(places, moving, span, middle)
            mean[MOVEMENT] = film.features[pairs, MOVEMENT].mean(axis=0) if len(pairs) else 0
            features[row, third] = mean[_SHOWN]
            camera = film.features[pairs if len(pairs) >= _LEAST_FOR_SHAKE else moving, CAMERA]
            restless = shake(camera.astype(np.float64))
            quality[row, third] = mean[_EXPOSURE], restless, mean[_SIZE]
            shares[row, third] = film.colours[pooled].mean(axis=0)
            nearest = inside[np.argmin(np.abs(places[inside] - middle))]
            thumbnails[row, third] = film.thumbnails[nearest]
    return Pooled(features, quality, unit_colours(shares), thumbnails)


def _within(
    places: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], span: Span, middle: float
) -> npt.NDArray[np.int64]:
    """Rows sampled inside a span; the row nearest its middle where there is none."""
    chosen = rows[(places[rows] >= span[0]) & (places[rows] < span[1])]
    if len(chosen) or not len(rows):
        return chosen
    return rows[[int(np.argmin(np.abs(places[rows] - middle)))]]
