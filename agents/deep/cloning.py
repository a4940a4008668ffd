"""Behaviour cloning: a policy learns to do what was done before it learns from reward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from segue.envs.base.errors import SegueError


@dataclass(frozen=True)
class Demonstrations:
    """Decisions to imitate, n of them.

    Attributes
    ----------
    observations : ndarray (n, ...) or dict of them
        What was seen.
    actions : ndarray (n,) or (n, k)
        What was done.
    masks : ndarray (n, m) bool or None
        What was allowed; None where everything was.
    """

    observations: npt.NDArray[Any] | dict[str, npt.NDArray[Any]]
    actions: npt.NDArray[np.int64]
    masks: npt.NDArray[np.bool_] | None


def clone(
    model: OnPolicyAlgorithm,
    demonstrations: Demonstrations,
    *,
    epochs: int,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> list[float]:
    """Raise the probability of the demonstrated actions (Pomerleau 1988).

    Maximises the mean log-likelihood with Adam; the value function is left to reinforcement
    learning. The model's own optimiser is not touched.

    Parameters
    ----------
    model : OnPolicyAlgorithm
        PPO, A2C or MaskablePPO.
    demonstrations : Demonstrations
        What to imitate.
    epochs, batch_size, learning_rate, seed
        Of the descent; the seed is that of the order of batches.
    progress : callable or None
        Called after each epoch with the share done and a text.

    Returns
    -------
    list of float
        Mean negative log-likelihood of each epoch, in nats.

    Raises
    ------
    SegueError
        When there is nothing to imitate.
    """
    count = len(demonstrations.actions)
    if count == 0:
        raise SegueError("there are no demonstrations to clone; record at least one episode.")
    policy, generator = model.policy, np.random.default_rng(seed)
    optimiser = torch.optim.Adam(policy.parameters(), lr=learning_rate)
    policy.set_training_mode(True)
    losses = []
    for epoch in range(epochs):
        total = 0.0
        for rows in np.array_split(generator.permutation(count), max(1, count // batch_size)):
            loss = -_log_likelihood(model, demonstrations, rows).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += loss.item() * len(rows)
        losses.append(total / count)
        if progress:
            progress((epoch + 1) / epochs, f"imitating, {losses[-1]:.2f} nats")
    return losses


def _log_likelihood(
    model: OnPolicyAlgorithm, demonstrations: Demonstrations, rows: npt.NDArray[np.int64]
) -> torch.Tensor:
    seen = demonstrations.observations
    part = {key: a[rows] for key, a in seen.items()} if isinstance(seen, dict) else seen[rows]
    observation, _ = model.policy.obs_to_tensor(part)
    actions = torch.as_tensor(demonstrations.actions[rows])
    masked = isinstance(model, MaskablePPO) and demonstrations.masks is not None
    extra = {"action_masks": demonstrations.masks[rows]} if masked else {}  # type: ignore[index]
    _, log_likelihood, _ = model.policy.evaluate_actions(observation, actions, **extra)
    assert isinstance(log_likelihood, torch.Tensor)
    return log_likelihood
