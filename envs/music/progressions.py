"""Chord progressions made by a small grammar of functional harmony, weighted by mood.

A phrase leaves the tonic, goes by chords that prepare (subdominants) to the dominant, and stops
there (a half cadence) or returns (a full one; without the dominant, a plagal one). Between them
chords follow each other as a Markov chain over these functions. Sources: Riemann's functions in
the order that textbooks give (Aldwell & Schachter, *Harmony and Voice Leading*), as rewriting
rules Rohrmeier (2011), "Towards a generative syntax of tonal harmony".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from segue.envs.base.errors import SegueError
from segue.envs.music.scales import MODES

PHRASE = 4
"""Bars of a phrase."""

Bar = tuple[str, ...]
"""Roman numerals that share a bar, for `segue.envs.music.chords.roman`."""


@dataclass(frozen=True)
class Functions:
    """The chords of a mode by function; the first of each is the commonest.

    Attributes
    ----------
    tonic : str
        The chord that phrases leave and return to.
    substitutes : tuple of str
        Chords that stand for the tonic.
    prepares : tuple of str
        Chords that lead to a dominant.
    dominants : tuple of str
        Chords that lead to the tonic.
    opens : tuple of str
        Dominants that a phrase may stop on, rooted on the fifth degree or the lowered seventh.
    """

    tonic: str
    substitutes: tuple[str, ...]
    prepares: tuple[str, ...]
    dominants: tuple[str, ...]
    opens: tuple[str, ...]


FUNCTIONS: Mapping[str, Functions] = MappingProxyType(
    {
        "major": Functions("I", ("vi", "iii"), ("IV", "ii"), ("V",), ("V",)),
        "minor": Functions("i", ("VI", "III"), ("iv", "iio"), ("V", "VII"), ("V", "VII")),
        "harmonic_minor": Functions("i", ("VI",), ("iv", "bII", "iio"), ("V", "viio7"), ("V",)),
        "melodic_minor": Functions("i", ("bIII", "bVI"), ("IV", "ii"), ("V",), ("V",)),
        "dorian": Functions("i", ("III",), ("IV", "ii"), ("v", "bVII"), ("bVII", "v")),
        "phrygian": Functions("i", ("VI", "III"), ("iv", "bII"), ("bII", "vii"), ("vii",)),
        "lydian": Functions("I", ("vi", "iii"), ("II",), ("V", "II"), ("V",)),
        "mixolydian": Functions("I", ("vi",), ("IV", "ii"), ("bVII", "v"), ("bVII", "v")),
    }
)
"""For each mode."""

_SEVENTHS = {
    **{"I": "Imaj7", "i": "i7", "ii": "ii7", "iio": "iiø7", "II": "II7", "iii": "iii7"},
    **{"IV": "IVmaj7", "iv": "iv7", "V": "V7", "v": "v7", "vi": "vi7", "VI": "VImaj7"},
}
_OF_MODE = {("mixolydian", "I"): "I7", ("dorian", "IV"): "IV7", ("melodic_minor", "IV"): "IV7"}


@dataclass(frozen=True)
class Colour:
    """How a mood leans, each a probability.

    Attributes
    ----------
    rare : float
        A function takes another chord than its commonest.
    substitute : float
        Within a phrase, a chord that stands for the tonic rather than the tonic.
    stay : float
        A bar keeps the chord of the one before.
    plagal : float
        A full close comes from a subdominant.
    sevenths : float
        A chord takes its seventh.
    applied : float
        A chord is entered by its own dominant.
    split : float
        A bar before the cadence holds two chords.
    """

    rare: float
    substitute: float
    stay: float
    plagal: float
    sevenths: float
    applied: float
    split: float


COLOURS: Mapping[str, Colour] = MappingProxyType(
    {
        "hopeful": Colour(0.3, 0.6, 0.05, 0.3, 0.1, 0.05, 0.15),
        "happy": Colour(0.2, 0.3, 0.1, 0.2, 0.15, 0.1, 0.3),
        "sad": Colour(0.3, 0.7, 0.05, 0.3, 0.1, 0.0, 0.05),
        "dark": Colour(0.5, 0.4, 0.3, 0.3, 0.1, 0.0, 0.0),
        "calm": Colour(0.4, 0.4, 0.2, 0.5, 0.5, 0.0, 0.0),
        "tense": Colour(0.6, 0.3, 0.2, 0.0, 0.4, 0.05, 0.2),
        "dreamy": Colour(0.4, 0.6, 0.15, 0.4, 0.8, 0.0, 0.0),
        "heroic": Colour(0.3, 0.3, 0.1, 0.4, 0.0, 0.0, 0.15),
        "playful": Colour(0.3, 0.4, 0.1, 0.1, 0.3, 0.35, 0.35),
        "melancholic": Colour(0.4, 0.5, 0.1, 0.3, 0.3, 0.0, 0.1),
        "romantic": Colour(0.5, 0.6, 0.0, 0.2, 0.7, 0.3, 0.3),
        "mysterious": Colour(0.5, 0.5, 0.3, 0.2, 0.1, 0.0, 0.0),
        "energetic": Colour(0.4, 0.6, 0.0, 0.3, 0.0, 0.0, 0.1),
    }
)
"""For each mood of `segue.envs.music.moods.MOODS`."""


def generate_progression(
    mood: str, mode: str, bars: int, generator: np.random.Generator
) -> tuple[Bar, ...]:
    """Make a chord progression.

    Phrases of four bars end open and closed by turns; the second and the fourth begin as the
    first does, the third elsewhere; after sixteen bars it starts over. The last bar is the
    tonic's.

    Parameters
    ----------
    mood : str
        A key of `COLOURS`.
    mode : str
        A key of `FUNCTIONS`.
    bars : int
        Length, >= 1.
    generator : numpy Generator

    Returns
    -------
    tuple of tuple of str
        The numerals of each bar, one or two.

    Raises
    ------
    SegueError
        If mood or mode is unknown.
    """
    for given, known, what in ((mood, COLOURS, "mood"), (mode, FUNCTIONS, "mode")):
        if given not in known:
            raise SegueError(f"Unknown {what} {given!r}; choose one of {', '.join(known)}.")
    grammar = _Grammar(mode, COLOURS[mood], generator)
    opening = grammar.phrase(PHRASE, False, [grammar.functions.tonic])
    start = opening[: PHRASE // 2]
    closing = grammar.phrase(PHRASE, True, start)
    contrast = grammar.phrase(PHRASE, False, [grammar.contrasting()])
    song = [*opening, *closing, *contrast, *closing]
    chosen = [song[bar % len(song)] for bar in range(bars)]
    rest = bars % PHRASE
    last = chosen[-rest:] if rest else chosen[-PHRASE:]
    chosen[-len(last) :] = grammar.phrase(len(last), True, last[: len(last) // 2])
    return tuple(grammar.write(chosen))


class _Grammar:
    """The rules of one mode in one mood; phrases are lists of plain numerals, a bar each."""

    def __init__(self, mode: str, colour: Colour, generator: np.random.Generator) -> None:
        self.mode, self.functions, self.colour = mode, FUNCTIONS[mode], colour
        self.generator = generator

    def chance(self, probability: float) -> bool:
        return bool(self.generator.random() < probability)

    def of(self, chords: Sequence[str]) -> str:
        """One chord of a function."""
        if len(chords) > 1 and self.chance(self.colour.rare):
            return chords[int(self.generator.integers(1, len(chords)))]
        return chords[0]

    def contrasting(self) -> str:
        """A chord for the beginning of a phrase that is not to begin on the tonic."""
        other = self.functions.substitutes if self.chance(0.5) else self.functions.prepares
        return self.of(other)

    def phrase(self, bars: int, closed: bool, start: Sequence[str]) -> list[str]:
        """Bars that go on from `start` to a cadence in the last one."""
        last = self.functions.tonic if closed else self.of(self.functions.opens)
        if bars == 1:
            return [last]
        plagal = closed and self.chance(self.colour.plagal)
        towards = self.functions.dominants if closed and not plagal else self.functions.prepares
        before = next(iter(c for c in (self.of(towards), *towards) if c != last))
        middle = list(start[: bars - 2])
        while len(middle) < bars - 2:
            middle.append(self.follow(middle[-1] if middle else None))
        return [*middle, before, last]

    def follow(self, chord: str | None) -> str:
        """What may come after a chord: the Markov chain over the functions."""
        functions, colour = self.functions, self.colour
        if chord is None:
            return functions.tonic
        if self.chance(colour.stay):
            return chord
        if chord in functions.dominants:
            choices = (functions.tonic, *functions.substitutes)
            return self.of(choices)
        if chord in functions.prepares:
            return self.of(functions.dominants if self.chance(0.5) else functions.prepares)
        if chord == functions.tonic and self.chance(colour.substitute):
            return self.of(functions.substitutes)
        return self.of(functions.prepares)

    def write(self, bars: Sequence[str]) -> list[Bar]:
        """Split bars, add sevenths and applied dominants; the last bar stays plain."""
        written: list[Bar] = []
        for place, numeral in enumerate(bars[:-1]):
            following = bars[place + 1]
            end_of_phrase = place % PHRASE == PHRASE - 1
            first = self.coloured(numeral)
            if end_of_phrase or following == numeral:
                written.append((first,))
            elif self.can_apply(following) and self.chance(self.colour.applied):
                written.append((first, f"V7/{following}"))
            elif numeral in self.functions.prepares and self.chance(self.colour.split):
                taken = (numeral, following)
                others = [chord for chord in self.functions.prepares if chord not in taken]
                second = self.coloured(self.of(others)) if others else None
                written.append((first, second) if second else (first,))
            else:
                written.append((first,))
        return [*written, (bars[-1],)]

    def can_apply(self, numeral: str) -> bool:
        """Only chords of the scale with a perfect fifth have a dominant of their own."""
        inside = numeral in (*self.functions.substitutes, "ii", "iv", "V")
        return inside and numeral != self.functions.tonic and "o" not in numeral

    def coloured(self, numeral: str) -> str:
        seventh = _OF_MODE.get((self.mode, numeral), _SEVENTHS.get(numeral, numeral))
        return seventh if self.chance(self.colour.sevenths) else numeral


assert FUNCTIONS.keys() == MODES.keys()
