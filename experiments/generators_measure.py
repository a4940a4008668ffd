"""Measures what generators of melodies write by what people wrote.

All are two bars on the token grid, measured against the test windows of the default corpora, which
nothing was trained or chosen on. People's validation windows are a row too: they show how near two
sets of people's melodies are to each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segue.agents.generators.gan_config import GANConfig
from segue.envs.base.errors import SegueError
from segue.envs.melody.corpus_prior import corpus_windows
from segue.envs.melody.prior import Tokens
from segue.envs.melody.tokens import notes_of
from segue.envs.music.corpus.library import load_corpus
from segue.envs.music.metrics.comparison import FeatureComparison, compare, describe
from segue.envs.music.metrics.frechet import Standard, frechet_distance, melody_features
from segue.envs.music.metrics.interval_index import IntervalIndex
from segue.envs.music.metrics.originality import run_range
from segue.envs.music.metrics.vendi import vendi_score_of_melodies
from segue.experiments.melody_figures import Row, copied_runs
from segue.experiments.progress import Tell

Melodies = npt.NDArray[np.int8]
Sampler = Callable[[int, int], Melodies]
"""Writes so many melodies, (count, 32), by a seed."""

_STANDARD = 5_000
"""Training windows that features are standardised on."""

_VENDI = 1_000
"""Melodies that a Vendi score is of."""


@dataclass(frozen=True)
class GeneratorsStudy:
    """Settings of the table; its own are in ``configs/study__generators.yaml``.

    Attributes
    ----------
    seeds : int
        Trainings of each model that is trained.
    melodies : int
        Melodies of each row and seed among which distinct ones and copies are counted.
    described : int
        Of these, those that descriptors, the Frechet distance and copied runs are taken of; the
        same number of people's.
    compared : int
        Of these, those that Yang & Lerch's densities are of; time grows with the square.
    gan : GANConfig
        Settings of the GAN.
    """

    seeds: int
    melodies: int
    described: int
    compared: int
    gan: GANConfig = field(default_factory=GANConfig)

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise SegueError(f"seeds is {self.seeds}; give at least one.")
        if not 3 <= self.compared <= self.described <= self.melodies:
            raise SegueError(
                f"compared, described and melodies are {self.compared}, {self.described} and "
                f"{self.melodies}; give 3 or more, each at least as many as the one before."
            )


@dataclass(frozen=True)
class Yardstick:
    """People's melodies that others are measured against.

    Attributes
    ----------
    people : Melodies
        Test windows.
    standard : Standard
        What features are measured in: the training windows'.
    features : float64 array, (described, d)
        Of people's melodies, standardised.
    index : IntervalIndex
        The tunes of the training split.
    windows : frozenset of bytes
        The training windows.
    copied : int
        Notes that the longest copied run of 95 % of people's melodies does not exceed.
    """

    people: Melodies
    standard: Standard
    features: npt.NDArray[np.float64]
    index: IntervalIndex
    windows: frozenset[bytes]
    copied: int


def yardstick(described: int) -> Yardstick:
    """Read the default corpora and measure `described` of people's test windows."""
    tunes = load_corpus().split("train")
    index = IntervalIndex.build([[note.pitch for note in tune.notes] for tune in tunes])
    windows = corpus_windows("train")
    generator = np.random.default_rng(0)
    standard = Standard.of(_features(some(windows, _STANDARD, generator)))
    people = some(corpus_windows("test"), described, generator)
    return Yardstick(
        people=people,
        standard=standard,
        features=standard(_features(people)),
        index=index,
        windows=frozenset(line.tobytes() for line in windows),
        copied=run_range(copied_runs(index, people)),
    )


def some(tokens: Melodies, count: int, generator: np.random.Generator) -> Melodies:
    """Draw melodies without replacement, all of them in random order where there are fewer."""
    return tokens[generator.permutation(len(tokens))[:count]]


def _features(melodies: Tokens) -> npt.NDArray[np.float64]:
    return np.array([melody_features(notes_of(line)) for line in melodies])


def figures(melodies: Melodies, stick: Yardstick, study: GeneratorsStudy) -> dict[str, float]:
    """Measure melodies.

    Parameters
    ----------
    melodies : ndarray (n, 32) int8
        What was written, in random order.
    stick : Yardstick
        People's.
    study : GeneratorsStudy
        How many of them are measured by what.

    Returns
    -------
    dict of str to float
        ``distinct`` (share of all), ``windows`` (share that are training windows, token by token),
        ``frechet``, ``vendi`` (of up to 1,000), ``mean run`` and ``copied`` (notes of the longest
        copied run, and the share beyond that of 95 % of people's), ``overlap`` and ``divergence``
        (mean over Yang & Lerch's features, and each as ``overlap: feature``), and MusPy's
        descriptors by name.
    """
    lines = [line.tobytes() for line in melodies]
    described = melodies[: study.described]
    notes = [notes_of(line) for line in described]
    people = [notes_of(line) for line in stick.people[: study.compared]]
    runs = np.array(copied_runs(stick.index, described))
    alike = compare(notes[: study.compared], people)
    return {
        "distinct": len(set(lines)) / len(lines),
        "windows": float(np.mean([line in stick.windows for line in lines])),
        "frechet": frechet_distance(stick.standard(_features(described)), stick.features),
        "vendi": vendi_score_of_melodies(notes[:_VENDI]),
        "mean run": float(runs.mean()),
        "copied": float((runs > stick.copied).mean()),
        **_likeness(alike),
        **describe(notes),
    }


def _likeness(alike: Sequence[FeatureComparison]) -> dict[str, float]:
    """Overlap and divergence by feature and in the mean; no overlap where there is no width."""
    overlaps = {f"overlap: {one.feature}": float(np.nan_to_num(one.overlap)) for one in alike}
    divergences = {f"divergence: {one.feature}": one.divergence for one in alike}
    told = [value for value in divergences.values() if math.isfinite(value)]
    return {
        "overlap": float(np.mean(list(overlaps.values()))),
        "divergence": float(np.mean(told)) if told else math.nan,
        **overlaps,
        **divergences,
    }


def measure_samplers(
    samplers: Mapping[str, Sequence[Sampler]],
    stick: Yardstick,
    study: GeneratorsStudy,
    tell: Tell,
) -> list[Row]:
    """Let each sampler write, and measure it: a row a name, of one sampler a seed."""
    rows, done = [], 0
    count = sum(len(seeds) for seeds in samplers.values())
    for name, seeds in samplers.items():
        found = []
        for seed, write in enumerate(seeds):
            tell(done / count, f"{name}, seed {seed}")
            found.append(figures(write(study.melodies, seed), stick, study))
            done += 1
        rows.append(Row(name, tuple(found)))
    return rows
