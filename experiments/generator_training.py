"""Training a generator in a run folder: progress, curves, checkpoints, the model at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.agents.deep.checkpoint_files import read_checkpoints, write_checkpoint
from segue.agents.generators.attention import MelodyAttention
from segue.agents.generators.attention_training import AttentionTraining, evaluate
from segue.agents.generators.batches import as_found
from segue.agents.generators.conditions import Conditions
from segue.agents.generators.melody_model import MelodyModel, whole_tune
from segue.agents.generators.training import GeneratorTraining
from segue.envs.base.errors import SegueError
from segue.envs.melody.render import to_tune
from segue.envs.melody.sequences import Sequence16, encode_tunes
from segue.envs.music.corpus.defaults import DEFAULT_NAMES, default_files, files_digest
from segue.envs.music.corpus.library import collections, load_corpus
from segue.envs.music.corpus.split import Split
from segue.envs.music.piano_roll import piano_roll
from segue.experiments.generator_config import AttentionRun
from segue.experiments.manifest import Source, write_manifest
from segue.experiments.progress import Tell
from segue.experiments.run_folder import RunFolder, read_config, write_config, write_text
from segue.experiments.tensorboard import POINTS, Board

MODEL = "melody.safetensors"
"""The trained model in a run's folder."""

RESULT = "generator.json"
"""What came of a run."""

_KIND = "attention"
_SAMPLES = 4
_CHARTS = {"generator": r"generator/.*", "held out": r"held_out/.*"}


@dataclass(frozen=True)
class Start:
    """What a run starts from.

    Attributes
    ----------
    model : MelodyModel
        Its weights.
    collections : tuple of str
        What it has learnt from.
    """

    model: MelodyModel
    collections: tuple[str, ...]


def train_generator(
    config: AttentionRun, out: Path | None, command: Sequence[str], progress: Tell
) -> tuple[RunFolder, dict[str, Any]]:
    """Train a generator in a new run folder.

    Parameters
    ----------
    config : AttentionRun
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
    start = read_start(config.start)
    training = build(config, start)
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
    return folder, _run(config, folder, training, start, progress, resumed=False)


def resume_generator(path: Path, progress: Tell) -> tuple[RunFolder, dict[str, Any]]:
    """Go on with a run that was interrupted, bit for bit.

    Raises
    ------
    SegueError
        If the folder holds no such run or no whole checkpoint.
    """
    folder = RunFolder(path)
    config = read_config(folder, AttentionRun)
    start = read_start(config.start)
    training = build(config, start)
    for _, tree in read_checkpoints(path / "checkpoints"):
        training.load_state(tree["model"])
        return folder, _run(config, folder, training, start, progress, resumed=True)
    raise SegueError(f"{path} holds no whole checkpoint; start the run again.")


def read_start(name: str) -> Start | None:
    """Read what a run starts from: a run's folder or a model's file; None for an empty name."""
    if not name:
        return None
    path = Path(name).expanduser()
    model = MelodyModel.load(path / MODEL if path.is_dir() else path)
    return Start(model, tuple(model.facts.get("collections", DEFAULT_NAMES)))


def build(config: AttentionRun, start: Start | None) -> AttentionTraining:
    """Read the tunes and make the training run."""
    names = config.collections or DEFAULT_NAMES
    held_out = {"new" if start else "all": tunes_of(names, "validation")}
    rehearsed: Sequence[Sequence16] = ()
    size = config.size
    if start:
        held_out["old"] = tunes_of(start.collections, "validation")
        rehearsed, size = tunes_of(start.collections, "train"), start.model.network.config
    training = AttentionTraining(
        size,
        config.learning,
        tunes_of(names, "train"),
        held_out,
        config.seed,
        rehearsed,
        device="cuda" if torch.cuda.is_available() else "cpu",
    )
    if start:
        training.begin_from(start.model.network.state_dict())
    return training


def tunes_of(names: Sequence[str], split: Split) -> list[Sequence16]:
    """Tunes of some collections on the grid.

    A collection of one's own is no part of the default corpora, and loaded behind them: so what is
    a variant of a default tune lies in the split of that tune.
    """
    tunes = _tunes(tuple(name for name in names if name not in DEFAULT_NAMES), split)
    return [tune for tune in tunes if tune.source.partition("/")[0] in names]


@lru_cache(maxsize=6)
def _tunes(own: tuple[str, ...], split: Split) -> list[Sequence16]:
    """One split of the default corpora and of some of one's own, read once."""
    return encode_tunes(load_corpus([*DEFAULT_NAMES, *own]).split(split))


