"""An actor-critic policy that chooses from a set of candidates."""

from __future__ import annotations

from math import prod
from typing import Any, cast

import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableMultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from segue.agents.deep.self_attention import SelfAttention
from segue.envs.base.errors import SegueError

_FAR_BELOW = -1e4  # As good as minus infinity in a softmax, yet no NaN when every key is masked.


class SetExtractor(BaseFeaturesExtractor):
    """Encodes the candidates, all by the same weights, and a summary of the whole situation.

    Parameters
    ----------
    observation_space : gymnasium.spaces.Dict
        `set_key`: Box (N F,) or (N, F), last feature 1 where the candidate is available, else 0.
        Other
        entries: Box (C,) vectors and uint8 Box images (channels first here).
    set_key : str
        Name of the set of candidates.
    n_candidates : int
        Their number N.
    hidden : int
        Width H of every layer, divisible by `heads`.
    attention_layers : int
        Rounds of self-attention among the available candidates; 0 is DeepSets (Zaheer et al.
        2017): faster, candidates then only know of each other through the summary.
    heads : int
        Attention heads.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        set_key: str,
        n_candidates: int,
        hidden: int,
        attention_layers: int,
        heads: int,
    ) -> None:
        candidates = observation_space.spaces.get(set_key)
        shape = (candidates.shape or ()) if candidates is not None else ()
        size = prod(shape) if shape else 0
        if not size or size % n_candidates or (len(shape) > 1 and shape[0] != n_candidates):
            raise SegueError(
                f"The observation has no set {set_key!r} of {n_candidates} candidates but "
                f"{list(observation_space.spaces)}; name the right entry by set_key, and make the "
                "first action dimension its size."
            )
        self.n_candidates, n_features = n_candidates, size // n_candidates
        self.hidden = hidden
        super().__init__(observation_space, (self.n_candidates + 1) * hidden + self.n_candidates)
        self.set_key = set_key
        self.embed = nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU())
        self.rounds = nn.ModuleList(SetAttention(hidden, heads) for _ in range(attention_layers))
        self.refine = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU())
        others = {key: s for key, s in observation_space.spaces.items() if key != set_key}
        self.images = nn.ModuleDict()
        width = 2 * hidden
        for key, space in others.items():
            shape = cast(tuple[int, ...], space.shape)
            if len(shape) == 3:
                self.images[key] = image_encoder(shape[0], hidden)
            width += hidden if len(shape) == 3 else spaces.flatdim(space)
        self.vector_keys = [key for key in others if key not in self.images]
        self.summary = nn.Sequential(nn.Linear(width, hidden), nn.ReLU())

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """Encode a batch.

        Parameters
        ----------
        observations : dict of torch.Tensor
            float32, batch first.

        Returns
        -------
        torch.Tensor
            (B, N H + N + H): N candidates, their availability, then the summary.
        """
        rows = observations[self.set_key]
        rows = rows.reshape(len(rows), self.n_candidates, -1)
        available = rows[..., -1:]
        x = self.embed(rows)
        for attention in self.rounds:
            x = attention(x, available)
        x = self.refine(x)
        count = available.sum(dim=1).clamp(min=1.0)
        mean = (x * available).sum(dim=1) / count
        # Entries are at least 0 after the ReLU, so 0 for the others leaves the maximum alone.
        largest = (x * available).amax(dim=1)
        parts = [mean, largest]
        parts += [encoder(observations[key]) for key, encoder in self.images.items()]
        parts += [observations[key].flatten(1) for key in self.vector_keys]
        summary = self.summary(torch.cat(parts, dim=1))
        return torch.cat([x.flatten(1), available.flatten(1), summary], dim=1)


class SetAttention(SelfAttention):
    """Self-attention with a residual connection; unavailable candidates are not attended to."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__(hidden, heads)
        self.norm = nn.LayerNorm(hidden)

    def forward(self, x: torch.Tensor, available: torch.Tensor) -> torch.Tensor:
        """Mix candidates (B, N, H) by their availability (B, N, 1); same shape out."""
        return cast(torch.Tensor, self.norm(x + super().forward(x, available)))


class SetLatent(nn.Module):
    """Hands the actor everything and the critic a layer above the summary.

    Stands where Stable-Baselines3 has its ``mlp_extractor``.
    """

    def __init__(self, n_candidates: int, hidden: int) -> None:
        super().__init__()
        self.latent_dim_pi = (n_candidates + 1) * hidden + n_candidates
        self.latent_dim_vf = hidden
        self.critic = nn.Sequential(nn.Linear(hidden, hidden), nn.Tanh())

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the actor's and the critic's latent of features (B, N H + N + H)."""
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: torch.Tensor) -> torch.Tensor:
        """Give the actor's latent, the features as they are."""
        return features

    def forward_critic(self, features: torch.Tensor) -> torch.Tensor:
        """Give the critic's latent, (B, H)."""
        return cast(torch.Tensor, self.critic(features[:, -self.latent_dim_vf :]))


