"""Tells people's melodies over chords from a model's, beat by beat: a reward that learns along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from segue.agents.generators.features import CHORD_WIDTH, chord_features
from segue.agents.generators.passages import Passages, chord_tones
from segue.envs.melody.prior import NO_SUCH_PITCH, TOKENS, sounding_pitches
from segue.envs.melody.types import PITCHES

BEAT = 4
"""Sixteenths that are judged together."""

_INPUTS = TOKENS + PITCHES + 1 + CHORD_WIDTH + 1


class Adversary:
    """A discriminator and its optimiser (Goodfellow et al. 2014; GAIL, Ho & Ermon 2016).

    Parameters
    ----------
    seed : int
        Of its weights and of what it is shown.
    width : int
        Channels.
    learning_rate : float
        Of Adam.

    Notes
    -----
    It sees tokens, the pitch that sounds, the chord, and whether the one belongs to the other, of
    the beat and of about two bars around it. Its weights are spectrally normalised (Miyato et al.
    2018), and it is told the truth but nine times in ten, so that its judgement stays soft.
    """

    def __init__(self, seed: int, width: int = 64, learning_rate: float = 5e-4) -> None:
        torch.manual_seed(seed)
        norm = torch.nn.utils.parametrizations.spectral_norm
        self._network = nn.Sequential(
            norm(nn.Conv1d(_INPUTS, width, BEAT, stride=BEAT)),
            nn.LeakyReLU(0.2),
            norm(nn.Conv1d(width, width, 3, padding=1)),
            nn.LeakyReLU(0.2),
            norm(nn.Conv1d(width, width, 3, padding=2, dilation=2)),
            nn.LeakyReLU(0.2),
            nn.Conv1d(width, 1, 1),
        )
        self._optimiser = torch.optim.Adam(
            self._network.parameters(), lr=learning_rate, betas=(0.5, 0.9)
        )

    def judge(self, passages: Passages) -> npt.NDArray[np.float64]:
        """Log-odds that a person wrote each beat, (n, beats)."""
        self._network.eval()
        with torch.no_grad():
            found: npt.NDArray[np.float64] = self._network(_inputs(passages))[:, 0].double().numpy()
        return found

    def learn(self, people: Passages, model: Passages) -> dict[str, float]:
        """Make one step on passages of either kind; returns the loss and the share told right."""
        self._network.train()
        of_people = self._network(_inputs(people))
        of_model = self._network(_inputs(model))
        loss = functional.binary_cross_entropy_with_logits(
            of_people, torch.full_like(of_people, 0.9)
        ) + functional.binary_cross_entropy_with_logits(of_model, torch.full_like(of_model, 0.1))
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        right = ((of_people > 0).float().mean() + (of_model < 0).float().mean()) / 2
        return {"adversary_loss": loss.item(), "told_right": right.item()}

    def state(self) -> dict[str, Any]:
        """Weights and optimiser."""
        weights = {name: value.clone() for name, value in self._network.state_dict().items()}
        return {"network": weights, "optimiser": self._optimiser.state_dict()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self._network.load_state_dict(dict(state["network"]))
        self._optimiser.load_state_dict(state["optimiser"])


def _inputs(passages: Passages) -> torch.Tensor:
    """What is seen of passages, (n, _INPUTS, t) float32."""
    pitches = sounding_pitches(passages.tokens)
    kinds = np.eye(TOKENS, dtype=np.float32)[passages.tokens.astype(np.int64)]
    sounds = np.eye(PITCHES + 1, dtype=np.float32)[
        np.where(pitches == NO_SUCH_PITCH, PITCHES, pitches)
    ]
    fits = chord_tones(passages.tokens, passages.chords)[..., None].astype(np.float32)
    seen = np.concatenate([kinds, sounds, chord_features(passages.chords), fits], axis=2)
    return torch.from_numpy(np.ascontiguousarray(seen.transpose(0, 2, 1)))
