"""One measure of a MusicXML part."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from segue.envs.music.chords import Chord
from segue.envs.music.corpus.layout import checked_metre
from segue.envs.music.corpus.measures import TICKS, Key, Measure, TimeSignature, WrittenNote
from segue.envs.music.corpus.melody import skyline

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
# Names, and semitones from the tonic of the major key with the same signature.
_MODES = {
    **{"major": ("major", 0), "ionian": ("major", 0), "minor": ("minor", 9)},
    **{"aeolian": ("minor", 9), "dorian": ("dorian", 2), "phrygian": ("phrygian", 4)},
    **{"lydian": ("lydian", 5), "mixolydian": ("mixolydian", 7), "locrian": ("phrygian", 11)},
}
_KINDS = {
    **{"major": "maj", "minor": "min", "augmented": "aug", "diminished": "dim"},
    **{"dominant": "7", "major-seventh": "maj7", "minor-seventh": "min7"},
    **{"diminished-seventh": "dim7", "half-diminished": "m7b5", "major-minor": "minmaj7"},
    **{"major-sixth": "6", "minor-sixth": "min6", "dominant-ninth": "9", "major-ninth": "maj9"},
    **{"minor-ninth": "min9", "suspended-second": "sus2", "suspended-fourth": "sus4"},
}
_DOUBLE = frozenset(("light-light", "light-heavy", "heavy-light", "heavy-heavy"))
_LARGEST = 10**7


class MusicXmlError(Exception):
    """What is wrong with an element, in words that fit into a sentence."""


@dataclass
class Part:
    """What is known of a part while its measures go by.

    Attributes
    ----------
    name : str
        Its name in the list of parts.
    divisions : int
        Divisions of a quarter note.
    fifths : int or None
        Key signature; None before the first.
    key : tuple or None
        The key, where the file names a mode, too.
    metre : tuple of int or None
        Time signature.
    transposition : int
        Semitones from written to sounding pitch.
    opens : bool
        Whether the next measure opens a section.
    ending : int
        Alternative ending that is under way; 0 for none.
    measures : list of Measure
        So far.
    signatures : list of (int, Measure)
        Measures of which only the signature is known, not the mode.
    sounding : list of list of WrittenNote
        By measure: all notes of all staves.
    """

    name: str
    divisions: int = 1
    fifths: int | None = None
    key: Key | None = None
    metre: TimeSignature | None = None
    transposition: int = 0
    opens: bool = False
    ending: int = 0
    measures: list[Measure] = field(default_factory=list)
    signatures: list[tuple[int, Measure]] = field(default_factory=list)
    sounding: list[list[WrittenNote]] = field(default_factory=list)


class MeasureReader:
    """Reads a measure's elements into a `Measure` of `part`.

    Parameters
    ----------
    part : Part
        Its part, which is kept up to date.

    Attributes
    ----------
    measure : Measure
        The measure; complete after `finish`.
    sounding : list of WrittenNote
        All notes.
    tempo : float or None
        Quarter notes a minute, where the measure says.
    """

    def __init__(self, part: Part) -> None:
        self.measure = Measure(part.metre, part.key, part.opens, part.ending)
        self.sounding: list[WrittenNote] = []
        self.tempo: float | None = None
        self._part = part
        self._melodic: list[WrittenNote] = []
        self._now = self._onset = 0
        self._closes = False
        part.opens = False

    def read(self, element: Element) -> None:
        """Read one child of the measure; unknown ones are passed over.

        Raises
        ------
        MusicXmlError
            If a number in it makes no sense.
        """
        match element.tag:
            case "note":
                self._note(element)
            case "backup":
                self._now = max(0, self._now - self._duration(element))
            case "forward":
                self._move(self._duration(element))
            case "attributes":
                self._attributes(element)
            case "harmony":
                self._harmony(element)
            case "barline":
                self._barline(element)
            case "direction" | "sound":
                self._tempo(element)

    def finish(self) -> None:
        """Take the first staff's top line and add the measure to its part."""
        part, measure = self._part, self.measure
        measure.metre, measure.key = part.metre, part.key
        measure.notes = skyline(self._melodic)
        if part.fifths is not None and part.key is None:
            part.signatures.append((part.fifths, measure))
        part.measures.append(measure)
        part.sounding.append(self.sounding)
        part.opens |= self._closes

    def _move(self, ticks: int) -> None:
        self._now += ticks
        self.measure.ticks = max(self.measure.ticks, self._now)

    def _duration(self, element: Element) -> int:
        """Ticks of a duration in divisions; programs write fractions of these, too."""
        text = element.findtext("duration") or "0"
        try:
            divisions = float(text)
        except ValueError:
            divisions = -1.0
        if not 0 <= divisions <= _LARGEST:
            raise MusicXmlError(f"a duration of {text.strip()[:20]!r}")
        return round(divisions * TICKS / self._part.divisions)

    def _note(self, note: Element) -> None:
        if note.find("grace") is not None or note.find("cue") is not None:
            return
        ticks = self._duration(note)
        if note.find("chord") is None:
            self._onset = self._now
            self._move(ticks)
        pitch = note.find("pitch")
        if pitch is None or not ticks:
            return
        step = _STEPS.get((pitch.findtext("step") or "").strip())
        if step is None:
            raise MusicXmlError("a note without a step from A to G")
        alter = round(_number(pitch, "alter", 0.0, 3.0))
        octave = round(_number(pitch, "octave", 4.0, 12.0))
        sounding = 12 * (octave + 1) + step + alter + self._part.transposition
        if not 0 <= sounding <= 127:
            raise MusicXmlError("a note outside the range of MIDI")
        tied = any(tie.get("type") == "start" for tie in note.findall("tie"))
        written = WrittenNote(self._onset, ticks, sounding, tied)
        self.sounding.append(written)
        if (note.findtext("staff") or "1").strip() == "1":
            self._melodic.append(written)

    def _attributes(self, attributes: Element) -> None:
        part = self._part
        if attributes.find("divisions") is not None:
            divisions = _number(attributes, "divisions", 1.0, 1e6)
            if divisions < 1:
                raise MusicXmlError("it has fewer than one division in a quarter note")
            part.divisions = round(divisions)
        key = attributes.find("key")
        if key is not None and key.find("fifths") is not None:
            part.fifths = round(_number(key, "fifths", 0.0, 7.0))
            mode = _MODES.get((key.findtext("mode") or "").strip().lower())
            part.key = None
            if mode is not None:
                part.key = ((7 * part.fifths + mode[1]) % 12, mode[0])
        time = attributes.find("time")
        if time is not None:
            part.metre = None
            beats, unit = time.findtext("beats") or "", time.findtext("beat-type") or ""
            terms = [term.strip() for term in beats.split("+")]
            if all(_is_count(text) for text in (*terms, unit.strip())):
                part.metre = checked_metre(sum(int(term) for term in terms), int(unit))
        transpose = attributes.find("transpose")
        if transpose is not None:
            chromatic = _number(transpose, "chromatic", 0.0, 48.0)
            part.transposition = round(
                chromatic + 12 * _number(transpose, "octave-change", 0.0, 4.0)
            )

    def _harmony(self, harmony: Element) -> None:
        root = harmony.find("root")
        quality = _KINDS.get((harmony.findtext("kind") or "").strip())
        # Symbols that `Chord` cannot express are left out rather than bent.
        if root is None or quality is None or harmony.find("degree") is not None:
            return
        step = _STEPS.get((root.findtext("root-step") or "").strip())
        if step is not None:
            alter = round(_number(root, "root-alter", 0.0, 3.0))
            chord = Chord((step + alter + self._part.transposition) % 12, quality)
            self.measure.chords.append((self._now, chord))

    def _barline(self, barline: Element) -> None:
        repeat, ending = barline.find("repeat"), barline.find("ending")
        right = barline.get("location", "right") == "right"
        if repeat is not None or (barline.findtext("bar-style") or "").strip() in _DOUBLE:
            if right:
                self._closes = True
            else:
                self.measure.opens = True
        if ending is None:
            return
        if ending.get("type") == "start":
            digit = ending.get("number", "1").strip()[:1]
            self._part.ending = self.measure.ending = int(digit) if _is_count(digit) else 1
        else:
            self._part.ending = 0
            self._closes = True

    def _tempo(self, element: Element) -> None:
        sound = element if element.tag == "sound" else element.find("sound")
        if sound is None or self.tempo is not None:
            return
        try:
            tempo = float(sound.get("tempo", ""))
        except ValueError:
            return
        if 20.0 <= tempo <= 400.0:
            self.tempo = tempo


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _number(element: Element, tag: str, missing: float, largest: float) -> float:
    """Return the number in a child; `missing` where there is none."""
    text = element.findtext(tag)
    if text is None or not text.strip():
        return missing
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) <= largest:
        raise MusicXmlError(f"a {tag} of {text.strip()[:20]!r}")
    return number
