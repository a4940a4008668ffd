"""Chords: their notes, their symbols, and two ways to write them down."""

from __future__ import annotations

import re
from dataclasses import dataclass

from segue.envs.base.errors import SegueError
from segue.envs.music.scales import MODES, name_at, pitch_class_name

QUALITIES: dict[str, tuple[tuple[int, ...], str]] = {
    "maj": ((0, 4, 7), ""),
    "min": ((0, 3, 7), "m"),
    "dim": ((0, 3, 6), "dim"),
    "aug": ((0, 4, 8), "aug"),
    "sus2": ((0, 2, 7), "sus2"),
    "sus4": ((0, 5, 7), "sus4"),
    "6": ((0, 4, 7, 9), "6"),
    "min6": ((0, 3, 7, 9), "m6"),
    "7": ((0, 4, 7, 10), "7"),
    "maj7": ((0, 4, 7, 11), "maj7"),
    "min7": ((0, 3, 7, 10), "m7"),
    "minmaj7": ((0, 3, 7, 11), "m(maj7)"),
    "m7b5": ((0, 3, 6, 10), "m7b5"),
    "dim7": ((0, 3, 6, 9), "dim7"),
    "7sus4": ((0, 5, 7, 10), "7sus4"),
    "add9": ((0, 4, 7, 2), "add9"),
    "minadd9": ((0, 3, 7, 2), "m(add9)"),
    "9": ((0, 4, 7, 10, 2), "9"),
    "maj9": ((0, 4, 7, 11, 2), "maj9"),
    "min9": ((0, 3, 7, 10, 2), "m9"),
    "5": ((0, 7), "5"),
    "69": ((0, 4, 7, 9, 2), "69"),
    "7#5": ((0, 4, 8, 10), "7#5"),
    "7b5": ((0, 4, 6, 10), "7b5"),
    "7b9": ((0, 4, 7, 10, 1), "7b9"),
    "7#9": ((0, 4, 7, 10, 3), "7#9"),
    "13": ((0, 4, 7, 10, 9), "13"),
    "min11": ((0, 3, 7, 10, 5), "m11"),
}
"""For each quality: semitones above the root (within the octave), and the symbol's suffix."""

# Other ways in which lead sheets write the same suffixes.
_ALIASES = {
    **{suffix: quality for quality, (_, suffix) in QUALITIES.items()},
    **{"M": "maj", "maj": "maj", "min": "min", "-": "min", "o": "dim", "°": "dim", "+": "aug"},
    **{"sus": "sus4", "M6": "6", "-6": "min6", "min6": "min6", "dom7": "7", "M7": "maj7"},
    **{"Δ": "maj7", "Δ7": "maj7", "ma7": "maj7", "min7": "min7", "-7": "min7", "mi7": "min7"},
    **{"mM7": "minmaj7", "mmaj7": "minmaj7", "minmaj7": "minmaj7", "ø": "m7b5", "ø7": "m7b5"},
    **{"min7b5": "m7b5", "-7b5": "m7b5", "m7(b5)": "m7b5", "o7": "dim7", "°7": "dim7"},
    **{"7sus": "7sus4", "2": "add9", "(add9)": "add9", "madd9": "minadd9", "M9": "maj9"},
    **{"min9": "min9", "-9": "min9", "min11": "min11", "-11": "min11", "7+": "7#5", "+7": "7#5"},
    **{"aug7": "7#5", "7(#5)": "7#5", "7-5": "7b5", "7(b5)": "7b5", "7-9": "7b9", "7(b9)": "7b9"},
    **{"7+9": "7#9", "7(#9)": "7#9", "9sus4": "7sus4", "9sus": "7sus4", "4": "sus4"},
}

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1, "♯": 1, "♭": -1, "##": 2, "bb": -2}
# Without a key, the names that charts use most: F# of the sharps, flats otherwise.
_USUAL = tuple(name_at(place) for place in (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5))

_SYMBOL = re.compile(r"([A-G])(##|bb|[#b♯♭]?)([^/]*)(?:/([A-G])(##|bb|[#b♯♭]?))?")
_ROMAN = re.compile(r"([b#]?)([IV]+|[iv]+)([o°ø+]?)([a-z0-9]*)")
_DEGREES = {"i": 0, "ii": 1, "iii": 2, "iv": 3, "v": 4, "vi": 5, "vii": 6}
_MARKED = dict(
    zip(
        ("o", "°", "o7", "°7", "ø", "ø7", "+"),
        ("dim", "dim", "dim7", "dim7", "m7b5", "m7b5", "aug"),
        strict=True,
    )
)
_CAPITAL = {"": "maj", **{name: name for name in ("6", "7", "maj7", "9", "maj9", "add9")}}
_SMALL = {"": "min", "6": "min6", "7": "min7", "maj7": "minmaj7", "9": "min9", "add9": "minadd9"}


