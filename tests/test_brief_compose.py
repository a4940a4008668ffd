"""From words to a tune: what is asked for moves the result; the same words give the same files."""

# Chinese punctuation is what is tested.
# ruff: noqa: RUF001

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import symusic

from segue.envs.base.errors import SegueError
from segue.envs.music.arrange import arrange
from segue.envs.music.brief.defaults import understand
from segue.envs.music.brief.reading import read
from segue.envs.music.brief.types import Wish
from segue.envs.music.chords import Chord
from segue.envs.music.midi import midi_bytes
from segue.envs.music.musicxml import musicxml_bytes
from segue.envs.music.tune import ChordSpan, Note
from segue.experiments.brief_words import asked, read_brief
from segue.experiments.briefs_table import (
    BriefCase,
    BriefPair,
    BriefsStudy,
    briefs_markdown,
    measure_briefs,
    measure_tune,
    value_of,
)
from segue.experiments.cli import main
from segue.experiments.compose_wish import chord_tones, compose_wish
from segue.experiments.tables import read_study


def wish(text: str, **given: Any) -> Wish:
    return replace(understand(read(text)).wish, bars=4, **given)


@pytest.mark.parametrize(
    ("more", "one", "other"),
    [
        ("tempo", "fast", "slow"),
        ("major", "C major", "C minor"),
        ("density", "dense", "sparse"),
        ("register", "high", "low"),
        ("major", "bright", "dark"),
    ],
)
def test_one_word_moves_the_result(more: str, one: str, other: str) -> None:
    for seed in (0, 1):
        made = [compose_wish(wish(f"{word} film score"), seed) for word in (one, other)]
        assert all(each.fraction == pytest.approx(1.0) for each in made)
        first, second = (measure_tune(each.tune) for each in made)
        assert first[more] > second[more]
        assert first["in mode"] > first["in parallel"]


def test_the_players_are_those_asked_for() -> None:
    tune = compose_wish(wish("waltz, dark, whistle over banjo, tuba, with drums"), 0).tune
    parts = {part.name: part for part in arrange(tune)}
    assert {name: part.program for name, part in parts.items()} == {
        **{"Melody": 78, "Chords": 105, "Bass": 58, "Drums": 0}
    }
    assert parts["Drums"].notes
    score = symusic.Score.from_midi(midi_bytes(tune))
    assert [track.program for track in score.tracks if not track.is_drum] == [78, 105, 58]
    assert b"<midi-program>79</midi-program>" in musicxml_bytes(tune)
    bare = compose_wish(wish("waltz, dark, no drums, no bass"), 0).tune
    assert {part.name for part in arrange(bare)} == {"Melody", "Chords"}


def test_musicxml_says_no_day() -> None:
    assert b"date" not in musicxml_bytes(compose_wish(wish("hymn"), 0).tune)


def test_a_form_repeats_its_sections() -> None:
    made = compose_wish(replace(wish("rock, C major, AABA form"), bars=8), 3)
    tune = made.tune
    assert (tune.bars, tune.tonic, made.fraction) == (8, 0, pytest.approx(1.0))

    def section(number: int) -> list[tuple[float, float, int]]:
        start, end = number * 8.0, number * 8.0 + 8
        return [
            (n.onset - start, n.duration, n.pitch) for n in tune.notes if start <= n.onset < end
        ]

    assert section(0) == section(1) == section(3) != section(2)
    assert sum(span.duration for span in tune.chords) == tune.quarters
    assert np.all(np.diff(made.curve[:, 0]) > 0)
    assert sum(made.terms.values()) == pytest.approx(made.value)


