"""An actor-critic policy for observations that are a few integers each.

Stable-Baselines3 turns a `MultiDiscrete` observation into one-hot vectors, one dimension at a
time, and multiplies them by the first layer's weights. Picking the rows of those weights and
adding them up gives the same numbers without the hundreds of zeros. With a native vector env the
policy takes most of a rollout's time, so it also does without the objects that
Stable-Baselines3 makes, and checks, for every distribution.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn
from torch.nn.functional import embedding_bag

from segue.envs.base.errors import SegueError

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}
"""Nonlinearities by name; on the CPU "relu" takes a tenth of the time of "tanh"."""

_IMPOSSIBLE = -1e8  # Logit of a masked action, as sb3-contrib has it.


@numba.njit(cache=True)
def _add_to_rows(
    index: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32], rows: npt.NDArray[np.float32]
) -> None:
    """Add vector b to each of the rows ``index[b]``."""
    for b in range(index.shape[0]):
        for k in range(index.shape[1]):
            row = index[b, k]
            for j in range(vectors.shape[1]):
                rows[row, j] += vectors[b, j]


class _SumOfRows(torch.autograd.Function):
    """`embedding_bag` in mode "sum", whose own gradient first sorts all indices: 20x slower."""

    @staticmethod
    def forward(ctx: Any, index: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(index)
        ctx.shape = rows.shape
        return embedding_bag(index, rows, mode="sum")

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[None, torch.Tensor]:
        (index,) = ctx.saved_tensors
        rows = np.zeros(ctx.shape, np.float32)
        _add_to_rows(index.numpy(), gradients[0].contiguous().numpy(), rows)
        return None, torch.from_numpy(rows)


class IntegerExtractor(BaseFeaturesExtractor):
    """Sums one learnt vector a dimension and value, then applies a nonlinearity.

    The same as a linear layer with bias on the one-hot encoding, followed by `activation`.

    Parameters
    ----------
    observation_space : gymnasium.spaces.Box
        k integers, each from 0 to its `high`.
    width : int
        Length of the vectors.
    activation : type of torch.nn.Module
        The nonlinearity.
    """

    def __init__(
        self,
        observation_space: spaces.Box,
        width: int = 256,
        activation: type[nn.Module] = nn.Tanh,
    ) -> None:
        super().__init__(observation_space, width)
        sizes = observation_space.high.astype(np.int64) + 1
        self.rows = nn.EmbeddingBag(int(sizes.sum()), width, mode="sum")
        self.bias = nn.Parameter(torch.zeros(width))
        self.activation = activation()
        # As much variance as k inputs of a linear layer with unit variance would give.
        nn.init.normal_(self.rows.weight, std=1.0 / math.sqrt(len(sizes)))
        first = np.concatenate(([0], sizes.cumsum()[:-1]))
        self.register_buffer("first", torch.as_tensor(first), persistent=False)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Encode integers (B, k) as (B, width)."""
        assert isinstance(self.first, torch.Tensor)
        index = observations.long() + self.first
        rows: torch.Tensor = _SumOfRows.apply(index, self.rows.weight)  # type: ignore[no-untyped-call]
        encoded: torch.Tensor = self.activation(rows + self.bias)
        return encoded


