"""An actor-critic policy that chooses a candidate and then, part by part, what to do with it."""

from __future__ import annotations

from math import prod
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableMultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import nn
from torch.nn.functional import linear

from segue.agents.deep.pointer_policy import SetAttention, SetLatent, image_encoder
from segue.envs.base.errors import SegueError

_FAR_BELOW = -1e8
Masks = npt.NDArray[np.bool_] | torch.Tensor | None


class CandidateExtractor(BaseFeaturesExtractor):
    """Encodes the candidates in the light of the situation, and a summary of both.

    Parameters
    ----------
    observation_space : gymnasium.spaces.Dict
        `set_key`: Box (N F,) or (N, F), last feature 1 where the candidate is available, else 0.
        Other entries: Box (C,) vectors and uint8 Box images (channels first here).
    set_key : str
        Name of the set of candidates.
    n_candidates : int
        Their number N.
    hidden : int
        Width H of every layer, divisible by `heads`.
    attention_layers, heads : int
        Rounds of self-attention among the available candidates, and its heads.
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
        size = prod((candidates.shape or (0,)) if candidates is not None else (0,))
        if not size or size % n_candidates:
            raise SegueError(
                f"The observation has no set {set_key!r} of {n_candidates} candidates but "
                f"{list(observation_space.spaces)}; name the right entry by set_key, and make the "
                "first action dimension its size."
            )
        n_features = size // n_candidates
        super().__init__(observation_space, n_candidates * (hidden + n_features + 1) + hidden)
        self.set_key, self.n_candidates, self.n_features = set_key, n_candidates, n_features
        self.images = nn.ModuleDict()
        width = 0
        for key, space in observation_space.spaces.items():
            shape = cast(tuple[int, ...], space.shape)
            if key != set_key and len(shape) == 3:
                self.images[key] = image_encoder(shape[0], hidden)
                width += hidden
            elif key != set_key:
                width += spaces.flatdim(space)
        others = [key for key in observation_space.spaces if key != set_key]
        self.vector_keys = [key for key in others if key not in self.images]
        self.situation = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden)
        )
        self.embed = nn.Linear(n_features, hidden)
        self.refine = nn.Sequential(nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.rounds = nn.ModuleList(SetAttention(hidden, heads) for _ in range(attention_layers))
        self.summary = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.ReLU())

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """Encode a batch: (B, N (H + F) + N + H).

        Candidates, each with its own features beside its code, so that nothing of them is lost;
        their availability; the summary.
        """
        rows = observations[self.set_key]
        rows = rows.reshape(len(rows), self.n_candidates, -1)
        available = rows[..., -1:]
        parts = [encoder(observations[key]) for key, encoder in self.images.items()]
        parts += [observations[key].flatten(1) for key in self.vector_keys]
        situation = self.situation(torch.cat(parts, dim=1))
        x = self.refine(self.embed(rows) + situation[:, None])
        for attention in self.rounds:
            x = attention(x, available)
        mean = (x * available).sum(dim=1) / available.sum(dim=1).clamp(min=1.0)
        summary = self.summary(torch.cat([situation, mean], dim=1))
        candidates = torch.cat([x, rows], dim=2)
        return torch.cat([candidates.flatten(1), available.flatten(1), summary], dim=1)


class ChainedHead(nn.Module):
    """Logits of the candidates, and of each other part once the parts before it are chosen.

    Stands where Stable-Baselines3 has its ``action_net``.
    """

    def __init__(self, n_candidates: int, width: int, hidden: int, others: list[int]) -> None:
        super().__init__()
        self.n_candidates, self.width, self.hidden = n_candidates, width, hidden
        both = width + hidden
        self.score = nn.Sequential(nn.Linear(both, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.use = nn.Sequential(
            nn.Linear(both, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.parts = nn.ModuleList(
            nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, size))
            for size in others
        )
        self.chosen = nn.ModuleList(nn.Embedding(size, hidden) for size in others)
        self.follow = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden)
            )
            for _ in others
        )
        # Nearly equal probabilities at first, as Stable-Baselines3 has it.
        for layer in (self.score[-1], *(cast(nn.Sequential, part)[-1] for part in self.parts)):
            assert isinstance(layer, nn.Linear)
            nn.init.orthogonal_(layer.weight, gain=0.01)
            nn.init.zeros_(layer.bias)

    def candidates(self, latent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give scores (B, N), candidates (B, N, width) and summary (B, H) of a latent."""
        n, width = self.n_candidates, self.width
        flat, _, summary = torch.split(latent, [n * width, n, self.hidden], dim=1)
        x = flat.view(-1, n, width)
        # The first layer of `score` on candidate and summary, without a copy of it for each.
        first = cast(nn.Linear, self.score[0])
        own, shared = torch.split(first.weight, [width, self.hidden], dim=1)
        together = linear(x, own, first.bias) + linear(summary, shared)[:, None]
        return self.score[1:](together).squeeze(-1), x, summary

    def after(self, part: int, hidden: torch.Tensor, choice: torch.Tensor) -> torch.Tensor:
        """Code (B, H) of the action so far, once `choice` (B,) of one more part is made."""
        together = hidden + self.chosen[part](choice)
        return cast(torch.Tensor, together + self.follow[part](together))


