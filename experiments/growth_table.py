"""Growing a melody model onto a second corpus without forgetting: ``segue bench growth``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.agents.generators.attention import AttentionConfig
from segue.agents.generators.attention_training import AttentionLearning
from segue.envs.base.errors import SegueError
from segue.experiments.attention_run import MODEL
from segue.experiments.generator_config import AttentionRun
from segue.experiments.generator_training import RESULT, resume_generator, train_generator
from segue.experiments.progress import Tell

FORGOTTEN = 0.02
"""Share by which the loss on the first corpus may rise."""

Figures = dict[str, Any]


@dataclass(frozen=True)
class GrowthStudy:
    """Settings of the table; its own are in ``configs/study__growth.yaml``.

    Attributes
    ----------
    seeds : int
        Runs of each kind.
    old, new : tuple of str
        Collections of the first and of the second corpus.
    updates : int
        Updates of the model that learns the first corpus.
    scratch : int
        Updates of the model that learns the second one from scratch; the grown ones make a tenth.
    size : AttentionConfig
        Of the models.
    learning : AttentionLearning
        How all of them learn; ``updates`` stands above.
    rate : float
        Learning rate of the grown ones.
    rehearsal : float
        Share of old tunes among those that the grown one is shown.

    Raises
    ------
    SegueError
        If a number is out of range.
    """

    seeds: int
    old: tuple[str, ...]
    new: tuple[str, ...]
    updates: int
    scratch: int
    rate: float
    rehearsal: float
    size: AttentionConfig = field(default_factory=AttentionConfig)
    learning: AttentionLearning = field(default_factory=AttentionLearning)

    def __post_init__(self) -> None:
        if self.seeds < 1 or self.updates < 1 or self.scratch < 10:
            raise SegueError("growth needs one seed and update, and ten from scratch, at least.")
        if not self.old or not self.new:
            raise SegueError("growth needs collections in old and in new; name some.")


def measure_growth(study: GrowthStudy, folder: Path, command: Sequence[str], tell: Tell) -> Figures:
    """Train a model, grow it with and without rehearsal, and train one from scratch.

    Parameters
    ----------
    study : GrowthStudy
        How much of it.
    folder : Path
        Holds a run of each; what is there is gone on with.
    command : sequence of str
        For the manifests.
    tell : callable
        Told the share done and a text.
    """
    torch.set_num_threads(1)
    rows: dict[str, list[Figures]] = {}
    for seed in range(study.seeds):
        base = folder / f"base__{seed}"
        start = str(base / MODEL)
        for number, (name, config) in enumerate(plans(study, seed, start).items()):

            def part(share: float, text: str, at: int = 4 * seed + number) -> None:
                tell((at + share) / (4 * study.seeds), text)

            path = base if name == BASE else folder / f"{name.replace(' ', '-')}__{seed}"
            result = _trained(config, path, command, part)
            rows.setdefault(name, []).append(_losses(result["test"], study))
    return {"rows": rows, "updates": study.updates, "scratch": study.scratch}


BASE, SCRATCH = "first corpus alone", "second corpus from scratch"
GROWN, PLAIN = "grown with rehearsal", "grown without"


def plans(study: GrowthStudy, seed: int, start: str) -> dict[str, AttentionRun]:
    """Settings of the four runs of a seed; `start` is the model of the first one."""
    tenth = study.scratch // 10
    grown = replace(
        study.learning,
        updates=tenth,
        learning_rate=study.rate,
        rehearsal=study.rehearsal,
        warmup=min(study.learning.warmup, max(1, tenth // 5)),
        validate_every=max(1, tenth // 10),
    )
    first = AttentionRun(
        seed=seed,
        collections=study.old,
        size=study.size,
        learning=replace(study.learning, updates=study.updates),
    )
    second = replace(
        first, collections=study.new, learning=replace(study.learning, updates=study.scratch)
    )
    return {
        BASE: first,
        SCRATCH: second,
        GROWN: replace(second, start=start, learning=grown),
        PLAIN: replace(second, start=start, learning=replace(grown, rehearsal=0.0)),
    }


def _trained(config: AttentionRun, path: Path, command: Sequence[str], tell: Tell) -> Figures:
    """Train in a run's folder, or go on there, or read what came of it."""
    if (path / RESULT).is_file():
        found: Figures = json.loads((path / RESULT).read_text())
        return found
    if next(path.glob("checkpoints/checkpoint-*"), None) is not None:
        return resume_generator(path, tell)[1]
    return train_generator(config, path, command, tell)[1]


def _losses(test: Figures, study: GrowthStudy) -> Figures:
    """Nats a token on the test tunes of either corpus, where the run was measured there."""
    found: Figures = {}
    for name, collections in (("old", study.old), ("new", study.new)):
        rows = [test[one] for one in collections if one in test]
        if rows:
            tokens = sum(row["tokens"] for row in rows)
            found[name] = sum(row["nll"] * row["tokens"] for row in rows) / tokens
    return found


def growth_markdown(figures: Figures) -> str:
    """Table of what `measure_growth` found."""
    rows, tenth = figures["rows"], figures["scratch"] // 10
    updates = {BASE: figures["updates"], SCRATCH: figures["scratch"], GROWN: tenth, PLAIN: tenth}
    lines = [
        "| model | updates | first corpus, nats a token | change | second corpus, nats a token |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    before = np.mean([seed["old"] for seed in rows[BASE]])
    for name, seeds in rows.items():
        old = np.mean([seed["old"] for seed in seeds]) if "old" in seeds[0] else None
        new = np.mean([seed["new"] for seed in seeds]) if "new" in seeds[0] else None
        change = "" if old is None or name == BASE else f"{100 * (old / before - 1):+.2f} %"
        cells = ["" if value is None else f"{value:.4f}" for value in (old, new)]
        lines.append(f"| {name} | {updates[name]:,} | {cells[0]} | {change} | {cells[1]} |")
    return "\n".join(
        [
            *lines,
            "",
            f"Test tunes, mean of {len(rows[BASE])} seeds. A grown model is to reach on the second "
            "corpus what one from scratch reaches in ten times the updates, and to lose on the "
            f"first at most {100 * FORGOTTEN:.0f} %.",
            "",
        ]
    )
