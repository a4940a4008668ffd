"""Reading melodies token by token: what is asked of them, and what may come next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from segue.agents.generators.attention import KeyValueCache, MelodyAttention
from segue.agents.generators.batches import Excerpt, seen_columns
from segue.agents.generators.conditions import Conditions
from segue.agents.generators.features import LONGEST_BAR, chord_features
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import TOKENS
from segue.envs.melody.types import NO_TOKEN

Tokens = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Plan:
    """What is asked of a melody.

    Attributes
    ----------
    length : int
        Sixteenths.
    bar : int
        Sixteenths in a bar, 1 to 24.
    start : int
        Place in the bar of the first one: more than 0 with a pickup.
    conditions : Conditions
        What it shall be like.
    chords : ndarray (length,) int32 or None
        As `segue.envs.melody.sequences.chord_bits`, the tonic at C; None for none.
    whole : bool
        Whether it is a tune from beginning to end; False for a passage of one.

    Raises
    ------
    SegueError
        If a number is out of range or the chords have another length.
    """

    length: int
    bar: int = 16
    start: int = 0
    conditions: Conditions = field(default_factory=Conditions)
    chords: npt.NDArray[np.int32] | None = None
    whole: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.bar <= LONGEST_BAR or not 0 <= self.start < self.bar:
            raise SegueError(
                f"A bar of {self.bar} sixteenths from the {self.start}th on cannot be written; "
                f"give 1 to {LONGEST_BAR} and a start within it."
            )
        if self.length < 1:
            raise SegueError(f"A melody of {self.length} sixteenths is none; give 1 or more.")
        if self.chords is not None and len(self.chords) != self.length:
            raise SegueError(
                f"There are chords for {len(self.chords)} of {self.length} sixteenths; give one "
                "for each."
            )

    def as_excerpt(self, tokens: Tokens) -> Excerpt:
        """The plan with tokens (length,) that fulfil it."""
        chords = np.zeros(self.length, dtype=np.int32) if self.chords is None else self.chords
        return Excerpt(
            tokens=tokens,
            chords=chords,
            bar=self.bar,
            start=self.start,
            bars=-(-(self.start + self.length) // self.bar) if self.whole else 0,
            placed=self.whole,
            tags=self.conditions.tags(),
        )


def whole_tune(
    bars: int, metre: tuple[int, int] = (4, 4), conditions: Conditions | None = None
) -> Plan:
    """Plan of a tune of so many bars without a pickup, its metre told."""
    bar = 16 * metre[0] // metre[1]
    told = replace(conditions or Conditions(), metre=metre)
    return Plan(bars * bar, bar, conditions=told)


class Reader:
    """Reads melodies side by side, token by token, and says what may come next.

    Parameters
    ----------
    network : MelodyAttention
        The model.
    plans : sequence of Plan
        One for each melody, all of one length.
    """

    def __init__(self, network: MelodyAttention, plans: Sequence[Plan]) -> None:
        length = plans[0].length
        self._network = network
        self._cache = KeyValueCache(network.config, len(plans), length)
        self.tokens = np.full((len(plans), length), NO_TOKEN, dtype=np.int8)
        # Plans that are the same object are looked at once.
        known = {id(plan): plan.as_excerpt(self.tokens[0]) for plan in plans}
        self._plans = [known[id(plan)] for plan in plans]
        self._tags = np.stack([plan.tags for plan in self._plans])
        bits = np.stack([plan.chords for plan in self._plans])
        self._chords = torch.from_numpy(chord_features(bits))
        self.read = 0

    def log_probabilities(self) -> npt.NDArray[np.float64]:
        """Of each next token, natural logarithms (rows, TOKENS)."""
        begin, end = self._cache.length, self.read + 1
        if begin == end:
            raise ValueError("the next token has not been written")
        history = self.tokens[:, :end].astype(np.int64)
        seen = seen_columns(history, self._plans, self._tags, begin)
        with torch.inference_mode():
            logits = self._network(
                torch.from_numpy(seen), self._chords[:, begin:end], cache=self._cache
            )
        found: npt.NDArray[np.float64] = logits[:, -1].double().log_softmax(-1).numpy()
        return found

    def write(self, tokens: npt.NDArray[np.integer[Any]]) -> None:
        """Write the next tokens, (rows,) or (rows, k)."""
        block = tokens.reshape(len(self.tokens), -1)
        self.tokens[:, self.read : self.read + block.shape[1]] = block
        self.read += block.shape[1]


def draw_tokens(
    chances: npt.NDArray[np.float64],
    rng: np.random.Generator,
    temperature: float = 1.0,
    nucleus: float = 1.0,
) -> npt.NDArray[np.int64]:
    """Draw a token of each row of log-probabilities (n, TOKENS).

    `temperature` and `nucleus` are those of `segue.agents.generators.melody_model`.
    """
    scaled = chances / temperature
    shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    if nucleus < 1.0:
        order = np.argsort(-shares, axis=1, kind="stable")
        ranked = np.take_along_axis(shares, order, axis=1)
        ranked[ranked.cumsum(axis=1) - ranked >= nucleus] = 0.0
        np.put_along_axis(shares, order, ranked, axis=1)
    cumulative = shares.cumsum(axis=1)
    threshold = rng.random((len(shares), 1)) * cumulative[:, -1:]
    drawn: npt.NDArray[np.int64] = np.minimum((cumulative <= threshold).sum(axis=1), TOKENS - 1)
    return drawn
