"""Self-attention over what an observation holds many of: candidates, pieces laid, tokens played.

Which parts of an observation those are, its space says; see `AttentionExtractor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from segue.agents.deep.pointer_policy import image_encoder
from segue.agents.deep.self_attention import AttentionBlock, AttentionPooling
from segue.envs.base.errors import SegueError

MASK = "_mask"
"""Ends the name of the entry that says which elements of another are there."""
_WHOLE = ""
"""Name of an observation that is no `Dict`."""


@dataclass(frozen=True)
class Elements:
    """One entry of an observation that holds many elements of a kind.

    Attributes
    ----------
    key : str
        Its name.
    count : int
        Elements n, those that are not there included.
    width : int
        Numbers of each, d; for tokens the size of the vocabulary.
    ordered : bool
        They are tokens, whose places count.
    masked : bool
        An entry ``key + "_mask"`` says which are there.
    """

    key: str
    count: int
    width: int
    ordered: bool
    masked: bool


class AttentionExtractor(BaseFeaturesExtractor):
    """Encodes sets and token histories by self-attention, in the light of everything else.

    Each element becomes a vector by a linear layer of its entry's own; rounds of self-attention
    let all of them, and a summary of the rest of the observation, look at each other; then the
    summary gathers what it needs (pooling by attention). Tokens are also read place by place. So
    the features do not depend on the order of a set, nor on what stands where no element is. For
    any agent of Stable-Baselines3 as ``features_extractor_class``; ``policy: attention`` in
    `segue.agents.deep.build`.

    Actor and critic share it unless ``share_features_extractor=False`` is among the policy's
    keyword arguments. Then the critic's error of large returns can drown what the actor asks of
    it: give a small ``vf_coef``.

    Parameters
    ----------
    observation_space : gymnasium.spaces.Dict or gymnasium.spaces.MultiDiscrete
        What is what shows in the space. An entry with another one named ``<key>_mask`` beside it
        (Box or MultiBinary (n,), above 0 where the element is there) is n elements: a Box (n, d)
        or (n d,) is a set, a MultiDiscrete of n integers a history of tokens. A Box (n, d) and a
        MultiDiscrete of two or more equal sizes need no mask if all elements are always there. A
        row's place in a set does not count; what does, such as the time of a piece on a timeline,
        belongs into the row. Whatever else there is describes the situation: vectors, integers,
        and uint8 images (channels first here).
    features_dim : int
        Width of the summary's part of the features.
    hidden : int
        Width H of every layer, divisible by `heads`.
    layers, heads : int
        Rounds of self-attention, and heads of each.
    choose_from : str or None
        A set whose elements the actions choose from by their place: its elements' codes follow the
        summary, in the order of the set, zero where none is. They move with the elements; the
        summary does not. None leaves them out, so that all features are blind to the order.
    choice_width : int
        Width of such a code.

    Raises
    ------
    SegueError
        If the space has nothing to attend to, or entries that do not fit.

    References
    ----------
    Vaswani et al. 2017; before each layer a norm, Xiong et al. 2020; sets, Lee et al. 2019 (Set
    Transformer).
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        features_dim: int = 64,
        hidden: int = 64,
        layers: int = 1,
        heads: int = 2,
        choose_from: str | None = None,
        choice_width: int = 4,
    ) -> None:
        self.elements = elements_of(observation_space)
        names = [each.key for each in self.elements]
        if not names:
            raise SegueError(
                f"The observation {observation_space} has no set or history to attend to; add an "
                f"entry '<key>{MASK}' for one, or leave the hyperparameter policy out."
            )
        if choose_from is not None and choose_from not in names:
            raise SegueError(
                f"The observation has no set {choose_from!r}; let choose_from be one of {names}."
            )
        self.choose_from = choose_from
        counts = {each.key: each.count for each in self.elements}
        chosen = counts[choose_from] * choice_width if choose_from is not None else 0
        super().__init__(observation_space, features_dim + chosen)
        self.embed = nn.ModuleList(nn.Linear(each.width, hidden) for each in self.elements)
        self.places = nn.ParameterList(
            nn.Parameter(torch.randn(each.count if each.ordered else 0, hidden) / hidden**0.5)
            for each in self.elements
        )
        self._look_at_the_rest(_entries(observation_space), names, hidden)
        self.blocks = nn.ModuleList(AttentionBlock(hidden, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)
        self.gather = AttentionPooling(hidden, heads)
        places = sum(each.count for each in self.elements if each.ordered)
        self.read = nn.Sequential(nn.Linear((1 + heads + places) * hidden, features_dim), nn.ReLU())
        self.code = nn.Linear(hidden, choice_width) if choose_from is not None else None

    def _look_at_the_rest(
        self, entries: Mapping[str, spaces.Space[Any]], names: list[str], hidden: int
    ) -> None:
        """Make the layers of the situation: what is neither elements nor their masks."""
        masks = {key + MASK for key in names}
        rest = {k: s for k, s in entries.items() if k not in names and k not in masks}
        images = {key: shape for key, s in rest.items() if len(shape := s.shape or ()) == 3}
        self.images = nn.ModuleDict(
            {key: image_encoder(shape[0], hidden) for key, shape in images.items()}
        )
        self.vector_keys = [key for key in rest if key not in images]
        width = sum(spaces.flatdim(rest[key]) for key in self.vector_keys)
        self.situation = nn.Linear(width, hidden, bias=False) if width else None
        self.start = nn.Parameter(torch.randn(hidden) / hidden**0.5)

    def forward(self, observations: torch.Tensor | dict[str, torch.Tensor]) -> torch.Tensor:
        """Encode a batch.

        Parameters
        ----------
        observations : dict of torch.Tensor, or torch.Tensor
            float32, batch first; integers one-hot, as Stable-Baselines3 passes them on.

        Returns
        -------
        torch.Tensor
            (B, features_dim), then the codes (n choice_width) if there is a set to choose from.
        """
        seen = observations if isinstance(observations, dict) else {_WHOLE: observations}
        parts, there = [self._summary(seen)[:, None]], []
        for each, embed, place in zip(self.elements, self.embed, self.places, strict=True):
            rows = seen[each.key].reshape(-1, each.count, each.width)
            if each.masked:
                valid = seen[each.key + MASK] > 0
                # Not multiplied by 0, which would keep what is infinite or no number.
                rows = rows.masked_fill(~valid[..., None], 0.0)
            else:
                valid = rows.new_ones(rows.shape[:2], dtype=torch.bool)
            parts.append(embed(rows) + place if each.ordered else embed(rows))
            there.append(valid)
        x = torch.cat(parts, dim=1)
        available = torch.cat([torch.ones_like(there[0][:, :1]), *there], dim=1).unsqueeze(-1)
        available = available.to(x.dtype)
        for block in self.blocks:
            x = block(x, available)
        x = self.norm(x) * available
        read = [x[:, 0], self.gather(x, available)]
        # Pooling alone was slow to find the places that a token answers to, such as half a bar ago.
        read += [x[:, self._rows(each.key)].flatten(1) for each in self.elements if each.ordered]
        found = [self.read(torch.cat(read, dim=1))]
        if self.code is not None and self.choose_from is not None:
            chosen = self._rows(self.choose_from)
            found.append((self.code(x[:, chosen]) * available[:, chosen]).flatten(1))
        return torch.cat(found, dim=1)

    def _summary(self, seen: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Code of the situation before anything is attended to, (B, H)."""
        count = len(seen[self.elements[0].key])
        summary = self.start.expand(count, -1)
        for key, encoder in self.images.items():
            summary = summary + encoder(seen[key])
        if self.situation is not None:
            vectors = [seen[key].flatten(1) for key in self.vector_keys]
            summary = summary + self.situation(torch.cat(vectors, dim=1))
        return summary

    def _rows(self, key: str) -> slice:
        """Where the elements of an entry lie behind the summary."""
        begin = 1
        for each in self.elements:
            if each.key == key:
                break
            begin += each.count
        return slice(begin, begin + each.count)


def elements_of(space: spaces.Space[Any]) -> tuple[Elements, ...]:
    """Find what an observation holds many of; see `AttentionExtractor`.

    Raises
    ------
    SegueError
        If an entry cannot be divided into as many elements as its mask has.
    """
    entries = _entries(space)
    every = (_elements(key, s, entries.get(key + MASK)) for key, s in entries.items())
    return tuple(each for each in every if each is not None)


def _elements(
    key: str, entry: spaces.Space[Any], mask: spaces.Space[Any] | None
) -> Elements | None:
    """Read one entry: its elements, or None if it is a single thing."""
    shape = entry.shape or ()
    count = width = numbers = 0
    if isinstance(entry, spaces.MultiDiscrete):
        sizes = entry.nvec.reshape(-1)
        if len(shape) == 1 and (sizes == sizes[0]).all() and (mask is not None or len(sizes) > 1):
            count, width, numbers = len(sizes), int(sizes[0]), 1
    elif isinstance(entry, spaces.Box) and (
        len(shape) == 2 or (len(shape) == 1 and mask is not None)
    ):
        count = shape[0] if mask is None else prod(mask.shape or ())
        width = numbers = shape[1] if len(shape) == 2 else prod(shape) // max(count, 1)
    fits = count * numbers == prod(shape) and (mask is None or mask.shape == (count,))
    if mask is not None and not (fits and count and width):
        raise SegueError(
            f"The entry {key!r} of the observation, {entry}, cannot be divided into the elements "
            f"of {key + MASK!r}, {mask}; give it a row, or as many numbers, for each."
        )
    if not count:
        return None
    return Elements(key, count, width, isinstance(entry, spaces.MultiDiscrete), mask is not None)


def _entries(space: spaces.Space[Any]) -> Mapping[str, spaces.Space[Any]]:
    return space.spaces if isinstance(space, spaces.Dict) else {_WHOLE: space}


def attention_settings(
    policy_kwargs: Mapping[str, Any] | None,
    observation_space: spaces.Space[Any],
    action_space: spaces.Space[Any],
) -> dict[str, Any]:
    """Keyword arguments of a policy of Stable-Baselines3 that make it use an `AttentionExtractor`.

    Parameters
    ----------
    policy_kwargs : mapping or None
        What is added to; its ``features_extractor_kwargs`` go to the extractor.
    observation_space, action_space : gymnasium.Space
        Of the environment. A set with as many elements as the only or first dimension of the
        actions has choices is what they choose from, unless ``choose_from`` says otherwise.

    Returns
    -------
    dict
        For ``policy_kwargs`` of an agent.
    """
    settings = dict(policy_kwargs or {})
    own = dict(settings.get("features_extractor_kwargs") or {})
    choices = 0
    if isinstance(action_space, spaces.Discrete):
        choices = int(action_space.n)
    elif isinstance(action_space, spaces.MultiDiscrete):
        choices = int(action_space.nvec.reshape(-1)[0])
    sets = [each for each in elements_of(observation_space) if not each.ordered]
    fitting = [each.key for each in sets if each.count == choices]
    if fitting:
        own.setdefault("choose_from", fitting[0])
    extractor = {"features_extractor_class": AttentionExtractor, "features_extractor_kwargs": own}
    return settings | extractor


__all__ = ["MASK", "AttentionExtractor", "Elements", "attention_settings", "elements_of"]
