"""Briefs in words, as the command line gives them: a text, a file of words, and options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.lead_sheet.types import MOST_BARS, Brief
from segue.envs.music.brief.defaults import understand
from segue.envs.music.brief.reading import read
from segue.envs.music.brief.table import WordTable, default_table, table_from
from segue.envs.music.brief.telling import described, record
from segue.envs.music.brief.types import Said, Understanding
from segue.envs.music.changes import find_key, parse_changes, parse_key
from segue.envs.music.metre import check_swing, parse_metre
from segue.envs.music.moods import mood
from segue.experiments.typed_yaml import read_yaml

UNDERSTOOD = "understood.json"
"""Name of the file that says what was understood."""


def read_words(file: Path | None) -> WordTable:
    """The table of words, with those of a person's file in front.

    Raises
    ------
    SegueError
        If the file cannot be read, or an entry is wrong.
    """
    if file is None:
        return default_table()
    return default_table().extended(table_from(read_yaml(file), str(file)))


def asked(
    text: str | None, words: Path | None, options: Mapping[str, Any]
) -> Brief | Understanding:
    """What ``segue compose`` is asked for: by words and options, or by options alone.

    Parameters
    ----------
    text, words, options
        As for `read_brief`; without a text there is nothing for words of one's own to do.

    Raises
    ------
    SegueError
        As `read_brief` and `segue.envs.lead_sheet.types.Brief`.
    """
    if text is not None:
        return read_brief(text, words, options)
    if words is not None:
        raise SegueError(f"{words} has words, but there is no brief to read; write one.")
    given = {name: value for name, value in options.items() if value is not None}
    return Brief(**{"bars": 16, **given})


def read_brief(
    text: str, words: Path | None = None, options: Mapping[str, Any] | None = None
) -> Understanding:
    """Understand a brief.

    Parameters
    ----------
    text : str
        What is asked for.
    words : Path or None
        YAML file of words beside those of segue.
    options : mapping of str to Any or None
        Options of ``segue compose`` by name: ``mood``, ``bars``, ``chords``, ``key``, ``metre``,
        ``tempo`` and ``swing``; None says nothing. They win over the text.

    Raises
    ------
    SegueError
        If nothing is understood, or an option or a number is out of range.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    reading = read(text, read_words(words))
    fields: dict[str, Said] = {}
    for name in ("mood", "bars", "metre", "tempo", "swing"):
        if name in given:
            fields[name] = Said(given[name], f"--{name}")
    _check(given)
    key = None
    if "key" in given:
        key = parse_key(given["key"]), "--key"
    elif "chords" in given and not {"tonic", "mode"} & set(reading.said):
        key = find_key(parse_changes(given["chords"], parse_metre("4/4"))), "--chords"
    if key is not None:
        fields |= {
            name: Said(value, key[1]) for name, value in zip(("tonic", "mode"), key[0], strict=True)
        }
    return understand(reading, fields)


def _check(given: Mapping[str, Any]) -> None:
    """Refuse wrong options as they are refused without words."""
    if "mood" in given:
        mood(given["mood"])
    if "metre" in given:
        parse_metre(given["metre"])
    if "swing" in given:
        check_swing(given["swing"])
    if not 1 <= given.get("bars", 1) <= MOST_BARS:
        raise SegueError(f"bars is {given['bars']}; give a length from 1 to {MOST_BARS} bars.")


def understood_lines(understanding: Understanding) -> list[str]:
    """Say what was understood, field by field."""
    return ["understood:", *described(understanding)]


def warnings(understanding: Brief | Understanding) -> list[str]:
    """Say which words are unknown, what was contradicted, and what could not be used."""
    if isinstance(understanding, Brief):
        return []
    unknown = understanding.reading.unknown
    lines = [f"note: {note}" for note in understanding.notes]
    if unknown:
        named = ", ".join(f'"{word}"' for word in unknown)
        lines.insert(0, f"unknown words, left out: {named}; --words FILE adds words of your own.")
    return lines


def write_understood(understanding: Understanding, seed: int, folder: Path) -> Path:
    """Write what was understood beside the tune.

    Raises
    ------
    SegueError
        If the file cannot be written.
    """
    path = folder / UNDERSTOOD
    text = json.dumps(record(understanding) | {"seed": seed}, indent=1, ensure_ascii=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    return path
