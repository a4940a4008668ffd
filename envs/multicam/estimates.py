"""What each camera sees, estimated from what moves, stands out and sounds in the files.

Motion and salient detail stand for the action, the loudest microphone for the speaker, and how far
the movement reaches over a picture for its shot size. These are proxies; no face or voice is
recognised.

Synchronised files are measured by one scale, that of the file in which most moves, stands out or
sounds, so that a file without action does not come out as lively as the others; virtual cameras
share the scale of their take. What a sensor's noise adds to motion and detail is taken off each
file first: the share that is everywhere in the picture, up to `MOST_NOISE`. Noise that is stronger
still counts as motion.
"""

from __future__ import annotations

import math
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
"""Percentile of a file's values; the greatest of all files is full motion, detail or loudness."""
QUIET = 25.0
"""Percentile of a file's cells, by their mean: what even these show counts as noise."""
MOST_NOISE = 3.0
"""Standard deviation that a sensor's noise has at most, in code values of `WATCHED` pictures.

ISO 12232 accepts a picture whose signal, 118 of 255 at mid grey, is 10 times its noise; that is 12
code values, and 3 once the 4 x 4 pixels of a 640 x 360 picture have been averaged to one.
"""
MOTION_OF_NOISE = 2.0 / math.sqrt(math.pi) / 255.0
"""Motion by Gaussian noise of one code value: the mean absolute difference of two pictures.

`MOST_NOISE` is a motion of 0.0133; black, where noise cannot go below 0, has half of that.
"""
DETAIL_OF_NOISE = 2.0 * math.sqrt(12.0 * 2.0 / math.pi) / 2040.0
"""Detail by such noise: a Sobel kernel's squares add up to 12. `MOST_NOISE` is 0.0081."""
STILL = 1e-3
"""Motion or detail of a picture that is never full.

A quarter of a code value: the mean absolute difference up to which FFmpeg's ``freezedetect`` calls
a picture frozen.
"""
MOVES = MOTION_OF_NOISE
"""Mean motion above the noise, 0.0044, by which the liveliest cell shows that something moves.

Noise and still pictures, coded by x264, leave up to 0.002 there.
"""
SILENCE = 10.0 ** (-70.0 / 20.0)
"""RMS that is never full loudness: the absolute gate of ITU-R BS.1770, -70 dB."""
HUSH = 0.1
"""Share of full loudness below which nobody speaks: the gate of EBU Tech 3342, -20 dB."""
LIVELY = 0.25
"""A cell belongs to the subject where its mean motion is this share of the liveliest cell's."""
UNMOVED = 1
"""Shot size of a file in which nothing moves: not wide, lest a black picture establish a scene."""

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
        Mean over the step, above the file's noise, in the units of `Watched`.
    loudness : ndarray (steps,) float64
        Mean RMS over the step.
    """

    def __init__(self, watched: Watched, start: float, steps: int, seconds: float) -> None:
        self.watched, self.start = watched, start
        at = (start + np.arange(steps + 1) * seconds) * SAMPLES_PER_SECOND
        edges = np.minimum(np.rint(at).astype(np.int64), len(watched.motion) - 1)
        self.motion = _above_noise(_means(watched.motion, edges), MOST_NOISE * MOTION_OF_NOISE)
        self.detail = _above_noise(_means(watched.detail, edges), MOST_NOISE * DETAIL_OF_NOISE)
        self.loudness = _means(watched.loudness, edges)

    def shares(self) -> Floats:
        """Share of the picture's action in each cell, (steps, *GRID), adding up to 1 a step."""
        parts = [_share(self.motion), _share(self.detail)]
        still = self.motion.sum(axis=(1, 2)) <= 0.0
        weight = np.where(still, 0.0, MOTION_SHARE)[:, None, None]
        return weight * parts[0] + (1.0 - weight) * parts[1]


def actions(series: Sequence[Series]) -> Floats:
    """Motion and detail of the whole pictures by one scale for all files.

    Parameters
    ----------
    series : sequence of Series
        The files of a scene, of equally many steps.

    Returns
    -------
    ndarray (steps, files) float64
        In [0, 1].
    """
    motion = _relative([one.motion.mean(axis=(1, 2)) for one in series], STILL)
    detail = _relative([one.detail.mean(axis=(1, 2)) for one in series], STILL)
    return MOTION_SHARE * motion + (1.0 - MOTION_SHARE) * detail


def loudness(series: Sequence[Series]) -> Floats:
    """Loudness by one scale for all files, (steps, files) in [0, 1]: of microphones of one gain."""
    return _relative([one.loudness for one in series], SILENCE)


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
    shown = actions(series)
    if sum(one.watched.has_sound for one in series) > 1:
        loud = loudness(series)
        shown = 0.5 * shown + 0.5 * loud / np.maximum(loud.max(axis=1, keepdims=True), HUSH)
    return [
        View(path.stem, int(sizes[file]), file, "wide", shown[:, file])
        for file, path in enumerate(paths)
    ]


def _sizes(series: Sequence[Series]) -> npt.NDArray[np.int64]:
    """Shot size of each file by its rank: the subject's movement fills more of a closer picture.

    Only files in which something moves have a rank; the others are `UNMOVED`.
    """
    means = [one.motion.mean(axis=0) for one in series]
    moving = np.flatnonzero([mean.max() > MOVES for mean in means])
    spread = [float((means[file] > LIVELY * means[file].max()).mean()) for file in moving]
    rank = np.argsort(np.argsort(spread, kind="stable"), kind="stable")
    sizes = np.full(len(series), UNMOVED)
    sizes[moving] = np.rint(rank / max(len(moving) - 1, 1) * (SIZES - 1))
    return sizes


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


def _above_noise(cells: Floats, most: float) -> Floats:
    """Cells (steps, *GRID) less the file's noise, at least 0.

    Noise is everywhere and always, action is not: it is what the `QUIET` cells have on the mean, as
    noise is estimated from the flattest blocks of a picture (Olsen 1993, "Estimation of noise in
    images"), but never above `most`, since a panning camera moves all cells.
    """
    noise = min(float(np.percentile(cells.mean(axis=0), QUIET)), most)
    return np.maximum(cells - noise, 0.0)


def _relative(files: Sequence[Floats], least: float) -> Floats:
    """Values (steps,) of each file over the greatest `FULL` percentile, (steps, files), at most 1.

    That scale is `least` or more: what is less is full nowhere.
    """
    values = np.stack(files, axis=1)
    full = max(float(np.percentile(values, FULL, axis=0).max()), least)
    return np.asarray(np.clip(values / full, 0.0, 1.0))


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
