"""Environments of others, stepped one after the other, that an interrupted run can go on with.

Gymnasium's environments cannot tell their state, and a pickle of them could run code when it is
read. What they did since their last reset follows from how their random generator stood then and
from the actions since, so that these are kept, and played again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, cast

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import concatenate

from segue.envs.base.errors import SegueError


class ReplayableVectorEnv(SyncVectorEnv[Any, Any]):
    """Gymnasium's `SyncVectorEnv` with ``state_dict`` and ``load_state_dict``.

    Exact for environments that draw only from their ``np_random`` and that a reset makes anew,
    which those of Gymnasium do. Whether one does is checked when its state is loaded.

    Parameters
    ----------
    env_fns : sequence of callable
        Each makes an environment; equal ones, with `Discrete`, `MultiDiscrete`, `MultiBinary` or
        `Box` actions.
    autoreset_mode : gymnasium.vector.AutoresetMode
        As of `SyncVectorEnv`.
    """

    def __init__(
        self,
        env_fns: Sequence[Callable[[], gym.Env[Any, Any]]],
        autoreset_mode: AutoresetMode = AutoresetMode.SAME_STEP,
    ) -> None:
        super().__init__(
            [partial(_recorded, make) for make in env_fns], autoreset_mode=autoreset_mode
        )

    def state_dict(self) -> dict[str, Any]:
        """Give what `load_state_dict` needs.

        Returns
        -------
        dict
            ``envs``: of each environment how its episode began and its actions since (steps, ...);
            ``observations``: the last ones, batched; ``autoreset`` (N,) bool.

        Raises
        ------
        ValueError
            If the environments were never reset.
        """
        return {
            "envs": [env.episode() for env in self._recorded],
            "observations": deepcopy(self._observations),
            "autoreset": self._autoreset_envs.copy(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Play the episodes again up to where they stood.

        Parameters
        ----------
        state : mapping of str to Any
            What `state_dict` gave.

        Raises
        ------
        ValueError
            If it is of another number of environments.
        SegueError
            If they come to other observations, returns or random states than they had.
        """
        if len(state["envs"]) != self.num_envs:
            raise ValueError(f"it is of {len(state['envs'])} environments, not {self.num_envs}")
        try:
            seen = [
                env.replay(episode)
                for env, episode in zip(self._recorded, state["envs"], strict=True)
            ]
            exact = all(
                _equal(env.episode(), episode)
                for env, episode in zip(self._recorded, state["envs"], strict=True)
            )
        # What an environment of others raises on a way that it has not come, nobody knows.
        except Exception as error:
            raise self._inexact() from error
        self._env_obs = seen
        batch: Any = self._observations
        self._observations = concatenate(self.single_observation_space, self._env_obs, batch)
        self._autoreset_envs = np.array(state["autoreset"], dtype=np.bool_)
        if not exact or not _equal(self._observations, state["observations"]):
            raise self._inexact()

    @property
    def _recorded(self) -> list[_Recorded]:
        return cast("list[_Recorded]", self.envs)

    def _inexact(self) -> SegueError:
        spec = self._recorded[0].unwrapped.spec
        name = spec.id if spec is not None else type(self._recorded[0].unwrapped).__name__
        return SegueError(
            f"{name} cannot be resumed exactly, since what it does does not follow from its "
            "np_random and its actions alone; train it anew."
        )


def _recorded(make: Callable[[], gym.Env[Any, Any]]) -> _Recorded:
    return _Recorded(make())


class _Recorded(gym.Wrapper[Any, Any, Any, Any]):
    """Keeps how the episode of an environment began and what was done since."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self._began: dict[str, Any] | None = None
        self._actions: list[npt.NDArray[Any]] = []
        self._total = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        # A seed sets the generator, whatever its state was.
        generator = None if seed is not None else self._generator_state()
        self._began = {"seed": seed, "options": deepcopy(options), "generator": generator}
        self._actions.clear()
        self._total = 0.0
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self._actions.append(np.array(action))  # A copy: the caller may write over it.
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._total += float(reward)
        return observation, reward, terminated, truncated, info

    def episode(self) -> dict[str, Any]:
        """How the episode began, its actions, and by what its replay is checked."""
        if self._began is None:
            raise ValueError("reset the environment before asking for its state")
        actions = np.stack(self._actions) if self._actions else np.zeros(0)
        return self._began | {
            "actions": actions,
            "return": self._total,
            "generator_now": self._generator_state(),
        }

    def replay(self, episode: Mapping[str, Any]) -> Any:
        """Play an episode again; gives the last observation."""
        if episode["generator"] is not None:
            self.env.unwrapped.np_random.bit_generator.state = episode["generator"]
        observation, _ = self.reset(seed=episode["seed"], options=episode["options"])
        for action in episode["actions"]:
            observation, *_ = self.step(action)
        return observation

    def _generator_state(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.env.unwrapped.np_random.bit_generator.state)


def _equal(one: Any, other: Any) -> bool:
    """Compare nested records, arrays by every entry."""
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and one.keys() == other.keys()
            and all(_equal(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, list | tuple):
        return (
            isinstance(other, list | tuple)
            and len(one) == len(other)
            and all(map(_equal, one, other))
        )
    if isinstance(one, np.ndarray):
        floats = one.dtype.kind == "f"
        return bool(np.array_equal(one, other, equal_nan=floats))
    return bool(one == other) or (one != one and other != other)  # Two NaN are one result.


__all__ = ["ReplayableVectorEnv"]
