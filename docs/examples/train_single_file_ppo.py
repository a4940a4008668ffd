"""PPO in one file of plain torch, on any environment of Gymnasium with discrete actions.

After Schulman et al. (2017). It knows nothing of segue but the ids, and takes the environments as
they are: `gymnasium.make_vec` makes them, with the autoreset that is Gymnasium's default, and masks
of legal actions are heeded where ``info["action_mask"]`` has some. Run
``python docs/examples/train_single_file_ppo.py``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.nn.functional import one_hot

import segue.envs  # noqa: F401 (registers the ids)
from segue.experiments.evaluation import TEST_SEED, baselines, episode_bounds, evaluate


@dataclass(frozen=True)
class Settings:
    """Hyperparameters.

    Attributes
    ----------
    envs, rollout : int
        Environments side by side, and steps of each between two updates.
    epochs, batch : int
        Passes over a rollout, and samples of a step of the optimiser.
    discount, decay : float
        Of the reward, and of the generalised advantage (lambda).
    clip, entropy, rate : float
        How far a probability may move in an update, what a nat of entropy is worth, and the
        optimiser's first step size, which falls to 0.
    """

    envs: int = 64
    rollout: int = 32
    epochs: int = 4
    batch: int = 512
    discount: float = 0.9
    decay: float = 0.9
    clip: float = 0.2
    entropy: float = 0.005
    rate: float = 0.002


def encode(space: spaces.Space[Any], seen: Any) -> Tensor:
    """Turn a batch of observations into floats (n, width): integers one-hot, arrays flat."""
    if isinstance(space, spaces.Dict):
        return torch.cat([encode(space[key], seen[key]) for key in space], dim=1)
    rows = torch.as_tensor(np.asarray(seen))
    if isinstance(space, spaces.Discrete):
        return one_hot(rows.long() - int(space.start), int(space.n)).float()
    if isinstance(space, spaces.MultiDiscrete):
        sizes = torch.as_tensor(space.nvec.ravel())
        place = rows.long().flatten(1) + sizes.cumsum(0) - sizes
        return torch.zeros(len(rows), int(sizes.sum())).scatter_(1, place, 1.0)
    return rows.float().flatten(1)


class Agent(nn.Module):
    """Actor and critic: two layers of 64 each."""

    def __init__(self, observations: spaces.Space[Any], actions: int) -> None:
        super().__init__()
        self.space = observations
        example: Any = gym.vector.utils.batch_space(observations, 1).sample()
        width = encode(observations, example).shape[1]
        self.actor, self.critic = (
            nn.Sequential(
                nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, out)
            )
            for out in (actions, 1)
        )

    def chances(self, seen: Tensor, mask: Tensor) -> Tensor:
        """Log-probabilities of the actions, (n, actions)."""
        logits: Tensor = self.actor(seen)
        return torch.log_softmax(logits.masked_fill(~mask, -1e8), dim=1)

    def act(self, env: gym.Env[Any, Any], observation: Any, info: Mapping[str, Any]) -> int:
        """Most probable action, in the form that segue's `evaluate` wants."""
        one: Any = (
            {key: value[None] for key, value in observation.items()}
            if isinstance(observation, dict)
            else np.asarray(observation)[None]
        )
        mask = torch.as_tensor(np.asarray(info.get("action_mask", True), bool))
        with torch.no_grad():
            return int(self.chances(encode(self.space, one), mask).argmax())


@dataclass(frozen=True)
class Rollout:
    """What was seen and done, every tensor (rollout, envs, ...)."""

    seen: Tensor
    masks: Tensor
    actions: Tensor
    chances: Tensor
    values: Tensor
    rewards: Tensor
    terminated: Tensor
    over: Tensor
    real: Tensor
    """False for the steps in which Gymnasium begins the next episode and ignores the action."""


