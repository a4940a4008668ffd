"""`segue train` and `segue evaluate`: one agent on one environment, in a run folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym
from sb3_contrib.common.maskable.utils import is_masking_supported
from stable_baselines3.common.base_class import BaseAlgorithm

from segue.agents.deep import NativeVecEnv, build, load_checkpoint, save_checkpoint
from segue.agents.deep.maximum_entropy import Temperature
from segue.agents.tabular import QTable, load_newest
from segue.envs.base.errors import SegueError
from segue.experiments.beginning import Begun, begin
from segue.experiments.board_charts import IMITATION, RETURN
from segue.experiments.evaluation import (
    Act,
    baselines,
    episode_bounds,
    evaluate,
    model_action,
)
from segue.experiments.learning import Curve, learn, make_env, make_vector_env
from segue.experiments.manifest import write_manifest
from segue.experiments.run_board import RunBoard
from segue.experiments.run_folder import RunFolder, read_config, write_config
from segue.experiments.tabular_training import TabularTraining
from segue.experiments.tensorboard import Board
from segue.experiments.train_config import (
    IMITATORS,
    NEED_DEMONSTRATIONS,
    TABULAR,
    TrainConfig,
    check_agent,
)
from segue.experiments.train_result import TrainResult
from segue.experiments.training_sources import demonstration_sources

Progress = Callable[[float, str], None]

ROLLOUT_AGENTS = ("a2c", "maskable-ppo", "ppo")
"""Agents that learn from rollouts, which entropy can be added to."""


@dataclass(frozen=True)
class _Learnt:
    """A trained agent: how it acts, the steps that it has made, its return on the way, and how
    well it imitates.
    """

    act: Act
    steps: int
    curve: Curve = field(default_factory=Curve)
    agreement: Mapping[str, float] = field(default_factory=dict)


def train(
    config: TrainConfig,
    out: Path | None,
    command: Sequence[str],
    progress: Progress | None = None,
    compared: bool = True,
) -> TrainResult:
    """Train in a new run folder (`out`, or one under ``runs/``), then evaluate.

    With `compared`, random and greedy play the test episodes too, and their bounds are told.
    """
    check_trainable(config)
    shown = Path(config.demonstrations)
    sources = demonstration_sources(shown) if config.demonstrations else []
    if out is not None and (out / "checkpoints").is_dir():
        # Its checkpoints would be taken for this run's when it is resumed.
        raise SegueError(f"{out} holds a run already; name another folder, or --resume {out}.")
    folder = RunFolder.create(None, config.env, config.agent, config.seed, out)
    write_config(folder, config)
    write_manifest(folder, command=command, seed=config.seed, config=vars(config), sources=sources)
    return _run(config, folder, progress, resumed=False, compared=compared)


def check_trainable(config: TrainConfig) -> None:
    """Refuse what cannot work, before a folder is made.

    Raises
    ------
    SegueError
        If a setting is out of its range, or environment and agent cannot be made by the settings.
    """
    _check(config)
    make_test_env(config).close()
    if config.agent in TABULAR:
        TabularTraining(config, make_test_env(config))
    else:
        make_agent(config, num_envs=1)


def resume(
    path: Path, steps: int | None, progress: Progress | None = None, compared: bool = True
) -> TrainResult:
    """Go on with the run in `path` up to `steps` (its own number unless given)."""
    if not (path / "config.yaml").is_file():
        raise SegueError(f"{path} is no run folder; name a folder that segue train wrote.")
    folder = RunFolder(path)
    config = read_config(folder, TrainConfig)
    if steps is not None:
        config = TrainConfig(**{**vars(config), "steps": steps})
        write_config(folder, config)
    return _run(config, folder, progress, resumed=True, compared=compared)


def _check(config: TrainConfig) -> None:
    check_agent(config.agent)
    if config.steps < 1 or config.seed < 0:
        raise SegueError(
            f"steps is {config.steps} and seed {config.seed}; give at least one step and a seed "
            "from 0 on."
        )
    if config.agent in NEED_DEMONSTRATIONS and not config.demonstrations:
        raise SegueError(
            f"{config.agent} learns from demonstrations and none are named; give a folder that "
            "segue demonstrations wrote with --demonstrations."
        )
    if config.agent in TABULAR and config.demonstrations:
        raise SegueError(f"{config.agent} takes no demonstrations; choose dqfd, bc or gail.")
    if config.temperature and (len(config.temperature) != 2 or min(config.temperature) < 0):
        raise SegueError(
            f"temperature is {list(config.temperature)}; give two from 0 on, or none: []."
        )
    if config.temperature and config.agent not in ROLLOUT_AGENTS:
        raise SegueError(
            f"{config.agent} has no temperature; leave it out, or choose from "
            f"{', '.join(ROLLOUT_AGENTS)}."
        )


def _run(
    config: TrainConfig,
    folder: RunFolder,
    progress: Progress | None,
    resumed: bool,
    compared: bool,
) -> TrainResult:
    began = time.perf_counter()
    runner = _imitator if config.agent in IMITATORS else _deep
    runner = _tabular if config.agent in TABULAR else runner
    with ExitStack() as boards:
        learnt, board = runner(config, folder, boards, progress, resumed, compared)
        seconds = time.perf_counter() - began
        result = _evaluated(config, folder.path, learnt, seconds, progress, compared)
        board.end(result, learnt.act)
    # Last, since it tells that the run is finished.
    result.keep(config, goes_on=resumed)
    return result


def _tabular(
    config: TrainConfig,
    folder: RunFolder,
    boards: ExitStack,
    progress: Progress | None,
    resumed: bool,
    shown: bool,
) -> tuple[_Learnt, RunBoard]:
    """Train a table on the run's one task."""
    training = TabularTraining(config, make_test_env(config))
    table = training.start(folder.checkpoints, resumed)
    begun = table.steps if table else None
    board = RunBoard(config, folder, resumed, begun, training.settings, shown)
    boards.enter_context(board)

    def report(now: QTable) -> None:
        board.scalars(now.steps, {RETURN: float(now.curve[-1])}, board.every)
        board.scalars(now.steps, training.told(now), board.every)
        board.look(now.steps, training.act(now))
        if progress:
            share = min(1.0, now.steps / config.steps)
            progress(share, f"{now.episodes:,} episodes, return {now.curve[-1]:.2f}")

    table = training.train(table, folder.checkpoints, report)
    return _Learnt(training.act(table), table.steps), board


