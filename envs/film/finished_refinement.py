"""Each run of an alignment at the very speed and in-point that fit best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from segue.envs.film.finished_alignment import (
    CHANGE,
    KNOWN,
    WELL,
    ZOOMED,
    ZOOMS,
    Run,
    View,
    surcharge,
)
from segue.envs.film.finished_windows import Floats

NEARBY = 2
"""Source frames by which `refine` may move a run."""

COMPARED = 96
"""Frames of a run on which speeds are compared at first."""

DENOMINATORS = (5, 10, 20)
"""Largest denominators that are tried for a speed between those of `align`, simple ones first."""

REFRAMED = 0.1
"""Similarity that one framing in place of two may cost."""

PHASES = 8
"""Shares of a frame at which a run may begin."""


def gains(
    view: View, run: Run, weight: Floats, frames: npt.NDArray[np.int64] | None = None
) -> Floats:
    """What each frame of a run, or those of its `frames` that are given, adds to the score."""
    frames = np.arange(run.start, run.stop) if frames is None else frames
    alike, inside = _along(view, run, frames)
    best = alike.max(axis=0)
    return np.where(inside, weight[frames] * (best - KNOWN), -weight[frames]).astype(np.float32)


def zooms(view: View, run: Run) -> Floats:
    """Enlargement at which each frame of a run fits best, (frames of the run,), 1 for none."""
    alike, _ = _along(view, run, np.arange(run.start, run.stop))
    scales = np.array((1.0, *ZOOMS), np.float32)
    return np.asarray(scales[alike.argmax(axis=0)], np.float32)


def _along(
    view: View, run: Run, frames: npt.NDArray[np.int64]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Similarities (1 + zooms, frames), and which frames the source has."""
    places = run.places(frames)
    inside = (places >= 0) & (places < len(view.frames))
    shown = view.frames[np.clip(places, 0, len(view.frames) - 1)].astype(np.float32)
    alike = np.full((1 + len(view.reduced), len(frames)), -1.0, np.float32)
    alike[0] = np.einsum("td,td->t", view.edit[frames].astype(np.float32), shown)
    unlike = np.flatnonzero(alike[0] < WELL)
    if len(unlike):
        for row, edit in zip(alike[1:], view.reduced, strict=True):
            again = edit[frames[unlike]].astype(np.float32)
            row[unlike] = np.einsum("td,td->t", again, shown[unlike]) - ZOOMED
    return alike, inside


def refine(runs: Sequence[Run], views: Sequence[View], weight: Floats) -> list[Run]:
    """Join runs that are one at a speed between those tried, and place each on its best frame.

    Parameters
    ----------
    runs : sequence of Run
        Of `align`.
    views : sequence of View
        As given there.
    weight : ndarray (edit frames,) float32
        As given there.

    Returns
    -------
    list of Run
        As many or fewer.
    """
    out: list[Run] = []
    for run in runs:
        placed = run if run.view < 0 else _placed(run, views[run.view], weight)
        while out and (joined := _joined(out[-1], placed, views, weight)) is not None:
            out.pop()
            placed = joined
        out.append(placed)
    return out


def _placed(run: Run, view: View, weight: Floats) -> Run:
    """The run at the speed and in-point nearby that fits best.

    In a shot that hardly moves `align` may take another speed for the true one.
    """
    best = fitted(run, view, weight, (run.ratio, *view.ratios))
    return max((run, best), key=lambda one: _score(one, view, weight))


