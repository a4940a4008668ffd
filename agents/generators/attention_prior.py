"""The attention model in the place of the n-gram: a `SequencePrior` of two-bar windows."""

from __future__ import annotations

import numpy as np

from segue.agents.generators.conditions import Conditions
from segue.agents.generators.melody_model import MelodyModel
from segue.agents.generators.reader import Plan, Reader
from segue.envs.melody.prior import STEPS, TOKENS, Floats, Tokens

WINDOW = Plan(STEPS, conditions=Conditions(mode="major"), whole=False)
"""What is known of a window of `segue/Melody-v0`: C major, bars of 16; from anywhere in a tune."""


class AttentionPrior:
    """A melody model as `segue/Melody-v0` asks one: token by token, many melodies at once.

    As long as each question goes on where the last one ended, as an environment's steps do, only
    the newest sixteenth is read; any other question is answered from the beginning.

    Parameters
    ----------
    model : MelodyModel
        The model.
    """

    def __init__(self, model: MelodyModel) -> None:
        self.model = model
        self._reader: Reader | None = None

    def log_probabilities(self, tokens: Tokens) -> Floats:
        """Log-probability of each next token: see `SequencePrior`."""
        if not len(tokens):
            return np.zeros((0, TOKENS))
        length = tokens.shape[1]
        reader = self._reader
        if (
            reader is None
            or reader.read != length - 1
            or not np.array_equal(reader.tokens[:, : length - 1], tokens[:, :-1])
        ):
            reader = Reader(self.model.network, [WINDOW] * len(tokens))
            reader.write(tokens)
        else:
            reader.write(tokens[:, -1])
        self._reader = reader if length + 1 < STEPS else None
        return reader.log_probabilities()

    def __getstate__(self) -> dict[str, object]:
        """Leave out what has been read: it can be read again."""
        return {"model": self.model, "_reader": None}
