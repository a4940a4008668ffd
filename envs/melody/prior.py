"""What a sequence model of melodies must offer, and what follows from that alone.

Melodies stand on the grid of RL Tuner (Jaques et al. 2017): `STEPS` sixteenths, each with one of
`TOKENS` tokens. 0 ends the note that sounds, 1 changes nothing (a note is held or silence goes on),
2 to 37 begin MIDI pitch 48 to 83.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

STEPS = 32
"""Sixteenths of a melody: two bars of 4/4."""

TOKENS = 38
"""Tokens of the grid."""

Tokens = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]


class SequencePrior(Protocol):
    """A model of what comes next in a melody; an n-gram or a neural network."""

    def log_probabilities(self, tokens: Tokens) -> Floats:
        """Log-probability of each token that may come next.

        Parameters
        ----------
        tokens : int array, (n, t)
            The first t tokens of n melodies, 0 <= t < STEPS.

        Returns
        -------
        float64 array, (n, TOKENS)
            Natural logarithms, all finite; each row's exponentials sum to 1.
        """
        ...


def log_likelihood(prior: SequencePrior, windows: Tokens) -> Floats:
    """Log-probability of whole melodies, in nats.

    Parameters
    ----------
    prior : SequencePrior
        The model.
    windows : int array, (n, t)
        Tokens, 0 < t <= STEPS.

    Returns
    -------
    float64 array, (n,)
        Sum over the tokens; divide by t for the mean per sixteenth.
    """
    total = np.zeros(len(windows))
    for step in range(windows.shape[1]):
        chosen = windows[:, step, None].astype(np.int64)
        total += np.take_along_axis(prior.log_probabilities(windows[:, :step]), chosen, 1)[:, 0]
    return total


def cross_entropy(prior: SequencePrior, windows: Tokens) -> float:
    """Mean surprise of melodies under a model, in bits per token, which is per sixteenth."""
    return float(-log_likelihood(prior, windows).mean() / windows.shape[1] / np.log(2.0))


def perplexity(prior: SequencePrior, windows: Tokens) -> float:
    """Two to the power of `cross_entropy`: tokens to choose among, were all as likely."""
    return float(2.0 ** cross_entropy(prior, windows))


def sample(prior: SequencePrior, count: int, rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """Draw melodies from a model, token by token.

    Parameters
    ----------
    prior : SequencePrior
        The model.
    count : int
        Melodies, >= 0.
    rng : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    int8 array, (count, STEPS)
        Tokens.
    """
    drawn = np.zeros((count, STEPS), dtype=np.int8)
    for step in range(STEPS):
        cumulative = np.exp(prior.log_probabilities(drawn[:, :step])).cumsum(axis=1)
        threshold = rng.random((count, 1)) * cumulative[:, -1:]
        drawn[:, step] = np.minimum((cumulative <= threshold).sum(axis=1), TOKENS - 1)
    return drawn


NO_SUCH_PITCH = -1
"""Stands for a pitch where nothing sounds."""


def sounding_pitches(tokens: Tokens) -> npt.NDArray[np.int64]:
    """Pitch that sounds at each sixteenth.

    Parameters
    ----------
    tokens : int array, (n, t)
        Melodies.

    Returns
    -------
    int64 array, (n, t)
        MIDI pitch less 48, 0 to 35; NO_SUCH_PITCH in silence.
    """
    places = np.where(tokens != 1, np.arange(tokens.shape[1]), 0)
    events = np.take_along_axis(tokens, np.maximum.accumulate(places, axis=1), axis=1)
    found: npt.NDArray[np.int64] = np.where(events >= 2, events.astype(np.int64) - 2, NO_SUCH_PITCH)
    return found
