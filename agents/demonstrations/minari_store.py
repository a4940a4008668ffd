"""Episodes on disk, as Minari datasets: others read what is written, and what others write is read.

A dataset is a folder with ``data/metadata.json`` and ``data/main_data.hdf5``. Nothing in it is run:
no environment is made from what it says, and nothing is unpickled.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from importlib import metadata
from inspect import signature
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from segue.agents.demonstrations.episode import Episode
from segue.agents.demonstrations.minari_episode import arrays_of, episode_of
from segue.agents.demonstrations.minari_header import (
    ARRAYS,
    OWN,
    About,
    Header,
    dataset_folder,
    file_of,
    read_header,
    told,
)
from segue.agents.demonstrations.minari_process import EpisodeProcess
from segue.envs.base.errors import SegueError


def read_episodes(folder: Path, process: EpisodeProcess | None = None) -> list[Episode]:
    """Read the episodes of a Minari dataset.

    Parameters
    ----------
    folder : Path
        The dataset, or the folder of the run that it lies in.
    process : EpisodeProcess or None
        What parses the arrays; None for one of its own.

    Returns
    -------
    list of Episode
        At least one. Masks come from ``infos["action_mask"]``, where it is there.

    Raises
    ------
    SegueError
        If there is no dataset, it is damaged, too large, leads out of its folder or has actions
        that are not discrete, or an episode does not fit the spaces, is not finite or takes an
        action that was not legal.
    """
    header, path = read_header(folder), file_of(dataset_folder(folder), ARRAYS)
    with nullcontext(process) if process else EpisodeProcess() as reader:
        found = reader.read(path)
    if len(found) != header.episodes or not found:
        raise SegueError(
            f"{path} holds {len(found)} episodes, where its metadata tell of {header.episodes}; "
            "give an undamaged dataset that is not empty."
        )
    spaces = (header.observation_space, header.action_space)
    sources = [*header.sources, *[header.name] * len(found)]
    episodes = []
    for number, arrays in enumerate(found):
        with told(f"Episode {number} of {path}"):
            episodes.append(episode_of(arrays, *spaces, sources[number]))
    return episodes


def write_episodes(
    episodes: Sequence[Episode],
    folder: Path,
    *,
    env_id: str,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    about: About | None = None,
) -> None:
    """Write episodes as a Minari dataset, whole or not at all.

    ``minari.load_dataset(folder.name)`` opens it where ``MINARI_DATASETS_PATH`` is the folder's
    parent; its name should end in a version, such as ``-v0``, as Minari wants it.

    Parameters
    ----------
    episodes : sequence of Episode
        At least one.
    folder : Path
        The dataset. There must be nothing yet.
    env_id : str
        Gymnasium id.
    observation_space, action_space : gymnasium.Space
        Of the environment.
    about : About or None
        What else is to be known.

    Raises
    ------
    SegueError
        If there is no episode, one does not fit the spaces or takes an action that was not legal,
        or the folder is not empty or cannot be written.
    """
    if not episodes:
        raise SegueError("There are no demonstrations to write; record at least one episode.")
    for number, episode in enumerate(episodes):
        with told(f"Episode {number} of the demonstrations in {env_id}"):
            episode_of(arrays_of(episode), observation_space, action_space, episode.source)
    sources = tuple(episode.source for episode in episodes)
    header = Header(
        _name(folder),
        env_id,
        observation_space,
        action_space,
        len(episodes),
        sources,
        about or About(),
    )
    temporary = folder.with_name(f".{uuid.uuid4().hex[:12]}")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SegueError(f"{folder} holds something already; name another folder.")
        temporary.mkdir(parents=True)
        # Minari adds up sizes wrongly where a path is relative.
        _write(episodes, header, temporary.absolute() / "data")
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except OSError as error:
        raise SegueError(
            f"{folder} cannot be written ({error.strerror or error}); choose another place."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(episodes: Sequence[Episode], header: Header, data: Path) -> None:
    """Let Minari fill a folder.

    By what its ``create_dataset_from_buffers`` is made of, since that writes into one place only.
    """
    from minari.data_collector.episode_buffer import EpisodeBuffer
    from minari.dataset.minari_storage import MinariStorage, is_image_space

    seen, version = header.observation_space, metadata.version("minari")
    parts = seen.values() if isinstance(seen, gym.spaces.Dict) else [seen]
    pictures = any(map(is_image_space, parts))
    if pictures and "jpeg_encoding" not in signature(MinariStorage.new).parameters:
        raise SegueError(f"Minari {version} would change pictures; install 0.5.4 or newer.")
    storage = MinariStorage.new(
        data,
        observation_space=seen,
        action_space=header.action_space,
        env_spec=_spec(header.env_id, header.about.options),
        # What it does to pictures loses detail.
        **({"jpeg_encoding": False} if pictures else {}),
    )
    about = header.about
    own = {
        "env": header.env_id,
        "sources": header.sources,
        "options": _plain(about.options),
        "licence": about.licence,
    }
    storage.update_metadata(
        {
            "dataset_id": header.name,
            "minari_version": version,
            "description": about.description,
            "author": {about.author} if about.author else set(),
            OWN: own,
        }
    )
    buffers = []
    for episode in episodes:
        arrays = arrays_of(episode)
        infos = {"action_mask": arrays["action_mask"]} if "action_mask" in arrays else {}
        names = ("actions", "rewards", "terminations", "truncations")
        kept = {name: arrays[name] for name in names}
        observed = episode.observations
        buffers.append(EpisodeBuffer(seed=episode.seed, observations=observed, infos=infos, **kept))
    storage.update_episodes(buffers)


def _spec(env_id: str, options: Mapping[str, Any]) -> EnvSpec | None:
    """What Minari makes the environment anew from; None where it could not."""
    try:
        spec, kwargs = copy.deepcopy(gym.spec(env_id)), dict(options)
        # The one option that `gymnasium.make` keeps for itself and an episode depends on.
        spec.max_episode_steps = kwargs.pop("max_episode_steps", spec.max_episode_steps)
        spec.kwargs.update(kwargs)
        spec.to_json()
    except (gym.error.Error, ImportError, TypeError, ValueError):
        return None
    return spec


def _name(folder: Path) -> str:
    """Name of a dataset as Minari allows it."""
    name = re.sub(r"[^-\w]+", "-", folder.name)
    return name if re.fullmatch(r"[-\w]+-v\d+", name) else f"{name}-v0"


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON has them; what it does not know as a text."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(options), default=repr))
    return plain


__all__ = ["read_episodes", "write_episodes"]
