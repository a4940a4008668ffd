"""The melody model that comes with segue."""

from __future__ import annotations

from functools import cache
from importlib import resources

from segue.agents.generators.attention_prior import AttentionPrior
from segue.agents.generators.melody_model import MelodyModel


@cache
def pretrained_model() -> MelodyModel:
    """Read the model, of which ``models/melody.md`` tells.

    Raises
    ------
    SegueError
        If the file is not there or damaged.
    """
    with resources.as_file(resources.files("segue.agents.generators") / "models") as folder:
        return MelodyModel.load(folder / "melody.safetensors")


def attention() -> AttentionPrior:
    """Make a prior for one `segue/Melody-v0`, whose argument ``prior`` names this function."""
    return AttentionPrior(pretrained_model())
