"""Transitions that are replayed: demonstrated ones for ever, own ones until pushed out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from stable_baselines3.common.preprocessing import maybe_transpose

from segue.agents.demonstrations.episode import Episode, Observations
from segue.envs.base.errors import SegueError

Rows = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_ALONE = "observation"  # Key of an observation that is a single array.


class Ahead(NamedTuple):
    """What followed b transitions, some steps later.

    Attributes
    ----------
    rewards : ndarray (b,) float32
        Discounted sum until then.
    discounts : ndarray (b,) float32
        What the value of the situation then counts; 0 where the task was over.
    observations : ndarray (b, ...) or dict of them
        The situation then.
    masks : ndarray (b, m) bool or None
        What is legal in it; everything where that is not known.
    known : ndarray (b,) bool
        False where an episode was cut off with nobody knowing what is legal, so that there is no
        target to learn from.
    """

    rewards: npt.NDArray[np.float32]
    discounts: npt.NDArray[np.float32]
    observations: Observations
    masks: BoolArray | None
    known: BoolArray


class Transitions:
    """A replay over n environments side by side.

    Rows 0 to `n_shown` - 1 are the demonstrated transitions, episode after episode. Own ones
    follow: step by step, n rows each, in a ring.

    Parameters
    ----------
    capacity : int
        Own transitions that are kept, rounded down to whole steps; then the oldest step goes.
    observation_space : gymnasium.spaces.Space
        Arrays, numbers or a flat `Dict` of them.
    n_actions : int
        Actions are from 0 to `n_actions` - 1.
    n_envs : int
        Environments side by side.
    masked : bool
        Whether some actions are illegal at times.
    shown : sequence of Episode
        The demonstrations.

    Raises
    ------
    SegueError
        If the demonstrations do not fit the spaces.
    """

    def __init__(
        self,
        capacity: int,
        observation_space: spaces.Space[Any],
        n_actions: int,
        n_envs: int,
        masked: bool,
        shown: Sequence[Episode] = (),
    ) -> None:
        self._alone = not isinstance(observation_space, spaces.Dict)
        self._spaces: Mapping[str, spaces.Space[Any]] = (
            observation_space.spaces
            if isinstance(observation_space, spaces.Dict)
            else {_ALONE: observation_space}
        )
        self._n_actions, self._n_envs = n_actions, n_envs
        self._masked = masked
        self._steps = max(capacity // n_envs, 1)
        self._allocate(sum(map(len, shown)))
        first = 0
        for episode in shown:
            self._show(episode, first)
            first += len(episode)

    def _allocate(self, n_shown: int) -> None:
        """Make empty room for `n_shown` demonstrated and all own transitions."""
        self.n_shown, self._stored = n_shown, 0
        rows = n_shown + self._steps * self._n_envs
        arrays: dict[str, npt.NDArray[Any]] = {
            "action": np.zeros(rows, np.int64),
            "reward": np.zeros(rows, np.float32),
            "terminal": np.zeros(rows, np.bool_),
            "last": np.zeros(rows, np.bool_),  # The row's successor is of another episode.
        }
        for key, space in self._spaces.items():
            shape = (rows, *(space.shape or ()))
            arrays[f"seen.{key}"] = np.zeros(shape, space.dtype)
            arrays[f"after.{key}"] = np.zeros(shape, space.dtype)
        if self._masked:
            arrays["mask"] = np.zeros((rows, self._n_actions), np.bool_)
            # All False where nobody knows.
            arrays["mask_after"] = np.zeros((rows, self._n_actions), np.bool_)
        self._arrays = arrays

    def _show(self, episode: Episode, first: int) -> None:
        self._check(episode)
        count, arrays = len(episode), self._arrays
        rows = slice(first, first + count)
        for key, part in self._parts(episode.observations).items():
            space = self._spaces[key]
            whole = maybe_transpose(part, space) if isinstance(space, spaces.Box) else part
            if whole.shape[1:] != (space.shape or ()):
                raise SegueError(
                    f"The demonstrations see {whole.shape[1:]} numbers where the environment "
                    f"shows {space}; record them on the same environment."
                )
            arrays[f"seen.{key}"][rows], arrays[f"after.{key}"][rows] = whole[:-1], whole[1:]
        arrays["action"][rows], arrays["reward"][rows] = episode.actions, episode.rewards
        arrays["last"][first + count - 1] = True
        arrays["terminal"][first + count - 1] = episode.terminated
        if episode.masks is not None:
            arrays["mask"][rows] = episode.masks
            arrays["mask_after"][first : first + count - 1] = episode.masks[1:]

    def _check(self, episode: Episode) -> None:
        actions, masks, n = episode.actions, episode.masks, self._n_actions
        if actions.ndim != 1 or actions.min() < 0 or actions.max() >= n:
            raise SegueError(
                f"A demonstrated action is not one of the environment's {n}; record the "
                "demonstrations on the same environment."
            )
        if (masks is not None) != self._masked or (masks is not None and masks.shape[1] != n):
            raise SegueError(
                "The demonstrations have other masks than the environment; record them on the same."
            )
        if masks is not None and not masks[np.arange(len(actions)), actions].all():
            raise SegueError("A demonstrated action is illegal; leave its episode out.")
        if set(self._parts(episode.observations)) != set(self._spaces):
            raise SegueError(
                "The demonstrations see other things than the environment shows; record them on "
                "the same environment."
            )

    def __len__(self) -> int:
        return self.n_shown + min(self._stored, self._steps) * self._n_envs

    @property
    def n_rows(self) -> int:
        """Number of rows there is room for."""
        return len(self._arrays["action"])

    def add(
        self,
        observations: Observations,
        actions: npt.NDArray[Any],
        rewards: npt.NDArray[Any],
        after: Observations,
        dones: BoolArray,
        truncated: BoolArray,
        masks: tuple[BoolArray, BoolArray] | None,
    ) -> Rows:
        """Keep one step of all n environments.

        Parameters
        ----------
        observations, actions, rewards : numpy.ndarray
            (n, ...) or dicts of them, (n,) and (n,): what was seen, done and earned.
        after : ndarray (n, ...) or dict of them
            What followed, also where the episode ended.
        dones, truncated : ndarray (n,) bool
            Which episodes ended with the step, and which of them were only cut off.
        masks : two ndarrays (n, m) bool, or None
            What was legal before the step, and what is after it.

        Returns
        -------
        ndarray (n,) int64
            The rows they are kept in.
        """
        first = self.n_shown + self._stored % self._steps * self._n_envs
        rows, arrays = slice(first, first + self._n_envs), self._arrays
        for key, part in self._parts(observations).items():
            arrays[f"seen.{key}"][rows] = part
        for key, part in self._parts(after).items():
            arrays[f"after.{key}"][rows] = part
        arrays["action"][rows], arrays["reward"][rows] = actions, rewards
        arrays["last"][rows], arrays["terminal"][rows] = dones, dones & ~truncated
        if masks is not None:
            arrays["mask"][rows] = masks[0]
            # After an end the masks are those of the next episode.
            arrays["mask_after"][rows] = masks[1] & ~dones[:, None]
        self._stored += 1
        return np.arange(first, first + self._n_envs)

    def cut(self) -> None:
        """Let the newest step have no successor, since the environments begin anew."""
        if self._stored:
            first = self.n_shown + (self._stored - 1) % self._steps * self._n_envs
            self._arrays["last"][first : first + self._n_envs] = True

    def seen(self, rows: Rows) -> Observations:
        """What was seen before transitions, (b, ...) or a dict of such arrays."""
        return self._whole("seen", rows)

    def actions(self, rows: Rows) -> npt.NDArray[np.int64]:
        """What was done, (b,)."""
        return self._arrays["action"][rows]

    def masks(self, rows: Rows) -> BoolArray | None:
        """What was legal, (b, m)."""
        return self._arrays["mask"][rows] if self._masked else None

    def ahead(self, rows: Rows, steps: npt.NDArray[np.int64] | int, gamma: float) -> Ahead:
        """Look some steps ahead of transitions, but not beyond their episodes.

        Nor beyond the newest step: a look that ends there is so much the shorter.

        Parameters
        ----------
        rows : ndarray (b,) int64
            The transitions.
        steps : ndarray (b,) int64, or int
            How far, from 1.
        gamma : float
            Discount of a step, in [0, 1].
        """
        own = rows >= self.n_shown
        offsets = np.arange(np.max(steps))
        path = rows[:, None] + np.where(own, self._n_envs, 1)[:, None] * offsets
        around = self.n_shown + (path - self.n_shown) % (self._steps * self._n_envs)
        path = np.where(own[:, None], around, np.minimum(path, self.n_rows - 1))
        stops = self._arrays["last"][path]
        newest = (self._stored - 1) % self._steps
        stops |= own[:, None] & ((path - self.n_shown) // self._n_envs == newest)
        stops |= offsets >= np.reshape(steps, (-1, 1)) - 1
        length = stops.argmax(axis=1)  # The first stop's offset.
        counted = np.where(offsets <= length[:, None], float(gamma) ** offsets, 0.0)
        rewards = (counted * self._arrays["reward"][path]).sum(axis=1)
        end = path[np.arange(len(rows)), length]
        over = self._arrays["terminal"][end]
        discounts = np.where(over, 0.0, float(gamma) ** (length + 1.0))
        masks, known = None, np.ones(len(rows), np.bool_)
        if self._masked:
            masks = self._arrays["mask_after"][end]
            told = masks.any(axis=1)
            masks[~told], known = True, told | over
        return Ahead(
            rewards.astype(np.float32),
            discounts.astype(np.float32),
            self._whole("after", end),
            masks,
            known,
        )

    def state(self) -> dict[str, Any]:
        """Give everything that is kept, without the rows that are empty."""
        arrays = {name: array[: len(self)] for name, array in self._arrays.items()}
        return {"n_shown": self.n_shown, "stored": self._stored, "arrays": arrays}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave, of a replay of the same size and spaces.

        Raises
        ------
        ValueError
            If it does not fit.
        """
        n_shown, stored, arrays = state["n_shown"], state["stored"], state["arrays"]
        filled = n_shown + min(stored, self._steps) * self._n_envs
        if set(arrays) != set(self._arrays):
            raise ValueError(f"the replay holds {sorted(arrays)}, not {sorted(self._arrays)}")
        for name, array in self._arrays.items():
            given, wanted = arrays[name], (filled, *array.shape[1:])
            if given.shape != wanted or given.dtype != array.dtype:
                raise ValueError(
                    f"{name} of the replay are {given.dtype} {given.shape}, "
                    f"not {array.dtype} {wanted}"
                )
        self._allocate(n_shown)
        self._stored = stored
        for name, array in self._arrays.items():
            array[:filled] = arrays[name]

    def _parts(self, observations: Observations) -> Mapping[str, npt.NDArray[Any]]:
        if isinstance(observations, Mapping):
            return observations
        return {_ALONE: observations}

    def _whole(self, name: str, rows: Rows) -> Observations:
        parts = {key: self._arrays[f"{name}.{key}"][rows] for key in self._spaces}
        return parts[_ALONE] if self._alone else parts


__all__ = ["Ahead", "Transitions"]
