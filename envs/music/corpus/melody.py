"""Which part of a piece is its melody, and which of its notes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from segue.envs.music.corpus.measures import TICKS, WrittenNote

_LINGERING = TICKS // 8

_NAMES = re.compile(
    r"\b(?:melod(?:y|ie|ia)|soprano|lead|voice|vocals?|voc|gesang|chant|canto|cantus|singer|tune)\b",
    re.IGNORECASE,
)


def names_melody(name: str) -> bool:
    """Whether a part's name says that it is the melody, such as ``"Soprano"`` or ``"Lead"``."""
    return _NAMES.search(name) is not None


def melody_part(names: Sequence[str], parts: Sequence[Sequence[WrittenNote]]) -> int:
    """Choose the part that carries the melody.

    The first one whose name says so; else the one with the highest top line on average, of those
    with at least three tenths as many notes in it as the busiest.

    Parameters
    ----------
    names : sequence of str
        Name of each part; may be empty strings.
    parts : sequence of sequence of WrittenNote
        Sounding notes of each part, at least one of them not empty.

    Returns
    -------
    int
        Its index.
    """
    for index, name in enumerate(names):
        if parts[index] and names_melody(name):
            return index
    lines = [skyline(part) for part in parts]
    enough = max(1.0, 0.3 * max(len(line) for line in lines))
    candidates = [index for index, line in enumerate(lines) if len(line) >= enough]
    return max(candidates, key=lambda i: (sum(n.pitch for n in lines[i]) / len(lines[i]), -i))


def skyline(notes: Sequence[WrittenNote]) -> list[WrittenNote]:
    """Top line of notes that may sound together (Uitdenbogerd and Zobel 1999).

    Of notes that begin together the highest is kept. One that begins under a higher one is left
    out, unless that one only lingers for a thirty-second, as in legato playing. A note ends where
    the next one that is kept begins.

    Parameters
    ----------
    notes : sequence of WrittenNote
        Sounding notes in any order.

    Returns
    -------
    list of WrittenNote
        New records, one after the other without overlap.
    """
    line: list[WrittenNote] = []
    for note in sorted(notes, key=lambda n: (n.place, -n.pitch, -n.ticks)):
        last = line[-1] if line else None
        if last is not None and last.place + last.ticks > note.place:
            lingers = last.place + last.ticks - note.place <= min(_LINGERING, note.ticks // 2)
            if last.place == note.place or (note.pitch < last.pitch and not lingers):
                continue
            last.ticks = note.place - last.place
            last.tied = False
        line.append(WrittenNote(note.place, note.ticks, note.pitch, note.tied))
    return line