def _deep(
    config: TrainConfig,
    folder: RunFolder,
    boards: ExitStack,
    progress: Progress | None,
    resumed: bool,
    shown: bool,
) -> tuple[_Learnt, RunBoard]:
    """Train a Stable-Baselines3 agent."""
    model, venv = make_agent(config, config.num_envs)
    curve = Curve()
    # A run that was stopped before its first checkpoint begins anew, which is the same.
    goes_on = resumed and any(folder.checkpoints.glob("checkpoint-*"))
    if goes_on:
        curve = Curve(**load_checkpoint(model, folder.checkpoints))
    begun = model.num_timesteps if goes_on else None
    board = RunBoard(config, folder, resumed, begun, model, shown)
    boards.enter_context(board)
    act = model_action(model)
    if not goes_on:
        _show(board, begin(model, config, progress))
    learn(
        model,
        venv,
        board,
        config.steps,
        progress,
        folder.checkpoints,
        config.checkpoint_every,
        curve,
        Temperature(*config.temperature) if config.temperature else None,
        lambda step: board.look(step, act),
    )
    return _Learnt(act, model.num_timesteps, curve), board


def _imitator(
    config: TrainConfig,
    folder: RunFolder,
    boards: ExitStack,
    progress: Progress | None,
    resumed: bool,
    shown: bool,
) -> tuple[_Learnt, RunBoard]:
    """Let an agent imitate that never learns from reward."""
    model, _ = make_agent(config, config.num_envs)
    goes_on = resumed and any(folder.checkpoints.glob("checkpoint-*"))
    board = RunBoard(config, folder, resumed, 0 if goes_on else None, model, shown)
    boards.enter_context(board)
    if goes_on:
        agreement = load_checkpoint(model, folder.checkpoints)
    else:
        begun = begin(model, config, progress)
        _show(board, begun)
        agreement = dict(begun.agreement)
        save_checkpoint(model, folder.checkpoints, agreement)
    return _Learnt(model_action(model), 0, agreement=agreement), board


