"""What ``segue train attention`` does: a record for ``--json`` and lines to print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from segue.envs.base.errors import SegueError
from segue.experiments.generator_config import CONFIGS, AttentionRun, GeneratorRun, generator_config
from segue.experiments.generator_training import resume_generator, train_generator
from segue.experiments.overrides import OPTION, read_assignments, with_settings
from segue.experiments.progress import progress_bar
from segue.experiments.typed_yaml import to_yaml

Outcome = tuple[dict[str, Any], list[str]]


@dataclass(frozen=True)
class Wanted:
    """What was asked for; None and empty where nothing was said.

    Attributes
    ----------
    generator : str or None
        Which one.
    config : Path or None
        YAML file of settings.
    assignments : sequence of str
        Fields, ``field=value``.
    updates, seed : int or None
        Fields of their own.
    start : str or None
        What it starts from.
    corpus : sequence of str
        Collections.
    resume : Path or None
        Run to go on with.
    dry_run : bool
        Whether to make nothing.
    """

    generator: str | None
    config: Path | None
    assignments: Sequence[str]
    updates: int | None
    seed: int | None
    start: str | None
    corpus: Sequence[str]
    resume: Path | None
    dry_run: bool


def generator_verb(wanted: Wanted, out: Path | None, command: Sequence[str]) -> Outcome:
    """``segue train`` of a generator."""
    if wanted.resume is not None:
        told = (wanted.generator, wanted.config, wanted.updates, wanted.seed, wanted.start, out)
        if wanted.assignments or wanted.corpus or wanted.dry_run or any(told):
            raise SegueError("--resume goes on by the run's own settings; give it alone.")
        with progress_bar("training") as tell:
            folder, result = resume_generator(wanted.resume, tell)
    else:
        config = settled(wanted)
        if wanted.dry_run:
            text = to_yaml(config)
            return {"config": json.loads(json.dumps(asdict(config)))}, [text.rstrip()]
        with progress_bar(f"training {config.generator}") as tell:
            folder, result = train_generator(config, out, command, tell)
    return {"run": str(folder.path), **result}, lines(result, folder.path)


def settled(wanted: Wanted) -> GeneratorRun:
    """Settings of a run: those of a file, or that come with segue, then what was asked for."""
    assert wanted.generator is not None
    base = generator_config(wanted.generator, wanted.config)
    attention = isinstance(base, AttentionRun)
    if wanted.start is not None and not attention:
        raise SegueError("--from is for the attention model; leave it out.")
    given = {
        "learning.updates" if attention else "learning.steps": wanted.updates,
        "seed": wanted.seed,
        "start": wanted.start,
        "collections": list(wanted.corpus) or None,
    }
    settings = {name: value for name, value in given.items() if value is not None}
    settings |= read_assignments(wanted.assignments, CONFIGS[wanted.generator])
    return with_settings(base, settings, OPTION)


def lines(result: dict[str, Any], run: Path) -> list[str]:
    """What is printed of a finished run."""
    found = [f"{result['parameters']:,} parameters, {result['updates']:,} updates"]
    for name, test in result.get("test", {}).items():
        line = (
            f"  {name}: {test['nll']:.4f} nats a token on test tunes, "
            f"{100 * test['onset_accuracy']:.1f} % of the onsets foretold"
        )
        if "before" in result:
            before = result["before"][name]["nll"]
            change = 100 * (test["nll"] / before - 1)
            line += f"; before {before:.4f}, {change:+.1f} %"
        found.append(line)
    if "distinct" in result:
        found.append(f"  {100 * result['distinct']:.2f} % of 10,000 melodies are distinct")
        if result["collapsed"]:
            found.append(f"  {result['collapsed']}")
    return [*found, f"model: {run}", f"TensorBoard: tensorboard --logdir {run}"]
