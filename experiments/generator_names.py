"""Which generators there are: told without loading any, so that the command line stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segue.envs.base.errors import SegueError
from segue.experiments.run_folder import CONFIG
from segue.experiments.typed_yaml import read_yaml

GENERATORS = ("attention", "gan")
"""Models that learn from a corpus alone, and write melodies."""


def is_generator_run(path: Path) -> bool:
    """Whether a run's folder is that of a generator."""
    plain = _settings(path)
    return plain is not None and plain.get("generator") in GENERATORS


def is_of_another(path: Path) -> bool:
    """Whether a run's folder is no agent's: its settings can be read, and name no environment."""
    plain = _settings(path)
    return plain is not None and bool(plain) and "env" not in plain


def _settings(path: Path) -> dict[str, Any] | None:
    """Settings of a run; None where they cannot be read, which whoever needs them tells."""
    try:
        plain = read_yaml(path / CONFIG)
    except SegueError:
        return None
    return plain if isinstance(plain, dict) else None
