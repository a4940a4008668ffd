from __future__ import annotations

import dataclasses
import io
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pytest
import symusic

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.music.accompaniment import BASS_LINES, PATTERNS
from segue.envs.music.arrange import arrange
from segue.envs.music.chords import QUALITIES, Chord, parse_symbol, roman
from segue.envs.music.drums import GROOVES
from segue.envs.music.metre import COMMON_TIME, Metre
from segue.envs.music.midi import midi_bytes, write_midi
from segue.envs.music.moods import MOODS, mood
from segue.envs.music.musicxml import note_name, write_musicxml
from segue.envs.music.notation import written_notes
from segue.envs.music.parts import accent
from segue.envs.music.scales import (
    MODES,
    key_name,
    pitch_class_name,
    pitch_name,
    scale_classes,
    signature,
    spelling,
)
from segue.envs.music.tune import ChordSpan, Note, Tune
from segue.envs.music.voicing import voice


def ode(mood_name: str = "hopeful", tempo: float = 132.0) -> Tune:
    """First eight bars of the Ode to Joy (Beethoven, public domain)."""
    opening = [(64, 1), (64, 1), (65, 1), (67, 1), (67, 1), (65, 1), (64, 1), (62, 1)]
    opening += [(60, 1), (60, 1), (62, 1), (64, 1)]
    first, second = [(64, 1.5), (62, 0.5), (62, 2.0)], [(62, 1.5), (60, 0.5), (60, 2.0)]
    notes, onset = [], 0.0
    for pitch, value in opening + first + opening + second:
        notes.append(Note(onset, value, pitch + 12))
        onset += value
    symbols = ["C", "G", "Am", "G7", "C", "G7", "C", "C"]
    chords = tuple(ChordSpan(4.0 * i, 4.0, parse_symbol(s)) for i, s in enumerate(symbols))
    return Tune("Ode to Joy", 0, "major", tempo, Metre(4, 4), 8, mood_name, tuple(notes), chords)


def waltz() -> Tune:
    """Three in a bar, ties, rests, an upbeat eighth across the barline, E flat minor."""
    notes = (
        Note(0.5, 1.0, 63),
        Note(2.5, 1.5, 66),
        Note(4.0, 0.25, 70),
        Note(4.25, 0.75, 69),
        Note(7.0, 4.5, 63),
    )
    chords = (
        ChordSpan(0.0, 3.0, roman("i", 3, "harmonic_minor")),
        ChordSpan(3.0, 1.5, roman("V7", 3, "harmonic_minor")),
        ChordSpan(4.5, 1.5, roman("viio7", 3, "harmonic_minor")),
        ChordSpan(6.0, 6.0, roman("iadd9", 3, "harmonic_minor")),
    )
    return Tune("Waltz", 3, "harmonic_minor", 90.0, Metre(3, 4), 4, "dark", notes, chords)


# Scales and chords


def test_scales_and_signatures() -> None:
    assert scale_classes(9, "minor") == {9, 11, 0, 2, 4, 5, 7}
    known = {(0, "major"): 0, (7, "major"): 1, (10, "major"): -2, (6, "major"): 6, (9, "minor"): 0}
    known |= {(3, "minor"): -6, (2, "dorian"): 0, (5, "lydian"): 0, (7, "mixolydian"): 0}
    assert {key: signature(*key) for key in known} == known


@pytest.mark.parametrize("mode", MODES)
def test_spelling_uses_every_letter_once_in_a_scale(mode: str) -> None:
    for tonic in range(12):
        names = [pitch_class_name(c, tonic, mode) for c in scale_classes(tonic, mode)]
        assert sorted(name[0] for name in names) == list("ABCDEFG"), (tonic, names)
        for pitch_class, place in enumerate(spelling(tonic, mode)):
            assert 7 * place % 12 == pitch_class
        outside = set(range(12)) - scale_classes(tonic, mode)
        assert all(len(pitch_class_name(c, tonic, mode)) <= 2 for c in outside)


