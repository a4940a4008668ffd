"""The `gymnasium.Env` face: a batch of one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from segue.envs.base.seeding import draw_key, episode_words
from segue.envs.base.task import B, Bound, HoldsBatch, Observation, Task

FIRST_ROW = np.zeros(1, dtype=np.int64)


class SegueEnv(HoldsBatch[B], gym.Env[Any, Any]):
    """Gymnasium environment around a task.

    Parameters
    ----------
    task : Task
        Rules, rewards and observations.
    render_mode : str or None
        ``"rgb_array"`` or None.

    Notes
    -----
    ``info`` holds ``action_mask`` (int8) and ``reward_terms`` (name to weighted value; they add
    up to the reward) after reset and after every step.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (as Gymnasium declares it)
        "render_modes": ["rgb_array"],
        "render_fps": 4,
    }

    def __init__(self, task: Task[B], render_mode: str | None = None) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode {render_mode!r} is not one of None, 'rgb_array'")
        self.render_mode = render_mode
        self.observation_space = task.observation_space
        self.action_space = task.action_space
        self._hold(task, 1)
        self._actions = np.zeros((1, *(task.action_space.shape or ())), dtype=np.int64)
        self._key: np.uint64 | None = None
        self._episode = 0

    def _hold(self, task: Task[B], count: int) -> None:
        super()._hold(task, count)
        # Views of the only row and their methods, looked up once: a step takes two microseconds.
        self._mask, self._terms = self.batch.mask[0], self.batch.terms[:, 0]
        self._reward, self._terminated = self.batch.reward.item, self.batch.terminated.item
        self._names = task.term_names
        rows = self.batch.observation
        self._look: Callable[[], Observation] = (
            rows[0].copy
            if not isinstance(rows, dict)
            else (partial(_copied, {key: array[0] for key, array in rows.items()}))
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin the next episode; with `seed`, the first episode of that seed."""
        super().reset(seed=seed)
        if seed is not None or self._key is None:
            self._key, self._episode = draw_key(self.np_random), 0
        else:
            self._episode += 1
        keys = np.array([self._key], dtype=np.uint64)
        words = episode_words(keys, np.array([self._episode], dtype=np.uint64))
        self.task.begin(self.batch, FIRST_ROW, words)
        self.batch.reward[:] = 0.0
        self.batch.terms[:] = 0.0
        return self._seen()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take one action; an illegal one has the outcome that the class documents."""
        self._actions[0] = action
        self.task.step(self.batch, self._actions)
        observation, info = self._seen()
        return observation, self._reward(), self._terminated(), False, info

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Mask of legal actions as SB3-contrib wants it, bool (m,)."""
        return np.asarray(self._mask != 0)

    def bound(self) -> Bound:
        """Best return of the current episode, from its start."""
        return self.task.bound(self.batch, 0)

    def greedy_action(self) -> Any:
        """Legal action of the greatest immediate reward."""
        action = self.task.greedy(self.batch, 0)
        return action if action.ndim else int(action)

    def expert_action(self) -> Any:
        """What a solver of the task does here; a SegueError where there is none to ask."""
        action = self.task.advice(self.batch, FIRST_ROW).actions[0]
        return action if action.ndim else int(action)

    def render(self) -> Any:
        """Picture of the episode so far, or None without a render mode."""
        return self.task.render(self.batch, 0) if self.render_mode == "rgb_array" else None

    def _seen(self) -> tuple[Observation, dict[str, Any]]:
        """Observation and info, as copies."""
        terms = dict(zip(self._names, self._terms.tolist()))  # noqa: B905 (twice as fast)
        return self._look(), {"action_mask": self._mask.copy(), "reward_terms": terms}


def _copied(row: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    return {key: array.copy() for key, array in row.items()}
