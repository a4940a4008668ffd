"""Hearing, part by part: melody, tatum, metre, harmony, grid, labels, ABC and MIDI."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segue.envs.film.beat_tracking import HOP, SAMPLE_RATE
from segue.envs.hearing import metre
from segue.envs.hearing.abc_writer import abc_text
from segue.envs.hearing.grid import beat_positions, written_chords, written_melody
from segue.envs.hearing.harmony import beat_chords, pitch_class_frames
from segue.envs.hearing.labels import find_key_and_mode, nearest_mood
from segue.envs.hearing.melody import is_accompanied, melody_notes, onset_events
from segue.envs.hearing.midi_writer import tune_midi
from segue.envs.hearing.tatum import find_tatum
from segue.envs.hearing.types import FIRST_PITCH, PITCHES, HeardNote, PitchEvidence, Pulse
from segue.envs.music.chords import Chord
from segue.envs.music.corpus.abc_reader import read_abc
from segue.envs.music.corpus.midi_process import MidiProcess
from segue.envs.music.corpus.midi_reader import read_midi
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.tune import ChordSpan, Note

Timed = tuple[float, float, int]


def evidence(notes: list[Timed], *, seconds: float = 0.0, strength: float = 0.9) -> PitchEvidence:
    """What a perfect ear would say of notes (start, end, pitch)."""
    frames = round(max([seconds, *(end for _, end, _ in notes)]) * SAMPLE_RATE / HOP) + 20
    sounds, struck = (np.zeros((frames, PITCHES), np.float32) for _ in range(2))
    for start, end, pitch in notes:
        first, last = (round(at * SAMPLE_RATE / HOP) for at in (start, end))
        sounds[first:last, pitch - FIRST_PITCH] = strength
        struck[first, pitch - FIRST_PITCH] = 0.95
        struck[first + 1, pitch - FIRST_PITCH] = 0.4
    return PitchEvidence(sounds, struck, True)


def line(pitches: list[int], length: float = 0.25) -> list[Timed]:
    return [(i * length, (i + 1) * length, pitch) for i, pitch in enumerate(pitches)]


def pitches_of(notes: tuple[HeardNote, ...]) -> list[int]:
    return [note.pitch for note in notes]


def tune(notes: tuple[Note, ...], **given: object) -> CorpusTune:
    plain = CorpusTune("A tune", "s", "CC0-1.0", 0, "major", (4, 4), 96.0, 0.0, notes)
    return replace(plain, **given)  # type: ignore[arg-type]


def test_a_line_is_heard_with_its_repeated_notes() -> None:
    played = line([60, 62, 62, 64, 60, 67])
    heard = melody_notes(evidence(played))
    assert pitches_of(heard) == [60, 62, 62, 64, 60, 67]
    for note, (start, end, _) in zip(heard, played, strict=True):
        assert note.start == pytest.approx(start, abs=0.03)
        assert note.end == pytest.approx(end, abs=0.06)
        assert 0.8 < note.confidence <= 1.0
    assert melody_notes(evidence([], seconds=2.0)) == ()


def test_a_new_note_needs_an_onset() -> None:
    blurred = evidence([(0.0, 1.0, 64), (1.02, 2.0, 64)])
    blurred.struck[:] = 0.0
    assert len(melody_notes(blurred)) == 1
    wavering = evidence(line([64, 67, 64, 67, 64], 0.06), strength=0.45)
    assert len(melody_notes(wavering)) == 5
    wavering.struck[:] = 0.0
    assert len(melody_notes(wavering)) < 5


def test_weak_evidence_is_silence_and_a_faint_onset_no_new_note() -> None:
    held = evidence([(0.0, 2.0, 64)])
    held.struck[80, 64 - FIRST_PITCH] = 0.4
    assert pitches_of(melody_notes(held)) == [64]
    held.struck[80, 64 - FIRST_PITCH] = 0.9
    assert pitches_of(melody_notes(held)) == [64, 64]
    assert melody_notes(evidence(line([60, 64, 67]), strength=0.2)) == ()


def test_above_an_accompaniment_the_melody_is_on_top() -> None:
    top = line([72, 74, 76, 77, 79, 77, 76, 74])
    bass = [(0.0, 1.0, 41), (0.0, 1.0, 57), (1.0, 2.0, 43), (1.0, 2.0, 59)]
    both = evidence(top + bass)
    assert is_accompanied(both)
    assert not is_accompanied(evidence(top))
    # An overtone two octaves up is no other voice.
    assert not is_accompanied(evidence(top + [(a, b, p + 24) for a, b, p in top]))
    assert pitches_of(melody_notes(both)) == [pitch for _, _, pitch in top]


@pytest.mark.parametrize("period", [0.107, 0.15, 0.3])
def test_the_tatum_is_the_grid_of_the_onsets(period: float) -> None:
    rng = np.random.default_rng(0)
    steps = np.cumsum(rng.choice([1, 1, 2, 3], 90))
    seconds = np.sort(0.2 + steps * period + rng.normal(0, 0.006, 90))
    tatum = find_tatum(seconds, np.ones(90))
    assert tatum is not None
    assert tatum.period == pytest.approx(period, rel=0.002)
    away = np.abs(tatum.times[:, None] - seconds).min(axis=0)
    assert away.max() < 0.03
    assert tatum.times[0] < seconds[0]
    assert tatum.times[-1] > seconds[-1]


def test_the_tatum_follows_a_changing_tempo_and_noise_has_none() -> None:
    lengths = 0.2 * (1 + 0.01 * np.sin(np.arange(300) / 40))
    seconds = 0.1 + np.cumsum(lengths)
    tatum = find_tatum(seconds, np.ones(300))
    assert tatum is not None
    assert np.abs(tatum.times[:, None] - seconds).min(axis=0).max() < 0.06
    # Playing in free time keeps to no grid.
    free = 0.1 + np.cumsum(0.2 * (1 + 0.03 * np.sin(np.arange(300) / 20)))
    assert find_tatum(free, np.ones(300)) is None
    scattered = np.sort(np.random.default_rng(1).uniform(0, 60, 400))
    assert find_tatum(scattered, np.ones(400)) is None
    assert find_tatum(np.array([0.0, 1.0]), np.ones(2)) is None


def heard_pulse(bar: list[tuple[float, int]], beat: float, bars: int, length: float) -> Pulse:
    """Pulse of a melody in bars of (length in beats, pitch), over changing chords."""
    played: list[Timed] = []
    for number in range(bars):
        at = number * length
        root = 41 + (0, 5, 7, 0)[number % 4]
        played += [
            (at * beat, (at + length) * beat, root + up) for up in (0, 16, 19)
        ]  # fmt: skip
        for size, pitch in bar:
            played.append((at * beat, (at + size) * beat, pitch + number % 3 * 2))
            at += size
    ear = evidence(sorted(played))
    onsets = onset_events(ear)
    tatum = find_tatum(onsets[0], onsets[1])
    assert tatum is not None
    found = metre.accents(tatum, onsets, melody_notes(ear), pitch_class_frames(ear)[0])
    return metre.pulse_of(metre.choose(metre.readings(found)), tatum, onsets[0])


@pytest.mark.parametrize(
    ("bar", "length", "signature"),
    [
        ([(1.0, 72), (0.5, 74), (0.5, 76), (1.0, 77), (0.5, 76), (0.5, 74)], 4.0, (4, 4)),
        ([(1.0, 72), (1.0, 76), (0.5, 77), (0.5, 74)], 3.0, (3, 4)),
        ([(2 / 3, 72), (1 / 3, 74), (1 / 3, 76), (1 / 3, 77), (1 / 3, 74)], 2.0, (6, 8)),
    ],
)
def test_metre_tempo_and_downbeat(
    bar: list[tuple[float, int]], length: float, signature: tuple[int, int]
) -> None:
    pulse = heard_pulse(bar, 0.6, 12, length)
    assert pulse.metre == signature
    assert pulse.tempo == pytest.approx(100.0, rel=0.01)
    assert pulse.confidence > 0.9
    downbeats = pulse.beats[pulse.downbeat :: pulse.beats_per_bar]
    away = np.abs(downbeats[:, None] - np.arange(12) * length * 0.6).min(axis=0)
    assert away.max() < 0.05


def test_chords_of_beats() -> None:
    chords = [(0, "maj"), (9, "min"), (5, "maj"), (7, "maj")]
    played: list[Timed] = []
    for number, (root, quality) in enumerate(chords):
        third = 4 if quality == "maj" else 3
        at = number * 2.0
        played += [(at, at + 2.0, 48 + root + up) for up in (-12, 0, third, 7)]
        played.append((at + 0.5, at + 1.0, 74))  # A passing note.
    heard, sure = beat_chords(pitch_class_frames(evidence(played)), np.arange(0, 8.5, 0.5))
    expected = [Chord(root, quality) for root, quality in chords for _ in range(4)]
    assert list(heard) == expected
    assert 0.8 < sure <= 1.0
    nothing, _ = beat_chords(pitch_class_frames(evidence([], seconds=2.0)), np.arange(0, 2.0, 0.5))
    assert set(nothing) == {None}


def steady(signature: tuple[int, int] = (4, 4), beat: float = 0.5) -> Pulse:
    return Pulse(1.0 + beat * np.arange(17), signature, 2, 1.0)


def test_notes_are_written_in_sixteenths_or_triplets() -> None:
    # Beat 0 lies at 2 s; a dotted rhythm, a triplet, and a note after a rest.
    starts = [2.01, 2.38, 2.5, 2.66, 2.84, 3.0, 4.02]
    ends = [2.36, 2.49, 2.65, 2.83, 3.0, 3.2, 4.4]
    heard = [
        HeardNote(a, b, 60 + i, 0.9) for i, (a, b) in enumerate(zip(starts, ends, strict=True))
    ]
    notes = written_melody(heard, steady())
    assert [note.onset for note in notes] == pytest.approx([0, 0.75, 1, 4 / 3, 5 / 3, 2, 4])
    assert [note.duration for note in notes] == pytest.approx(
        [0.75, 0.25, 1 / 3, 1 / 3, 1 / 3, 0.5, 0.75]
    )
    compound = written_melody(heard[:1], steady((6, 8)))
    assert compound[0].duration == pytest.approx(1.0)  # Four sixteenths of a dotted quarter.
    assert beat_positions(np.array([0.5, 2.0, 10.0]), steady()).tolist() == [-3.0, 0.0, 16.0]


def test_two_onsets_on_one_place_are_one_note() -> None:
    heard = [HeardNote(2.0, 2.04, 80, 0.5), HeardNote(2.05, 2.5, 60, 0.9)]
    assert [(note.onset, note.pitch) for note in written_melody(heard, steady())] == [(0.0, 60)]


def test_chords_are_joined_to_spans() -> None:
    one, other = Chord(0, "maj"), Chord(7, "maj")
    spans = written_chords([one, one, None, other], steady())
    assert spans == (ChordSpan(-2.0, 2.0, one), ChordSpan(1.0, 1.0, other))


def scale(tonic: int, steps: tuple[int, ...]) -> list[Note]:
    order = [*steps, 12, *reversed(steps)]
    return [Note(float(i), 1.0 + (step == 0), 60 + tonic + step) for i, step in enumerate(order)]


@pytest.mark.parametrize(
    ("tonic", "steps", "mode"),
    [
        (2, (0, 2, 4, 5, 7, 9, 11), "major"),
        (9, (0, 2, 3, 5, 7, 8, 10), "minor"),
        (4, (0, 2, 3, 5, 7, 9, 10), "dorian"),
        (7, (0, 2, 4, 5, 7, 9, 10), "mixolydian"),
    ],
)
def test_key_and_mode(tonic: int, steps: tuple[int, ...], mode: str) -> None:
    found, name, sure = find_key_and_mode(scale(tonic, steps), ())
    assert (found, name) == (tonic, mode)
    assert 0.5 < sure <= 1.0


def test_moods_go_by_mode_tempo_and_density() -> None:
    assert nearest_mood("minor", 66.0, 0.8) == "sad"
    assert nearest_mood("minor", 145.0, 1.6) == "energetic"
    assert nearest_mood("major", 70.0, 0.7) == "calm"
    assert nearest_mood("lydian", 80.0, 0.9) == "dreamy"
    assert nearest_mood("major", 130.0, 1.3) in ("happy", "playful", "hopeful")


def test_abc_gives_the_tune_again() -> None:
    chords = (ChordSpan(0.0, 4.0, Chord(2, "min")), ChordSpan(4.0, 6.0, Chord(9, "maj")))
    notes = (
        *(
            Note(-0.5, 0.5, 69),
            Note(0.0, 1 / 3, 62),
            Note(1 / 3, 1 / 3, 63),
            Note(2 / 3, 1 / 3, 62),
        ),
        *(Note(1.0, 0.75, 61), Note(1.75, 0.25, 60), Note(2.5, 3.0, 82), Note(6.0, 1.5, 73)),
        *(Note(7.5, 0.25, 72), Note(7.75, 2.25, 50)),
    )
    written = tune(notes, tonic=2, mode="minor", pickup=0.5, chords=chords, tempo=93.0)
    text = abc_text(written, ["one % two\nthree"])
    (again,), problems = read_abc(text.encode(), "s", "t", "x")
    assert not problems
    assert [note.pitch for note in again.notes] == [note.pitch for note in notes]
    for field in ("onset", "duration"):
        values = [[getattr(note, field) for note in one.notes] for one in (again, written)]
        assert values[0] == pytest.approx(values[1])
    assert [(span.onset, span.chord) for span in again.chords] == [
        (span.onset, span.chord) for span in chords
    ]
    same = ("tonic", "mode", "metre", "tempo", "pickup", "title")
    assert [getattr(again, name) for name in same] == [getattr(written, name) for name in same]


@pytest.mark.parametrize("mode", ["major", "minor", "dorian", "phrygian", "lydian", "mixolydian"])
@pytest.mark.parametrize("tonic", range(12))
def test_abc_spells_every_pitch_in_every_key(tonic: int, mode: str) -> None:
    rng = np.random.default_rng(tonic)
    notes = tuple(Note(i / 2, 0.5, int(p)) for i, p in enumerate(rng.integers(40, 96, 32)))
    text = abc_text(tune(notes, tonic=tonic, mode=mode))
    again = read_abc(text.encode(), "s", "t", "x")[0][0]
    assert [note.pitch for note in again.notes] == [note.pitch for note in notes]
    assert (again.tonic, again.mode) == (tonic, mode)


def test_midi_gives_the_tune_again() -> None:
    notes = tuple(Note(i / 2 - 1.0, 0.5, 60 + i % 7) for i in range(34))
    written = tune(notes, pickup=1.0, chords=(ChordSpan(0.0, 16.0, Chord(0, "maj")),))
    with MidiProcess() as process:
        again = read_midi(process.parse(tune_midi(written), "m"), "m", "t", "x")
    assert [(note.pitch, note.duration) for note in again.notes] == [
        (note.pitch, note.duration) for note in notes
    ]
    assert [note.onset % 4 for note in again.notes] == [note.onset % 4 for note in notes]
    assert (again.metre, round(again.tempo), again.tonic) == ((4, 4), 96, 0)
