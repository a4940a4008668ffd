"""From actions to a tune and its picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segue.envs.lead_sheet.types import LOW, SLOTS_PER_BEAT, Piece
from segue.envs.music.tune import ChordSpan, Note, Tune


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
            length = (slot - start) / SLOTS_PER_BEAT
            notes.append(Note(start / SLOTS_PER_BEAT, length, pitch))
            start = None
        if action >= 2:
            start = slot
    beats = piece.beats_per_bar
    spans = (ChordSpan(bar * beats, beats, chord) for bar, chord in enumerate(piece.chords))
    return Tune(
        title=title or piece.mood.capitalize(),
        tonic=piece.tonic,
        mode=piece.mode,
        tempo=piece.tempo,
        beats_per_bar=beats,
        bars=len(piece.chords),
        mood=piece.mood,
        notes=tuple(notes),
        chords=tuple(spans),
    )