@dataclass(frozen=True)
class Chord:
    """A chord without octave or inversion.

    Attributes
    ----------
    root : int
        Pitch class, 0 (C) to 11 (B).
    quality : str
        A key of `QUALITIES`.

    Raises
    ------
    SegueError
        If the root is no pitch class or the quality is unknown.
    """

    root: int
    quality: str

    def __post_init__(self) -> None:
        if not 0 <= self.root <= 11:
            raise SegueError(f"Chord root {self.root} is no pitch class; give 0 (C) to 11 (B).")
        if self.quality not in QUALITIES:
            known = ", ".join(QUALITIES)
            raise SegueError(f"Unknown chord quality {self.quality!r}; choose one of {known}.")

    @property
    def pitch_classes(self) -> frozenset[int]:
        """Pitch classes of the chord, two to five of them."""
        return frozenset((self.root + step) % 12 for step in QUALITIES[self.quality][0])

    @property
    def symbol(self) -> str:
        """Chord symbol with the usual name of the root, such as ``"Am7"`` or ``"Bb"``."""
        return _USUAL[self.root] + QUALITIES[self.quality][1]

    def symbol_in(self, tonic: int, mode: str) -> str:
        """Chord symbol with the root spelled as the key asks, such as ``"C#m"`` or ``"Gb"``."""
        return pitch_class_name(self.root, tonic, mode) + QUALITIES[self.quality][1]


def parse_symbol(text: str) -> Chord:
    """Read a chord symbol.

    Parameters
    ----------
    text : str
        Such as ``"Am7"``, ``"Bb"``, ``"F#dim"``, ``"Gsus4"`` or ``"C/E"``; a bass note after a
        slash is read and dropped, since `Chord` has no inversion.

    Returns
    -------
    Chord
        The chord.

    Raises
    ------
    SegueError
        If the text is no chord symbol.
    """
    match = _SYMBOL.fullmatch(text.strip().replace("6/9", "69"))
    if match is None or match[3] not in _ALIASES:
        raise SegueError(f"Cannot read the chord symbol {text!r}; write one such as Am7 or Bb.")
    return Chord((_LETTERS[match[1]] + _ACCIDENTALS[match[2]]) % 12, _ALIASES[match[3]])


def roman(numeral: str, tonic: int, mode: str) -> Chord:
    """Read a Roman numeral in a key.

    Parameters
    ----------
    numeral : str
        Capitals are major, small letters minor; then ``o`` diminished, ``ø`` half-diminished or
        ``+`` augmented; then ``7``, ``maj7``, ``6``, ``9``, ``maj9``, ``add9``, ``sus2``,
        ``sus4`` or ``7sus4``. With ``b`` or ``#`` in front the degree is counted in the major
        scale, without in the scale of the mode. ``V7/V`` is a dominant of another degree.
    tonic : int
        Pitch class of the key, 0 (C) to 11 (B).
    mode : str
        A key of `segue.envs.music.scales.MODES`.

    Returns
    -------
    Chord
        The chord.

    Raises
    ------
    SegueError
        If the text is no Roman numeral, or the key is unknown.
    """
    if mode not in MODES:
        raise SegueError(f"Unknown mode {mode!r}; choose one of {', '.join(MODES)}.")
    applied, slash, target = numeral.partition("/")
    if slash:
        return roman(applied, roman(target, tonic, mode).root, "major")
    match = _ROMAN.fullmatch(numeral)
    quality = _roman_quality(match) if match is not None else None
    if match is None or quality is None or match[2].lower() not in _DEGREES:
        raise SegueError(f"Cannot read the Roman numeral {numeral!r}; write one such as ii7 or V.")
    scale = MODES["major" if match[1] else mode]
    degree = scale[_DEGREES[match[2].lower()]] + _ACCIDENTALS[match[1]]
    return Chord((tonic + degree) % 12, quality)


def _roman_quality(match: re.Match[str]) -> str | None:
    """Quality of a matched numeral from its case, its mark and what follows; None if unknown."""
    mark, extension = match[3], match[4]
    if mark:
        return _MARKED.get(mark + extension)
    if extension in ("sus2", "sus4", "7sus4"):
        return extension
    return (_CAPITAL if match[2].isupper() else _SMALL).get(extension)
