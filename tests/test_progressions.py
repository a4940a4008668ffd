"""Chord changes as people write them, keys, and progressions made by mood."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.music.changes import fill, find_key, parse_changes, parse_key
from segue.envs.music.chords import Chord, parse_symbol, roman
from segue.envs.music.metre import COMMON_TIME, METRES, Metre
from segue.envs.music.moods import MOODS
from segue.envs.music.progressions import COLOURS, FUNCTIONS, generate_progression
from segue.envs.music.scales import MODES
from segue.envs.music.tune import ChordSpan


def read(text: str, metre: Metre = COMMON_TIME) -> list[tuple[float, float, str]]:
    return [(s.onset, s.duration, s.chord.symbol) for s in parse_changes(text, metre)]


# --- changes -----------------------------------------------------------------------------------


def test_without_bar_lines_each_symbol_has_a_bar() -> None:
    assert read("Am7 D7 Gmaj7") == [(0, 4, "Am7"), (4, 4, "D7"), (8, 4, "Gmaj7")]
    assert read("C", Metre(6, 8)) == [(0, 3, "C")]


def test_bar_lines_share_a_bar_out() -> None:
    expected = [(0, 2, "Am7"), (2, 2, "D7"), (4, 4, "Gmaj7")]
    for text in ("Am7 D7 | Gmaj7", "| Am7 D7 | Gmaj7 |", "  Am7 D7|Gmaj7||", "Am7 D7 || Gmaj7 ||"):
        assert read(text) == expected
    assert read("Gmaj7 |") == [(0, 4, "Gmaj7")]
    assert read("Am7 D7 |") == expected[:2]


@pytest.mark.parametrize(
    ("metre", "durations"),
    [
        ("2/4", [[2], [1, 1], [1, 0.5, 0.5], [0.5] * 4]),
        ("3/4", [[3], [2, 1], [1, 1, 1], [1, 1, 0.5, 0.5]]),
        ("4/4", [[4], [2, 2], [2, 1, 1], [1] * 4]),
        ("6/8", [[3], [1.5, 1.5], [1, 1, 1], [1, 1, 0.5, 0.5]]),
    ],
)
def test_the_chords_of_a_bar_share_its_beats(metre: str, durations: list[list[float]]) -> None:
    for expected in durations:
        text = "C " * len(expected) + "| F"
        spans = parse_changes(text, METRES[metre])
        assert [span.duration for span in spans[:-1]] == expected
        assert spans[-1].onset == METRES[metre].quarters


def test_repeats_and_slash_chords() -> None:
    assert read("C/E % | %") == [(0, 2, "C"), (2, 2, "C"), (4, 2, "C"), (6, 2, "C")]
    assert read("C G | % | Am") == [
        *((0, 2, "C"), (2, 2, "G"), (4, 2, "C"), (6, 2, "G")),
        (8, 4, "Am"),
    ]
    assert read("F | % D7")[1:] == [(4, 2, "F"), (6, 2, "D7")]
    assert read("F % C") == [(0, 4, "F"), (4, 4, "F"), (8, 4, "C")]


def test_the_symbols_of_jazz_charts_are_read() -> None:
    tones = {"C6/9": {0, 4, 7, 9, 2}, "E7#9": {4, 8, 11, 2, 7}, "G7b9": {7, 11, 2, 5, 8}}
    tones |= {"Bb13": {10, 2, 5, 8, 7}, "Dm11": {2, 5, 9, 0, 7}, "A5": {9, 4}, "F7+": {5, 9, 1, 3}}
    tones |= {"C6/9/E": tones["C6/9"], "D-7b5": {2, 5, 8, 0}, "Ab7b5": {8, 0, 2, 6}}
    for symbol, classes in tones.items():
        assert parse_symbol(symbol).pitch_classes == classes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "chords are empty"),
        (" | ", "chords are empty"),
        ("% C", "Bar 1 of the chords repeats"),
        ("C | H7", "chord symbol 'H7'"),
        ("C, G", "chord symbol 'C,'"),
        ("C D E F G A B C D | C", "Bar 1 has 9 chords; a bar of 4/4 holds up to 8"),
    ],
)
def test_bad_changes_are_told_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(SegueError, match=said) as told:
        parse_changes(text, COMMON_TIME)
    assert str(told.value).count("\n") == 0


def test_changes_fill_the_bars_by_returning() -> None:
    spans = fill(parse_changes("C F | G7", Metre(3, 4)), 6, Metre(3, 4))
    assert [s.onset for s in spans] == [0, 2, 3, 6, 8, 9, 12, 14, 15]
    assert [s.chord.symbol for s in spans] == ["C", "F", "G7"] * 3
    for bars in (1, 3):
        with pytest.raises(SegueError, match=rf"fill 2 bars of 3/4.* into the {bars} asked"):
            fill(parse_changes("C F | G7", Metre(3, 4)), bars, Metre(3, 4))


# --- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("G major", (7, "major")),
        ("a minor", (9, "minor")),
        ("D dorian", (2, "dorian")),
        ("Bb", (10, "major")),
        ("bb minor", (10, "minor")),
        ("b minor", (11, "minor")),
        ("F#m", (6, "minor")),
        ("E flat harmonic minor", (3, "harmonic_minor")),
        ("C sharp melodic_minor", (1, "melodic_minor")),
        ("A♭ Lydian", (8, "lydian")),
    ],
)
def test_keys_are_read(text: str, key: tuple[int, str]) -> None:
    assert parse_key(text) == key


@pytest.mark.parametrize("text", ["", "H major", "G blues", "major", "G major minor", "Gmajor7"])
def test_other_keys_are_refused(text: str) -> None:
    with pytest.raises(SegueError, match="Cannot read the key"):
        parse_key(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Am7 D7 Gmaj7", (7, "major")),
        ("C F G C", (0, "major")),
        ("Am E7 Am", (9, "minor")),
        ("Dm7 G7 Cmaj7 A7", (0, "major")),
        ("Bb Gm Cm F", (10, "major")),
        ("Em C G D | Em", (4, "minor")),
        ("Bm7b5 E7 Am", (9, "minor")),
        ("C7 F7 C7 G7", (0, "major")),
        ("Cm Fm G7 Cm", (0, "minor")),
    ],
)
def test_the_key_is_found_from_the_chords(text: str, key: tuple[int, str]) -> None:
    spans = parse_changes(text, COMMON_TIME)
    for up in range(12):
        moved = [
            ChordSpan(s.onset, s.duration, Chord((s.chord.root + up) % 12, s.chord.quality))
            for s in spans
        ]
        assert find_key(moved) == ((key[0] + up) % 12, key[1])


# --- progressions by mood ----------------------------------------------------------------------


def test_every_mood_and_mode_has_its_harmony() -> None:
    assert set(COLOURS) == set(MOODS)
    assert set(FUNCTIONS) == set(MODES)
    for wrong in (("grumpy", "major"), ("sad", "blues")):
        with pytest.raises(SegueError, match="choose one of"):
            generate_progression(*wrong, 4, np.random.default_rng(0))


@pytest.mark.parametrize("mode", sorted(MODES))
def test_phrases_begin_at_home_and_end_in_cadences(mode: str) -> None:
    functions = FUNCTIONS[mode]
    home = roman(functions.tonic, 0, mode)
    for mood in COLOURS:
        for bars in (1, 2, 3, 4, 7, 8, 16, 18, 40):
            made = generate_progression(mood, mode, bars, np.random.default_rng([bars, 7]))
            assert len(made) == bars
            chords = [[roman(numeral, 0, mode) for numeral in bar] for bar in made]
            assert chords[-1] == [home]
            assert bars <= 2 or chords[0][0].root == 0
            for end in range(3, bars - 1, 4):
                closes = end % 8 == 7
                assert len(made[end]) == 1
                assert chords[end][0].root in ((0,) if closes else (7, 10)), (mood, made)


def test_the_form_returns() -> None:
    song = generate_progression("heroic", "mixolydian", 32, np.random.default_rng(3))
    # Heroic has no sevenths nor applied chords: bars return as they were.
    roots = [bar[0] for bar in song]
    assert roots[0:2] == roots[4:6] == roots[12:14] == roots[16:18]
    assert roots[4:8] == roots[12:16]
    assert roots[8] != roots[0]


def test_one_seed_gives_one_progression_and_others_vary() -> None:
    made = [
        generate_progression("hopeful", "major", 16, np.random.default_rng(seed))
        for seed in (1, 1, *range(2, 40))
    ]
    assert made[0] == made[1]
    assert len(set(made)) > 30


def test_moods_colour_the_harmony() -> None:
    def share(mood: str, trait: str) -> float:
        bars: Counter[bool] = Counter()
        for seed in range(60):
            for bar in generate_progression(mood, "major", 16, np.random.default_rng(seed)):
                bars[any(trait in numeral for numeral in bar)] += 1
        return bars[True] / bars.total()

    assert share("heroic", "7") == 0
    assert share("dreamy", "7") > 0.5
    assert share("playful", "V7/") > 0.08 > share("calm", "V7/") == 0
    assert share("calm", "V") < share("happy", "V")


def test_applied_dominants_lead_to_their_chord() -> None:
    found = 0
    for seed in range(40):
        bars = generate_progression("playful", "major", 16, np.random.default_rng(seed))
        for bar, following in pairwise(bars):
            if "/" in bar[-1]:
                found += 1
                applied, target = roman(bar[-1], 0, "major"), roman(following[0], 0, "major")
                assert (applied.root - target.root) % 12 == 7
                assert applied.quality == "7"
    assert found > 20
    assert parse_symbol("D7") == roman("V7/V", 0, "major")
