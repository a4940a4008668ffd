"""The corpora at hand: the default ones, and folders that the user has added."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segue.envs.base.cache import cache_folder, load_arrays, store_arrays
from segue.envs.base.errors import SegueError
from segue.envs.music.corpus.defaults import DEFAULT_NAMES, default_files, files_digest
from segue.envs.music.corpus.duplicates import group_melodies
from segue.envs.music.corpus.gate import (
    SUFFIXES,
    NotationError,
    Progress,
    notation_files,
)
from segue.envs.music.corpus.kept import Collection, collection_name, keep_tunes, kept_tunes
from segue.envs.music.corpus.midi_process import MidiProcess
from segue.envs.music.corpus.reading import read_file
from segue.envs.music.corpus.split import SPLITS, Split, split_of
from segue.envs.music.corpus.storage import FORMAT, arrays_to_tunes, tunes_to_arrays
from segue.envs.music.corpus.types import CorpusTune


@dataclass(frozen=True)
class Addition:
    """What came of adding a folder.

    Attributes
    ----------
    collection : Collection
        The new collection.
    files : int
        Files of which at least one tune was read.
    problems : tuple of str
        Why other files, or tunes of files, could not be read, a sentence each.
    """

    collection: Collection
    files: int
    problems: tuple[str, ...]


class NothingReadError(NotationError):
    """Not one tune of a folder could be read.

    Attributes
    ----------
    problems : tuple of str
        Why, a sentence for each file or tune.
    """

    def __init__(self, folder: Path, problems: Sequence[str]) -> None:
        super().__init__(
            f"No tune in {folder} can be read, of {len(problems)} tried; export them again."
        )
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Corpus:
    """Tunes, each once, and which of them are variants of one another.

    Attributes
    ----------
    tunes : tuple of CorpusTune
        Copies of one tune within and across collections are left out but for the first.
    groups : tuple of int
        For each tune, the index in `tunes` of the first one of its group of variants.
    """

    tunes: tuple[CorpusTune, ...]
    groups: tuple[int, ...]

    def split(self, name: Split) -> tuple[CorpusTune, ...]:
        """Tunes of one split: about 80 % ``"train"``, 10 % ``"validation"``, 10 % ``"test"``.

        A group of variants lies in one split, which its first tune alone decides, so that what
        was held out stays so when corpora are added.

        Raises
        ------
        SegueError
            If there is no such split.
        """
        if name not in SPLITS:
            raise SegueError(f"There is no split {name!r}; choose one of {', '.join(SPLITS)}.")
        places = {group: split_of(self.tunes[group]) for group in set(self.groups)}
        return tuple(
            tune
            for tune, group in zip(self.tunes, self.groups, strict=True)
            if places[group] == name
        )


def load_corpus(names: Sequence[str] | None = None, progress: Progress | None = None) -> Corpus:
    """Load collections, without their duplicates.

    The first time the files are read, which takes some seconds; then they come from the cache.

    Parameters
    ----------
    names : sequence of str or None
        Collections in order of precedence; None for the four default ones.
    progress : callable or None
        Told the share done and the stage.

    Returns
    -------
    Corpus
        The same for the same collections in the same order.

    Raises
    ------
    SegueError
        If a collection is unknown or the cache cannot be written.
    """
    tell = progress or (lambda share, text: None)
    chosen = tuple(dict.fromkeys(DEFAULT_NAMES if names is None else names))
    tunes: list[CorpusTune] = []
    digest = hashlib.sha256()
    for number, name in enumerate(chosen):
        found, mark = _load(name, tell, (0.6 * number / len(chosen), 0.6 / len(chosen)))
        tunes += found
        digest.update(f"{name}:{mark}\n".encode())
    groups, copies = _grouping(tunes, digest.hexdigest(), tell)
    kept = [index for index in range(len(tunes)) if not copies[index]]
    moved = {index: place for place, index in enumerate(kept)}
    return Corpus(
        tuple(tunes[index] for index in kept), tuple(moved[int(groups[index])] for index in kept)
    )


def collections() -> tuple[Collection, ...]:
    """Collections at hand: the default ones, then the user's by name."""
    folder = cache_folder()
    found = []
    for name in DEFAULT_NAMES:
        cached = arrays_to_tunes(
            load_arrays(folder, f"corpus-{name}", FORMAT, files_digest(default_files(name)))
        )
        count = None if cached is None else len(cached[0])
        found.append(Collection(name, "music21", "public-domain", count))
    head = f"added-v{FORMAT}-"
    for path in sorted((folder / "corpora").glob(f"{head}*.npz")):
        name = path.stem[len(head) :]
        added = kept_tunes(name)
        if added is not None:
            tunes, facts = added
            found.append(Collection(name, facts["folder"], facts["licence"], len(tunes)))
    return tuple(found)


