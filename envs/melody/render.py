"""From tokens to a tune."""

from __future__ import annotations

from segue.envs.melody.prior import Tokens
from segue.envs.melody.tokens import notes_of
from segue.envs.melody.types import STEPS
from segue.envs.music.chords import Chord
from segue.envs.music.metre import Metre
from segue.envs.music.tune import ChordSpan, Tune

TEMPO = 80.0
"""Quarter notes per minute: Magenta's DEFAULT_QPM for RL Tuner."""


def to_tune(tokens: Tokens, title: str = "") -> Tune:
    """Turn the tokens of an episode, or of its beginning, into a tune in C major.

    Parameters
    ----------
    tokens : int array, (t,)
        From the first sixteenth on.
    title : str
        Title of the tune; "Melody" where empty.
    """
    bars = -(-max(len(tokens), STEPS) // 16)
    return Tune(
        title=title or "Melody",
        tonic=0,
        mode="major",
        tempo=TEMPO,
        metre=Metre(4, 4),
        bars=bars,
        mood="hopeful",
        notes=notes_of(tokens),
        # No harmony is part of the task; the tonic chord shows where the key's stable pitches lie.
        chords=(ChordSpan(0.0, 4.0 * bars, Chord(0, "maj")),),
    )
