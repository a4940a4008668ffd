"""RL Tuner's table with agents that are trained here: ``segue bench rl-tuner``.

What Jaques et al. (2017, table 1) measure, over as many melodies, for every seed; beside it what
the table does not show: how likely the melodies are under the prior, how many of them are
distinct and how alike, and how much of them is copied from the corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from segue.agents.deep import load_checkpoint
from segue.envs.base.errors import SegueError
from segue.envs.melody.corpus_prior import corpus_prior, corpus_windows
from segue.envs.melody.env import Melody
from segue.envs.melody.ngram import NGramPrior
from segue.envs.melody.prior import STEPS, TOKENS, Tokens, log_likelihood, sample
from segue.envs.melody.table_metrics import table_metrics
from segue.envs.melody.tokens import notes_of
from segue.envs.melody.types import FIRST_ONSET
from segue.envs.music.corpus.library import load_corpus
from segue.envs.music.metrics.interval_index import IntervalIndex
from segue.envs.music.metrics.originality import copied_run, run_range
from segue.experiments.train import make_agent, resume, train
from segue.experiments.train_config import TrainConfig, default_config

Progress = Callable[[float, str], None]
Figures = Mapping[str, float]

BATCH = 10_000
PAIRS = 20_000
"""Random pairs of melodies whose likeness is measured."""
COPIES = 5_000
"""Melodies in which copied runs are looked for."""

ENV = "segue/Melody-v0"

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
class RLTunerStudy:
    """Settings of the table; its own are in ``configs/study__rl-tuner.yaml``.

    Attributes
    ----------
    seeds : int
        Agents of each reward.
    melodies : int
        Melodies of each row and seed; 100,000 in the paper.
    steps : int or None
        Training steps of each agent; None for those of the environment's settings.
    """

    seeds: int
    melodies: int
    steps: int | None = None

    def __post_init__(self) -> None:
        if min(self.seeds, self.melodies, self.steps or 1) < 1:
            raise SegueError("seeds, melodies and steps of the table must be at least one each.")


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
    """

    prior: NGramPrior
    index: IntervalIndex
    copied: int


def yardstick() -> Yardstick:
    """Read the default corpora."""
    train_split = load_corpus().split("train")
    index = IntervalIndex.build([[note.pitch for note in tune.notes] for tune in train_split])
    people = corpus_windows("test")
    return Yardstick(corpus_prior(), index, run_range(_runs(index, people)))


