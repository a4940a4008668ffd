"""Trains an environment of segue, as it is, with rl-zoo3.

``pip install segue[strangers]`` installs rl-zoo3. Its own command line does the same training:

    python -m rl_zoo3.train --algo ppo --env segue/LeadSheet-v0 --gym-packages segue.envs \
        --conf-file docs/examples/rl_zoo3_ppo.yml --env-kwargs bars:2 pieces:1 --num-threads 1

This script calls what that command calls, and then tests the agent, which the command leaves in a
zip that cannot be read without trusting it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import gymnasium as gym
import torch
from rl_zoo3.exp_manager import ExperimentManager
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import set_random_seed

import segue.envs  # noqa: F401 (registers the ids)
from segue.experiments.evaluation import (
    TEST_SEED,
    baselines,
    episode_bounds,
    evaluate,
    model_action,
)

ENV = "segue/LeadSheet-v0"
OPTIONS = {"bars": 2, "pieces": 1}
SETTINGS = Path(__file__).with_name("rl_zoo3_ppo.yml")


def train(folder: Path, steps: int = -1, seed: int = 0) -> BaseAlgorithm:
    """Train with PPO; the number of steps is that of the settings unless it is given."""
    set_random_seed(seed)
    manager = ExperimentManager(
        argparse.Namespace(algo="ppo", env=ENV, seed=seed),
        "ppo",
        ENV,
        str(folder),
        n_timesteps=steps,
        eval_freq=-1,
        env_kwargs=OPTIONS,
        seed=seed,
        log_interval=-2,
        verbose=0,
        device="cpu",
        config=str(SETTINGS),
    )
    prepared = manager.setup_experiment()
    assert prepared is not None
    model, _ = prepared
    manager.learn(model)
    return model


def main() -> None:
    """Train, then play the most probable actions beside random ones and the optimum."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=-1, help="default: as in the settings")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        model = train(Path(folder), given.steps, given.seed)
    test = gym.make(ENV, **OPTIONS)
    seeds = range(TEST_SEED, TEST_SEED + 20)
    agent = evaluate(test, "rl-zoo3's PPO", model_action(model), seeds)
    for result in (agent, *baselines(test, seeds)):
        print(f"{result.name}: {result.mean:.2f}")
    bound = episode_bounds(test, seeds)
    assert bound is not None
    print(f"exact optimum: {bound.mean:.2f}")


if __name__ == "__main__":
    main()
