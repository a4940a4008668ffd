"""The folder of a run: what was asked for, with what it was made, and what came of it.

::

    runs/<env>__<experiment>__<seed>__<time>/
        config.yaml     manifest.json     events.out.tfevents...
        checkpoints/    and what the verb makes: film.mp4, tune.wav, report.html, ...
"""

from __future__ import annotations

import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments.typed_yaml import load_yaml, to_yaml

Settings = TypeVar("Settings")

ROOT = Path("runs")
"""Where runs go unless told otherwise."""

CONFIG = "config.yaml"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run.

    Attributes
    ----------
    path : Path
        Where it lies.
    """

    path: Path

    @classmethod
    def create(
        cls, root: Path | None, name: str, experiment: str, seed: int, out: Path | None
    ) -> RunFolder:
        """Make the folder of a new run.

        Parameters
        ----------
        root : Path or None
            Folder of runs; None is `ROOT` in the current folder.
        name : str
            What is run, such as ``"segue-Montage-v0"``.
        experiment : str
            Name of the experiment.
        seed : int
            Its seed.
        out : Path or None
            Exactly this folder instead, new or not.

        Raises
        ------
        SegueError
            If the folder cannot be made or written to.
        """
        if out is not None:
            return cls(_writable(out))
        parts = [re.sub(r"[^\w.-]+", "-", part) for part in (name, experiment)]
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        path = (root or ROOT) / f"{parts[0]}__{parts[1]}__{seed}__{stamp}"
        again = 1
        while path.exists():  # two runs in one second
            again += 1
            path = path.with_name(f"{parts[0]}__{parts[1]}__{seed}__{stamp}-{again}")
        return cls(_writable(path))

    @property
    def checkpoints(self) -> Path:
        """Folder of the agent's states, made if missing."""
        return _made(self.path / "checkpoints")

    def discard_if_empty(self) -> None:
        """Remove the folder again where nothing came of the run; one with files stays."""
        with suppress(OSError):
            self.path.rmdir()


def write_config(folder: RunFolder, config: Any) -> Path:
    """Write a run's settings, a dataclass, as ``config.yaml``.

    Raises
    ------
    SegueError
        If the folder cannot be written to.
    TypeError
        If the settings hold something that YAML does not know.
    """
    return write_text(folder.path / CONFIG, to_yaml(config))


def read_config(folder: RunFolder, cls: type[Settings]) -> Settings:
    """Read the settings that `write_config` wrote.

    Parameters
    ----------
    folder : RunFolder
        The run.
    cls : type
        Their dataclass.

    Raises
    ------
    SegueError
        If the file is missing, or a field is unknown, missing or of a wrong type.
    """
    return load_yaml(folder.path / CONFIG, cls)


def write_text(path: Path, text: str) -> Path:
    """Write a text file in one go: it is there whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def _made(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SegueError(
            f"The folder {path} cannot be made ({error.strerror}); "
            "choose a place that can be written to."
        ) from error
    return path


def _writable(path: Path) -> Path:
    """Make a folder and try to write there: a run must not fail at its end."""
    _made(path)
    try:
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise SegueError(
            f"The folder {path} cannot be written to ({error.strerror}); choose another with --out."
        ) from error
    return path