def _runs(index: IntervalIndex, tokens: Tokens) -> list[int]:
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
        people's), ``notes`` (mean onsets a melody).
    """
    table = table_metrics(tokens)
    generator = np.random.default_rng(seed)
    one, other = generator.integers(len(tokens), size=(2, PAIRS))
    runs = np.array(_runs(stick.index, tokens[:COPIES]))
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
    }


def agent_config(reward: str, seed: int, steps: int | None) -> TrainConfig:
    """Settings of the agent that is trained by a reward preset.

    By the published reward the temperature is 1, at which entropy and log-likelihood together are
    the divergence from the prior, as in the paper; and the agent learns half as fast, since its
    rewards of -100 can throw a fast one off.
    """
    config = default_config(ENV, "ppo")
    options = {**config.env_options, "reward": reward}
    temperature, hyperparameters = tuple(config.temperature), dict(config.hyperparameters)
    if reward == "rl-tuner":
        temperature = (1.0, 1.0)
        hyperparameters |= {"learning_rate": hyperparameters["learning_rate"] / 2, "ent_coef": 0.0}
    return replace(
        config,
        seed=seed,
        steps=config.steps if steps is None else steps,
        env_options=options,
        temperature=temperature,
        hyperparameters=hyperparameters,
        eval_episodes=20,
    )


def trained_agent(
    config: TrainConfig, folder: Path, command: Sequence[str], progress: Progress
) -> BaseAlgorithm:
    """Train in `folder`, or go on there, and give the agent."""
    if (folder / "config.yaml").is_file():
        resume(folder, config.steps, progress)
    else:
        train(config, folder, command, progress)
    model, _ = make_agent(config, config.num_envs)
    load_checkpoint(model, folder / "checkpoints")
    return model


def play(model: BaseAlgorithm, count: int, seed: int) -> npt.NDArray[np.int8]:
    """Let an agent write melodies, drawing each token from its policy: (count, 32) int8."""
    task = Melody()
    torch.manual_seed(seed)
    draws = np.random.default_rng(seed).integers(2**63, size=count).astype(np.uint64)
    written = np.zeros((count, STEPS), dtype=np.int8)
    for begin in range(0, count, BATCH):
        part = draws[begin : begin + BATCH]
        batch = task.allocate(len(part))
        task.begin(batch, np.arange(len(part)), part)
        for step in range(STEPS):
            observed: Any = batch.observation
            tokens, _ = model.predict(observed, deterministic=False)
            task.step(batch, np.ascontiguousarray(tokens, dtype=np.int64))
            written[begin : begin + len(part), step] = tokens
    return written


def measure(
    folder: Path,
    command: Sequence[str],
    progress: Progress,
    study: RLTunerStudy,
) -> list[Row]:
    """Train the agents and measure what everybody writes.

    Parameters
    ----------
    folder : Path
        Holds a run folder for each agent; what is there is gone on with.
    command : sequence of str
        For the manifests.
    progress : callable
        Told the share done and what is being done.
    study : RLTunerStudy
        How much of it.
    """
    stick = yardstick()
    rows = [Row("people, held out", (figures(corpus_windows("test"), stick, 0),))]
    noise, drawn = [], []
    for seed in range(study.seeds):
        generator = np.random.default_rng(seed)
        uniform = generator.integers(TOKENS, size=(study.melodies, STEPS)).astype(np.int8)
        noise.append(figures(uniform, stick, seed))
        drawn.append(figures(sample(stick.prior, study.melodies, generator), stick, seed))
    rows += [Row("uniform random", tuple(noise)), Row("prior (n-gram)", tuple(drawn))]
    agents = {
        reward: _agents(reward, folder, command, part, study, stick)
        for reward, part in (("segue", _half(progress, 0)), ("rl-tuner", _half(progress, 1)))
    }
    rows += [Row(f"PPO by the reward `{name}`", agents[name]) for name in ("rl-tuner", "segue")]
    return rows


def _half(progress: Progress, half: int) -> Progress:
    return lambda share, text: progress((half + share) / 2, text)


def _agents(
    reward: str,
    folder: Path,
    command: Sequence[str],
    progress: Progress,
    study: RLTunerStudy,
    stick: Yardstick,
) -> tuple[Figures, ...]:
    """Train an agent a seed and measure what it writes."""
    found = []
    for seed in range(study.seeds):

        def tell(share: float, text: str, seed: int = seed) -> None:
            progress((seed + share) / study.seeds, f"{reward}, seed {seed}: {text}")

        config = agent_config(reward, seed, study.steps)
        model = trained_agent(config, folder / f"{reward}__{seed}", command, tell)
        found.append(figures(play(model, study.melodies, seed), stick, seed))
    return tuple(found)


PER_CENT = (*TARGETS, "alike", "copied")
"""Figures that are shares."""

EXPLAINED: Mapping[str, str] = {
    "distinct": "distinct among all melodies",
    "alike": "same token in random pairs",
    "copied": "beyond 95 % of people's longest copied run",
    "log p": "log p under the prior (nats a melody)",
    "notes": "notes a melody",
}


def markdown(rows: Sequence[Row]) -> str:
    """Table of the rows, a column each: mean over the seeds, least and greatest in brackets."""
    names = [*PER_CENT, "log p", "notes"]
    head = ["per cent", "target", "published", *(row.name for row in rows)]
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for name in names:
        wanted = f"{TARGETS[name][0]} {100 * TARGETS[name][1]:g}" if name in TARGETS else ""
        known = f"{100 * PUBLISHED[name]:g}" if name in PUBLISHED else ""
        cells = [EXPLAINED.get(name, name), wanted, known, *(_cell(row, name) for row in rows)]
        lines.append("| " + " | ".join(cells) + " |")
    misses = missed(rows[-1])
    verdict = "Every seed reaches every target."
    if misses:
        verdict = f"What the worst seed misses: {'; '.join(misses)}."
    return (
        "\n".join(lines) + f"\n\nThe last column is to reach the targets. {verdict} *Published*: "
        "the best that any model of Jaques et al. (2017) has, figure by figure. "
        "In brackets: the least and the greatest seed.\n"
    )


def _cell(row: Row, name: str) -> str:
    factor = 100.0 if name in PER_CENT else 1.0
    values = [factor * seed[name] for seed in row.seeds]
    digits = 3 if name in ("not in key", "excessively repeated") else 1
    if name == "distinct":
        digits = 2
    mean = f"{np.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def missed(row: Row) -> list[str]:
    """Targets that some seed of a row misses, each in a few words."""
    found = []
    for name, (sign, edge) in TARGETS.items():
        values = [seed[name] for seed in row.seeds]
        worst = (min if sign == ">=" else max)(values)
        # A share of nothing reaches no target.
        if any(map(np.isnan, values)) or ((worst < edge) if sign == ">=" else (worst > edge)):
            found.append(f"{name} {100 * worst:.3f} % instead of {sign} {100 * edge:g} %")
    return found
