"""What generators of melodies write beside what people wrote: ``segue bench generators``.

People's validation windows are a row too: they show how near two sets of people's melodies are to
each other. The GAN is shown before and after it learnt from its discriminator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from segue.agents.generators.gan_model import MelodyGAN
from segue.agents.generators.gan_training import GANTraining
from segue.agents.generators.pretrained import scorer
from segue.agents.generators.scorer import MelodyScorer
from segue.envs.base.errors import SegueError
from segue.envs.melody.corpus_prior import corpus_prior, corpus_windows
from segue.envs.melody.prior import STEPS, TOKENS, sample
from segue.envs.melody.tokens import notes_of
from segue.envs.music.metrics.comparison import describe
from segue.experiments.audit_tables import per_cent
from segue.experiments.generators_measure import (
    GeneratorsStudy,
    Melodies,
    Sampler,
    measure_samplers,
    some,
    yardstick,
)
from segue.experiments.melody_figures import Figures, Row
from segue.experiments.progress import Tell

_VALIDATED = 100
"""Steps between two validations, of which the best counts."""


def plain_samplers(seeds: int) -> dict[str, Sequence[Sampler]]:
    """People's validation windows, the n-gram and uniformly random tokens."""
    people, prior = corpus_windows("validation"), corpus_prior()

    def of_people(count: int, seed: int) -> Melodies:
        return some(people, count, np.random.default_rng(seed))

    def of_prior(count: int, seed: int) -> Melodies:
        return sample(prior, count, np.random.default_rng(seed))

    def of_chance(count: int, seed: int) -> Melodies:
        drawn = np.random.default_rng(seed).integers(TOKENS, size=(count, STEPS))
        return drawn.astype(np.int8)

    return {
        "people, validation": [of_people],
        "n-gram": [of_prior] * seeds,
        "uniform random": [of_chance] * seeds,
    }


def trained_gans(study: GeneratorsStudy, tell: Tell) -> dict[str, Sequence[Sampler]]:
    """Train the GAN by each seed: its start by maximum likelihood, and the best that came of it.

    The best is so by the validation windows.

    Raises
    ------
    SegueError
        If a generator has collapsed at the end.
    """
    torch.set_num_threads(1)
    windows, validation = corpus_windows("train"), corpus_windows("validation")
    starts: list[Sampler] = []
    ends: list[Sampler] = []
    for seed in range(study.seeds):
        training = GANTraining(study.gan, windows, validation, seed)
        while not training.finished:
            if training.step == study.gan.likelihood_steps:
                starts.append(_copy(training).sample)
            training.update()
            if training.step % _VALIDATED == 0 or training.finished:
                training.validate()
            tell((seed + training.step / study.gan.steps) / study.seeds, f"GAN, seed {seed}")
        if training.collapsed:
            raise SegueError(f"Seed {seed}: {training.collapsed} Train by other settings.")
        ends.append(training.best().sample)
    return {"GAN before its discriminator": starts, "GAN": ends}


def _copy(training: GANTraining) -> MelodyGAN:
    model = MelodyGAN(training.config, training.model.bars)
    model.load_state_dict({name: x.clone() for name, x in training.model.state_dict().items()})
    return model


def scorer_rankings(
    judge: MelodyScorer, samplers: Mapping[str, Sampler], count: int, seed: int
) -> Figures:
    """How often a judge ranks people's test windows above others, in shares of all pairs.

    Parameters
    ----------
    judge : MelodyScorer
        The judge.
    samplers : mapping of str to Sampler
        Others beside the n-gram, uniformly random tokens and the windows with their sixteenths
        shuffled.
    count : int
        Melodies of each of them; of shuffled ones as many as there are windows.
    seed : int
        Of all that is drawn.
    """
    people = corpus_windows("test")
    plain = plain_samplers(1)
    written = {
        **{name: plain[name][0](count, seed) for name in ("n-gram", "uniform random")},
        "people's shuffled": np.random.default_rng(seed).permuted(people, axis=1),
        **{name: write(count, seed) for name, write in samplers.items()},
    }
    return judge.rankings(people, written)


