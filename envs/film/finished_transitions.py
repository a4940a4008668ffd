"""How one piece of a finished edit gives way to the next: cut, dissolve, wipe or fade.

Around a cut, each frame of the edit is taken for a mixture ``a * leaving + b * entering + c`` of
the frames that the two pieces would show there, were they longer. A cut takes ``a`` from 1 to 0
and ``b`` from 0 to 1 between two frames, a dissolve over several; in a fade ``a`` reaches 0 before
``b`` leaves it. The pixels that fit worst, such as a title's, are left out of the fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.film.finished_windows import Floats

KEPT = 0.75
"""Share of the pixels, those that fit best, that a mixture is fitted to."""

PRESENT = 0.06
"""Amount of a picture in a mixture that is more than noise."""

SHORTEST = 3
"""Frames of the shortest dissolve or fade; below, it is a blended frame of a rate conversion."""

TWINS = 0.97
"""Correlation of two pictures from which on their amounts cannot be told apart."""

FULL, FAINT = 0.9, 0.4
"""A fade begins above the first share of a picture's contrast and ends below the second."""

TELLING = 16.0
"""Difference of luma from which on a pixel tells which of two pictures it shows."""

TOLD = 0.3
"""Share of the pixels that must tell, for a wipe to be known from two movements."""

Amounts = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Blend:
    """A dissolve or wipe.

    Attributes
    ----------
    kind : str
        ``"dissolve"`` or ``"wipe"``.
    start, stop : int
        Frames on which both pictures are seen.
    """

    kind: str
    start: int
    stop: int


def contrast_of(shown: Floats, picture: Floats) -> Amounts:
    """How much of a picture's contrast is shown: 1 as it is, 0 black.

    Parameters
    ----------
    shown, picture : ndarray (n, height, width) float32
        What is seen, and the source frame it comes from.

    Returns
    -------
    ndarray (n,) float64
        Slope of the robust linear fit of `shown` on `picture`, >= 0.
    """
    amounts, _ = _fit(_flat(shown), _flat(picture)[:, None])
    return amounts[:, 0]


def find_blend(
    shown: Floats, leaving: Floats, entering: Floats, first: int, cut: int
) -> Blend | None:
    """Find the dissolve or wipe around a cut.

    Parameters
    ----------
    shown, leaving, entering : ndarray (n, height, width) float32
        The edit's frames from `first` on, and what the two pieces would show on them.
    first, cut : int
        Numbers of the first frame given and of the first that was taken for the second piece.

    Returns
    -------
    Blend or None
        None where the pictures do not mix.
    """
    seen, old, new = _flat(shown), _flat(leaving), _flat(entering)
    at = cut - first
    graded = _graded(seen, old, slice(0, at)), _graded(seen, new, slice(at, None))
    wiped = _wiped(seen, *graded, at)
    if wiped is not None and (span := _mixed_span(wiped, 1.0 - wiped, at)) is not None:
        return Blend("wipe", first + span[0], first + span[1])
    amounts, _ = _fit(seen, np.stack([old, new], axis=1))
    a = _scaled(amounts[:, 0], slice(0, at))
    b = _scaled(amounts[:, 1], slice(at, None))
    apart = _correlation(old, new) < TWINS
    span = _mixed_span(b * apart, a * apart, at)
    return None if span is None else Blend("dissolve", first + span[0], first + span[1])


def fade_length(contrast: Amounts) -> int:
    """Length of the fade at the end of a run of contrasts (turn it round for a beginning).

    Parameters
    ----------
    contrast : ndarray (n,) float64
        Of `contrast_of`, as a share of the piece's usual contrast.

    Returns
    -------
    int
        Frames; 0 where there is no fade.
    """
    if not len(contrast) or contrast[-1] > FAINT:
        return 0
    dim = _count((contrast < FULL)[::-1])
    if dim < SHORTEST:
        return 0
    part = contrast[len(contrast) - dim :]
    ramp = np.flatnonzero((part > 0.1) & (part < FULL))
    if len(ramp) >= SHORTEST and np.ptp(part[ramp]) > 0.3:
        slope = float(np.polyfit(ramp, part[ramp], 1)[0])
        # Even fades reach further than the frames that are clearly dimmed.
        if slope < 0 and abs(-1 / slope - dim) <= 0.3 * dim + 2:
            return round(max(-1 / slope, dim))
    return dim


def _flat(pictures: Floats) -> npt.NDArray[np.float64]:
    return pictures.reshape(len(pictures), -1).astype(np.float64)


def _fit(
    shown: npt.NDArray[np.float64], parts: npt.NDArray[np.float64]
) -> tuple[Amounts, npt.NDArray[np.float64]]:
    """Amounts (n, k) >= 0 of parts (n, k, pixels) in pictures (n, pixels); errors (n, pixels)."""
    keep = np.ones(shown.shape, bool)
    amounts = np.zeros(parts.shape[:2])
    errors = np.zeros(shown.shape)
    for _ in range(3):
        count = keep.sum(axis=1, keepdims=True)
        level = (shown * keep).sum(axis=1, keepdims=True) / count
        levels = (parts * keep[:, None]).sum(axis=2, keepdims=True) / count[:, None]
        centred, bases = (shown - level) * keep, (parts - levels) * keep[:, None]
        amounts = _least_squares(centred, bases)
        errors = np.abs(shown - level - np.einsum("nk,nkp->np", amounts, parts - levels))
        keep = errors <= np.quantile(errors, KEPT, axis=1, keepdims=True)
    return amounts, errors


