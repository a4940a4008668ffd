"""A training run of the GAN: its windows, diversity while it learns, what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.torch import save

from segue.agents.generators.gan_training import GANTraining
from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.melody.corpus_prior import windows_of
from segue.envs.melody.render import to_tune
from segue.envs.melody.types import STEPS
from segue.envs.music.corpus.defaults import DEFAULT_NAMES
from segue.envs.music.corpus.library import collections, load_corpus
from segue.envs.music.corpus.split import Split
from segue.envs.music.piano_roll import piano_roll
from segue.experiments.generator_config import GANRun
from segue.experiments.tensorboard import Board

MODEL = "gan.safetensors"
"""The trained model in a run's folder."""

_SAMPLES = 4
_COUNTED = 10_000


class GANWork:
    """One run's training, and what is made of it at its end; a `GeneratorWork`.

    Parameters
    ----------
    config : GANRun
        Settings.

    Raises
    ------
    SegueError
        If a collection is unknown or has no two-bar windows in 4/4.
    """

    def __init__(self, config: GANRun) -> None:
        self._names = config.collections or DEFAULT_NAMES
        self.updates, self.validate_every = config.learning.steps, config.validate_every
        train, held_out = (_windows(self._names, split) for split in ("train", "validation"))
        if not len(train) or not len(held_out):
            raise SegueError(
                f"{', '.join(self._names)} has no windows of two bars in 4/4 and major; add tunes."
            )
        self.training = GANTraining(config.learning, train, held_out, config.seed)

    def before(self) -> dict[str, float]:
        """Nothing: it starts anew."""
        return {}

    def finish(self, folder: Path, board: Board) -> dict[str, Any]:
        """Write the model, show some melodies, and tell what it writes, and if it collapsed."""
        model = self.training.best()
        with atomic_path(folder / MODEL) as temporary:
            temporary.write_bytes(save({k: v.contiguous() for k, v in model.state_dict().items()}))
        for number, tokens in enumerate(model.sample(_SAMPLES, 0)):
            board.picture(
                f"generator/melody_{number}", piano_roll(to_tune(tokens)), self.training.step
            )
        drawn = model.sample(_COUNTED, 1)
        known = {one.name: one.licence for one in collections()}
        return {
            "collections": list(self._names),
            "licences": {name: known[name] for name in self._names if name in known},
            "parameters": sum(value.numel() for value in model.state_dict().values()),
            "distinct": len(np.unique(drawn, axis=0)) / len(drawn),
            "collapsed": self.training.collapsed,
            "history": [dict(one) for one in self.training.history],
        }


def _windows(names: tuple[str, ...], split: Split) -> npt.NDArray[np.int8]:
    own = [name for name in names if name not in DEFAULT_NAMES]
    tunes = load_corpus([*DEFAULT_NAMES, *own]).split(split)
    found = windows_of(tune for tune in tunes if tune.source.partition("/")[0] in names)
    return found.reshape(-1, STEPS)
