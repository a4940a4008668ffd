"""Where each frame of a finished edit comes from: the best sequence of runs through the sources.

A *run* shows one source at one constant speed: frame ``t`` of the edit shows source frame
``o + r * t``, with ``r`` in source frames per frame of the edit. Dynamic programming (Viterbi)
over all runs, with a cost for each change, finds the sequence of runs that is most alike the edit;
one more state stands for pictures that are in no source.

A frame of the edit adds ``weight * (similarity - KNOWN)``: `weight` is the share of the picture
that shows detail, so black and nearly black frames have no say and a fade does not end a run, and
a picture that resembles nothing does better without a source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.film.finished_windows import Floats

KNOWN = 0.45
"""Similarity of a picture to one that it has nothing to do with, at the most, over many frames."""

CHANGE = 1.0
"""Cost of a cut: what one frame of a full and perfect match gains over about half as good a one."""

UNUSUAL = 0.2
"""Cost added for a run at another than the normal speed, or mirrored: still pictures fit all."""

FROZEN = 1.0
"""Cost added for a freeze frame: coding freezes pictures that hardly move."""

ZOOMS = (1.05, 1.1, 1.15, 1.2, 1.3)
"""Enlargements that are tried where a picture as it is resembles nothing well."""

ZOOMED = 0.04
"""Similarity taken off for an enlargement, which else would pass for a camera that moves in."""

WELL = 0.88
"""Similarity at which no enlargement is tried."""

SPEEDS = tuple(map(Fraction, ("1", "1/2", "2", "1/4", "3/4", "5/4", "3/2", "4", "0")))
"""Source seconds per second of the edit that are tried; `segue.envs.film.finished_refinement` finds
the ones between."""

BLOCK = 64
"""Frames of the edit that are compared with everything at once."""

Vectors = npt.NDArray[np.float16]


@dataclass(frozen=True)
class View:
    """One way of looking at a source.

    Attributes
    ----------
    source : int
        Number of the source.
    edit : ndarray (edit frames, d) float16
        Descriptors of the edit's frames, as this view frames them.
    reduced : tuple of ndarray (edit frames, d) float16
        The same made smaller by `ZOOMS`, so that enlarged pictures have the source's scale.
    frames : ndarray (source frames, d) float16
        Descriptors of the source.
    ratios : tuple of Fraction
        Speeds tried, in source frames per frame of the edit; the first is the normal one.
    mirrored : bool
        The edit's pictures were mirrored for it.
    """

    source: int
    edit: Vectors
    reduced: tuple[Vectors, ...]
    frames: Vectors
    ratios: tuple[Fraction, ...]
    mirrored: bool


@dataclass(frozen=True)
class Run:
    """A stretch of the edit from one source, or from none.

    Attributes
    ----------
    start, stop : int
        Frames of the edit.
    view : int
        Number of the view; -1 for none.
    first : Fraction
        Place in the source at `start`, in frames; what is seen is the frame before or at it.
    ratio : Fraction
        Source frames per frame of the edit.
    """

    start: int
    stop: int
    view: int
    first: Fraction = Fraction(0)
    ratio: Fraction = Fraction(1)

    def places(self, frames: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Source frames shown at `frames` of the edit, which may lie outside the run."""
        # In whole numbers, so that a frame is never missed by a rounding error.
        unit = self.first.denominator * self.ratio.denominator
        first, step = int(self.first * unit), int(self.ratio * unit)
        return np.asarray((first + (frames - self.start) * step) // unit, np.int64)

    def moved(self, start: int) -> Run:
        """The same run from another frame on."""
        return replace(self, start=start, first=self.first + (start - self.start) * self.ratio)


def ratios_of(source: Fraction, edit: Fraction) -> tuple[Fraction, ...]:
    """Speeds to try for a source of one frame rate in an edit of another.

    `SPEEDS`, with time kept (24 frames shown as 30 a second), and frame for frame (24 frames shown
    as 25 a second, as PAL transfers are).
    """
    natural = source / edit
    return tuple(dict.fromkeys((*(natural * speed for speed in SPEEDS), Fraction(1))))


def align(
    views: Sequence[View],
    weight: Floats,
    progress: Callable[[float], None] | None = None,
) -> list[Run]:
    """Find the best sequence of runs.

    Parameters
    ----------
    views : sequence of View
        All ways of looking at all sources.
    weight : ndarray (edit frames,) float32
        Share of each frame of the edit that shows detail, in [0, 1].
    progress : callable or None
        Told the share done.

    Returns
    -------
    list of Run
        Without gaps from the edit's first frame to its last.
    """
    count = len(weight)
    scores = [np.full((len(v.ratios), len(v.frames)), -np.inf, np.float32) for v in views]
    starts = [np.zeros(score.shape, np.int32) for score in scores]
    penalties = [_penalties(view) for view in views]
    wholes = [np.array([r.denominator == 1 for r in view.ratios]) for view in views]
    none, none_start = 0.0, 0
    best = 0.0
    # Of the best run that ends at each frame: view, ratio, source frame there, first frame.
    ends = np.zeros((count, 4), np.int64)
    for block in range(0, count, BLOCK):
        alike = _similarities(views, slice(block, block + BLOCK))
        for t in range(block, min(block + BLOCK, count)):
            if best - CHANGE > none:
                none, none_start = best - CHANGE, t
            top, ends[t] = none, (-1, 0, 0, none_start)
            for number, view in enumerate(views):
                value, ratio, place = _advance(
                    scores[number],
                    starts[number],
                    alike[number][t - block],
                    _steps(view, t),
                    wholes[number],
                    penalties[number],
                    np.float32(best),
                    np.float32(weight[t]),
                    t,
                )
                if value > top:
                    top = value
                    ends[t] = (number, ratio, place, starts[number][ratio, place])
            best = top
        if progress:
            progress(min(block + BLOCK, count) / count)
    return _trace(views, ends)


def _penalties(view: View) -> Floats:
    """Cost of beginning a run at each speed."""
    costs = [surcharge(view, ratio) for ratio in view.ratios]
    return np.asarray(CHANGE + UNUSUAL * view.mirrored + np.array(costs), np.float32)


def surcharge(view: View, ratio: Fraction) -> float:
    """Cost of a run for its speed."""
    return UNUSUAL * (ratio != view.ratios[0]) + FROZEN * (ratio == 0)


def _similarities(views: Sequence[View], part: slice) -> list[Floats]:
    """Similarity of some frames of the edit to all of each source, (part, source frames) a view."""
    alike = [_products(view.edit[part], view.frames) for view in views]
    best = np.max([one.max(axis=1) for one in alike], axis=0)
    unlike = np.flatnonzero(best < WELL)
    if len(unlike):
        rows = np.arange(*part.indices(len(views[0].edit)))[unlike]
        for view, one in zip(views, alike, strict=True):
            for reduced in view.reduced:
                again = _products(reduced[rows], view.frames) - np.float32(ZOOMED)
                one[unlike] = np.maximum(one[unlike], again)
    return alike


def _products(edit: Vectors, frames: Vectors) -> Floats:
    """Inner products, (edit, frames)."""
    left = edit.astype(np.float32)
    out = np.empty((len(left), len(frames)), np.float32)
    for start in range(0, len(frames), 8192):
        some = frames[start : start + 8192].astype(np.float32)
        np.matmul(left, some.T, out=out[:, start : start + 8192])
    return out


def _steps(view: View, t: int) -> npt.NDArray[np.int64]:
    """Source frames by which runs of each speed move on between frames t - 1 and t."""
    return np.array(
        [
            t * r.numerator // r.denominator - (t - 1) * r.numerator // r.denominator
            for r in view.ratios
        ],
        np.int64,
    )


@nb.njit(cache=True)
def _advance(  # type: ignore[no-untyped-def]  # compiled; the types are those of the arrays
    scores, starts, alike, steps, wholes, penalties, best, weight, t
):
    """Take all runs of a view on by one frame, in place; return score, speed, place of the best."""
    top, top_ratio, top_place = np.float32(-np.inf), 0, 0
    count = len(alike)
    for ratio in range(len(steps)):
        step, whole = steps[ratio], wholes[ratio]
        fresh = best - penalties[ratio]
        # Downwards, so that the run's own past has not been written over yet.
        for place in range(count - 1, -1, -1):
            value, began = np.float32(-np.inf), t
            if place >= step:
                value, began = scores[ratio, place - step], starts[ratio, place - step]
            if fresh > value:
                value, began = fresh, t
            best_alike = alike[place]
            # Counted from the edit's first frame, a run at a broken speed may be one frame late.
            if not whole and place + 1 < count and alike[place + 1] > best_alike:
                best_alike = alike[place + 1]
            value += weight * (best_alike - np.float32(KNOWN))
            scores[ratio, place] = value
            starts[ratio, place] = began
            if value > top:
                top, top_ratio, top_place = value, ratio, place
    return top, top_ratio, top_place


def _trace(views: Sequence[View], ends: npt.NDArray[np.int64]) -> list[Run]:
    """Follow the best runs back from the last frame."""
    runs: list[Run] = []
    t = len(ends) - 1
    while t >= 0:
        view, number, place, start = ends[t].tolist()
        if view < 0:
            runs.append(Run(start, t + 1, -1))
        else:
            ratio = views[view].ratios[number]
            moved = t * ratio.numerator // ratio.denominator
            moved -= start * ratio.numerator // ratio.denominator
            runs.append(Run(start, t + 1, view, Fraction(place - moved), ratio))
        t = start - 1
    return runs[::-1]