def sources(config: AttentionRun) -> list[Source]:
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
    config: AttentionRun,
    folder: RunFolder,
    training: AttentionTraining,
    start: Start | None,
    progress: Tell,
    resumed: bool,
) -> dict[str, Any]:
    begun = time.monotonic()
    with Board(folder.path, purge_step=training.step, charts=_CHARTS) as board:
        if not resumed and start:
            board.scalars(0, _held_out(training.validate()))
        drive(config, folder, training, board, progress)
        model = MelodyModel(MelodyAttention(training.size), {})
        model.network.load_state_dict(training.best())
        model.network.half().float().eval()  # As it will be saved, so that it is measured so.
        facts = _facts(config, training, model, start)
        model = MelodyModel(model.network, facts)
        model.save(folder.path / MODEL)
        _show(board, model, training.step)
    result = {
        "format": "segue.generator.v1",
        "generator": config.generator,
        "seed": config.seed,
        "updates": training.step,
        "seconds": time.monotonic() - begun,
        **facts,
    }
    write_text(folder.path / RESULT, json.dumps(result, indent=1, sort_keys=True) + "\n")
    return result


def drive(
    config: AttentionRun,
    folder: RunFolder,
    training: GeneratorTraining,
    board: Board,
    progress: Tell,
) -> None:
    """Make all updates, with curves, validations and checkpoints."""
    updates, every = config.learning.updates, max(1, config.learning.updates // POINTS)
    shown = ""
    while not training.finished:
        figures = training.update()
        step = training.step
        board.scalars(step, {f"generator/{name}": value for name, value in figures.items()}, every)
        if step % config.learning.validate_every == 0 or step == updates:
            held_out = _held_out(training.validate())
            board.scalars(step, held_out)
            shown = ", ".join(f"{name[9:]} {value:.3f}" for name, value in held_out.items())
        progress(min(1.0, step / updates), f"{step:,} updates, {shown or 'not yet validated'}")
        if step % config.checkpoint_every == 0 or training.finished:
            board.flush()
            write_checkpoint(folder.checkpoints, _KIND, training.state(), {})


def _held_out(figures: Mapping[str, float]) -> dict[str, float]:
    return {f"held_out/{name}": value for name, value in figures.items()}


def _facts(
    config: AttentionRun, training: AttentionTraining, model: MelodyModel, start: Start | None
) -> dict[str, Any]:
    """What is told of the model: what it learnt from, and how it does on the test tunes."""
    names = list(config.collections or DEFAULT_NAMES)
    learnt = list(dict.fromkeys([*(start.collections if start else ()), *names]))
    test = {name: measure(model, tunes) for name in learnt if (tunes := tunes_of([name], "test"))}
    licences = {
        collection.name: collection.licence
        for collection in collections()
        if collection.name in learnt
    }
    parameters = sum(value.numel() for value in model.network.parameters())
    facts = {"collections": learnt, "licences": licences, "parameters": parameters, "test": test}
    if start:
        before = {name: measure(start.model, tunes_of([name], "test")) for name in test}
        facts["before"] = before
    return facts


def measure(model: MelodyModel, tunes: Sequence[Sequence16]) -> dict[str, float]:
    """Nats a token and onset accuracy on tunes, told no more of them than files tell."""
    context = model.network.config.context
    found = [as_found(tune, context) for tune in tunes]
    device = next(model.network.parameters()).device
    nll, accuracy = evaluate(model.network, found, device=str(device))
    tokens = sum(len(tune.tokens) for tune in found)
    return {"nll": nll, "onset_accuracy": accuracy, "tokens": tokens, "tunes": len(found)}


def _show(board: Board, model: MelodyModel, step: int) -> None:
    """Put some melodies on the board."""
    rng = np.random.default_rng(0)
    bars = min(8, model.network.config.context // 16)
    plan = whole_tune(bars, conditions=Conditions(mode="major"))
    for number, tokens in enumerate(model.sample(plan, _SAMPLES, rng, nucleus=0.95)):
        board.picture(f"generator/melody_{number}", piano_roll(to_tune(tokens, "")), step)