def _show(board: Board, begun: Begun) -> None:
    """Nats of a demonstrated decision, or regret by the expert, before any reward."""
    for number, value in enumerate(begun.losses):
        board.scalars(number, {f"{IMITATION}/loss": value})


def make_agent(config: TrainConfig, num_envs: int) -> tuple[BaseAlgorithm, NativeVecEnv]:
    """Build the agent on its environment.

    Raises
    ------
    SegueError
        When the agent cannot act in the environment.
    """
    venv = NativeVecEnv(make_vector_env(config.env, num_envs, config.env_options))
    if config.agent.startswith("maskable") and not is_masking_supported(venv):
        raise SegueError(f"{config.env} has no action masks; choose ppo instead of {config.agent}.")
    try:
        hyperparameters = config.hyperparameters
        return build(config.agent, venv, seed=config.seed, hyperparameters=hyperparameters), venv
    except (AssertionError, ValueError) as error:
        reason = (str(error).splitlines() or ["unsuitable spaces"])[0].rstrip(".")
        raise SegueError(
            f"{config.agent} cannot act in {config.env} ({reason}); choose another agent."
        ) from error


def make_test_env(config: TrainConfig) -> gym.Env[Any, Any]:
    """Make the environment that the run is tested on.

    Raises
    ------
    SegueError
        For an unknown id or options that it does not take.
    """
    return make_env(config.env, {**config.env_options, **config.test_options})


def _evaluated(
    config: TrainConfig,
    run: Path,
    learnt: _Learnt,
    seconds: float,
    progress: Progress | None,
    compared: bool = True,
) -> TrainResult:
    env = make_test_env(config)
    seeds = range(config.eval_seed, config.eval_seed + config.eval_episodes)
    evaluation = evaluate(env, config.agent, learnt.act, seeds, progress)
    others = baselines(env, seeds) if compared else []
    bounds = episode_bounds(env, seeds) if compared else None
    return TrainResult(
        run, learnt.steps, seconds, evaluation, others, bounds, learnt.curve, learnt.agreement
    )


def evaluate_run(path: Path, episodes: int | None, progress: Progress | None = None) -> TrainResult:
    """Evaluate the newest checkpoint of a run on its test episodes.

    With as many episodes as the run's settings say, its stored result is written anew.
    """
    if not (path / "config.yaml").is_file():
        raise SegueError(f"{path} is no run folder; name a folder that segue train wrote.")
    folder = RunFolder(path)
    config = read_config(folder, TrainConfig)
    usual = episodes in (None, config.eval_episodes)
    if episodes is not None:
        config = TrainConfig(**{**vars(config), "eval_episodes": episodes})
    if config.agent in TABULAR:
        table = load_newest(QTable, folder.checkpoints)
        act = TabularTraining(config, make_test_env(config)).act(table)
        learnt = _Learnt(act, table.steps)
    else:
        learnt = _restored(config, folder)
    result = _evaluated(config, path, learnt, 0.0, progress)
    if usual and os.access(path, os.W_OK):
        result.keep(config, goes_on=True)
    return result


def _restored(config: TrainConfig, folder: RunFolder) -> _Learnt:
    """Read the newest checkpoint of a deep agent."""
    model, _ = make_agent(config, config.num_envs)
    kept, act = load_checkpoint(model, folder.checkpoints, to_learn=False), model_action(model)
    if config.agent in IMITATORS:
        return _Learnt(act, 0, agreement=kept)
    return _Learnt(act, model.num_timesteps, Curve(**kept))
