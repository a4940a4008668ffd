"""What a counterpoint reward may see of one bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FIRST, INNER, CADENTIAL, LAST = 0, 1, 2, 3
"""Place of a bar: the first, any other, among the last five but not the last, the last."""

IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CounterpointView:
    """What the reward sees of one bar; all fields broadcast against each other.

    Attributes
    ----------
    place : int array
        FIRST, INNER, CADENTIAL or LAST.
    interval : int array
        Semitones of the counterpoint above the cantus firmus, 0 or more.
    moves : bool array
        There is a note before, so that `move` and `cantus_move` mean something.
    move : int array
        Semitones from the note before, -12 to 12; 0 where `moves` is False.
    turns : bool array
        There are two notes before, so that `last_move` means something.
    last_move : int array
        Semitones by which the note before was reached; 0 where `turns` is False.
    cantus_move : int array
        Semitones that the cantus firmus moves into this bar; 0 in the first.
    lydian_tritone : bool array
        One of the last four bars in the Lydian mode, on the tritone above the final.
    climax_returned : bool array
        The highest note so far has been left and sounded again.
    illegal : bool array
        The action was against an absolute rule and has been replaced.
    """

    place: IntArray
    interval: IntArray
    moves: BoolArray
    move: IntArray
    turns: BoolArray
    last_move: IntArray
    cantus_move: IntArray
    lydian_tritone: BoolArray
    climax_returned: BoolArray
    illegal: BoolArray
