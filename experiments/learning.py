"""Training a deep agent: progress, curves on the board, checkpoints between rollouts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import load_env_creator
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger

from segue.agents.deep import NativeVecEnv, save_checkpoint
from segue.agents.deep.maximum_entropy import MaximumEntropy, Temperature
from segue.agents.deep.replayable_env import ReplayableVectorEnv
from segue.envs.base.errors import SegueError
from segue.envs.base.references import resolve_options
from segue.envs.base.vector import SegueVectorEnv
from segue.experiments.board_charts import AGENT, RETURN
from segue.experiments.tensorboard import POINTS, Board

Progress = Callable[[float, str], None]


def make_vector_env(
    env_id: str, num_envs: int, options: Mapping[str, Any]
) -> gym.vector.VectorEnv[Any, Any, Any]:
    """Make many of one environment, with resets in the step that ends an episode.

    Uses the environment's own vector form where it has one, else steps them one after the other.
    Either can tell its state, for a checkpoint.

    Raises
    ------
    SegueError
        For an unknown id, or options that the environment does not take.
    """
    with _told(env_id):
        if _resets_in_step(env_id):
            return gym.make_vec(
                env_id,
                num_envs=num_envs,
                vectorization_mode="vector_entry_point",
                autoreset_mode=AutoresetMode.SAME_STEP,
                **resolve_options(options),
            )
        make = partial(gym.make, env_id, **resolve_options(options))
        return ReplayableVectorEnv([make] * num_envs)


def make_env(env_id: str, options: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """Make one environment.

    Raises
    ------
    SegueError
        For an unknown id, or options that the environment does not take.
    """
    with _told(env_id):
        return gym.make(env_id, disable_env_checker=True, **resolve_options(options))


@contextmanager
def _told(env_id: str) -> Iterator[None]:
    """Say in a sentence why an environment cannot be made."""
    try:
        yield
    except (gym.error.Error, ModuleNotFoundError) as error:
        known = ", ".join(name for name in gym.registry if name.startswith("segue/"))
        raise SegueError(
            f"there is no environment {env_id!r}; segue's own are {known}, and any other id "
            "that Gymnasium knows or module:id can be given."
        ) from error
    except (TypeError, ValueError) as error:
        raise SegueError(f"{env_id} does not take these options: {error}.") from error


def _resets_in_step(env_id: str) -> bool:
    """Tell whether the env's own vector form can reset a row in the step that ends it."""
    module, _, name = env_id.rpartition(":")
    if module:
        import_module(module)
    creator: object = gym.spec(name).vector_entry_point
    if isinstance(creator, str):
        creator = load_env_creator(creator)
    return isinstance(creator, type) and issubclass(creator, SegueVectorEnv)


_TOLD_ELSEWHERE = (
    *("rollout/ep_rew_mean", "time/iterations", "time/time_elapsed", "time/total_timesteps"),
    "time/episodes",
)
"""What Stable-Baselines3 logs that is the curve of the return, or the axis that it is drawn on."""


class _OnBoard(KVWriter):
    """Sends what Stable-Baselines3 logs to the board."""

    def __init__(self, board: Board, every: int) -> None:
        self._board, self._every = board, every

    def write(
        self,
        key_values: dict[str, Any],
        key_excluded: dict[str, tuple[str, ...]],
        step: int = 0,
    ) -> None:
        """Write the numbers among `key_values`."""
        numbers = {
            key: float(value)
            for key, value in key_values.items()
            if isinstance(value, int | float | np.number) and key not in _TOLD_ELSEWHERE
        }
        told = {f"{AGENT}/{key}": value for key, value in numbers.items()}
        self._board.scalars(step, told, self._every)

    def close(self) -> None:
        """Leave the board open; its owner closes it."""


@dataclass
class Curve:
    """Mean return of the episodes that ended lately, after each rollout."""

    steps: list[int] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)


class _Watch(BaseCallback):
    """Between rollouts: curve, board, checkpoint; during them: progress."""

    def __init__(
        self,
        venv: NativeVecEnv,
        board: Board,
        curve: Curve,
        steps: int,
        progress: Progress | None,
        checkpoints: Path | None,
        checkpoint_every: int,
        look: Callable[[int], None] | None,
    ) -> None:
        super().__init__()
        self._venv, self._board, self._curve = venv, board, curve
        self._steps, self._progress = steps, progress
        self._checkpoints, self._every = checkpoints, checkpoint_every
        self._saved, self._look = 0, look
        self._curve_every = max(1, steps // POINTS)

    def _on_training_start(self) -> None:
        self._saved = self.num_timesteps

    def _on_step(self) -> bool:
        if self._progress:
            shown = f"{self.num_timesteps:,} steps"
            if self._curve.returns:
                shown += f", return {self._curve.returns[-1]:.2f}"
            self._progress(min(1.0, self.num_timesteps / self._steps), shown)
        return True

    def _on_rollout_start(self) -> None:
        # Only here, between two rollouts, is a checkpoint exact.
        if self._checkpoints and self.num_timesteps - self._saved >= self._every:
            self.save()
        if self._look:
            self._look(self.num_timesteps)

    def _on_rollout_end(self) -> None:
        recent = self.model.ep_info_buffer
        if recent:
            mean = float(np.mean([episode["r"] for episode in recent]))
            self._curve.steps.append(self.num_timesteps)
            self._curve.returns.append(mean)
            self._board.scalars(self.num_timesteps, {RETURN: mean}, self._curve_every)
            self._board.terms(self.num_timesteps, self._venv.term_means(), self._curve_every)

    def save(self) -> None:
        """Write a checkpoint with the curve so far."""
        assert self._checkpoints is not None
        self._board.flush()
        extra = {"steps": self._curve.steps, "returns": self._curve.returns}
        save_checkpoint(self.model, self._checkpoints, extra)
        self._saved = self.num_timesteps


def learn(
    model: BaseAlgorithm,
    venv: NativeVecEnv,
    board: Board,
    steps: int,
    progress: Progress | None = None,
    checkpoints: Path | None = None,
    checkpoint_every: int = 50_000,
    curve: Curve | None = None,
    temperature: Temperature | None = None,
    look: Callable[[int], None] | None = None,
) -> Curve:
    """Train `model` until it has made `steps` steps in all.

    Parameters
    ----------
    model : BaseAlgorithm
        The agent, new or restored from a checkpoint.
    venv : NativeVecEnv
        Its environment.
    board : Board
        Gets the return, each reward term and what Stable-Baselines3 logs.
    steps : int
        Environment steps in all, counting those already made.
    progress : callable or None
        Called with the share done and a text.
    checkpoints : Path or None
        Folder for checkpoints, every `checkpoint_every` steps and at the end; None writes none.
    curve : Curve or None
        What a resumed run has already seen.
    temperature : Temperature or None
        What the entropy of the agent's choices is worth; None leaves it out.
    look : callable or None
        Called between two rollouts with the steps made; it must change nothing.

    Returns
    -------
    Curve
        Mean return after each rollout.
    """
    curve = curve or Curve()
    watch = _Watch(venv, board, curve, steps, progress, checkpoints, checkpoint_every, look)
    on_board = _OnBoard(board, max(1, steps // POINTS))
    model.set_logger(Logger(folder=None, output_formats=[on_board]))
    left = steps - model.num_timesteps
    if left > 0:
        callbacks: list[BaseCallback] = [watch]
        if temperature is not None:
            callbacks.append(MaximumEntropy(temperature, steps))
        model.learn(left, callback=callbacks, reset_num_timesteps=model.num_timesteps == 0)
        if checkpoints:
            watch.save()
    return curve
