"""Checkpoints of deep agents, as `segue.agents.deep.checkpoint_files` keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from segue.agents.deep.algorithm_state import algorithm_state, restore_algorithm
from segue.agents.deep.checkpoint_files import read_checkpoints, write_checkpoint
from segue.envs.base.errors import SegueError


def save_checkpoint(model: BaseAlgorithm, folder: Path, extra: Mapping[str, Any]) -> Path:
    """Write a checkpoint and keep the one before it.

    Every agent goes on exactly when this is called between two rollouts, e.g. in a callback's
    ``_on_rollout_start``, and the env is a `NativeVecEnv` whose vector env has ``state_dict`` and
    ``load_state_dict``; other envs begin new episodes. Of DQN the filled part of the replay buffer
    is kept too, so that a checkpoint may be as large as the buffer.

    What an interrupted save left behind is removed. Equal runs write equal files.

    Parameters
    ----------
    model : stable_baselines3.common.base_class.BaseAlgorithm
        The agent.
    folder : pathlib.Path
        Where checkpoints lie; made if missing.
    extra : mapping of str to Any
        More to keep: numbers, strings, lists, dicts, arrays.

    Returns
    -------
    pathlib.Path
        The new checkpoint's folder.

    Raises
    ------
    SegueError
        If `extra` holds something else, the agent has parts that no checkpoint keeps, or the disk
        is full or refuses; the checkpoints that were there stay.
    """
    return write_checkpoint(folder, type(model).__name__, algorithm_state(model), extra)


def load_checkpoint(model: BaseAlgorithm, folder: Path, to_learn: bool = True) -> dict[str, Any]:
    """Put a model into the state of the newest whole checkpoint.

    To go on, call ``model.learn(steps_left, reset_num_timesteps=False)``.

    Parameters
    ----------
    model : stable_baselines3.common.base_class.BaseAlgorithm
        Built as the saved one was, on an env like its; not changed if nothing fits.
    folder : pathlib.Path
        Where `save_checkpoint` wrote.
    to_learn : bool
        False for an agent that shall only act: its replay buffer, its env and the random states
        stay as they are.

    Returns
    -------
    dict
        The `extra` that was saved.

    Raises
    ------
    SegueError
        If there is no whole checkpoint, it is of another agent or shape, or its env cannot be
        brought to where it was.

    Warns
    -----
    UserWarning
        For each damaged checkpoint that is passed over.
    """
    for path, tree in read_checkpoints(folder):
        if tree["class"] != type(model).__name__:
            raise SegueError(
                f"{path} is a checkpoint of {tree['class']}, not of {type(model).__name__}; "
                "build the agent that was saved."
            )
        try:
            restore_algorithm(model, tree["model"], to_learn)
        except SegueError:
            raise
        # Whole it is, so that only another agent, other settings or a forger can be behind it.
        except Exception as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise SegueError(
                f"{path} does not fit the agent ({reason}); "
                "build it with the saved run's env and hyperparameters."
            ) from error
        extra: dict[str, Any] = tree["extra"]
        return extra
    raise SegueError(f"{folder} holds no whole checkpoint; name the folder of a saved run.")


__all__ = ["load_checkpoint", "save_checkpoint"]
