"""A training run of the attention model: its tunes, what it starts from, what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.agents.generators.attention import MelodyAttention
from segue.agents.generators.attention_training import AttentionTraining, evaluate
from segue.agents.generators.batches import as_found
from segue.agents.generators.conditions import Conditions
from segue.agents.generators.melody_model import MelodyModel
from segue.agents.generators.reader import whole_tune
from segue.envs.melody.render import to_tune
from segue.envs.melody.sequences import Sequence16, encode_tunes
from segue.envs.music.corpus.defaults import DEFAULT_NAMES
from segue.envs.music.corpus.library import collections, load_corpus
from segue.envs.music.corpus.split import Split
from segue.envs.music.piano_roll import piano_roll
from segue.experiments.generator_config import AttentionRun
from segue.experiments.tensorboard import Board

MODEL = "melody.safetensors"
"""The trained model in a run's folder."""

_SAMPLES = 4


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


class AttentionWork:
    """One run's training, and what is made of it at its end; a `GeneratorWork`.

    Parameters
    ----------
    config : AttentionRun
        Settings.

    Raises
    ------
    SegueError
        If a collection is unknown or has too few tunes, or what it starts from cannot be read.
    """

    def __init__(self, config: AttentionRun) -> None:
        self._config, self._start = config, read_start(config.start)
        self.updates, self.validate_every = config.learning.updates, config.learning.validate_every
        self.training = self._built()

    def _built(self) -> AttentionTraining:
        config, start = self._config, self._start
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

    def before(self) -> dict[str, float]:
        """What a model that was trained before does on what is held out; else nothing."""
        return self.training.validate() if self._start else {}

    def finish(self, folder: Path, board: Board) -> dict[str, Any]:
        """Write the model, show some melodies, and tell how it does on the test tunes."""
        network = MelodyAttention(self.training.size)
        network.load_state_dict(self.training.best())
        network.half().float().eval()  # As it will be saved, so that it is measured so.
        facts = self._facts(MelodyModel(network, {}))
        model = MelodyModel(network, facts)
        model.save(folder / MODEL)
        _show(board, model, self.training.step)
        return facts

    def _facts(self, model: MelodyModel) -> dict[str, Any]:
        start = self._start
        names = self._config.collections or DEFAULT_NAMES
        learnt = list(dict.fromkeys([*(start.collections if start else ()), *names]))
        tests = {name: tunes for name in learnt if (tunes := tunes_of([name], "test"))}
        known = {one.name: one.licence for one in collections()}
        facts: dict[str, Any] = {
            "collections": learnt,
            "licences": {name: known[name] for name in learnt if name in known},
            "parameters": sum(value.numel() for value in model.network.parameters()),
            "test": {name: measure(model, tunes) for name, tunes in tests.items()},
        }
        if start:
            facts["before"] = {name: measure(start.model, tunes) for name, tunes in tests.items()}
        return facts


def read_start(name: str) -> Start | None:
    """Read what a run starts from: a run's folder or a model's file; None for an empty name."""
    if not name:
        return None
    path = Path(name).expanduser()
    model = MelodyModel.load(path / MODEL if path.is_dir() else path)
    return Start(model, tuple(model.facts.get("collections", DEFAULT_NAMES)))


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
