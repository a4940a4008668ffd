"""The record of a finished tune: what the composer hands to the writers of files."""

from __future__ import annotations

from dataclasses import dataclass

from segue.envs.music.chords import Chord
from segue.envs.music.metre import Metre
from segue.envs.music.moods import Mood


@dataclass(frozen=True)
class Note:
    """One sounding note.

    Attributes
    ----------
    onset : float
        Start in quarter notes from the beginning of the tune, >= 0.
    duration : float
        Length in quarter notes, > 0.
    pitch : int
        MIDI pitch, 0-127.
    """

    onset: float
    duration: float
    pitch: int


@dataclass(frozen=True)
class ChordSpan:
    """One chord and where it sounds; `onset` and `duration` in quarter notes."""

    onset: float
    duration: float
    chord: Chord


@dataclass(frozen=True)
class Tune:
    """A melody over chords.

    Attributes
    ----------
    title : str
        What stands above the score.
    tonic : int
        Pitch class of the key, 0 (C) to 11 (B).
    mode : str
        A key of `segue.envs.music.scales.MODES`, such as ``"major"``.
    tempo : float
        Quarter notes per minute.
    metre : Metre
        The time signature.
    bars : int
        Length in bars.
    mood : str
        A key of `segue.envs.music.moods.MOODS`; it chooses the instruments.
    notes : tuple of Note
        The melody, monophonic, in order of onset.
    chords : tuple of ChordSpan
        The harmony, in order of onset, without gaps.
    swing : float
        How many times as long as the second the first of two eighths sounds, 1 (straight) to 3;
        `notes` and `chords` stand where they are written, in straight eighths.
    style : Mood or None
        Instruments and patterns that play it; None are those of `mood`.
    """

    title: str
    tonic: int
    mode: str
    tempo: float
    metre: Metre
    bars: int
    mood: str
    notes: tuple[Note, ...]
    chords: tuple[ChordSpan, ...]
    swing: float = 1.0
    style: Mood | None = None

    @property
    def quarters(self) -> float:
        """Length in quarter notes."""
        return self.bars * self.metre.quarters

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.quarters * 60.0 / self.tempo
