"""Who plays the episodes that are to be recorded, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from segue.agents.deep import load_checkpoint
from segue.agents.demonstrations import Player, play_greedy, play_optimum, play_random
from segue.agents.demonstrations.recording import choice_sizes
from segue.agents.tabular import QTable, load_newest
from segue.envs.base.errors import SegueError
from segue.experiments.evaluation import Act, model_action
from segue.experiments.keyboard import Person
from segue.experiments.learning import make_env
from segue.experiments.run_folder import RunFolder, read_config
from segue.experiments.tabular_training import TabularTraining
from segue.experiments.train import make_agent, make_test_env
from segue.experiments.train_config import TABULAR, TrainConfig

PLAYERS = ("optimum", "greedy", "random", "person", "corpus")
"""Who can play, beside a trained agent."""


@dataclass(frozen=True)
class Recording:
    """What is to be recorded.

    Attributes
    ----------
    env : str
        Gymnasium id.
    by : str
        One of `PLAYERS`, or the folder of a run that ``segue train`` wrote.
    episodes : int
        How many, >= 1.
    seed : int
        Of the first episode's reset; the next ones have the next seeds.
    options : mapping
        Keyword arguments of the environment, over those of the trained agent's run.
    author, licence : str
        Kept with the episodes; an empty licence is that of the source.
    """

    env: str
    by: str = "optimum"
    episodes: int = 10
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    author: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Stage:
    """Where episodes are played, and by whom.

    Attributes
    ----------
    env : gymnasium.Env
        With discrete actions.
    options : mapping
        Its keyword arguments, but the render mode.
    name : str
        Of the player.
    player : callable or None
        None where episodes are not chosen step by step, as those of a corpus.
    """

    env: gym.Env[Any, Any]
    options: Mapping[str, Any]
    name: str
    player: Player | None


def stage_of(asked: Recording) -> Stage:
    """Make the environment and find who plays.

    Raises
    ------
    SegueError
        If the environment cannot be made or has other than discrete actions, or a trained agent
        is of another one.
    """
    options = dict(asked.options)
    if asked.by not in PLAYERS:
        return _trained(Path(asked.by), asked)
    env = make_env(asked.env, options)
    choice_sizes(env.action_space)
    if asked.by == "person" and "rgb_array" in env.metadata.get("render_modes", ()):
        env.close()
        env = make_env(asked.env, options | {"render_mode": "rgb_array"})
    players: dict[str, Player | None] = {
        "optimum": play_optimum,
        "greedy": play_greedy,
        "random": play_random(np.random.default_rng(asked.seed)),
        "person": Person(),
        "corpus": None,
    }
    return Stage(env, options, asked.by, players[asked.by])


def _trained(run: Path, asked: Recording) -> Stage:
    """Let the newest checkpoint of a run play, with the options that it was trained with."""
    folder = RunFolder(run)
    config = read_config(folder, TrainConfig)
    if config.env != asked.env:
        raise SegueError(
            f"{run} is an agent of {config.env}, not of {asked.env}; record that, or name another "
            "run."
        )
    if config.agent in TABULAR:
        # A table is of one task only, the one that it is tested on.
        options = {**config.env_options, **config.test_options, **asked.options}
        act = TabularTraining(config, make_test_env(config)).act(
            load_newest(QTable, folder.checkpoints)
        )
        env = make_env(asked.env, options)
    else:
        options = {**config.env_options, **asked.options}
        env = make_env(asked.env, options)
        model, _ = make_agent(config, config.num_envs)
        if model.observation_space != env.observation_space:
            raise SegueError(
                f"{run} was trained with other observations; leave out options that change them."
            )
        load_checkpoint(model, folder.checkpoints)
        act = model_action(model)
    return Stage(env, options, run.resolve().name, partial(_act_legally, act, run))


def _act_legally(
    act: Act, run: Path, env: gym.Env[Any, Any], seen: Any, mask: npt.NDArray[np.bool_] | None
) -> Any:
    """Act as a trained agent does; an action that is not legal would be no demonstration."""
    action = act(env, seen, {} if mask is None else {"action_mask": mask})
    sizes = choice_sizes(env.action_space)
    columns = np.atleast_1d(action) + np.cumsum([0, *sizes[:-1]])
    if mask is not None and not mask[columns].all():
        raise SegueError(
            f"The agent of {run} does not heed masks and took an illegal action; record one that "
            "does, such as maskable-ppo."
        )
    return action
