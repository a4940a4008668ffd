"""``segue train`` and ``segue evaluate`` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.envs.base.errors import SegueError
from segue.experiments.cli_shared import AsJson, Out, command, finish


def train(
    env: Annotated[
        str | None, typer.Argument(help="Gymnasium id, or module:id; or a generator: attention.")
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(
            help="q-learning, double-q, q-lambda; ppo, maskable-ppo (the default), a2c, dqn; "
            "beside a prior psi-learning, g-learning; from demonstrations bc, dqfd, "
            "gail; from the environment's solver dagger."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="YAML file of settings; default those that come with segue."),
    ] = None,
    repeat: Annotated[
        Path | None, typer.Option(help="Run, or its manifest.json, to make once more.")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="Any setting, such as hyperparameters.gamma=0.95."
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Environment steps in all.")] = None,
    demonstrations: Annotated[
        Path | None,
        typer.Option(
            help="Folder that segue demonstrations wrote; bc, dqfd and gail take the newest in "
            "runs/ that fits, ppo, maskable-ppo and a2c imitate only what is named."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Run, or model, that a generator starts from: to learn a new corpus, or more.",
        ),
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option(help="Collection that a generator learns from; default those of music21."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed, default 0; the same seed gives the same result.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(help="Runs, with as many seeds from --seed on; goes on where --out has some."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="With --seeds: runs at a time; default one a core.")
    ] = None,
    out: Out = None,
    resume: Annotated[Path | None, typer.Option(help="Run folder to go on with.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and print the settings, and make nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train an agent on an environment, then test it beside the baselines."""
    from segue.experiments.generator_names import GENERATORS, is_generator_run
    from segue.experiments.train_verb import Asked, resume_verb, seeds_verb, train_verb

    if env in GENERATORS or (env is None and resume is not None and is_generator_run(resume)):
        from segue.experiments.generator_verb import Wanted, generator_verb

        others = (agent, repeat, demonstrations, seeds, workers)
        if any(one is not None for one in others):
            raise SegueError(
                "a generator takes no --agent, --repeat, --demonstrations, --seeds or --workers; "
                "leave them out."
            )
        wanted = Wanted(
            env, config, assignments or [], steps, seed, start, corpus or [], resume, dry_run
        )
        finish(*generator_verb(wanted, out, command()), as_json)
        return
    if start is not None or corpus:
        raise SegueError(
            "--from and --corpus are for generators; train one with segue train attention."
        )
    if resume is not None:
        given = (env, agent, config, repeat, demonstrations, seed, seeds, workers, out)
        if dry_run or assignments or any(one is not None for one in given):
            raise SegueError("--resume goes on by the run's own settings; give it only --steps.")
        record, lines = resume_verb(resume, steps)
    else:
        asked = Asked(env, agent, config, repeat, steps, seed, demonstrations, assignments or [])
        if workers is not None and seeds is None:
            raise SegueError("--workers is for many runs; give their number with --seeds.")
        if seeds is not None and not dry_run:
            record, lines = seeds_verb(asked, seeds, workers, out, command())
        else:
            record, lines = train_verb(asked, out, command(), dry_run)
    finish(record, lines, as_json)


def evaluate(
    run: Annotated[
        Path,
        typer.Argument(
            help="Folder of a run that segue train wrote, or a zip that Stable-Baselines3 saved."
        ),
    ],
    episodes: Annotated[int | None, typer.Option(help="Test episodes.")] = None,
    env: Annotated[str | None, typer.Option(help="For a zip: the environment's id.")] = None,
    agent: Annotated[str | None, typer.Option(help="For a zip: the algorithm.")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="For a zip: its maker may run any code here.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Test the newest checkpoint of a run beside the baselines."""
    from segue.experiments.train_verb import evaluate_verb

    record, lines = evaluate_verb(run, episodes, env, agent, trust)
    finish(record, lines, as_json)
