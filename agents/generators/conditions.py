"""What a melody model is told of a tune: key mode, metre, tempo, genre, mood, density, register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.melody.sequences import Sequence16
from segue.envs.melody.tokens import PER_QUARTER
from segue.envs.melody.types import FIRST_ONSET, LOW

MODES = ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian")
"""Modes that tunes of the corpora are in."""

METRES = ((4, 4), (2, 2), (2, 4), (3, 4), (6, 8), (9, 8), (12, 8), (3, 8), (6, 4), (3, 2))
"""Time signatures that are told apart; any other is unknown."""

GENRES = ("folk", "chorale")
"""Genres of the default corpora."""

MOODS = ("calm bright", "lively bright", "calm dark", "lively dark")
"""Moods as far as notes tell: bright in a mode with a major third, lively with many onsets."""

_GENRE_OF = {"airdsAirs": "folk", "ryansMammoth": "folk", "oneills1850": "folk", "bach": "chorale"}
_TEMPI = (72.0, 100.0, 132.0, 168.0)  # Adagio, andante, moderato, allegro, presto begin here.
_UNTOLD_TEMPO = 120.0
_DENSITIES = (1.75, 2.0)  # Onsets a quarter: thirds of the folk tunes lie between.
_REGISTERS = (64.0, 66.5)  # Mean MIDI pitch with the tonic at C, likewise.
_BRIGHT = ("major", "lydian", "mixolydian")
_LIVELY = 1.9

_CHOICES: tuple[int, ...] = (
    len(MODES),
    len(METRES),
    len(_TEMPI) + 1,
    len(GENRES),
    len(MOODS),
    len(_DENSITIES) + 1,
    len(_REGISTERS) + 1,
)
TAG_SIZES = tuple(count + 1 for count in _CHOICES)
"""Values of each tag, 0 for what is not known."""

METRE = 1
"""Column of the metre among the tags."""

TAGS = len(TAG_SIZES)
"""Tags of a tune."""


@dataclass(frozen=True)
class Conditions:
    """What is known of a tune, or asked of one; None for what is not.

    Attributes
    ----------
    mode : str or None
        One of MODES.
    metre : tuple of int or None
        One of METRES.
    tempo : float or None
        Quarter notes a minute, > 0.
    genre : str or None
        One of GENRES.
    mood : str or None
        One of `MOODS`.
    density : float or None
        Onsets a quarter note, >= 0.
    register : float or None
        Mean MIDI pitch where the tonic is C.

    Raises
    ------
    SegueError
        If there is no such mode, metre, genre or mood.
    """

    mode: str | None = None
    metre: tuple[int, int] | None = None
    tempo: float | None = None
    genre: str | None = None
    mood: str | None = None
    density: float | None = None
    register: float | None = None

    def __post_init__(self) -> None:
        choices: Sequence[tuple[str, object, Sequence[object]]] = (
            ("mode", self.mode, MODES),
            ("metre", self.metre, METRES),
            ("genre", self.genre, GENRES),
            ("mood", self.mood, MOODS),
        )
        for name, value, known in choices:
            if value is not None and value not in known:
                raise SegueError(
                    f"The model knows no {name} {value!r}; "
                    f"give one of {', '.join(map(str, known))}, or nothing."
                )

    def tags(self) -> npt.NDArray[np.int64]:
        """Tags as the model reads them, (TAGS,): 0 for what is not known."""
        return np.array(
            [
                _place(self.mode, MODES),
                _place(self.metre, METRES),
                _level(self.tempo, _TEMPI),
                _place(self.genre, GENRES),
                _place(self.mood, MOODS),
                _level(self.density, _DENSITIES),
                _level(self.register, _REGISTERS),
            ],
            dtype=np.int64,
        )


def conditions_of(sequence: Sequence16) -> Conditions:
    """Say what is known of a tune; mood, density and register are read off its notes."""
    onsets = sequence.tokens[sequence.tokens >= FIRST_ONSET].astype(np.float64)
    density = len(onsets) * PER_QUARTER / len(sequence.tokens)
    tempo = None if sequence.tempo == _UNTOLD_TEMPO else sequence.tempo
    return Conditions(
        mode=sequence.mode if sequence.mode in MODES else None,
        metre=sequence.metre if sequence.metre in METRES else None,
        tempo=tempo,
        genre=_GENRE_OF.get(sequence.source.partition("/")[0]),
        mood=mood_class(sequence.mode, density),
        density=density,
        register=float(onsets.mean()) - FIRST_ONSET + LOW,
    )


def mood_class(mode: str, density: float) -> str:
    """Mood of a mode and so many onsets a quarter: one of MOODS, and no more than a proxy."""
    return MOODS[2 * (mode not in _BRIGHT) + (density >= _LIVELY)]


def _place(value: object, known: Sequence[object]) -> int:
    return 0 if value is None else 1 + known.index(value)


def _level(value: float | None, thresholds: Sequence[float]) -> int:
    return 0 if value is None else 1 + sum(value >= threshold for threshold in thresholds)
