"""Whole tunes as rows of tokens."""

from __future__ import annotations

import numpy as np
import pytest

from segue.envs.melody.prior import NO_SUCH_PITCH, sounding_pitches
from segue.envs.melody.sequences import NO_CHORD, ROOT_SHIFT, encode_tune, encode_tunes
from segue.envs.melody.tokens import notes_of
from segue.envs.music.chords import Chord
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.tune import ChordSpan, Note


def tune_of(*notes: tuple[float, float, int], **changed: object) -> CorpusTune:
    facts = {
        "title": "t",
        "source": "mine/t.abc",
        "licence": "CC0-1.0",
        "tonic": 0,
        "mode": "major",
        "metre": (4, 4),
        "tempo": 100.0,
        "pickup": 0.0,
        "notes": tuple(Note(*note) for note in notes),
    }
    return CorpusTune(**{**facts, **changed})  # type: ignore[arg-type]


SCALE = [(float(k), 1.0, 60 + 2 * k) for k in range(4)]


def test_the_notes_come_back() -> None:
    sequence = encode_tune(tune_of(*SCALE))
    assert sequence is not None
    assert (sequence.bar, sequence.start, sequence.bars) == (16, 0, 1)
    assert [(note.onset, note.duration, note.pitch) for note in notes_of(sequence.tokens)] == SCALE


def test_the_tonic_becomes_c() -> None:
    sequence = encode_tune(tune_of(*((on, long, pitch + 7) for on, long, pitch in SCALE), tonic=7))
    assert sequence is not None
    assert [note.pitch for note in notes_of(sequence.tokens)] == [60, 62, 64, 66]


def test_a_pickup_comes_before_the_first_bar() -> None:
    notes = [(-1.0, 1.0, 67), *SCALE]
    sequence = encode_tune(tune_of(*notes, pickup=1.0))
    assert sequence is not None
    assert (sequence.start, len(sequence.tokens), sequence.bars) == (12, 20, 2)
    assert sequence.tokens[4] == encode_tune(tune_of(*SCALE)).tokens[0]  # type: ignore[union-attr]


def test_silence_begins_with_note_off_and_the_last_bar_is_filled() -> None:
    sequence = encode_tune(tune_of(*((on, 0.5, pitch) for on, _, pitch in SCALE), (5.0, 1.0, 60)))
    assert sequence is not None
    assert len(sequence.tokens) == 32
    assert sequence.tokens[:4].tolist() == [14, 1, 0, 1]
    assert sequence.tokens[16:26].tolist() == [1, 1, 1, 1, 14, 1, 1, 1, 0, 1]


def test_a_triplet_is_moved_to_the_grid_and_of_two_notes_at_once_the_first_stays() -> None:
    third = 1 / 3
    triplet = [(0.0, third, 60), (third, third, 62), (2 * third, third, 64), (1.0, 1.0, 65)]
    sequence = encode_tune(tune_of(*triplet))
    assert sequence is not None
    assert sequence.tokens[:5].tolist() == [14, 16, 1, 18, 19]
    sixth = 1 / 6
    quick = [(0.0, sixth, 60), (sixth, sixth, 62), (2 * sixth, sixth, 64), (0.5, 2.0, 65)]
    sequence = encode_tune(tune_of(*quick, (2.5, 1.0, 67)))
    assert sequence is not None
    assert sequence.tokens[:3].tolist() == [14, 16, 19]


@pytest.mark.parametrize(
    "tune",
    [
        tune_of(*SCALE[:3]),
        tune_of(*SCALE, metre=(4, 3)),
        tune_of(*((on, long, pitch) for on, long, pitch in SCALE), (4.0, 1.0, 110)),
    ],
    ids=["few notes", "no whole bar", "too wide"],
)
def test_what_does_not_fit_is_left_out(tune: CorpusTune) -> None:
    assert encode_tune(tune) is None
    assert encode_tunes([tune, tune_of(*SCALE)])[0].source == "mine/t.abc"
    assert len(encode_tunes([tune])) == 0


def test_chords_are_moved_along() -> None:
    chords = (ChordSpan(0.0, 2.0, Chord(7, "maj")), ChordSpan(3.0, 1.0, Chord(2, "7")))
    notes = [(on, long, pitch + 7) for on, long, pitch in SCALE]
    sequence = encode_tune(tune_of(*notes, tonic=7, chords=chords))
    assert sequence is not None
    assert sequence.chords[:8].tolist() == [1 | 1 << 4 | 1 << 7] * 8
    assert (sequence.chords[8:12] == NO_CHORD).all()
    dominant = 1 << 7 | 1 << 11 | 1 << 2 | 1 << 5
    assert sequence.chords[12:].tolist() == [dominant | 7 << ROOT_SHIFT] * 4


def test_what_sounds() -> None:
    tokens = np.array([[1, 2, 1, 0, 1, 37, 3, 1]])
    none = NO_SUCH_PITCH
    assert sounding_pitches(tokens).tolist() == [[none, 0, 0, none, none, 35, 1, 1]]
