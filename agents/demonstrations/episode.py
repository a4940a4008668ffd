"""One demonstrated episode: what was seen, what was done, what it earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError

Observations = npt.NDArray[Any] | dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Episode:
    """T decisions of one episode, by whomever.

    Parameters
    ----------
    observations : ndarray (T + 1, ...) or dict of them
        What was seen before each decision, and after the last.
    actions : ndarray (T,) or (T, k) int64
        What was done: one choice, or k at once.
    rewards : ndarray (T,) float64
        What each decision earned.
    terminated : bool
        Whether the task ended with the last decision; otherwise the episode was cut off there.
    masks : ndarray (T, m) bool or None
        What was legal; for k choices at once their masks one after the other. None where
        everything was.
    source : str
        Whose decisions they are, such as ``"optimum"`` or the name of a timeline.
    seed : int or None
        With which the environment was reset, where that tells the episode.

    Raises
    ------
    SegueError
        If there is no decision, lengths do not agree or a reward is not finite.
    """

    observations: Observations
    actions: npt.NDArray[np.int64]
    rewards: npt.NDArray[np.float64]
    terminated: bool
    masks: npt.NDArray[np.bool_] | None = None
    source: str = ""
    seed: int | None = None

    def __post_init__(self) -> None:
        count = len(self.actions)
        if not count:
            raise SegueError("An episode without a decision shows nothing; give at least one.")
        seen = self.observations
        parts = list(seen.values()) if isinstance(seen, Mapping) else [seen]
        if any(len(part) != count + 1 for part in parts):
            raise SegueError(
                f"An episode of {count} decisions needs {count + 1} observations, the last one "
                f"after its end; it has {[len(part) for part in parts]}."
            )
        if len(self.rewards) != count or (self.masks is not None and len(self.masks) != count):
            raise SegueError(f"An episode of {count} decisions needs {count} rewards and masks.")
        if not np.isfinite(self.rewards).all():
            raise SegueError("An episode has a reward that is not finite; leave it out.")

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def total(self) -> float:
        """Return: the sum of the rewards, undiscounted."""
        return float(self.rewards.sum())


@dataclass(frozen=True)
class Decisions:
    """Decisions to learn from, n of them, of one or more episodes.

    Attributes
    ----------
    observations : ndarray (n, ...) or dict of them
        What was seen.
    actions : ndarray (n,) or (n, k) int64
        What was done.
    masks : ndarray (n, m) bool or None
        What was legal; None where everything was.
    """

    observations: Observations
    actions: npt.NDArray[np.int64]
    masks: npt.NDArray[np.bool_] | None


def decisions_of(episodes: Sequence[Episode]) -> Decisions:
    """Put the decisions of episodes one after the other.

    Raises
    ------
    SegueError
        If there are no episodes, or some have masks and some have not.
    """
    if not episodes:
        raise SegueError("There are no demonstrations; record at least one episode.")
    masks = [episode.masks for episode in episodes if episode.masks is not None]
    if len(masks) not in (0, len(episodes)):
        raise SegueError("Some demonstrations have masks and some have not; record them alike.")
    seen: Observations
    if isinstance(episodes[0].observations, dict):
        seen = {
            key: np.concatenate([_of(episode, key)[:-1] for episode in episodes])
            for key in episodes[0].observations
        }
    else:
        seen = np.concatenate([_of(episode, None)[:-1] for episode in episodes])
    actions = np.concatenate([episode.actions for episode in episodes])
    return Decisions(seen, actions, np.concatenate(masks) if masks else None)


def _of(episode: Episode, key: str | None) -> npt.NDArray[Any]:
    seen = episode.observations
    if isinstance(seen, dict) != (key is not None) or (isinstance(seen, dict) and key not in seen):
        raise SegueError("The demonstrations see different things; record them alike.")
    return seen[key] if isinstance(seen, dict) and key is not None else np.asarray(seen)


__all__ = ["Decisions", "Episode", "Observations", "decisions_of"]
