"""The default corpora: files in the public domain that come with music21.

Its other collections are never read: some, such as Essen, may not be used commercially.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from segue.envs.base.errors import SegueError
from segue.envs.music.corpus.gate import notation_files, read_bytes

DEFAULT_NAMES = ("airdsAirs", "ryansMammoth", "oneills1850", "bach")
"""Aird's Airs (1778-1801), Ryan's Mammoth Collection (1883), O'Neill's Music of Ireland (1903, 1850
tunes) and Bach's chorales."""

_NOT_CHORALES = ("bwv846.mxl",)


def default_files(name: str) -> tuple[Path, ...]:
    """Files of a default collection, found without importing music21, which takes a second.

    Raises
    ------
    SegueError
        If they are not there.
    """
    spec = find_spec("music21")
    places = (spec.submodule_search_locations if spec is not None else None) or []
    folder = Path(next(iter(places), ".")) / "corpus" / name
    if name not in DEFAULT_NAMES or not folder.is_dir():
        raise SegueError(f"music21's collection {name} is not at {folder}; install music21 again.")
    return tuple(path for path in notation_files(folder) if path.name not in _NOT_CHORALES)


def files_digest(paths: Sequence[Path]) -> str:
    """SHA-256, hexadecimal, of the names and contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        data = read_bytes(path)
        digest.update(f"{path.name}:{len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()
