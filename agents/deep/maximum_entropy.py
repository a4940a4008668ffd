"""Keeps an agent's play varied: the entropy of its choices is part of the return.

An entropy bonus on the loss only holds back the choice at hand. Here every reward is lowered by
``temperature * log p(action)``, so that the agent also seeks states from which it has many good
ways to go on (maximum-entropy reinforcement learning: Ziebart 2010; KL control, to which it is
equal where a log-likelihood is among the rewards: Jaques et al. 2017). The best policy then plays
a line with a probability that grows with ``exp(return / temperature)`` instead of one line always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import obs_as_tensor

from segue.envs.base.errors import SegueError


@dataclass(frozen=True)
class Temperature:
    """What a nat of entropy is worth, in units of reward.

    Attributes
    ----------
    first, last : float
        In the first part of the training, and at its end; between them it goes straight. A low
        one first finds what pays, a higher one then finds all the ways to have it.
    held : float
        Share of the training during which `first` holds, 0 to 1.
    """

    first: float
    last: float
    held: float = 0.4

    def at(self, share: float) -> float:
        """Temperature after a share of the training, 0 to 1."""
        if share <= self.held:
            return self.first
        return self.first + (self.last - self.first) * (share - self.held) / (1.0 - self.held)


class MaximumEntropy(BaseCallback):
    """Adds the entropy to the rewards of each rollout before the agent learns from it.

    For PPO, A2C and MaskablePPO. The returns that are logged stay those of the environment.

    Parameters
    ----------
    temperature : Temperature
        What entropy is worth.
    steps : int
        Environment steps of the whole training.

    Raises
    ------
    SegueError
        When training begins, if the agent collects no rollouts.
    """

    def __init__(self, temperature: Temperature, steps: int) -> None:
        super().__init__()
        self._temperature, self._steps = temperature, steps

    def _on_training_start(self) -> None:
        if not isinstance(self.model, OnPolicyAlgorithm):
            name = type(self.model).__name__
            raise SegueError(f"{name} has no temperature; train it without, or choose ppo.")

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        assert isinstance(self.model, OnPolicyAlgorithm)
        buffer = self.locals["rollout_buffer"]
        assert isinstance(buffer, RolloutBuffer)
        share = min(1.0, self.model.num_timesteps / self._steps)
        buffer.rewards -= self._temperature.at(share) * buffer.log_probs
        # The agent has just worked the advantages out, without the entropy. What it called the last
        # values is not told by all agents alike.
        seen = obs_as_tensor(self.locals["new_obs"], self.model.device)
        with torch.no_grad():
            last: Any = self.model.policy.predict_values(seen)
        buffer.compute_returns_and_advantage(last_values=last, dones=self.locals["dones"])


__all__ = ["MaximumEntropy", "Temperature"]
