"""Records of `segue/Counterpoint-v0`: the cantus firmus, and the state of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

PITCHES = 20
"""The ambitus in semitones: a twelfth, from the final upwards, both ends counted."""
NO_PITCH = PITCHES
"""Index that stands for a note before the first."""
NO_CLIMAX = 0
"""Height of the climax before the first note; a pitch p has the height ``p + 1``."""
ACTIONS = PITCHES
"""Action p sounds the pitch p semitones above the final."""

MASK_WORDS = 3
"""Words of eight bytes, a byte an action, in a row of the masks."""

LOWEST_NOTE, HIGHEST_NOTE = -12, 16
"""Range of a cantus firmus in semitones above its final."""
NOTES = HIGHEST_NOTE - LOWEST_NOTE + 1
NO_NOTE = NOTES
"""Index that stands for a bar before the first or after the last of the cantus firmus."""

AHEAD = 5
"""Notes of the cantus firmus that the agent sees ahead of the one to be met."""

FEWEST_BARS, MOST_BARS = 3, 16
"""Lengths that a cantus firmus may have."""

WIDEST_MOVE = 12
"""Semitones; a wider melodic interval is illegal, and so are two that span more."""
NO_MOVE = 2 * WIDEST_MOVE + 1
"""Index of a move where there is none; ``i`` stands for ``i - WIDEST_MOVE`` semitones."""
WIDEST_CANTUS_MOVE = WIDEST_MOVE
WIDEST_INTERVAL = 19
"""Semitones that the voices may be apart: a twelfth."""

CANTUS, ROW, BAR, PITCH, BEFORE, CLIMAX, RETURNED = range(7)
"""Columns of a state row: cantus firmus, row of the bank, bars played, last pitch and the one
before it, height of the climax so far, and whether that has been left and sounded again."""
COLUMNS = 7

CONTEXTS = (PITCHES + 1) ** 3 * 2
"""Combinations of PITCH, BEFORE, CLIMAX and RETURNED: the Markov state within a bar."""

NOTE, CANTUS_MOVE, PLACE, LYDIAN, LENGTH, VISIBLE = range(6)
"""Columns of `Bank.bar_table`; from VISIBLE on stand those that the agent sees."""

REPLACED = 64
"""Added to a pitch in the history where it stands for an illegal action."""


@dataclass(frozen=True)
class CantusFirmus:
    """A given melody, one note a bar.

    Attributes
    ----------
    name : str
        What it is called.
    mode : str
        A key of `segue.envs.counterpoint.cantus_firmi.MODES`.
    pitches : tuple of int
        MIDI pitches; the last is the final.
    """

    name: str
    mode: str
    pitches: tuple[int, ...]

    @property
    def final(self) -> int:
        """MIDI pitch of the final."""
        return self.pitches[-1]

    @property
    def degrees(self) -> tuple[int, ...]:
        """Notes in semitones above the final."""
        return tuple(pitch - self.final for pitch in self.pitches)


@dataclass(frozen=True)
class Bank:
    """The cantus firmi of an environment, laid out flat: one row a bar, one after the other.

    Attributes
    ----------
    cantus_firmi : tuple of CantusFirmus
        Of any lengths.
    starts : ndarray (cantus firmi,) int64
        First row of each.
    most_bars : int
        The greatest length.
    bar_table : ndarray (rows, 5 + k) int32
        NOTE: the cantus's note in semitones above its final; CANTUS_MOVE: index of the move into
        it; PLACE: as in `segue.rewards.counterpoint_view`; LYDIAN: the pitches that
        `LydianTritone` charges, as bits; LENGTH: bars of this cantus firmus; then the k columns
        that the agent sees.
    allowed : ndarray (rows, PITCHES + 1) int32
        By the last pitch, as bits: the pitches that break no absolute rule and from which the
        line can be ended without breaking one.
    """

    cantus_firmi: tuple[CantusFirmus, ...]
    starts: npt.NDArray[np.int64]
    most_bars: int
    bar_table: npt.NDArray[np.int32]
    allowed: npt.NDArray[np.int32]
