"""Settings of the training of a generator: ``segue train attention``, ``segue train gan``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from segue.agents.generators.attention import AttentionConfig
from segue.agents.generators.attention_training import AttentionLearning
from segue.agents.generators.gan_config import GANConfig
from segue.envs.base.errors import SegueError
from segue.experiments.run_folder import CONFIG
from segue.experiments.typed_yaml import from_plain, load_yaml, read_yaml


@dataclass(frozen=True)
class AttentionRun:
    """Everything that a training run of the attention model depends on.

    Attributes
    ----------
    generator : str
        ``"attention"``.
    seed : int
        Seed >= 0.
    collections : tuple of str
        Of ``segue corpus list``; empty for the default ones.
    start : str
        Run, or file of a model, to start from; empty for none. Its tunes are the earlier corpus.
    checkpoint_every : int
        Updates between checkpoints.
    size : AttentionConfig
        Of the model; that of `start`, where there is one.
    learning : AttentionLearning
        How it learns.
    """

    generator: str = "attention"
    seed: int = 0
    collections: tuple[str, ...] = ()
    start: str = ""
    checkpoint_every: int = 500
    size: AttentionConfig = field(default_factory=AttentionConfig)
    learning: AttentionLearning = field(default_factory=AttentionLearning)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise SegueError(f"seed is {self.seed}; give a whole number from 0 on.")
        if self.checkpoint_every < 1:
            raise SegueError(f"checkpoint_every is {self.checkpoint_every}; give 1 or more.")


@dataclass(frozen=True)
class GANRun:
    """Everything that a training run of the GAN depends on.

    Attributes
    ----------
    generator : str
        ``"gan"``.
    seed : int
        Seed >= 0.
    collections : tuple of str
        Of ``segue corpus list``; empty for the default ones.
    checkpoint_every, validate_every : int
        Steps of the generator between checkpoints, and between looks at its diversity.
    learning : GANConfig
        How it learns.
    """

    generator: str = "gan"
    seed: int = 0
    collections: tuple[str, ...] = ()
    checkpoint_every: int = 200
    validate_every: int = 100
    learning: GANConfig = field(default_factory=GANConfig)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise SegueError(f"seed is {self.seed}; give a whole number from 0 on.")
        if min(self.checkpoint_every, self.validate_every) < 1:
            raise SegueError("checkpoint_every and validate_every must be 1 or more.")


GeneratorRun = AttentionRun | GANRun

CONFIGS: Mapping[str, type[GeneratorRun]] = {"attention": AttentionRun, "gan": GANRun}
"""Settings of each generator."""


def generator_config(name: str, path: Path | None) -> GeneratorRun:
    """Read the settings of a generator from a file, or those that come with segue.

    Raises
    ------
    SegueError
        If the file cannot be read or a field is unknown or of a wrong type.
    """
    if path is not None:
        return load_yaml(path, CONFIGS[name])
    own = resources.files("segue.experiments") / "configs" / f"generator__{name}.yaml"
    with resources.as_file(own) as file:
        return load_yaml(file, CONFIGS[name])


def read_generator_run(run: Path) -> GeneratorRun:
    """Read the settings of a generator's run from its folder.

    Raises
    ------
    SegueError
        If it is no such run.
    """
    plain = read_yaml(run / CONFIG)
    name = str(plain.get("generator")) if isinstance(plain, dict) else ""
    if name not in CONFIGS:
        raise SegueError(f"{run} is no run of a generator; name one of segue train attention.")
    return from_plain(plain, CONFIGS[name], str(run / CONFIG))
