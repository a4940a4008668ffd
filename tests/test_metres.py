"""Metres and swing: strengths, notation, players and files in each."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from segue.envs.base.errors import SegueError
from segue.envs.film.beats import BeatGrid
from segue.envs.lead_sheet.types import Brief
from segue.envs.music.arrange import arrange
from segue.envs.music.audio import write_audio
from segue.envs.music.changes import parse_changes
from segue.envs.music.metre import COMMON_TIME, METRES, Metre, parse_metre
from segue.envs.music.midi import TICKS_PER_QUARTER, midi_bytes
from segue.envs.music.moods import MOODS
from segue.envs.music.musicxml import musicxml_bytes
from segue.envs.music.notation import written_notes
from segue.envs.music.piano_roll import piano_roll
from segue.envs.music.score import score_image
from segue.envs.music.tune import Note, Tune
from segue.experiments.compose_verb import compose_verb
from segue.experiments.verbs import tune_grid

KICK, RIDE = 36, 51
ALL_METRES = (*METRES.values(), Metre(9, 8), Metre(12, 8), Metre(3, 8), Metre(2, 2), Metre(5, 4))


def tune_in(metre: Metre, mood: str = "happy", bars: int = 4, swing: float = 1.0) -> Tune:
    """Two chords a bar in C, and a melody of all lengths on the grid of eighths."""
    spans = parse_changes(" | ".join(["C F", "G7"] * (bars // 2)), metre)
    generator = np.random.default_rng(metre.slots)
    slots, notes, now = bars * metre.slots, [], 0
    while now < slots:
        length = int(min(generator.integers(1, 8), slots - now))
        if generator.random() < 0.8:
            notes.append(Note(now / 2, length / 2, int(generator.integers(60, 80))))
        now += length
    return Tune("Study", 0, "major", 96.0, metre, bars, mood, tuple(notes), spans, swing)


# --- the metre ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "strengths"),
    [
        ("2/4", [1, 0.125, 0.5, 0.125]),
        ("3/4", [1, 0.125, 0.25, 0.125, 0.25, 0.125]),
        ("4/4", [1, 0.125, 0.25, 0.125, 0.5, 0.125, 0.25, 0.125]),
        ("6/8", [1, 0.125, 0.125, 0.5, 0.125, 0.125]),
    ],
)
def test_metrical_strength_halves_from_level_to_level(name: str, strengths: list[float]) -> None:
    assert METRES[name].strengths().tolist() == strengths


def test_bars_are_felt_in_beats_and_groups() -> None:
    felt = {str(metre): (metre.quarters, metre.pulse, metre.pulses) for metre in ALL_METRES}
    assert felt["6/8"] == (3.0, 1.5, 2)
    assert felt["3/4"] == (3.0, 1.0, 3)
    assert felt["12/8"] == (6.0, 1.5, 4)
    assert felt["3/8"] == (1.5, 1.5, 1)
    assert felt["2/2"] == felt["4/4"] == (4.0, 1.0, 4)
    assert Metre(6, 8).groups == ((0.0, 1.5), (1.5, 1.5))
    assert Metre(5, 4).groups == ((0.0, 3.0), (3.0, 2.0))
    for metre in ALL_METRES:
        assert len(metre.strengths()) == metre.slots
        assert sum(size for _, size in metre.groups) == metre.quarters


@pytest.mark.parametrize("figures", [(5, 8), (4, 3), (0, 4), (17, 4), (3, 16)])
def test_other_metres_are_refused(figures: tuple[int, int]) -> None:
    with pytest.raises(SegueError, match=f"metre {figures[0]}/{figures[1]} cannot"):
        Metre(*figures)


def test_metres_are_read() -> None:
    assert parse_metre(" 6 / 8 ") == Metre(6, 8)
    for text in ("5/4", "waltz", "", "4"):
        with pytest.raises(SegueError, match="choose one of 2/4, 3/4, 4/4, 6/8"):
            parse_metre(text)


# --- swing -------------------------------------------------------------------------------------


def test_swing_moves_the_second_eighth_and_no_beat() -> None:
    swung = [COMMON_TIME.swung(eighth / 2, 2.0) for eighth in range(5)]
    assert swung == pytest.approx([0, 2 / 3, 1, 5 / 3, 2])
    assert COMMON_TIME.swung(0.5, 3.0) == pytest.approx(0.75)
    jig = [Metre(6, 8).swung(eighth / 2, 2.0) for eighth in range(7)]
    assert jig == pytest.approx([0, 2 / 3, 1, 1.5, 1.5 + 2 / 3, 2.5, 3])
    assert Metre(6, 8).swung(1.25, 2.0) == 1.25, "the third eighth stays as it is"
    for metre in ALL_METRES:
        times = np.arange(0, 12, 1 / 16)
        assert [metre.swung(t, 1.0) for t in times] == pytest.approx(times)
        assert np.all(np.diff([metre.swung(t, 2.5) for t in times]) > 0)


def test_swing_is_heard_and_not_written() -> None:
    straight, swings = tune_in(COMMON_TIME), tune_in(COMMON_TIME, swing=2.0)
    third = TICKS_PER_QUARTER * 2 // 3

    def places(tune: Tune) -> set[int]:
        places, file = set(), mido.MidiFile(file=io.BytesIO(midi_bytes(tune)))
        for track in file.tracks:
            now = 0
            for message in track:
                now += message.time
                if message.type == "note_on" and message.velocity:
                    places.add(now % TICKS_PER_QUARTER)
        return places

    assert places(straight) == {0, TICKS_PER_QUARTER // 2}
    assert places(swings) == {0, third}
    assert written_notes(straight) == written_notes(swings)
    assert b"Happy, swing</words>" in musicxml_bytes(swings)
    assert b"swing" not in musicxml_bytes(straight)
    assert not np.array_equal(score_image(straight, 700), score_image(swings, 700))
    assert swings.seconds == straight.seconds


@pytest.mark.parametrize("swing", [0.9, 3.1, float("nan")])
def test_swing_out_of_range_is_told(swing: float) -> None:
    with pytest.raises(SegueError, match="swing of"):
        midi_bytes(tune_in(COMMON_TIME, swing=swing))


# --- notation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("metre", ALL_METRES, ids=str)
def test_bars_are_full_and_beats_are_seen(metre: Metre) -> None:
    written = written_notes(tune_in(metre, bars=8))
    for bar in range(8):
        inside = [note for note in written if note.bar == bar]
        ends = [note.place + note.value for note in inside]
        assert [note.place for note in inside] == [0.0, *ends[:-1]]
        assert ends[-1] == metre.quarters
    if metre.compound:
        for note in written:
            begins_beat = note.place % 1.5 == 0
            assert note.place % 1.5 + note.value <= 1.5 or (begins_beat and note.value % 1.5 == 0)


@pytest.mark.parametrize("metre", METRES.values(), ids=str)
def test_other_programs_read_the_bars(metre: Metre) -> None:
    from music21 import converter, harmony, meter, tempo

    tune = tune_in(metre)
    score = converter.parse(musicxml_bytes(tune).decode(), format="musicxml")
    bars = list(score.parts[0]["Measure"])
    assert [bar.quarterLength for bar in bars] == [metre.quarters] * tune.bars
    assert [sum(n.quarterLength for n in bar.notesAndRests if not isinstance(n, harmony.Harmony))
            for bar in bars] == [metre.quarters] * tune.bars  # fmt: skip
    flat = score.flatten()
    assert [s.ratioString for s in flat[meter.TimeSignature]] == [str(metre)]
    assert [m.number for m in flat[tempo.MetronomeMark]] == [96]
    assert [float(s.offset) for s in flat[harmony.ChordSymbol]] == [c.onset for c in tune.chords]
    read = [n for n in score.stripTies().flatten().notes if n.isNote]
    assert [(float(n.offset), float(n.quarterLength), n.pitch.midi) for n in read] == [
        (n.onset, n.duration, n.pitch) for n in tune.notes
    ]


@pytest.mark.parametrize("metre", METRES.values(), ids=str)
def test_the_piano_roll_has_a_line_a_beat(metre: Metre) -> None:
    picture = piano_roll(dataclasses.replace(tune_in(metre), notes=(), chords=()), 300, 1600)
    row = picture[200].astype(int).sum(axis=1)
    darker = np.concatenate([[False], row < np.median(row)])
    lines = np.flatnonzero(np.diff(darker.astype(int)) == 1)
    assert len(lines) == 4 * metre.pulses + 1


# --- players -----------------------------------------------------------------------------------


@pytest.mark.parametrize("swing", [1.0, 2.0])
@pytest.mark.parametrize("metre", ALL_METRES, ids=str)
def test_every_mood_plays_in_every_metre(metre: Metre, swing: float) -> None:
    for mood in MOODS:
        tune = tune_in(metre, mood, swing=swing)
        for part in arrange(tune):
            onsets = [note.onset for note in part.notes]
            assert onsets == sorted(onsets)
            sounding: dict[int, float] = {}
            for note in part.notes:
                assert note.duration > 0
                assert 0 <= note.onset < tune.quarters
                assert part.is_drum or note.onset + note.duration <= tune.quarters + 1e-9
                assert sounding.get(note.pitch, 0.0) <= note.onset + 1e-9, "struck while it sounds"
                sounding[note.pitch] = note.onset + note.duration


def struck(tune: Tune, part: str, bar: int = 0) -> list[float]:
    notes = next(p for p in arrange(tune) if p.name == part).notes
    begin, end = bar * tune.metre.quarters, (bar + 1) * tune.metre.quarters
    return sorted({note.onset - begin for note in notes if begin <= note.onset < end})


def test_each_metre_has_its_accompaniment() -> None:
    # Happy: chords after the beats, bass on the roots, drums. Bar 1 holds one chord.
    chords = {name: struck(tune_in(metre), "Chords", 1) for name, metre in METRES.items()}
    assert chords["2/4"] == [0.5, 1.5]
    assert chords["3/4"] == [1.0, 2.0]
    assert chords["4/4"] == [0.5, 1.5, 2.5, 3.5]
    assert chords["6/8"] == [0.5, 1.0, 2.0, 2.5]
    bass = {name: struck(tune_in(metre), "Bass", 1) for name, metre in METRES.items()}
    assert bass == {"2/4": [0, 1], "3/4": [0], "4/4": [0, 2], "6/8": [0, 1.5]}
    for metre in METRES.values():
        tune = tune_in(metre)
        drums = next(p for p in arrange(tune) if p.is_drum).notes
        kicks = {note.onset % metre.quarters for note in drums if note.pitch == KICK}
        assert 0.0 in kicks
        assert kicks <= {0.0, 2.0}


def test_each_chord_of_a_bar_is_played() -> None:
    for mood in MOODS:
        for metre in METRES.values():
            tune = tune_in(metre, mood)
            parts = {part.name: part.notes for part in arrange(tune)}
            for span in tune.chords:
                end = span.onset + span.duration
                during = {
                    n.pitch % 12
                    for n in parts["Chords"]
                    if n.onset < end and n.onset + n.duration > span.onset
                }
                assert during, (mood, metre, span)
                assert during <= span.chord.pitch_classes
                if "Bass" in parts:
                    low = next(n for n in parts["Bass"] if n.onset >= span.onset)
                    assert (low.onset, low.pitch % 12) == (span.onset, span.chord.root)


def test_swing_brings_ride_cymbal_and_walking_bass() -> None:
    tune = tune_in(COMMON_TIME, swing=2.0)
    drums = next(part for part in arrange(tune) if part.is_drum).notes
    ride = [note.onset for note in drums if note.pitch == RIDE and note.onset < 4]
    assert ride == [0.0, 1.0, 1.5, 2.0, 3.0, 3.5]
    assert struck(tune, "Bass", 1) == [0.0, 1.0, 2.0, 3.0]
    walk = next(part for part in arrange(tune) if part.name == "Bass").notes
    last, root = (next(n.pitch for n in walk if n.onset == onset) for onset in (7.0, 8.0))
    assert abs(last - root) == 1, "a semitone into the next root"
    straight = arrange(tune_in(COMMON_TIME))
    assert all(note.pitch != RIDE for part in straight if part.is_drum for note in part.notes)


@pytest.mark.parametrize("metre", METRES.values(), ids=str)
def test_films_are_cut_to_the_felt_beats(metre: Metre, tmp_path: Path) -> None:
    tune = tune_in(metre)
    write_audio(tune, tmp_path / "tune.wav")
    grid = tune_grid(tune, tmp_path / "tune.wav")
    assert isinstance(grid, BeatGrid)
    assert len(grid.strength) == 4 * metre.pulses
    assert np.diff(grid.times) == pytest.approx(metre.pulse * 60 / 96)
    assert grid.times[-1] == pytest.approx(tune.seconds)
    strong = np.flatnonzero(grid.strength >= grid.strength[metre.pulses])
    assert strong.tolist() == [bar * metre.pulses for bar in range(4)]


def test_the_verb_writes_what_was_asked_for(tmp_path: Path) -> None:
    brief = Brief("calm", 4, "Am7 D7 | Gmaj7", "G major", "6/8", 90.0, 1.5)
    record, lines = compose_verb(brief, 0, None, tmp_path / "run", ["segue", "compose"])
    assert record["fraction_of_optimum"] == pytest.approx(1.0)
    assert lines[0].startswith("Calm No. 1: return ")
    midi = mido.MidiFile(record["files"]["tune.mid"])
    messages = [message for track in midi.tracks for message in track]
    metres = [(m.numerator, m.denominator) for m in messages if m.type == "time_signature"]
    assert metres == [(6, 8)]
    assert [m.key for m in messages if m.type == "key_signature"] == ["G"]
    tempi = [mido.tempo2bpm(m.tempo) for m in messages if m.type == "set_tempo"]
    assert tempi == [pytest.approx(90, abs=0.01)]
    assert soundfile.info(record["files"]["tune.wav"]).duration == pytest.approx(8.0, abs=0.01)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["config"]["chords"] == "Am7 D7 | Gmaj7"
    assert manifest["config"]["metre"] == "6/8"
