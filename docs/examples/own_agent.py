"""An agent of one's own: REINFORCE with a linear policy, written in NumPy.

It learns on the vector environment, where a step is taken in all rows at once, respects the masks
of legal actions, and is then tested with segue's own evaluation beside the baselines and the
exact optimum. For segue an agent is any function of (env, observation, info) that gives an action.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

import segue.envs  # noqa: F401 (registers the ids)
from segue.experiments.evaluation import TEST_SEED, baselines, evaluate, mean_bound

ENV = "segue/LeadSheet-v0"
Array = npt.NDArray[Any]


class LinearPolicy:
    """Softmax over the legal actions of a weighted sum of one-hot observations."""

    def __init__(self, observations: spaces.MultiDiscrete, actions: spaces.Discrete) -> None:
        self.begin = np.cumsum([0, *observations.nvec[:-1]])
        self.weights = np.zeros((int(observations.nvec.sum()), int(actions.n)))

    def encode(self, observation: Array) -> Array:
        """One-hot encode observations (n, k)."""
        rows = np.zeros((len(observation), len(self.weights)))
        rows[np.arange(len(rows))[:, None], self.begin + observation] = 1.0
        return rows

    def probabilities(self, encoded: Array, mask: Array) -> Array:
        """Probability of every action, (n, actions)."""
        logits = np.where(mask == 1, encoded @ self.weights, -np.inf)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def act(self, env: gym.Env[Any, Any], observation: Any, info: Mapping[str, Any]) -> int:
        """Most probable action, in the form that `evaluate` wants."""
        encoded = self.encode(np.asarray(observation)[None])
        return int(self.probabilities(encoded, info["action_mask"][None]).argmax())


def train(
    updates: int, num_envs: int = 128, rate: float = 10.0, discount: float = 0.7
) -> LinearPolicy:
    """Climb the policy gradient (Williams 1992), one episode in every row an update."""
    envs = gym.make_vec(ENV, num_envs=num_envs)
    assert isinstance(envs.single_observation_space, spaces.MultiDiscrete)
    assert isinstance(envs.single_action_space, spaces.Discrete)
    policy = LinearPolicy(envs.single_observation_space, envs.single_action_space)
    generator = np.random.default_rng(0)
    for update in range(updates):
        observation, info = envs.reset(seed=0 if update == 0 else None)
        encoded, scores, rewards, over = [], [], [], False
        while not over:  # all rows end at the same step
            encoded.append(policy.encode(observation))
            chance = policy.probabilities(encoded[-1], info["action_mask"])
            action = (chance.cumsum(axis=1) > generator.random((num_envs, 1))).argmax(axis=1)
            scores.append(np.eye(chance.shape[1])[action] - chance)
            observation, reward, terminated, _, info = envs.step(action)
            rewards.append(reward)
            over = bool(terminated.all())
        returns = np.array(rewards)
        for step in reversed(range(len(rewards) - 1)):
            returns[step] += discount * returns[step + 1]
        advantage = returns - returns.mean(axis=1, keepdims=True)
        advantage /= advantage.std()
        for rows, gain, score in zip(encoded, advantage, scores, strict=True):
            policy.weights += rate / advantage.size * (rows.T @ (gain[:, None] * score))
    envs.close()
    return policy


def main(updates: int = 150) -> None:
    """Train, then test on pieces that training never saw."""
    policy = train(updates)
    env, seeds = gym.make(ENV, piece_seed=1), range(TEST_SEED, TEST_SEED + 20)
    optimum = mean_bound(env, seeds)
    assert optimum is not None
    for result in (evaluate(env, "REINFORCE", policy.act, seeds), *baselines(env, seeds)):
        low, high = result.interval()
        print(
            f"{result.name}: {result.mean:.1f} ({low:.1f} to {high:.1f}), "
            f"{result.mean / optimum[0]:.2f} of the exact optimum"
        )


if __name__ == "__main__":
    main()
