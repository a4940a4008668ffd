"""Records of `segue/LeadSheet-v0`: the piece to be played over, and the state of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.music.chords import Chord

LOW = 60
"""MIDI number of the lowest pitch, C4."""
PITCHES = 25
"""Two octaves, C4 to C6."""
NO_PITCH = PITCHES
"""Index of the last pitch before the first note."""
SLOTS_PER_BEAT = 2
"""The grid is one of eighth notes."""

ACTIONS = 2 + PITCHES
"""0 rest, 1 hold, 2 + p the onset of pitch ``LOW + p``."""

MASK_WORDS = 4
"""Words of eight bytes, a byte an action, in a row of the masks."""

WIDEST_LEAP = 12
"""Semitones; a wider one is illegal."""
LEAP = 4
"""Semitones above which a move counts as a leap."""

PIECE, SLOT, PITCH, SOUNDING, MOVE, UNRESOLVED, PREVIOUS = range(7)
"""Columns of a state row."""
COLUMNS = 7

STAY, LEAP_UP, LEAP_DOWN = 0, 1, 2
"""Values of MOVE: how the last note was reached."""

CONTEXTS = (PITCHES + 1) * 2 * 3 * 2
"""Combinations of PITCH, SOUNDING, MOVE and UNRESOLVED: the Markov state within a slot."""

ALLOWED, CHORD_TONES, IS_STRONG, VISIBLE = range(4)
"""Columns of `Bank.slot_table`; from VISIBLE on stand those that the agent sees."""


@dataclass(frozen=True)
class Piece:
    """What a melody is to be written over, slot by slot.

    Attributes
    ----------
    mood : str
        A key of `segue.envs.music.moods.MOODS`.
    tonic : int
        Pitch class, 0-11.
    mode : str
        A key of `segue.envs.music.scales.MODES`.
    tempo : float
        Quarter notes per minute.
    beats_per_bar : int
        Quarter notes in a bar.
    chords : tuple of Chord
        One a bar.
    template : ndarray (slots,) int8
        REST, HOLD or ONSET: the rhythmic motif.
    motif : ndarray (slots,) int8
        -1, 0, 1 or NO_MOTIF: the direction that the melodic motif asks for.
    cadence : ndarray (slots,) int8
        NO_CADENCE, HALF_CADENCE or FULL_CADENCE.
    target : ndarray (slots,) float64
        MIDI pitch of the arch.
    """

    mood: str
    tonic: int
    mode: str
    tempo: float
    beats_per_bar: int
    chords: tuple[Chord, ...]
    template: npt.NDArray[np.int8]
    motif: npt.NDArray[np.int8]
    cadence: npt.NDArray[np.int8]
    target: npt.NDArray[np.float64]

    @property
    def slots(self) -> int:
        """Length in slots, the horizon of an episode."""
        return len(self.template)

    @property
    def slots_per_bar(self) -> int:
        """Slots in a bar."""
        return self.beats_per_bar * SLOTS_PER_BEAT


@dataclass(frozen=True)
class Bank:
    """The pieces of an environment, laid out flat: row ``piece * slots + slot`` of each array.

    Attributes
    ----------
    pieces : tuple of Piece
        All of one length and metre.
    slots : int
        That length.
    strength : ndarray (rows,) float64
        Metrical strength.
    slot_table : ndarray (rows, 3 + k) int32
        ALLOWED: bit p is set where pitch p lies in the key or in the chord; CHORD_TONES: where it
        lies in the chord; IS_STRONG: 1 on strong slots; then the k columns that the agent sees.
    """

    pieces: tuple[Piece, ...]
    slots: int
    strength: npt.NDArray[np.float64]
    slot_table: npt.NDArray[np.int32]
