"""The policy over integers: the same numbers as one-hot vectors, and it learns."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch.nn.functional import one_hot

from segue.agents.deep import NativeVecEnv, build, load_checkpoint, save_checkpoint
from segue.agents.deep.integer_policy import IntegerExtractor
from segue.envs.base.errors import SegueError
from segue.experiments.learning import make_vector_env

SIZES = np.array([3, 5, 2])
SPACE = spaces.Box(0, SIZES - 1, dtype=np.int64)


def lead_sheets(count: int = 16) -> NativeVecEnv:
    return NativeVecEnv(make_vector_env("segue.envs:segue/LeadSheet-v0", count, {"bars": 1}))


def test_the_extractor_is_a_linear_layer_on_one_hot_vectors() -> None:
    torch.manual_seed(0)
    extractor = IntegerExtractor(SPACE, width=7)
    with torch.no_grad():
        extractor.bias.normal_()
    every = torch.cartesian_prod(*(torch.arange(int(size)) for size in SIZES))
    encoded = torch.cat(
        [one_hot(every[:, k], int(size)) for k, size in enumerate(SIZES)], dim=1
    ).float()
    expected = torch.tanh(encoded @ extractor.rows.weight + extractor.bias)
    assert torch.allclose(extractor(every.float()), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["ppo", "a2c", "maskable-ppo"])
def test_it_learns(name: str) -> None:
    torch.set_num_threads(1)
    venv = lead_sheets()
    settings = {"policy": "integers", "n_steps": 8, "learning_rate": 3e-3, "gamma": 0.9}
    if name != "a2c":
        settings |= {"batch_size": 128, "n_epochs": 4}
    agent = build(name, venv, seed=0, hyperparameters=settings)
    agent.learn(1_000)
    early = np.mean([episode["r"] for episode in agent.ep_info_buffer])
    agent.learn(15_000, reset_num_timesteps=False)
    assert np.mean([episode["r"] for episode in agent.ep_info_buffer]) > early + 2.0


def test_a_checkpoint_brings_it_back(tmp_path) -> None:
    settings = {"policy": "integers", "n_steps": 8, "batch_size": 64}
    first = build("maskable-ppo", lead_sheets(), seed=0, hyperparameters=settings)
    first.learn(128)
    save_checkpoint(first, tmp_path, {})
    second = build("maskable-ppo", lead_sheets(), seed=1, hyperparameters=settings)
    load_checkpoint(second, tmp_path)
    seen = np.stack([first.observation_space.sample() for _ in range(32)])
    masks = np.ones((32, 27), dtype=bool)
    played = [a.predict(seen, action_masks=masks, deterministic=True)[0] for a in (first, second)]
    assert np.array_equal(*played)


def test_what_it_cannot_do_is_said() -> None:
    with pytest.raises(SegueError, match="dqn"):
        build("dqn", lead_sheets(), seed=0, hyperparameters={"policy": "integers"})
    cart = gym.make_vec(
        "CartPole-v1",
        num_envs=2,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": gym.vector.AutoresetMode.SAME_STEP},
    )
    with pytest.raises(SegueError, match="MultiDiscrete"):
        build("ppo", NativeVecEnv(cart), seed=0, hyperparameters={"policy": "integers"})
