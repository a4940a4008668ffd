"""Melodies of one file, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from segue.envs.music.corpus.abc_reader import read_abc
from segue.envs.music.corpus.gate import (
    DEFAULT_LIMITS,
    SUFFIXES,
    Limits,
    NotationError,
    read_bytes,
)
from segue.envs.music.corpus.midi_process import MidiProcess
from segue.envs.music.corpus.midi_reader import read_midi
from segue.envs.music.corpus.musicxml_reader import read_musicxml
from segue.envs.music.corpus.types import CorpusTune


@dataclass(frozen=True)
class Reading:
    """What came of a file.

    Attributes
    ----------
    tunes : tuple of CorpusTune
        Its melodies, in order.
    problems : tuple of str
        What is wrong with those tunes of it that could not be read, a sentence each.
    """

    tunes: tuple[CorpusTune, ...]
    problems: tuple[str, ...] = ()


def read_file(
    path: Path,
    midi: MidiProcess,
    *,
    source: str | None = None,
    licence: str = "unknown",
    limits: Limits = DEFAULT_LIMITS,
) -> Reading:
    """Read the melodies of a MIDI, MusicXML or ABC file, told apart by its ending.

    Parameters
    ----------
    path : Path
        The file.
    midi : MidiProcess
        What parses MIDI; one for many files.
    source : str or None
        Where it comes from; None for its path.
    licence : str
        As `CorpusTune.licence`.
    limits : Limits
        Caps.

    Raises
    ------
    NotationError
        If the file as a whole cannot be read.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise NotationError(
            f"{path} is no file of written music by its ending; give one of {', '.join(SUFFIXES)}."
        )
    data = read_bytes(path, limits)
    source = source or str(path)
    title = " ".join(path.stem.replace("_", " ").split())
    if kind == "abc":
        tunes, problems = read_abc(data, source, title, licence, limits)
        if not tunes and not problems:
            raise NotationError(f"{source} holds no ABC tune; a tune begins with a line X:1.")
        return Reading(tunes, problems)
    if kind == "midi":
        return Reading((read_midi(midi.parse(data, source), source, title, licence, limits),))
    return Reading((read_musicxml(data, source, title, licence, limits),))


def read_tunes(path: Path | str, licence: str = "unknown") -> tuple[CorpusTune, ...]:
    """Read the melodies of one MIDI, MusicXML or ABC file.

    Parameters
    ----------
    path : Path or str
        The file; an ABC file may hold many tunes. Those that cannot be read are left out.
    licence : str
        SPDX identifier, ``"public-domain"`` or ``"unknown"``.

    Returns
    -------
    tuple of CorpusTune
        At least one.

    Raises
    ------
    NotationError
        If nothing in it can be read; the message says why.
    """
    with MidiProcess() as midi:
        reading = read_file(Path(path), midi, licence=licence)
    if not reading.tunes:
        raise NotationError(reading.problems[0])
    return reading.tunes
