"""Tunes as batches that a melody model learns from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from segue.agents.generators.conditions import METRE, TAGS, conditions_of
from segue.agents.generators.features import chord_features, features
from segue.envs.melody.sequences import Sequence16
from segue.envs.melody.types import FIRST_ONSET, HOLD, NO_TOKEN, NOTE_OFF

IGNORED = -100
"""Stands for the token behind the end of a tune: nothing is learnt from it."""

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Excerpt:
    """A tune, or some bars of one, and what is told of it.

    Attributes
    ----------
    tokens : ndarray (t,) int8
        Its tokens; the first states what sounds.
    chords : ndarray (t,) int32
        Chord bits of `segue.envs.melody.sequences.Sequence16`.
    bar, start : int
        Sixteenths in a bar, and where in it the first token stands.
    bars : int
        Bars of the whole tune; 0 where that is not told.
    placed : bool
        Whether the first token is told to be the tune's first.
    tags : ndarray (TAGS,) int64
        Of its conditions.
    """

    tokens: npt.NDArray[np.int8]
    chords: npt.NDArray[np.int32]
    bar: int
    start: int
    bars: int
    placed: bool
    tags: Int64


@dataclass(frozen=True)
class Batch:
    """Excerpts side by side.

    Attributes
    ----------
    tokens : int64 tensor, (n, t)
        Tokens to be foretold; IGNORED behind the end.
    seen : int64 tensor, (n, t, len(SIZES))
        What the model is shown of each sixteenth.
    chords : float32 tensor, (n, t, CHORD_WIDTH)
        The chords.
    """

    tokens: torch.Tensor
    seen: torch.Tensor
    chords: torch.Tensor


def whole(sequence: Sequence16, context: int) -> Excerpt:
    """A tune from its beginning, as much of it as the model sees, all that is known told."""
    tags = conditions_of(sequence).tags()
    return Excerpt(
        tokens=sequence.tokens[:context],
        chords=sequence.chords[:context],
        bar=sequence.bar,
        start=sequence.start,
        bars=sequence.bars,
        placed=True,
        tags=tags,
    )


def as_found(sequence: Sequence16, context: int) -> Excerpt:
    """`whole`, told no more than a file tells before the first note: what a model is tested on."""
    conditions = conditions_of(sequence)
    told = replace(conditions, mood=None, density=None, register=None)
    return replace(whole(sequence, context), bars=0, tags=told.tags())


def excerpt(tune: Excerpt, rng: np.random.Generator, longest: int = 16) -> Excerpt:
    """Some whole bars from anywhere in a tune, and not where.

    Of a tune in bars of eight sixteenths two are now and then taken for one, with the metre not
    told: so they are in windows of `segue/Melody-v0`.

    Parameters
    ----------
    tune : Excerpt
        A whole tune.
    rng : numpy.random.Generator
        Where chance comes from.
    longest : int
        Bars at most.
    """
    bar, tags = tune.bar, tune.tags
    if bar == 8 and rng.random() < 0.5:
        bar, tags = 16, tags.copy()
        tags[METRE] = 0
    first = -tune.start % tune.bar
    bars = (len(tune.tokens) - first) // bar
    if bars < 2:
        return tune
    count = int(rng.integers(2, min(longest, bars) + 1))
    begin = first + bar * int(rng.integers(0, bars - count + 1))
    tokens = tune.tokens[begin : begin + count * bar].copy()
    if tokens[0] == HOLD:
        events = np.flatnonzero(tune.tokens[:begin] != HOLD)
        tokens[0] = tune.tokens[events[-1]] if len(events) else NOTE_OFF
    chords = tune.chords[begin : begin + count * bar]
    return Excerpt(tokens, chords, bar, 0, 0, False, tags)


def epoch(
    tunes: Sequence[Excerpt],
    rng: np.random.Generator,
    batch_tokens: int,
    excerpts: float,
    untold: float,
) -> list[list[Excerpt]]:
    """Put tunes into batches of similar lengths, in random order.

    Parameters
    ----------
    tunes : sequence of Excerpt
        Whole tunes.
    rng : numpy.random.Generator
        Where chance comes from.
    batch_tokens : int
        Sixteenths of a batch, about.
    excerpts : float
        Share of the tunes of which but an `excerpt` is taken.
    untold : float
        Share of the conditions that are not told, each by itself, so that the model can be used
        with any of them unknown.
    """
    chosen = []
    for tune in tunes:
        taken = excerpt(tune, rng) if rng.random() < excerpts else tune
        tags = np.where(rng.random(TAGS) < untold, 0, taken.tags)
        bars = 0 if rng.random() < untold else taken.bars
        chords = taken.chords if rng.random() >= untold else np.zeros_like(taken.chords)
        chosen.append(replace(taken, tags=tags, bars=bars, chords=chords))
    lengths = np.array([len(tune.tokens) for tune in chosen]) + 24.0 * rng.random(len(chosen))
    batches = grouped([chosen[index] for index in np.argsort(lengths)], batch_tokens)
    return [batches[index] for index in rng.permutation(len(batches))]


def grouped(tunes: Sequence[Excerpt], batch_tokens: int) -> list[list[Excerpt]]:
    """Neighbours together, so many that they hold about `batch_tokens` sixteenths."""
    batches: list[list[Excerpt]] = [[]]
    for tune in tunes:
        if batches[-1] and (len(batches[-1]) + 1) * len(tune.tokens) > batch_tokens:
            batches.append([])
        batches[-1].append(tune)
    return batches


def collate(tunes: Sequence[Excerpt], device: torch.device | str = "cpu") -> Batch:
    """Lay excerpts side by side, shorter ones filled up."""
    length = max(len(tune.tokens) for tune in tunes)
    tokens = np.full((len(tunes), length), NO_TOKEN, dtype=np.int64)
    chords = np.zeros((len(tunes), length), dtype=np.int32)
    for row, tune in enumerate(tunes):
        tokens[row, : len(tune.tokens)] = tune.tokens
        chords[row, : len(tune.tokens)] = tune.chords
    tags = np.stack([tune.tags for tune in tunes])
    seen = seen_columns(tokens, tunes, tags)
    targets = np.where(tokens == NO_TOKEN, IGNORED, tokens)
    return Batch(
        torch.from_numpy(targets).to(device),
        torch.from_numpy(seen).to(device),
        torch.from_numpy(chord_features(chords)).to(device),
    )


def seen_columns(tokens: Int64, tunes: Sequence[Excerpt], tags: Int64, begin: int = 0) -> Int64:
    """History and tags of each sixteenth from `begin` on, (n, t - begin, len(SIZES))."""

    def column(of: Callable[[Excerpt], int]) -> Int64:
        return np.array([of(tune) for tune in tunes], dtype=np.int64)

    history = features(
        tokens,
        bar=column(lambda tune: tune.bar),
        start=column(lambda tune: tune.start),
        bars=column(lambda tune: tune.bars),
        placed=np.array([tune.placed for tune in tunes], dtype=np.bool_),
        metre=tags[:, METRE],
        begin=begin,
    )
    repeated = np.broadcast_to(tags[:, None], (*history.shape[:2], TAGS))
    return np.concatenate([history, repeated], axis=2)


def onsets(tokens: torch.Tensor) -> torch.Tensor:
    """Where a note begins."""
    return tokens >= FIRST_ONSET
