"""Losses of adversarial training: the first one and a stable one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch.nn.functional import softplus

Loss = Literal["vanilla", "wgan-gp"]
LOSSES: tuple[Loss, ...] = ("vanilla", "wgan-gp")

Judge = Callable[[torch.Tensor], torch.Tensor]


def discriminator_loss(loss: Loss, real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """What the discriminator descends, without a penalty.

    Parameters
    ----------
    loss : "vanilla" or "wgan-gp"
        The cross-entropy of Goodfellow et al. (2014), the judgement being a logit; or the
        Wasserstein critic's difference (Arjovsky et al. 2017).
    real, made : float tensors, (n,)
        Judgements of people's melodies and of the generator's.
    """
    if loss == "vanilla":
        return softplus(-real).mean() + softplus(made).mean()
    return made.mean() - real.mean()


def generator_loss(loss: Loss, made: torch.Tensor) -> torch.Tensor:
    """What the generator descends.

    For "vanilla" the non-saturating form, ``-log D``, which Goodfellow et al. (2014) train with.
    """
    return softplus(-made).mean() if loss == "vanilla" else -made.mean()


def gradient_penalty(
    judge: Judge, real: torch.Tensor, made: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Mean of ``(|gradient| - 1)^2`` between real and made melodies (Gulrajani et al. 2017).

    Parameters
    ----------
    judge : callable
        Judgements (n,) of tokens (n, t, k).
    real, made : float tensors, (n, t, k)
        The gradient is taken at a random place between each pair.
    generator : torch.Generator
        Draws the places.
    """
    share = torch.rand(len(real), 1, 1, generator=generator)
    between = torch.lerp(made.detach(), real, share).requires_grad_()
    (gradient,) = torch.autograd.grad(judge(between).sum(), between, create_graph=True)
    slope = torch.linalg.vector_norm(gradient, dim=(1, 2))
    return torch.mean((slope - 1.0) ** 2)


__all__ = ["LOSSES", "Loss", "discriminator_loss", "generator_loss", "gradient_penalty"]
