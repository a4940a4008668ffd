"""What ``segue corpus`` does."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from segue.envs.music.corpus.library import NothingReadError, add_folder, collections
from segue.experiments.progress import progress_bar


def add_verb(folder: Path, name: str | None, licence: str) -> tuple[dict[str, Any], list[str]]:
    """Add a folder as a collection; what cannot be read is told on stderr.

    Parameters
    ----------
    folder, name, licence
        As for `segue.envs.music.corpus.library.add_folder`.

    Returns
    -------
    record : dict
        The collection, the number of files read, and the problems.
    lines : list of str
        The same in a sentence.

    Raises
    ------
    SegueError
        As `add_folder`.
    """
    try:
        with progress_bar("corpus") as tell:
            addition = add_folder(folder, name=name, licence=licence, progress=tell)
    except NothingReadError as error:
        _tell(error.problems)
        raise
    _tell(addition.problems)
    collection = addition.collection
    line = (
        f"{collection.name}: {collection.tunes} tunes from {addition.files} files, "
        f"{len(addition.problems)} problems; licence {collection.licence}."
    )
    return asdict(addition), [line]


def list_verb() -> tuple[dict[str, Any], list[str]]:
    """Collections at hand, as a record and as lines."""
    found = collections()
    width = max(len(collection.name) for collection in found)
    lines = [
        f"{c.name:<{width}}  {'not read yet' if c.tunes is None else f'{c.tunes} tunes':>12}  "
        f"{c.licence}  {c.origin}"
        for c in found
    ]
    return {"collections": [asdict(collection) for collection in found]}, lines


def _tell(problems: tuple[str, ...]) -> None:
    for problem in problems:
        print(problem, file=sys.stderr)
