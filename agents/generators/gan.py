"""Generator and discriminator of melodies on the token grid: a GAN over bars.

The generator is the temporal one of MuseGAN (Dong et al. 2018) for one voice: noise that all bars
share and noise for each bar go through a recurrent network over bars, which gives each bar a plan.
By the plan of its bar, another recurrent network writes token after token. It is shown the token
before and those a beat, half a bar and a bar ago, so that it can repeat and vary. It knows what
the grid means: a step either begins a note, holds or ends one, and which note would begin is a
second question.

Tokens are discrete and have no gradient. `straight_through` draws them by the Gumbel-max trick and
gives back the gradient of the softmax at a temperature (Jang et al. 2017; Maddison et al. 2017).
So the discriminator only ever sees whole tokens, from people and from the generator alike.

The discriminator reads the tokens together with what a listener hears of them, each worked out by
sums and products, through which gradients flow: the pitch that sounds, the interval at which a note
begins, and what is as it was a beat, half a bar and a bar ago.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import nn
from torch.nn.functional import leaky_relu, log_softmax, pad
from torch.nn.utils.parametrizations import spectral_norm

from segue.envs.melody.prior import TOKENS
from segue.envs.melody.types import FIRST_ONSET, HOLD, PITCHES

BEAT = 4
"""Sixteenths in a beat."""

BEATS = 4
"""Beats in a bar."""

BAR = BEAT * BEATS

WIDEST = 7
"""Semitones of the widest interval that the discriminator is shown."""

LAGS = (4, 8, 16)
"""Sixteenths between what the discriminator is shown to be the same."""

_KINDS = FIRST_ONSET + 1
_VIEWS = TOKENS + PITCHES + 2 * WIDEST + 1 + 2 * len(LAGS)

Layer = Callable[[nn.Module], nn.Module]

Choose = Callable[[int, torch.Tensor], torch.Tensor]
"""Tokens (n, 38), one-hot, of a step and the log-probabilities that they have there."""


class BarGenerator(nn.Module):
    """Makes melodies of noise, token by token.

    Parameters
    ----------
    latent : int
        Numbers of noise shared by all bars, and of each bar's own.
    width : int
        Channels of a token.
    bars : int
        Bars of a melody.
    """

    def __init__(self, latent: int, width: int, bars: int) -> None:
        super().__init__()
        self.latent, self.bars, self.width = latent, bars, width
        self.temporal = nn.GRU(2 * latent, width, batch_first=True)
        self.place = nn.Parameter(torch.randn(BAR, width) / 10.0)
        self.earlier = nn.Linear(TOKENS, (1 + len(LAGS)) * width, bias=False)
        self.step = nn.GRUCell(width, width)
        self.tokens = nn.Linear(2 * width, _KINDS + PITCHES)

    def noise(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Draw noise for melodies, (count, bars + 1, latent): the shared part comes first."""
        return torch.randn(count, self.bars + 1, self.latent, generator=generator)

    def forward(self, noise: torch.Tensor, choose: Choose) -> tuple[torch.Tensor, torch.Tensor]:
        """Write melodies by noise.

        Parameters
        ----------
        noise : float tensor, (n, bars + 1, latent)
            As `noise` draws it.
        choose : callable
            Takes a step and the log-probabilities (n, 38) of its tokens, and gives the tokens as
            one-hot rows: draws them, or says what they are in melodies that there are.

        Returns
        -------
        tokens : float tensor, (n, 16 bars, 38)
            What was chosen.
        log_probabilities : float tensor, (n, 16 bars, 38)
            Of what might have been chosen, given the noise and the tokens before.
        """
        shared = noise[:, :1].expand(-1, self.bars, -1)
        plans, _ = self.temporal(torch.cat([shared, noise[:, 1:]], dim=2))
        hidden = plans[:, 0]
        tokens: list[torch.Tensor] = []
        logits: list[torch.Tensor] = []
        seen: list[torch.Tensor] = []
        for step in range(self.bars * BAR):
            x = plans[:, step // BAR] + self.place[step % BAR]
            for part, lag in enumerate((1, *LAGS)):
                if lag <= step:
                    x = x + seen[step - lag][:, part]
            hidden = self.step(x, hidden)
            logits.append(_token_logits(self.tokens(torch.cat([hidden, x], dim=1))))
            tokens.append(choose(step, logits[-1]))
            seen.append(self.earlier(tokens[-1]).view(len(noise), -1, self.width))
        return torch.stack(tokens, dim=1), torch.stack(logits, dim=1)


def _token_logits(steps: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of note off, hold and each onset: of the kind, and of the pitch for it."""
    kind = log_softmax(steps[..., :_KINDS], dim=-1)
    pitch = log_softmax(steps[..., _KINDS:], dim=-1)
    return torch.cat([kind[..., :FIRST_ONSET], kind[..., FIRST_ONSET:] + pitch], dim=-1)


def straight_through(
    logits: torch.Tensor, temperature: float, generator: torch.Generator
) -> torch.Tensor:
    """Draw tokens as one-hot rows whose gradient is that of a softmax.

    Parameters
    ----------
    logits : float tensor, (..., k)
        Log-probabilities, up to a constant.
    temperature : float
        Of the softmax, > 0. The lower, the truer the gradient, and the more it varies.
    generator : torch.Generator
        Where chance comes from.

    Returns
    -------
    float tensor, (..., k)
        One 1 in each row, drawn by the softmax of `logits` at any temperature.
    """
    noisy = logits + gumbel_noise(logits.shape, generator)
    soft = torch.softmax(noisy / temperature, dim=-1)
    hard = torch.zeros_like(soft).scatter_(-1, noisy.argmax(dim=-1, keepdim=True), 1.0)
    return hard + soft - soft.detach()


def gumbel_noise(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Draw standard Gumbel noise."""
    return -torch.empty(shape).exponential_(generator=generator).log()


def one_hot(tokens: torch.Tensor) -> torch.Tensor:
    """Tokens (n, t) as rows, (n, t, 38) float."""
    return torch.nn.functional.one_hot(tokens.long(), TOKENS).float()


def heard(tokens: torch.Tensor) -> torch.Tensor:
    """What a listener hears of tokens.

    Parameters
    ----------
    tokens : float tensor, (n, t, 38)
        One-hot rows, or mixtures of them.

    Returns
    -------
    float tensor, (n, t, 95)
        The tokens; the pitch that sounds (36, none in silence); the interval at which a note
        begins above the pitch before it (15, 7 down to -7 semitones; none for wider ones and after
        silence); and for each of `LAGS` how far the same pitch sounds as so many sixteenths ago,
        and how far a note begins now and began then.
    """
    onsets = tokens[..., FIRST_ONSET:]
    holds = tokens[..., HOLD, None]
    sounding: list[torch.Tensor] = []
    # All steps at once: the gradient of one at a time would be a whole array each.
    for onset, hold in zip(onsets.unbind(1), holds.unbind(1), strict=True):
        sounding.append(onset + hold * sounding[-1] if sounding else onset)
    pitch = torch.stack(sounding, dim=1)
    before = pad(pitch, (WIDEST, WIDEST, 1, 0))[:, :-1]
    moved = [before[..., by : by + PITCHES] for by in range(2 * WIDEST + 1)]
    interval = torch.stack([(onsets * other).sum(dim=2) for other in moved], dim=2)
    begins = onsets.sum(dim=2)
    views = [tokens, pitch, interval]
    for lag in LAGS:
        earlier = pad(pitch, (0, 0, lag, 0))[:, :-lag]
        same = (pitch * earlier).sum(dim=2)
        both = begins * pad(begins, (lag, 0))[:, :-lag]
        views.append(torch.stack([same, both], dim=2))
    return torch.cat(views, dim=2)


class _Block(nn.Module):
    """Two convolutions over neighbouring beats, added to what was there."""

    def __init__(self, width: int, wrap: Layer) -> None:
        super().__init__()
        self.first = wrap(nn.Conv1d(width, width, 3, padding=1))
        self.second = wrap(nn.Conv1d(width, width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.first(leaky_relu(x, 0.2))
        return cast(torch.Tensor, x + self.second(leaky_relu(inner, 0.2)))


class GridDiscriminator(nn.Module):
    """Judges melodies: the higher, the more like people's.

    Parameters
    ----------
    width : int
        Channels of a beat.
    bars : int
        Bars of a melody.
    spectral : bool
        Whether every layer's largest singular value is kept at 1 (Miyato et al. 2018).
    """

    def __init__(self, width: int, bars: int, *, spectral: bool) -> None:
        super().__init__()

        def wrap(layer: nn.Module) -> nn.Module:
            return spectral_norm(layer) if spectral else layer

        beats = bars * BEATS
        # A beat is read with two sixteenths on either side.
        self.read = wrap(nn.Conv1d(_VIEWS, width, 2 * BEAT, stride=BEAT, padding=BEAT // 2))
        self.place = nn.Parameter(torch.zeros(width, beats))
        self.blocks = nn.ModuleList([_Block(width, wrap) for _ in range(2)])
        self.local = wrap(nn.Conv1d(width, 1, 1))
        self.whole = wrap(nn.Linear(width * beats, width))
        self.judge = wrap(nn.Linear(width, 1))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Judgements (n,) of tokens (n, 16 bars, 38): one-hot, mixtures, or 0 where unknown."""
        x = self.read(heard(tokens).transpose(1, 2)) + self.place
        for block in self.blocks:
            x = block(x)
        x = leaky_relu(x, 0.2)
        whole = self.judge(leaky_relu(self.whole(x.flatten(1)), 0.2)).squeeze(1)
        return cast(torch.Tensor, whole + self.local(x).mean(dim=(1, 2)))


__all__ = [
    "BAR",
    "BEAT",
    "BEATS",
    "BarGenerator",
    "GridDiscriminator",
    "gumbel_noise",
    "heard",
    "one_hot",
    "straight_through",
]
