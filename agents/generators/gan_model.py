"""A generator and a discriminator of melodies that have learnt: to sample from and to judge by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from segue.agents.generators.gan import (
    BAR,
    BarGenerator,
    GridDiscriminator,
    one_hot,
    straight_through,
)
from segue.agents.generators.gan_config import GANConfig
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import TOKENS, Tokens

AT_ONCE = 1000
"""Melodies written or judged together; more only take memory."""


def judgements(judge: GridDiscriminator, tokens: Tokens, steps: int) -> npt.NDArray[np.float64]:
    """Judge melodies of people or of anything else.

    Parameters
    ----------
    judge : GridDiscriminator
        For melodies of `steps` tokens; left in the mode in which it was.
    tokens : int array, (n, t)
        Tokens, 0 < t <= steps; what comes after t is unknown.
    steps : int
        Tokens of a whole melody.

    Returns
    -------
    float64 array, (n,)
        The higher, the more like people's.

    Raises
    ------
    SegueError
        If there are too many tokens or none, or one is none of the grid.
    """
    tokens = np.asarray(tokens)
    if tokens.ndim != 2 or not 0 < tokens.shape[1] <= steps:
        raise SegueError(
            f"The melodies have the shape {tokens.shape}; give (n, t) with t from 1 to {steps}."
        )
    if tokens.size and not (tokens.min() >= 0 and tokens.max() < TOKENS):
        raise SegueError(f"A token is outside 0 to {TOKENS - 1}; give tokens of the melody grid.")
    found = np.zeros(len(tokens))
    training = judge.training
    judge.eval()
    with torch.no_grad():
        for begin in range(0, len(tokens), AT_ONCE):
            part = torch.from_numpy(tokens[begin : begin + AT_ONCE].astype(np.int64))
            rows = torch.zeros(len(part), steps, TOKENS)
            rows[:, : part.shape[1]] = one_hot(part)
            found[begin : begin + len(part)] = judge(rows).double().numpy()
    judge.train(training)
    return found


def ranked_above(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Share of all pairs in which the first number is greater; ties count a half."""
    ordered = np.sort(second)
    below = np.searchsorted(ordered, first, "left") + np.searchsorted(ordered, first, "right")
    return float(below.mean() / 2.0 / len(second))


class MelodyGAN:
    """Writes melodies and judges them.

    Parameters
    ----------
    config : GANConfig
        Says how large the networks are.
    bars : int
        Bars of a melody, >= 1.

    Attributes
    ----------
    generator : BarGenerator
        Writes.
    discriminator : GridDiscriminator
        Judges. It has learnt to tell people's melodies from this generator's only; to rank
        melodies of any origin use `segue.agents.generators.scorer`.
    """

    def __init__(self, config: GANConfig, bars: int) -> None:
        self.config, self.bars = config, bars
        self.generator = BarGenerator(config.latent, config.width, bars)
        self.discriminator = GridDiscriminator(
            config.critic_width, bars, spectral=config.spectral_norm
        )

    def sample(self, count: int, seed: int) -> npt.NDArray[np.int8]:
        """Write melodies, (count, 16 bars) int8; the same for the same seed."""
        chance = torch.Generator().manual_seed(seed)
        written = np.zeros((count, self.bars * BAR), dtype=np.int8)
        with torch.no_grad():
            for begin in range(0, count, AT_ONCE):
                noise = self.generator.noise(min(AT_ONCE, count - begin), chance)
                tokens, _ = self.generator(
                    noise, lambda _, logits: straight_through(logits, 1.0, chance)
                )
                written[begin : begin + len(noise)] = tokens.argmax(dim=2).numpy()
        return written

    def score(self, tokens: Tokens) -> npt.NDArray[np.float64]:
        """Judgements (n,) of the discriminator on whole melodies (n, 16 bars), without bounds."""
        return judgements(self.discriminator, tokens, self.bars * BAR)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Weights of both networks by name; what `load_state_dict` takes."""
        return {
            f"{part}.{name}": tensor
            for part, network in self._networks().items()
            for name, tensor in network.state_dict().items()
        }

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take weights of networks of the same sizes.

        Raises
        ------
        SegueError
            If they are of others.
        """
        for part, network in self._networks().items():
            own = {
                name.removeprefix(f"{part}."): tensor
                for name, tensor in state.items()
                if name.startswith(f"{part}.")
            }
            try:
                network.load_state_dict(own)
            except RuntimeError:
                raise SegueError(
                    f"The weights of the {part} do not fit; use the settings they were trained by."
                ) from None

    def _networks(self) -> dict[str, torch.nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminator}


__all__ = ["AT_ONCE", "MelodyGAN", "judgements", "ranked_above"]
