"""Reading briefs in words: the table, negation, degree, numbers, unknown words, contradictions."""

# Full-width letters and Chinese punctuation are what is tested.
# ruff: noqa: RUF001

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import yaml

from segue.envs.base.errors import SegueError
from segue.envs.music.brief.defaults import understand
from segue.envs.music.brief.genres import GENRES
from segue.envs.music.brief.instruments import BASSES, DRUMS, INSTRUMENTS
from segue.envs.music.brief.players import BELOW_MELODY, players
from segue.envs.music.brief.reading import MOST_CHARACTERS, read
from segue.envs.music.brief.table import WordTable, default_table, table_from
from segue.envs.music.brief.telling import described, record
from segue.envs.music.brief.types import Wish
from segue.envs.music.moods import MOODS


def said(text: str) -> dict[str, Any]:
    return {name: one.value for name, one in read(text).said.items()}


def wish(text: str) -> Wish:
    return understand(read(text)).wish


def test_the_table_has_many_words_and_every_genre_and_mood() -> None:
    table = default_table()
    for words in (table.english, table.chinese):
        asking = [means for means in words.values() if not {"grammar", "degree"} & set(means)]
        assert len(asking) >= 250
        assert {means["genre"] for means in asking if "genre" in means} == set(GENRES) - {"song"}
        assert {means["mood"] for means in asking if "mood" in means} == set(MOODS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("an electronic dance tune, dark", {"genre": "electronic dance", "mood": "dark"}),
        ("黑暗的电子舞曲", {"genre": "electronic dance", "mood": "dark"}),
        ("DARK Waltzes", {"mood": "dark", "genre": "waltz", "metre": "3/4"}),
        ("Ｄａｒｋ，ｗａｌｔｚ", {"mood": "dark", "genre": "waltz", "metre": "3/4"}),
        ("lo-fi hip-hop", {"genre": "lo-fi"}),
        ("a film score for flutes", {"genre": "film score", "lead": 73}),
        ("happier, sadder", {"mood": "sad"}),
        ("play it slowly", {"speed": -1}),
        # The longest entry wins.
        ("小提琴", {"lead": 40}),
        ("高兴的曲子", {"mood": "happy"}),
        ("铜管和弦乐", {"lead": 61, "accompaniment": 48}),
        # A genre in particular stands, wherever a hint of another is.
        ("a jig in the Irish style", {"genre": "jig", "metre": "6/8", "kin": "reel"}),
    ],
)
def test_words_mean_what_the_table_says(text: str, expected: dict[str, Any]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("128 bpm", {"beats": 128}),
        ("每分钟90拍", {"beats": 90}),
        ("每分钟一百一十拍", {"beats": 110}),
        ("140拍", {"beats": 140}),
        ("四四拍", {"metre": "4/4"}),
        ("one hundred and twenty-four beats per minute", {"beats": 124}),
        ("120 quarter notes a minute", {"tempo": 120}),
        ("16 bars", {"bars": 16}),
        ("三十二小节", {"bars": 32}),
        ("a 45-second long tune", {"seconds": 45}),
        ("one and a half minutes", {"seconds": 90}),
        ("一分半钟", {"seconds": 90}),
        ("1:30", {"seconds": 90}),
        ("半分钟", {"seconds": 30}),
        ("in D minor", {"tonic": 2, "mode": "minor"}),
        ("降B大调", {"tonic": 10, "mode": "major"}),
        ("F# dorian", {"tonic": 6, "mode": "dorian"}),
        ("in a minor key", {"mode": "minor"}),
        ("A minor tune", {"mode": "minor"}),
        ("slow, A minor", {"speed": -1, "tonic": 9, "mode": "minor"}),
        ("blues in E with drums", {"genre": "blues", "tonic": 4, "drums": True}),
        ("6/8", {"metre": "6/8"}),
        ("６／８拍", {"metre": "6/8"}),
        ("AABA form", {"form": "AABA"}),
        ("aaba曲式", {"form": "AABA"}),
        ("ACAB form, slow", {"speed": -1}),
    ],
)
def test_numbers_keys_and_forms(text: str, expected: dict[str, Any]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize("text", ["fast", "快"])
def test_degree_and_negation_move_the_tempo(text: str) -> None:
    very, little, no, not_too = (
        {"fast": "very ", "快": "很"},
        {"fast": "slightly ", "快": "有点"},
        {"fast": "not ", "快": "不"},
        {"fast": "not too ", "快": "不要太"},
    )
    usual = wish("folk").tempo
    tempi = [wish(f"folk, {part[text]}{text}").tempo for part in (no, not_too, little)]
    tempi += [wish(f"folk, {text}").tempo, wish(f"folk, {very[text]}{text}").tempo]
    assert tempi == sorted(set(tempi))
    assert tempi[1] < usual < tempi[2]


def test_negation() -> None:
    assert said("no drums or bass") == {"drums": False, "bass": None}
    assert said("不要鼓、贝斯") == {"drums": False, "bass": None}
    assert said("没有鼓和贝斯，有点快") == {"drums": False, "bass": None, "speed": 1}
    assert said("without heavy drums") == {"drums": False}
    assert said("not sad") == {"mood": "happy"}
    assert said("dark but not sad") == {"mood": "dark"}
    assert said("不悲伤，但黑暗") == {"mood": "dark"}
    assert said("not dense") == {"density": "sparse"}
    assert said("not too dense") == {"density": "medium"}
    assert said("no drums, fast") == {"drums": False, "speed": 1}
    assert wish("a waltz without piano").accompaniment != 0
    not_waltz = read("not a waltz: hopeful")
    assert {name: [one.value for one in these] for name, these in not_waltz.avoided.items()} == {
        "genre": ["waltz"],
        "metre": ["3/4"],
    }


def test_degree_of_moods_and_swing() -> None:
    tempi = [wish(f"{how}dark").tempo for how in ("slightly ", "", "very ", "extremely ")]
    assert tempi == sorted(set(tempi), reverse=True)
    assert 1 < wish("slightly swinging").swing < wish("swinging").swing == 2


def test_instruments_are_given_their_parts() -> None:
    assert said("flute and guitar") == {"lead": 73, "accompaniment": 24}
    assert said("cello over harp") == {"lead": 42, "accompaniment": 46}
    assert said("guitar accompaniment, flute melody") == {"lead": 73, "accompaniment": 24}
    assert said("accompanied by harp, with a cello") == {"lead": 42, "accompaniment": 46}
    assert said("吉他伴奏，长笛主奏") == {"lead": 73, "accompaniment": 24}
    assert said("piano with double bass") == {"lead": 0, "bass": 32}


def test_unknown_words_are_named_and_the_rest_is_used() -> None:
    reading = read("a zorble waltz with 7 blimps，森林，快 and zorble")
    assert reading.unknown == ("zorble", "7", "blimps", "森林")
    assert {"genre", "speed"} <= set(reading.said)
    assert reading.content == 2 + 5
    # A single character beside unknown ones belongs to their word.
    assert read("高山流水，慢").unknown == ("高山流水",)
    assert said("高山流水，慢") == {"speed": -1}
    assert read("A slow tune, with the 的 一首 please").unknown == ()


def test_the_last_of_contradictions_wins_and_is_told() -> None:
    reading = read("a slow, fast tune, 8 bars, thirty seconds; sad, happy")
    assert {name: one.value for name, one in reading.said.items()} == {
        "speed": 1,
        "seconds": 30,
        "mood": "happy",
    }
    assert len(reading.notes) == 3
    assert '"fast" stands in place of "slow"' in reading.notes[0]
    assert "drums" in read("drums, no drums").notes[0]
    assert said("sad, not sad") == {"mood": "happy"}
    told = understand(read("fast, 90 bpm"))
    assert told.wish.tempo == 90
    assert any('"fast" changes nothing' in note for note in told.notes)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("slow " * 2000, str(MOST_CHARACTERS)),
        ("zorble of the blimp", "use words such as folk"),
        ("a tune, please", "民谣"),
        ("，。!", "No word"),
        ("slow, in 5/4", "5/4"),
        ("900 bpm", "900"),
        ("500 bars", "500"),
    ],
)
def test_bad_briefs_are_one_sentence(text: str, named: str) -> None:
    with pytest.raises(SegueError, match=re.escape(named)) as error:
        understand(read(text))
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


