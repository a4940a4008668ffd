"""Which generators there are: told without loading any, so that the command line stays quick."""

from __future__ import annotations

from pathlib import Path

from segue.envs.base.errors import SegueError
from segue.experiments.run_folder import CONFIG
from segue.experiments.typed_yaml import read_yaml

GENERATORS = ("attention", "gan")
"""Models that learn from a corpus alone, and write melodies."""


def is_generator_run(path: Path) -> bool:
    """Whether a run's folder is that of a generator."""
    try:
        plain = read_yaml(path / CONFIG)
    except SegueError:
        return False  # Told by whoever goes on with the run.
    return isinstance(plain, dict) and plain.get("generator") in GENERATORS
