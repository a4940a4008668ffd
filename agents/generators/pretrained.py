"""The melody model and the judge of melodies that come with segue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path

from segue.agents.generators.attention_prior import AttentionPrior
from segue.agents.generators.melody_model import MelodyModel
from segue.agents.generators.scorer import MelodyScorer


@contextmanager
def _shipped(name: str) -> Iterator[Path]:
    with resources.as_file(resources.files("segue.agents.generators") / "models") as folder:
        yield folder / name


@cache
def pretrained_model() -> MelodyModel:
    """Read the model, of which ``models/melody.md`` tells.

    Raises
    ------
    SegueError
        If the file is not there or damaged.
    """
    with _shipped("melody.safetensors") as path:
        return MelodyModel.load(path)


def attention() -> AttentionPrior:
    """Make a prior for one `segue/Melody-v0`, whose argument ``prior`` names this function."""
    return AttentionPrior(pretrained_model())


@cache
def scorer() -> MelodyScorer:
    """Read the judge of two-bar melodies, of which ``models/scorer.md`` tells.

    The argument ``judge`` of `segue/Melody-v0` may name this function.

    Raises
    ------
    SegueError
        If the file is not there or damaged.
    """
    with _shipped("scorer.safetensors") as path:
        return MelodyScorer.load(path)
