"""An agent of one's own: REINFORCE with a linear policy, written in NumPy.

segue steps the environments, tests the agent beside the baselines and the exact optimum, and keeps
checkpoints that it goes on from exactly; the agent chooses actions and learns from what came of
them. Every verb takes it by its module's name:

    PYTHONPATH=docs/examples segue train segue/LeadSheet-v0 --agent own_agent:REINFORCE
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.agents.registry import AgentSpec, Surroundings, Transition, register_agent
from segue.envs.base.errors import SegueError
from segue.experiments.evaluation import TEST_SEED, Act, baselines, episode_bounds, evaluate
from segue.experiments.learning import make_vector_env

ENV = "segue/LeadSheet-v0"
Array = npt.NDArray[Any]


class Reinforce:
    """Softmax over the legal actions of a weighted sum of one-hot observations.

    It climbs the policy gradient (Williams 1992), advantages being returns against their mean over
    the environments and scaled to one. Once all episodes are over it learns from them.
    """

    def __init__(self, around: Surroundings, rate: float = 10.0, discount: float = 0.7) -> None:
        seen, done = around.observation_space, around.action_space
        if not isinstance(seen, spaces.MultiDiscrete) or not isinstance(done, spaces.Discrete):
            raise SegueError("REINFORCE needs MultiDiscrete observations and Discrete actions.")
        self.rate, self.discount = rate, discount
        self.begin = np.cumsum([0, *seen.nvec[:-1]])
        self.weights = np.zeros((int(seen.nvec.sum()), int(done.n)))
        self.generator = np.random.default_rng(around.seed)
        self.steps: list[list[Array]] = []

    def encode(self, observations: Array) -> Array:
        """One-hot encode observations (n, k)."""
        rows = np.zeros((len(observations), len(self.weights)))
        rows[np.arange(len(rows))[:, None], self.begin + observations] = 1.0
        return rows

    def probabilities(self, observations: Array, masks: Array | None) -> Array:
        """Probability of every action, (n, actions)."""
        logits = self.encode(observations) @ self.weights
        if masks is not None:
            logits = np.where(masks, logits, -np.inf)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def act(self, observations: Array, masks: Array | None, explore: bool) -> Array:
        """Draw actions (n,), or give the most probable ones."""
        chance = self.probabilities(observations, masks)
        if not explore:
            return np.asarray(chance.argmax(axis=1))
        drawn = self.generator.random((len(chance), 1))
        return np.asarray((chance.cumsum(axis=1) > drawn).argmax(axis=1))

    def learn(self, transition: Transition) -> None:
        """Keep the step; learn when all episodes are over, which here is at the same time."""
        chance = self.probabilities(transition.observations, transition.masks)
        score = np.eye(chance.shape[1])[transition.actions] - chance
        self.steps.append([transition.observations, score, transition.rewards.astype(float)])
        if not (transition.terminated | transition.truncated).all():
            return
        returns = np.array([reward for _, _, reward in self.steps])
        for step in reversed(range(len(returns) - 1)):
            returns[step] += self.discount * returns[step + 1]
        advantage = returns - returns.mean(axis=1, keepdims=True)
        advantage *= self.rate / advantage.size / max(float(advantage.std()), 1e-8)
        for (seen, kept, _), gain in zip(self.steps, advantage, strict=True):
            self.weights += self.encode(seen).T @ (gain[:, None] * kept)
        self.steps = []

    def state(self) -> Mapping[str, Any]:
        """Everything that the next step depends on."""
        generator = self.generator.bit_generator.state
        return {"weights": self.weights, "steps": self.steps, "generator": generator}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        if np.shape(state["weights"]) != self.weights.shape:
            raise ValueError("its weights are of another environment")
        self.weights = np.array(state["weights"])
        self.steps = [list(step) for step in state["steps"]]
        self.generator.bit_generator.state = state["generator"]


REINFORCE = AgentSpec("reinforce", Reinforce, "policy gradient with a linear policy, in NumPy")
register_agent(REINFORCE)


def train(updates: int, num_envs: int = 128) -> Reinforce:
    """Learn without a verb, one episode in every row an update."""
    envs = make_vector_env(ENV, num_envs, {})
    seen, done = envs.single_observation_space, envs.single_action_space
    agent = Reinforce(Surroundings(seen, done, num_envs, True, 0))
    observations, info = envs.reset(seed=0)
    while updates:
        masks = info["action_mask"] == 1
        actions = agent.act(observations, masks, True)
        following, rewards, ended, cut, info = envs.step(actions)
        agent.learn(Transition(observations, masks, actions, rewards, ended, cut, following))
        observations = following
        updates -= bool(ended.all())
    envs.close()
    return agent


def playing(agent: Reinforce) -> Act:
    """Give the function of (env, observation, info) that `evaluate` wants."""

    def act(env: gym.Env[Any, Any], seen: Any, info: Mapping[str, Any]) -> int:
        return int(agent.act(np.asarray(seen)[None], info["action_mask"][None] == 1, False)[0])

    return act


def main(updates: int = 150) -> None:
    """Train, then test on pieces that training never saw."""
    agent = train(updates)
    env, seeds = gym.make(ENV, piece_seed=1), range(TEST_SEED, TEST_SEED + 20)
    bounds = episode_bounds(env, seeds)
    assert bounds is not None
    for result in (evaluate(env, "REINFORCE", playing(agent), seeds), *baselines(env, seeds)):
        low, high = result.interval()
        print(
            f"{result.name}: {result.mean:.1f} ({low:.1f} to {high:.1f}), "
            f"{result.mean / bounds.mean:.2f} of the exact optimum"
        )


if __name__ == "__main__":
    main()
