"""Run folders as ``segue train`` leaves them, with returns of one's choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from segue.experiments.run_folder import RunFolder, write_config
from segue.experiments.run_result import RunResult, Scores, write_result
from segue.experiments.train_config import TrainConfig

ENV = "segue/Counterpoint-v0"
APART: Mapping[str, Any] = {
    "env_options": {"generated": 8},
    "test_options": {"generated": 4, "cantus_seed": 1000},
}
"""Other cantus firmi are drawn for the tests; Fux's own six are in either bank."""


def write_run(
    folder: Path,
    returns: Sequence[float],
    agent: str = "ppo",
    seed: int = 0,
    env: str = ENV,
    result: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Path:
    """Write the settings and the result of a run."""
    count = len(returns)
    given: dict[str, Any] = {"steps": 64, "num_envs": 1, "eval_episodes": count}
    given |= {**APART, **settings}
    config = TrainConfig(env, agent, seed=seed, **given)
    kept = RunResult(
        env=env,
        agent=agent,
        seed=seed,
        steps=64,
        seconds=2.0,
        test_seeds=tuple(range(config.eval_seed, config.eval_seed + count)),
        returns=tuple(returns),
        baselines={"random": Scores((0.5,) * count), "greedy": Scores((2.5,) * count)},
        bounds=(4.0,) * count,
        exact=True,
        curve_steps=(16, 64),
        curve_returns=(0.0, float(seed)),
    )
    folder.mkdir(parents=True)
    write_config(RunFolder(folder), config)
    write_result(folder, replace(kept, **(result or {})))
    return folder
