"""What a page of music says, measure by measure, before it is laid out on a time line.

Readers of notation (ABC, MusicXML) fill `Measure` records; `segue.envs.music.corpus.layout` makes
a `CorpusTune` of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from segue.envs.music.chords import Chord

TICKS = 20160
"""Ticks in a quarter note: 2^6 x 3^2 x 5 x 7, so that tuplets of 3, 5, 6, 7 and 9 are exact."""

TimeSignature = tuple[int, int]
"""Beats and their unit, such as ``(6, 8)``."""

Key = tuple[int, str]
"""Pitch class of the tonic and a key of `segue.envs.music.scales.MODES`."""


@dataclass(slots=True)
class WrittenNote:
    """A note or a rest in a measure.

    Attributes
    ----------
    place : int
        Ticks from the beginning of the measure.
    ticks : int
        Length.
    pitch : int
        MIDI pitch; negative for a rest.
    tied : bool
        Whether it is tied to the next note.
    """

    place: int
    ticks: int
    pitch: int
    tied: bool = False


@dataclass(slots=True)
class Measure:
    """What stands between two barlines.

    Attributes
    ----------
    metre : tuple of int or None
        Time signature in force; None where the music names none.
    key : tuple or None
        Key in force; None where the music names none.
    opens : bool
        Whether a section begins here: a repeat sign or a double bar stands before it.
    ending : int
        Number of the alternative ending that it belongs to; 0 for none.
    ticks : int
        Length as written, whatever the metre asks.
    notes : list of WrittenNote
        One after the other.
    chords : list of (int, Chord)
        Place in ticks and chord symbol.
    """

    metre: TimeSignature | None
    key: Key | None
    opens: bool = False
    ending: int = 0
    ticks: int = 0
    notes: list[WrittenNote] = field(default_factory=list)
    chords: list[tuple[int, Chord]] = field(default_factory=list)


@dataclass(frozen=True)
class Heading:
    """What stands above a tune; the fields are those of `CorpusTune`."""

    title: str
    source: str
    licence: str
    tempo: float = 120.0
