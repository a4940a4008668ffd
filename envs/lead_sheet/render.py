"""From actions to a tune and its picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segue.envs.lead_sheet.types import LOW, Piece
from segue.envs.music.metre import SLOTS_PER_QUARTER
from segue.envs.music.tune import Note, Tune


def to_tune(piece: Piece, actions: Sequence[int] | npt.NDArray[np.int8], title: str = "") -> Tune:
    """Turn the actions of an episode, or of its beginning, into a tune.

    Parameters
    ----------
    piece : Piece
        What was played over.
    actions : sequence of int
        0 rest, 1 hold, 2 + p onset of pitch ``LOW + p``; one a slot from the first on.
    title : str
        Title of the tune; the mood where empty.
    """
    notes: list[Note] = []
    start: int | None = None
    for slot, action in enumerate([*(int(a) for a in actions), 0]):
        if action != 1 and start is not None:
            pitch = LOW + int(actions[start]) - 2
            length = (slot - start) / SLOTS_PER_QUARTER
            notes.append(Note(start / SLOTS_PER_QUARTER, length, pitch))
            start = None
        if action >= 2:
            start = slot
    return Tune(
        title=title or piece.mood.capitalize(),
        tonic=piece.tonic,
        mode=piece.mode,
        tempo=piece.tempo,
        metre=piece.metre,
        bars=piece.bars,
        mood=piece.mood,
        notes=tuple(notes),
        chords=piece.chords,
        swing=piece.swing,
    )
