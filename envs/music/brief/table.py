"""The table of words: what each word or phrase of a brief means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from types import MappingProxyType
from typing import Any

import yaml

from segue.envs.base.errors import SegueError
from segue.envs.music.brief.genres import GENRES
from segue.envs.music.brief.instruments import BASSES, INSTRUMENTS
from segue.envs.music.brief.types import DENSITIES, REGISTERS
from segue.envs.music.metre import METRES, STRAIGHT, WIDEST_SWING
from segue.envs.music.moods import MOODS
from segue.envs.music.scales import MODES

Means = Mapping[str, Any]
"""What an entry means: fields and their values, or one of `GRAMMAR`."""

LANGUAGES = ("en", "zh")

IDEOGRAPHS = "\u3400-\u9fff\uf900-\ufaff\u3005"
"""Characters that Chinese is written with, as a range of a regular expression."""

FORM = re.compile(r"A[A-D]{1,7}")
"""A form is a few sections, the first of them A."""

_LONGEST = 40  # Characters of an entry.
_WORD = re.compile(r"[^\W_]+")

GRAMMAR = (
    *("function", "not", "too", "or", "but"),
    *("solo", "led by", "accompaniment", "accompanied by"),
)
"""What words may do to others: nothing (*the*), deny the next (*no*), only its excess (*too*), go
on denying (*nor*), begin anew (*but*); *solo* and *accompaniment* give a part to the instrument
before them, or to the next, *led by* and *accompanied by* always to the next."""


def _one_of(choices: Sequence[Any] | Mapping[Any, Any]) -> Callable[[Any], bool]:
    return lambda value: type(value) in (str, int) and value in choices


def _between(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float) and low <= value <= high


FIELDS: Mapping[str, tuple[Callable[[Any], bool], str]] = MappingProxyType(
    {
        "genre": (_one_of(GENRES), f"one of {', '.join(GENRES)}"),
        "kin": (_one_of(GENRES), f"one of {', '.join(GENRES)}"),
        "mood": (_one_of(MOODS), f"one of {', '.join(MOODS)}"),
        "mode": (_one_of(MODES), f"one of {', '.join(MODES)}"),
        "metre": (_one_of(METRES), f"one of {', '.join(METRES)}"),
        "tempo": (_between(20, 400), "quarter notes a minute, 20 to 400"),
        "speed": (_between(-2, 2), "a number from -2 (slow) to 2 (fast)"),
        "density": (_one_of(DENSITIES), f"one of {', '.join(DENSITIES)}"),
        "register": (_one_of(REGISTERS), f"one of {', '.join(REGISTERS)}"),
        "swing": (_between(STRAIGHT, WIDEST_SWING), "a ratio from 1 (straight) to 3"),
        "form": (
            lambda value: isinstance(value, str) and bool(FORM.fullmatch(value)),
            "letters such as AABA",
        ),
        "seconds": (_between(1, 1800), "a length in seconds, 1 to 1800"),
        "instrument": (_one_of(INSTRUMENTS), f"a General MIDI program of {sorted(INSTRUMENTS)}"),
        "bass": (_one_of(BASSES), f"a General MIDI program of {sorted(BASSES)}"),
        "drums": (lambda value: isinstance(value, bool), "true or false"),
        "degree": (_between(0.1, 3), "a factor from 0.1 (hardly) to 3 (extremely)"),
        "grammar": (_one_of(GRAMMAR), f"one of {', '.join(GRAMMAR)}"),
    }
)
"""What entries may set: whether a value is allowed, and which are."""


@dataclass(frozen=True)
class WordTable:
    """Words and phrases and what they mean.

    Attributes
    ----------
    english : mapping of str to Means
        By words in small letters with single spaces between them.
    chinese : mapping of str to Means
        By characters.
    """

    english: Mapping[str, Means]
    chinese: Mapping[str, Means]

    @cached_property
    def longest(self) -> tuple[int, int]:
        """Words of the longest English entry, characters of the longest Chinese one."""
        words = max((key.count(" ") + 1 for key in self.english), default=1)
        return words, max(map(len, self.chinese), default=1)

    def extended(self, other: WordTable) -> WordTable:
        """Add another table, whose entries stand in place of equal ones."""
        return WordTable(
            MappingProxyType({**self.english, **other.english}),
            MappingProxyType({**self.chinese, **other.chinese}),
        )


def plain(text: str) -> str:
    """Small letters, full-width characters made narrow (NFKC); as long as NFKC makes it."""
    shown = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in shown)


def key_of(phrase: str) -> str:
    """An English phrase as the table has it: its words, hyphens and apostrophes left out."""
    return " ".join(_WORD.findall(plain(phrase).replace("'", "")))


def table_from(plain_entries: Any, name: str) -> WordTable:
    """Make a table out of what a YAML file holds.

    Parameters
    ----------
    plain_entries : Any
        A list of entries, each a mapping with ``means`` (fields of `FIELDS` and their values) and
        a list of words for each of `LANGUAGES`, or for one.
    name : str
        What error messages call it, such as the file.

    Raises
    ------
    SegueError
        If an entry has another shape, a field or value is unknown, or a word stands in two entries.
    """
    if not isinstance(plain_entries, list) or not plain_entries:
        raise SegueError(f"{name} holds no list of entries; give some with 'means', 'en' and 'zh'.")
    found: dict[str, dict[str, Means]] = {language: {} for language in LANGUAGES}
    for number, entry in enumerate(plain_entries, start=1):
        if not isinstance(entry, Mapping) or not {"means"} < set(entry) <= {"means", *LANGUAGES}:
            raise SegueError(
                f"Entry {number} of {name} is no entry; give it 'means' and words as 'en' or 'zh'."
            )
        means = _means(entry["means"], f"entry {number} of {name}")
        for language in LANGUAGES:
            for word in _words(entry.get(language, []), f"entry {number} of {name}"):
                key = _key(word, language, name)
                if found[language].get(key, means) is not means:
                    raise SegueError(f"{name} has {word!r} in two entries; leave it in one.")
                found[language][key] = means
    return WordTable(MappingProxyType(found["en"]), MappingProxyType(found["zh"]))


@cache
def default_table() -> WordTable:
    """The table that comes with segue, ``words.yaml`` beside this module."""
    file = resources.files("segue.envs.music.brief") / "words.yaml"
    return table_from(yaml.safe_load(file.read_text(encoding="utf-8")), "words.yaml")


def _means(given: Any, where: str) -> Means:
    if not isinstance(given, Mapping) or not given:
        raise SegueError(f"The meaning in {where} is no mapping; write it as {{mood: dark}}.")
    for field, value in given.items():
        if field not in FIELDS:
            known = ", ".join(FIELDS)
            raise SegueError(f"Unknown field {field!r} in {where}; the fields are {known}.")
        allowed, described = FIELDS[field]
        if not allowed(value):
            raise SegueError(f"{field} is {value!r} in {where}; give {described}.")
    if len(given) > 1 and {"degree", "grammar"} & set(given):
        raise SegueError(f"The meaning in {where} mixes grammar with fields; make two entries.")
    return MappingProxyType(dict(given))


def _words(given: Any, where: str) -> list[str]:
    if isinstance(given, list) and all(isinstance(word, str) for word in given):
        return given
    # YAML 1.1 reads some words, such as no and on, as true or false.
    raise SegueError(f"The words in {where} are no list of texts; put words like 'no' in quotes.")


def _key(word: str, language: str, name: str) -> str:
    key = key_of(word) if language == "en" else plain(word).strip()
    fits = bool(key) and len(key) <= _LONGEST
    if fits and language == "zh":
        fits = bool(re.fullmatch(f"[{IDEOGRAPHS}][{IDEOGRAPHS}a-z0-9]*", key))
    if not fits:
        raise SegueError(
            f"{name} has the word {word!r}; give one of 1 to {_LONGEST} letters or digits, as zh "
            "one that begins with a Chinese character."
        )
    return key
