"""What a sweep found: each trial's worth with its interval, as JSON, Markdown and settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from segue.envs.base.atomic import atomic_path
from segue.experiments.statistics import Estimate, bootstrap
from segue.experiments.sweep_picture import Axis, sweep_picture
from segue.experiments.sweep_plan import (
    VALIDATION_SEED,
    SweepConfig,
    Trial,
    trial_config,
    validation_episodes,
    validation_options,
)
from segue.experiments.sweep_run import Outcome
from segue.experiments.typed_yaml import to_yaml

FORMAT = "segue.sweep.v1"


@dataclass(frozen=True)
class Judged:
    """A trial and what it is worth.

    Attributes
    ----------
    trial : Trial
        Its settings.
    outcomes : tuple of Outcome
        Its runs with all steps, in order of their seeds; empty where halving left it out.
    short : Outcome or None
        Its run with few steps, where halving asked for one.
    worth : Estimate or None
        Interquartile mean over seeds and validation episodes, with its 95 % interval by stratified
        bootstrap; None where a run failed or there is none.
    """

    trial: Trial
    outcomes: tuple[Outcome, ...]
    short: Outcome | None
    worth: Estimate | None


def judged(trial: Trial, outcomes: Sequence[Outcome], short: Outcome | None) -> Judged:
    """Judge a trial by its runs."""
    return Judged(trial, tuple(outcomes), short, worth(outcomes))


def worth(outcomes: Sequence[Outcome]) -> Estimate | None:
    """Give the interquartile mean of some runs' returns; None if one failed or there is none."""
    returns = [one.returns for one in outcomes if one.returns is not None]
    if not outcomes or len(returns) < len(outcomes):
        return None
    return bootstrap(np.array(returns), np.random.default_rng(0))


def ranked(trials: Sequence[Judged]) -> list[Judged]:
    """Sort trials by worth, the best first; then those that halving left out; then the failed."""

    def key(one: Judged) -> tuple[bool, float, bool, float, int]:
        short = worth([one.short]) if one.short else None
        return (
            one.worth is None,
            -one.worth.value if one.worth else 0.0,
            short is None,
            -short.value if short else 0.0,
            one.trial.number,
        )

    return sorted(trials, key=key)


def sweep_record(config: SweepConfig, trials: Sequence[Judged]) -> dict[str, Any]:
    """Gather everything as JSON knows it; the same sweep gives the same record.

    Parameters
    ----------
    config : SweepConfig
        What was asked for.
    trials : sequence of Judged
        All trials, the best first.
    """
    base = config.base
    best = trials[0] if trials and trials[0].worth else None
    return {
        "format": FORMAT,
        "env": base.env,
        "agent": base.agent,
        "steps": base.steps,
        "sampler": config.sampler,
        "halving": config.halving,
        "seed": config.seed,
        "judged_on": {
            "first_seed": VALIDATION_SEED,
            "episodes": validation_episodes(base),
            "options": validation_options(base),
        },
        "best": best.trial.number if best else None,
        "trials": [_trial_record(one) for one in trials],
    }


def sweep_markdown(config: SweepConfig, trials: Sequence[Judged]) -> str:
    """Write the table for people, the best trial first."""
    paths = list(config.space.search)
    short = ["short run"] if config.halving else []
    head = ["trial", "return (95 % interval)", *short, *map(short_name, paths)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for one in trials:
        cells = [str(one.trial.number), _worth_cell(one)]
        if config.halving:
            value = worth([one.short]) if one.short else None
            cells.append(f"{value.value:.3f}" if value else "failed")
        cells += [_plain(one.trial.settings[path]) for path in paths]
        lines.append(f"| {' | '.join(cells)} |")
    base = config.base
    return "\n".join(
        [
            f"# Sweep of {base.agent} on {base.env}",
            "",
            f"{config.trials} trials ({config.sampler}) of {base.steps:,} steps, {config.seeds} "
            "seeds each. The return is the interquartile mean over seeds and "
            f"{validation_episodes(base)} validation episodes, which neither training nor tests "
            "see; the interval is that of a stratified bootstrap.",
            "",
            *lines,
            *_failures(trials),
            "",
        ]
    )


def write_table(
    folder: Path, config: SweepConfig, trials: Sequence[Judged], command: str
) -> list[Path]:
    """Write the sweep's files into its folder; ``best.yaml`` where a trial has ended well.

    Parameters
    ----------
    folder : Path
        The sweep's.
    config : SweepConfig
        What was asked for.
    trials : sequence of Judged
        All trials, the best first.
    command : str
        What makes the same sweep; it stands in ``best.yaml``.

    Returns
    -------
    list of Path
        The files.
    """
    record = json.dumps(sweep_record(config, trials), indent=1, ensure_ascii=False)
    texts = {
        "sweep.json": record + "\n",
        "sweep.md": sweep_markdown(config, trials),
        "sweep.svg": sweep_picture(_axes(config, trials), _values(trials), "return"),
    }
    if trials and trials[0].worth:
        texts["best.yaml"] = best_yaml(config, trials[0].trial, command)
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def best_yaml(config: SweepConfig, trial: Trial, command: str) -> str:
    """Write a trial's settings as those of a training run, which is tested as ever."""
    found = replace(trial_config(config, trial.settings), seed=0)
    return f"# Trial {trial.number}, the best of {config.trials}: {command}\n{to_yaml(found)}"


def short_name(path: str) -> str:
    """Give the last part of a field's path."""
    return path.rpartition(".")[2]


def _trial_record(one: Judged) -> dict[str, Any]:
    record: dict[str, Any] = {"trial": one.trial.number, "settings": dict(one.trial.settings)}
    if one.short is not None:
        record["short"] = _outcome_record(one.short)
    record["iqm"] = asdict(one.worth) if one.worth else None
    record["runs"] = [_outcome_record(run) for run in one.outcomes]
    return record


def _outcome_record(run: Outcome) -> dict[str, Any]:
    if run.returns is None:
        return {"seed": run.seed, "failed": run.reason}
    return {"seed": run.seed, "mean_return": float(run.returns.mean())}


def _worth_cell(one: Judged) -> str:
    if one.worth:
        return f"{one.worth.value:.3f} ({one.worth.low:.3f} to {one.worth.high:.3f})"
    return "failed" if one.outcomes else "-"


def _failures(trials: Sequence[Judged]) -> list[str]:
    lines = []
    for one in trials:
        runs = [*([one.short] if one.short else []), *one.outcomes]
        reasons = dict.fromkeys(run.reason for run in runs if run.reason)
        lines += [f"Trial {one.trial.number} failed: {reason}." for reason in reasons]
    return ["", *lines] if lines else []


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _axes(config: SweepConfig, trials: Sequence[Judged]) -> list[Axis]:
    return [
        (short_name(path), [one.trial.settings[path] for one in trials])
        for path in config.space.search
    ]


def _values(trials: Sequence[Judged]) -> list[float | None]:
    return [one.worth.value if one.worth else None for one in trials]
