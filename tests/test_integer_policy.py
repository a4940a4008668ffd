"""The policy over integers: the same numbers as one-hot vectors, and it learns."""

from __future__ import annotations

from typing import Any

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


def test_the_gradient_is_that_of_the_linear_layer() -> None:
    torch.manual_seed(0)
    extractor = IntegerExtractor(SPACE, width=7, activation=torch.nn.Identity)
    seen = torch.stack([torch.randint(int(size), (50,)) for size in SIZES], dim=1)
    encoded = torch.cat(
        [one_hot(seen[:, k], int(size)) for k, size in enumerate(SIZES)], dim=1
    ).float()
    weights = torch.randn(50, 7)
    (extractor(seen.float()) * weights).sum().backward()
    assert torch.allclose(extractor.rows.weight.grad, encoded.T @ weights, atol=1e-5)


def policies() -> tuple[Any, Any, Any, Any]:
    """A policy, the observations of an env, its masks, and Stable-Baselines3's distribution."""
    venv = lead_sheets(64)
    settings = {"policy": "integers", "n_steps": 8, "batch_size": 64}
    policy: Any = build("maskable-ppo", venv, seed=0, hyperparameters=settings).policy
    with torch.no_grad():
        # Far from even chances, some of them below what a float32 sum of all can show.
        policy.action_net.weight.mul_(500.0)
    venv.seed(0)
    seen = torch.as_tensor(venv.reset())
    masks = np.stack(venv.env_method("action_masks"))
    return policy, seen, masks, policy.get_distribution(seen, masks)


def test_choices_are_judged_as_stable_baselines3_judges_them() -> None:
    policy, seen, masks, distribution = policies()
    actions, values, log_probability = policy(seen, action_masks=masks)
    assert torch.allclose(log_probability, distribution.log_prob(actions), atol=1e-4)
    assert torch.equal(values, policy.predict_values(seen))
    again, judged, entropy = policy.evaluate_actions(seen, actions, action_masks=masks)
    assert torch.equal(again, values)
    assert torch.equal(judged, log_probability)
    assert torch.allclose(entropy, distribution.entropy(), atol=1e-4)
    best, _, _ = policy(seen, deterministic=True, action_masks=masks)
    assert torch.equal(best, distribution.mode())


def test_choices_are_drawn_by_their_chances_and_never_illegal() -> None:
    policy, seen, masks, distribution = policies()
    torch.manual_seed(1)
    draws = 4_000
    counts = np.zeros(masks.shape)
    with torch.no_grad():
        for _ in range(draws):
            actions, _, _ = policy(seen, action_masks=masks)
            counts[np.arange(len(counts)), actions] += 1
    assert not counts[~masks].any()
    chances = distribution.distribution.probs.detach().numpy()
    spread = np.sqrt(chances * (1 - chances) / draws)
    assert (np.abs(counts / draws - chances) <= 5 * spread + 1e-4).all()


@pytest.mark.parametrize("draw", [0.0, 0.5, 1.0 - 2.0**-24])
def test_no_random_number_finds_an_impossible_action(
    draw: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, seen, masks, _ = policies()
    monkeypatch.setattr(torch, "rand", lambda *size: torch.full(size, draw))
    for row in range(masks.shape[1]):
        only = np.zeros_like(masks)
        only[:, row] = True
        actions, _, _ = policy(seen, action_masks=only)
        assert (actions == row).all()
    actions, _, _ = policy(seen, action_masks=masks)
    assert masks[np.arange(len(masks)), actions].all()


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
    settings = {"policy": "integers", "policy_kwargs": {"activation": "gelu"}}
    with pytest.raises(SegueError, match=r"no activation 'gelu'; choose from relu, tanh"):
        build("ppo", lead_sheets(), seed=0, hyperparameters=settings)
    cart = gym.make_vec(
        "CartPole-v1",
        num_envs=2,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": gym.vector.AutoresetMode.SAME_STEP},
    )
    with pytest.raises(SegueError, match="MultiDiscrete"):
        build("ppo", NativeVecEnv(cart), seed=0, hyperparameters={"policy": "integers"})
