"""`segue sweep`: a search for hyperparameters from the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from segue.envs.base.errors import SegueError
from segue.experiments.manifest import command_line, write_manifest
from segue.experiments.progress import progress_bar
from segue.experiments.run_folder import CONFIG, RunFolder, read_config, write_config
from segue.experiments.sweep import Engine, run_count, sweep
from segue.experiments.sweep_plan import SweepConfig, trial_config
from segue.experiments.sweep_run import without_advice
from segue.experiments.sweep_sampler import Sampler
from segue.experiments.sweep_space import read_space
from segue.experiments.sweep_table import sweep_markdown, sweep_record, write_table
from segue.experiments.train_config import default_config

Outcome = tuple[dict[str, Any], list[str]]

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Asked:
    """What the command line asks of a new sweep.

    Attributes
    ----------
    env, agent : str
        What is trained on what.
    space : Path or None
        YAML file; None takes the space that comes with segue for the agent.
    trials, seeds : int
        Settings drawn, and runs of each.
    steps : int or None
        Of a run; None takes those that come with segue.
    sampler : str
        ``"random"`` or ``"tpe"``.
    halving : bool
        Whether only the best get all steps.
    seed : int
        Of what is drawn.
    """

    env: str
    agent: str
    space: Path | None
    trials: int
    seeds: int
    steps: int | None
    sampler: str
    halving: bool
    seed: int


@dataclass(frozen=True)
class Machine:
    """Where a sweep runs.

    Attributes
    ----------
    engine : str
        ``"local"`` or ``"ray"``.
    workers : int or None
        Runs at a time; None for one a processor core (of the cluster).
    address : str
        For Ray: ``"local"`` starts it, ``"auto"`` or ``host:port`` joins a cluster.
    """

    engine: str = "local"
    workers: int | None = None
    address: str = "local"

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise SegueError(
                f"there is no engine {self.engine!r}; choose one of {', '.join(ENGINES)}."
            )
        if self.workers is not None and self.workers < 1:
            raise SegueError(f"workers is {self.workers}; give at least one.")
        if self.engine == "local" and self.address != "local":
            raise SegueError(f"the address {self.address} is for Ray; add --engine ray.")


def new_config(asked: Asked) -> SweepConfig:
    """Make the settings of a sweep, checked so far that its first trial can be trained.

    Raises
    ------
    SegueError
        If something is unknown or does not fit.
    """
    base = default_config(asked.env, asked.agent)
    base = replace(base, steps=base.steps if asked.steps is None else asked.steps)
    if asked.sampler not in ("random", "tpe"):
        raise SegueError(f"there is no sampler {asked.sampler!r}; choose random or tpe.")
    space = read_space(asked.space, base)
    config = SweepConfig(
        base=base,
        space=space,
        trials=asked.trials,
        seeds=asked.seeds,
        sampler="tpe" if asked.sampler == "tpe" else "random",
        halving=asked.halving,
        seed=asked.seed,
    )
    # Unknown names are told before anything is made.
    from segue.experiments.train import check_trainable

    with without_advice():
        check_trainable(trial_config(config, Sampler(config).ask()[0].settings))
    return config


@contextmanager
def opened_engine(machine: Machine, folder: Path) -> Iterator[Engine]:
    """Give the engine of a machine; what it started ends with the block."""
    if machine.engine == "ray":
        from segue.experiments.ray_session import ray_session

        with ray_session(machine.address, machine.workers):
            # Only now: it imports Ray, which reads its environment when it is imported.
            from segue.experiments.ray_sweep import run_on_ray

            yield lambda runs, done: run_on_ray(runs, machine.workers, folder, done)
    else:
        from segue.experiments.sweep_local import run_local

        workers = machine.workers or _cores()
        yield lambda runs, done: run_local(runs, workers, done)


def _cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def sweep_verb(
    asked: Asked, machine: Machine, out: Path | None, command: Sequence[str], dry: bool
) -> Outcome:
    """``segue sweep``: a new one, or with `dry` only what it would do."""
    config = new_config(asked)
    if dry:
        return _planned(config)
    if out is not None and (out / "trials").is_dir():
        raise SegueError(f"{out} holds a sweep already; name another folder, or --resume {out}.")
    folder = RunFolder.create(None, asked.env, f"sweep-{asked.agent}", asked.seed, out)
    write_config(folder, config)
    write_manifest(
        folder,
        command=command,
        seed=asked.seed,
        config=asdict(config),
        sources=(),
    )
    return _swept(config, folder.path.absolute(), machine, command)


def resume_sweep_verb(path: Path, machine: Machine, command: Sequence[str]) -> Outcome:
    """``segue sweep --resume``: makes the runs that are missing."""
    if not (path / CONFIG).is_file():
        raise SegueError(f"{path} is no sweep; name a folder that segue sweep wrote.")
    config = read_config(RunFolder(path), SweepConfig)
    return _swept(config, path.absolute(), machine, command)


def _swept(config: SweepConfig, folder: Path, machine: Machine, command: Sequence[str]) -> Outcome:
    base = config.base
    with (
        progress_bar(f"sweeping {base.agent}") as tell,
        opened_engine(machine, folder) as engine,
    ):
        tell(0.0, f"0 of {run_count(config)} runs")
        trials = sweep(config, folder, engine, command_line(command), tell)
    files = write_table(folder, config, trials, made_by(config))
    record = {"sweep": str(folder)} | sweep_record(config, trials)
    lines = [
        f"sweep: {folder}",
        "",
        *sweep_markdown(config, trials).rstrip().splitlines()[2:],
        "",
        *(f"{path.name}: {path}" for path in files),
    ]
    return record, lines


def made_by(config: SweepConfig) -> str:
    """Give the command that makes the same sweep, but for a space file of one's own."""
    base = config.base
    parts = [f"segue sweep {base.env} --agent {base.agent} --trials {config.trials}"]
    parts.append(f"--seeds {config.seeds} --steps {base.steps} --sampler {config.sampler}")
    parts += ["--halving"] if config.halving else []
    return " ".join([*parts, f"--seed {config.seed}"])


def _planned(config: SweepConfig) -> Outcome:
    """Tell what a sweep would do: its first batch of trials is known beforehand."""
    batch = Sampler(config).ask()
    drawn = [{"trial": one.number, "settings": dict(one.settings)} for one in batch]
    record = {"runs": run_count(config), "steps": config.base.steps, "drawn": drawn}
    lines = [f"{run_count(config)} runs, {config.base.steps:,} steps each at most"]
    for one in batch:
        settings = ", ".join(f"{path} {value}" for path, value in one.settings.items())
        lines.append(f"trial {one.number}: {settings}")
    if len(batch) < config.trials:
        left = config.trials - len(batch)
        lines.append(f"{left} more trials, drawn by what these give")
    return record, lines
