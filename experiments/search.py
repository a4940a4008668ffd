"""Search for the hyperparameters of a deep agent: ``python -m segue.experiments.search``.

Random search (Bergstra & Bengio 2012) by successive halving (Jamieson & Talwalkar 2016): many
settings with few steps, the best quarter of them with all steps and more seeds. They are judged on
pieces, bins or scenes that neither training nor the tests of `segue train` see, with seeds of
their own. Writes what was tried, and the settings as ``<env>__<agent>.yaml``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium as gym
import numpy as np
import torch
import yaml
from gymnasium import spaces

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments.evaluation import evaluate, model_action
from segue.experiments.learning import learn, make_env
from segue.experiments.progress import progress_bar
from segue.experiments.tensorboard import Board
from segue.experiments.train import make_agent
from segue.experiments.train_config import TrainConfig

Progress = Callable[[float, str], None]

FIRST_SEED = 1_000
"""Of the agents of a search; those of results are lower."""
VALIDATION_SEED = 50_000
"""First seed of the episodes that they are judged on."""
VALIDATION_BANK = 2_000
"""Seed of the pieces, bins or scenes of these episodes; tests have 1,000."""
EPISODES = 40
SEEDS = 3
"""Of the settings that are tried with all steps."""
KEPT = 0.25
"""Share of the settings that are."""
SHORT = 0.25
"""Share of the steps before that."""


def draw(agent: str, space: spaces.Space[Any], generator: np.random.Generator) -> dict[str, Any]:
    """Draw settings: ``num_envs`` and ``hyperparameters`` of a `TrainConfig`.

    Parameters
    ----------
    agent : str
        ppo, maskable-ppo, a2c or dqn.
    space : gymnasium.Space
        What is observed.
    generator : numpy.random.Generator
        Draws.
    """

    def one_of(*values: Any) -> Any:
        return values[generator.integers(len(values))]

    def between(low: float, high: float) -> float:
        """Draw evenly on the logarithmic scale, with two digits."""
        value = np.exp(generator.uniform(np.log(low), np.log(high)))
        return float(f"{value:.2g}")

    width = one_of(64, 128, 256)
    found: dict[str, Any] = {
        "learning_rate": between(1e-4, 5e-3),
        "gamma": one_of(0.9, 0.95, 0.98, 0.99, 1.0),
        "policy_kwargs": {"net_arch": [width, width]},
    }
    if isinstance(space, spaces.MultiDiscrete):
        found["policy"] = "integers"
    if agent == "dqn":
        found |= {
            "buffer_size": 100_000,
            "learning_starts": 2_000,
            "batch_size": one_of(64, 128, 256),
            "train_freq": 1,
            "gradient_steps": one_of(1, 2, 4),
            "target_update_interval": one_of(500, 2_000, 8_000),
            "exploration_fraction": one_of(0.1, 0.3, 0.5),
            "exploration_final_eps": one_of(0.01, 0.05),
            "n_steps": one_of(1, 3, 5),
        }
        return {"num_envs": 16, "hyperparameters": found}
    num_envs, n_steps = 64, one_of(8, 16, 32) if agent == "a2c" else one_of(32, 64, 128)
    found |= {
        "n_steps": n_steps,
        "gae_lambda": one_of(0.8, 0.9, 0.95, 1.0),
        "ent_coef": between(1e-4, 3e-2),
    }
    if agent != "a2c":
        batches = one_of(2, 4, 8)
        found |= {"batch_size": num_envs * n_steps // batches, "n_epochs": one_of(2, 4, 8)}
    return {"num_envs": num_envs, "hyperparameters": found}


def validation_options(config: TrainConfig) -> dict[str, Any]:
    """Give the test options with another seed of the bank, where there is one."""
    return {
        name: VALIDATION_BANK if name.endswith("_seed") else value
        for name, value in config.test_options.items()
    }


def score(config: TrainConfig) -> float:
    """Train by these settings and give the mean return on the validation episodes.

    Settings that fail, such as values that grow beyond bounds, are worth minus infinity.
    """
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder, Board(Path(folder)) as board:
        model, venv = make_agent(config, config.num_envs)
        try:
            learn(model, venv, board, config.steps)
        except (ValueError, RuntimeError):
            return float("-inf")
        env = make_env(config.env, {**config.env_options, **validation_options(config)})
        seeds = range(VALIDATION_SEED, VALIDATION_SEED + EPISODES)
        return evaluate(env, config.agent, model_action(model), seeds).mean


def search(
    base: TrainConfig,
    tries: int,
    judge: Callable[[Sequence[TrainConfig]], Iterable[float]],
    tell: Progress | None = None,
) -> tuple[TrainConfig, list[dict[str, Any]]]:
    """Find settings.

    Parameters
    ----------
    base : TrainConfig
        Environment, agent, steps and everything else that is not drawn.
    tries : int
        Settings drawn.
    judge : callable
        Gives what settings are worth, one after the other; `score` of each.
    tell : callable or None
        Called with the share done and a text.

    Returns
    -------
    TrainConfig
        The best settings by the mean over `SEEDS` seeds.
    list of dict
        ``settings``, ``short`` (return with few steps) and ``full`` (returns with all steps, or
        empty) of each, the best first.
    """
    space = make_env(base.env, base.env_options).observation_space
    generator = np.random.default_rng(FIRST_SEED)
    drawn = [draw(base.agent, space, generator) for _ in range(tries)]
    tried: list[dict[str, Any]] = [{"settings": one, "full": []} for one in drawn]
    short = [
        replace(base, seed=FIRST_SEED, steps=round(SHORT * base.steps), **one) for one in drawn
    ]
    for number, value in enumerate(judge(short)):
        tried[number]["short"] = value
        if tell:
            tell(0.5 * (number + 1) / tries, f"return {value:.3f}")
    tried.sort(key=lambda record: -record["short"])
    kept = tried[: max(1, round(KEPT * tries))]
    long = [
        replace(base, seed=FIRST_SEED + 1 + seed, **record["settings"])
        for record in kept
        for seed in range(SEEDS)
    ]
    for number, value in enumerate(judge(long)):
        kept[number // SEEDS]["full"].append(value)
        if tell:
            tell(0.5 + 0.5 * (number + 1) / len(long), f"return {value:.3f}")
    tried.sort(key=lambda record: -np.mean(record["full"] or [-np.inf]))
    return replace(base, **tried[0]["settings"]), tried


def settings_yaml(config: TrainConfig, source: str) -> str:
    """Write the settings that differ from the usual ones as YAML, with a line on their source."""
    usual = vars(TrainConfig(config.env, config.agent))
    kept = {
        name: _plain(value)
        for name, value in vars(config).items()
        if value != usual[name] and name not in ("env", "agent", "seed")
    }
    return f"# {source}\n" + yaml.safe_dump(kept, sort_keys=False, default_flow_style=None)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def main(arguments: Sequence[str] | None = None) -> None:
    """Search for one agent on one environment."""
    parser = argparse.ArgumentParser(prog="python -m segue.experiments.search", description=__doc__)
    parser.add_argument("env", help="Gymnasium id, such as segue/LeadSheet-v0")
    parser.add_argument("agent", choices=("ppo", "maskable-ppo", "a2c", "dqn"))
    parser.add_argument("--steps", type=int, default=100_000, help="of a full training")
    parser.add_argument("--tries", type=int, default=16)
    parser.add_argument("--workers", type=int, default=None, help="processes; default one a core")
    parser.add_argument("--test", type=json.loads, default={}, help="test options, as JSON")
    parser.add_argument("--options", type=json.loads, default={}, help="env options, as JSON")
    parser.add_argument("--out", type=Path, default=Path("runs/search"))
    given = parser.parse_args(arguments)
    base = TrainConfig(
        given.env, given.agent, given.steps, env_options=given.options, test_options=given.test
    )
    began = time.perf_counter()
    try:
        with (
            ProcessPoolExecutor(given.workers or os.cpu_count(), get_context("spawn")) as pool,
            progress_bar(f"{base.env} {base.agent}") as tell,
        ):
            best, tried = search(base, given.tries, partial(pool.map, score), tell)
    except (SegueError, gym.error.Error) as error:
        sys.exit(f"segue: {error}")
    given.out.mkdir(parents=True, exist_ok=True)
    name = f"{given.env.rpartition(':')[2].replace('/', '-')}__{given.agent}"
    command = f"search {given.env} {given.agent} --steps {given.steps} --tries {given.tries}"
    source = f"The best of {given.tries}: python -m segue.experiments.{command}"
    record = {"command": command, "seconds": time.perf_counter() - began, "tried": tried}
    for path, text in (
        (given.out / f"{name}.yaml", settings_yaml(best, source)),
        (given.out / f"{name}.json", json.dumps(record, indent=1) + "\n"),
    ):
        with atomic_path(path) as temporary:
            temporary.write_text(text)
        print(path)


if __name__ == "__main__":
    main()