class Player:
    """Collects rollouts, one going on where the last one ended."""

    def __init__(self, env_id: str, settings: Settings, seed: int, masked: bool) -> None:
        self.settings, self.masked = settings, masked
        self.envs: Any = gym.make_vec(env_id, num_envs=settings.envs)
        if not isinstance(self.envs.single_action_space, spaces.Discrete):
            raise SystemExit(f"{env_id} has no Discrete actions, which this PPO needs.")
        self.count = int(self.envs.single_action_space.n)
        self.space = self.envs.single_observation_space
        observation, info = self.envs.reset(seed=seed)
        self._keep(observation, info)
        self.over = torch.zeros(settings.envs, dtype=torch.bool)

    def _keep(self, observation: Any, info: Mapping[str, Any]) -> None:
        self.seen = encode(self.space, observation)
        free = np.ones((self.settings.envs, self.count), bool)
        mask = info.get("action_mask", free) if self.masked else free
        # Lists of arrays are what Gymnasium makes of the infos of single environments.
        self.mask = torch.as_tensor(np.stack(list(mask)).astype(bool))

    def collect(self, agent: Agent) -> tuple[Rollout, Tensor]:
        """Play; gives what happened and the values (envs,) of what comes next."""
        steps: list[tuple[Tensor, ...]] = []
        with torch.no_grad():
            for _ in range(self.settings.rollout):
                seen, mask, begins = self.seen, self.mask, self.over
                chances = agent.chances(seen, mask)
                actions = torch.multinomial(chances.exp(), 1).squeeze(1)
                observation, reward, terminated, truncated, info = self.envs.step(actions.numpy())
                self._keep(observation, info)
                ended = torch.as_tensor(terminated)
                self.over = ended | torch.as_tensor(truncated)
                taken = chances.gather(1, actions[:, None]).squeeze(1)
                value = agent.critic(seen).squeeze(1)
                gained = torch.as_tensor(reward, dtype=torch.float32)
                steps.append((seen, mask, actions, taken, value, gained, ended, self.over, ~begins))
            following = agent.critic(self.seen).squeeze(1)
        return Rollout(*(torch.stack(parts) for parts in zip(*steps, strict=True))), following


def advantages(rollout: Rollout, following: Tensor, settings: Settings) -> Tensor:
    """Generalised advantage estimates (Schulman et al. 2016), (rollout, envs).

    The observation after the last step of an episode is still of that episode, so that its value
    stands for what a time limit cut off.
    """
    estimates, later = torch.zeros_like(rollout.rewards), torch.zeros_like(following)
    for step in reversed(range(len(estimates))):
        expected = settings.discount * following * ~rollout.terminated[step]
        surprise = rollout.rewards[step] + expected - rollout.values[step]
        later = surprise + settings.discount * settings.decay * later * ~rollout.over[step]
        estimates[step] = later
        following = rollout.values[step]
    return estimates


def update(
    agent: Agent,
    optimiser: torch.optim.Optimizer,
    rollout: Rollout,
    following: Tensor,
    settings: Settings,
) -> None:
    """Learn from a rollout."""
    gains = advantages(rollout, following, settings)
    rows = rollout.real.flatten().nonzero().squeeze(1)
    seen, masks, actions, old, gain, goal = (
        part.flatten(0, 1)[rows]
        for part in (
            *(rollout.seen, rollout.masks, rollout.actions, rollout.chances),
            *(gains, gains + rollout.values),
        )
    )
    for _ in range(settings.epochs):
        for batch in torch.randperm(len(rows)).split(settings.batch):
            chances = agent.chances(seen[batch], masks[batch])
            taken = chances.gather(1, actions[batch, None]).squeeze(1)
            ratio = (taken - old[batch]).exp()
            scaled = gain[batch]
            scaled = (scaled - scaled.mean()) / (scaled.std(correction=0) + 1e-8)
            clipped = ratio.clamp(1 - settings.clip, 1 + settings.clip)
            policy = -torch.min(ratio * scaled, clipped * scaled).mean()
            entropy = -(chances * chances.exp()).sum(1).mean()
            value = (agent.critic(seen[batch]).squeeze(1) - goal[batch]).square().mean()
            optimiser.zero_grad()
            (policy - settings.entropy * entropy + 0.5 * value).backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimiser.step()


def train(
    env_id: str, steps: int, seed: int = 0, masked: bool = True, settings: Settings | None = None
) -> Agent:
    """Train for a number of environment steps."""
    settings = settings or Settings()
    torch.manual_seed(seed)
    player = Player(env_id, settings, seed, masked)
    agent = Agent(player.space, player.count)
    optimiser = torch.optim.Adam(agent.parameters(), lr=settings.rate, eps=1e-5)
    updates = max(1, steps // (settings.envs * settings.rollout))
    for number in range(updates):
        optimiser.param_groups[0]["lr"] = settings.rate * (1 - number / updates)
        update(agent, optimiser, *player.collect(agent), settings)
    player.envs.close()
    return agent


def main() -> None:
    """Train, then play the most probable actions beside random ones and the bound."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--env", default="segue/LeadSheet-v0", help="Gymnasium id")
    parser.add_argument("--steps", type=int, default=300_000, help="environment steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-masks", action="store_true", help="learn what is legal instead")
    given = parser.parse_args()
    torch.set_num_threads(1)
    agent = train(given.env, given.steps, given.seed, not given.no_masks)
    env, seeds = gym.make(given.env), range(TEST_SEED, TEST_SEED + 20)
    for result in (evaluate(env, "PPO", agent.act, seeds), *baselines(env, seeds)):
        print(f"{result.name}: {result.mean:.2f}")
    bound = episode_bounds(env, seeds)
    if bound is not None:
        print(f"{'exact optimum' if bound.exact else 'upper bound'}: {bound.mean:.2f}")


if __name__ == "__main__":
    main()
