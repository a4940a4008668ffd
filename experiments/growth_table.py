"""Growing a melody model onto a second corpus without forgetting: ``segue bench growth``.

The model of a first corpus is grown onto each of some others, one at a time. A model that is to
know one of them from nothing takes ten times the updates.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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
    old : tuple of str
        Collections of the first corpus.
    new : tuple of str
        Collections that are a second corpus each.
    updates : int
        Updates of a model that learns from nothing, >= 10; a grown one makes a tenth.
    size : AttentionConfig
        Of the models.
    learning, grown : AttentionLearning
        How models learn from nothing, and how grown ones do; ``updates`` stands above. A grown one
        starts well but with a new optimiser, whose first large steps would undo it: its rate should
        rise slowly.

    Raises
    ------
    SegueError
        If a number is out of range, or a corpus has no collection.
    """

    seeds: int
    old: tuple[str, ...]
    new: tuple[str, ...]
    updates: int
    size: AttentionConfig = field(default_factory=AttentionConfig)
    learning: AttentionLearning = field(default_factory=AttentionLearning)
    grown: AttentionLearning = field(default_factory=AttentionLearning)

    def __post_init__(self) -> None:
        if self.seeds < 1 or self.updates < 10:
            raise SegueError("growth needs one seed and ten updates at least.")
        if not self.old or not self.new or set(self.old) & set(self.new):
            raise SegueError("growth needs collections in old and others in new; name some.")


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
    found: dict[str, dict[str, list[Figures]]] = {name: {} for name in study.new}
    runs = study.seeds * (1 + 3 * len(study.new))
    done = 0

    def trained(config: AttentionRun, name: str) -> dict[str, Any]:
        nonlocal done
        at = done
        done += 1
        path = folder / name.replace(" ", "-")
        return _trained(config, path, command, lambda share, text: tell((at + share) / runs, text))

    for seed in range(study.seeds):
        first = trained(base(study, seed), f"{BASE}__{seed}")
        start = str(folder / f"{BASE}__{seed}".replace(" ", "-") / MODEL)
        for new, rows in found.items():
            rows.setdefault(BASE, []).append(_losses(first, study.old, new))
            for name, config in plans(study, new, seed, start).items():
                result = trained(config, f"{new}: {name}__{seed}".replace(":", ""))
                rows.setdefault(name, []).append(_losses(result, study.old, new))
    return {"rows": found, "updates": study.updates}


BASE, SCRATCH = "first corpus alone", "second corpus from nothing"
GROWN, PLAIN = "grown with rehearsal", "grown without"


def base(study: GrowthStudy, seed: int) -> AttentionRun:
    """Settings of the run that learns the first corpus."""
    return AttentionRun(
        seed=seed,
        collections=study.old,
        size=study.size,
        learning=replace(study.learning, updates=study.updates),
    )


def plans(study: GrowthStudy, new: str, seed: int, start: str) -> dict[str, AttentionRun]:
    """Settings of the three runs that learn the second corpus; `start` is the first one's model."""
    second = replace(base(study, seed), collections=(new,))
    grown = replace(study.grown, updates=study.updates // 10)
    return {
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


def _losses(result: Figures, old: Sequence[str], new: str) -> Figures:
    """Nats a token on the test tunes of either corpus, where the run was measured there."""
    test, found = result["test"], {}
    for name, collections in (("old", old), ("new", (new,))):
        rows = [test[one] for one in collections if one in test]
        if rows:
            tokens = sum(row["tokens"] for row in rows)
            found[name] = sum(row["nll"] * row["tokens"] for row in rows) / tokens
    return found


def growth_markdown(figures: Figures) -> str:
    """Tables of what `measure_growth` found, one a second corpus."""
    texts = [
        f"## `{new}`\n\n{_table(rows, figures['updates'])}" for new, rows in figures["rows"].items()
    ]
    seeds = len(next(iter(figures["rows"].values()))[BASE])
    return "\n".join(
        [
            *texts,
            f"Nats a token on test tunes, mean of {seeds} seeds, the least and the greatest in "
            "brackets. Each model is the best of its validations. A grown one is to reach on the "
            "second corpus what one from nothing reaches in ten times the updates, and to lose on "
            f"the first at most {100 * FORGOTTEN:.0f} %.",
            "",
        ]
    )


def _table(rows: dict[str, list[Figures]], updates: int) -> str:
    lines = [
        "| model | updates | first corpus | change | second corpus |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    before = np.array([seed["old"] for seed in rows[BASE]])
    for name, seeds in rows.items():
        old = [seed["old"] for seed in seeds if "old" in seed]
        new = [seed["new"] for seed in seeds if "new" in seed]
        change = ""
        if name in (GROWN, PLAIN):
            change = _spread(100.0 * (np.array(old) / before - 1.0), "+.2f") + " %"
        made = updates if name in (BASE, SCRATCH) else updates // 10
        lines.append(
            f"| {name} | {made:,} | {_spread(old, '.4f')} | {change} | {_spread(new, '.4f')} |"
        )
    return "\n".join([*lines, "", _verdict(rows, before), ""])


def _verdict(rows: dict[str, list[Figures]], before: npt.NDArray[np.float64]) -> str:
    """Say whether the means reach what they are to reach."""
    new = {name: np.mean([seed["new"] for seed in rows[name]]) for name in (SCRATCH, GROWN)}
    lost = np.mean([seed["old"] for seed in rows[GROWN]]) / before.mean() - 1.0
    gap = 100.0 * (new[GROWN] / new[SCRATCH] - 1.0)
    reached = "Reached" if gap <= 0.0 and lost <= FORGOTTEN else "Missed"
    return (
        f"{reached}: with rehearsal the second corpus' loss is {gap:+.2f} % beside the one from "
        f"nothing, the first one's {100.0 * lost:+.2f} % beside before."
    )


def _spread(values: Sequence[float] | npt.NDArray[np.float64], form: str) -> str:
    """Mean, least and greatest; nothing of nothing."""
    if not len(values):
        return ""
    mean, least, most = (format(of(values), form) for of in (np.mean, np.min, np.max))
    return mean if len(values) == 1 else f"{mean} ({least} to {most})"
