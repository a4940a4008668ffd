"""What people and methods said about videos: TVSum's annotations, keyshot data sets, outputs.

Three layouts are read. TVSum's own file (``ydata-tvsum50.mat``, Song et al. 2015) has the scores
of twenty annotators. *Keyshot data sets* are the HDF5 files in which methods are trained (Zhang et
al. 2016; Zhou et al. 2018): a group a video with ``change_points``, ``n_frames`` and
``user_summary``. *Outputs* are what Zhou et al.'s and later programs store of a method: a group a
video with ``score``, ``machine_summary`` and the F-score ``fm``. The two latter name the k-th of
TVSum's videos ``video_k``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.base.hdf5_gate import array, entry, names, open_hdf5, references
from segue.envs.highlight.types import Video

CLIP_SECONDS = 2.0
"""TVSum's annotators gave one score to each clip of this length."""
SAMPLING = 15
"""Frames between two that a method scores."""

Floats = npt.NDArray[np.float64]
Bounds = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Annotated:
    """A video and what its annotators said.

    Attributes
    ----------
    name, category : str
        Of the video.
    rate : float
        Frames per second.
    scores : ndarray (annotators, frames) float64
        Importance that each annotator gave each frame.
    """

    name: str
    category: str
    rate: float
    scores: Floats

    @property
    def frames(self) -> int:
        """Length in frames."""
        return int(self.scores.shape[1])

    def clips(self, seconds: float = CLIP_SECONDS) -> Bounds:
        """First frame of each clip of so many seconds, then the number of frames."""
        starts = np.rint(np.arange(0.0, self.frames, seconds * self.rate)).astype(np.int64)
        return np.append(np.unique(starts[starts < self.frames]), self.frames)

    def video(self, bounds: Bounds | None = None) -> Video:
        """Turn the mean score into a video to summarise, in clips of 2 s or in given shots."""
        cut = self.clips() if bounds is None else bounds
        frames = np.diff(cut)
        mean = np.add.reduceat(self.scores.mean(axis=0), cut[:-1]) / frames
        return Video(self.name, frames / self.rate, mean, np.zeros((len(frames), 0)))


@dataclass(frozen=True, eq=False)
class Shots:
    """A video of a keyshot data set.

    Attributes
    ----------
    bounds : ndarray (n + 1,) int64
        First frame of each shot, then the number of frames.
    summaries : ndarray (annotators, frames) bool or None
        The annotators' summaries, where the file has them.
    """

    bounds: Bounds
    summaries: npt.NDArray[np.bool_] | None


@dataclass(frozen=True, eq=False)
class Output:
    """What is stored of a method on one video.

    Attributes
    ----------
    name : str
        Of the video, ``video_1`` for the first.
    scores : ndarray (k,) float64
        Importance of every 15th frame.
    summary : ndarray (frames,) bool
        The frames kept.
    stored : tuple of float
        F-score, precision and recall that the file tells, each the mean over annotators.
    """

    name: str
    scores: Floats
    summary: npt.NDArray[np.bool_]
    stored: tuple[float, float, float]

    def frame_scores(self) -> Floats:
        """Score of each frame: that of the last one scored before it, (frames,)."""
        return np.repeat(self.scores, SAMPLING)[: len(self.summary)]


def read_tvsum(path: Path) -> tuple[Annotated, ...]:
    """Read TVSum's annotations, ``ydata-tvsum50.mat``.

    Raises
    ------
    SegueError
        If the file is damaged or something else.
    """
    with open_hdf5(path) as file:
        root = entry(file, "tvsum50", path)
        columns = [
            references(entry(root, key, path), path)
            for key in ("video", "category", "length", "user_anno")
        ]
        if len({len(column) for column in columns}) != 1 or not columns[0]:
            raise SegueError(f"{path} tells different numbers of videos; give an undamaged file.")
        return tuple(_annotated(cells, path) for cells in zip(*columns, strict=True))


def _annotated(cells: tuple[Any, ...], path: Path) -> Annotated:
    name, category = (_text(array(cell, path)) for cell in cells[:2])
    length, scores = (array(cell, path).astype(np.float64) for cell in cells[2:])
    usable = length.size == 1 and scores.ndim == 2 and min(scores.shape) > 1
    if not usable or not np.isfinite(scores).all() or not 0.0 < length.item() < np.inf:
        raise SegueError(f"{path} has no usable scores of {name}; give an undamaged file.")
    return Annotated(name, category, scores.shape[1] / length.item(), scores)


def _text(codes: npt.NDArray[Any]) -> str:
    """MATLAB's text: a character code each."""
    return "".join(chr(code) for code in codes.ravel().astype(np.int64).tolist()[:200])


def read_keyshots(path: Path) -> dict[str, Shots]:
    """Read shots, and annotators' summaries where there are, of a keyshot data set, by video.

    Raises
    ------
    SegueError
        If the file is damaged or something else, or its shots do not follow one another.
    """
    found = {}
    with open_hdf5(path) as file:
        for name in names(file, path):
            group = entry(file, name, path)
            points = array(entry(group, "change_points", path), path).astype(np.int64)
            frames = int(array(entry(group, "n_frames", path), path))
            # First and last frame of each shot, both counted.
            whole = points.ndim == 2 and points.shape[1:] == (2,) and len(points) > 0
            if not whole or not _in_order(points, frames):
                raise SegueError(f"{path} has shots of {name} that do not follow one another.")
            summaries = None
            if "user_summary" in names(group, path):
                summaries = array(entry(group, "user_summary", path), path) > 0
                if summaries.ndim != 2 or summaries.shape[1] != frames:
                    raise SegueError(f"{path} has summaries of {name} that do not fit its frames.")
            found[name] = Shots(np.append(points[:, 0], frames), summaries)
    return found


def _in_order(points: Bounds, frames: int) -> bool:
    """Tell whether shots cover the frames from the first to the last."""
    follow = np.array_equal(points[1:, 0], points[:-1, 1] + 1)
    ends = points[0, 0] == 0 and frames - 1 <= points[-1, 1] <= frames
    return bool(follow and ends and (points[:, 0] <= points[:, 1]).all())


def read_outputs(path: Path) -> tuple[Output, ...]:
    """Read what is stored of a method, video by video.

    Raises
    ------
    SegueError
        If the file is damaged or something else.
    """
    found = []
    with open_hdf5(path) as file:
        for name in names(file, path):
            group = entry(file, name, path)
            scores, summary, *stored = (
                array(entry(group, key, path), path)
                for key in ("score", "machine_summary", "fm", "precision", "recall")
            )
            fits = scores.ndim == 1 and len(scores) == -(-summary.size // SAMPLING)
            if not fits or summary.ndim != 1 or not np.isfinite(scores).all():
                raise SegueError(f"{path} has scores of {name} that do not fit its frames.")
            f, precision, recall = (float(value) for value in stored)
            found.append(Output(name, scores.astype(float), summary > 0, (f, precision, recall)))
    return tuple(found)
