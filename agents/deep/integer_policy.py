"""An actor-critic policy for observations that are a few integers each.

Stable-Baselines3 turns a `MultiDiscrete` observation into one-hot vectors, one dimension at a
time, and multiplies them by the first layer's weights. Picking the rows of those weights and
adding them up gives the same numbers without the hundreds of zeros.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from segue.envs.base.errors import SegueError


class IntegerExtractor(BaseFeaturesExtractor):
    """Sums one learnt vector a dimension and value, then applies a nonlinearity.

    The same as a linear layer with bias on the one-hot encoding, followed by `tanh`.

    Parameters
    ----------
    observation_space : gymnasium.spaces.Box
        k integers, each from 0 to its `high`.
    width : int
        Length of the vectors.
    """

    def __init__(self, observation_space: spaces.Box, width: int = 256) -> None:
        super().__init__(observation_space, width)
        sizes = observation_space.high.astype(np.int64) + 1
        self.rows = nn.EmbeddingBag(int(sizes.sum()), width, mode="sum")
        self.bias = nn.Parameter(torch.zeros(width))
        # As much variance as k inputs of a linear layer with unit variance would give.
        nn.init.normal_(self.rows.weight, std=1.0 / math.sqrt(len(sizes)))
        first = np.concatenate(([0], sizes.cumsum()[:-1]))
        self.register_buffer("first", torch.as_tensor(first), persistent=False)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Encode integers (B, k) as (B, width)."""
        assert isinstance(self.first, torch.Tensor)
        return torch.tanh(self.rows(observations.long() + self.first) + self.bias)


class IntegerPolicy(ActorCriticPolicy):
    """Actor and critic on a shared `IntegerExtractor`; ``"integers"`` in `build`."""

    def __init__(self, observation_space: spaces.Space[Any], *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("features_extractor_class", IntegerExtractor)
        super().__init__(_as_box(observation_space), *args, **kwargs)


class MaskableIntegerPolicy(MaskableActorCriticPolicy):
    """`IntegerPolicy` for agents that mask illegal actions."""

    def __init__(self, observation_space: spaces.Space[Any], *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("features_extractor_class", IntegerExtractor)
        super().__init__(_as_box(observation_space), *args, **kwargs)


def _as_box(space: spaces.Space[Any]) -> spaces.Box:
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


__all__ = ["IntegerExtractor", "IntegerPolicy", "MaskableIntegerPolicy"]
