"""What ``segue corpus`` does."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from segue.envs.base.cache import file_digest
from segue.envs.hearing.abc_writer import abc_text
from segue.envs.hearing.collecting import Recording, add_material
from segue.envs.hearing.midi_writer import write_tune_midi
from segue.envs.hearing.note_model import INSTALL, model_path
from segue.envs.hearing.picture import write_picture
from segue.envs.hearing.types import Heard
from segue.envs.music.corpus.library import NothingReadError, collections
from segue.envs.music.scales import key_name
from segue.experiments.manifest import Source, write_manifest
from segue.experiments.progress import progress_bar
from segue.experiments.run_folder import RunFolder, write_text

Outcome = tuple[dict[str, Any], list[str]]


def add_verb(
    path: Path, name: str | None, licence: str, out: Path | None, command: Sequence[str]
) -> Outcome:
    """Add a file or a folder as a collection; what cannot be used is told on stderr.

    Parameters
    ----------
    path, name, licence
        As for `segue.envs.hearing.collecting.add_material`.
    out : Path or None
        Folder for what was heard in recordings; None for a new one in ``runs/``. Without
        recordings none is made.
    command : sequence of str
        How it was started.

    Returns
    -------
    record : dict
        The collection, the number of files used, the problems, and what was heard.
    lines : list of str
        The same in sentences.

    Raises
    ------
    SegueError
        As `add_material`; if the folder cannot be written.
    """
    writer = _Writer(path, name, out)
    try:
        with progress_bar("corpus") as tell:
            addition = add_material(
                path, name=name, licence=licence, progress=tell, heard=writer.write
            )
    except NothingReadError as error:
        _tell(error.problems)
        raise
    _tell(addition.problems)
    collection = addition.collection
    lines = [
        f"{collection.name}: {collection.tunes} tunes from {addition.files} files, "
        f"{len(addition.problems)} problems; licence {collection.licence}."
    ]
    record = asdict(addition) | {"heard": writer.rows}
    if writer.folder is not None:
        record["run"] = str(writer.folder.path)
        config = {"collection": collection.name, "licence": licence}
        sources = [Source(file.name, licence, "", file_digest(file)) for file in writer.files]
        write_manifest(writer.folder, command=command, seed=0, config=config, sources=sources)
        lines += [_line(row) for row in writer.rows]
        if model_path() is None:
            print(
                f"One note at a time was heard, no accompaniment; to hear that too, {INSTALL}.",
                file=sys.stderr,
            )
    return record, lines


def list_verb() -> Outcome:
    """Collections at hand, as a record and as lines."""
    found = collections()
    width = max(len(collection.name) for collection in found)
    lines = [
        f"{c.name:<{width}}  {'not read yet' if c.tunes is None else f'{c.tunes} tunes':>12}  "
        f"{c.licence}  {c.origin}"
        for c in found
    ]
    return {"collections": [asdict(collection) for collection in found]}, lines


class _Writer:
    """Writes what was heard in each recording as MIDI, ABC and picture, as soon as it was."""

    def __init__(self, path: Path, name: str | None, out: Path | None) -> None:
        self.folder: RunFolder | None = None
        self.rows: list[dict[str, Any]] = []
        self.files: list[Path] = []
        self._home = path if path.is_dir() else path.parent
        self._name, self._out = name or path.resolve().stem, out
        self._taken: set[str] = set()

    def write(self, recording: Recording) -> None:
        """Write the files of a recording, in a folder that the first one makes."""
        if self.folder is None:
            self.folder = RunFolder.create(None, self._name, "hearing", 0, self._out)
        stem = _stem(recording.path.relative_to(self._home), self._taken)
        files = {kind: self.folder.path / f"{stem}.{kind}" for kind in ("mid", "abc", "png")}
        write_tune_midi(recording.heard.tune, files["mid"])
        write_text(files["abc"], abc_text(recording.heard.tune, _remarks(recording.heard)))
        write_picture(recording.heard, recording.path, files["png"])
        row = _row(recording.heard)
        self.rows.append(row | {"files": {kind: str(file) for kind, file in files.items()}})
        self.files.append(recording.path)


def _remarks(heard: Heard) -> list[str]:
    tune = heard.tune
    sure = ", ".join(f"{key} {value:.2f}" for key, value in heard.certainty.items())
    return [
        f"heard in a recording; licence {tune.licence}",
        f"confidence {tune.confidence:.2f} ({sure})",
        f"mood {heard.mood.replace('_', ' ')}, by mode, tempo and density",
    ]


def _row(heard: Heard) -> dict[str, Any]:
    tune = heard.tune
    return {
        **{"source": tune.source, "licence": tune.licence, "title": tune.title},
        **{"key": key_name(tune.tonic, tune.mode), "tonic": tune.tonic, "mode": tune.mode},
        **{"metre": f"{tune.metre[0]}/{tune.metre[1]}", "tempo": tune.tempo, "mood": heard.mood},
        **{"notes": len(tune.notes), "chords": len(tune.chords), "confidence": tune.confidence},
        "certainty": {key: round(value, 4) for key, value in heard.certainty.items()},
    }


def _stem(place: Path, taken: set[str]) -> str:
    """Name of the files of a recording: its place in one word, and none twice."""
    word = re.sub(r"[^\w.-]+", "-", place.with_suffix("").as_posix()).strip("-.") or "recording"
    stem, again = word[:100], 1
    while stem in taken:
        again += 1
        stem = f"{word[:100]}-{again}"
    taken.add(stem)
    return stem


def _line(row: dict[str, Any]) -> str:
    return (
        f"{row['title']}: {row['key']}, {row['metre']}, {row['tempo']:.0f} quarters a minute, "
        f"{row['mood'].replace('_', ' ')}; {row['notes']} notes, {row['chords']} chords; "
        f"sure {row['confidence']:.2f}; {row['files']['png']}"
    )


def _tell(problems: tuple[str, ...]) -> None:
    for problem in problems:
        print(problem, file=sys.stderr)
