"""What a sweep is to do: its settings, its trials and the runs that each is made of.

::

    OUT/config.yaml, manifest.json        the sweep
        trials/003/1001/                  one run: trial 3, agent's seed 1001
        sweep.json, sweep.md, sweep.svg   the table and its picture
        best.yaml                         the best settings, for segue train --config
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from segue.envs.base.errors import SegueError
from segue.experiments.overrides import with_settings
from segue.experiments.sweep_space import Space
from segue.experiments.train_config import TrainConfig

FIRST_SEED = 1_000
"""Of the agents of a sweep; those of results are lower."""
VALIDATION_SEED = 50_000
"""First seed of the episodes that they are judged on."""
VALIDATION_BANK = 2_000
"""Seed of the pieces, bins or scenes of these episodes; tests have 1,000."""
KEPT = 0.25
"""Share of the trials that halving runs with all steps."""
SHORT = 0.25
"""Share of the steps before that."""
CHECKPOINTS = 8
"""Of a run, or more: a worker that is killed loses an eighth of it at most."""

Settings = Mapping[str, Any]
"""What was drawn for a trial, by path of the field."""


@dataclass(frozen=True)
class SweepConfig:
    """Everything that the table of a sweep depends on.

    Attributes
    ----------
    base : TrainConfig
        What all trials have: environment, agent, steps and whatever is not searched.
    space : Space
        What is searched.
    trials : int
        Settings drawn, >= 1.
    seeds : int
        Runs of each, >= 1, with seeds of the agent from ``FIRST_SEED + 1`` on.
    sampler : str
        ``"random"``, or ``"tpe"`` (see `segue.experiments.sweep_sampler`).
    halving : bool
        Whether only the best `KEPT` of the trials get all steps and seeds, chosen by one run of
        each with `SHORT` of the steps (Jamieson & Talwalkar 2016, with two rungs).
    seed : int
        Of what is drawn, >= 0.
    """

    base: TrainConfig
    space: Space
    trials: int = 8
    seeds: int = 3
    sampler: Literal["random", "tpe"] = "random"
    halving: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("trials", 1), ("seeds", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise SegueError(f"{name} is {getattr(self, name)}; give {least} or more.")
        if self.base.steps < 1:
            raise SegueError(f"steps is {self.base.steps}; give 1 or more.")


@dataclass(frozen=True)
class Run:
    """One training run of a sweep.

    Attributes
    ----------
    path : Path
        Its folder.
    config : TrainConfig
        Its settings; its test episodes are those of validation.
    command : tuple of str
        How the sweep was started, for the manifest.
    compared : bool
        Whether random and greedy play its episodes too.
    """

    path: Path
    config: TrainConfig
    command: tuple[str, ...]
    compared: bool = False

    @property
    def name(self) -> str:
        """Trial and seed, such as ``"003/1001"``."""
        return f"{self.path.parent.name}/{self.path.name}"


@dataclass(frozen=True)
class Trial:
    """Settings that were drawn.

    Attributes
    ----------
    number : int
        In order of drawing, from 0 on.
    settings : mapping of str to Any
        By path of the field.
    """

    number: int
    settings: Settings


def trial_config(config: SweepConfig, settings: Settings) -> TrainConfig:
    """Put a trial's settings into those of a training run, which is tested as ever."""
    return with_settings(config.base, {**config.space.fixed, **settings}, "the trial")


def short_run(config: SweepConfig, trial: Trial, out: Path, command: tuple[str, ...]) -> Run:
    """Give the run by which halving chooses."""
    steps = max(1, round(SHORT * config.base.steps))
    return _run(config, trial, FIRST_SEED, steps, out, command)


def whole_runs(config: SweepConfig, trial: Trial, out: Path, command: tuple[str, ...]) -> list[Run]:
    """Give a trial's runs with all steps, one a seed."""
    seeds = range(FIRST_SEED + 1, FIRST_SEED + 1 + config.seeds)
    return [_run(config, trial, seed, config.base.steps, out, command) for seed in seeds]


def validation_options(config: TrainConfig) -> dict[str, Any]:
    """Give the test options with another seed of the bank, where there is one."""
    return {
        name: VALIDATION_BANK if name.endswith("_seed") else value
        for name, value in config.test_options.items()
    }


def validation_episodes(config: TrainConfig) -> int:
    """Give the number of episodes that a run is judged on: twice as many as are tested.

    The best of many is chosen by them, so that they must tell more.
    """
    return 2 * config.eval_episodes


def _run(
    config: SweepConfig, trial: Trial, seed: int, steps: int, out: Path, command: tuple[str, ...]
) -> Run:
    drawn = trial_config(config, trial.settings)
    judged = replace(
        drawn,
        seed=seed,
        steps=steps,
        checkpoint_every=min(drawn.checkpoint_every, -(-steps // CHECKPOINTS)),
        eval_seed=VALIDATION_SEED,
        eval_episodes=validation_episodes(drawn),
        test_options=validation_options(drawn),
    )
    return Run(out / "trials" / f"{trial.number:03d}" / str(seed), judged, command)
