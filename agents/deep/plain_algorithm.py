"""An agent that is not of Stable-Baselines3 in the form of one, so that every verb takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import MaybeCallback
from stable_baselines3.common.utils import is_vectorized_observation
from stable_baselines3.common.vec_env import VecEnv

from segue.agents.registry import AgentSpec, MakeAgent, OwnAgent, Surroundings, Transition
from segue.envs.base.errors import SegueError

ROLLOUT = 16
"""Steps of every environment between two moments that a checkpoint may be taken at."""


class _NoPolicy(BasePolicy):
    """Stands where Stable-Baselines3 keeps its networks."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        raise NotImplementedError


class PlainAlgorithm(BaseAlgorithm):
    """Runs an `OwnAgent` in the environments of `VecEnv`.

    Parameters
    ----------
    spec : AgentSpec
        Makes the agent.
    env : stable_baselines3.common.vec_env.VecEnv
        Where it learns.
    seed : int
        Of the agent, the environments and all random states.
    hyperparameters : mapping of str to Any
        Keyword arguments for `spec.make`.

    Raises
    ------
    SegueError
        If the agent cannot be made with these, or lacks a method.
    """

    def __init__(
        self, spec: AgentSpec, env: VecEnv, *, seed: int, hyperparameters: Mapping[str, Any]
    ) -> None:
        # Without the env, which would be wrapped to turn pictures about.
        super().__init__(_NoPolicy, None, learning_rate=0.0, device="cpu", seed=seed)
        self.spec = spec
        self.env, self.n_envs = env, env.num_envs
        self.observation_space, self.action_space = env.observation_space, env.action_space
        self.masked = bool(getattr(env.unwrapped, "has_masks", False))
        torch.set_num_threads(1)
        self.set_random_seed(seed)
        self.agent = self._made(hyperparameters)
        self._setup_model()
        self.set_logger(Logger(folder=None, output_formats=[]))

    def _made(self, hyperparameters: Mapping[str, Any]) -> OwnAgent:
        assert self.seed is not None
        where = Surroundings(
            self.observation_space, self.action_space, self.n_envs, self.masked, self.seed
        )
        try:
            make = cast("MakeAgent", self.spec.make)
            agent = make(where, **hyperparameters)
        except TypeError as error:
            raise SegueError(
                f"The agent {self.spec.name!r} cannot be made with the hyperparameters "
                f"{dict(hyperparameters)} ({error}); give others."
            ) from error
        for method in ("act", "learn", "state", "load_state"):
            if not callable(getattr(agent, method, None)):
                raise SegueError(
                    f"The agent {self.spec.name!r} has no method {method!r}; see "
                    "segue.agents.registry.OwnAgent."
                )
        return agent

    def _setup_model(self) -> None:
        self.policy = _NoPolicy(self.observation_space, self.action_space)

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int = 1,
        tb_log_name: str = "",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> PlainAlgorithm:
        """Act and learn for so many environment steps, rounded up to whole rollouts."""
        total, watch = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        watch.on_training_start(locals(), globals())
        goes_on = True
        while goes_on and self.num_timesteps < total:
            watch.on_rollout_start()
            for _ in range(ROLLOUT):
                goes_on = self._step(watch)
                if not goes_on:
                    break
            watch.on_rollout_end()
        watch.on_training_end()
        return self

    def _step(self, watch: BaseCallback) -> bool:
        assert self.env is not None
        seen: Any = self._last_obs
        rows = self.env.env_method("action_masks") if self.masked else None
        # The rows are views that the next step writes over.
        masks = None if rows is None else np.array(rows, dtype=np.bool_)
        actions = np.asarray(self.agent.act(seen, masks, True))
        following, rewards, dones, infos = self.env.step(actions)
        self.num_timesteps += self.n_envs
        self._update_info_buffer(infos, dones)
        cut = np.array([info.get("TimeLimit.truncated", False) for info in infos], np.bool_)
        last = _with_last(following, dones, infos)
        self.agent.learn(Transition(seen, masks, actions, rewards, dones & ~cut, dones & cut, last))
        self._last_obs, self._last_episode_starts = cast("Any", following), dones
        return watch.on_step()

    def predict(
        self,
        observation: Any,
        state: tuple[np.ndarray[Any, Any], ...] | None = None,
        episode_start: np.ndarray[Any, Any] | None = None,
        deterministic: bool = False,
        action_masks: np.ndarray[Any, Any] | None = None,
    ) -> tuple[np.ndarray[Any, Any], tuple[np.ndarray[Any, Any], ...] | None]:
        """Choose for one observation or for a batch, as Stable-Baselines3 does."""
        many = is_vectorized_observation(_array(observation), self.observation_space)
        batch = observation if many else _stacked(observation)
        masks = None if action_masks is None else np.asarray(action_masks, np.bool_)
        if masks is not None and not many:
            masks = masks.reshape(1, -1)
        actions = np.asarray(self.agent.act(batch, masks, not deterministic))
        return (actions if many else actions[0]), state

    def own_state(self) -> dict[str, Any]:
        """State of the agent, for a checkpoint."""
        return {"agent": self.spec.name, "state": dict(self.agent.state())}

    def load_own_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `own_state` gave."""
        if state["agent"] != self.spec.name:
            raise ValueError(f"it is of the agent {state['agent']!r}")
        self.agent.load_state(state["state"])


def _array(observation: Any) -> Any:
    if isinstance(observation, dict):
        return {key: np.asarray(part) for key, part in observation.items()}
    return np.asarray(observation)


def _stacked(observation: Any) -> Any:
    """One observation as a batch of one."""
    if isinstance(observation, dict):
        return {key: np.asarray(part)[None] for key, part in observation.items()}
    return np.asarray(observation)[None]


def _with_last(following: Any, dones: Any, infos: list[dict[str, Any]]) -> Any:
    """Observations after a step, those of ended episodes being their last ones."""
    rows = np.flatnonzero(dones)
    if not len(rows):
        return following
    if isinstance(following, dict):
        last = {key: part.copy() for key, part in following.items()}
        for row in rows:
            for key, part in last.items():
                part[row] = infos[row]["terminal_observation"][key]
        return last
    last = following.copy()
    for row in rows:
        last[row] = infos[row]["terminal_observation"]
    return last


__all__ = ["PlainAlgorithm"]
