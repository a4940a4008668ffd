"""Settings of one adversarial training."""

from __future__ import annotations

from dataclasses import dataclass

from segue.agents.generators.gan_losses import LOSSES, Loss
from segue.envs.base.errors import SegueError


@dataclass(frozen=True)
class GANConfig:
    """How a generator and its discriminator are made and trained.

    Training has two parts. First the generator learns people's melodies by maximum likelihood
    (`likelihood_steps`), as text GANs do: from nothing, gradients through drawn tokens take many
    times as long to get anywhere. Then it learns from the discriminator, and on the side goes on
    with likelihood (`likelihood_weight`), without which the biased gradient of the relaxation
    makes its choices too sure. With both at 0 it is a GAN and nothing else.

    Attributes
    ----------
    loss : "vanilla" or "wgan-gp"
        See `segue.agents.generators.gan_losses`.
    spectral_norm : bool
        Whether the discriminator's layers are kept at norm 1.
    steps : int
        Steps of the generator until the end, with those of maximum likelihood.
    likelihood_steps : int
        Steps of maximum likelihood at the beginning, 0 to `steps`.
    likelihood_weight : float
        Weight of the likelihood's loss (nats a token) beside the adversarial one, >= 0.
    likelihood_rate : float
        Learning rate of maximum likelihood, > 0; it falls in the second half of those steps.
    critic_start : int
        How many steps before the adversarial part the discriminator begins to learn, >= 0.
    critic_steps : int
        Steps of the discriminator for each of the generator, >= 1.
    batch : int
        Melodies in a step, of people and made, >= 2.
    latent : int
        Numbers of noise shared by the bars, and of each bar's own, >= 1.
    width, critic_width : int
        Channels of a token in the generator and of a beat in the discriminator, >= 1.
    rate, critic_rate : float
        Learning rates of the adversarial part, > 0.
    penalty : float
        Weight of the gradient penalty, >= 0; only for "wgan-gp".
    warm, cold : float
        Temperature of the relaxation at the first adversarial step and at the last, > 0; it falls
        geometrically.
    average : float
        How much of the averaged generator stays at each step, 0 to below 1: what is sampled from
        has the exponential moving average of the weights.
    sampled : int
        Melodies that a validation draws, >= 2.

    Raises
    ------
    SegueError
        If a setting is out of range.
    """

    loss: Loss = "wgan-gp"
    spectral_norm: bool = False
    steps: int = 2200
    likelihood_steps: int = 1500
    likelihood_weight: float = 2.0
    likelihood_rate: float = 3e-3
    critic_start: int = 400
    critic_steps: int = 1
    batch: int = 64
    latent: int = 32
    width: int = 128
    critic_width: int = 96
    rate: float = 1e-4
    critic_rate: float = 5e-4
    penalty: float = 10.0
    warm: float = 1.0
    cold: float = 0.8
    average: float = 0.998
    sampled: int = 1000

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise SegueError(f"There is no loss {self.loss!r}; choose one of {', '.join(LOSSES)}.")
        for name in ("steps", "critic_steps", "latent", "width", "critic_width"):
            self._at_least(name, 1)
        for name in ("batch", "sampled"):
            self._at_least(name, 2)
        for name in ("likelihood_steps", "likelihood_weight", "critic_start", "penalty"):
            self._at_least(name, 0)
        for name in ("rate", "critic_rate", "likelihood_rate", "warm", "cold"):
            if not getattr(self, name) > 0:
                raise SegueError(f"{name} is {getattr(self, name)}; give a number above 0.")
        if not 0 <= self.average < 1:
            raise SegueError(f"average is {self.average}; give one from 0 to below 1.")
        if self.likelihood_steps > self.steps:
            raise SegueError(
                f"likelihood_steps is {self.likelihood_steps}, which is more than all steps, "
                f"{self.steps}; give fewer."
            )

    def _at_least(self, name: str, least: int) -> None:
        if not getattr(self, name) >= least:
            raise SegueError(f"{name} is {getattr(self, name)}; give at least {least}.")


__all__ = ["GANConfig"]
