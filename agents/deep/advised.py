"""Cost-sensitive imitation: a policy learns from what an advisor says every choice is worth.

An expert's action alone does not tell a slip from a disaster; the worth of all choices does. For
each part of an action the policy is drawn to the soft maximum of the worths and charged the
regret that it expects, so that the capacity it has goes where mistakes are dear. Source: Ross &
Bagnell (2014), AggreVaTe; Sun et al. (2017), its differentiable form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from segue.agents.deep.chained_policy import ChainedPointerPolicy

TEMPERATURE = 0.1
"""Of the soft maximum, in mean regrets of a choice by chance."""
REGRET = 30.0
"""Weight of the expected regret, in nats for each such mean regret."""
WORST = 10.0
"""Greatest regret that counts, in the same unit."""
RATE, WARM_UP, GRADIENT = 1e-3, 100, 5.0
"""Learning rate at its height, updates until then, and greatest norm of a gradient."""


@dataclass(frozen=True)
class Lessons:
    """Situations with what an advisor says in them, n of them; m is the number of all choices.

    Attributes
    ----------
    observations : ndarray (n, ...) or dict of them
        What was seen.
    paths : ndarray (n, parts) int64
        Actions; the worth of a part's choices is that after the parts before it.
    masks : ndarray (n, m) bool
        Legal choices of all parts, one part after the other.
    regrets : ndarray (n, m) float32
        Worth lost by each choice against the best one of its part; 0 where illegal.
    """

    observations: npt.NDArray[Any] | dict[str, npt.NDArray[Any]]
    paths: npt.NDArray[np.int64]
    masks: npt.NDArray[np.bool_]
    regrets: npt.NDArray[np.float32]

    @property
    def scale(self) -> float:
        """Mean regret of a legal choice by chance; 1 where nothing is ever lost."""
        return float(self.regrets[self.masks].mean()) or 1.0


class AdvisedLearner:
    """Teaches the policy of an agent, lesson by lesson; its own optimiser is not touched.

    Parameters
    ----------
    model : OnPolicyAlgorithm
        PPO, A2C or MaskablePPO on a Discrete or MultiDiscrete action space.
    scale : float
        Mean regret of a choice by chance, the unit of all others; see `Lessons.scale`.
    updates : int
        How many will be made; the learning rate falls to 0 with the last.
    seed : int
        Of the drawing of lessons.
    """

    def __init__(self, model: OnPolicyAlgorithm, scale: float, updates: int, seed: int) -> None:
        self._model, self._scale, self._updates = model, scale, updates
        self._generator = np.random.default_rng(seed)
        self._optimiser = torch.optim.Adam(model.policy.parameters(), lr=RATE)
        self._done = 0

    def learn(self, lessons: Lessons, updates: int, batch_size: int) -> float:
        """Make some updates on lessons drawn by chance.

        Returns
        -------
        float
            Mean regret that the policy expected of a decision, all parts together.
        """
        self._model.policy.set_training_mode(True)
        total = 0.0
        for _ in range(updates):
            rows = self._generator.integers(len(lessons.paths), size=batch_size)
            total += self._update(lessons, rows)
        return total / updates

    def _update(self, lessons: Lessons, rows: npt.NDArray[np.int64]) -> float:
        policy = self._model.policy
        seen = lessons.observations
        part = {key: a[rows] for key, a in seen.items()} if isinstance(seen, dict) else seen[rows]
        paths, masks = torch.as_tensor(lessons.paths[rows]), torch.as_tensor(lessons.masks[rows])
        logs = part_log_probabilities(self._model, policy.obs_to_tensor(part)[0], paths, masks)
        regrets = torch.as_tensor(lessons.regrets[rows]) / self._scale
        cross, expected = torch.zeros(()), torch.zeros(())
        pieces = zip(
            *(torch.split(a, sizes(self._model), 1) for a in (logs, regrets, masks)), strict=True
        )
        for log, regret, legal in pieces:
            aim = torch.softmax((-regret / TEMPERATURE).masked_fill(~legal, -torch.inf), dim=1)
            log = log.masked_fill(~legal, 0.0)
            cross = cross - (aim * log).sum(dim=1).mean()
            chance = log.exp().masked_fill(~legal, 0.0)
            expected = expected + (chance * regret.clamp(max=WORST)).sum(dim=1).mean()
        for group in self._optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (self._done + 1) / WARM_UP) * self._left()
        self._optimiser.zero_grad()
        (cross + REGRET * expected).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(policy.parameters(), GRADIENT)
        self._optimiser.step()
        self._done += 1
        return expected.item() * self._scale

    def _left(self) -> float:
        return max(0.0, 1.0 - self._done / self._updates)


def sizes(model: OnPolicyAlgorithm) -> list[int]:
    """Choices of each part of the agent's action."""
    space: Any = model.action_space
    return [int(n) for n in space.nvec] if hasattr(space, "nvec") else [int(space.n)]


def part_log_probabilities(
    model: OnPolicyAlgorithm, observation: Any, paths: torch.Tensor, masks: torch.Tensor
) -> torch.Tensor:
    """Log-probabilities (B, m) of all choices of each part, the parts before as in `paths`.

    Parameters
    ----------
    model : OnPolicyAlgorithm
        The agent.
    observation : tensor or dict of them
        B situations.
    paths : tensor (B, parts) int64
        Actions.
    masks : tensor (B, m) bool
        Legal choices; only agents that know masks heed them.
    """
    policy: Any = model.policy
    if isinstance(policy, ChainedPointerPolicy):
        return policy.part_log_probabilities(observation, paths, masks)
    masked = {"action_masks": masks.numpy()} if isinstance(model, MaskablePPO) else {}
    found = policy.get_distribution(observation, **masked)
    parts = getattr(found, "distributions", None) or found.distribution
    parts = parts if isinstance(parts, list) else [parts]
    return torch.cat([part.logits for part in parts], dim=1)
