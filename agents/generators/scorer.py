"""Scores melodies by how far they are like people's rather than made by rote, or by chance.

A GAN's discriminator has only learnt what tells people from its own generator, at the last. As a
reward it must rank melodies of any origin. So the same network (`GridDiscriminator`) is trained
here on people's melodies against several others at once: an n-gram's, a generator's, people's with
their sixteenths shuffled, and uniformly random ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import softplus

from segue.agents.generators.gan import BAR, GridDiscriminator, one_hot
from segue.agents.generators.gan_model import judgements, ranked_above
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import TOKENS, Tokens

_PLAIN = 16
"""One in so many of the other melodies is shuffled, and one random."""


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
    width : int
        Channels of a beat, >= 1.
    """

    steps: int = 3000
    batch: int = 64
    rate: float = 1e-3
    decay: float = 0.01
    hidden: float = 0.15
    cut: float = 0.2
    width: int = 96

    def __post_init__(self) -> None:
        if min(self.steps, self.width) < 1 or self.batch < _PLAIN:
            raise SegueError(
                f"steps, width and batch are {self.steps}, {self.width} and {self.batch}; "
                f"give at least 1, 1 and {_PLAIN}."
            )
        if not (self.rate > 0 and self.decay >= 0):
            raise SegueError(
                f"rate and decay are {self.rate} and {self.decay}; give more than 0, and 0 or more."
            )
        if not (0 <= self.hidden < 1 and 0 <= self.cut <= 1):
            raise SegueError(f"hidden and cut are {self.hidden} and {self.cut}; give chances.")


class MelodyScorer:
    """A network that scores melodies.

    Parameters
    ----------
    bars : int
        Bars of a whole melody, >= 1.
    width : int
        Channels of a beat.
    """

    def __init__(self, bars: int, width: int) -> None:
        self.bars, self.width = bars, width
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


def fit_scorer(
    people: Tokens, others: Mapping[str, Tokens], config: ScorerConfig, seed: int
) -> MelodyScorer:
    """Train a scorer.

    Parameters
    ----------
    people : int array, (n, 16 bars)
        People's melodies, for training; the shuffled ones are made of them.
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
        real = _some(people, config.batch, generator)
        made = _others(people, others, config.batch, generator)
        shown = _shown(np.concatenate([real, made]), config, generator)
        logits = network(shown)
        loss = softplus(-logits[: config.batch]).mean() + softplus(logits[config.batch :]).mean()
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


def _some(tokens: Tokens, count: int, generator: np.random.Generator) -> Tokens:
    return tokens[generator.integers(len(tokens), size=count)]


def _others(
    people: Tokens, others: Mapping[str, Tokens], count: int, generator: np.random.Generator
) -> Tokens:
    """Melodies that are not people's, (count, t)."""
    plain = count // _PLAIN
    shuffled = generator.permuted(_some(people, plain, generator), axis=1)
    noise = generator.integers(TOKENS, size=(plain, people.shape[1])).astype(people.dtype)
    sets = list(others.values())
    which = generator.integers(len(sets), size=count - 2 * plain)
    drawn = [_some(one, int((which == number).sum()), generator) for number, one in enumerate(sets)]
    return np.concatenate([*drawn, shuffled, noise])


def _shown(tokens: Tokens, config: ScorerConfig, generator: np.random.Generator) -> torch.Tensor:
    """Tokens as rows, (n, t, 38), 0 where they are hidden or cut off."""
    count, steps = tokens.shape
    known = generator.random((count, steps)) >= config.hidden
    length = generator.integers(1, steps, size=(count, 1))
    whole = generator.random((count, 1)) >= config.cut
    known &= whole | (np.arange(steps) < length)
    rows = one_hot(torch.from_numpy(tokens.astype(np.int64)))
    return rows * torch.from_numpy(known.astype(np.float32))[..., None]


__all__ = ["MelodyScorer", "ScorerConfig", "fit_scorer"]
