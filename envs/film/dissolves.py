"""Dissolves, found in the signatures of a film's frames."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from segue.envs.film.signatures import Signatures, Span, correlation

_DISSOLVE_HALVES = (0.25, 0.5, 1.0)
_DISSOLVE_CHANGE = 14.0
_DISSOLVE_RESIDUE = 0.2
_DISSOLVE_ALIKE = 0.5
_DISSOLVE_SPREAD = 0.9
_BLOCK = 4096


def dissolves(
    signatures: Signatures, spreads: npt.NDArray[np.float64], span: Span, rate: Fraction
) -> list[Span]:
    """Dissolves inside a span, which holds no cut.

    Half-way through a dissolve the picture is the mean of those before and after it, while those
    two differ, and the two overlaid make it flatter than either. Movement within one cell of the
    signature averages likewise but flattens nothing. Tried over half a second, one and two.

    Parameters
    ----------
    signatures : ndarray (frames, pixels) uint8
        Grey signature of each frame.
    spreads : ndarray (frames,) float64
        Standard deviation of each frame's luma.
    span : Span
        Where to look.
    rate : Fraction
        Frames per second.

    Returns
    -------
    list of Span
        From where a twentieth of the new picture shows to where a twentieth of the old is left.
    """
    found: list[Span] = []
    for seconds in _DISSOLVE_HALVES:
        half = max(round(seconds * rate), 2)
        for start in range(span[0], span[1] - 2 * half, _BLOCK):
            block = signatures[start : min(start + _BLOCK + 2 * half, span[1])].astype(np.float32)
            likeness = _dissolve_likeness(block, half)
            spread = spreads[start : start + len(block)]
            ends = np.hypot(spread[: -2 * half], spread[2 * half :]) / np.sqrt(2)
            likeness[spread[half:-half] > _DISSOLVE_SPREAD * ends] = 1.0
            for centre in _dips(likeness, half):
                first, last = _mixed(block[centre : centre + 2 * half + 1])
                passage = (start + centre + first, start + centre + last)
                if all(passage[0] >= end or passage[1] <= begin for begin, end in found):
                    found.append(passage)
    return sorted(found)


def _dissolve_likeness(block: npt.NDArray[np.float32], half: int) -> npt.NDArray[np.float32]:
    """Distance of each middle picture from its ends' mean, relative to theirs; 1 where no case."""
    before, middle, after = block[: -2 * half], block[half:-half], block[2 * half :]
    change = np.abs(after - before).mean(axis=1)
    residue = np.abs(middle - (before + after) / 2).mean(axis=1)
    possible = (change > _DISSOLVE_CHANGE) & (correlation(before, after) < _DISSOLVE_ALIKE)
    ratio = np.where(possible, residue / np.maximum(change, 1e-6), 1.0)
    return np.asarray(ratio, dtype=np.float32)


def _dips(likeness: npt.NDArray[np.float32], half: int) -> list[int]:
    """Places of the deepest dips below the threshold, no two nearer than `half`."""
    dips: list[int] = []
    for place in np.argsort(likeness, kind="stable").tolist():
        if likeness[place] > _DISSOLVE_RESIDUE:
            break
        if all(abs(place - other) > half for other in dips):
            dips.append(place)
    return dips


def _mixed(window: npt.NDArray[np.float32]) -> Span:
    """Span inside a window in which between 5 and 95 % of its last picture shows."""
    change = window[-1] - window[0]
    share = ((window - window[0]) * change).sum(axis=1) / max(float((change**2).sum()), 1e-6)
    mixed = np.flatnonzero((share > 0.05) & (share < 0.95))
    return int(mixed[0]), int(mixed[-1]) + 1
