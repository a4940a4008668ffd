"""RL Tuner's table with agents that are trained here: ``segue bench rl-tuner``."""

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
from segue.envs.melody.corpus_prior import corpus_windows
from segue.envs.melody.env import Melody
from segue.envs.melody.prior import STEPS, TOKENS, SequencePrior, sample
from segue.experiments.melody_figures import (
    COPIES,
    PUBLISHED,
    TARGETS,
    Figures,
    Row,
    Yardstick,
    figures,
    yardstick,
)
from segue.experiments.train import make_agent, resume, train
from segue.experiments.train_config import TrainConfig, default_config

Progress = Callable[[float, str], None]
BATCH = 10_000

ENV = "segue/Melody-v0"

PRIORS = {"corpus": "corpus", "attention": "segue.agents.generators.pretrained:attention"}
"""Priors by name: the n-gram of the corpora and the attention model."""


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
    priors : tuple of str
        What the agents are held to: of `PRIORS`.
    """

    seeds: int
    melodies: int
    steps: int | None = None
    priors: tuple[str, ...] = ("corpus",)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.priors) - set(PRIORS))
        if unknown or not self.priors:
            raise SegueError(f"priors are {list(self.priors)}; give some of {', '.join(PRIORS)}.")
        if min(self.seeds, self.melodies, self.steps or 1) < 1:
            raise SegueError("seeds, melodies and steps of the table must be at least one each.")


def agent_config(reward: str, seed: int, steps: int | None, prior: str = "corpus") -> TrainConfig:
    """Settings of the agent that is trained by a reward preset, held to one of `PRIORS`.

    By the published reward the temperature is 1, at which entropy and log-likelihood together are
    the divergence from the prior, as in the paper; and the agent learns half as fast, since its
    rewards of -100 can throw a fast one off. The attention model is so sure of how a melody goes on
    that agents which are held to it as to the n-gram write the same few melodies: it weighs less,
    and the temperature is higher, with more weight on what a higher one would let slip.
    """
    config = default_config(ENV, "ppo")
    options = {**config.env_options, "reward": reward, "prior": PRIORS[prior]}
    temperature, hyperparameters = tuple(config.temperature), dict(config.hyperparameters)
    if prior == "attention" and reward == "segue":
        options["reward_weights"] = {"prior": 1.5, "leaps": 20.0, "scale": 2.0}
        temperature = (0.3, 0.8)
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
    # Imported late: it loads the network.
    from segue.agents.generators.pretrained import attention

    model = attention() if "attention" in study.priors else None
    stick = yardstick(model)
    rows = [Row("people, held out", (figures(corpus_windows("test"), stick, 0),))]
    noise = []
    drawn: dict[str, list[Figures]] = {prior: [] for prior in study.priors}
    for seed in range(study.seeds):
        generator = np.random.default_rng(seed)
        uniform = generator.integers(TOKENS, size=(study.melodies, STEPS)).astype(np.int8)
        noise.append(figures(uniform, stick, seed))
        for prior, found in drawn.items():
            source: SequencePrior = stick.prior if prior == "corpus" or not model else model
            count = study.melodies if prior == "corpus" else min(COPIES, study.melodies)
            found.append(figures(sample(source, count, generator), stick, seed))
    rows.append(Row("uniform random", tuple(noise)))
    rows += [Row(f"prior ({_TITLES[prior]})", tuple(found)) for prior, found in drawn.items()]
    # The published reward is the paper's table, which has one prior.
    plans = [(study.priors[0], "rl-tuner"), *((prior, "segue") for prior in study.priors)]
    for number, (prior, reward) in enumerate(plans):

        def tell(share: float, text: str, number: int = number) -> None:
            progress((number + share) / len(plans), text)

        name = _NAME.format(reward)
        if prior != "corpus":
            name += f", {_TITLES[prior]}"
        rows.append(Row(name, _agents(reward, prior, folder, command, tell, study, stick)))
    return rows


def _agents(
    reward: str,
    prior: str,
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
            progress((seed + share) / study.seeds, f"{reward}, {prior}, seed {seed}: {text}")

        config = agent_config(reward, seed, study.steps, prior)
        name = f"{reward}__{seed}" if prior == "corpus" else f"{reward}__{prior}__{seed}"
        model = trained_agent(config, folder / name, command, tell)
        found.append(figures(play(model, study.melodies, seed), stick, seed))
    return tuple(found)


_TITLES = {"corpus": "n-gram", "attention": "attention"}
_NAME = "PPO by the reward `{}`"

PER_CENT = (*TARGETS, "alike", "copied")
"""Figures that are shares."""

EXPLAINED: Mapping[str, str] = {
    "distinct": "distinct among all melodies",
    "alike": "same token in random pairs",
    "copied": "beyond 95 % of people's longest copied run",
    "log p": "log p under the n-gram (nats a melody)",
    "log p by attention": "log p under the attention model (nats a melody)",
    "notes": "notes a melody",
}


def markdown(rows: Sequence[Row]) -> str:
    """Table of the rows, a column each: mean over the seeds, least and greatest in brackets."""
    more = [name for name in ("log p", "log p by attention", "notes") if name in rows[0].seeds[0]]
    names = [*PER_CENT, *more]
    head = ["per cent", "target", "published", *(row.name for row in rows)]
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for name in names:
        wanted = f"{TARGETS[name][0]} {100 * TARGETS[name][1]:g}" if name in TARGETS else ""
        known = f"{100 * PUBLISHED[name]:g}" if name in PUBLISHED else ""
        cells = [EXPLAINED.get(name, name), wanted, known, *(_cell(row, name) for row in rows)]
        lines.append("| " + " | ".join(cells) + " |")
    verdicts = " ".join(map(_verdict, _judged(rows)))
    return (
        "\n".join(lines) + "\n\nThose by the reward `segue` are to reach the targets. "
        f"{verdicts} *Published*: the best that any model of Jaques et al. (2017) has, figure by "
        "figure. In brackets: the least and the greatest seed.\n"
    )


def _judged(rows: Sequence[Row]) -> list[Row]:
    """Rows of agents that are to reach the targets."""
    return [row for row in rows if row.name.startswith(_NAME.format("segue"))]


def _verdict(row: Row) -> str:
    misses = missed(row)
    if not misses:
        return f"{row.name}: every seed reaches every target."
    return f"{row.name}: the worst seed misses {'; '.join(misses)}."


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
