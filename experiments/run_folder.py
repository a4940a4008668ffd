"""The folder of a run: what was asked for, with what it was made, and what came of it.

::

    runs/<env>__<experiment>__<seed>__<time>/
        config.yaml     manifest.json     events.out.tfevents...
        checkpoints/    and what the verb makes: film.mp4, tune.wav, report.html, ...
"""

from __future__ import annotations

import json
import platform
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib import metadata
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments.typed_yaml import load_yaml, to_yaml

Settings = TypeVar("Settings")

ROOT = Path("runs")
"""Where runs go unless told otherwise."""

CONFIG = "config.yaml"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Source:
    """Something that a run was made from.

    Attributes
    ----------
    name : str
        File name or title.
    licence : str
        SPDX identifier, or ``"LicenseRef-..."`` where none fits.
    attribution : str
        Whom to name; may be empty.
    digest : str
        SHA-256 of the file, hexadecimal; empty where there is no file.
    """

    name: str
    licence: str
    attribution: str
    digest: str


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


def write_manifest(
    folder: RunFolder,
    *,
    command: Sequence[str],
    seed: int,
    config: Mapping[str, Any],
    sources: Sequence[Source],
) -> Path:
    """Write down with what a run was made: versions, platform, seed, time, sources.

    It names no host and no user; the home folder is written as ``~``.

    Parameters
    ----------
    folder : RunFolder
        The run.
    command : sequence of str
        How it was started; of the program only its name is kept.
    seed : int
        Its seed.
    config : mapping
        Its settings; what JSON does not know is written as text.
    sources : sequence of Source
        What it was made from.

    Returns
    -------
    Path
        The file ``manifest.json``.

    Raises
    ------
    SegueError
        If the folder cannot be written to.
    """
    manifest = {
        "format": "segue.manifest.v1",
        "segue": _version("segue"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: _version(name) for name in _libraries()},
        "command": command_line(command),
        "seed": seed,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "config": config,
        "sources": [asdict(source) for source in sources],
    }
    text = json.dumps(_without_home(manifest), indent=2, ensure_ascii=False) + "\n"
    return _write(folder.path / MANIFEST, text)


def write_config(folder: RunFolder, config: Any) -> Path:
    """Write a run's settings, a dataclass, as ``config.yaml``.

    Raises
    ------
    SegueError
        If the folder cannot be written to.
    TypeError
        If the settings hold something that YAML does not know.
    """
    return _write(folder.path / CONFIG, to_yaml(config))


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


def command_line(arguments: Sequence[str]) -> list[str]:
    """Give a command as it may be shown: the program's bare name, the home folder as ``~``."""
    program, *rest = arguments or ("segue",)
    return [Path(program).name, *map(hide_home, rest)]


def hide_home(text: str) -> str:
    """Write the home folder in a text as ``~``, since it tells the user's name."""
    for home in {str(Path.home()), str(Path.home().resolve())}:
        if Path(home) != Path(home).parent:  # A home of / tells nothing.
            text = re.sub(rf"(?<![\w.-]){re.escape(home)}(?![\w.-])", "~", text)
    return text


def _without_home(value: Any) -> Any:
    """Give a value as JSON knows it, the home folder hidden in every text."""
    if isinstance(value, Mapping):
        return {hide_home(str(key)): _without_home(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_home(part) for part in value]
    if value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return value
    return hide_home(str(value))


def _libraries() -> list[str]:
    """Names of what segue needs, by its own metadata."""
    needed = [line for line in metadata.requires("segue") or () if "extra ==" not in line]
    return [re.split(r"[\s<>=!~;\[(]", line, maxsplit=1)[0] for line in needed]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _write(path: Path, text: str) -> Path:
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
