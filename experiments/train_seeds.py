"""One agent with many seeds, side by side: ``segue train --seeds 10``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from segue.envs.base.errors import SegueError
from segue.experiments.progress import Tell
from segue.experiments.run_folder import CONFIG, RunFolder
from segue.experiments.run_result import RunResult, read_result
from segue.experiments.statistics import Estimate, bootstrap
from segue.experiments.sweep_local import run_local
from segue.experiments.sweep_plan import Run
from segue.experiments.sweep_run import outcome
from segue.experiments.train import check_trainable
from segue.experiments.train_config import TrainConfig


def train_seeds(
    config: TrainConfig,
    seeds: int,
    workers: int | None,
    out: Path | None,
    command: Sequence[str],
    tell: Tell,
) -> tuple[Path, dict[int, RunResult | str]]:
    """Train with each seed from that of the settings on, a process each.

    Where a folder holds some of these runs, finished ones stay and others are gone on with.

    Parameters
    ----------
    config : TrainConfig
        Settings of the runs, the first of which has its seed.
    seeds : int
        Runs, >= 1.
    workers : int or None
        Processes at a time; None for one a core.
    out : Path or None
        Folder of the run folders, which are called by their seeds; None for a new one in ``runs/``.
    command : sequence of str
        For the manifests.
    tell : callable
        Told the share done and what is being done.

    Returns
    -------
    Path
        The folder.
    dict
        By seed what the run gave, or the sentence that says why it failed.

    Raises
    ------
    SegueError
        If there are no seeds or workers, the settings cannot be trained with, or other runs lie in
        the folder.
    """
    for name, value in (("seeds", seeds), ("workers", 1 if workers is None else workers)):
        if value < 1:
            raise SegueError(f"{name} is {value}; give at least one.")
    if out is not None and (out / CONFIG).exists():
        raise SegueError(f"{out} is a run itself; name another folder for {seeds} of them.")
    check_trainable(config)
    numbers = range(config.seed, config.seed + seeds)
    name = f"{config.agent}-seeds-{numbers[0]}-{numbers[-1]}"
    folder = RunFolder.create(None, config.env, name, config.seed, out).path
    runs = [
        Run(folder / str(seed), replace(config, seed=seed), tuple(command), compared=True)
        for seed in numbers
    ]
    done: list[Run] = []

    def ended(run: Run) -> None:
        done.append(run)
        tell(len(done) / len(runs), f"{len(done)} of {len(runs)} runs")

    tell(0.0, f"0 of {len(runs)} runs")
    run_local(runs, min(workers or os.cpu_count() or 1, len(runs)), ended)
    return folder, {run.config.seed: outcome(run).reason or read_result(run.path) for run in runs}


def seeds_outcome(
    folder: Path, agent: str, found: dict[int, RunResult | str]
) -> tuple[dict[str, Any], list[str]]:
    """Record for ``--json`` and lines of what `train_seeds` gave."""
    lines, results = [f"runs: {folder}"], []
    for seed, one in found.items():
        if isinstance(one, str):
            lines.append(f"seed {seed}: failed: {one}")
            continue
        results.append(one)
        lines.append(
            f"seed {seed}: return {np.mean(one.returns):.3f}, {one.steps:,} steps in "
            f"{one.seconds:.1f} s"
        )
    record: dict[str, Any] = {
        "run": str(folder),
        "returns": {
            str(seed): None if isinstance(one, str) else float(np.mean(one.returns))
            for seed, one in found.items()
        },
    }
    if results:
        reached = _reached(results)
        record["interquartile_mean"] = vars(reached)
        lines.append(
            f"{agent}: interquartile mean {reached.value:.3f} (95 % interval {reached.low:.3f} to "
            f"{reached.high:.3f}) over {len(results)} seeds"
        )
        for name, scores in results[0].baselines.items():
            lines.append(f"{name}: return {np.mean(scores.returns):.3f}")
        lines.append(f"compare it with others: segue compare {folder} ...")
    return record, lines


def _reached(results: Sequence[RunResult]) -> Estimate:
    returns = np.array([one.returns for one in results])
    return bootstrap(returns, np.random.default_rng(0), whole=True)