class Scale:
    """Plays up the scale, a quarter each; notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Wish] = []

    def melody(
        self, wish: Wish, chords: Sequence[ChordSpan], rng: np.random.Generator
    ) -> tuple[Note, ...]:
        self.asked.append(wish)
        first = 48 + int(rng.integers(12))
        end = chords[-1].onset + chords[-1].duration
        return tuple(Note(float(at), 1.0, first + at % 5) for at in range(int(end)))


def test_a_model_may_write_the_melody() -> None:
    model = Scale()
    made = compose_wish(replace(wish("dark jazz, AB form"), bars=8), 5, melodist=model)
    assert [(one.bars, one.form, one.tonic is None) for one in model.asked] == [
        (4, None, False)
    ] * 2
    assert [note.onset for note in made.tune.notes] == list(np.arange(32.0))
    assert min(note.pitch for note in made.tune.notes) < 60
    assert made.random < made.optimum
    assert made.value < made.optimum
    again = compose_wish(replace(wish("dark jazz, AB form"), bars=8), 5, melodist=Scale())
    assert again.tune == made.tune


def test_options_win_over_words() -> None:
    options = {"mood": "happy", "tempo": 99.0, "key": "E minor", "bars": 4, "swing": None}
    told = read_brief("dark, fast, in C, 16 bars, 120 bpm", options=options)
    assert (told.wish.mood, told.wish.tempo, told.wish.bars) == ("happy", 99.0, 4)
    assert (told.wish.tonic, told.wish.mode) == (4, "minor")
    assert told.reasons["mood"].words == "--mood"
    assert any('--mood stands in place of "dark"' in note for note in told.notes)
    assert len(told.notes) == 5
    changed = read_brief("dark", options={"chords": "Am7 D7 | Gmaj7", "bars": 4})
    assert (changed.wish.tonic, changed.wish.mode) == (7, "major")
    tune = compose_wish(changed.wish, 0, chords="Am7 D7 | Gmaj7").tune
    assert [span.chord.symbol for span in tune.chords[:3]] == ["Am7", "D7", "Gmaj7"]
    with pytest.raises(SegueError, match="grumpy"):
        read_brief("dark", options={"mood": "grumpy"})
    assert asked(None, None, {"mood": "sad", "bars": None}).bars == 16  # type: ignore[union-attr]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["segue", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_notes_that_belong_to_their_chords_are_counted() -> None:
    tune = compose_wish(replace(wish("folk, C major"), bars=4), 0).tune
    spans = (ChordSpan(0.0, 4.0, Chord(0, "maj")), ChordSpan(4.0, 4.0, Chord(7, "maj")))
    notes = tuple(Note(onset, 1.0, pitch) for onset, pitch in ((0, 64), (3, 62), (4, 62), (5, 60)))
    assert chord_tones(replace(tune, notes=notes, chords=spans)) == 0.5
    assert chord_tones(replace(tune, notes=(), chords=spans)) == 0.0


@pytest.mark.parametrize("by", ["attention", "q-learning"])
def test_the_verb_says_what_it_understood(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    brief = "黑暗的电子舞曲 zorble，4小节，128拍每分钟"
    words = ["compose", brief, "--seed", 1, "--by", by, "--out"]
    assert run(monkeypatch, *words, "one") == 0
    said = capsys.readouterr()
    assert '  tempo: 128 quarter notes a minute - "128拍每分钟"' in said.out
    assert 'unknown words, left out: "zorble"' in said.err
    assert run(monkeypatch, *words, "two", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["brief"]["understood"]["mood"]["words"] == "黑暗"
    if by == "q-learning":
        assert told["fraction_of_optimum"] == pytest.approx(1.0)
    assert 0.0 < told["chord_tones"] <= 1.0
    for name in ("tune.mid", "tune.musicxml", "tune.wav", "understood.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    kept = json.loads((tmp_path / "one" / "understood.json").read_text(encoding="utf-8"))
    assert (kept["unknown"], kept["seed"]) == (["zorble"], 1)
    assert kept["understood"].keys() == {one.name for one in fields(Wish)}
    (tmp_path / "my.yaml").write_text("- means: {mood: sad}\n  en: [zorble]\n", encoding="utf-8")
    told_again = read_brief("zorble", tmp_path / "my.yaml")
    assert told_again.wish.mood == "sad"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["", "--out", "out"], "empty"),
        (["zorble", "--out", "out"], "use words such as"),
        (["x" * 10_000, "--out", "out"], "10000 characters"),
        (["slow", "--words", "none.yaml", "--out", "out"], "none.yaml"),
        (["--words", "none.yaml", "--out", "out"], "no brief"),
        (["slow", "--words", "wrong.yaml", "--out", "out"], "wrong.yaml"),
        (["slow", "--bars", "0", "--out", "out"], "bars is 0"),
        (["slow", "--tempo", "1000", "--out", "out"], "1000"),
        (["slow", "--seed", "-1", "--out", "out"], "seed"),
        (["slow", "--by", "nobody", "--out", "out"], "nobody called"),
        (["--mood", "sad", "--by", "attention", "--out", "out"], "what words ask for"),
        (["slow", "--bars", "40", "--out", "out"], "longer than the 32"),
        (["slow", "--chords", "C | D | E", "--out", "out"], "3 bars"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    arguments: list[str],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.yaml").write_text("[1]")
    assert run(monkeypatch, "compose", *arguments) == 2
    said = capsys.readouterr()
    (line,) = [line for line in said.err.splitlines() if line.startswith("segue: ")]
    assert named in line
    assert line.endswith(".")
    assert said.out == ""
    assert not (tmp_path / "out").exists()


def test_the_thirty_briefs_are_understood_as_a_person_reads_them() -> None:
    study = read_study("briefs", None, {})
    assert isinstance(study, BriefsStudy)
    chinese = [case for case in study.briefs if re.search("[\u4e00-\u9fff]", case.text)]
    assert (len(study.briefs), len(chinese)) == (30, 15)
    for case in study.briefs:
        told = understand(read(case.text))
        assert {name: value_of(told, name) for name in case.asks} == case.asks, case.text
        assert told.reading.unknown == ()
    texts = {case.name: case.text for case in study.briefs}
    for pair in study.pairs:
        one, other = texts[pair.one], texts[pair.other]
        changes = difflib.SequenceMatcher(None, one, other).get_opcodes()
        changed = [one[a:b] for kind, a, b, _, _ in changes if kind != "equal"]
        assert len("".join(changed)) <= 7, pair
        assert not any(" " in part for part in changed), pair


def test_the_table_tells_what_was_measured() -> None:
    briefs = (
        BriefCase("fast", "fast folk tune, 4 bars", {"genre": "folk", "mood": "dark"}),
        BriefCase("slow", "slow zorble folk tune, 4 bars", {"genre": "folk"}),
    )
    study = BriefsStudy(1, briefs, (BriefPair("slow", "fast", "tempo"),))
    figures = measure_briefs(study, lambda share, text: None)
    fast = figures["briefs"]["fast"]
    assert (fast["right"], fast["wrong"], fast["same"]) == (["genre"], ["mood"], True)
    assert figures["briefs"]["slow"]["unknown"] == ["zorble"]
    assert figures["pairs"][0]["holds"] is False
    text = briefs_markdown(figures)
    assert "2 of 3 fields understood as asked; 6 of 7 words known." in text
    assert "| slow, fast | tempo |" in text


def test_wrong_studies_are_one_sentence() -> None:
    case = BriefCase("a", "slow", {})
    for arguments, named in (
        ((0, (case,), ()), "seeds is 0"),
        ((1, (case, case), ()), "one name"),
        ((1, (case,), (BriefPair("a", "b", "tempo"),)), "no two briefs"),
        ((1, (case,), (BriefPair("a", "a", "taste"),)), "taste"),
    ):
        with pytest.raises(SegueError, match=named):
            BriefsStudy(*arguments)  # type: ignore[arg-type]
