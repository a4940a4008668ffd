"""The one gate through which every file of written music is read.

A file comes from anywhere. The gate lets regular files of a bounded size through and never follows
a link out of the folder that was named; the readers take their caps on events, length and nesting
from `Limits`. What a reader cannot make music of is a `NotationError`, never a crash.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from segue.envs.base.errors import SegueError

Progress = Callable[[float, str], None]
"""Called with the share done, in [0, 1], and what is being done."""

SUFFIXES = {
    ".mid": "midi",
    ".midi": "midi",
    ".abc": "abc",
    ".musicxml": "musicxml",
    ".xml": "musicxml",
    ".mxl": "musicxml",
}
"""Endings, in lower case, of the files that are read, and the kind of each."""


class NotationError(SegueError):
    """A file of written music that cannot be used, said in one sentence that names the file."""


@dataclass(frozen=True)
class Limits:
    """What the gate lets through.

    Attributes
    ----------
    size : int
        Bytes of a file.
    expanded : int
        Bytes of a compressed file's content.
    events : int
        Notes and rests of a piece; elements of a MusicXML file may be eight times as many.
    tunes : int
        Tunes of one ABC file.
    collected : int
        Notes and rests of all tunes of an ABC file together.
    quarters : int
        Length of a tune in quarter notes.
    nesting : int
        Depth of elements in XML.
    seconds : float
        Wall-clock seconds that a MIDI file may take to parse.
    memory : int
        Bytes of memory that parsing MIDI may take.
    """

    size: int = 16 * 2**20
    expanded: int = 32 * 2**20
    events: int = 250_000
    tunes: int = 50_000
    collected: int = 1_000_000
    quarters: int = 20_000
    nesting: int = 48
    seconds: float = 3.0
    memory: int = 256 * 2**20


DEFAULT_LIMITS = Limits()


def read_bytes(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Content of a regular file.

    Parameters
    ----------
    path : Path
        The file.
    limits : Limits
        `size` is heeded.

    Raises
    ------
    NotationError
        If the file is missing, no regular file, empty, too big, or the system refuses it.
    """
    try:
        # A pipe or a device named song.mid would block or never end.
        if not path.is_file():
            wrong = "is not a file" if path.exists() else "does not exist"
            raise NotationError(f"{path} {wrong}; give a MIDI, MusicXML or ABC file.")
        with path.open("rb") as file:
            data = file.read(limits.size + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotationError(f"{path} cannot be read ({reason}); check its rights.") from error
    if not data:
        raise NotationError(f"{path} is empty; copy or export it again.")
    if len(data) > limits.size:
        raise NotationError(
            f"{path} has more than the {limits.size:,} bytes allowed; split it into several files."
        )
    return data


def notation_files(folder: Path) -> tuple[Path, ...]:
    """Files of written music in a folder and the folders within it, by name.

    Hidden files and folders are left out, and so is whatever a link leads to outside `folder`.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    tuple of Path
        In the order of their paths relative to `folder`, the same on every system.

    Raises
    ------
    NotationError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise NotationError(
            f"{folder} is not a folder; give one that holds MIDI, MusicXML or ABC files."
        )
    home = folder.resolve()
    found = []
    # Links to folders are not followed at all, so that no cycle is walked.
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place) / name
            if path.suffix.lower() in SUFFIXES and not name.startswith("."):
                inside = home in path.resolve().parents
                if inside:
                    found.append(path)
    return tuple(sorted(found, key=lambda path: path.relative_to(folder).parts))
