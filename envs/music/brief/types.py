"""Records of a brief in words: what was asked for, by which words, and what was not understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from segue.envs.music.tune import ChordSpan, Note

DENSITIES = ("sparse", "medium", "dense")
"""How many notes a melody may be asked to have, from few to many."""

REGISTERS = ("low", "middle", "high")
"""How high a melody may be asked to lie, from low to high."""


@dataclass(frozen=True)
class Wish:
    """What is asked of a piece, every field settled.

    Attributes
    ----------
    genre : str
        A key of `segue.envs.music.brief.genres.GENRES`.
    mood : str
        A key of `segue.envs.music.moods.MOODS`.
    tonic : int or None
        Pitch class of the key, 0 (C) to 11 (B); None is drawn by mood when the tune is made.
    mode : str
        A key of `segue.envs.music.scales.MODES`.
    metre : str
        A key of `segue.envs.music.metre.METRES`.
    tempo : float
        Quarter notes a minute.
    bars : int
        Length.
    form : str or None
        Sections by letter, such as ``"AABA"``, all equally long; None is one section.
    density, register : str
        One of `DENSITIES`, one of `REGISTERS`.
    swing : float
        Ratio of the long to the short eighth, 1 (straight) to 3.
    lead, accompaniment : int
        General MIDI programs, 0-127, of the melody and of the chords.
    bass : int or None
        General MIDI program of the bass; None for no bass.
    drums : bool
        Whether somebody drums.
    """

    genre: str
    mood: str
    tonic: int | None
    mode: str
    metre: str
    tempo: float
    bars: int
    form: str | None
    density: str
    register: str
    swing: float
    lead: int
    accompaniment: int
    bass: int | None
    drums: bool


@dataclass(frozen=True)
class Said:
    """One thing that a text says.

    Attributes
    ----------
    value : Any
        What its field is to be.
    words : str
        The words that say so, as written.
    degree : float
        How much of it: 1; more for *very*, less for *slightly*.
    """

    value: Any
    words: str
    degree: float = 1.0


@dataclass(frozen=True)
class Reading:
    """What a text says, before anything is added to it.

    Attributes
    ----------
    text : str
        The text.
    said : mapping of str to Said
        By field. Beside the fields of `Wish` there are ``kin`` (a genre where no other word
        names one), ``speed`` (-1 slow to 1 fast, to be
        weighed with its degree), ``beats`` (felt beats a minute) and ``seconds`` (length).
    avoided : mapping of str to tuple of Said
        By field, what it is not to be.
    unknown : tuple of str
        Words that nothing is known of, as written, each once.
    notes : tuple of str
        Sentences about what was contradicted or could not be used.
    content : int
        How many words there are, function words not counted; of Chinese, entries of the table
        and unknown stretches.
    """

    text: str
    said: Mapping[str, Said]
    avoided: Mapping[str, tuple[Said, ...]]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    content: int


@dataclass(frozen=True)
class Reason:
    """Why a field of a `Wish` is what it is.

    Attributes
    ----------
    by : str
        ``"words"``, ``"option"``, ``"genre"``, ``"mood"``, ``"key"``, ``"length"``, ``"chords"`` or
        ``"default"``.
    words : str
        The words or the option; for the others, what it follows from.
    """

    by: str
    words: str = ""

    def __str__(self) -> str:
        """Say it as people do."""
        if self.by == "words":
            return f'"{self.words}"'
        if self.by == "option":
            return self.words
        return f"by {self.by}" + (f" ({self.words})" if self.words else "")


@dataclass(frozen=True)
class Understanding:
    """A text understood.

    Attributes
    ----------
    reading : Reading
        What it says.
    wish : Wish
        What is made of it.
    reasons : mapping of str to Reason
        By field of the wish.
    notes : tuple of str
        Those of the reading, and what came up when the fields were put together.
    """

    reading: Reading
    wish: Wish
    reasons: Mapping[str, Reason]
    notes: tuple[str, ...]


class Melodist(Protocol):
    """A model that writes a melody as it is asked."""

    def melody(
        self, wish: Wish, chords: Sequence[ChordSpan], rng: np.random.Generator
    ) -> tuple[Note, ...]:
        """Write a melody.

        Parameters
        ----------
        wish : Wish
            What is asked for; its tonic is given.
        chords : sequence of ChordSpan
            The harmony, in order of onset, without gaps.
        rng : numpy Generator
            The only source of chance.

        Returns
        -------
        tuple of Note
            Monophonic, in order of onset, within the length of the chords.
        """
        ...
