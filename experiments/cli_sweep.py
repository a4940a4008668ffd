"""The verb ``sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.envs.base.errors import SegueError
from segue.experiments.cli_shared import AsJson, Seed, command, finish


def sweep(
    env: Annotated[str | None, typer.Argument(help="Gymnasium id, or module:id.")] = None,
    agent: Annotated[str, typer.Option(help="As of segue train.")] = "maskable-ppo",
    space: Annotated[
        Path | None,
        typer.Option(help="YAML file of what is searched; default one that comes with segue."),
    ] = None,
    trials: Annotated[int, typer.Option(help="Settings drawn.")] = 8,
    seeds: Annotated[int, typer.Option(help="Runs of each.")] = 3,
    steps: Annotated[int | None, typer.Option(help="Environment steps of a run.")] = None,
    sampler: Annotated[
        str, typer.Option(help="random, or tpe: four trials at a time, by what came before.")
    ] = "random",
    halving: Annotated[
        bool, typer.Option(help="Run all with a quarter of the steps, then the best quarter whole.")
    ] = False,
    engine: Annotated[str, typer.Option(help="local or ray.")] = "local",
    workers: Annotated[int | None, typer.Option(help="Runs at a time; default one a core.")] = None,
    address: Annotated[
        str, typer.Option(help="For Ray: local starts it; auto or host:port joins a cluster.")
    ] = "local",
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the sweep; default a new one in runs/.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Sweep to go on with.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check, tell what would be run, and make nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Search for an agent's hyperparameters, judged on episodes that no test sees."""
    from segue.experiments.sweep_verb import Asked, Machine, resume_sweep_verb, sweep_verb

    machine = Machine(engine, workers, address)
    if resume is not None:
        if dry_run:
            raise SegueError("--dry-run is for a new sweep; leave it or --resume out.")
        record, lines = resume_sweep_verb(resume, machine, command())
    elif env is None:
        raise SegueError("no environment is named; give an id such as segue/LeadSheet-v0.")
    else:
        asked = Asked(env, agent, space, trials, seeds, steps, sampler, halving, seed)
        record, lines = sweep_verb(asked, machine, out, command(), dry_run)
    finish(record, lines, as_json)
