"""A Gymnasium vector env as Stable-Baselines3's `VecEnv`, without a Python loop over envs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, cast

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import VecEnv

from segue.envs.base.errors import SegueError

Observation = npt.NDArray[Any] | dict[str, npt.NDArray[Any]]

_WINDOW = 100  # Episodes that Stable-Baselines3 too averages its logged return over.


class NativeVecEnv(VecEnv):
    """Gives a vector env to the agents of Stable-Baselines3.

    Infos are empty dicts, the same ones at every step, but for the envs whose episode has just
    ended: theirs hold ``terminal_observation``, ``TimeLimit.truncated`` and ``episode`` (``r``
    return, ``l`` length, ``t`` seconds since the adapter was made).

    Parameters
    ----------
    vector_env : gymnasium.vector.VectorEnv
        N envs in ``SAME_STEP`` autoreset mode, whose observations are not written over by the
        next step. When they give ``action_masks()`` (N, A), or environments that are stepped one
        after the other tell an ``action_mask`` (A,) when they are reset, the adapter gives
        ``action_masks``; it then expects ``info["action_mask"]`` (N, A) at every step.
        ``info["reward_terms"]``, when given, maps names to arrays (N,).

    Raises
    ------
    SegueError
        If the vector env resets itself in another mode: the agents would learn from transitions
        that join two episodes.
    """

    def __init__(self, vector_env: gym.vector.VectorEnv[Any, Any, Any]) -> None:
        mode = vector_env.metadata.get("autoreset_mode")
        if mode != AutoresetMode.SAME_STEP:
            raise SegueError(
                f"The vector env has autoreset mode {mode}; "
                "make it with autoreset_mode=AutoresetMode.SAME_STEP."
            )
        self.vector_env = vector_env
        n = vector_env.num_envs
        super().__init__(n, vector_env.single_observation_space, vector_env.single_action_space)
        self.has_masks = _gives_masks(vector_env.unwrapped)
        self._mask_rows: list[npt.NDArray[np.bool_]] = []
        self._masks: npt.NDArray[np.bool_] | None = None
        self._newer_masks: Any = None
        self._actions: npt.NDArray[Any] = np.zeros(0)
        self._infos: list[dict[str, Any]] = [{} for _ in range(n)]
        self._ended: npt.NDArray[np.intp] = np.zeros(0, np.intp)
        self._began = time.perf_counter()
        self._returns = np.zeros(n)
        self._lengths = np.zeros(n, np.int64)
        self._terms: dict[str, npt.NDArray[np.float64]] = {}
        self._recent: deque[dict[str, float]] = deque(maxlen=max(_WINDOW, n))

    def reset(self) -> Observation:
        """Start new episodes; gives the observations, batched (N, ...)."""
        seed: Any = self._seed_for_reset()
        observation, info = self.vector_env.reset(seed=seed)
        self._reset_seeds()
        self._reset_options()
        self._keep_masks(info)
        self._returns[:] = 0.0
        self._lengths[:] = 0
        self._terms.clear()
        self._forget_ended()
        return cast(Observation, observation)

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Take the actions (N, ...) for the next `step_wait`."""
        self._actions = actions

    def step_wait(
        self,
    ) -> tuple[Observation, npt.NDArray[np.float32], npt.NDArray[np.bool_], list[dict[str, Any]]]:
        """Step all envs.

        Returns
        -------
        observation : numpy.ndarray or dict of numpy.ndarray
            (N, ...); of the new episode where one has just ended.
        reward : numpy.ndarray
            float32 array (N,).
        done : numpy.ndarray
            bool array (N,).
        infos : list of dict
            N dicts; see the class.
        """
        observation, reward, terminated, truncated, info = self.vector_env.step(self._actions)
        self._keep_masks(info)
        self._forget_ended()
        self._returns += reward
        self._lengths += 1
        done = np.logical_or(terminated, truncated)
        # Gymnasium's own vector env moves the info of an ended episode to "final_info".
        final = info.get("final_info", {}).get("reward_terms", {})
        for name, values in info.get("reward_terms", {}).items():
            if name.startswith("_"):
                continue  # Gymnasium's marks of which rows have the entry
            if name not in self._terms:
                self._terms[name] = np.zeros(self.num_envs)
            self._terms[name] += np.where(done, final[name], values) if name in final else values
        if done.any():
            self._end_episodes(np.flatnonzero(done), info["final_obs"], terminated)
        return observation, np.asarray(reward, np.float32), done, self._infos

    def term_means(self) -> dict[str, float]:
        """Give each reward term's mean sum over an episode.

        Returns
        -------
        dict of str to float
            Over the last max(100, N) episodes that ended; empty before the first.
        """
        names = self._recent[-1] if self._recent else {}
        return {name: float(np.mean([sums[name] for sums in self._recent])) for name in names}

    def close(self) -> None:
        """Close the vector env."""
        self.vector_env.close()

    def has_attr(self, attr_name: str) -> bool:
        """Tell whether the envs have an attribute."""
        if attr_name == "action_masks":
            return self.has_masks
        return hasattr(self.vector_env.unwrapped, attr_name)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Give the vector env's attribute, once for each env asked for."""
        value = getattr(self.vector_env.unwrapped, attr_name)
        return [value] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the envs share their attributes."""
        raise SegueError(f"{attr_name} cannot be set on a vector env; make a new one with it.")

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the vector env and give its result for each env asked for.

        ``action_masks`` is answered from the last step's info, bool rows (A,) of one array that
        the next step overwrites.
        """
        if method_name == "action_masks" and self._last_masks() is not None:
            rows = self._mask_rows
            return rows if indices is None else [rows[i] for i in self._get_indices(indices)]
        result = getattr(self.vector_env.unwrapped, method_name)(*method_args, **method_kwargs)
        if not isinstance(result, Sequence | np.ndarray) or len(result) != self.num_envs:
            result = [result] * self.num_envs
        return [result[i] for i in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Say that Stable-Baselines3's `Monitor` is there, which this adapter stands in for."""
        is_monitor = getattr(wrapper_class, "__name__", "") == "Monitor"
        return [is_monitor] * len(list(self._get_indices(indices)))

    def get_images(self) -> Sequence[npt.NDArray[np.uint8] | None]:
        """Render every env: uint8 arrays (H, W, 3)."""
        images: Any = self.vector_env.render()
        return [None] * self.num_envs if images is None else list(images)

    def state_dict(self) -> dict[str, Any]:
        """Give what an exact continuation needs: the vector env's own state and running sums.

        Returns
        -------
        dict
            Arrays and JSON-able values; ``env`` is None when the vector env cannot tell its own.
        """
        inner = getattr(self.vector_env.unwrapped, "state_dict", None)
        masks = self._last_masks()
        return {
            "env": None if inner is None else inner(),
            "returns": self._returns.copy(),
            "lengths": self._lengths.copy(),
            "terms": {name: sums.copy() for name, sums in self._terms.items()},
            "recent": list(self._recent),
            "masks": None if masks is None else masks.copy(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state_dict` gave."""
        if state["env"] is not None:
            unwrapped: Any = self.vector_env.unwrapped
            unwrapped.load_state_dict(state["env"])
        self._returns[:] = state["returns"]
        self._lengths[:] = state["lengths"]
        self._terms = {name: np.array(sums) for name, sums in state["terms"].items()}
        self._recent = deque(state["recent"], self._recent.maxlen)
        if state["masks"] is not None:
            self._keep_masks({"action_mask": state["masks"]})
        self._forget_ended()

    def _seed_for_reset(self) -> int | list[int | None] | None:
        first = self._seeds[0]
        if first is None:
            return None
        # A whole number is what every vector env understands; it gives env i the seed + i.
        consecutive = self._seeds == list(range(first, first + self.num_envs))
        return first if consecutive else self._seeds

    def _keep_masks(self, info: Mapping[str, Any]) -> None:
        # Turned into bools when they are asked for, which agents without masks never do.
        if self.has_masks:
            self._newer_masks = info["action_mask"]

    def _last_masks(self) -> npt.NDArray[np.bool_] | None:
        """Give the masks of the last step, (N, A); None before the first reset or without masks."""
        if self._newer_masks is not None:
            if self._masks is None:
                self._masks = np.zeros(np.shape(self._newer_masks), np.bool_)
                self._mask_rows = list(self._masks)
            np.not_equal(self._newer_masks, 0, out=self._masks)
            self._newer_masks = None
        return self._masks

    def _forget_ended(self) -> None:
        for index in self._ended:
            self._infos[index] = {}
        self._ended = np.zeros(0, np.intp)

    def _end_episodes(
        self, ended: npt.NDArray[np.intp], final: Any, terminated: npt.NDArray[np.bool_]
    ) -> None:
        seconds = round(time.perf_counter() - self._began, 6)
        for index in ended.tolist():
            total, length = float(self._returns[index]), int(self._lengths[index])
            self._infos[index] = {
                "terminal_observation": _row(final, index),
                "TimeLimit.truncated": not terminated[index],
                "episode": {"r": total, "l": length, "t": seconds},
            }
            if self._terms:
                self._recent.append({name: float(t[index]) for name, t in self._terms.items()})
        self._returns[ended] = 0.0
        self._lengths[ended] = 0
        for sums in self._terms.values():
            sums[ended] = 0.0
        self._ended = ended


def _gives_masks(vector_env: Any) -> bool:
    """Tell whether there are masks of legal actions, by a method or in the infos of each env."""
    if hasattr(vector_env, "action_masks"):
        return True
    space, envs = vector_env.single_action_space, getattr(vector_env, "envs", ())
    if not envs or not isinstance(space, spaces.Discrete):
        return False
    _, info = envs[0].reset()
    return bool(np.shape(info.get("action_mask")) == (space.n,))


def _row(batch: Any, index: int) -> Any:
    """Take one env's observation out of a batch: a dict of arrays, an array, or objects."""
    if isinstance(batch, Mapping):
        return {key: value[index] for key, value in batch.items()}
    return batch[index]


__all__ = ["NativeVecEnv"]
