"""From the text of a brief to marks: entries of the table, numbers, breaks and unknown words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from types import MappingProxyType

from segue.envs.music.brief.numbers import find_numbers
from segue.envs.music.brief.table import IDEOGRAPHS, Means, WordTable, key_of, plain

_TOKEN = re.compile(
    rf"(?P<chinese>[{IDEOGRAPHS}])|(?P<word>(?:(?![{IDEOGRAPHS}])[^\W_])+"
    rf"(?:'(?:(?![{IDEOGRAPHS}])[^\W_])+)*)|(?P<stop>[,.;:!?()\n…、。])|(?P<other>.)"
)
_BETWEEN = re.compile(r"[ \t-]+")
_ENDINGS = (
    *(("ies", "y"), ("es", ""), ("s", "")),
    *(("iest", "y"), ("est", ""), ("est", "e"), ("ier", "y"), ("er", ""), ("er", "e")),
    *(("ily", "y"), ("ly", ""), ("ly", "le")),
)
"""Endings of plurals, comparatives and adverbs, and what the word itself has instead."""

_GRADED = frozenset({"mood", "speed", "density", "register"})
"""Fields whose words have comparatives and adverbs."""

_LONGEST_ENDING = 3

_CHINESE = re.compile(f"[{IDEOGRAPHS}]+")

_LISTED: Means = MappingProxyType({"grammar": "or"})


@dataclass(frozen=True)
class Mark:
    """One piece of a text.

    Attributes
    ----------
    words : str
        As written.
    means : Means or None
        What it means; None where nothing is known of it.
    is_stop : bool
        Whether a clause ends here.
    is_number : bool
        Whether it was told by its form.
    """

    words: str
    means: Means | None = None
    is_stop: bool = False
    is_number: bool = False


def find_marks(text: str, table: WordTable) -> list[Mark]:
    """Cut a text into marks, from left to right, each the longest entry that begins there.

    Numbers, keys and forms come first. Chinese characters and words of other scripts that no
    entry begins with are unknown; such characters in a row are one mark.
    """
    shown = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    numbers = {found.start: found for found in find_numbers(shown)}
    limits = sorted(numbers)
    marks: list[Mark] = []
    place = 0
    while place < len(shown):
        if place in numbers:
            found = numbers[place]
            marks.append(Mark(shown[place : found.end].strip(), found.means, is_number=True))
            place = found.end
            continue
        stop = next((limit for limit in limits if limit > place), len(shown))
        mark, place = _next_mark(shown, place, stop, table)
        if mark is not None:
            _add(marks, mark)
    return marks


def _add(marks: list[Mark], mark: Mark) -> None:
    """Add a mark; unknown Chinese characters make one word with those beside them.

    So does a single character that asks for something: in a word that is not in the table it
    seldom means what it means alone.
    """
    before = marks[-1] if marks else None
    if before and any(
        _is_unknown(one) and (_is_unknown(other) or _is_single(other))
        for one, other in ((before, mark), (mark, before))
    ):
        marks[-1] = Mark(before.words + mark.words)
    else:
        marks.append(mark)


def _is_unknown(mark: Mark) -> bool:
    return _CHINESE.fullmatch(mark.words) is not None and mark.means is None


def _is_single(mark: Mark) -> bool:
    asks = mark.means is not None and not {"grammar", "degree"} & set(mark.means)
    return asks and len(mark.words) == 1 and _CHINESE.fullmatch(mark.words) is not None


def _next_mark(shown: str, place: int, stop: int, table: WordTable) -> tuple[Mark | None, int]:
    """The mark that begins at a place, if any, and where it ends."""
    token = _TOKEN.match(shown, place, stop)
    if token is None or token["other"]:
        # Quotes, dashes and the like say nothing.
        return None, place + 1
    if token["stop"] == "、":
        # Between the things of a list; what is denied goes on being so.
        return Mark(token["stop"], _LISTED), token.end()
    if token["stop"]:
        return Mark(token["stop"], is_stop=True), token.end()
    if token["chinese"]:
        return _chinese(shown, place, stop, table)
    return _english(shown, place, stop, table)


def _chinese(shown: str, place: int, stop: int, table: WordTable) -> tuple[Mark, int]:
    small = plain(shown)
    for length in range(min(table.longest[1], stop - place), 0, -1):
        means = table.chinese.get(small[place : place + length])
        if means is not None:
            return Mark(shown[place : place + length], means), place + length
    return Mark(shown[place]), place + 1


def _english(shown: str, place: int, stop: int, table: WordTable) -> tuple[Mark, int]:
    """The longest phrase of words with nothing but spaces and hyphens between them."""
    words: list[re.Match[str]] = []
    at = place
    while len(words) < table.longest[0]:
        token = _TOKEN.match(shown, at, stop)
        if token is None or not token["word"]:
            break
        words.append(token)
        between = _BETWEEN.match(shown, token.end(), stop)
        if between is None:
            break
        at = between.end()
    for count in range(len(words), 0, -1):
        end = words[count - 1].end()
        means = _means(key_of(shown[place:end]), table)
        if means is not None:
            return Mark(shown[place:end], means), end
    return Mark(words[0][0]), words[0].end()


def _means(key: str, table: WordTable) -> Means | None:
    """What a phrase means, also as a plural, comparative or adverb."""
    if key in table.english:
        return table.english[key]
    for ending, own in _ENDINGS:
        stem = key.removesuffix(ending)
        if stem == key or len(stem) < _LONGEST_ENDING - 1:
            continue
        # Bigger, saddest: the consonant is doubled.
        single = stem[:-1] if ending in ("er", "est") and stem[-2:-1] == stem[-1:] else stem
        for candidate in (stem + own, single):
            means = table.english.get(candidate)
            if means is not None and (ending.endswith("s") or set(means) <= _GRADED):
                return means
    return None