class ChainedPointerPolicy(MaskableMultiInputActorCriticPolicy):
    """Policy over a set of candidates and the parts of an action, one after the other.

    The probability of an action is that of the candidate times that of each next part given those
    before it (Vinyals et al. 2015; Metz et al. 2017). So a part that fits one candidate alone is
    not blurred by the others, as it is where all parts are drawn at once. Reordering the
    candidates reorders their probabilities and leaves the rest and the value as they were. For
    MaskablePPO.

    Parameters
    ----------
    observation_space : gymnasium.spaces.Dict
        As `CandidateExtractor` takes it.
    action_space : gymnasium.spaces.MultiDiscrete
        The first dimension is the index into the set, of size N.
    lr_schedule : callable
        Learning rate by the remaining progress, from 1 to 0.
    set_key : str
        Name of the set of candidates in the observation.
    hidden : int
        Width of every layer.
    attention_layers, heads : int
        Rounds of self-attention and its heads.
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
        hidden: int = 96,
        attention_layers: int = 1,
        heads: int = 4,
        **kwargs: Any,
    ) -> None:
        if not isinstance(action_space, spaces.MultiDiscrete):
            raise SegueError(
                f"ChainedPointerPolicy needs a MultiDiscrete action space, not {action_space}; "
                "choose another policy."
            )
        self.sizes = [int(n) for n in action_space.nvec]
        self._hidden = hidden
        extractor = {
            "set_key": set_key,
            "n_candidates": self.sizes[0],
            "hidden": hidden,
            "attention_layers": attention_layers,
            "heads": heads,
        }
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            net_arch=[],
            ortho_init=False,
            features_extractor_class=CandidateExtractor,
            features_extractor_kwargs=extractor,
            **kwargs,
        )

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = SetLatent(self.sizes[0], self._hidden)  # type: ignore[assignment]

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        extractor = cast(CandidateExtractor, self.features_extractor)
        width = self._hidden + extractor.n_features
        self.action_net = ChainedHead(self.sizes[0], width, self._hidden, self.sizes[1:])
        optimizer: Any = self.optimizer_class
        self.optimizer = optimizer(self.parameters(), lr=lr_schedule(1.0), **self.optimizer_kwargs)

    def forward(
        self, obs: PyTorchObs, deterministic: bool = False, action_masks: Masks = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Choose actions (B, parts); their values (B, 1) and log-probabilities (B,)."""
        features = self._features(obs)
        actions, logs = self._chain(features, action_masks, None, deterministic)
        return actions, self._value(features), _of_actions(logs, actions)

    def evaluate_actions(
        self, obs: PyTorchObs, actions: torch.Tensor, action_masks: Masks = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Values (B, 1), log-probabilities (B,) and entropies (B,) of given actions.

        The entropy is the sum over the parts, each given the ones before it in the action.
        """
        features = self._features(obs)
        taken = actions.long().reshape(-1, len(self.sizes))
        _, logs = self._chain(features, action_masks, taken, False)
        entropy = -torch.stack([(log.exp() * log).sum(dim=1) for log in logs]).sum(dim=0)
        return self._value(features), _of_actions(logs, taken), entropy

    def part_log_probabilities(
        self, obs: PyTorchObs, actions: torch.Tensor, action_masks: Masks = None
    ) -> torch.Tensor:
        """Log-probabilities (B, choices of all parts), given the parts before in `actions`."""
        return torch.cat(self._chain(self._features(obs), action_masks, actions, False)[1], dim=1)

    def _predict(
        self, observation: PyTorchObs, deterministic: bool = False, action_masks: Masks = None
    ) -> torch.Tensor:
        features = self._features(observation)
        return self._chain(features, action_masks, None, deterministic)[0]

    def _features(self, obs: PyTorchObs) -> torch.Tensor:
        return cast(torch.Tensor, self.extract_features(obs))

    def _value(self, features: torch.Tensor) -> torch.Tensor:
        latent = cast(SetLatent, self.mlp_extractor).forward_critic(features)
        return cast(torch.Tensor, self.value_net(latent))

    def _chain(
        self,
        features: torch.Tensor,
        action_masks: Masks,
        taken: torch.Tensor | None,
        deterministic: bool,
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Choose (or follow `taken`) part by part: actions, log-probabilities of each part."""
        head = cast(ChainedHead, self.action_net)
        masks = self._split(action_masks, len(features))
        logits, candidates, summary = head.candidates(features)
        hidden, found, every = summary, [], []
        for part in range(len(self.sizes)):
            if part:
                logits = head.parts[part - 1](hidden)
            if masks is not None:
                logits = logits.masked_fill(~masks[part], _FAR_BELOW)
            every.append(logs := torch.log_softmax(logits, dim=1))
            if taken is not None:
                choice = taken[:, part]
            elif deterministic:
                choice = logs.argmax(dim=1)
            else:
                choice = torch.multinomial(logs.exp(), 1).squeeze(1)
            found.append(choice)
            if part == 0:
                picked = candidates[torch.arange(len(choice)), choice]
                hidden = head.use(torch.cat([picked, summary], dim=1))
            else:
                hidden = head.after(part - 1, hidden, choice)
        return torch.stack(found, dim=1), every

    def _split(self, action_masks: Masks, count: int) -> tuple[torch.Tensor, ...] | None:
        if action_masks is None:
            return None
        masks = torch.as_tensor(action_masks, dtype=torch.bool, device=self.device)
        return torch.split(masks.reshape(count, -1), self.sizes, dim=1)


def _of_actions(logs: list[torch.Tensor], actions: torch.Tensor) -> torch.Tensor:
    """Log-probabilities (B,) of whole actions (B, parts)."""
    parts = [log.gather(1, actions[:, [part]]) for part, log in enumerate(logs)]
    return torch.cat(parts, dim=1).sum(dim=1)


__all__ = ["CandidateExtractor", "ChainedHead", "ChainedPointerPolicy"]