class PointerHead(nn.Module):
    """Logits: one score a candidate by shared weights, then those of the other dimensions.

    The other dimensions (how to use what is chosen) see the summary and the *expected* candidate,
    the mean of the candidates weighted by their probability; as the choice becomes certain, that
    is the chosen one. So they fit the choice although all dimensions are drawn at once. Stands
    where Stable-Baselines3 has its ``action_net``.
    """

    def __init__(self, n_candidates: int, hidden: int, n_other: int) -> None:
        super().__init__()
        self.n_candidates, self.hidden = n_candidates, hidden
        self.of_candidate = nn.Linear(hidden, hidden)
        self.of_summary = nn.Linear(hidden, hidden)
        self.joint = nn.Sequential(nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.score = nn.Linear(hidden, 1)
        self.use = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.Tanh())
        self.other = nn.Linear(hidden, n_other) if n_other else None

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Give the logits (B, N + n_other) of a latent (B, N H + N + H)."""
        n, hidden = self.n_candidates, self.hidden
        flat, available, summary = torch.split(latent, [n * hidden, n, hidden], dim=1)
        candidates = flat.view(-1, n, hidden)
        joint = self.joint(self.of_candidate(candidates) + self.of_summary(summary)[:, None])
        scores = self.score(joint).squeeze(-1)
        if self.other is None:
            return cast(torch.Tensor, scores)
        weights = torch.softmax(scores + (1.0 - available) * _FAR_BELOW, dim=1)
        expected = (weights[:, None] @ joint).squeeze(1)
        used = self.use(torch.cat([summary, expected], dim=1))
        return torch.cat([scores, self.other(used)], dim=1)


class PointerPolicy(MaskableMultiInputActorCriticPolicy):
    """Policy over a set of candidates that does not depend on their order (Vinyals et al. 2015).

    For MaskablePPO. Reordering the candidates reorders the first action dimension's probabilities
    and leaves the rest and the value as they were.

    Parameters
    ----------
    observation_space : gymnasium.spaces.Dict
        As `SetExtractor` takes it.
    action_space : gymnasium.spaces.MultiDiscrete or gymnasium.spaces.Discrete
        The first (or only) dimension is the index into the set, of size N.
    lr_schedule : callable
        Learning rate by the remaining progress, from 1 to 0.
    set_key : str
        Name of the set of candidates in the observation.
    hidden : int
        Width of every layer.
    attention_layers : int
        Rounds of self-attention; 0 is DeepSets.
    heads : int
        Attention heads; divides `hidden`.
    **kwargs : Any
        For `MaskableMultiInputActorCriticPolicy` (optimizer, image normalisation).

    Raises
    ------
    SegueError
        If the spaces do not fit together.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        set_key: str = "shots",
        hidden: int = 64,
        attention_layers: int = 1,
        heads: int = 2,
        **kwargs: Any,
    ) -> None:
        extractor = {
            "set_key": set_key,
            "n_candidates": _action_sizes(action_space)[0],
            "hidden": hidden,
            "attention_layers": attention_layers,
            "heads": heads,
        }
        self._hidden = hidden
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            net_arch=[],
            ortho_init=False,
            features_extractor_class=SetExtractor,
            features_extractor_kwargs=extractor,
            **kwargs,
        )

    def _build_mlp_extractor(self) -> None:
        extractor = cast(SetExtractor, self.features_extractor)
        self.mlp_extractor = SetLatent(extractor.n_candidates, self._hidden)  # type: ignore[assignment]

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        n_candidates, *others = _action_sizes(self.action_space)
        self.action_net = PointerHead(n_candidates, self._hidden, sum(others))
        # Nearly equal probabilities at first, as Stable-Baselines3 has it.
        for layer in (self.action_net.score, self.action_net.other):
            if layer is not None:
                nn.init.orthogonal_(layer.weight, gain=0.01)
                nn.init.zeros_(layer.bias)
        optimizer: Any = self.optimizer_class
        self.optimizer = optimizer(self.parameters(), lr=lr_schedule(1.0), **self.optimizer_kwargs)


def _action_sizes(space: spaces.Space[Any]) -> list[int]:
    if isinstance(space, spaces.Discrete):
        return [int(space.n)]
    if isinstance(space, spaces.MultiDiscrete):
        return [int(n) for n in space.nvec]
    raise SegueError(
        f"PointerPolicy needs a Discrete or MultiDiscrete action space, not {space}; "
        "choose another policy."
    )


def image_encoder(channels: int, hidden: int) -> nn.Module:
    """Small convolutions from (B, channels, h, w) to (B, hidden)."""
    return nn.Sequential(
        nn.Conv2d(channels, 16, kernel_size=5, stride=4, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(128, hidden),
        nn.ReLU(),
    )


__all__ = [
    "PointerHead",
    "PointerPolicy",
    "SetAttention",
    "SetExtractor",
    "SetLatent",
    "image_encoder",
]
