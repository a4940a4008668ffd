"""What each camera sees, estimated from what moves, stands out and sounds in the files.

Motion and salient detail stand for the action, the loudest microphone for the speaker, and how far
the movement reaches over a picture for its shot size. These are proxies; no face or voice is
recognised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segue.envs.multicam.framings import FRAMINGS, Framing, overlap
from segue.envs.multicam.types import SIZES
from segue.envs.multicam.watching import GRID, SAMPLES_PER_SECOND, Watched

MOTION_SHARE = 0.7
"""How much of the action is motion; the rest is salient detail."""
FULL = 95.0
"""Percentile of a file's own values that counts as full motion, detail or loudness."""
LIVELY = 0.25
"""A cell belongs to the subject where its mean motion is this share of the liveliest cell's."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A camera before it is cut into scenes: its file's place, and its values by step."""

    name: str
    size: int
    file: int
    framing: str
    shown: Floats


class Series:
    """What was seen in a file, from the scene's first second on, by step.

    Attributes
    ----------
    motion, detail : ndarray (steps, *GRID) float64
        Mean over the step.
    loudness : ndarray (steps,) float64
        Over the file's `FULL` percentile, at most 1.
    """

    def __init__(self, watched: Watched, start: float, steps: int, seconds: float) -> None:
        self.watched, self.start = watched, start
        at = (start + np.arange(steps + 1) * seconds) * SAMPLES_PER_SECOND
        edges = np.minimum(np.rint(at).astype(np.int64), len(watched.motion) - 1)
        self.motion = _means(watched.motion, edges)
        self.detail = _means(watched.detail, edges)
        self.loudness = _relative(_means(watched.loudness, edges))

    def action(self) -> Floats:
        """Motion and detail of the whole picture against the file's own, (steps,) in [0, 1]."""
        motion, detail = (_relative(part.mean(axis=(1, 2))) for part in (self.motion, self.detail))
        return MOTION_SHARE * motion + (1.0 - MOTION_SHARE) * detail

    def shares(self) -> Floats:
        """Share of the picture's action in each cell, (steps, *GRID), adding up to 1 a step."""
        parts = [_share(self.motion), _share(self.detail)]
        still = self.motion.sum(axis=(1, 2)) <= 0.0
        weight = np.where(still, 0.0, MOTION_SHARE)[:, None, None]
        return weight * parts[0] + (1.0 - weight) * parts[1]


def virtual(series: Series) -> list[View]:
    """Crops of one take: the share of the action inside, the better seen the closer."""
    shares = series.shares()
    return [
        View(name, framing.size, 0, name, (shares * _coverage(framing)).sum(axis=(1, 2)))
        for name, framing in FRAMINGS.items()
    ]


def synchronised(series: Sequence[Series], paths: Sequence[Path]) -> list[View]:
    """Files: their action and, where several have sound, how loud their microphone is."""
    sizes = _sizes(series)
    loud = np.stack([one.loudness for one in series], axis=1)
    hear = sum(one.watched.has_sound for one in series) > 1
    loudest = loud / np.maximum(loud.max(axis=1, keepdims=True), 1e-9)
    views = []
    for file, (one, path) in enumerate(zip(series, paths, strict=True)):
        action = one.action()
        shown = 0.5 * action + 0.5 * loudest[:, file] if hear else action
        views.append(View(path.stem, int(sizes[file]), file, "wide", shown))
    return views


def _sizes(series: Sequence[Series]) -> npt.NDArray[np.int64]:
    """Shot size of each file by its rank: the subject's movement fills more of a closer picture."""
    spread = []
    for one in series:
        mean = one.motion.mean(axis=0)
        spread.append(float((mean > LIVELY * mean.max()).mean()))
    rank = np.argsort(np.argsort(spread, kind="stable"), kind="stable")
    return np.rint(rank / (len(spread) - 1) * (SIZES - 1)).astype(np.int64)


def similarity(views: Sequence[View], series: Sequence[Series]) -> Floats:
    """How alike the cameras are: overlap of crops; of files, colours times layout of the detail."""
    if len(series) == 1:
        framings = [FRAMINGS[view.framing] for view in views]
        return np.array([[overlap(one, other) for other in framings] for one in framings])
    layouts = np.stack([one.detail.mean(axis=0).ravel() for one in series])
    layouts = layouts - layouts.mean(axis=1, keepdims=True)
    layouts /= np.maximum(np.linalg.norm(layouts, axis=1, keepdims=True), 1e-9)
    colours = np.stack([one.watched.colours for one in series]).astype(np.float64)
    alike = np.clip(layouts @ layouts.T, 0.0, 1.0) * np.clip(colours @ colours.T, 0.0, 1.0)
    np.fill_diagonal(alike, 1.0)
    return np.asarray(alike)


def _means(values: npt.NDArray[np.float32], edges: npt.NDArray[np.int64]) -> Floats:
    """Mean of the samples of each step, from ``edges[k]`` on; of one sample where none is left."""
    total = np.concatenate(
        [np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0, dtype=float)]
    )
    stops = np.maximum(edges[1:], edges[:-1] + 1)
    count = (stops - edges[:-1]).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((total[stops] - total[edges[:-1]]) / count)


def _relative(values: Floats) -> Floats:
    """Values (steps,) over their `FULL` percentile, at most 1; 0 where that is 0."""
    full = float(np.percentile(values, FULL))
    return np.asarray(np.clip(values / full, 0.0, 1.0) if full > 0.0 else np.zeros_like(values))


def _share(cells: Floats) -> Floats:
    """Cells (steps, *GRID) over their sum; all alike where that is 0."""
    total = cells.sum(axis=(1, 2), keepdims=True)
    moves = total > 0.0
    return np.asarray(np.where(moves, cells, 1.0) / np.where(moves, total, cells[0].size))


def _coverage(framing: Framing) -> Floats:
    """How much of each cell lies in a framing, `GRID`."""
    parts = []
    for begin, count in ((framing.top, GRID[0]), (framing.left, GRID[1])):
        edges = np.clip(np.arange(count + 1) / count, begin, begin + framing.share)
        parts.append(np.diff(edges) * count)
    down, across = parts
    return np.asarray(np.outer(down, across))
