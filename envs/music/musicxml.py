"""MusicXML: the lead sheet, melody with chord symbols."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from segue.envs.base.atomic import atomic_path
from segue.envs.music.chords import QUALITIES, Chord
from segue.envs.music.moods import mood
from segue.envs.music.notation import WrittenNote, written_notes
from segue.envs.music.scales import MODES, name_at, readable, signature, spelling
from segue.envs.music.tune import Tune

BARS_PER_LINE = 4

# MusicXML's name of each quality; then a scale step that is added to it or altered in it, and by
# how many semitones.
_Change = tuple[str, int, int]
_KINDS: dict[str, tuple[str, _Change | None]] = {
    "maj": ("major", None),
    "min": ("minor", None),
    "dim": ("diminished", None),
    "aug": ("augmented", None),
    "sus2": ("suspended-second", None),
    "sus4": ("suspended-fourth", None),
    "6": ("major-sixth", None),
    "min6": ("minor-sixth", None),
    "7": ("dominant-seventh", None),
    "maj7": ("major-seventh", None),
    "min7": ("minor-seventh", None),
    "minmaj7": ("minor-major-seventh", None),
    "m7b5": ("half-diminished-seventh", None),
    "dim7": ("diminished-seventh", None),
    "7sus4": ("suspended-fourth-seventh", None),
    "add9": ("major", ("add", 9, 0)),
    "minadd9": ("minor", ("add", 9, 0)),
    "9": ("dominant-ninth", None),
    "maj9": ("major-ninth", None),
    "min9": ("minor-ninth", None),
    "5": ("power", None),
    "69": ("major-sixth", ("add", 9, 0)),
    "7#5": ("augmented-seventh", None),
    "7b5": ("dominant-seventh", ("alter", 5, -1)),
    "7b9": ("dominant-seventh", ("add", 9, -1)),
    "7#9": ("dominant-seventh", ("add", 9, 1)),
    "13": ("dominant-seventh", ("add", 13, 0)),
    "min11": ("minor-seventh", ("add", 11, 0)),
}

_CHANGED = {
    **{"major": "", "minor": "m", "major-sixth": "6"},
    **{"dominant-seventh": "7", "minor-seventh": "m7"},
}

# How far each chord tone lies from the root on the line of fifths, by semitones above the root.
_TONE_FIFTHS = {0: 0, 1: -5, 2: 2, 3: -3, 4: 4, 5: -1, 6: -6, 7: 1, 8: 8, 9: 3, 10: -2, 11: 5}


def write_musicxml(tune: Tune, path: Path | str) -> None:
    """Write a tune as a MusicXML lead sheet.

    One staff: key, metre and tempo, the melody with ties over barlines, chord symbols above,
    a new line every `BARS_PER_LINE` bars.

    Parameters
    ----------
    tune : Tune
        The tune.
    path : Path or str
        The file to make (.musicxml or .xml); it appears whole or not at all.

    Raises
    ------
    SegueError
        If the file cannot be written, or the mood or the key is unknown.
    """
    data = musicxml_bytes(tune)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


@lru_cache(maxsize=1)  # Asked for by the file and by the score.
def musicxml_bytes(tune: Tune) -> bytes:
    """The text of `write_musicxml`, UTF-8. Raises `SegueError` as that does."""
    # Its import takes longer than most programs that use this package run.
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    exporter = GeneralObjectExporter(_score(tune))
    # The score is complete; music21 would add naturals after the notes of chord symbols.
    exporter.makeNotation = False
    exported: bytes = exporter.parse()
    # The same tune gives the same file on any day.
    return re.sub(rb"\s*<encoding-date>[^<]*</encoding-date>", b"", exported)


def note_name(pitch: int, tune: Tune, chord: Chord | None) -> str:
    """Spell a melody note: by the key, or by the chord if it is a tone of it outside the key.

    Parameters
    ----------
    pitch : int
        MIDI pitch.
    tune : Tune
        Gives the key.
    chord : Chord or None
        What sounds with the note.

    Returns
    -------
    str
        Letter, accidentals (``#`` or ``b``) and octave, such as ``"C#5"``.
    """
    places = spelling(tune.tonic, tune.mode)
    place = places[pitch % 12]
    in_key = (pitch - tune.tonic) % 12 in MODES[tune.mode]
    if chord is not None and not in_key:
        above = (pitch - chord.root) % 12
        if above in QUALITIES[chord.quality][0]:
            # The seventh of a diminished seventh chord is nine semitones above, but a seventh.
            fifths = -9 if above == 9 and chord.quality == "dim7" else _TONE_FIFTHS[above]
            place = readable(places[chord.root] + fifths)
    name = name_at(place)
    octave = (pitch - name.count("#") + name[1:].count("b")) // 12 - 1
    return f"{name}{octave}"


def _score(tune: Tune) -> Any:
    """The music21 score of a tune."""
    from music21 import clef, instrument, metadata, stream

    score = stream.Score()
    score.metadata = metadata.Metadata()
    score.metadata.title = tune.title
    score.metadata.composer = "segue"
    part = stream.Part(id="melody")
    # A named instrument class would transpose the part of a clarinet or horn.
    player = instrument.Instrument("Melody")
    player.partId, player.instrumentId = "P1", "P1-I1"  # Else random, and no two files equal.
    player.midiProgram = (tune.style or mood(tune.mood)).melody_program
    part.insert(0, player)
    measures = _measures(tune)
    pitches = [note.pitch for note in tune.notes]
    low = bool(pitches) and sum(pitches) / len(pitches) < 57
    measures[0].insert(0, clef.BassClef() if low else clef.TrebleClef())
    for measure in measures:
        part.append(measure)
    part.makeBeams(inPlace=True)
    part.makeAccidentals(inPlace=True, cautionaryNotImmediateRepeat=False)
    # Only now: music21 takes the notes of a chord symbol for notes that accidentals act upon.
    for span in tune.chords:
        number = int(span.onset // tune.metre.quarters)
        if number < tune.bars:
            place = span.onset - number * tune.metre.quarters
            measures[number].insert(place, _chord_symbol(span.chord, tune))
    score.insert(0, part)
    return score


def _measures(tune: Tune) -> list[Any]:
    """One music21 measure a bar."""
    from music21 import bar, key, layout, meter, stream, tempo

    measures = [stream.Measure(number=number + 1) for number in range(tune.bars)]
    text = tune.mood.replace("_", " ").capitalize() + (", swing" if tune.swing > 1 else "")
    measures[0].insert(0, key.KeySignature(signature(tune.tonic, tune.mode)))
    measures[0].insert(0, meter.TimeSignature(str(tune.metre)))
    mark = tempo.MetronomeMark(text=text, number=round(tune.tempo, 2))
    mark.placement = "above"
    measures[0].insert(0, mark)
    for measure in measures[BARS_PER_LINE::BARS_PER_LINE]:
        measure.insert(0, layout.SystemLayout(isNew=True))
    for written in written_notes(tune):
        measures[written.bar].insert(written.place, _notehead(written, tune))
    measures[-1].rightBarline = bar.Barline("final")
    return measures


def _notehead(written: WrittenNote, tune: Tune) -> Any:
    from music21 import note, tie

    if written.pitch is None:
        rest = note.Rest(quarterLength=written.value)
        rest.fullMeasure = written.value == tune.metre.quarters
        return rest
    onset = written.bar * tune.metre.quarters + written.place
    chord = next((c.chord for c in tune.chords if c.onset <= onset < c.onset + c.duration), None)
    name = note_name(written.pitch, tune, chord)
    head = note.Note(name.replace("b", "-"), quarterLength=written.value)
    if written.tied_from or written.tied_to:
        kinds = {(False, True): "start", (True, True): "continue", (True, False): "stop"}
        head.tie = tie.Tie(kinds[written.tied_from, written.tied_to])
    return head


def _chord_symbol(chord: Chord, tune: Tune) -> Any:
    from music21 import harmony

    kind, change = _KINDS[chord.quality]
    place = spelling(tune.tonic, tune.mode)[chord.root]
    symbol = harmony.ChordSymbol(root=name_at(place).replace("b", "-"), kind=kind)
    if change is not None:
        symbol.addChordStepModification(harmony.ChordStepModification(*change))
    # Readers write the changed step themselves.
    symbol.chordKindStr = QUALITIES[chord.quality][1] if change is None else _CHANGED[kind]
    return symbol
