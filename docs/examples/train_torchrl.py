"""Trains an environment of segue, as it is, with TorchRL: its environments, collector and PPO.

TorchRL turns the integers that are observed and the actions into one-hot vectors by itself. Install
``pip install segue[strangers]``, then run ``python docs/examples/train_torchrl.py``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torch import nn
from torchrl.collectors import Collector
from torchrl.envs import GymEnv, SerialEnv
from torchrl.modules import OneHotCategorical, ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

import segue.envs  # noqa: F401 (registers the ids)
from segue.experiments.evaluation import TEST_SEED, baselines, episode_bounds, evaluate

ENV = "segue/LeadSheet-v0"
OPTIONS = {"bars": 2, "pieces": 1}
ENVS, ROLLOUT, EPOCHS, BATCH = 16, 512, 4, 128


def network(outputs: int) -> nn.Sequential:
    """Two layers behind the one-hot vector, whose width is found at the first call."""
    return nn.Sequential(
        nn.LazyLinear(64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs)
    )


class Floats(nn.Module):
    """Passes zeros and ones on as floats."""

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Convert (..., n)."""
        return observation.float()


def train(frames: int, seed: int = 0) -> ProbabilisticActor:
    """Train with PPO for a number of steps and give the actor."""
    torch.manual_seed(seed)
    env = SerialEnv(ENVS, lambda: GymEnv(ENV, **OPTIONS))
    env.set_seed(seed)
    actions = env.action_spec.shape[-1]
    actor = ProbabilisticActor(
        TensorDictModule(
            nn.Sequential(Floats(), network(actions)), in_keys=["observation"], out_keys=["logits"]
        ),
        in_keys=["logits"],
        spec=env.action_spec,
        distribution_class=OneHotCategorical,
        return_log_prob=True,
    )
    critic = ValueOperator(nn.Sequential(Floats(), network(1)), in_keys=["observation"])
    first = env.reset()
    actor(first.clone())
    critic(first.clone())
    loss = ClipPPOLoss(actor, critic, entropy_coeff=0.01, normalize_advantage=True)
    advantage = GAE(gamma=0.9, lmbda=0.9, value_network=critic)
    optimiser = torch.optim.Adam(loss.parameters(), lr=2e-3)
    collector = Collector(
        env,
        actor,
        frames_per_batch=ROLLOUT,
        total_frames=frames,
        auto_register_policy_transforms=True,
    )
    for rollout in collector:
        with torch.no_grad():
            advantage(rollout)
        samples = rollout.reshape(-1)
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(samples)).split(BATCH):
                losses = loss(samples[rows])
                whole = sum(losses[f"loss_{name}"] for name in ("objective", "critic", "entropy"))
                optimiser.zero_grad()
                whole.backward()
                nn.utils.clip_grad_norm_(loss.parameters(), 0.5)
                optimiser.step()
    collector.shutdown()
    return actor


def main() -> None:
    """Train, then play the most probable actions beside random ones and the optimum."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=16_384, help="environment steps")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    actor = train(given.steps, given.seed)
    spec = GymEnv(ENV, **OPTIONS).observation_spec["observation"]

    def act(env: gym.Env[Any, Any], observation: Any, info: Mapping[str, Any]) -> int:
        seen = TensorDict({"observation": spec.encode(observation)})
        with torch.no_grad():
            return int(actor.get_dist(seen).mode.argmax())

    test = gym.make(ENV, **OPTIONS)
    seeds = range(TEST_SEED, TEST_SEED + 20)
    for result in (evaluate(test, "TorchRL's PPO", act, seeds), *baselines(test, seeds)):
        print(f"{result.name}: {result.mean:.2f}")
    bound = episode_bounds(test, seeds)
    assert bound is not None
    print(f"exact optimum: {bound.mean:.2f}")


if __name__ == "__main__":
    main()
