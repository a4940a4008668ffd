"""One adversarial training of a melody generator, which can be stopped and gone on with exactly.

This file knows music through `segue.agents.generators.diversity`, which measures the melodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch

from segue.agents.generators.diversity import DiversityWatch
from segue.agents.generators.gan import BAR, BarGenerator, one_hot, straight_through
from segue.agents.generators.gan_config import GANConfig
from segue.agents.generators.gan_losses import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
)
from segue.agents.generators.gan_model import MelodyGAN, ranked_above
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import TOKENS, Tokens

_BETAS = (0.5, 0.99)
_VALIDATION_SEED = 7
"""Of the melodies that every validation draws: the weights make the difference, not the draw."""

_LAST_RATE = 0.05
"""Learning rate at the end of maximum likelihood, as a share of that at its beginning."""


class GANTraining:
    """A generator and a discriminator that learn from people's melodies.

    Parameters
    ----------
    config : GANConfig
        The settings.
    windows : int array, (n, 16 bars)
        Training melodies as tokens, n >= 2.
    validation : int array, (m, 16 bars)
        Held-out ones, m >= 2.
    seed : int
        Of the first weights and all that is drawn. On one thread, the same seed gives the same
        figures and weights bit for bit.

    Attributes
    ----------
    step : int
        Steps of the generator made so far.
    model : MelodyGAN
        The discriminator, and the generator with averaged weights.
    collapsed : str or None
        What the last validation found: one sentence that says that, and why, the generator has
        collapsed.
    history : list of dict
        Figures of each validation, with its ``step``.

    Raises
    ------
    SegueError
        If the melodies are no tokens of whole bars, or too few.
    """

    def __init__(self, config: GANConfig, windows: Tokens, validation: Tokens, seed: int) -> None:
        for name, tokens in (("training", windows), ("validation", validation)):
            _check(name, tokens)
        if windows.shape[1] != validation.shape[1]:
            raise SegueError("Training and validation windows differ in length; cut them alike.")
        self.config, self.step = config, 0
        self.collapsed: str | None = None
        self.history: list[dict[str, float]] = []
        self._best: dict[str, torch.Tensor] | None = None
        self._windows = torch.from_numpy(windows.astype(np.int64))
        self._validation = validation
        self._watch = DiversityWatch(windows, validation, config.sampled, _VALIDATION_SEED)
        self._chance = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = MelodyGAN(config, windows.shape[1] // BAR)
        self._generator: BarGenerator = deepcopy(self.model.generator)
        self.model.generator.requires_grad_(False)
        own = self._generator.parameters
        self._likelihood = torch.optim.Adam(own(), config.likelihood_rate)
        self._adversary = torch.optim.Adam(own(), config.rate, _BETAS)
        critic = self.model.discriminator.parameters()
        self._critic = torch.optim.Adam(critic, config.critic_rate, _BETAS)

    @property
    def finished(self) -> bool:
        """Whether all steps of the settings are made; `update` may go on by those of the end."""
        return self.step >= self.config.steps

    def update(self) -> dict[str, float]:
        """Make a step of the generator, with the discriminator's that belong to it.

        Returns
        -------
        dict of str to float
            ``likelihood_loss`` in nats a token, where maximum likelihood was part of the step;
            ``discriminator_loss`` and ``generator_loss`` where they were; ``gap``, mean judgement
            of people's melodies over that of the generator's; ``temperature`` of the relaxation.
        """
        config, figures = self.config, dict[str, float]()
        first = config.likelihood_steps
        if self.step >= first - config.critic_start:
            figures |= self._teach_discriminator()
        if self.step < first:
            figures |= self._follow_people()
        else:
            figures |= self._fool_discriminator()
        self._average()
        self.step += 1
        return figures

    def temperature(self) -> float:
        """Temperature of the relaxation at this step."""
        config = self.config
        length = max(config.steps - config.likelihood_steps - 1, 1)
        done = min(max(self.step - config.likelihood_steps, 0) / length, 1.0)
        return float(config.warm * (config.cold / config.warm) ** done)

    def _teach_discriminator(self) -> dict[str, float]:
        config, judge = self.config, self.model.discriminator
        for _ in range(config.critic_steps):
            real = self._drawn()
            with torch.no_grad():
                made = self._made()
            of_real, of_made = judge(real), judge(made)
            loss = discriminator_loss(config.loss, of_real, of_made)
            if config.loss == "wgan-gp":
                penalty = gradient_penalty(judge, real, made, self._chance)
                loss = loss + config.penalty * penalty
            _descend(self._critic, loss)
        gap = of_real.mean() - of_made.mean()
        return {"discriminator_loss": loss.item(), "gap": gap.item()}

    def _follow_people(self) -> dict[str, float]:
        done = self.step / self.config.likelihood_steps
        share = min(1.0, max(2.0 - 2.0 * done, _LAST_RATE))
        for group in self._likelihood.param_groups:
            group["lr"] = self.config.likelihood_rate * share
        loss = self._surprise(self._drawn())
        _descend(self._likelihood, loss)
        return {"likelihood_loss": loss.item()}

    def _fool_discriminator(self) -> dict[str, float]:
        config, judge = self.config, self.model.discriminator
        judge.requires_grad_(False)
        adversarial = generator_loss(config.loss, judge(self._made()))
        judge.requires_grad_(True)
        figures = {"generator_loss": adversarial.item(), "temperature": self.temperature()}
        loss = adversarial
        if config.likelihood_weight:
            surprise = self._surprise(self._drawn())
            figures["likelihood_loss"] = surprise.item()
            loss = loss + config.likelihood_weight * surprise
        _descend(self._adversary, loss)
        return figures

    def _drawn(self) -> torch.Tensor:
        """People's melodies, (batch, t, 38)."""
        size = (self.config.batch,)
        rows = torch.randint(len(self._windows), size, generator=self._chance)
        return one_hot(self._windows[rows])

    def _made(self) -> torch.Tensor:
        """Melodies of the generator, (batch, t, 38), with gradients by the relaxation."""
        noise = self._generator.noise(self.config.batch, self._chance)
        warmth = self.temperature()
        tokens, _ = self._generator(
            noise, lambda _, logits: straight_through(logits, warmth, self._chance)
        )
        return cast(torch.Tensor, tokens)

    def _surprise(self, real: torch.Tensor) -> torch.Tensor:
        """Mean negative log-likelihood of tokens given those before and noise that is drawn."""
        noise = self._generator.noise(len(real), self._chance)
        _, logits = self._generator(noise, lambda step, _: real[:, step])
        surprise: torch.Tensor = -(logits * real).sum(dim=2).mean()
        return surprise

    def _average(self) -> None:
        # Less of the first weights while there are few steps.
        keep = min(self.config.average, (1.0 + self.step) / (10.0 + self.step))
        pairs = zip(self.model.generator.parameters(), self._generator.parameters(), strict=True)
        with torch.no_grad():
            for averaged, current in pairs:
                averaged.lerp_(current, 1.0 - keep)

    def validate(self) -> dict[str, float]:
        """Measure melodies of the averaged generator; nothing that is learnt or drawn changes.

        Returns
        -------
        dict of str to float
            The fields of `segue.agents.generators.diversity.Diversity`; ``accuracy``, share of
            the pairs of a validation window and a melody that the discriminator ranks rightly
            (a half is a coin's); ``collapsed``, 1 or 0.
        """
        melodies = self.sample(self.config.sampled, _VALIDATION_SEED)
        found = self._watch.measure(melodies)
        self.collapsed = found.collapse()
        people = self.model.score(self._validation[: self.config.sampled])
        figures = {
            **found.figures(),
            "accuracy": ranked_above(people, self.model.score(melodies)),
            "collapsed": float(self.collapsed is not None),
        }
        distances = [past["frechet"] for past in self.history if self._counts(past)]
        self.history.append({"step": float(self.step), **figures})
        if self._counts(self.history[-1]) and figures["frechet"] < min(distances, default=np.inf):
            self._best = {name: x.clone() for name, x in self.model.state_dict().items()}
        return figures

    def _counts(self, past: Mapping[str, float]) -> bool:
        """Whether a validation may be the best: an adversarial one without collapse."""
        return past["step"] > self.config.likelihood_steps and not past["collapsed"]

    def sample(self, count: int, seed: int) -> npt.NDArray[np.int8]:
        """Write melodies, (count, 16 bars), with the averaged generator as it is now."""
        return self.model.sample(count, seed)

    def best(self) -> MelodyGAN:
        """Give the networks at the validation with the least Frechet distance.

        Only validations after the first adversarial step count, and none with a collapse.

        Raises
        ------
        SegueError
            If there is none.
        """
        if self._best is None:
            raise SegueError(
                "No validation found a generator that had learnt from its discriminator and not "
                "collapsed; train longer or by other settings."
            )
        model = MelodyGAN(self.config, self.model.bars)
        model.load_state_dict(self._best)
        return model

    def state(self) -> dict[str, Any]:
        """Give what an exact continuation needs: nested dicts of tensors and plain values."""
        return {
            "step": self.step,
            "collapsed": self.collapsed,
            "history": [dict(past) for past in self.history],
            "best": None if self._best is None else dict(self._best),
            "model": {name: x.clone() for name, x in self.model.state_dict().items()},
            "generator": {name: x.clone() for name, x in self._generator.state_dict().items()},
            "optimizers": [deepcopy(one.state_dict()) for one in self._optimisers()],
            "random": self._chance.get_state(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` gave, of the same settings and melodies."""
        self.step, self.collapsed = int(state["step"]), state["collapsed"]
        self.history = [dict(past) for past in state["history"]]
        best = state["best"]
        self._best = None if best is None else {name: x.clone() for name, x in best.items()}
        self.model.load_state_dict(state["model"])
        self._generator.load_state_dict(state["generator"])
        for one, saved in zip(self._optimisers(), state["optimizers"], strict=True):
            one.load_state_dict(deepcopy(saved))
        self._chance.set_state(state["random"])

    def _optimisers(self) -> tuple[torch.optim.Adam, ...]:
        return self._likelihood, self._adversary, self._critic


def _check(name: str, tokens: Tokens) -> None:
    if tokens.ndim != 2 or not tokens.shape[1] or tokens.shape[1] % BAR:
        raise SegueError(
            f"The {name} windows have the shape {tokens.shape}; give (n, {BAR} a bar) tokens."
        )
    if tokens.size and not (tokens.min() >= 0 and tokens.max() < TOKENS):
        raise SegueError(
            f"A token of the {name} windows is outside 0 to {TOKENS - 1}; give the melody grid's."
        )


def _descend(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


__all__ = ["GANTraining"]
