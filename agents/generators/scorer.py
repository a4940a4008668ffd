"""Scores melodies by how far they are like people's rather than made by rote, or by chance.

A GAN's discriminator has only learnt what tells people from its own generator, at the last. As a
reward it must rank melodies of any origin. So the same network (`GridDiscriminator`) is trained
here on people's melodies against several others at once: those of models, people's with their
sixteenths shuffled, drones and scales in people's rhythm, and uniformly random ones. No model
plays a drone, so that without these it would be taken for a person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import softplus

from segue.agents.generators.gan import BAR, GridDiscriminator
from segue.agents.generators.gan_model import judgements, ranked_above
from segue.agents.generators.model_file import read_model, write_model
from segue.agents.generators.scorer_batches import (
    LEAST_BATCH,
    moved,
    others_of,
    shares,
    shown_rows,
    some,
)
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import Tokens

FORMAT = "segue.scorer.v1"
_WIDEST, _MOST_BARS = 1 << 12, 1 << 6
"""Sizes beyond which a file's head is not believed."""


@dataclass(frozen=True)
class ScorerConfig:
    """How a scorer is trained.

    Attributes
    ----------
    steps : int
        Steps of AdamW, >= 1.
    batch : int
        People's melodies in each, and as many others, >= 16.
    rate : float
        Learning rate, > 0; it falls evenly from a third of the steps on.
    decay : float
        Weight decay, >= 0.
    hidden : float
        Chance that a sixteenth is hidden, 0 to below 1, so that no melody is known by heart.
    cut : float
        Chance that a melody is shown from its beginning only, 0 to 1, so that unfinished ones can
        be scored.
    moved : float
        Chance that a melody of any origin is moved by an octave, 0 to 1, so that a high or a low
        passage is not taken for chance because few people wrote there.
    width : int
        Channels of a beat, >= 1.
    doubt : float
        Chance, 0 to below 1/2, that a model's melody counts as a person's (label smoothing, Szegedy
        et al. 2016), since it might be one: so that people's melodies that are like a model's are
        not taken for impossible.
    margin : float
        Log-odds, >= 0, by which people's whole melodies must stand further above uniformly random
        ones than the likelihood asks, so that no random one is ever above one of people's.
    """

    steps: int = 4000
    batch: int = 64
    rate: float = 1e-3
    decay: float = 0.1
    hidden: float = 0.15
    cut: float = 0.2
    moved: float = 0.25
    width: int = 96
    doubt: float = 0.05
    margin: float = 12.0

    def __post_init__(self) -> None:
        if min(self.steps, self.width) < 1 or self.batch < LEAST_BATCH:
            raise SegueError(
                f"steps, width and batch are {self.steps}, {self.width} and {self.batch}; "
                f"give at least 1, 1 and {LEAST_BATCH}."
            )
        if not (self.rate > 0 and self.decay >= 0):
            raise SegueError(
                f"rate and decay are {self.rate} and {self.decay}; give more than 0, and 0 or more."
            )
        if not (0 <= self.hidden < 1 and 0 <= self.cut <= 1 and 0 <= self.moved <= 1):
            raise SegueError(
                f"hidden, cut and moved are {self.hidden}, {self.cut} and {self.moved}; give "
                "chances."
            )
        if not (0 <= self.doubt < 0.5 and self.margin >= 0):
            raise SegueError(
                f"doubt and margin are {self.doubt} and {self.margin}; give a chance below 1/2, "
                "and 0 or more."
            )