def fitted(run: Run, view: View, weight: Floats, ratios: Sequence[Fraction]) -> Run:
    """The run at one of some speeds, at the in-point nearby that fits best.

    All are compared that show the same frame at the run's beginning, middle or end, or one nearby:
    first on some of the frames, then the best of them at all shares of a frame on all.
    """
    length = run.stop - run.start
    some = run.start + np.unique(np.linspace(0, length - 1, min(length, COMPARED)).astype(np.int64))

    rivals: list[Run] = []
    for ratio in dict.fromkeys(ratios):
        firsts = {run.first + step * (run.ratio - ratio) for step in (0, length // 2, length - 1)}
        rivals += [
            replace(run, first=first + shift, ratio=ratio)
            for first in sorted(firsts)
            for shift in range(-NEARBY, NEARBY + 1)
        ]
    best = max(rivals, key=lambda rival: _score(rival, view, weight, some))
    parts = min(best.ratio.denominator, PHASES)
    base = int(best.first // 1) * parts
    finer = [
        replace(best, first=Fraction(base + share, parts)) for share in range(-parts, 2 * parts + 1)
    ]
    return max([best, *finer], key=lambda rival: _score(rival, view, weight))


def _score(
    run: Run, view: View, weight: Floats, frames: npt.NDArray[np.int64] | None = None
) -> float:
    """What a run gains, estimated from some of its frames where they are given, less its cost."""
    mean = float(gains(view, run, weight, frames).mean())
    return mean * (run.stop - run.start) - surcharge(view, run.ratio)


def whole(run: Run, view: View, weight: Floats) -> Run:
    """The run from the whole source frame on that fits best, for records that know no others."""
    rivals = [replace(run, first=Fraction(int(run.first // 1) + step)) for step in (0, 1)]
    return max(rivals, key=lambda rival: float(gains(view, rival, weight).sum()))


def _joined(left: Run, right: Run, views: Sequence[View], weight: Floats) -> Run | None:
    """One run in place of two neighbours, if it scores as well but for the cut that it saves."""
    if left.view < 0 or right.view < 0:
        return None
    if left.view != right.view:
        return _continued(left, right, views, weight)
    view = views[left.view]
    apart = gains(view, left, weight).sum() + gains(view, right, weight).sum() - CHANGE
    rivals = [replace(left, stop=right.stop), replace(right.moved(left.start), stop=right.stop)]
    # At the speed that leads from the middle of the one to the middle of the other.
    steps = Fraction(right.stop - left.start, 2)
    middles = [one.first + (one.stop - one.start) * one.ratio / 2 for one in (left, right)]
    speed = (middles[1] - middles[0]) / steps / view.ratios[0]
    for finest in DENOMINATORS:
        ratio = speed.limit_denominator(finest) * view.ratios[0]
        if ratio > 0:
            first = middles[0] - ratio * (left.stop - left.start) / 2
            rivals.append(Run(left.start, right.stop, left.view, first, ratio))
    near = [one for one in rivals if gains(view, one, weight).sum() > apart - CHANGE]
    placed = [_placed(one, view, weight) for one in dict.fromkeys(near)]
    best = max(placed, key=lambda one: float(gains(view, one, weight).sum()), default=None)
    return best if best and gains(view, best, weight).sum() > apart else None


def _continued(left: Run, right: Run, views: Sequence[View], weight: Floats) -> Run | None:
    """One run in place of two that go on in the same source, seen in two ways."""
    one, other = views[left.view], views[right.view]
    if (one.source, one.mirrored) != (other.source, other.mirrored):
        return None
    # The shorter of the two may well have another speed, but shows the same frames.
    least, most = (
        (left, right) if left.stop - left.start < right.stop - right.start else (right, left)
    )
    frames = np.arange(least.start, least.stop)
    if np.abs(least.places(frames) - most.places(frames)).max() > NEARBY:
        return None
    rivals = [replace(left, stop=right.stop), replace(right.moved(left.start), stop=right.stop)]
    placed = [_placed(rival, views[rival.view], weight) for rival in rivals]
    best = max(placed, key=lambda run: float(gains(views[run.view], run, weight).sum()))
    loss = gains(one, left, weight).sum() + gains(other, right, weight).sum()
    loss -= gains(views[best.view], best, weight).sum()
    # Another framing for good, such as bars that come and go, is a cut.
    return best if loss < CHANGE + REFRAMED * weight[left.start : right.stop].sum() else None
