"""Recordings and files of written music, kept together as a collection of tunes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from segue.envs.base.errors import SegueError
from segue.envs.hearing.transcribe import hear
from segue.envs.hearing.types import Heard
from segue.envs.music.corpus.gate import SUFFIXES, NotationError, Progress, notation_files
from segue.envs.music.corpus.kept import collection_name, keep_tunes
from segue.envs.music.corpus.library import Addition, NothingReadError, read_files, source_name
from segue.envs.music.corpus.types import CorpusTune

RECORDING_SUFFIXES = (
    *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".mka"),
)
"""Endings, in lower case, of the recordings that are taken from a folder."""

_READING = 0.1
"""Share of the progress for written music, where there are recordings, too."""


@dataclass(frozen=True)
class Recording:
    """A recording of a collection, and what was heard in it.

    Attributes
    ----------
    path : Path
        The file.
    heard : Heard
        What was heard.
    """

    path: Path
    heard: Heard


def recording_files(folder: Path) -> tuple[Path, ...]:
    """Recordings in a folder and the folders within it, by name.

    Hidden files and folders are left out, and so is whatever a link leads to outside `folder`.
    """
    home = folder.resolve()
    found = []
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place) / name
            is_recording = path.suffix.lower() in RECORDING_SUFFIXES and not name.startswith(".")
            if is_recording and home in path.resolve().parents:
                found.append(path)
    return tuple(sorted(found, key=lambda path: path.relative_to(folder).parts))


def add_material(
    path: Path | str,
    *,
    name: str | None = None,
    licence: str = "unknown",
    progress: Progress | None = None,
    heard: Callable[[Recording], None] = lambda recording: None,
) -> Addition:
    """Keep what a file or a folder holds, written or recorded, as a collection.

    Parameters
    ----------
    path : Path or str
        A file of written music (MIDI, MusicXML, ABC), any other file for a recording, or a folder
        of either; folders within it are searched, too.
    name : str or None
        What to call the collection; None for the name of the folder or file.
    licence : str
        SPDX identifier, ``"public-domain"`` or ``"unknown"``.
    progress : callable or None
        Told the share done and the stage.
    heard : callable
        Told of each recording in which a tune was heard, before the collection is kept.

    Returns
    -------
    Addition
        What was read and heard, and why the rest was not.

    Raises
    ------
    SegueError
        If the name cannot be used, or there is no such file or folder; the reason itself if the
        only file cannot be used, `NothingReadError` if none of a folder can.
    """
    path = Path(path)
    stem = path.resolve().name if path.is_dir() else path.stem
    name = collection_name(name or stem, licence, chosen=bool(name))
    folder, written, recorded = _files(path)
    tell = progress or (lambda share, text: None)
    share = 1.0 if not recorded else _READING if written else 0.0
    tunes: list[CorpusTune] = []
    files, problems = 0, list[str]()
    if written:
        tunes, files, problems = read_files(written, folder, name, licence, tell, (0.0, share))
    for number, file in enumerate(recorded):
        start, part = share + (1 - share) * number / len(recorded), (1 - share) / len(recorded)
        try:
            found = hear(
                file,
                source=source_name(name, file, folder),
                licence=licence,
                progress=_part(tell, start, part),
            )
        except SegueError as error:
            problems.append(str(error))
            continue
        heard(Recording(file, found))
        tunes.append(found.tune)
        files += 1
    if not tunes:
        if not path.is_dir():
            raise SegueError(problems[0])
        raise NothingReadError(path, problems)
    return Addition(keep_tunes(name, path, licence, tunes), files, tuple(problems))


def _files(path: Path) -> tuple[Path, Sequence[Path], Sequence[Path]]:
    """The folder that names are relative to, files of written music, and recordings."""
    if path.is_dir():
        written, recorded = notation_files(path), recording_files(path)
        if not written and not recorded:
            kinds = ", ".join((*SUFFIXES, *RECORDING_SUFFIXES))
            raise NotationError(f"{path} holds no music; put {kinds} files there.")
        return path, written, recorded
    if not path.exists():
        raise NotationError(
            f"{path} does not exist; give a recording, a file of written music or a folder of them."
        )
    is_written = path.suffix.lower() in SUFFIXES
    return path.parent, [path] * is_written, [path] * (not is_written)


def _part(tell: Progress, start: float, length: float) -> Progress:
    return lambda share, text: tell(start + length * share, text)
