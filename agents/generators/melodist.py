"""The attention model as a writer of tunes: what words ask for, over given chords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from segue.agents.generators.attention import MelodyAttention
from segue.agents.generators.conditions import GENRES, METRES, MODES, Conditions, mood_class
from segue.agents.generators.melody_model import MelodyModel
from segue.agents.generators.passages import note_in_chord
from segue.agents.generators.reader import Plan, Reader, draw_tokens
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import Tokens
from segue.envs.melody.sequences import chord_bits
from segue.envs.melody.tokens import notes_of
from segue.envs.melody.types import FIRST_ONSET, HOLD, LOW
from segue.envs.music.brief.types import Wish
from segue.envs.music.tune import ChordSpan, Note

CANDIDATES = 6
"""Melodies that are written, of which one is taken."""

ONSETS = {"sparse": 1.2, "medium": 1.9, "dense": 2.6}
"""Onsets a quarter that a density asks for."""

MIDDLE = {"low": 60.0, "middle": 67.0, "high": 74.0}
"""MIDI pitch near which the mean of a melody shall lie, by register."""

_HARMONY, _REPEATED = 0.85, 0.2
_TEMPERATURE, _NUCLEUS = 0.9, 0.95
_KIN = {
    "hymn": "chorale"
}  # Other genres are written as folk tunes are, with their own tempo and players.


class AttentionMelodist:
    """Writes melodies as a `Wish` asks for them; a `segue.envs.music.brief.types.Melodist`.

    Some candidates are drawn from the model, told mode, metre, tempo, genre, mood and density; the
    one that fits its chords and the asked density best is taken. It is transposed into the key, in
    the octave nearest to the register.

    Parameters
    ----------
    model : MelodyModel
        The model.
    """

    def __init__(self, model: MelodyModel) -> None:
        self._model = model

    def melody(
        self, wish: Wish, chords: Sequence[ChordSpan], rng: np.random.Generator
    ) -> tuple[Note, ...]:
        """Write a melody: see `Melodist`.

        Raises
        ------
        SegueError
            If it is longer than the model sees.
        """
        assert wish.tonic is not None
        beats, unit = (int(number) for number in wish.metre.split("/"))
        bar = 16 * beats // unit
        length, most = wish.bars * bar, self._model.network.config.context
        if length > most:
            raise SegueError(
                f"A section of {wish.bars} bars is longer than the {most // bar} that the model "
                "sees; ask for fewer bars, or a form such as AABA."
            )
        bits = chord_bits(chords, length, 0, -wish.tonic)
        conditions = conditions_for(wish, (beats, unit))
        plan = Plan(length, bar, conditions=conditions, chords=bits)
        free = plan if conditions.genre == "chorale" else replace(plan, chords=None)
        drawn = _written(self._model.network, plan, free, rng)
        best = drawn[int(np.argmax(_merits(drawn, plan, wish)))]
        return _placed(best, wish)


def _written(
    network: MelodyAttention, plan: Plan, free: Plan, rng: np.random.Generator
) -> npt.NDArray[np.int8]:
    """Draw candidates: when notes begin by the free plan, which ones by the plan with chords.

    Of the tunes that the model has learnt from, chorales alone have chords. Told chords, it writes
    the rhythm of chorales, too; so rhythm is left to what it knows without them.
    """
    reader = Reader(network, [plan] * CANDIDATES + [free] * CANDIDATES)
    while reader.read < plan.length:
        both = reader.log_probabilities()
        pitch, chances = both[:CANDIDATES, FIRST_ONSET:], both[CANDIDATES:].copy()
        begins = np.logaddexp.reduce(chances[:, FIRST_ONSET:], axis=1, keepdims=True)
        chances[:, FIRST_ONSET:] = (
            pitch - np.logaddexp.reduce(pitch, axis=1, keepdims=True) + begins
        )
        drawn = draw_tokens(chances, rng, _TEMPERATURE, _NUCLEUS)
        reader.write(np.concatenate([drawn, drawn]))
    return reader.tokens[:CANDIDATES]


def conditions_for(wish: Wish, metre: tuple[int, int]) -> Conditions:
    """What the model is told of a wish; what it knows nothing of is left untold."""
    mode = "minor" if wish.mode.endswith("minor") else wish.mode
    genre = _KIN.get(wish.genre, wish.genre)
    density = ONSETS[wish.density]
    return Conditions(
        mode=mode if mode in MODES else None,
        metre=metre if metre in METRES else None,
        tempo=wish.tempo,
        genre=genre if genre in GENRES else "folk",
        mood=mood_class(mode, density),
        density=density,
    )


def _merits(drawn: Tokens, plan: Plan, wish: Wish) -> npt.NDArray[np.float64]:
    """How well each melody does what was asked: harmony, density, an end on the tonic."""
    assert plan.chords is not None
    begins = drawn >= FIRST_ONSET
    onsets = 4.0 * begins.mean(axis=1)
    fitting = note_in_chord(drawn, np.broadcast_to(plan.chords, drawn.shape))
    last = drawn.shape[1] - 1 - begins[:, ::-1].argmax(axis=1)
    final = np.take_along_axis(drawn, last[:, None], axis=1)[:, 0]
    home = (final - FIRST_ONSET + LOW) % 12 == 0
    silent = ~begins.any(axis=1)
    repeated = np.array([_repeated(row[row >= FIRST_ONSET]) for row in drawn])
    # As much harmony as people's melodies have: more is had by staying on one note.
    merits: npt.NDArray[np.float64] = (
        np.minimum(fitting, _HARMONY)
        - np.maximum(repeated - _REPEATED, 0.0)
        + 0.15 * home
        - 0.3 * np.abs(np.log(np.maximum(onsets, 0.1) / ONSETS[wish.density]))
        - 10.0 * silent
    )
    return merits


def _repeated(onsets: Tokens) -> float:
    """Share of the notes that have the pitch of the one before."""
    return float((np.diff(onsets) == 0).mean()) if len(onsets) > 1 else 1.0


def _placed(tokens: Tokens, wish: Wish) -> tuple[Note, ...]:
    """Notes in the key of a wish, in the octave nearest to its register."""
    assert wish.tonic is not None
    if tokens[0] == HOLD:
        tokens = np.concatenate([[0], tokens[1:]])
    notes = notes_of(tokens)
    mean = float(np.mean([note.pitch for note in notes])) + wish.tonic
    octave = 12 * round((MIDDLE[wish.register] - mean) / 12)
    return tuple(
        Note(note.onset, note.duration, note.pitch + wish.tonic + octave) for note in notes
    )
