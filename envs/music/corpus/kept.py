"""Collections that the user has added, kept in the cache folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segue.envs.base.cache import cache_folder, load_arrays, store_arrays
from segue.envs.base.errors import SegueError
from segue.envs.music.corpus.defaults import DEFAULT_NAMES
from segue.envs.music.corpus.storage import FORMAT, arrays_to_tunes, tunes_to_arrays
from segue.envs.music.corpus.types import CorpusTune

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Collection:
    """A named set of tunes.

    Attributes
    ----------
    name : str
        What it is called.
    origin : str
        ``"music21"``, or the folder from which it was read.
    licence : str
        SPDX identifier, ``"public-domain"`` or ``"unknown"``.
    tunes : int or None
        How many; None where it has not been read yet.
    """

    name: str
    origin: str
    licence: str
    tunes: int | None


def collection_name(text: str, licence: str, *, chosen: bool) -> str:
    """Name of a new collection, checked together with its licence.

    Parameters
    ----------
    text : str
        The name if it is `chosen`; else that of a file or folder, of which one is made.
    licence : str
        Of its tunes.
    chosen : bool
        Whether somebody chose the name.

    Raises
    ------
    SegueError
        If either cannot be used.
    """
    name = text if chosen else re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    if _NAME.fullmatch(name) is None or name in DEFAULT_NAMES:
        raise SegueError(
            f"A collection cannot be called {name!r}; give another name of up to 64 letters, "
            "digits, dots and hyphens."
        )
    if not licence.strip() or len(licence) > 100:
        raise SegueError(f"{licence!r} is no licence; give an SPDX identifier such as CC0-1.0.")
    return name


def keep_tunes(name: str, origin: Path, licence: str, tunes: Sequence[CorpusTune]) -> Collection:
    """Keep tunes as a collection, in the place of one of that name.

    Parameters
    ----------
    name : str
        As `collection_name` gives it.
    origin : Path
        File or folder that they come from.
    licence : str
        Of all of them.
    tunes : sequence of CorpusTune
        At least one.

    Raises
    ------
    SegueError
        If the cache cannot be written.
    """
    facts = {"folder": str(origin.resolve()), "licence": licence}
    store = cache_folder(cache_folder() / "corpora")
    store_arrays(store, "added", FORMAT, name, tunes_to_arrays(tunes, facts))
    return Collection(name, facts["folder"], licence, len(tunes))


def kept_tunes(name: str) -> tuple[tuple[CorpusTune, ...], dict[str, str]] | None:
    """Tunes that `keep_tunes` kept, with folder and licence; None where there are none."""
    folder = cache_folder() / "corpora"
    if _NAME.fullmatch(name) is None:
        return None
    return arrays_to_tunes(load_arrays(folder, "added", FORMAT, name))
