"""Reading a brief: what its words ask for, turned round by *not*, weighed by *very*."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from segue.envs.base.errors import SegueError
from segue.envs.music.brief.marks import Mark, find_marks
from segue.envs.music.brief.table import WordTable, default_table
from segue.envs.music.brief.types import DENSITIES, REGISTERS, Reading, Said

MOST_CHARACTERS = 1000
"""Longest text that is read."""

MODERATE = 0.5
"""Weight of a mood that is not to be too strong."""

_DENIED, _RESTRAINED = -0.6, -0.3
"""What *not fast* and *not too fast* leave of fast."""

_STRONG = 1.5
"""Degree of *too* where nothing is denied."""

_OPPOSITES = {
    **{"hopeful": "melancholic", "happy": "sad", "sad": "happy", "dark": "hopeful"},
    **{"calm": "energetic", "tense": "calm", "dreamy": "energetic", "heroic": "calm"},
    **{"playful": "melancholic", "melancholic": "happy", "romantic": "calm"},
    **{"mysterious": "hopeful", "energetic": "calm", "major": "minor", "minor": "major"},
    **{"harmonic_minor": "major", "melodic_minor": "major"},
}
_SCALES = {"density": DENSITIES, "register": REGISTERS}
_NAMES = {"beats": "tempo", "seconds": "length", "bars": "length", "accompaniment": "chords"}


def read(text: str, table: WordTable | None = None) -> Reading:
    """Read a brief.

    Parameters
    ----------
    text : str
        In English, Chinese or both.
    table : WordTable or None
        The words; None is `segue.envs.music.brief.table.default_table`.

    Returns
    -------
    Reading
        What it says. Of two words for one thing the last one wins, and a note tells.

    Raises
    ------
    SegueError
        If the text is empty or too long, or no word of it is known.
    """
    if not text.strip():
        raise SegueError("The brief is empty; write what the tune should be, such as a slow waltz.")
    if len(text) > MOST_CHARACTERS:
        raise SegueError(
            f"The brief has {len(text)} characters; say it in {MOST_CHARACTERS} at most."
        )
    table = table or default_table()
    reader = _Reader()
    for mark in find_marks(text, table):
        reader.take(mark)
    reader.end()
    if not reader.said and not reader.avoided:
        raise SegueError(
            "No word of the brief says what the tune should be; use words such as "
            f"{_some_words(table)}."
        )
    return Reading(
        text=text,
        said=reader.said,
        avoided={name: tuple(these) for name, these in reader.avoided.items()},
        unknown=tuple(dict.fromkeys(reader.unknown)),
        notes=tuple(reader.notes),
        content=reader.content,
    )


def _some_words(table: WordTable) -> str:
    """A few words of the table, one a field."""
    shown: dict[str, str] = {}
    for word, means in chain(table.english.items(), table.chinese.items()):
        for name in means:
            language = "en" if word.isascii() else "zh"
            if name in ("genre", "mood", "speed", "instrument", "density"):
                shown.setdefault(f"{name} {language}", word)
    return ", ".join(shown.values())


@dataclass
class _Reader:
    """What has been read so far, and what waits for the next word."""

    said: dict[str, Said] = field(default_factory=dict)
    avoided: dict[str, list[Said]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    content: int = 0
    modifiers: list[str] = field(default_factory=list)
    denied: bool = False
    restrained: bool = False
    degree: float = 1.0
    part: str | None = None
    denial: str = ""  # The word that denied what came last.
    instruments: list[tuple[Said, str | None]] = field(default_factory=list)
    may_be_named: bool = False  # The mark before was an instrument that a part may follow.

    def take(self, mark: Mark) -> None:
        """Take the next mark."""
        if mark.is_stop:
            self.forget()
            # Lists go on denying: no drums, no bass.
            self.part, self.may_be_named = None, False
        elif mark.means is None:
            self.content += 1
            # What is denied may come after it: without heavy drums.
            self.unknown.append(mark.words)
            self.may_be_named = False
        elif "grammar" in mark.means:
            self.take_grammar(str(mark.means["grammar"]), mark.words)
        elif "degree" in mark.means:
            self.degree = float(mark.means["degree"])
            self.modifiers.append(mark.words)
        else:
            self.content += 1
            self.take_means(mark)

    def take_grammar(self, kind: str, words: str) -> None:
        """Take a word that acts on others."""
        if kind == "not":
            self.denied, self.denial = True, words
            self.modifiers.append(words)
        elif kind == "too":
            self.restrained, self.degree = True, _STRONG
            self.modifiers.append(words)
        elif kind == "or":
            if self.denial and not self.denied:
                self.denied = True
                self.modifiers.append(self.denial)
        elif kind == "but":
            self.forget()
        elif kind != "function":
            part = "lead" if kind in ("solo", "led by") else "accompaniment"
            if kind in ("solo", "accompaniment") and self.may_be_named:
                said, _ = self.instruments[-1]
                self.instruments[-1] = (said, part)
                self.may_be_named = False
            else:
                self.part = part

    def forget(self) -> None:
        """End what waits for the next word."""
        self.modifiers.clear()
        self.denied = self.restrained = False
        self.denial = ""
        self.degree = 1.0

    def take_means(self, mark: Mark) -> None:
        """Take a word that asks for something."""
        assert mark.means is not None
        words = _joined([*self.modifiers, mark.words])
        for name, value in mark.means.items():
            if name == "instrument":
                self.take_instrument(int(value), words)
                continue
            self.may_be_named = False
            if self.denied:
                self.deny(name, value, words)
            else:
                self.say(name, Said(value, words, self.degree))
        denial = self.denial if self.denied else ""
        self.forget()
        self.denial = denial

    def take_instrument(self, program: int, words: str) -> None:
        if self.denied:
            self.avoided.setdefault("instrument", []).append(Said(program, words))
        else:
            self.instruments.append((Said(program, words), self.part))
            self.part, self.may_be_named = None, True

    def deny(self, name: str, value: Any, words: str) -> None:
        """Take what is not to be."""
        if name == "speed":
            left = _RESTRAINED if self.restrained else _DENIED
            self.say(name, Said(value, words, left))
        elif name in _SCALES:
            steps = _SCALES[name]
            middle = self.restrained or value == steps[1]
            self.say(name, Said(steps[1] if middle else steps[2 - steps.index(value)], words))
        elif name == "mood" and self.restrained:
            self.say(name, Said(value, words, MODERATE))
        elif name == "drums":
            self.say(name, Said(not value, words))
        elif name == "swing":
            self.say(name, Said(1.0, words))
        elif name == "bass":
            self.say(name, Said(None, words))
        else:
            before = self.said.get(name)
            if before and before.value == value:
                self.notes.append(f'{name}: "{words}" stands in place of "{before.words}".')
                del self.said[name]
            self.avoided.setdefault(name, []).append(Said(value, words))

    def say(self, name: str, said: Said) -> None:
        """Set a field; what stood there before gives way."""
        group = ("bars", "seconds") if name in ("bars", "seconds") else (name,)
        group = ("tempo", "beats") if name in ("tempo", "beats") else group
        for other in group:
            before = self.said.pop(other, None)
            if before and (before.value, other) != (said.value, name):
                shown = _NAMES.get(name, name)
                self.notes.append(f'{shown}: "{said.words}" stands in place of "{before.words}".')
        for denied in [one for one in self.avoided.get(name, []) if one.value == said.value]:
            self.notes.append(f'{name}: "{said.words}" stands in place of "{denied.words}".')
            self.avoided[name].remove(denied)
        self.said[name] = said

    def end(self) -> None:
        """Turn round what was only denied; the first instrument leads unless a word says else."""
        for name in ("mood", "mode"):
            denied = [one for one in self.avoided.get(name, []) if one.value in _OPPOSITES]
            if denied and name not in self.said:
                self.say(name, Said(_OPPOSITES[denied[-1].value], denied[-1].words))
        asked = [part for _, part in self.instruments]
        for said, part in self.instruments:
            if part is None:
                part = "accompaniment" if "lead" in asked or "lead" in self.said else "lead"
            self.say(part, said)


def _joined(words: Iterable[str]) -> str:
    """Words as they stand in a text: with spaces unless they are Chinese."""
    parts = list(words)
    return ("" if all(not part.isascii() for part in parts) else " ").join(parts)
