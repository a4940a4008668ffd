"""Records of `segue/LeadSheet-v0`: what is asked for, the piece to be played over, the state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.music.metre import Metre, check_swing
from segue.envs.music.tune import ChordSpan
from segue.rewards.melody import LONGEST_RUN, MOST_REPEATS, SMALL

LOW = 60
"""MIDI number of the lowest pitch, C4."""
PITCHES = 25
"""Two octaves, C4 to C6."""
NO_PITCH = PITCHES
"""Index of the last pitch before the first note."""
ACTIONS = 2 + PITCHES
"""0 rest, 1 hold, 2 + p the onset of pitch ``LOW + p``."""

MASK_WORDS = 4
"""Words of eight bytes, a byte an action, in a row of the masks."""

WIDEST_LEAP = 12
"""Semitones; a wider one is illegal."""
LEAP = SMALL
"""Semitones above which a move counts as a leap."""

PIECE, SLOT, PITCH, SOUNDING, MOVE, UNRESOLVED, PREVIOUS = range(7)
"""Columns of a state row."""
COLUMNS = 7

STAY, LEAP_UP, LEAP_DOWN = 0, 1, 2
"""Values of MOVE: how the last note was reached; STAY is that of the first one."""
REPEATED = LEAP_DOWN
"""``REPEATED + k`` is the k-th repetition of a pitch in a row, up to MOST_REPEATS."""
RUN_UP = REPEATED + MOST_REPEATS
RUN_DOWN = RUN_UP + LONGEST_RUN
"""``RUN_UP + k`` is the k-th small move upwards in a row, up to LONGEST_RUN; so downwards."""
MOVES = 1 + RUN_DOWN + LONGEST_RUN

CONTEXTS = PITCHES * MOVES * 3 + 1
"""Combinations of PITCH, MOVE and silence, a sounding or an UNRESOLVED note; and the one state
before the first note: the Markov state within a slot."""

MOST_BARS = 64
SLOWEST, FASTEST = 20.0, 400.0
"""Range of tempo, quarter notes per minute."""

ALLOWED, CHORD_TONES, IS_STRONG, VISIBLE = range(4)
"""Columns of `Bank.slot_table`; from VISIBLE on stand those that the agent sees."""


@dataclass(frozen=True)
class Brief:
    """What is asked of a piece; what is None is drawn or found.

    Attributes
    ----------
    mood : str
        A key of `segue.envs.music.moods.MOODS`.
    bars : int
        Length, 1 to 64.
    chords : str or None
        Changes for `segue.envs.music.changes.parse_changes`, repeated until the bars are filled.
    key : str or None
        A name for `segue.envs.music.changes.parse_key`.
    metre : str
        A key of `segue.envs.music.metre.METRES`.
    tempo : float or None
        Quarter notes per minute, 20 to 400.
    swing : float
        Ratio of the long to the short eighth, 1 (straight) to 3.

    Raises
    ------
    SegueError
        If a number is out of range; the words are read when pieces are drawn.
    """

    mood: str = "hopeful"
    bars: int = 8
    chords: str | None = None
    key: str | None = None
    metre: str = "4/4"
    tempo: float | None = None
    swing: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.bars <= MOST_BARS:
            raise SegueError(f"bars is {self.bars}; give a length from 1 to {MOST_BARS} bars.")
        if self.tempo is not None and not SLOWEST <= self.tempo <= FASTEST:
            raise SegueError(
                f"A tempo of {self.tempo} is out of range; give {SLOWEST:g} to {FASTEST:g} quarter "
                "notes a minute."
            )
        check_swing(self.swing)


DEFAULT_BRIEF = Brief()


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
    metre : Metre
        The time signature.
    chords : tuple of ChordSpan
        The harmony in order of onset, on the grid, without gaps from 0 to the end.
    template : ndarray (slots,) int8
        REST, HOLD, ONSET or FREE: the rhythmic motif.
    motif : ndarray (slots,) int8
        -1, 0, 1 or NO_MOTIF: the direction that the melodic motif asks for.
    cadence : ndarray (slots,) int8
        NO_CADENCE, HALF_CADENCE or FULL_CADENCE.
    target : ndarray (slots,) float64
        MIDI pitch of the arch, or NO_TARGET.
    swing : float
        Ratio of the long to the short eighth when it is played; see `segue.envs.music.tune.Tune`.
    """

    mood: str
    tonic: int
    mode: str
    tempo: float
    metre: Metre
    chords: tuple[ChordSpan, ...]
    template: npt.NDArray[np.int8]
    motif: npt.NDArray[np.int8]
    cadence: npt.NDArray[np.int8]
    target: npt.NDArray[np.float64]
    swing: float = 1.0

    @property
    def slots(self) -> int:
        """Length in slots, the horizon of an episode."""
        return len(self.template)

    @property
    def bars(self) -> int:
        """Length in bars."""
        return self.slots // self.metre.slots


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
