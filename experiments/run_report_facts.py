"""What was run: the environment in its own words, settings, versions, sources, commands, times."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segue.envs.base.errors import SegueError
from segue.experiments.compare_runs import Group, Run, flat_settings
from segue.experiments.documentation import space_text
from segue.experiments.learning import make_env
from segue.experiments.manifest import MANIFEST, Source, read_manifest

_OWN = ("env", "agent", "seed")
"""Settings that stand elsewhere in the report."""


@dataclass(frozen=True)
class About:
    """An environment in its own words.

    Attributes
    ----------
    title : str
        First line of its docstring; may be empty.
    description : list of str
        Paragraphs of its description, or of the docstring where it has no such section.
    facts : mapping of str to str
        Actions and observations.
    """

    title: str
    description: list[str]
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Setting:
    """One setting of all agents of an environment.

    Attributes
    ----------
    name : str
        Dotted where it lies in a mapping.
    values : tuple of str
        One an agent.
    """

    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether agents have different values."""
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Origin:
    """How and when a run was made.

    Attributes
    ----------
    path : Path
        The run's folder.
    command : str
        As it can be typed again; empty where no manifest tells.
    time : str
        ISO 8601, UTC; empty where no manifest tells.
    versions : mapping of str to str
        Of segue, Python and libraries.
    platform : str
        What it ran on.
    sources : tuple of Source
        What it was made from.
    """

    path: Path
    command: str = ""
    time: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""
    sources: tuple[Source, ...] = ()


def about(run: Run) -> About:
    """Read what an environment says of itself.

    Raises
    ------
    SegueError
        If it cannot be made.
    """
    env = make_env(run.config.env, run.test_options)
    facts = {
        "actions": space_text(env.action_space),
        "observation": space_text(env.observation_space),
    }
    # Not inherited: that of gymnasium.Env tells nothing about this one.
    text = inspect.cleandoc(type(env.unwrapped).__doc__ or "")
    env.close()
    title, _, body = text.partition("\n\n")
    if title.startswith("#"):  # Gymnasium's own begin with their sections.
        title, body = "", text
    found = re.search(r"^## Description\n(.*?)(?=^## |\Z)", body, flags=re.DOTALL | re.MULTILINE)
    told = found[1] if found else body.partition("\n## ")[0]
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", told.strip())]
    return About(" ".join(title.split()), [part for part in paragraphs if part], facts)


def settings(groups: Sequence[Group]) -> list[Setting]:
    """Give the settings of agents, those that differ first."""
    flat = [flat_settings(group.runs[0].config, _OWN, shown) for group in groups]
    names = list(dict.fromkeys(name for of in flat for name in of))
    every = [Setting(name, tuple(of.get(name, "default") for of in flat)) for name in names]
    return sorted(every, key=lambda one: not one.differs)


def shown(value: Any) -> str:
    """Write the value of a setting."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown(part)}" for key, part in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return "none" if value is None or value == "" else str(value)


def origin(path: Path) -> Origin:
    """Read how a run was made; without a manifest, little is known."""
    try:
        manifest = read_manifest(path / MANIFEST)
        libraries = manifest.get("libraries", {})
        return Origin(
            path,
            shlex.join(map(str, manifest.get("command", []))),
            str(manifest.get("time", "")),
            {
                "segue": str(manifest.get("segue")),
                "Python": str(manifest.get("python")),
                **{str(name): str(version) for name, version in dict(libraries).items()},
            },
            str(manifest.get("platform", "")),
            tuple(_source(one) for one in manifest.get("sources", [])),
        )
    except (SegueError, TypeError, ValueError, KeyError):
        return Origin(path)


def _source(record: Mapping[str, Any]) -> Source:
    names = ("name", "licence", "attribution", "digest")
    return Source(*(str(record[name]) for name in names))


def sources_of(origins: Iterable[Origin]) -> list[Source]:
    """Give every source of some runs once."""
    return list(dict.fromkeys(source for one in origins for source in one.sources))


def versions_of(origins: Iterable[Origin]) -> dict[str, str]:
    """Give versions by name; where runs differ, all that there were."""
    found: dict[str, list[str]] = {}
    for one in origins:
        for name, version in one.versions.items():
            known = found.setdefault(name, [])
            if version not in known:
                known.append(version)
    return {name: " and ".join(versions) for name, versions in found.items()}


__all__ = [
    "About",
    "Origin",
    "Setting",
    "about",
    "origin",
    "settings",
    "shown",
    "sources_of",
    "versions_of",
]
