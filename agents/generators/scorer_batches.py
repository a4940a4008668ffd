"""What a scorer of melodies learns from: people's, moved and partly hidden, and many others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from segue.agents.generators.gan import one_hot
from segue.envs.melody.prior import TOKENS, Tokens
from segue.envs.melody.types import FIRST_ONSET, PITCHES

LEAST_BATCH, _BY_ROTE, _RANDOM = 16, 16, 8
"""One in so many of the other melodies is shuffled, by rote, and random."""

_WHITE = np.flatnonzero(np.isin(np.arange(PITCHES) % 12, (0, 2, 4, 5, 7, 9, 11)))
_LADDER = FIRST_ONSET + np.concatenate([_WHITE, _WHITE[-2:0:-1]])
"""Tokens of C major, up and down."""


def some(tokens: Tokens, count: int, generator: np.random.Generator) -> Tokens:
    """Draw melodies with replacement, (count, t)."""
    return tokens[generator.integers(len(tokens), size=count)]


def others_of(
    people: Tokens, others: Mapping[str, Tokens], count: int, generator: np.random.Generator
) -> Tokens:
    """Draw melodies that are not people's.

    Parameters
    ----------
    people : int array, (n, t)
        People's melodies in C major, of which shuffled ones and those by rote are made.
    others : mapping of str to int array, (m, t)
        Models' melodies; each set has the same share.
    count : int
        How many, >= 1.
    generator : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    int array, (count, t)
        Models', shuffled, by rote, random; as many of each as `shares` says.
    """
    made, mixed, rote, random = shares(count)
    shuffled = generator.permuted(some(people, mixed, generator), axis=1)
    noise = generator.integers(TOKENS, size=(random, people.shape[1])).astype(people.dtype)
    sets = list(others.values())
    which = generator.integers(len(sets), size=made)
    drawn = [some(one, int((which == number).sum()), generator) for number, one in enumerate(sets)]
    return np.concatenate([*drawn, shuffled, _by_rote(people, rote, generator), noise])


def shares(count: int) -> tuple[int, int, int, int]:
    """Say how many of so many other melodies are models', shuffled, by rote and random."""
    plain = count // LEAST_BATCH, count // _BY_ROTE, count // _RANDOM
    return count - sum(plain), *plain


def _by_rote(people: Tokens, count: int, generator: np.random.Generator) -> Tokens:
    """Drones, and scales that turn at their ends, in rhythms of people's: (count, t)."""
    lines = some(people, count, generator)
    begin = generator.integers(len(_LADDER), size=(count, 1))
    every = generator.integers(2, size=(count, 1))
    onsets = lines >= FIRST_ONSET
    places = (begin + every * onsets.cumsum(axis=1)) % len(_LADDER)
    return np.where(onsets, _LADDER[places], lines).astype(people.dtype)


def moved(tokens: Tokens, chance: float, generator: np.random.Generator) -> Tokens:
    """Move melodies (n, t), each with this chance, by an octave, unless a note leaves the grid."""
    count = (len(tokens), 1)
    octaves = np.where(generator.random(count) < chance, generator.choice((-12, 12), count), 0)
    onsets = tokens >= FIRST_ONSET
    found = np.where(onsets, tokens + octaves, tokens)
    fits = (~onsets | ((found >= FIRST_ONSET) & (found < TOKENS))).all(axis=1, keepdims=True)
    return np.where(fits, found, tokens)


def shown_rows(
    tokens: Tokens, hidden: float, cut: float, generator: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give melodies as the network is shown them.

    Parameters
    ----------
    tokens : int array, (n, t)
        Melodies.
    hidden, cut : float
        Chances that a sixteenth is hidden, and that only a beginning is shown.
    generator : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    rows : float tensor, (n, t, 38)
        One-hot tokens, 0 where they are hidden or cut off.
    whole : float tensor, (n,)
        1 for those that are not cut off, else 0.
    """
    count, steps = tokens.shape
    known = generator.random((count, steps)) >= hidden
    length = generator.integers(1, steps, size=(count, 1))
    whole = generator.random((count, 1)) >= cut
    known &= whole | (np.arange(steps) < length)
    rows = one_hot(torch.from_numpy(tokens.astype(np.int64)))
    shown = rows * torch.from_numpy(known.astype(np.float32))[..., None]
    return shown, torch.from_numpy(whole[:, 0].astype(np.float32))


__all__ = ["LEAST_BATCH", "moved", "others_of", "shares", "shown_rows", "some"]
