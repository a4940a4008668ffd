"""What a training run is made from, for its manifest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from segue.envs.base.cache import file_digest
from segue.envs.base.errors import SegueError
from segue.envs.film.sample_film import USER_LICENCE
from segue.experiments.manifest import MANIFEST, Source, read_manifest

DATA = (".hdf5", ".json", ".jsonl")
"""Suffixes of the files that demonstrations are read from."""


def demonstration_sources(folder: Path) -> list[Source]:
    """Give the demonstrations in a folder, and what they were recorded from.

    Parameters
    ----------
    folder : Path
        As of `segue.experiments.demonstration_sources.load_demonstrations`.

    Returns
    -------
    list of Source
        The folder itself, whose digest is that of the names and digests of its files of `DATA`;
        then the sources of its own manifest, if it has one.

    Raises
    ------
    SegueError
        If there is no such folder.
    """
    if not folder.exists():
        raise SegueError(f"{folder} does not exist; name a folder that segue demonstrations wrote.")
    digest = hashlib.sha256()
    for file in [folder] if folder.is_file() else sorted(folder.rglob("*")):
        if file.is_file() and file.suffix in DATA and file.name != MANIFEST:
            digest.update(f"{file.relative_to(folder).as_posix()} {file_digest(file)}\n".encode())
    own = Source(folder.resolve().name, USER_LICENCE, "", digest.hexdigest())
    try:
        told = read_manifest(folder / MANIFEST).get("sources", [])
        return [own, *(Source(**one) for one in told)]
    except (SegueError, TypeError):
        return [own]