def _least_squares(
    shown: npt.NDArray[np.float64], parts: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Non-negative least squares for one or two parts."""
    gram = np.einsum("nkp,nlp->nkl", parts, parts) + 1e-6 * np.eye(parts.shape[1])
    right = np.einsum("nkp,np->nk", parts, shown)
    amounts = np.linalg.solve(gram, right[..., None])[..., 0]
    if parts.shape[1] == 2:
        alone = right / np.einsum("nkk->nk", gram)
        for negative, other in ((0, 1), (1, 0)):
            rows = amounts[:, negative] < 0
            amounts[rows, other] = alone[rows, other]
            amounts[rows, negative] = 0.0
    return np.asarray(np.maximum(amounts, 0.0))


def _scaled(amounts: Amounts, own: slice) -> Amounts:
    """Amounts as shares of what the piece shows of the picture outside the transition."""
    inside = amounts[own]
    usual = float(np.quantile(inside, 0.75)) if len(inside) else 1.0
    return amounts / usual if usual > PRESENT else amounts


def _correlation(
    left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (left, right))
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(axis=1) / np.maximum(norms, 1e-9))


def _count(flags: npt.NDArray[np.bool_]) -> int:
    """How many are true from the first on, without a gap."""
    return len(flags) if bool(flags.all()) else int(flags.argmin())


def _ramp(share: Amounts, start: int, stop: int) -> tuple[int, int]:
    """Ends of an even ramp from 0 to 1 through the shares of a span; the span where it is not."""
    inside = np.arange(start, stop)[(share[start:stop] > 0.15) & (share[start:stop] < 0.85)]
    if len(inside) < SHORTEST:
        return start, stop
    slope, level = np.polyfit(inside, share[inside], 1)
    if slope <= 0 or np.abs(slope * inside + level - share[inside]).max() > 0.08:
        return start, stop
    # Frame k of d shows (k + 1/2) / d of the picture that enters.
    length = round(1 / slope)
    first = round((0.5 - level) / slope + 0.5 - length / 2)
    return max(first, 0), min(first + length, len(share))


def _mixed_span(entering: Amounts, leaving: Amounts, cut: int) -> tuple[int, int] | None:
    """Frames around a cut on which both amounts are present, if they are a transition."""
    start = cut - _count(entering[:cut][::-1] > PRESENT)
    stop = cut + _count(leaving[cut:] > PRESENT)
    share = entering / np.maximum(entering + leaving, 1e-9)
    mixed = (share[start:stop] > 0.15) & (share[start:stop] < 0.85)
    if stop - start < SHORTEST or not mixed.any():
        return None
    return _ramp(share, start, stop)


def _graded(
    seen: npt.NDArray[np.float64], picture: npt.NDArray[np.float64], own: slice
) -> npt.NDArray[np.float64]:
    """The piece's pictures with its contrast and brightness in the edit.

    They are fitted to the half of its own frames that lies away from the cut.
    """
    count = len(seen[own])
    half = (count + 1) // 2
    part = slice(0, half) if own.start == 0 else slice(len(seen) - half, None)
    x, y = picture[part].ravel(), seen[part].ravel()
    if not len(x) or x.std() < 1.0:
        return picture
    slope, level = np.polyfit(x, y, 1)
    return np.asarray(slope * picture + level) if 0.3 < slope < 3.0 else picture


def _wiped(
    seen: npt.NDArray[np.float64],
    leaving: npt.NDArray[np.float64],
    entering: npt.NDArray[np.float64],
    cut: int,
) -> Amounts | None:
    """Share of the pixels that show the entering picture; None where a wipe explains nothing."""
    differ = np.abs(leaving - entering)
    telling = differ > TELLING
    old, new = np.abs(seen - leaving), np.abs(seen - entering)
    entered = (new < old) & telling
    count = telling.sum(axis=1)
    share = entered.sum(axis=1) / np.maximum(count, 1)
    between = (share > PRESENT) & (share < 1.0 - PRESENT)
    if between.sum() < SHORTEST or count[between].min() < TOLD * seen.shape[1]:
        return None
    # Half way through a dissolve the nearer picture is half of the difference away.
    error = (np.minimum(old, new) * telling)[between].sum()
    before = np.arange(len(seen))[:, None] < cut
    plain = (np.where(before, old, new) * telling)[between].sum()
    # What a wipe has uncovered stays so.
    back = (entered[:-1] & ~entered[1:] & telling[1:])[between[:-1]].sum()
    even = error < 0.2 * (differ * telling)[between].sum()
    return share if even and 2.0 * error < plain and back < 0.05 * count[between].sum() else None
