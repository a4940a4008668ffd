"""The parts of an arrangement, and the accents that all players share."""

from __future__ import annotations

from dataclasses import dataclass

from segue.envs.music.metre import Metre


@dataclass(frozen=True)
class TimedNote:
    """One note of a part.

    Attributes
    ----------
    onset : float
        Start in quarter notes from the beginning of the tune.
    duration : float
        Length in quarter notes, > 0.
    pitch : int
        MIDI pitch, 0-127; in a drum part the General MIDI percussion key.
    velocity : int
        1-127.
    """

    onset: float
    duration: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Part:
    """One player.

    Attributes
    ----------
    name : str
        Track name.
    program : int
        General MIDI program, 0-127; 0 for drums.
    channel : int
        MIDI channel: counted from 0 in the order of the parts; 9 for drums.
    is_drum : bool
        Whether the pitches are percussion keys.
    volume : int
        Channel volume (controller 7), 0-127.
    pan : int
        Place in the stereo picture (controller 10), 0 left to 127 right.
    notes : tuple of TimedNote
        In order of onset.
    """

    name: str
    program: int
    channel: int
    is_drum: bool
    volume: int
    pan: int
    notes: tuple[TimedNote, ...]


def accent(onset: float, metre: Metre) -> int:
    """Velocity that the metre adds to a note: 10 on the downbeat down to -8 off the eighths.

    Parameters
    ----------
    onset : float
        Quarter notes from the beginning of the tune.
    metre : Metre
        Of the tune.
    """
    place = onset % metre.quarters
    if place == 0:
        return 10
    if any(place == start or (size == 4 and place == start + 2) for start, size in metre.groups):
        return 5
    if not metre.compound and place % 1 == 0:
        return 0
    return -5 if place % 0.5 == 0 else -8


def clamp_velocity(velocity: float) -> int:
    """Nearest velocity that MIDI allows for a sounding note, 1-127."""
    return max(1, min(127, round(velocity)))
