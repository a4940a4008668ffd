"""The layers by which elements look at each other; those that are not there are not looked at."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from segue.envs.base.errors import SegueError

_FAR_BELOW = -1e4  # As good as minus infinity in a softmax, yet no NaN when every key is masked.


class SelfAttention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017).

    Written out, since PyTorch's own module takes a fifth longer on one CPU thread at these sizes,
    and its fused function no less.

    Parameters
    ----------
    hidden : int
        Width H of the elements, divisible by `heads`.
    heads : int
        Attention heads.

    Raises
    ------
    SegueError
        If it is not.
    """

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        if hidden % heads:
            raise SegueError(f"hidden is {hidden}; give a multiple of heads, which is {heads}.")
        self.heads = heads
        self.project = nn.Linear(hidden, 3 * hidden)
        self.merge = nn.Linear(hidden, hidden)

    def forward(self, x: torch.Tensor, available: torch.Tensor) -> torch.Tensor:
        """Mix elements (B, N, H) by their availability (B, N, 1), which is 0 or 1."""
        batch, n, hidden = x.shape
        split = self.project(x).view(batch, n, 3, self.heads, hidden // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        bias = (1.0 - available.squeeze(-1))[:, None, None, :] * _FAR_BELOW
        weights = torch.softmax(query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + bias, -1)
        mixed = (weights @ value).transpose(1, 2).reshape(batch, n, hidden)
        return cast(torch.Tensor, self.merge(mixed))


class AttentionBlock(nn.Module):
    """Self-attention, then two layers on each element alone, each with a norm before it.

    The norm comes first so that no warm-up of the learning rate is needed (Xiong et al. 2020).
    """

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.attention = SelfAttention(hidden, heads)
        self.alone = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
        self.first, self.second = nn.LayerNorm(hidden), nn.LayerNorm(hidden)

    def forward(self, x: torch.Tensor, available: torch.Tensor) -> torch.Tensor:
        """Mix elements (B, N, H) by their availability (B, N, 1); same shape out."""
        x = x + self.attention(self.first(x), available)
        return cast(torch.Tensor, x + self.alone(self.second(x)))


class AttentionPooling(nn.Module):
    """Means of all elements by weights that the first element asks for, one mean a head.

    The question is put to the elements as they are, and the answer given as it is: layers for
    keys and values would only be multiplied by the ones before and behind (Lee et al. 2019).
    """

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ask = nn.Linear(hidden, heads * hidden)

    def forward(self, x: torch.Tensor, available: torch.Tensor) -> torch.Tensor:
        """Pool elements (B, N, H) by their availability (B, N, 1) to (B, heads H)."""
        batch, _, hidden = x.shape
        query = self.ask(x[:, 0]).view(batch, self.heads, hidden)
        bias = (1.0 - available.transpose(1, 2)) * _FAR_BELOW
        weights = torch.softmax(query @ x.transpose(1, 2) / hidden**0.5 + bias, -1)
        return (weights @ x).flatten(1)


__all__ = ["AttentionBlock", "AttentionPooling", "SelfAttention"]