def test_names_of_keys_and_pitches() -> None:
    assert key_name(3, "major") == "E flat major"
    assert key_name(6, "harmonic_minor") == "F sharp harmonic minor"
    assert key_name(11, "minor") == "B minor"
    assert pitch_name(60, 0, "major") == "C4"
    assert pitch_name(60, 1, "minor") == "B#3"  # C sharp minor.
    assert pitch_name(59, 3, "minor") == "Cb4"  # E flat minor.
    with pytest.raises(SegueError, match="blues"):
        scale_classes(0, "blues")


@pytest.mark.parametrize(
    ("numeral", "mode", "symbol"),
    [
        ("I", "major", "C"),
        ("vi", "major", "Am"),
        ("bVII", "major", "Bb"),
        ("V7", "major", "G7"),
        ("ii7", "major", "Dm7"),
        ("iio", "minor", "Ddim"),
        ("IVmaj7", "major", "Fmaj7"),
        ("viiø7", "major", "Bm7b5"),
        ("viio7", "harmonic_minor", "Bdim7"),
        ("VI", "minor", "Ab"),
        ("bVI", "minor", "Ab"),  # Counted in the major scale: not lowered twice.
        ("#iv", "major", "F#m"),
        ("V+", "major", "Gaug"),
        ("Vsus4", "major", "Gsus4"),
        ("V7/V", "major", "D7"),
        ("II", "lydian", "D"),
    ],
)
def test_roman_numerals(numeral: str, mode: str, symbol: str) -> None:
    chord = roman(numeral, 0, mode)
    assert chord.symbol == symbol
    assert roman(numeral, 5, mode).root == (chord.root + 5) % 12
    assert parse_symbol(symbol) == chord


@pytest.mark.parametrize("text", ["", "VIII", "Iv", "H", "V8", "I?", "Vmin7", "vo9", "x", "/V"])
def test_unknown_numerals_are_refused(text: str) -> None:
    with pytest.raises(SegueError, match="Roman numeral"):
        roman(text, 0, "major")


def test_chord_symbols() -> None:
    for root in range(12):
        for quality, (steps, _) in QUALITIES.items():
            chord = Chord(root, quality)
            assert parse_symbol(chord.symbol) == chord
            assert chord.pitch_classes == {(root + step) % 12 for step in steps}
    assert parse_symbol("C/E") == Chord(0, "maj")
    assert parse_symbol("B♭-7") == Chord(10, "min7")
    assert Chord(1, "min7").symbol_in(9, "major") == "C#m7"
    assert Chord(1, "maj").symbol_in(5, "minor") == "Db"
    for text in ("", "H7", "Cfoo", "am", "C//E"):
        with pytest.raises(SegueError, match="chord symbol"):
            parse_symbol(text)
    with pytest.raises(SegueError, match="quality"):
        Chord(0, "major")


# Moods


@pytest.mark.parametrize("name", MOODS)
def test_moods_are_sound(name: str) -> None:
    entry = mood(name)
    assert 0 < entry.tempo[0] <= entry.tempo[1]
    assert 0 <= entry.density <= 1
    assert entry.pattern in PATTERNS
    assert entry.bass in {"none", *BASS_LINES}
    assert entry.drums in GROOVES
    ends = set()
    for progression in entry.progressions:
        assert len(progression) in (4, 8)
        chords = [roman(numeral, 0, entry.mode) for numeral in progression]
        ends.add(chords[-1].root)
    assert ends <= {0, 7, 10}, "a phrase ends on tonic, dominant or lowered seventh"
    assert 0 in ends
    assert ends & {7, 10}


def test_named_moods() -> None:
    assert len(MOODS) >= 10
    hopeful = mood("hopeful")
    assert hopeful.tempo == (132.0, 132.0)
    assert hopeful.mode == "major"
    assert "none" not in (hopeful.drums, hopeful.bass)
    with pytest.raises(SegueError, match="hopeful"):
        mood("hangry")


# Arrangement