class IntegerPolicy(ActorCriticPolicy):
    """Actor and critic on a shared `IntegerExtractor`; ``"integers"`` in `build`.

    Parameters
    ----------
    observation_space : gymnasium.spaces.MultiDiscrete
        k integers.
    *args, **kwargs
        As of Stable-Baselines3's `ActorCriticPolicy`, and ``width`` and ``activation`` (a key of
        `ACTIVATIONS`).

    Raises
    ------
    SegueError
        For other observations or an unknown activation.
    """

    def __init__(self, observation_space: spaces.Space[Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(as_box(observation_space), *args, **with_extractor(kwargs))

    def forward(
        self, obs: torch.Tensor, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Choose actions; gives actions (B,), values (B, 1) and log-probabilities (B,)."""
        if not isinstance(self.action_space, spaces.Discrete):
            return super().forward(obs, deterministic)
        logits, values = _heads(self, obs)
        return _chosen(logits, values, deterministic)

    def evaluate_actions(
        self, obs: Any, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Give values (B, 1), log-probabilities (B,) of the actions, and entropies (B,)."""
        if not isinstance(self.action_space, spaces.Discrete):
            return super().evaluate_actions(obs, actions)
        logits, values = _heads(self, obs)
        return _judged(logits, values, actions)


class MaskableIntegerPolicy(MaskableActorCriticPolicy):
    """`IntegerPolicy` for agents that mask illegal actions."""

    def __init__(self, observation_space: spaces.Space[Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(as_box(observation_space), *args, **with_extractor(kwargs))

    def forward(
        self,
        obs: torch.Tensor,
        deterministic: bool = False,
        action_masks: np.ndarray[Any, Any] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Choose legal actions; gives actions (B,), values (B, 1), log-probabilities (B,)."""
        if not isinstance(self.action_space, spaces.Discrete):
            return super().forward(obs, deterministic, action_masks)
        logits, values = _heads(self, obs)
        return _chosen(_masked(logits, action_masks), values, deterministic)

    def evaluate_actions(
        self,
        obs: torch.Tensor,
        actions: torch.Tensor,
        action_masks: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Give values (B, 1), log-probabilities (B,) of the actions, and entropies (B,)."""
        if not isinstance(self.action_space, spaces.Discrete):
            return super().evaluate_actions(obs, actions, action_masks)
        logits, values = _heads(self, obs)
        return _judged(_masked(logits, action_masks), values, actions)


def _heads(
    policy: IntegerPolicy | MaskableIntegerPolicy, observations: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (B, A) and values (B, 1)."""
    features = policy.features_extractor(observations)
    actor, critic = policy.mlp_extractor(features)
    return policy.action_net(actor), policy.value_net(critic)


def _masked(logits: torch.Tensor, masks: Any) -> torch.Tensor:
    if masks is None:
        return logits
    legal = torch.as_tensor(masks, dtype=torch.bool).reshape(logits.shape)
    return logits.masked_fill(~legal, _IMPOSSIBLE)


def _chosen(
    logits: torch.Tensor, values: torch.Tensor, deterministic: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw an action in each row, or take its most probable one."""
    log_chances = torch.log_softmax(logits, -1)
    if deterministic:
        actions = log_chances.argmax(-1, keepdim=True)
    else:
        # The inverse of the cumulated chances: one random number a row instead of one an action.
        # The number is below 1 and is scaled to the sum as it was rounded, so it falls short of
        # the sum, and an action of no chance, whose step has no height, is never found.
        heights = log_chances.exp().cumsum(-1)
        drawn = torch.rand(len(logits), 1) * heights[:, -1:]
        actions = (heights <= drawn).sum(-1, keepdim=True)
    return actions.squeeze(-1), values, log_chances.gather(-1, actions).squeeze(-1)


def _judged(
    logits: torch.Tensor, values: torch.Tensor, actions: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Log-probabilities of actions, and the entropy of each row's choice."""
    log_chances = torch.log_softmax(logits, -1)
    entropy = -(log_chances * log_chances.exp()).sum(-1)
    taken = log_chances.gather(-1, actions.long().reshape(-1, 1)).squeeze(-1)
    return values, taken, entropy


def with_extractor(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Turn ``width`` and ``activation`` into what Stable-Baselines3 calls them.

    Raises
    ------
    SegueError
        If the activation is unknown.
    """
    name = kwargs.pop("activation", "tanh")
    if name not in ACTIVATIONS:
        raise SegueError(
            f"There is no activation {name!r}; choose from {', '.join(sorted(ACTIVATIONS))}."
        )
    extractor = {"width": kwargs.pop("width", 256), "activation": ACTIVATIONS[name]}
    return {
        "features_extractor_class": IntegerExtractor,
        "features_extractor_kwargs": extractor,
        "activation_fn": ACTIVATIONS[name],
        # Stable-Baselines3's own, and all weights in one pass.
        "optimizer_kwargs": {"eps": 1e-5, "fused": True},
        **kwargs,
    }


def as_box(space: spaces.Space[Any]) -> spaces.Box:
    """Show the policy its integers as a Box, which Stable-Baselines3 passes on as it is.

    Raises
    ------
    SegueError
        For another kind of space.
    """
    if not isinstance(space, spaces.MultiDiscrete) or space.nvec.ndim != 1:
        raise SegueError(
            f"The integer policy needs MultiDiscrete observations, not {space}; "
            "leave the hyperparameter policy out."
        )
    return spaces.Box(0, space.nvec - 1, dtype=np.int64)


__all__ = [
    "ACTIVATIONS",
    "IntegerExtractor",
    "IntegerPolicy",
    "MaskableIntegerPolicy",
    "as_box",
    "with_extractor",
]
