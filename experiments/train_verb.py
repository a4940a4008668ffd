"""What ``segue train`` and ``segue evaluate`` do: a record for ``--json`` and lines to print."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from segue.envs.base.errors import SegueError
from segue.experiments.generator_names import is_generator_run
from segue.experiments.manifest import MANIFEST, read_manifest, version_differences
from segue.experiments.overrides import OPTION, read_assignments, with_settings
from segue.experiments.progress import progress_bar
from segue.experiments.train import check_trainable, evaluate_run, resume, train
from segue.experiments.train_config import (
    NEED_DEMONSTRATIONS,
    TrainConfig,
    default_config,
    read_experiment,
)
from segue.experiments.train_result import TrainResult
from segue.experiments.training_sources import demonstration_sources
from segue.experiments.typed_yaml import from_plain, to_yaml

Outcome = tuple[dict[str, Any], list[str]]


@dataclass(frozen=True)
class Asked:
    """What was asked for; None where nothing was said.

    Attributes
    ----------
    env, agent : str or None
        What is trained where.
    config : Path or None
        YAML file of settings.
    repeat : Path or None
        Run folder, or its manifest, whose settings are taken.
    steps, seed : int or None
        Fields of their own, since they are asked for most.
    demonstrations : Path or None
        Folder of demonstrations.
    assignments : sequence of str
        Further fields, ``field=value``.
    """

    env: str | None
    agent: str | None
    config: Path | None
    repeat: Path | None
    steps: int | None
    seed: int | None
    demonstrations: Path | None
    assignments: Sequence[str]


def settled(asked: Asked) -> TrainConfig:
    """Settings of a run: those of a file, of another run or that come with segue, then overrides.

    Raises
    ------
    SegueError
        If no environment is named, a file cannot be read, or a field is unknown or of a wrong type.
    """
    if asked.config is not None and asked.repeat is not None:
        raise SegueError("--config and --repeat both name settings; give one of them.")
    if asked.repeat is not None:
        base = _repeated(asked.repeat)
    elif asked.config is not None:
        base = read_experiment(asked.config, asked.env, asked.agent)
    elif asked.env is not None:
        base = default_config(asked.env, asked.agent or "maskable-ppo")
    else:
        raise SegueError("no environment is named; give an id such as segue/Montage-v0.")
    given = {
        "env": asked.env,
        "agent": asked.agent,
        "steps": asked.steps,
        "seed": asked.seed,
        "demonstrations": None if asked.demonstrations is None else str(asked.demonstrations),
    }
    settings = {name: value for name, value in given.items() if value is not None}
    settings |= read_assignments(asked.assignments, TrainConfig)
    config = with_settings(base, settings, OPTION)
    if asked.repeat is not None and config.demonstrations == base.demonstrations != "":
        _check_shown(asked.repeat, config)
    return _with_demonstrations(config)


def _repeated(path: Path) -> TrainConfig:
    """Read the settings of another run from its manifest."""
    file = path / MANIFEST if path.is_dir() else path
    manifest = read_manifest(file)
    for line in version_differences(manifest):
        print(f"segue: {line}; figures may differ.", file=sys.stderr)
    return from_plain(manifest.get("config"), TrainConfig, f"{file}: config")


def _check_shown(path: Path, config: TrainConfig) -> None:
    """Refuse demonstrations that are others than when a manifest was written."""
    file = path / MANIFEST if path.is_dir() else path
    then = read_manifest(file).get("sources")
    now = [vars(one) for one in demonstration_sources(Path(config.demonstrations))]
    if then != now:
        raise SegueError(
            f"{file} tells of other demonstrations than lie in {config.demonstrations} now; name "
            "those with --demonstrations."
        )


def _with_demonstrations(config: TrainConfig) -> TrainConfig:
    """Find demonstrations for an agent that needs some, where none are named."""
    if config.demonstrations or config.agent not in NEED_DEMONSTRATIONS:
        return config
    # Imported late: it loads what reads film.
    from segue.experiments.demonstration_sources import newest_demonstrations

    newest = newest_demonstrations(config.env)
    if newest is None:
        return config
    print(f"segue: {config.agent} learns from {newest}", file=sys.stderr)
    return replace(config, demonstrations=str(newest))


def train_verb(asked: Asked, out: Path | None, command: Sequence[str], dry_run: bool) -> Outcome:
    """``segue train``; with `dry_run`, check the settings, tell them, and make nothing."""
    config = settled(asked)
    if dry_run:
        check_trainable(config)
        text = to_yaml(config)
        return {"config": json.loads(json.dumps(vars(config)))}, [text.rstrip()]
    with progress_bar(f"training {config.agent}") as tell:
        return outcome(train(config, out, command, tell))


def seeds_verb(
    asked: Asked, seeds: int, workers: int | None, out: Path | None, command: Sequence[str]
) -> Outcome:
    """``segue train --seeds``."""
    from segue.experiments.train_seeds import seeds_outcome, train_seeds

    config = settled(asked)
    with progress_bar(f"training {config.agent}") as tell:
        folder, found = train_seeds(config, seeds, workers, out, command, tell)
    return seeds_outcome(folder, config.agent, found)


def resume_verb(run: Path, steps: int | None) -> Outcome:
    """``segue train --resume``."""
    with progress_bar("training on") as tell:
        return outcome(resume(run, steps, tell))


def evaluate_verb(
    run: Path, episodes: int | None, env: str | None, agent: str | None, trust: bool
) -> Outcome:
    """``segue evaluate``."""
    from segue.experiments.stored_evaluation import evaluate_zip

    if episodes is not None and episodes < 1:
        raise SegueError(f"episodes is {episodes}; give at least one.")
    stored = run.is_file()
    if is_generator_run(run):
        raise SegueError(
            f"{run} is the run of a generator, whose figures stand in its generator.json; measure "
            f"the attention model with segue bench attention --set run={run}."
        )
    if not stored and (env is not None or agent is not None or trust):
        raise SegueError(
            f"{run} is no zip of Stable-Baselines3, which --env, --agent and --trust are for; "
            "leave them out, or name a zip."
        )
    with progress_bar("evaluating") as tell:
        if stored:
            return outcome(evaluate_zip(run, env, agent, trust, episodes, tell))
        return outcome(evaluate_run(run, episodes, tell))


def outcome(result: TrainResult) -> Outcome:
    """Record and lines of what a run gave."""
    record = result.as_json()
    low, high = result.evaluation.interval()
    lines = [
        f"run: {result.run}",
        f"{result.steps:,} steps in {result.seconds:.1f} s",
        f"{result.evaluation.name}: return {result.evaluation.mean:.3f} "
        f"(95 % interval {low:.3f} to {high:.3f} over {len(result.evaluation.returns)} episodes)",
    ]
    lines += [f"{other.name}: return {other.mean:.3f}" for other in result.others]
    lines += [
        f"{name} as in the demonstrations held out: {100 * share:.1f} %"
        for name, share in result.agreement.items()
    ]
    if result.bounds is not None:
        what = "exact optimum" if result.bounds.exact else "upper bound"
        share = "" if result.fraction is None else f"; fraction {result.fraction:.4f}"
        lines.append(f"{what}: {result.bounds.mean:.3f}{share}")
    return record, lines


__all__ = ["Asked", "evaluate_verb", "resume_verb", "settled", "train_verb"]
