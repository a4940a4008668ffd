"""Cost-sensitive imitation: agents that learn what every choice is worth."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from segue.agents.deep import NativeVecEnv, build
from segue.agents.deep.advised import AdvisedLearner, Lessons, part_log_probabilities, sizes
from segue.envs.montage.env import MontageVectorEnv


class Situations(gym.Env[np.ndarray, Any]):
    """Four situations, one-hot; what is done in them does not matter here."""

    observation_space = spaces.Box(0, 1, (4,), dtype=np.float32)

    def __init__(self, action_space: spaces.Space[Any]) -> None:
        self.action_space = action_space

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin in the first."""
        return np.eye(4, dtype=np.float32)[0], {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """End at once."""
        return np.eye(4, dtype=np.float32)[0], 0.0, True, False, {}

    def action_masks(self) -> np.ndarray:
        """All is legal."""
        return np.ones(5, dtype=np.bool_)


SPACES = {"one": spaces.Discrete(5), "two": spaces.MultiDiscrete([3, 2])}


def lessons(masks: np.ndarray) -> Lessons:
    """Two parts in each of four situations; the choices of least regret differ."""
    generator = np.random.default_rng(0)
    regrets = generator.uniform(0.5, 2.0, (4, 5)).astype(np.float32)
    for row in range(4):
        regrets[row, row % 3] = 0.0
        regrets[row, 3 + row % 2] = 0.0
    regrets[~masks] = 0.0
    return Lessons(np.eye(4, dtype=np.float32), np.zeros((4, 2), dtype=np.int64), masks, regrets)


def agent(kind: str, name: str) -> OnPolicyAlgorithm:
    classes: dict[str, Any] = {"ppo": PPO, "maskable": MaskablePPO}
    made: OnPolicyAlgorithm = classes[kind](
        "MlpPolicy", Situations(SPACES[name]), n_steps=8, batch_size=8, seed=0
    )
    return made


@pytest.mark.parametrize("kind", ["ppo", "maskable"])
def test_an_agent_comes_to_choose_what_loses_least(kind: str) -> None:
    model, taught = agent(kind, "two"), lessons(np.ones((4, 5), dtype=np.bool_))
    learner = AdvisedLearner(model, taught.scale, updates=300, seed=0)
    first = learner.learn(taught, 20, 16)
    last = [learner.learn(taught, 70, 16) for _ in range(4)][-1]
    assert last < 0.1 * first
    chosen, _ = model.predict(taught.observations, deterministic=True)
    assert chosen.tolist() == [[0, 0], [1, 1], [2, 0], [0, 1]]


def test_regret_is_told_in_its_own_unit() -> None:
    taught = lessons(np.ones((4, 5), dtype=np.bool_))
    parts = np.split(taught.regrets, [3], axis=1)
    by_chance = sum(float(part.mean(axis=1).mean()) for part in parts)
    model = agent("ppo", "two")
    learner = AdvisedLearner(model, taught.scale, updates=1000, seed=0)
    # An agent that knows nothing yet chooses nearly by chance.
    assert learner.learn(taught, 1, 256) == pytest.approx(by_chance, rel=0.1)
    assert taught.scale == pytest.approx(float(taught.regrets.mean()))


def test_what_is_illegal_is_not_learnt_from() -> None:
    masks = np.ones((4, 5), dtype=np.bool_)
    masks[:, 0] = False
    taught = lessons(masks)
    assert taught.scale == pytest.approx(float(taught.regrets[masks].mean()))
    model = agent("maskable", "two")
    AdvisedLearner(model, taught.scale, updates=200, seed=0).learn(taught, 200, 16)
    chosen = model.predict(taught.observations, deterministic=True, action_masks=masks)[0]  # type: ignore[call-arg]
    least = np.where(masks, taught.regrets, np.inf)
    assert chosen[:, 0].tolist() == least[:, :3].argmin(axis=1).tolist()
    assert all(torch.isfinite(weight).all() for weight in model.policy.parameters())


@pytest.mark.parametrize(("kind", "name"), [("ppo", "one"), ("ppo", "two"), ("maskable", "two")])
def test_probabilities_of_the_parts_are_those_that_the_agent_acts_by(kind: str, name: str) -> None:
    model = agent(kind, name)
    seen = torch.eye(4)
    masks = torch.ones((4, 5), dtype=torch.bool)
    paths = torch.tensor([[2, 1]] * 4) if name == "two" else torch.tensor([[3]] * 4)
    logs = part_log_probabilities(model, seen, paths, masks)
    parts = torch.split(logs, sizes(model), dim=1)
    for part in parts:
        torch.testing.assert_close(part.exp().sum(dim=1), torch.ones(4))
    whole = sum(part.gather(1, paths[:, [k]]).squeeze(1) for k, part in enumerate(parts))
    actions = paths if name == "two" else paths.squeeze(1)
    torch.testing.assert_close(whole, model.policy.evaluate_actions(seen, actions)[1])


def test_a_chained_policy_gives_later_parts_in_the_light_of_those_before() -> None:
    env = MontageVectorEnv(4, bins=4, shots=6, beats=12, autoreset_mode=AutoresetMode.SAME_STEP)
    settings = {"policy": "chained", "policy_kwargs": {"hidden": 16}, "n_steps": 8}
    model = build("maskable-ppo", NativeVecEnv(env), seed=0, hyperparameters=settings)
    for parameter in model.policy.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    observation, _ = env.reset(seed=0)
    seen = model.policy.obs_to_tensor(observation)[0]
    masks = torch.as_tensor(env.action_masks())
    paths = torch.as_tensor(env.task.expert(env.batch, np.arange(4)))  # type: ignore[attr-defined]
    assert isinstance(model, MaskablePPO)
    logs = part_log_probabilities(model, seen, paths, masks)
    parts = torch.split(logs, sizes(model), dim=1)
    whole = sum(part.gather(1, paths[:, [k]]).squeeze(1) for k, part in enumerate(parts))
    told = model.policy.evaluate_actions(seen, paths, action_masks=masks)[1]  # type: ignore[call-arg]
    torch.testing.assert_close(whole, told)
    other = paths.clone()
    other[:, 0] = (masks[:, :6].float() * torch.rand((4, 6))).argmax(dim=1)
    changed = part_log_probabilities(model, seen, other, masks)
    torch.testing.assert_close(changed[:, :6], logs[:, :6])
    differs = (other[:, 0] != paths[:, 0]).numpy()
    assert differs.any()
    assert not torch.allclose(changed[differs, 6:], logs[differs, 6:])