@pytest.mark.parametrize("name", MOODS)
@pytest.mark.parametrize("tune", [ode(), waltz()], ids=["ode", "waltz"])
def test_every_mood_plays_within_the_tune(name: str, tune: Tune) -> None:
    parts = arrange(dataclasses.replace(tune, mood=name))
    names = [part.name for part in parts]
    assert names[:2] == ["Melody", "Chords"]
    assert ("Drums" in names) == (MOODS[name].drums != "none")
    assert ("Bass" in names) == (MOODS[name].bass != "none")
    assert len({part.channel for part in parts}) == len(parts)
    for part in parts:
        assert part.is_drum == (part.channel == 9)
        onsets = [note.onset for note in part.notes]
        assert onsets == sorted(onsets)
        sounding: dict[int, float] = {}
        for note in part.notes:
            assert note.duration > 0
            assert 0 <= note.onset < tune.quarters
            assert part.is_drum or note.onset + note.duration <= tune.quarters + 1e-9
            assert 1 <= note.velocity <= 127
            assert sounding.get(note.pitch, 0.0) <= note.onset + 1e-9, "struck while it sounds"
            sounding[note.pitch] = note.onset + note.duration


def test_melody_is_kept_and_dynamics_follow_the_metre() -> None:
    tune = ode()
    melody = arrange(tune)[0].notes
    assert [(n.onset, n.duration, n.pitch) for n in melody] == [
        (n.onset, n.duration, n.pitch) for n in tune.notes
    ]
    assert len({n.velocity for n in melody}) > 5
    assert melody[4].velocity > melody[5].velocity  # Downbeat over second beat.
    falling = [accent(place, COMMON_TIME) for place in (4.0, 2.0, 1.0, 0.5, 0.25)]
    assert falling == sorted(set(falling), reverse=True)
    assert (
        accent(3.0, Metre(5, 4)) == accent(3.0, Metre(6, 4)) > accent(2.0, Metre(6, 4))
    )  # 3 + 2 and 3 + 3.


