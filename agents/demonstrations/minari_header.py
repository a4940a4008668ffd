"""What a Minari dataset says of itself, read with nothing taken on trust."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym

from segue.agents.demonstrations.minari_spaces import space_of
from segue.envs.base.errors import SegueError

DATASET = "demonstrations-v0"
"""Name of the dataset in the folder of a run."""
METADATA, ARRAYS = "metadata.json", "main_data.hdf5"
OWN = "segue"
"""Key of the metadata under which lies what Minari has no place for."""

MOST_METADATA_BYTES = 32 << 20


@dataclass(frozen=True)
class About:
    """What a dataset says of itself.

    Attributes
    ----------
    options : mapping
        Keyword arguments of the environment.
    author, licence, description : str
        Whose the demonstrations are, under what SPDX identifier, and what they are; may be empty.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    author: str = ""
    licence: str = ""
    description: str = ""


@dataclass(frozen=True)
class Header:
    """What the metadata of a dataset tell.

    Attributes
    ----------
    name : str
        Of the dataset.
    env_id : str
        Gymnasium id of the environment; empty where it is not told.
    observation_space, action_space : gymnasium.Space
        Of the environment.
    episodes : int
        How many there are.
    sources : tuple of str
        Of the first episodes; segue tells those of all.
    about : About
        The rest, as far as it is told.
    """

    name: str
    env_id: str
    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    episodes: int
    sources: tuple[str, ...]
    about: About


def dataset_folder(folder: Path) -> Path:
    """Give the dataset in a run's folder, or the folder itself if it is one.

    Raises
    ------
    SegueError
        If there is none.
    """
    for place in (folder / DATASET, folder):
        with suppress(OSError):
            if (place / "data" / METADATA).exists():
                return place
    raise SegueError(
        f"{folder} holds no demonstrations; name a folder that segue demonstrations record wrote, "
        "or another Minari dataset."
    )


def read_header(folder: Path) -> Header:
    """Read what a dataset says of itself, not its episodes.

    Parameters
    ----------
    folder : Path
        The dataset, or the folder of the run that it lies in.

    Raises
    ------
    SegueError
        If there is none, or its metadata are damaged or tell of spaces that are not understood.
    """
    place = dataset_folder(folder)
    path = file_of(place, METADATA)
    with told(str(path)):
        if path.stat().st_size > MOST_METADATA_BYTES:
            raise ValueError("it is too large")
        record = json.loads(path.read_bytes())
        if record["data_format"] != "hdf5":
            raise ValueError(f"data are kept as {record['data_format']!r:.40} instead of 'hdf5'")
        own = record.get(OWN, {})
        spec = json.loads(record["env_spec"]) if record.get("env_spec") else {}
        about = About(
            dict(own.get("options", {})),
            ", ".join(sorted(map(_text, record.get("author", [])))),
            _text(own.get("licence", "")),
            _text(record.get("description", "")),
        )
        return Header(
            name=_text(record.get("dataset_id", place.name)),
            env_id=_text(own.get("env") or spec.get("id", "")),
            observation_space=space_of(record["observation_space"]),
            action_space=space_of(record["action_space"]),
            episodes=int(record["total_episodes"]),
            sources=tuple(map(_text, own.get("sources", []))),
            about=about,
        )


def file_of(place: Path, name: str) -> Path:
    """Give a file of a dataset, which must lie in its folder.

    Raises
    ------
    SegueError
        If it is missing, a link or no file.
    """
    path = place / "data" / name
    with suppress(OSError):
        links = path.is_symlink() or path.parent.is_symlink()
        if path.is_file() and not links:
            return path
    raise SegueError(
        f"{path} is missing or not a file of its own; give a Minari dataset that is whole."
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value[:1000]


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say in a sentence that something is damaged, whatever that makes the block raise.

    Raises
    ------
    SegueError
        Where the block raises what damaged data do.
    """
    try:
        yield
    except (SegueError, ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
        reason = (str(error).splitlines() or [""])[0][:200].rstrip(".") or type(error).__name__
    except (RecursionError, MemoryError, OverflowError, OSError) as error:
        reason = type(error).__name__
    else:
        return
    raise SegueError(f"{what} cannot be used ({reason}); give undamaged demonstrations.")


__all__ = ["About", "Header", "dataset_folder", "file_of", "read_header", "told"]