def add_folder(
    folder: Path | str,
    *,
    name: str | None = None,
    licence: str = "unknown",
    progress: Progress | None = None,
) -> Addition:
    """Read a folder of MIDI, MusicXML and ABC files and keep its tunes as a collection.

    The tunes are kept as they are now; after a change of the files, add the folder again, which
    replaces the collection of that name. Links out of the folder are not followed.

    Parameters
    ----------
    folder : Path or str
        The folder; folders within it are read, too.
    name : str or None
        What to call the collection; None for the folder's name.
    licence : str
        SPDX identifier, ``"public-domain"`` or ``"unknown"``.
    progress : callable or None
        Told the share done and the file.

    Returns
    -------
    Addition
        What was read, and why the rest was not.

    Raises
    ------
    SegueError
        If the name cannot be used or the folder does not exist; `NothingReadError` if no tune in
        it can be read.
    """
    folder = Path(folder)
    name = collection_name(name or folder.resolve().name, licence, chosen=bool(name))
    paths = notation_files(folder)
    if not paths:
        raise NotationError(
            f"{folder} holds no written music; put {', '.join(SUFFIXES)} files there."
        )
    tell = progress or (lambda share, text: None)
    tunes, files, problems = read_files(paths, folder, name, licence, tell)
    if not tunes:
        raise NothingReadError(folder, problems)
    return Addition(keep_tunes(name, folder, licence, tunes), files, tuple(problems))


def _load(name: str, tell: Progress, part: tuple[float, float]) -> tuple[Sequence[CorpusTune], str]:
    """Tunes of a collection, and what tells this state of it from others."""
    if name not in DEFAULT_NAMES:
        added = kept_tunes(name)
        if added is None:
            known = ", ".join(collection.name for collection in collections())
            raise SegueError(
                f"There is no collection {name!r}; choose one of {known}, or add its folder."
            )
        arrays = tunes_to_arrays(*added)
        mark = hashlib.sha256(arrays["words"].tobytes() + arrays["notes"].tobytes())
        return added[0], mark.hexdigest()
    paths = default_files(name)
    digest = files_digest(paths)
    folder = cache_folder()
    cached = arrays_to_tunes(load_arrays(folder, f"corpus-{name}", FORMAT, digest))
    if cached is None:
        tunes, _, _ = read_files(paths, paths[0].parent, name, "public-domain", tell, part)
        store_arrays(folder, f"corpus-{name}", FORMAT, digest, tunes_to_arrays(tunes, {}))
        return tunes, digest
    return cached[0], digest


def source_name(name: str, path: Path, folder: Path) -> str:
    """What a tune's source says: the collection, and the file's place in its folder."""
    place = path.relative_to(folder).as_posix()
    # A file's name may hold line ends, or bytes that are no text.
    return "".join(c if c.isprintable() else "?" for c in f"{name}/{place}")


def read_files(
    paths: Sequence[Path],
    folder: Path,
    name: str,
    licence: str,
    tell: Progress,
    part: tuple[float, float] = (0.0, 1.0),
) -> tuple[list[CorpusTune], int, list[str]]:
    """Read files of written music.

    Parameters
    ----------
    paths : sequence of Path
        In `folder` or the folders within it.
    folder, name, licence
        Of the collection.
    tell : callable
        Told the share done, from ``part[0]`` on by ``part[1]``, and the stage.
    part : tuple of float
        Where it begins and how much it is of the whole work.

    Returns
    -------
    tunes : list of CorpusTune
        In order.
    files : int
        How many files gave any.
    problems : list of str
        Why others did not, a sentence each.
    """
    tunes: list[CorpusTune] = []
    problems: list[str] = []
    files = 0
    with MidiProcess() as midi:
        for number, path in enumerate(paths):
            tell(part[0] + part[1] * number / len(paths), f"reading {name}")
            source = source_name(name, path, folder)
            try:
                reading = read_file(path, midi, source=source, licence=licence)
            except NotationError as error:
                problems.append(str(error))
                continue
            tunes += reading.tunes
            problems += reading.problems
            files += bool(reading.tunes)
    return tunes, files, problems


def _grouping(
    tunes: Sequence[CorpusTune], digest: str, tell: Progress
) -> tuple[Sequence[int], Sequence[bool]]:
    folder = cache_folder()
    cached = load_arrays(folder, "corpus-groups", FORMAT, digest)
    if cached is not None and cached.keys() >= {"groups", "copies"}:
        groups, copies = cached["groups"].tolist(), cached["copies"].tolist()
        if len(groups) == len(copies) == len(tunes):
            return groups, copies
    grouping = group_melodies(
        [[note.pitch for note in tune.notes] for tune in tunes],
        lambda share: tell(0.6 + 0.4 * share, "comparing tunes"),
    )
    arrays = {
        "groups": np.array(grouping.groups, dtype=np.int64),
        "copies": np.array(grouping.copies, dtype=np.bool_),
    }
    store_arrays(folder, "corpus-groups", FORMAT, digest, arrays)
    return grouping.groups, grouping.copies
