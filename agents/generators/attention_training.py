"""One training run of the attention model, to be driven update by update."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from segue.agents.generators.attention import AttentionConfig, Dropout, MelodyAttention
from segue.agents.generators.batches import (
    IGNORED,
    Excerpt,
    as_found,
    collate,
    epoch,
    grouped,
    onsets,
    whole,
)
from segue.envs.base.errors import SegueError
from segue.envs.melody.sequences import Sequence16

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""Of matrix products in training."""


@dataclass(frozen=True)
class AttentionLearning:
    """How the attention model learns.

    Attributes
    ----------
    updates : int
        Steps of the optimiser at most.
    batch_tokens : int
        Sixteenths in a batch, about.
    learning_rate : float
        Greatest rate; it rises over `warmup` updates, then falls by a cosine to a fiftieth.
    warmup : int
        Updates.
    weight_decay : float
        Of AdamW (Loshchilov & Hutter 2019).
    dropout : float
        Share of values left out, 0 to below 1.
    untold : float
        Share of the conditions that are kept from the model, each by itself.
    excerpts : float
        Share of the tunes of which only some bars are shown.
    rehearsal : float
        Share of the tunes that come from an earlier corpus, if there is one. Batches are larger by
        it, so that an update shows as much of the new corpus as without.
    validate_every : int
        Updates between validations.
    patience : int
        Validations without improvement after which training ends.
    precision : str
        One of PRECISIONS.

    Raises
    ------
    SegueError
        If one of them is out of range.
    """

    updates: int = 6000
    batch_tokens: int = 3200
    learning_rate: float = 0.0015
    warmup: int = 200
    weight_decay: float = 0.05
    dropout: float = 0.15
    untold: float = 0.25
    excerpts: float = 0.3
    rehearsal: float = 0.0
    validate_every: int = 250
    patience: int = 6
    precision: str = "float32"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise SegueError(
                f"precision is {self.precision!r}; give one of {', '.join(PRECISIONS)}."
            )
        for name in ("updates", "batch_tokens", "warmup", "validate_every", "patience"):
            if getattr(self, name) < 1:
                raise SegueError(f"{name} is {getattr(self, name)}; give 1 or more.")
        for name in ("dropout", "untold", "excerpts", "rehearsal"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise SegueError(f"{name} is {getattr(self, name)}; give 0 to below 1.")
        for name in ("learning_rate", "weight_decay"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise SegueError(f"{name} is {getattr(self, name)}; give a number from 0 on.")


class AttentionTraining:
    """The model, its optimiser and its place in the data.

    All chance follows from the seed and the number of updates made, so that a run goes on bit for
    bit from what `state` gives.

    Parameters
    ----------
    size : AttentionConfig
        Of the model.
    learning : AttentionLearning
        How it learns.
    tunes : sequence of Sequence16
        To learn from.
    held_out : mapping of str to sequence of Sequence16
        Named sets to validate on; the first one tells when to stop.
    seed : int
        Seed >= 0.
    rehearsed : sequence of Sequence16
        Tunes of an earlier corpus.
    device : str
        Where to compute.

    Attributes
    ----------
    step : int
        Updates made.
    """

    def __init__(
        self,
        size: AttentionConfig,
        learning: AttentionLearning,
        tunes: Sequence[Sequence16],
        held_out: Mapping[str, Sequence[Sequence16]],
        seed: int,
        rehearsed: Sequence[Sequence16] = (),
        device: str = "cpu",
    ) -> None:
        if not tunes or not all(held_out.values()):
            raise SegueError(
                "There are no tunes to learn from or to validate on; add more to the corpus."
            )
        self.size, self.learning, self._device = size, learning, device
        self._tunes = [whole(tune, size.context) for tune in tunes]
        self._rehearsed = [whole(tune, size.context) for tune in rehearsed]
        self._held_out = {
            name: [as_found(tune, size.context) for tune in found]
            for name, found in held_out.items()
        }
        self._seed, self.step = seed, 0
        self._epoch, self._next = -1, 0
        self._batches: list[list[Excerpt]] = []
        torch.manual_seed(seed)
        self.model = MelodyAttention(size).to(device)
        self._optimiser = torch.optim.AdamW(
            self.model.parameters(), weight_decay=learning.weight_decay, betas=(0.9, 0.98)
        )
        self._best = self._weights()
        self._least, self._waited = math.inf, 0

    @property
    def finished(self) -> bool:
        """Whether the updates are made, or patience is at its end."""
        return self.step >= self.learning.updates or self._waited >= self.learning.patience

    def update(self) -> dict[str, float]:
        """Make one step; returns the loss, the rate and the norm of the gradient."""
        if self._next >= len(self._batches):
            self._begin_epoch(self._epoch + 1)
        batch = collate(self._batches[self._next], self._device)
        rate = self._rate()
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        generator = torch.Generator(self._device).manual_seed(self._drawn(self.step))
        self.model.train()
        with torch.autocast(
            torch.device(self._device).type,
            PRECISIONS[self.learning.precision],
            enabled=self.learning.precision != "float32",
        ):
            logits = self.model(
                batch.seen, batch.chords, dropout=Dropout(self.learning.dropout, generator)
            )
        loss = functional.cross_entropy(
            logits.flatten(0, 1), batch.tokens.flatten(), ignore_index=IGNORED
        )
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimiser.step()
        self._next += 1
        self.step += 1
        return {"loss": loss.item(), "learning_rate": rate, "gradient_norm": norm.item()}

    def validate(self) -> dict[str, float]:
        """Nats a token and onset accuracy on each held-out set; the best weights are kept."""
        found: dict[str, float] = {}
        for name, tunes in self._held_out.items():
            loss, accuracy = evaluate(self.model, tunes, self.learning.batch_tokens, self._device)
            found |= {f"{name}/nll": loss, f"{name}/onset_accuracy": accuracy}
        first = found[f"{next(iter(self._held_out))}/nll"]
        if first < self._least:
            self._least, self._waited, self._best = first, 0, self._weights()
        else:
            self._waited += 1
        return found

    def best(self) -> dict[str, torch.Tensor]:
        """Weights of the validation with the least loss."""
        return self._best

    def begin_from(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Start from the weights of another run, of a model of the same size."""
        self.model.load_state_dict(dict(weights))
        self._best = self._weights()

    def state(self) -> dict[str, Any]:
        """Everything that the run goes on from."""
        return {
            "model": self._weights(),
            "best": self._best,
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "epoch": self._epoch,
            "next": self._next,
            "least": self._least,
            "waited": self._waited,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.model.load_state_dict(state["model"])
        self._best = dict(state["best"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])
        self._least, self._waited = float(state["least"]), int(state["waited"])
        if int(state["epoch"]) >= 0:
            self._begin_epoch(int(state["epoch"]))
        self._next = int(state["next"])

    def _begin_epoch(self, number: int) -> None:
        rng = np.random.default_rng([self._seed, number])
        tunes = list(self._tunes)
        learning = self.learning
        share, batch_tokens = learning.rehearsal, learning.batch_tokens
        if self._rehearsed and share:
            count = round(len(tunes) * share / (1.0 - share))
            batch_tokens = round(batch_tokens / (1.0 - share))
            drawn = rng.choice(len(self._rehearsed), count, replace=count > len(self._rehearsed))
            tunes += [self._rehearsed[index] for index in drawn]
        self._batches = epoch(tunes, rng, batch_tokens, learning.excerpts, learning.untold)
        self._epoch, self._next = number, 0

    def _rate(self) -> float:
        learning = self.learning
        share = min(1.0, self.step / learning.updates)
        cosine = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * share))
        return learning.learning_rate * min(1.0, (self.step + 1) / learning.warmup) * cosine

    def _drawn(self, step: int) -> int:
        """A seed for each step, which follows from the run's own."""
        words = np.random.SeedSequence([self._seed, step]).generate_state(1, np.uint64)
        return int(words[0] >> np.uint64(1))

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}


def evaluate(
    model: MelodyAttention,
    tunes: Sequence[Excerpt],
    batch_tokens: int = 3200,
    device: str = "cpu",
) -> tuple[float, float]:
    """Measure a model on tunes that it has not learnt from.

    Parameters
    ----------
    model : MelodyAttention
        The model.
    tunes : sequence of Excerpt
        See `segue.agents.generators.batches.as_found`.
    batch_tokens : int
        Sixteenths at a time.
    device : str
        Where the model is.

    Returns
    -------
    loss : float
        Mean negative log-probability, nats a token.
    accuracy : float
        Share of the onsets whose token the model holds for the likeliest.
    """
    model.eval()
    loss = tokens = hits = notes = 0.0
    with torch.no_grad():
        ordered = sorted(tunes, key=lambda tune: len(tune.tokens))
        for group in grouped(ordered, batch_tokens):
            batch = collate(group, device)
            logits = model(batch.seen, batch.chords)
            loss += float(
                functional.cross_entropy(
                    logits.flatten(0, 1),
                    batch.tokens.flatten(),
                    ignore_index=IGNORED,
                    reduction="sum",
                )
            )
            tokens += float((batch.tokens != IGNORED).sum())
            begun = onsets(batch.tokens)
            hits += float(((logits.argmax(-1) == batch.tokens) & begun).sum())
            notes += float(begun.sum())
    return loss / tokens, hits / max(notes, 1.0)
