"""Searching the settings of an agent: trials in batches, each over several seeds.

Every run is a run folder of its own, so that a sweep which was stopped in whatever way goes on
where it was. The table depends on the sweep's settings alone: not on the engine, the number of
workers, the order in which runs end, nor on what was killed on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from segue.experiments.sweep_plan import KEPT, Run, SweepConfig, short_run, whole_runs
from segue.experiments.sweep_run import is_done, outcome
from segue.experiments.sweep_sampler import Sampler
from segue.experiments.sweep_table import Judged, judged, ranked, worth

Tell = Callable[[float, str], None]
Engine = Callable[[Sequence[Run], Callable[[Run], None]], None]
"""Makes runs, and tells each that has ended."""


def sweep(
    config: SweepConfig, folder: Path, engine: Engine, command: Sequence[str], tell: Tell
) -> list[Judged]:
    """Make all runs of a sweep that have not been made, and judge its trials.

    Parameters
    ----------
    config : SweepConfig
        What is searched.
    folder : Path
        The sweep's; absolute.
    engine : callable
        Makes runs.
    command : sequence of str
        For the manifests of the runs.
    tell : callable
        Told the share done and what is being done.

    Returns
    -------
    list of Judged
        All trials, the best first.

    Raises
    ------
    SegueError
        If a run cannot be made for another reason than its settings.
    """
    line = tuple(command)
    work = _Progress(config, engine, tell)
    sampler = Sampler(config)
    tried: list[Judged] = []
    while batch := sampler.ask():
        if config.halving:
            runs = [[short_run(config, trial, folder, line)] for trial in batch]
        else:
            runs = [whole_runs(config, trial, folder, line) for trial in batch]
        work.make([run for one in runs for run in one])
        found = [[outcome(run) for run in one] for one in runs]
        estimates = [worth(one) for one in found]
        values = [one.value if one else None for one in estimates]
        sampler.tell(list(zip(batch, values, strict=True)))
        for trial, outcomes in zip(batch, found, strict=True):
            if config.halving:
                tried.append(Judged(trial, (), outcomes[0], None))
            else:
                tried.append(judged(trial, outcomes, None))
    if not config.halving:
        return ranked(tried)
    by_short = ranked(tried)
    kept = by_short[: kept_trials(config)]
    longer = [whole_runs(config, one.trial, folder, line) for one in kept]
    work.make([run for one in longer for run in one])
    whole = [
        judged(one.trial, [outcome(run) for run in runs], one.short)
        for one, runs in zip(kept, longer, strict=True)
    ]
    return ranked([*whole, *by_short[len(kept) :]])


def kept_trials(config: SweepConfig) -> int:
    """Give the number of trials that halving runs with all steps."""
    return max(1, round(KEPT * config.trials))


def run_count(config: SweepConfig) -> int:
    """Give the number of runs of a sweep."""
    if config.halving:
        return config.trials + kept_trials(config) * config.seeds
    return config.trials * config.seeds


class _Progress:
    """Lets an engine make what has not been made, and counts."""

    def __init__(self, config: SweepConfig, engine: Engine, tell: Tell) -> None:
        self._engine, self._tell = engine, tell
        self._done, self._all = 0, run_count(config)

    def make(self, runs: Sequence[Run]) -> None:
        left = [run for run in runs if not is_done(run)]
        self._done += len(runs) - len(left)
        self._tell(self._done / self._all, f"{self._done} of {self._all} runs")
        if left:
            self._engine(left, self._count)

    def _count(self, run: Run) -> None:
        self._done += 1
        self._tell(self._done / self._all, f"{self._done} of {self._all} runs")