SHOWN: Mapping[str, tuple[str, float, int]] = {
    "distinct": ("distinct melodies, %", 100.0, 2),
    "windows": ("training windows among them, %", 100.0, 2),
    "frechet": ("Fréchet distance from people's", 1.0, 2),
    "vendi": ("Vendi score of 1,000", 1.0, 1),
    "mean run": ("longest copied run, notes", 1.0, 2),
    "copied": ("beyond 95 % of people's longest run, %", 100.0, 1),
    "overlap": ("Yang & Lerch overlap, mean", 1.0, 3),
    "divergence": ("Yang & Lerch divergence, mean, nats", 1.0, 4),
}
"""Figures of the first rows: what they are called, times what, and how many digits."""


def markdown(rows: Sequence[Row], people: Figures, rankings: Figures) -> str:
    """Table of the rows, a column each, and what the scorer ranks.

    Parameters
    ----------
    rows : sequence of Row
        As `measure_samplers` gives them.
    people : mapping of str to float
        `describe` of the test windows, for the first column.
    rankings : mapping of str to float
        As `scorer_rankings` gives them.
    """
    features = [name for name in rows[0].seeds[0] if name.startswith(("overlap: ", "divergence: "))]
    names: dict[str, tuple[str, float, int]] = {
        **SHOWN,
        **{name: (name, 1.0, 3) for name in [*people, *features]},
    }
    head = ["", "people, test", *(row.name for row in rows)]
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for name, (shown, factor, digits) in names.items():
        own = f"{people[name]:.{digits}f}" if name in people else ""
        cells = [_cell(row, name, factor, digits) for row in rows]
        lines.append("| " + " | ".join([shown, own, *cells]) + " |")
    ranked = ", ".join(f"{name} {per_cent(share)} %" for name, share in rankings.items())
    return (
        "\n".join(lines) + "\n\nMeans over the seeds, the least and the greatest in brackets; "
        "everything is measured against people's test windows.\n\n"
        "Pairs in which the scorer that comes with segue ranks a test window of people's above "
        f"another melody: {ranked}.\n"
    )


def _cell(row: Row, name: str, factor: float, digits: int) -> str:
    values = [factor * seed[name] for seed in row.seeds]
    mean = f"{np.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def measure(
    tell: Tell, study: GeneratorsStudy, more: Mapping[str, Sequence[Sampler]] | None = None
) -> tuple[dict[str, Any], str]:
    """Train the GANs, and measure everybody; let the scorer that comes with segue rank them.

    Parameters
    ----------
    tell : callable
        Told the share done and what is being done.
    study : GeneratorsStudy
        How much of it.
    more : mapping of str to sequence of Sampler
        Other generators, one sampler a seed.

    Returns
    -------
    figures : dict
        ``rows``: by name, a dict of figures for each seed, None where one cannot be told;
        ``people``: descriptors of the test windows; ``scorer``: of `scorer_rankings`.
    text : str
        The table.
    """
    gans = trained_gans(study, lambda share, text: tell(0.8 * share, text))
    stick = yardstick(study.described)
    samplers = {**plain_samplers(study.seeds), **gans, **(more or {})}
    rows = measure_samplers(
        samplers, stick, study, lambda share, text: tell(0.8 + 0.1 * share, text)
    )
    tell(0.9, "scorer")
    others = {name: seeds[0] for name, seeds in {"GAN": gans["GAN"], **(more or {})}.items()}
    rankings = scorer_rankings(scorer(), others, study.described, 0)
    people = describe([notes_of(line) for line in stick.people])
    found = {
        "rows": {row.name: [_told(seed) for seed in row.seeds] for row in rows},
        "people": _told(people),
        "scorer": dict(rankings),
    }
    return found, markdown(rows, people, rankings)


def _told(found: Figures) -> dict[str, float | None]:
    """Figures for JSON, which has no word for what cannot be told."""
    return {name: value if math.isfinite(value) else None for name, value in found.items()}
