"""The `gymnasium.vector.VectorEnv` face: a batch of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from segue.envs.base.seeding import draw_key, episode_words, key_of_seed
from segue.envs.base.task import B, HoldsBatch, Observation, Task


class SegueVectorEnv(HoldsBatch[B], gym.vector.VectorEnv[Any, Any, Any]):
    """Vector environment around a task; row i equals a single environment seeded ``seed + i``.

    Parameters
    ----------
    task : Task
        Rules, rewards and observations.
    num_envs : int
        Rows.
    autoreset_mode : AutoresetMode or str
        ``NEXT_STEP`` (Gymnasium's default): the step after the end of an episode ignores the
        action, gives reward 0 and the first observation of the next episode.
        ``SAME_STEP``: the step that ends an episode already gives that observation, and
        ``info["final_obs"]`` the last one of the old episode, in the layout of the observation,
        valid where ``info["_final_obs"]``.
    render_mode : str or None
        ``"rgb_array"`` or None.
    """

    def __init__(
        self,
        task: Task[B],
        num_envs: int = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ) -> None:
        mode = AutoresetMode(autoreset_mode)
        if mode == AutoresetMode.DISABLED:
            raise ValueError("autoreset_mode must be NEXT_STEP or SAME_STEP")
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": 4, "autoreset_mode": mode}
        self.render_mode = render_mode
        self.num_envs = num_envs
        self.single_observation_space = task.observation_space
        self.single_action_space = task.action_space
        self.observation_space = batch_space(task.observation_space, num_envs)
        self.action_space = batch_space(task.action_space, num_envs)
        self._hold(task, num_envs)
        self._same_step = mode == AutoresetMode.SAME_STEP
        self._keys: npt.NDArray[np.uint64] | None = None
        self._episodes = np.zeros(num_envs, dtype=np.uint64)
        self._over = np.zeros(num_envs, dtype=np.bool_)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin the next episode in every row; with `seed`, the first one of each row's seed."""
        super().reset(seed=int(seed) if isinstance(seed, int | np.integer) else None)
        if self._keys is None or seed is not None:
            self._keys = self._draw_keys(seed)
            self._episodes[:] = 0
        else:
            self._episodes += np.uint64(1)
        self._begin(np.arange(self.num_envs))
        self._over[:] = False
        self.batch.reward[:] = 0.0
        self.batch.terms[:] = 0.0
        return self._observation(), self._info()

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Take one action in every row."""
        batch = self.batch
        self.task.step(batch, np.ascontiguousarray(actions, dtype=np.int64))
        terminated = batch.terminated.copy()
        final: dict[str, Any] = {}
        if self._same_step:
            if np.count_nonzero(terminated):
                final = {"final_obs": self._observation(), "_final_obs": terminated.copy()}
                self._next_episode(terminated)
        else:
            over = self._over
            if np.count_nonzero(over):
                # A row whose episode was over has earned nothing in this step.
                self._next_episode(over)
                np.greater(terminated, over, out=terminated)
            np.copyto(over, terminated)
        truncated = np.zeros(self.num_envs, dtype=np.bool_)
        info = self._info()
        info.update(final)
        return self._observation(), batch.reward.copy(), terminated, truncated, info

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Masks of legal actions as SB3-contrib wants them, bool (num_envs, m)."""
        return self.batch.mask.astype(np.bool_)

    def render(self) -> tuple[Any, ...] | None:
        """Picture of every row, or None without a render mode."""
        if self.render_mode != "rgb_array":
            return None
        return tuple(self.task.render(self.batch, row) for row in range(self.num_envs))

    def state_dict(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that the next step depends on, as arrays (copies)."""
        if self._keys is None:
            raise ValueError("reset the environment before asking for its state")
        own = {"keys": self._keys, "episodes": self._episodes, "over": self._over}
        return {name: array.copy() for name, array in (own | self.batch.arrays()).items()}

    def load_state_dict(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from what `state_dict` gave."""
        self._keys = np.array(state["keys"], dtype=np.uint64)
        targets = {"episodes": self._episodes, "over": self._over} | self.batch.arrays()
        for name, array in targets.items():
            array[...] = state[name]

    def _draw_keys(self, seed: int | Sequence[int | None] | None) -> npt.NDArray[np.uint64]:
        if seed is None:
            return np.array([draw_key(self.np_random) for _ in range(self.num_envs)])
        if isinstance(seed, int | np.integer):
            seed = range(int(seed), int(seed) + self.num_envs)
        keys = [draw_key(self.np_random) if s is None else key_of_seed(s) for s in seed]
        return np.array(keys, dtype=np.uint64)

    def _next_episode(self, over: npt.NDArray[np.bool_]) -> None:
        rows = over.nonzero()[0]
        self._episodes[rows] += np.uint64(1)
        self._begin(rows)

    def _begin(self, rows: npt.NDArray[np.int64]) -> None:
        assert self._keys is not None
        words = episode_words(self._keys[rows], self._episodes[rows])
        self.task.begin(self.batch, rows, words)

    def _observation(self) -> Observation:
        observation = self.batch.observation
        if isinstance(observation, dict):
            return {key: array.copy() for key, array in observation.items()}
        return observation.copy()

    def _info(self) -> dict[str, Any]:
        by_name = dict(zip(self.task.term_names, self.batch.terms.copy(), strict=True))
        return {"action_mask": self._mask(), "reward_terms": by_name}

    def _mask(self) -> npt.NDArray[np.int8]:
        mask = self.batch.mask
        # One that is read-only never changes, so it is handed out as it is.
        if not mask.flags.writeable:
            return mask
        # A view of padded rows is copied with its padding: one block instead of n.
        rows = mask if mask.base is None else mask.base
        return rows.copy().view(np.int8)[:, : mask.shape[1]]
