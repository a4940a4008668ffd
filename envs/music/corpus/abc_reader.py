"""Tunes of an ABC file (the melody subset of the ABC standard 2.1, 2011).

Read are the fields ``X T M L Q K V`` (in the heading, on a line of their own and inline), notes
with accidentals that hold to the next barline in all octaves, lengths, broken rhythm, tuplets,
ties, rests, barlines and alternative endings, and chord symbols in quotes. Grace notes and
decorations are left out; of notes sounding together the top one is taken, of several voices the
first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from segue.envs.music.corpus.abc_body import BodyReader
from segue.envs.music.corpus.abc_fields import (
    AbcSyntaxError,
    read_key,
    read_metre,
    read_tempo,
    read_unit,
)
from segue.envs.music.corpus.gate import DEFAULT_LIMITS, Limits, NotationError
from segue.envs.music.corpus.layout import lay_out
from segue.envs.music.corpus.measures import Heading, Measure
from segue.envs.music.corpus.types import CorpusTune

# A note before a repeat sign at the beginning of a line ("d:|") is not a field.
# No field that is read needs more than its first 200 characters.
_FIELD = re.compile(r"([A-Za-z]):(?![|:])(.{0,200})")
_LONGEST_LINE = 200_000


@dataclass
class AbcTune:
    """One tune of a file, not yet read.

    Attributes
    ----------
    number : str
        Its ``X:`` field.
    fields : dict of str to str
        First field of each letter in the heading.
    lines : list of str
        The lines after the heading.
    """

    number: str
    fields: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


def read_abc(
    data: bytes, source: str, title: str, licence: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[tuple[CorpusTune, ...], tuple[str, ...]]:
    """Read all tunes of an ABC file.

    Parameters
    ----------
    data : bytes
        The file; UTF-8, or Latin-1 where it is no UTF-8.
    source : str
        Where it comes from; ``":"`` and the tune's number are added.
    title : str
        Title of tunes that have none.
    licence : str
        As `CorpusTune.licence`.
    limits : Limits
        `events`, `collected`, `tunes` and `quarters` are heeded.

    Returns
    -------
    tunes : tuple of CorpusTune
        Those that could be read, in order.
    problems : tuple of str
        What is wrong with the others, a sentence each.

    Raises
    ------
    NotationError
        If there are too many tunes, or too many notes in all.
    """
    found: list[CorpusTune] = []
    problems: list[str] = []
    room = limits.collected
    for count, tune in enumerate(split_tunes(_decoded(data))):
        if count >= limits.tunes or room < 0:
            raise NotationError(
                f"{source} has more than the {limits.tunes:,} tunes or {limits.collected:,} notes "
                "allowed; split it into several files."
            )
        where = f"{source}:{tune.number}"
        try:
            measures = read_measures(tune, limits.events)
            room -= sum(len(measure.notes) for measure in measures)
            tempo = read_tempo(tune.fields.get("Q", "")) or 120.0
            heading = Heading(tune.fields.get("T") or title, where, licence, tempo)
            found.append(lay_out(measures, heading, limits))
        except AbcSyntaxError as error:
            problems.append(f"{where} cannot be read ({error}); correct it.")
        except NotationError as error:
            problems.append(str(error))
    return tuple(found), tuple(problems)


def read_measures(tune: AbcTune, events: int = DEFAULT_LIMITS.events) -> list[Measure]:
    """Read the measures of a tune as written, endings and all.

    Raises
    ------
    AbcSyntaxError
        If something in it cannot be read, or it has more than `events` notes and rests.
    """
    fields = tune.fields
    key, signature = read_key(fields.get("K", "none"))
    unit = read_unit(fields["L"]) if "L" in fields else None
    reader = BodyReader(read_metre(fields.get("M", "")), unit, key, signature, events)
    for line in tune.lines:
        match = _FIELD.match(line)
        if match is None:
            reader.line(line)
        else:
            reader.field(match[1], match[2])
    return reader.measures


def split_tunes(text: str) -> Iterator[AbcTune]:
    """Take a file apart.

    A tune begins at a line ``X:`` and ends at the next one, or at the first empty line after its
    music. Fields before the first tune hold for all. A file without ``X:`` is one tune.
    """
    shared: dict[str, str] = {}
    tune: AbcTune | None = None
    body = False
    for raw in text.splitlines():
        if raw.startswith("%"):
            continue  # A remark, which unlike an empty line ends nothing.
        line = raw.partition("%")[0].rstrip()[:_LONGEST_LINE]
        match = _FIELD.match(line)
        if match is not None and match[1] == "X":
            if tune is not None:
                yield tune
            tune, body = AbcTune(match[2].strip()[:20], dict(shared)), False
        elif match is not None and not body:
            fields = shared if tune is None else tune.fields
            if tune is None or match[1] not in fields or fields[match[1]] == shared.get(match[1]):
                fields[match[1]] = match[2].strip()
            if match[1] == "K":
                tune, body = tune or AbcTune("1", dict(shared)), True
        elif tune is not None and body:
            if line:
                tune.lines.append(line)
            elif tune.lines:
                yield tune
                tune, body = None, False
    if tune is not None:
        yield tune


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
