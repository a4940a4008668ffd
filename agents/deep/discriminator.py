"""Tells demonstrated decisions from an agent's: the reward of adversarial imitation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space
from torch import nn
from torch.nn.functional import softplus

from segue.agents.deep.integer_policy import IntegerExtractor
from segue.agents.demonstrations.episode import Decisions
from segue.agents.demonstrations.recording import choice_sizes
from segue.envs.base.errors import SegueError

_AT_ONCE = 8192  # Decisions judged together; more only take memory.


class Discriminator:
    """A network that learns whether a decision was demonstrated, with its optimiser.

    Its logit estimates ``log p(decision | demonstrated) - log p(decision | agent)``. From few
    demonstrations a network would soon know each of them by heart and say little of others. So
    every number of an observation is left out at random while it learns: it must judge by some
    of them at a time, which are more likely to come again than all of them together.

    Parameters
    ----------
    observation_space : gymnasium.spaces.Space
        `Box`, `Discrete`, `MultiDiscrete`, `MultiBinary` or a `Dict` of them, without images.
    action_space : gymnasium.spaces.Space
        `Discrete` or `MultiDiscrete`.
    learning_rate : float
        Of Adam.
    dropout : float
        Chance that a number of an observation is left out, 0 to below 1. Actions always count.
    seed : int or None
        Of the order of decisions and of what is left out. The weights begin as torch's global
        generator draws them.
    width : int
        Of the hidden layers.

    Raises
    ------
    SegueError
        For another space, or a dropout out of range.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        *,
        learning_rate: float,
        dropout: float,
        seed: int | None,
        width: int = 64,
    ) -> None:
        if not 0.0 <= dropout < 1.0:
            raise SegueError(f"The dropout is {dropout}; give one from 0 to below 1.")
        self.network = _Network(observation_space, choice_sizes(action_space), width)
        self._dropout = dropout
        self._optimiser = torch.optim.Adam(self.network.parameters(), lr=learning_rate)
        self._generator = np.random.default_rng(seed)

    def learn(
        self,
        demonstrated: Decisions,
        agents: Decisions,
        updates: int,
        batch_size: int,
    ) -> tuple[float, float]:
        """Descend the cross-entropy on as many decisions of either kind.

        Parameters
        ----------
        demonstrated, agents : Decisions
            Their numbers need not be the same. Masks are not looked at.
        updates : int
            Steps of the descent, at least 1.
        batch_size : int
            Decisions of either kind in each, drawn with replacement.

        Returns
        -------
        loss : float
            Mean cross-entropy, in nats; log 2 is a coin's.
        accuracy : float
            Share of the decisions that it told rightly while it learnt.
        """
        real, made = self._inputs(demonstrated), self._inputs(agents)
        losses, right = [], []
        for _ in range(updates):
            of_real = self.network(*self._drawn(real, batch_size))
            of_made = self.network(*self._drawn(made, batch_size))
            loss = (softplus(-of_real).mean() + softplus(of_made).mean()) / 2
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            losses.append(loss.item())
            right.append(float(((of_real > 0).float().mean() + (of_made < 0).float().mean()) / 2))
        return float(np.mean(losses)), float(np.mean(right))

    def logits(self, decisions: Decisions) -> npt.NDArray[np.float32]:
        """Judge decisions: above 0 where demonstrated ones are likelier, float32 (n,)."""
        seen, done = self._inputs(decisions)
        with torch.no_grad():
            parts = [
                self.network([part[rows] for part in seen], done[rows])
                for rows in torch.split(torch.arange(len(done)), _AT_ONCE)
            ]
        return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)

    def state_dict(self) -> dict[str, Any]:
        """Give what an exact continuation needs: nested dicts of tensors and plain values."""
        return {
            "network": dict(self.network.state_dict()),
            "optimizer": self._optimiser.state_dict(),
            "random": self._generator.bit_generator.state,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state_dict` gave."""
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimizer"])
        self._generator.bit_generator.state = state["random"]

    def _inputs(self, decisions: Decisions) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Lay decisions out for the network: one matrix a part, and the actions (n, k)."""
        seen, count = decisions.observations, len(decisions.actions)
        parts = seen if isinstance(seen, dict) else {"": seen}
        matrices = [_matrix(parts[key], count) for key in self.network.keys]
        return matrices, _matrix(decisions.actions, count)

    def _drawn(
        self, inputs: tuple[list[torch.Tensor], torch.Tensor], count: int
    ) -> tuple[list[torch.Tensor], torch.Tensor, list[torch.Tensor]]:
        """Draw decisions, and what of each is left out."""
        seen, done = inputs
        rows = torch.from_numpy(self._generator.integers(len(done), size=count))
        drawn = [part[rows] for part in seen]
        kept = [self._kept(part.shape) for part in drawn]
        return drawn, done[rows], kept

    def _kept(self, shape: torch.Size) -> torch.Tensor:
        """0 for what is left out; the rest makes up for it."""
        kept = self._generator.random(tuple(shape), dtype=np.float32) >= self._dropout
        return torch.from_numpy(kept).float() / (1.0 - self._dropout)


class _Network(nn.Module):
    """Encodes each part of a decision by itself, then weighs them together."""

    def __init__(
        self, observation_space: spaces.Space[Any], choices: list[int], width: int
    ) -> None:
        super().__init__()
        nested = isinstance(observation_space, spaces.Dict)
        parts = dict(observation_space.items()) if nested else {"": observation_space}  # type: ignore[attr-defined]
        self.keys = sorted(parts)
        self.seen = nn.ModuleList([_encoder(key, parts[key], width) for key in self.keys])
        self.done = _Integers(choices, width)
        joined = (len(parts) + 1) * width
        self.weigh = nn.Sequential(nn.Linear(joined, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(
        self, seen: list[torch.Tensor], done: torch.Tensor, kept: list[torch.Tensor] | None = None
    ) -> torch.Tensor:
        """Logits (B,) of parts (B, m) each and actions (B, k); `kept` like `seen`, or all is."""
        kept = [torch.ones_like(part) for part in seen] if kept is None else kept
        encoded = [encode(x, k) for encode, x, k in zip(self.seen, seen, kept, strict=True)]
        together = torch.cat([*encoded, self.done(done, torch.ones_like(done))], dim=1)
        logits: torch.Tensor = self.weigh(together).squeeze(1)
        return logits


class _Integers(IntegerExtractor):
    """`IntegerExtractor` that can leave out some of the integers."""

    def __init__(self, sizes: list[int], width: int) -> None:
        super().__init__(spaces.Box(0, np.array(sizes) - 1, dtype=np.int64), width)

    def forward(self, values: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        assert isinstance(self.first, torch.Tensor)
        rows = self.rows(values.long() + self.first, per_sample_weights=kept)
        return torch.tanh(rows + self.bias)


class _Floats(nn.Module):
    """A layer that can leave out some of its inputs."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(count, width)

    def forward(self, values: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.layer(values * kept))


def _encoder(key: str, space: spaces.Space[Any], width: int) -> nn.Module:
    if isinstance(space, spaces.Discrete):
        return _Integers([int(space.n)], width)
    if isinstance(space, spaces.MultiDiscrete):
        return _Integers([int(n) for n in space.nvec.ravel()], width)
    if isinstance(space, spaces.Box | spaces.MultiBinary) and not is_image_space(space):
        assert space.shape is not None
        return _Floats(math.prod(space.shape), width)
    name = f"The observation {key!r}" if key else "The observation"
    raise SegueError(
        f"{name} is {space}, which the discriminator cannot read; "
        "use an environment whose observations are numbers, without images."
    )


def _matrix(values: npt.NDArray[Any], count: int) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32).reshape(count, -1))


__all__ = ["Discriminator"]