def test_accompaniment_plays_the_chords_under_the_melody() -> None:
    tune = ode()
    parts = {part.name: part for part in arrange(tune)}
    for note in parts["Chords"].notes:
        assert note.pitch % 12 in tune.chords[int(note.onset // 4)].chord.pitch_classes
    mean = {name: np.mean([n.pitch for n in part.notes]) for name, part in parts.items()}
    assert mean["Melody"] > mean["Chords"] > mean["Bass"]
    loud = {name: np.mean([n.velocity for n in part.notes]) for name, part in parts.items()}
    assert loud["Melody"] > loud["Chords"] > loud["Pad"]
    downbeats = [n.pitch % 12 for n in parts["Bass"].notes if n.onset % 4 == 0]
    assert downbeats == [span.chord.root for span in tune.chords]


@pytest.mark.parametrize(("name", "part"), [("dark", "Chords"), ("sad", "Pad")])
def test_held_chords_keep_common_tones_within_a_phrase(name: str, part: str) -> None:
    symbols = ["C", "Am", "Am", "F", "F", "Dm", "C", "C"]
    spans = tuple(ChordSpan(4.0 * i, 4.0, parse_symbol(s)) for i, s in enumerate(symbols))
    tune = dataclasses.replace(ode(), bars=8, chords=spans, mood=name)
    notes = next(p for p in arrange(tune) if p.name == part).notes
    for span, voicing in zip(spans, voice(tune), strict=True):
        place = span.onset
        sounding = {n.pitch for n in notes if n.onset <= place < n.onset + n.duration}
        assert sounding == set(voicing.pitches), "neither lost nor left over"
    struck = [len([n for n in notes if n.onset == span.onset]) for span in spans]
    # One new tone in bars 2, 4 and 6, three in bar 7; a phrase in bar 5, the last chord in bar 8.
    assert struck == [3, 1, 0, 1, 3, 1, 3, 3]


def test_the_last_bar_holds_one_chord() -> None:
    tune = ode()
    for part in arrange(tune)[1:]:
        last = [note for note in part.notes if note.onset >= tune.quarters - 4]
        assert {note.onset for note in last} == {tune.quarters - 4}
        if not part.is_drum:
            assert {note.onset + note.duration for note in last} == {tune.quarters}


def test_drums_fill_at_phrase_ends() -> None:
    drums = next(part for part in arrange(ode()) if part.is_drum)
    beat = [
        [(n.onset % 4, n.pitch) for n in drums.notes if bar * 4 <= n.onset < bar * 4 + 4]
        for bar in range(4)
    ]
    assert beat[0] == beat[1]
    assert beat[3] != beat[0]
    assert any(place % 0.5 for place, _ in beat[3])


def test_voices_move_little() -> None:
    pitches = [voicing.pitches for voicing in voice(ode())]
    for before, after in pairwise(pitches):
        assert all(min(abs(p - q) for q in before) <= 4 for p in after)
    assert all(48 <= p <= 76 for chord in pitches for p in chord)
    symbols = ["C", "F", "Am", "Em", "G", "Bdim", "Dm", "Bb"]
    spans = tuple(ChordSpan(4.0 * i, 4.0, parse_symbol(s)) for i, s in enumerate(symbols))
    for before, after in pairwise(voice(dataclasses.replace(ode(), chords=spans))):
        shared = before.chord.pitch_classes & after.chord.pitch_classes
        assert shared <= {p % 12 for p in {*before.pitches} & {*after.pitches}}, "kept in place"


# Writers


def test_midi_reads_back(tmp_path: Path) -> None:
    tune = ode()
    write_midi(tune, tmp_path / "ode.mid")
    score = symusic.Score(str(tmp_path / "ode.mid"))
    assert score.ticks_per_quarter == 480
    assert [tempo.qpm for tempo in score.tempos] == [pytest.approx(132.0, abs=0.001)]
    assert [(s.numerator, s.denominator) for s in score.time_signatures] == [(4, 4)]
    parts = {part.name: part for part in arrange(tune)}
    assert [track.name for track in score.tracks] == list(parts)
    for track in score.tracks:
        part = parts[track.name]
        assert (track.program, track.is_drum) == (part.program, part.is_drum)
        read = sorted((n.time, n.duration, n.pitch, n.velocity) for n in track.notes)
        assert read == sorted(
            (round(n.onset * 480), round(n.duration * 480), n.pitch, n.velocity) for n in part.notes
        )


def test_midi_is_plain_for_other_readers() -> None:
    file = mido.MidiFile(file=io.BytesIO(midi_bytes(waltz())))
    messages = [message for track in file.tracks for message in track]
    assert file.type == 1
    assert [m.key for m in messages if m.type == "key_signature"] == ["Ebm"]
    assert [(m.numerator, m.denominator) for m in messages if m.type == "time_signature"] == [
        (3, 4)
    ]
    volumes = {
        m.channel: m.value for m in messages if m.type == "control_change" and m.control == 7
    }
    assert volumes == {part.channel: part.volume for part in arrange(waltz())}
    assert mido.MidiFile(file=io.BytesIO(midi_bytes(waltz(), end=30.0))).length == pytest.approx(
        20.0, abs=0.01
    )


def test_notation_fills_bars_and_shows_the_beat() -> None:
    written = written_notes(waltz())
    for bar in range(4):
        inside = [note for note in written if note.bar == bar]
        assert inside[0].place == 0
        assert sum(note.value for note in inside) == 3
    shape = [(n.bar, n.place, n.value, n.pitch, n.tied_from, n.tied_to) for n in written]
    assert (0, 0.0, 0.5, None, False, False) in shape
    assert (0, 2.5, 0.5, 66, False, True) in shape
    assert (1, 0.0, 1.0, 66, True, False) in shape
    assert [s[2] for s in shape if s[3] == 63 and s[0] >= 2] == [2.0, 2.0, 0.5]
    crossing = dataclasses.replace(ode(), notes=(Note(1.5, 1.0, 72),))
    values = [n.value for n in written_notes(crossing) if n.pitch]
    assert values == [0.5, 0.5], "the middle of a bar of four stays visible"


def test_notes_are_spelled_by_the_chord_where_it_leaves_the_key() -> None:
    tune = ode()
    assert note_name(73, tune, parse_symbol("A7")) == "C#5"
    assert note_name(73, tune, parse_symbol("Db")) == "Db5"
    assert note_name(68, tune, parse_symbol("Fm")) == "Ab4"
    assert note_name(68, tune, parse_symbol("E7")) == "G#4"
    assert note_name(71, tune, None) == "B4"


@pytest.mark.parametrize("tune", [ode(), waltz()], ids=["ode", "waltz"])
def test_musicxml_reads_back(tmp_path: Path, tune: Tune) -> None:
    from music21 import converter, harmony, meter, tempo

    path = tmp_path / "tune.musicxml"
    write_musicxml(tune, path)
    score = converter.parse(path)
    assert (score.metadata.bestTitle, score.metadata.composer) == (tune.title, "segue")
    joined = score.stripTies().flatten()
    read = [
        (float(n.offset), float(n.quarterLength), n.pitch.midi) for n in joined.notes if n.isNote
    ]
    assert read == [(n.onset, n.duration, n.pitch) for n in tune.notes]
    flat = score.flatten()
    assert flat.keySignature.sharps == signature(tune.tonic, tune.mode)
    assert flat[meter.TimeSignature].first().ratioString == str(tune.metre)
    assert flat[tempo.MetronomeMark].first().number == tune.tempo
    symbols = list(flat[harmony.ChordSymbol])
    assert [float(s.offset) for s in symbols] == [c.onset for c in tune.chords]
    for symbol, span in zip(symbols, tune.chords, strict=True):
        assert {p.pitchClass for p in symbol.pitches} == span.chord.pitch_classes
    assert [m.quarterLength for m in score.parts[0]["Measure"]] == [tune.metre.quarters] * tune.bars


def test_chord_symbols_cause_no_accidentals(tmp_path: Path) -> None:
    chords = (ChordSpan(0.0, 2.0, parse_symbol("E7")), ChordSpan(2.0, 30.0, parse_symbol("C")))
    notes = tuple(Note(float(i), 1.0, 55 + 12 * (i % 3)) for i in range(32))  # G in each octave.
    tune = dataclasses.replace(ode(), notes=notes, chords=chords)
    write_musicxml(tune, tmp_path / "plain.musicxml")
    assert "<accidental" not in (tmp_path / "plain.musicxml").read_text()


def test_every_quality_has_a_musicxml_kind(tmp_path: Path) -> None:
    from music21 import converter, harmony

    spans = tuple(ChordSpan(4.0 * i, 4.0, Chord(0, q)) for i, q in enumerate(QUALITIES))
    tune = dataclasses.replace(ode(), bars=len(spans), chords=spans)
    write_musicxml(tune, tmp_path / "all.musicxml")
    read = converter.parse(tmp_path / "all.musicxml").flatten()[harmony.ChordSymbol]
    found = [{p.pitchClass for p in symbol.pitches} for symbol in read]
    assert found == [span.chord.pitch_classes for span in spans]


@pytest.mark.parametrize("writer", [write_midi, write_musicxml])
def test_writers_refuse_bad_targets(tmp_path: Path, writer: object) -> None:
    tune = dataclasses.replace(ode(), bars=1)
    with pytest.raises(SegueError, match="does not exist"):
        writer(tune, tmp_path / "missing" / "tune.out")  # type: ignore[operator]
    with pytest.raises(SegueError, match="folder"):
        writer(tune, tmp_path)  # type: ignore[operator]
    with pytest.raises(SegueError, match="hangry"):
        writer(dataclasses.replace(tune, mood="hangry"), tmp_path / "t.x")  # type: ignore[operator]
    assert list(tmp_path.iterdir()) == []


def test_atomic_path_keeps_the_old_file_on_failure(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail() -> None:
        with atomic_path(target) as temporary:
            assert temporary.suffix == ".txt"
            assert temporary.parent == tmp_path
            temporary.write_text("half")
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    with atomic_path(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_atomic_path_reports_only_its_own_file(tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="too long"), atomic_path(tmp_path / ("n" * 300)) as path:
        path.write_text("x")
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.txt"):
        (tmp_path / "other.txt").read_text()
    assert list(tmp_path.iterdir()) == []


def test_slow_libraries_are_imported_late() -> None:
    code = (
        "import sys; import segue.envs.music.score, segue.envs.music.audio; "
        "names = {'music21', 'verovio', 'resvg_py', 'matplotlib', 'pretty_midi'}; "
        "slow = names & set(sys.modules); "
        "sys.exit(str(slow) if slow else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
