"""The fields of an ABC tune that bear on its notes: ``K: M: L: Q:`` (ABC 2.1, chapter 3)."""

from __future__ import annotations

import re

from segue.envs.music.corpus.layout import checked_metre
from segue.envs.music.corpus.measures import TICKS, Key, TimeSignature

LETTERS = "CDEFGAB"
"""Names of the notes; the readers index them by their place here."""

SEMITONES = (0, 2, 4, 5, 7, 9, 11)
"""Semitones above C of `LETTERS`."""

Signature = tuple[int, ...]
"""Semitones by which each of `LETTERS` is altered, seven of them."""

_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_SHARPENED = "FCGDAEB"
# First letters of a mode: its name here, and fifths above the major key with the same signature.
# Locrian music, of which there is next to none, counts as Phrygian.
_MODES = {
    **{"": ("major", 0), "maj": ("major", 0), "ion": ("major", 0)},
    **{"m": ("minor", 3), "min": ("minor", 3), "aeo": ("minor", 3)},
    **{"dor": ("dorian", 2), "phr": ("phrygian", 4), "lyd": ("lydian", -1)},
    **{"mix": ("mixolydian", 1), "loc": ("phrygian", 5)},
}
_CLEFS = ("tre", "bas", "alt", "ten", "per", "cle", "exp", "sta", "mid", "oct", "tra")
_KEY = re.compile(r"([A-G])([#b]?)\s*([A-Za-z]*)(.*)", re.DOTALL)
_ALTERED = re.compile(r"(\^\^|\^|__|_|=)([A-Ga-g])(?![A-Za-z])")
_METRE = re.compile(r"\(?([\d+\s]{1,20})\)?\s*/\s*(\d{1,4})")
_FRACTION = re.compile(r"(\d{1,4})\s*/\s*(\d{1,4})")
_TEMPO = re.compile(
    r"(?:((?:\d{1,4}/\d{1,4}\s*)+)\s*=\s*)?(?<![\d/])(\d{1,4}(?:\.\d{1,3})?)(?![\d/])"
)


class AbcSyntaxError(ValueError):
    """What cannot be read in a tune, in words that fit into a sentence."""


ALTERATIONS = {"^^": 2, "^": 1, "": 0, "=": 0, "_": -1, "__": -2}
"""Semitones of the signs before a note."""


def read_key(text: str) -> tuple[Key | None, Signature]:
    """Read a ``K:`` field.

    Parameters
    ----------
    text : str
        Such as ``"Edor"``, ``"A Mixolydian"``, ``"Bb"``, ``"Dmix ^c"``, ``"HP"`` or ``"none"``.

    Returns
    -------
    key : tuple or None
        None where the field names no key.
    signature : tuple of int, (7,)
        Alteration of each letter.

    Raises
    ------
    AbcSyntaxError
        If the field cannot be read.
    """
    text = text.strip()
    if text[:2].upper() == "HP":
        # Highland pipes sound A mixolydian, whether or not the sharps are written.
        return (9, "mixolydian"), _signature(2)
    match = _KEY.match(text)
    if match is None:
        if text and text[:3].lower() not in ("non", *_CLEFS) and text[0] not in "^_=":
            raise AbcSyntaxError(f"the key {text[:20]!r} is unknown")
        return None, _altered(_signature(0), text)
    letter, sign, word, rest = match.groups()
    word = word.lower()
    if word[:3] in _CLEFS:
        word, rest = "", word + rest
    if (word if word == "m" else word[:3]) not in _MODES:
        raise AbcSyntaxError(f"the key {text[:20]!r} is unknown")
    mode, above = _MODES[word if word == "m" else word[:3]]
    place = _FIFTHS[letter] + {"": 0, "#": 7, "b": -7}[sign]
    if not -7 <= place - above <= 7:
        raise AbcSyntaxError(f"the key {text[:20]!r} has more than seven accidentals")
    only_named = rest.lstrip().startswith("exp")
    signature = _signature(0 if only_named else place - above)
    return (7 * place % 12, mode), _altered(signature, rest)


def _signature(fifths: int) -> Signature:
    names = _SHARPENED[:fifths] if fifths > 0 else _SHARPENED[fifths:] if fifths < 0 else ""
    return tuple((1 if fifths > 0 else -1) * (letter in names) for letter in LETTERS)


def _altered(signature: Signature, text: str) -> Signature:
    """Apply accidentals that a key field names one by one."""
    changed = list(signature)
    for sign, letter in _ALTERED.findall(text):
        changed[LETTERS.index(letter.upper())] = ALTERATIONS[sign]
    return tuple(changed)


def read_metre(text: str) -> TimeSignature | None:
    """Read an ``M:`` field; None for free metre and for what makes no sense."""
    text = text.strip()
    if text[:2] == "C|":
        return (2, 2)
    if text[:1] == "C":
        return (4, 4)
    match = _METRE.match(text)
    if match is None:
        return None
    beats = [int(part) for part in match[1].replace(" ", "").split("+") if part]
    return checked_metre(sum(beats), int(match[2]))


def read_unit(text: str) -> int:
    """Read an ``L:`` field: ticks of the unit note length.

    Raises
    ------
    AbcSyntaxError
        If it is no fraction between 1/512 and 4.
    """
    text = text.strip()
    match = _FRACTION.match(text)
    whole = (int(match[1]), int(match[2])) if match else (1, 1) if text == "1" else (0, 1)
    ticks = 4 * TICKS * whole[0] // whole[1] if whole[1] else 0
    if not 4 * TICKS // 512 <= ticks <= 16 * TICKS:
        raise AbcSyntaxError(f"the unit note length {text[:20]!r} is unknown")
    return ticks


def default_unit(metre: TimeSignature | None) -> int:
    """Ticks of the unit note length where no ``L:`` names it: 1/16 in short metres, else 1/8."""
    short = metre is not None and 4 * metre[0] < 3 * metre[1]
    return TICKS // 4 if short else TICKS // 2


def read_tempo(text: str) -> float | None:
    """Read a ``Q:`` field: quarter notes a minute, or None where it names none from 20 to 400."""
    text = re.sub(r'"[^"]*"', " ", text)
    match = _TEMPO.search(text)
    if match is None:
        return None
    beats = [(int(n), int(d)) for n, d in _FRACTION.findall(match[1] or "1/4")]
    if not all(d for _, d in beats):
        return None
    quarters = float(match[2]) * sum(4 * n / d for n, d in beats)
    return quarters if 20.0 <= quarters <= 400.0 else None
