"""Who human melodies are set against: noise, their own notes in another order, exploits, a model.

A *line* is what an agent plays, step by step: 0 ends a note, 1 goes on, ``2 + p`` begins pitch
``p`` of the environment's range. Exploits either keep the rhythm of the line that they are set
against, so that a reward cannot win by counting notes, or go in even notes, as fast as the grid
allows and half as fast. The n-gram writes melodies of the grid of `segue/Melody-v0` only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from segue.envs.melody.prior import SequencePrior, sample

Lines = npt.NDArray[np.int64]
"""(n, steps): what each of n melodies plays."""

RANDOM, SHUFFLED, REPEATED, SCALE = "random", "shuffled", "repeated note", "scale run"
N_GRAM = "n-gram"
RIVALS = (RANDOM, SHUFFLED, REPEATED, SCALE, N_GRAM)
"""Kinds of rivals, in the order of the tables; the last only where a model writes on the grid."""

MANY_ONSETS = 8
"""Onsets from which on a line is set against exploits in its own rhythm: four notes of a scale
are a melody, and many a melody has four notes of one pitch."""

EVEN = (1, 2)
"""Steps between the onsets of the exploits in even notes."""


@dataclass(frozen=True)
class Passages:
    """Human lines, and the keys that their exploits keep to.

    Attributes
    ----------
    lines : ndarray (n, steps) int64
        What people wrote.
    scales : ndarray (n, pitches) bool
        Which pitches of the range belong to each line's key.
    tonics : ndarray (n,) int64
        Lowest pitch of the range that is the tonic of each line's key, 0 to 11.
    """

    lines: Lines
    scales: npt.NDArray[np.bool_]
    tonics: npt.NDArray[np.int64]


Rival = Callable[[Passages, np.random.Generator], Lines]
"""Gives a rival of each line."""


@dataclass(frozen=True)
class Maker:
    """One way to play against people.

    Attributes
    ----------
    kind : str
        One of `RIVALS`; of a kind with several makers the best counts.
    make : callable
        Plays.
    least_onsets : int
        Onsets that a line must have to be set against it.
    """

    kind: str
    make: Rival
    least_onsets: int = 0


def shuffled(passages: Passages, generator: np.random.Generator) -> Lines:
    """Give each line its own pitches in random order, in its own rhythm."""
    mixed = passages.lines.copy()
    for line in mixed:
        onsets = line >= 2
        line[onsets] = generator.permutation(line[onsets])
    return mixed


def written_by(model: Callable[[], SequencePrior]) -> Maker:
    """Let the model that is given when it is needed write a melody for each line.

    Lines must be of the grid of `segue/Melody-v0`.
    """

    def make(passages: Passages, generator: np.random.Generator) -> Lines:
        return sample(model(), len(passages.lines), generator).astype(np.int64)

    return Maker(N_GRAM, make)


def repeated_in_rhythm(passages: Passages, generator: np.random.Generator) -> Lines:
    """Repeat each line's first pitch in its own rhythm."""
    del generator
    lines = passages.lines
    first = np.take_along_axis(lines, (lines >= 2).argmax(axis=1)[:, None], axis=1)
    return np.where(lines >= 2, first, lines)


def repeated_evenly(passages: Passages, generator: np.random.Generator, every: int) -> Lines:
    """Repeat a tonic of the range, drawn for each line, in even notes of `every` steps."""
    drawn = [generator.choice(_tonics(passages, row)) for row in range(len(passages.lines))]
    return np.where(_even(passages, every), 2 + np.array(drawn, dtype=np.int64)[:, None], 1)


def scale_in_rhythm(passages: Passages, generator: np.random.Generator) -> Lines:
    """Run up and down the key's scale from its tonic in each line's own rhythm."""
    return _scale(passages, passages.lines >= 2, passages.lines, generator)


def scale_evenly(passages: Passages, generator: np.random.Generator, every: int) -> Lines:
    """Run up and down the key's scale from its tonic in even notes of `every` steps."""
    return _scale(passages, _even(passages, every), np.ones_like(passages.lines), generator)


def _tonics(passages: Passages, row: int) -> npt.NDArray[np.int64]:
    return np.arange(int(passages.tonics[row]), passages.scales.shape[1], 12)


def _even(passages: Passages, every: int) -> npt.NDArray[np.bool_]:
    shape = passages.lines.shape
    return np.broadcast_to(np.arange(shape[1]) % every == 0, shape)


def _scale(
    passages: Passages,
    onsets: npt.NDArray[np.bool_],
    between: Lines,
    generator: np.random.Generator,
) -> Lines:
    """Play a scale on `onsets`, and what `between` holds elsewhere.

    It begins on a tonic drawn for each line, half of them upwards, and turns at the ends of the
    range.
    """
    played = between.copy()
    for row, struck in enumerate(onsets):
        ladder = np.flatnonzero(passages.scales[row])
        start = int(np.searchsorted(ladder, generator.choice(_tonics(passages, row))))
        path = np.concatenate([ladder, ladder[-2:0:-1]])
        upwards = bool(generator.random() < 0.5)
        place = (start if upwards else -start) + np.arange(int(struck.sum()))
        played[row, struck] = 2 + path[place % len(path)]
    return played


MAKERS = (
    Maker(SHUFFLED, shuffled),
    Maker(REPEATED, repeated_in_rhythm, MANY_ONSETS),
    *(Maker(REPEATED, partial(repeated_evenly, every=every)) for every in EVEN),
    Maker(SCALE, scale_in_rhythm, MANY_ONSETS),
    *(Maker(SCALE, partial(scale_evenly, every=every)) for every in EVEN),
)
"""Every rival but noise, which the environment's own legal actions make, and a model."""