def test_any_text_is_read_or_refused() -> None:
    rng = np.random.default_rng(0)
    table = default_table()
    pieces = [
        *table.english,
        *table.chinese,
        *"0123456789/:,.。、、 \n-b#A升降",
        "bpm",
        "é",
        "\U0001f3b5",
    ]
    for _ in range(400):
        text = "".join(rng.choice(pieces) + rng.choice(["", " "]) for _ in range(rng.integers(12)))
        try:
            told = understand(read(text))
        except SegueError:
            continue
        assert set(told.reasons) == set(Wish.__dataclass_fields__)
        assert 1 <= told.wish.bars <= 64
        assert 20 <= told.wish.tempo <= 400


def test_every_field_says_where_it_comes_from() -> None:
    told = understand(read("an electronic dance tune, dark, 128 bpm"))
    lines = described(told)
    assert len(lines) == len(Wish.__dataclass_fields__)
    assert '  tempo: 128 quarter notes a minute - "128 bpm"' in lines
    assert "  mode: harmonic_minor - by mood (dark)" in lines
    plain = record(told)["understood"]
    assert plain["genre"] == {
        "value": "electronic dance",
        "by": "words",
        "words": "electronic dance",
    }
    assert plain["bars"]["by"] == "genre"


def test_beats_are_felt_beats() -> None:
    told = understand(read("a jig, 120 bpm"))
    assert told.wish.tempo == 180
    assert any("180 quarter notes" in note for note in told.notes)
    assert wish("a waltz, 120 bpm").tempo == 120


