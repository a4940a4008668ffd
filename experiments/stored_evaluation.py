"""Testing models that Stable-Baselines3 saved itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from segue.agents.deep import NativeVecEnv
from segue.agents.deep.stored_model import STORED, load_zip
from segue.envs.base.errors import SegueError
from segue.experiments.evaluation import (
    TEST_SEED,
    baselines,
    episode_bounds,
    evaluate,
    model_action,
)
from segue.experiments.learning import Curve, make_vector_env
from segue.experiments.train import make_test_env
from segue.experiments.train_config import default_config
from segue.experiments.train_result import TrainResult

Progress = Callable[[float, str], None]


def evaluate_zip(
    path: Path,
    env: str | None,
    agent: str | None,
    trust: bool,
    episodes: int | None,
    progress: Progress | None = None,
) -> TrainResult:
    """Test a zip file of Stable-Baselines3 on the test episodes of an environment.

    Parameters
    ----------
    path : Path
        The file.
    env, agent : str or None
        What it was trained on, and the algorithm.
    trust : bool
        Whether its maker may run code here; see `segue.agents.deep.stored_model`.
    episodes : int or None
        Test episodes; None is what the environment's settings say.
    progress : callable or None
        Called with the share done and a text.

    Raises
    ------
    SegueError
        If something is missing, or the file is refused.
    """
    if env is None or agent is None:
        raise SegueError(f"{path} does not tell what it was trained for; give --env and --agent.")
    if agent not in STORED:
        raise SegueError(f"{path} cannot be of {agent!r}; choose one of {', '.join(STORED)}.")
    config = default_config(env, agent)
    if episodes is not None:
        config = replace(config, eval_episodes=episodes)
    venv = NativeVecEnv(make_vector_env(config.env, 1, config.env_options))
    model = load_zip(path, agent, venv, trust=trust)
    test, seeds = make_test_env(config), range(TEST_SEED, TEST_SEED + config.eval_episodes)
    return TrainResult(
        run=path,
        steps=model.num_timesteps,
        seconds=0.0,
        evaluation=evaluate(test, agent, model_action(model), seeds, progress),
        others=baselines(test, seeds),
        bounds=episode_bounds(test, seeds),
        curve=Curve(),
        agreement={},
    )


__all__ = ["evaluate_zip"]