class MelodyScorer:
    """A network that scores melodies; of two bars a `MelodyJudge` of `segue/Melody-v0`.

    Parameters
    ----------
    bars : int
        Bars of a whole melody, >= 1.
    width : int
        Channels of a beat.
    facts : mapping or None
        What is told of it: corpora, licences, measures; can be written as JSON.
    """

    def __init__(self, bars: int, width: int, facts: Mapping[str, Any] | None = None) -> None:
        self.bars, self.width, self.facts = bars, width, dict(facts or {})
        self.network = GridDiscriminator(width, bars, spectral=False)

    def score(self, tokens: Tokens) -> npt.NDArray[np.float64]:
        """Score melodies, or how they begin.

        Parameters
        ----------
        tokens : int array, (n, t)
            Tokens, 0 < t <= 16 bars.

        Returns
        -------
        float64 array, (n,)
            Log-odds, without bounds, that people made the melody, where half of all melodies are
            people's. Scores of one t can be compared.

        Raises
        ------
        SegueError
            If there are too many tokens or none, or one is none of the grid.
        """
        return judgements(self.network, tokens, self.bars * BAR)

    def rankings(self, people: Tokens, others: Mapping[str, Tokens]) -> dict[str, float]:
        """Share of the pairs in which people's melody scores higher, by the others' name."""
        scores = self.score(people)
        return {name: ranked_above(scores, self.score(other)) for name, other in others.items()}

    def save(self, path: Path) -> None:
        """Write the scorer to one safetensors file, in half precision, the facts in its head."""
        told = {"bars": self.bars, "width": self.width, "facts": self.facts}
        write_model(path, FORMAT, self.network, told)

    @classmethod
    def load(cls, path: Path) -> MelodyScorer:
        """Read what `save` wrote.

        Raises
        ------
        SegueError
            If it is no such file.
        """

        def built(told: dict[str, Any], weights: dict[str, torch.Tensor]) -> MelodyScorer:
            bars, width = int(told["bars"]), int(told["width"])
            if not (0 < bars <= _MOST_BARS and 0 < width <= _WIDEST):
                raise ValueError(f"it is of {bars} bars and {width} channels")
            scorer = cls(bars, width, told["facts"])
            scorer.network.load_state_dict(weights)
            scorer.network.eval()
            return scorer

        writer = "python -m segue.experiments.pretrained_scorer"
        return read_model(path, FORMAT, built, "melody scorer", writer)


def fit_scorer(
    people: Tokens, others: Mapping[str, Tokens], config: ScorerConfig, seed: int
) -> MelodyScorer:
    """Train a scorer.

    Parameters
    ----------
    people : int array, (n, 16 bars)
        People's melodies in C major, for training; the shuffled ones and those by rote are made
        of them.
    others : mapping of str to int array, (m, 16 bars)
        Melodies of other origins, at least one set; each has the same share. Give thousands: of
        few, the scorer would only know these.
    config : ScorerConfig
        The settings.
    seed : int
        Of the weights and all that is drawn; the same gives the same scorer on one thread.

    Returns
    -------
    MelodyScorer
        Trained.

    Raises
    ------
    SegueError
        If a set is empty or of another length.
    """
    _check(people, others)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        scorer = MelodyScorer(people.shape[1] // BAR, config.width)
    generator = np.random.default_rng(seed)
    network = scorer.network
    optimiser = torch.optim.AdamW(network.parameters(), config.rate, weight_decay=config.decay)
    for step in range(config.steps):
        share = min(1.0, 1.5 * (1.0 - step / config.steps))
        for group in optimiser.param_groups:
            group["lr"] = config.rate * share
        real = some(people, config.batch, generator)
        made = others_of(people, others, config.batch, generator)
        tokens = moved(np.concatenate([real, made]), config.moved, generator)
        shown, whole = shown_rows(tokens, config.hidden, config.cut, generator)
        loss = _loss(network(shown), whole, config)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return scorer


def _check(people: Tokens, others: Mapping[str, Tokens]) -> None:
    for name, tokens in {"people": people, **others}.items():
        shape = tokens.shape
        if len(shape) != 2 or not len(tokens) or shape[1] % BAR or shape[1] != people.shape[1]:
            raise SegueError(
                f"The melodies of {name!r} have the shape {shape}; give (n, {BAR} a bar), n >= 1, "
                "all of one length."
            )
    if not others:
        raise SegueError("There is nothing to tell people's melodies from; give some others.")


def _loss(logits: torch.Tensor, whole: torch.Tensor, config: ScorerConfig) -> torch.Tensor:
    """Cross-entropy of people's melodies and of as many others, as `others_of` orders them."""
    models, mixed, rote, random = shares(config.batch)
    sizes = [config.batch, models, mixed + rote, random]
    people, made, spoilt, noise = logits.split_with_sizes(sizes)
    doubted = (1 - config.doubt) * softplus(made) + config.doubt * softplus(-made)
    # Of the first few tokens even chance may be right.
    sure = softplus(noise + config.margin * whole[-random:])
    total = doubted.sum() + softplus(spoilt).sum() + sure.sum()
    return softplus(-people).mean() + total / config.batch


__all__ = ["MelodyScorer", "ScorerConfig", "fit_scorer"]
