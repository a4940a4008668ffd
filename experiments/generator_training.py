"""Training a generator in a run folder: progress, curves, checkpoints, the model at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from segue.agents.deep.checkpoint_files import read_checkpoints, write_checkpoint
from segue.agents.generators.training import GeneratorTraining
from segue.envs.base.errors import SegueError
from segue.envs.music.corpus.defaults import DEFAULT_NAMES, default_files, files_digest
from segue.envs.music.corpus.library import collections
from segue.experiments.attention_run import AttentionWork
from segue.experiments.gan_run import GANWork
from segue.experiments.generator_config import AttentionRun, GeneratorRun, read_generator_run
from segue.experiments.manifest import Source, write_manifest
from segue.experiments.progress import Tell
from segue.experiments.run_folder import RunFolder, write_config, write_text
from segue.experiments.tensorboard import POINTS, Board

RESULT = "generator.json"
"""What came of a run."""

_CHARTS = {"generator": r"generator/.*", "held out": r"held_out/.*"}


class GeneratorWork(Protocol):
    """What a kind of generator brings to its training run."""

    updates: int
    """Updates in all."""
    validate_every: int
    """Updates between validations."""

    @property
    def training(self) -> GeneratorTraining:
        """The training, new."""
        ...

    def before(self) -> dict[str, float]:
        """Figures of what it starts from; empty where it starts anew."""
        ...

    def finish(self, folder: Path, board: Board) -> dict[str, Any]:
        """Write the model and tell what came of it."""
        ...


def work_of(config: GeneratorRun) -> GeneratorWork:
    """Read the tunes and make the training of a generator."""
    return AttentionWork(config) if isinstance(config, AttentionRun) else GANWork(config)


def train_generator(
    config: GeneratorRun, out: Path | None, command: Sequence[str], progress: Tell
) -> tuple[RunFolder, dict[str, Any]]:
    """Train a generator in a new run folder.

    Parameters
    ----------
    config : AttentionRun or GANRun
        Settings.
    out : Path or None
        The run's folder; None for one under ``runs/``.
    command : sequence of str
        Command line, for the manifest.
    progress : callable
        Told the share done and a text.

    Returns
    -------
    folder : RunFolder
        Where it lies.
    result : dict
        What stands in ``generator.json``.

    Raises
    ------
    SegueError
        If a collection is unknown, there is too little to learn from, or the folder holds a run.
    """
    work = work_of(config)
    name = "segue-corpus" if not config.collections else "-".join(config.collections)
    folder = RunFolder.create(None, name, config.generator, config.seed, out)
    if next(folder.path.glob("checkpoints/checkpoint-*"), None) is not None:
        raise SegueError(
            f"{folder.path} holds another run; name a new folder with --out, or go on with "
            "--resume."
        )
    write_config(folder, config)
    write_manifest(
        folder, command=command, seed=config.seed, config=asdict(config), sources=sources(config)
    )
    return folder, _run(config, folder, work, progress, resumed=False)


def resume_generator(path: Path, progress: Tell) -> tuple[RunFolder, dict[str, Any]]:
    """Go on with a run that was interrupted, bit for bit.

    Raises
    ------
    SegueError
        If the folder holds no such run or no whole checkpoint.
    """
    folder = RunFolder(path)
    config = read_generator_run(path)
    work = work_of(config)
    for _, tree in read_checkpoints(path / "checkpoints"):
        work.training.load_state(tree["model"])
        return folder, _run(config, folder, work, progress, resumed=True)
    raise SegueError(f"{path} holds no whole checkpoint; start the run again.")


def sources(config: GeneratorRun) -> list[Source]:
    """Say which collections a run learns from."""
    wanted = config.collections or DEFAULT_NAMES
    found = []
    for collection in collections():
        if collection.name in wanted:
            own = collection.name not in DEFAULT_NAMES
            digest = "" if own else files_digest(default_files(collection.name))
            found.append(Source(collection.name, collection.licence, collection.origin, digest))
    return found


def _run(
    config: GeneratorRun,
    folder: RunFolder,
    work: GeneratorWork,
    progress: Tell,
    resumed: bool,
) -> dict[str, Any]:
    begun = time.monotonic()
    with Board(folder.path, purge_step=work.training.step, charts=_CHARTS) as board:
        if not resumed:
            board.scalars(0, _held_out(work.before()))
        _drive(config, folder, work, board, progress)
        facts = work.finish(folder.path, board)
    result = {
        "format": "segue.generator.v1",
        "generator": config.generator,
        "seed": config.seed,
        "updates": work.training.step,
        "seconds": time.monotonic() - begun,
        **facts,
    }
    write_text(folder.path / RESULT, json.dumps(result, indent=1, sort_keys=True) + "\n")
    return result


def _drive(
    config: GeneratorRun, folder: RunFolder, work: GeneratorWork, board: Board, progress: Tell
) -> None:
    """Make all updates, with curves, validations and checkpoints."""
    training, every = work.training, max(1, work.updates // POINTS)
    shown = "not yet validated"
    while not training.finished:
        figures = training.update()
        step = training.step
        board.scalars(step, {f"generator/{name}": value for name, value in figures.items()}, every)
        if step % work.validate_every == 0 or step == work.updates:
            held_out = _held_out(training.validate())
            board.scalars(step, held_out)
            shown = ", ".join(f"{name[9:]} {value:.3f}" for name, value in held_out.items())
        progress(min(1.0, step / work.updates), f"{step:,} updates, {shown}")
        if step % config.checkpoint_every == 0 or training.finished:
            board.flush()
            write_checkpoint(folder.checkpoints, config.generator, training.state(), {})


def _held_out(figures: Mapping[str, float]) -> dict[str, float]:
    return {f"held_out/{name}": value for name, value in figures.items()}
