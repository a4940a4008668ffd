"""With what a run was made: ``manifest.json`` in its folder."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib import metadata
from math import isfinite
from pathlib import Path
from typing import Any

from segue.envs.base.errors import SegueError
from segue.experiments.run_folder import RunFolder, write_text

MANIFEST = "manifest.json"
FORMAT = "segue.manifest.v1"
"""Of a manifest."""
MOST_BYTES = 2**22
"""Largest manifest that is read."""


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
        "format": FORMAT,
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
    return write_text(folder.path / MANIFEST, text)


def read_manifest(path: Path) -> dict[str, Any]:
    """Read what `write_manifest` wrote; the home folder stands in its texts again.

    Parameters
    ----------
    path : Path
        The file ``manifest.json``.

    Raises
    ------
    SegueError
        If it cannot be read or is no manifest.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SegueError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    try:
        manifest = json.loads(data) if len(data) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise SegueError(f"{path} is no manifest of a run; name a run's {MANIFEST} or its folder.")
    return {key: _with_home(value) for key, value in manifest.items()}


def version_differences(manifest: Mapping[str, Any]) -> list[str]:
    """Say of each library that has another version than when a manifest was written.

    Parameters
    ----------
    manifest : mapping
        As of `read_manifest`.

    Returns
    -------
    list of str
        A clause each; empty where all are the same.
    """
    libraries = manifest.get("libraries")
    then = {"segue": manifest.get("segue"), "Python": manifest.get("python")}
    then |= libraries if isinstance(libraries, Mapping) else {}
    now = {"Python": platform.python_version()}
    return [
        f"{name} was {version} then and is {now.get(name) or _version(name)} now"
        for name, version in then.items()
        if version != (now.get(name) or _version(name))
    ]


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


def _with_home(value: Any) -> Any:
    """Put the home folder back at the beginning of every text where `hide_home` took it out."""
    if isinstance(value, dict):
        return {key: _with_home(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_home(part) for part in value]
    if isinstance(value, str) and (value == "~" or value.startswith("~/")):
        return str(Path(value).expanduser())
    return value


def _libraries() -> list[str]:
    """Names of what segue needs, by its own metadata."""
    needed = [line for line in metadata.requires("segue") or () if "extra ==" not in line]
    return [re.split(r"[\s<>=!~;\[(]", line, maxsplit=1)[0] for line in needed]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
