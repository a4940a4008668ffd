"""Records of `segue/Highlight-v0`: a video in shots, and the state of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError

SKIP, KEEP = 0, 1
ACTIONS = 2

WINDOW = 5
"""Shots that the one kept before may lie back and still be compared with. Zhou et al. (2018) take
20 frames, two a second; five of TVSum's 2-s clips are as long."""
NONE_KEPT, FAR = 0, WINDOW + 1
"""Values of SINCE before anything was kept, and where the last one lies further back."""
SINCES = FAR + 1

VIDEO, ROW, POSITION, BUDGET, SINCE = range(5)
"""Columns of a state row: video, row of the bank, shots passed, units of the budget left, and how
many shots back the last one kept lies."""
COLUMNS = 5

COST, SHOTS, VISIBLE = range(3)
"""Columns of `Bank.shot_table`; from VISIBLE on stand those that the agent sees."""

BINS = 10
"""Bins of scores that the agent sees."""
AHEAD = 4
"""Shots that the agent sees beyond the one at hand."""

REPLACED = 2
"""Stands in the history for a shot that was skipped because it could not be kept."""


@dataclass(frozen=True, eq=False)
class Video:
    """A video in shots, from the first to the last.

    Attributes
    ----------
    name : str
        What it is called.
    seconds : ndarray (n,) float64
        Length of each shot, > 0.
    importance : ndarray (n,) float64
        Mean importance of each shot, >= 0, in any unit; not all 0.
    features : ndarray (n, d) float64
        What each shot looks like; of any length but 0. ``d = 0`` where nothing is known.

    Raises
    ------
    SegueError
        If the arrays differ in length, are empty or out of range.
    """

    name: str
    seconds: npt.NDArray[np.float64]
    importance: npt.NDArray[np.float64]
    features: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        count = len(self.seconds)
        shapes = (self.seconds.shape, self.importance.shape, self.features.shape[:1])
        if count == 0 or self.features.ndim != 2 or set(shapes) != {(count,)}:
            raise SegueError(
                f"The shots of {self.name} have arrays of shapes {self.seconds.shape}, "
                f"{self.importance.shape} and {self.features.shape}; give (n,), (n,) and (n, d)."
            )
        values = (self.seconds, self.importance, self.features)
        if not all(np.isfinite(array).all() for array in values) or self.seconds.min() <= 0.0:
            raise SegueError(f"{self.name} has a shot of no length or a value that is no number.")
        if self.importance.min() < 0.0 or not self.importance.any():
            raise SegueError(
                f"The importance of {self.name} is negative or all 0; give some above 0."
            )

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Share of the video's importance in each shot, (n,), adding up to 1."""
        weighted = self.importance * self.seconds
        return np.asarray(weighted / weighted.sum())


@dataclass(frozen=True, eq=False)
class Bank:
    """The videos of an environment, laid out flat: one row a shot, one video after the other.

    Attributes
    ----------
    videos : tuple of Video
        Of any lengths.
    starts : ndarray (videos,) int64
        First row of each.
    budgets : ndarray (videos,) int64
        Units that may be kept of each.
    unit : float
        Seconds in a unit.
    most_shots : int
        Of the longest video.
    shot_table : ndarray (rows, 2 + k) int32
        COST: length in units, rounded up; SHOTS: those of this video; then the k columns that the
        agent sees.
    value, room, typicality : ndarray (rows,) float64
        As in `segue.rewards.highlight_view`.
    novelty : ndarray (rows, SINCES) float64
        The same, by SINCE.
    """

    videos: tuple[Video, ...]
    starts: npt.NDArray[np.int64]
    budgets: npt.NDArray[np.int64]
    unit: float
    most_shots: int
    shot_table: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]
    room: npt.NDArray[np.float64]
    typicality: npt.NDArray[np.float64]
    novelty: npt.NDArray[np.float64]
