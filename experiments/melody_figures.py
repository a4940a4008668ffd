"""What is measured of RL Tuner's melodies, and against what.

The measures of Jaques et al. (2017, table 1), and what that table does not show: how likely the
melodies are under the priors, how many of them are distinct and how alike, and how much of them is
copied from the corpus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.melody.corpus_prior import corpus_prior, corpus_windows
from segue.envs.melody.ngram import NGramPrior
from segue.envs.melody.prior import SequencePrior, Tokens, log_likelihood
from segue.envs.melody.table_metrics import table_metrics
from segue.envs.melody.tokens import notes_of
from segue.envs.melody.types import FIRST_ONSET
from segue.envs.music.corpus.library import load_corpus
from segue.envs.music.metrics.interval_index import IntervalIndex
from segue.envs.music.metrics.originality import copied_run, run_range

Figures = Mapping[str, float]

PAIRS = 20_000
"""Random pairs of melodies whose likeness is measured."""
COPIES = 5_000
"""Melodies in which copied runs are looked for, and that the attention model reads."""

TARGETS: Mapping[str, tuple[str, float]] = {
    "starts with tonic": (">=", 0.95),
    "leaps resolved": (">=", 0.98),
    "unique maximum": (">=", 0.90),
    "unique minimum": (">=", 0.90),
    "in motif": (">=", 0.76),
    "in repeated motif": (">=", 0.15),
    "not in key": ("<=", 0.001),
    "excessively repeated": ("<=", 0.0002),
    "distinct": (">=", 0.99),
}
"""What the agents trained by segue's reward are to reach."""

PUBLISHED: Figures = {
    "starts with tonic": 0.288,
    "leaps resolved": 0.911,
    "unique maximum": 0.594,
    "unique minimum": 0.583,
    "in motif": 0.757,
    "in repeated motif": 0.0011,
    "not in key": 0.001,
    "excessively repeated": 0.0,
}
"""The best that any model of the paper has, figure by figure."""


@dataclass(frozen=True)
class Row:
    """Melodies of one origin.

    Attributes
    ----------
    name : str
        Where they come from.
    seeds : tuple of mapping
        Figures by name, one mapping a seed.
    """

    name: str
    seeds: tuple[Figures, ...]


@dataclass(frozen=True)
class Yardstick:
    """What melodies are measured against.

    Attributes
    ----------
    prior : NGramPrior
        Of the default corpora's training split.
    index : IntervalIndex
        The tunes of that split.
    copied : int
        Notes that the longest copied run of 95 % of people's held-out melodies does not exceed.
    attention : SequencePrior or None
        The attention model, where melodies are measured by it, too.
    """

    prior: NGramPrior
    index: IntervalIndex
    copied: int
    attention: SequencePrior | None = None


def yardstick(attention: SequencePrior | None = None) -> Yardstick:
    """Read the default corpora; `attention` is as in `Yardstick`."""
    train_split = load_corpus().split("train")
    index = IntervalIndex.build([[note.pitch for note in tune.notes] for tune in train_split])
    people = corpus_windows("test")
    return Yardstick(corpus_prior(), index, run_range(copied_runs(index, people)), attention)


def copied_runs(index: IntervalIndex, tokens: Tokens) -> list[int]:
    """Notes of the longest copied run of each melody."""
    return [copied_run(index, line[line >= FIRST_ONSET].astype(int)).notes for line in tokens]


def figures(tokens: npt.NDArray[np.int8], stick: Yardstick, seed: int) -> dict[str, float]:
    """Measure melodies.

    Parameters
    ----------
    tokens : ndarray (n, 32) int8
        The melodies.
    stick : Yardstick
        What they are measured against.
    seed : int
        Of the pairs whose likeness is measured.

    Returns
    -------
    dict of str to float
        The table's shares; then ``log p`` (nats a melody under the prior), ``distinct`` (distinct
        melodies among all), ``alike`` (mean share of sixteenths with the same token in random
        pairs), ``copied`` (share of melodies whose longest copied run is beyond that of 95 % of
        people's), ``notes`` (mean onsets a melody); and ``log p by attention``, if it is asked.
    """
    table = table_metrics(tokens)
    generator = np.random.default_rng(seed)
    one, other = generator.integers(len(tokens), size=(2, PAIRS))
    runs = np.array(copied_runs(stick.index, tokens[:COPIES]))
    asked = {}
    if stick.attention is not None:
        likely = log_likelihood(stick.attention, tokens[:COPIES]).mean()
        asked = {"log p by attention": float(likely)}
    return {
        "starts with tonic": table.starts_with_tonic,
        "leaps resolved": table.leaps_resolved,
        "unique maximum": table.unique_maximum,
        "unique minimum": table.unique_minimum,
        "in motif": table.in_motif,
        "in repeated motif": table.in_repeated_motif,
        "not in key": table.not_in_key,
        "excessively repeated": table.repeated,
        "distinct": len(np.unique(tokens, axis=0)) / len(tokens),
        "alike": float((tokens[one] == tokens[other]).mean()),
        "copied": float((runs > stick.copied).mean()),
        "log p": float(log_likelihood(stick.prior, tokens).mean()),
        "notes": float(np.mean([len(notes_of(line)) for line in tokens[:COPIES]])),
        **asked,
    }
