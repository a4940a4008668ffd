"""Behaviour cloning: a policy learns to do what was done before it learns from reward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy

from segue.agents.demonstrations.episode import Decisions, Episode, Observations
from segue.envs.base.errors import SegueError

_EVALUATED_AT_ONCE = 1024


def clone(
    model: OnPolicyAlgorithm,
    demonstrations: Decisions,
    *,
    epochs: int,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    held_out: Decisions | None = None,
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
    demonstrations : Decisions
        What to imitate.
    epochs, learning_rate, seed
        Of the descent; the seed is that of the order of decisions.
    batch_size : int
        Decisions of an update at most; an epoch is cut into as few batches as that allows, of
        one size but for one decision.
    weight_decay : float
        Share of each weight that an update takes away, before the factor of the learning rate
        (AdamW: Loshchilov & Hutter 2019).
    held_out : Decisions or None
        Of other episodes (see `hold_out`). When given, the weights of the epoch after which these
        were likeliest are kept.
    progress : callable or None
        Called after each epoch with the share done and a text.

    Returns
    -------
    list of float
        Mean negative log-likelihood of each epoch, in nats: of what is held out, after the epoch,
        where something is; else of the demonstrations, during it.

    Raises
    ------
    SegueError
        When there is nothing to imitate.
    """
    count = len(demonstrations.actions)
    if count == 0:
        raise SegueError("there are no demonstrations to clone; record at least one episode.")
    policy, generator = model.policy, np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(policy.parameters(), lr=learning_rate, weight_decay=weight_decay)
    losses: list[float] = []
    best: dict[str, torch.Tensor] = {}
    for epoch in range(epochs):
        policy.set_training_mode(True)
        total = 0.0
        for rows in np.array_split(generator.permutation(count), -(-count // batch_size)):
            loss = -log_likelihood(policy, demonstrations, rows).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += loss.item() * len(rows)
        if held_out is not None:
            total = -float(log_likelihoods(policy, held_out).mean()) * count
        losses.append(total / count)
        if held_out is not None and losses[-1] == min(losses):
            best = {name: value.clone() for name, value in policy.state_dict().items()}
        if progress:
            progress((epoch + 1) / epochs, f"imitating, {losses[-1]:.2f} nats")
    if best:
        policy.load_state_dict(best)
    return losses


def hold_out(
    episodes: Sequence[Episode], share: float, seed: int
) -> tuple[list[Episode], list[Episode]]:
    """Divide episodes by chance into those to learn from and those to tell when to stop.

    Decisions of one episode are much alike, so that only whole episodes tell what will be done
    in others.

    Parameters
    ----------
    episodes : sequence of Episode
        At least one.
    share : float
        Of the episodes to hold out, 0 to 1; rounded, and one is always learnt from.
    seed : int
        Of the draw.

    Returns
    -------
    (list of Episode, list of Episode)
        To learn from, and held out; the second may be empty.
    """
    count = min(round(share * len(episodes)), len(episodes) - 1)
    order = np.random.default_rng(seed).permutation(len(episodes))
    return [episodes[i] for i in sorted(order[count:])], [
        episodes[i] for i in sorted(order[:count])
    ]


def log_likelihood(
    policy: BasePolicy, decisions: Decisions, rows: npt.NDArray[np.int64]
) -> torch.Tensor:
    """Log-probability that an actor-critic gives to some of the decisions, (n,), in nats."""
    actor: Any = policy
    observation, _ = policy.obs_to_tensor(_rows_of(decisions.observations, rows))
    actions = torch.as_tensor(decisions.actions[rows])
    extra = {}
    if isinstance(policy, MaskableActorCriticPolicy) and decisions.masks is not None:
        extra = {"action_masks": decisions.masks[rows]}
    _, found, _ = actor.evaluate_actions(observation, actions, **extra)
    assert isinstance(found, torch.Tensor)
    return found


def log_likelihoods(policy: BasePolicy, decisions: Decisions) -> npt.NDArray[np.float32]:
    """Log-probability of all decisions, float32 (n,), in nats; nothing is learnt from it."""
    policy.set_training_mode(False)
    count = len(decisions.actions)
    with torch.no_grad():
        parts = [
            log_likelihood(policy, decisions, rows)
            for rows in np.array_split(np.arange(count), -(-count // _EVALUATED_AT_ONCE))
        ]
    return np.asarray(torch.cat(parts).numpy(), np.float32)


def _rows_of(seen: Observations, rows: npt.NDArray[np.int64]) -> Observations:
    return {key: part[rows] for key, part in seen.items()} if isinstance(seen, dict) else seen[rows]


__all__ = ["clone", "hold_out", "log_likelihood", "log_likelihoods"]
