"""The attention model as a writer of tunes in a brief's key, register and length."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from melody_models import small_model

from segue.agents.generators.conditions import MOODS
from segue.agents.generators.melodist import (
    MIDDLE,
    AttentionMelodist,
    _merits,
    _written,
    conditions_for,
)
from segue.agents.generators.passages import note_in_chord
from segue.agents.generators.pretrained import pretrained_model
from segue.agents.generators.reader import Plan
from segue.envs.base.errors import SegueError
from segue.envs.music.brief.types import Wish
from segue.envs.music.changes import parse_changes
from segue.envs.music.metre import parse_metre
from segue.envs.music.scales import scale_classes
from segue.envs.music.tune import ChordSpan, Note

WISH = Wish(
    genre="folk",
    mood="hopeful",
    tonic=2,
    mode="major",
    metre="4/4",
    tempo=120.0,
    bars=4,
    form=None,
    density="medium",
    register="middle",
    swing=1.0,
    lead=73,
    accompaniment=24,
    bass=None,
    drums=False,
)


def changes(text: str) -> tuple[ChordSpan, ...]:
    return parse_changes(text, parse_metre("4/4"))


def written(seed: int = 0, **changed: Any) -> tuple[Note, ...]:
    wish = replace(WISH, **changed)
    model = pretrained_model()
    chords = changes("D | G | A | D")
    return AttentionMelodist(model).melody(wish, chords, np.random.default_rng(seed))


def test_a_melody_lies_in_its_key_register_and_length() -> None:
    notes = written()
    assert notes == written()
    assert notes != written(seed=1)
    assert notes[0].onset >= 0.0
    assert notes[-1].onset + notes[-1].duration <= 16.0
    assert all(one.onset + one.duration <= two.onset for one, two in pairwise(notes))
    inside = np.mean([note.pitch % 12 in scale_classes(2, "major") for note in notes])
    assert inside > 0.9
    for register, middle in MIDDLE.items():
        pitches = [note.pitch for note in written(register=register)]
        assert abs(np.mean(pitches) - middle) <= 6.5


def test_dense_melodies_have_more_notes_than_sparse_ones() -> None:
    counts = [
        sum(len(written(seed, density=density)) for seed in range(2))
        for density in ("sparse", "medium", "dense")
    ]
    assert counts[0] < counts[1] < counts[2]


def test_most_notes_belong_to_their_chords() -> None:
    notes = written(bars=4)
    spans = changes("D | G | A | D")
    fitting = [note.pitch % 12 in spans[int(note.onset // 4)].chord.pitch_classes for note in notes]
    assert np.mean(fitting) > 0.6


def test_what_the_model_is_told_of_a_wish() -> None:
    told = conditions_for(replace(WISH, mode="harmonic_minor", genre="hymn"), (4, 4))
    assert (told.mode, told.genre, told.tempo, told.mood) == ("minor", "chorale", 120.0, MOODS[3])
    other = conditions_for(replace(WISH, genre="jazz", density="dense"), (5, 4))
    assert (other.genre, other.metre, other.mood) == ("folk", None, MOODS[1])


def test_the_best_candidate_is_in_harmony_dense_enough_and_comes_home() -> None:
    chords = np.full(16, 1 | 1 << 4 | 1 << 7, dtype=np.int32)
    c, d, e, f, g = (14 + step for step in (0, 2, 4, 5, 7))
    lines = {
        "good": [e, 1, d, 1, g, 1, c, 1, e, 1, d, 1, c, 1, 1, 1],
        "out of harmony": [f, 1, d, 1, g, 1, d, 1, f, 1, d, 1, c, 1, 1, 1],
        "one note": [c, 1, c, 1, c, 1, c, 1, c, 1, c, 1, c, 1, 1, 1],
        "not home": [e, 1, d, 1, g, 1, c, 1, e, 1, d, 1, e, 1, 1, 1],
        "sparse": [e, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, c, 1, 1, 1],
        "silent": [0, *[1] * 15],
    }
    plan = Plan(16, chords=chords)
    merits = _merits(np.array(list(lines.values()), dtype=np.int8), plan, WISH)
    ranked = dict(zip(lines, merits, strict=True))
    assert all(ranked["good"] > ranked[other] + 0.05 for other in lines if other != "good")
    assert min(ranked, key=lambda name: ranked[name]) == "silent"


def test_chords_choose_the_notes_and_not_their_rhythm() -> None:
    chords = np.full(64, 1 | 1 << 4 | 1 << 7, dtype=np.int32)
    told = Plan(64, conditions=conditions_for(WISH, (4, 4)), chords=chords)
    free = replace(told, chords=None)
    network = pretrained_model().network
    drawn = [
        _written(network, *plans, np.random.default_rng(0))
        for plans in ((told, free), (told, told), (free, free))
    ]
    onsets = [float((tokens >= 2).mean()) for tokens in drawn]
    fitting = [float(note_in_chord(tokens, chords[None]).mean()) for tokens in drawn]
    assert abs(onsets[0] - onsets[2]) < abs(onsets[0] - onsets[1])
    assert fitting[0] > fitting[2] + 0.03


def test_a_section_must_fit_into_what_the_model_sees() -> None:
    wish = replace(WISH, bars=12)
    with pytest.raises(SegueError, match="12 bars is longer than the 8"):
        AttentionMelodist(small_model()).melody(wish, changes("D | G"), np.random.default_rng(0))