def test_lengths_and_forms_fit() -> None:
    assert wish("120 bpm, 4/4, thirty seconds").bars == 16
    told = understand(read("AABA form, 30 bars"))
    assert told.wish.bars == 32
    assert any("evenly" in note for note in told.notes)
    assert wish("blues").bars == 12


@pytest.mark.parametrize("genre", sorted(GENRES))
@pytest.mark.parametrize("mood", ["dark", "happy"])
def test_every_genre_has_players_in_balance(genre: str, mood: str) -> None:
    asked = wish(f"{genre} music, {mood}, with drums")
    assert (asked.genre, asked.mood, asked.drums) == (genre, mood, True)
    style = players(asked)
    melody, chords, pad, bass, drums = style.volumes
    assert max(style.volumes) == 120
    assert (pad > 0, bass > 0, drums > 0) == (
        style.pad_program is not None,
        style.bass != "none",
        True,
    )
    lead = INSTRUMENTS[asked.lead].melody + 40 * np.log10(melody / 100)
    beside = DRUMS[style.drums] + 40 * np.log10(drums / 100)
    assert lead - beside == pytest.approx(BELOW_MELODY["drums"], abs=0.6)
    other = INSTRUMENTS[asked.accompaniment]
    loudness = other.held if style.pattern == "pads" else other.struck
    assert lead - (loudness + 40 * np.log10(chords / 100)) == pytest.approx(8, abs=0.6)
    assert asked.bass is None or asked.bass in BASSES


def test_own_words_extend_the_table() -> None:
    own = table_from(
        yaml.safe_load("[{means: {mood: dark}, en: [zorble, waltz], zh: [森林]}]"), "my"
    )
    table = default_table().extended(own)
    assert read("zorble 森林", table).unknown == ()
    assert {name: one.value for name, one in read("a waltz", table).said.items()} == {
        "mood": "dark"
    }
    assert "zorble" not in default_table().english


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{}", "my.yaml"),
        ("[]", "my.yaml"),
        ("[{en: [x]}]", "Entry 1"),
        ("[{means: {mood: dark}}]", "Entry 1"),
        ("[{means: {mood: grumpy}, en: [x]}]", "grumpy"),
        ("[{means: {moood: dark}, en: [x]}]", "moood"),
        ("[{means: {tempo: 1000}, en: [x]}]", "tempo is 1000"),
        ("[{means: {instrument: true}, en: [x]}]", "instrument is True"),
        ("[{means: {drums: 1}, en: [x]}]", "drums is 1"),
        ("[{means: {mood: dark}, en: [no]}]", "quotes"),
        ("[{means: {mood: dark}, en: ['--']}]", "'--'"),
        ("[{means: {mood: dark}, zh: [abc]}]", "'abc'"),
        ("[{means: {mood: dark}, en: [x]}, {means: {mood: sad}, en: [X]}]", "two entries"),
        ("[{means: {grammar: not, mood: dark}, en: [x]}]", "mixes"),
        ("[{means: [dark], en: [x]}]", "no mapping"),
    ],
)
def test_wrong_words_are_one_sentence(text: str, named: str) -> None:
    with pytest.raises(SegueError, match=re.escape(named)) as error:
        table_from(yaml.safe_load(text), "my.yaml")
    assert "my.yaml" in str(error.value)


def test_an_empty_table_knows_nothing() -> None:
    with pytest.raises(SegueError, match="No word"):
        read("dark", WordTable({}, {}))
