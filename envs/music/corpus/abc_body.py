"""The notes of one ABC tune (ABC 2.1, chapter 4): a melody, its chord symbols and its barlines."""

from __future__ import annotations

import re
from functools import lru_cache

from segue.envs.base.errors import SegueError
from segue.envs.music.chords import Chord, parse_symbol
from segue.envs.music.corpus.abc_fields import (
    ALTERATIONS,
    LETTERS,
    SEMITONES,
    AbcSyntaxError,
    Signature,
    default_unit,
    read_key,
    read_metre,
    read_unit,
)
from segue.envs.music.corpus.measures import TICKS, Key, Measure, TimeSignature, WrittenNote

_LENGTH = r"(\d{0,4})(/{0,6})(\d{0,4})"
_NOTE = r"(\^\^|\^|__|_|=)?([A-Ga-g])([,']{0,6})" + _LENGTH
_ENDING = r"(\d)[\d,.\-]{0,20}"
# Every repetition is bounded, so that no input takes more than linear time. Each kind of token is
# one named group; `_FIRST` tells the number of the first group within it.
_TOKEN = re.compile(
    rf"(?P<note>{_NOTE})"
    rf"|(?P<bar>(\[\||[:|\]]{{0,8}}\|[:|\]]{{0,8}}|::)(?:[ \t]{{0,4}}{_ENDING})?)"
    r"|(?P<broken>[<>]{1,3})"
    rf"|(?P<rest>[zx]{_LENGTH})"
    r'|(?P<quoted>"([^"\n]{0,200})")'
    r"|(?P<tie>-)"
    r"|(?P<tuplet>\((\d)(?::(\d{0,2}))?(?::(\d{0,3}))?)"
    r"|(?P<skip>\{[^}]{0,200}\}|![^!\s|]{0,40}!|\+[^+\s|]{1,20}\+|y\d{0,4}|&[^|\n]{0,2000})"
    r"|(?P<field>\[([A-Za-z]):([^\]\n]{0,200})\])"
    rf"|(?P<ending>\[{_ENDING})"
    rf"|(?P<chord>\[([^\[\]|\n]{{1,100}})\]{_LENGTH})"
    r"|(?P<bars>[ZX](\d{0,4}))"
)
_FIRST = {name: number + 1 for name, number in _TOKEN.groupindex.items()}
_INNER = re.compile(_NOTE)
_DOUBLE = re.compile(r"::|:\||\|:|\|\||\|\]|\[\|")
_LONGEST = 64 * TICKS


def _parts(match: re.Match[str], count: int) -> tuple[str, ...]:
    """Return the groups within the token that was matched."""
    first = _FIRST[match.lastgroup or ""]
    return tuple(match.group(first + index) or "" for index in range(count))


@lru_cache(maxsize=4096)
def _chord(text: str) -> Chord | None:
    try:
        return parse_symbol(text)
    except SegueError:
        return None  # A fingering, a dynamic or a remark.


class BodyReader:
    """Reads the body of a tune, line by line.

    Parameters
    ----------
    metre : tuple of int or None
        Time signature of the heading.
    unit : int or None
        Ticks of the unit note length; None for the metre's default.
    key : tuple or None
        Key of the heading.
    signature : tuple of int, (7,)
        Its alterations.
    events : int
        Most notes and rests.
    """

    def __init__(
        self,
        metre: TimeSignature | None,
        unit: int | None,
        key: Key | None,
        signature: Signature,
        events: int,
    ) -> None:
        self.measures = [Measure(metre, key)]
        self._metre, self._key, self._signature = metre, key, signature
        self._unit = unit or default_unit(metre)
        self._room = events
        self._accidentals: dict[int, int] = {}
        self._last: WrittenNote | None = None
        self._last_name = (-1, 0)
        self._scale = (1, 1)  # Of the next note, by broken rhythm.
        self._tuplet = (1, 1, 0)  # Numerator, denominator, notes left.
        self._ending = 0
        self._voice: str | None = None
        self._silent = False
        self._actions = {
            "note": self._note,
            "rest": self._rest,
            "bar": self._bar,
            "broken": self._broken,
            "quoted": self._quoted,
            "tie": self._tie,
            "tuplet": self._start_tuplet,
            "field": self._inline,
            "ending": self._open_ending,
            "chord": self._note_chord,
            "bars": self._whole_bars,
        }

    def line(self, text: str) -> None:
        """Read a line of music.

        Raises
        ------
        AbcSyntaxError
            If something in it cannot be read.
        """
        actions = self._actions
        for match in _TOKEN.finditer(text):
            action = actions.get(match.lastgroup or "")
            if action is not None and (not self._silent or match.lastgroup == "field"):
                action(match)

    def field(self, letter: str, text: str) -> None:
        """Read a field, on a line of its own or inline. Raises AbcSyntaxError as `line` does."""
        if letter == "V":
            name = (text.split() or [""])[0]
            self._voice = self._voice or name
            self._silent = name != self._voice
        elif self._silent:
            return
        elif letter == "K":
            self._key, self._signature = read_key(text)
            self._change()
        elif letter == "M":
            self._metre = read_metre(text)
            self._change()
        elif letter == "L":
            self._unit = read_unit(text)

    def _change(self) -> None:
        """Let a change of key or metre hold from here, in a measure of its own."""
        if self.measures[-1].ticks:
            self._next_measure(opens=False)
        self.measures[-1].metre, self.measures[-1].key = self._metre, self._key

    def _next_measure(self, opens: bool) -> None:
        self.measures.append(Measure(self._metre, self._key, opens, self._ending))
        self._accidentals.clear()

    def _add(self, pitch: int, ticks: int) -> None:
        """Put a note, or a rest of pitch -1, behind the last one."""
        self._room -= 1
        if self._room < 0:
            raise AbcSyntaxError("it has too many notes")
        ticks = ticks * self._scale[0] // self._scale[1]
        self._scale = (1, 1)
        over, under, left = self._tuplet
        if left:
            ticks = ticks * over // under
            self._tuplet = (over, under, left - 1)
        if not 0 <= ticks <= _LONGEST:
            raise AbcSyntaxError("it has a note longer than 64 quarters")
        measure = self.measures[-1]
        self._last = WrittenNote(measure.ticks, ticks, pitch)
        measure.notes.append(self._last)
        measure.ticks += ticks

    def _ticks(self, number: str, slashes: str, divisor: str) -> int:
        ticks = self._unit * int(number) if number else self._unit
        if slashes:
            under = int(divisor) if divisor else 1 << len(slashes)
            if not under:
                raise AbcSyntaxError("it has a note length divided by 0")
            ticks //= under
        return ticks

    def _pitch(self, sign: str | None, letter: str, marks: str) -> int:
        """MIDI pitch of a note; may lie outside 0-127 and is then refused later."""
        step = LETTERS.index(letter.upper())
        octave = (letter.islower()) + marks.count("'") - marks.count(",")
        if sign is not None:
            self._accidentals[step] = ALTERATIONS[sign]
        altered = self._accidentals.get(step, self._signature[step])
        last = self._last
        pitch = 60 + SEMITONES[step] + 12 * octave + altered
        # A tie carries an accidental over the barline.
        if sign is None and last is not None and last.tied and self._last_name == (step, octave):
            pitch = last.pitch
        self._last_name = (step, octave)
        return max(pitch, -1) if pitch >= 0 else 128

    def _note(self, match: re.Match[str]) -> None:
        sign, letter, marks, number, slashes, divisor = match.groups()[1:7]
        self._add(self._pitch(sign, letter, marks), self._ticks(number, slashes, divisor))

    def _rest(self, match: re.Match[str]) -> None:
        self._add(-1, self._ticks(*_parts(match, 3)))

    def _note_chord(self, match: re.Match[str]) -> None:
        """Take the top note of notes that sound together, as long as the first of them."""
        inside, *length = _parts(match, 4)
        notes = _INNER.findall(inside)
        if not notes:
            return
        pitches = [self._pitch(sign or None, letter, marks) for sign, letter, marks, *_ in notes]
        ticks = self._ticks(*notes[0][3:]) * self._ticks(*length) // self._unit
        self._add(max(pitches), ticks)
        if self._last is not None and inside.endswith("-"):
            self._last.tied = True

    def _whole_bars(self, match: re.Match[str]) -> None:
        """Rest for whole bars."""
        beats, unit = self._metre or (4, 4)
        count = int(_parts(match, 1)[0] or 1)
        self.measures[-1].ticks += count * (4 * TICKS * beats // unit)
        self._last = None

    def _broken(self, match: re.Match[str]) -> None:
        """Lengthen one neighbour by half (three quarters, ...), shorten the other as much."""
        if self._last is None:
            return
        half = 1 << len(match["broken"])
        longer, shorter = (2 * half - 1, half), (1, half)
        before, after = (longer, shorter) if match["broken"][0] == ">" else (shorter, longer)
        ticks = self._last.ticks * before[0] // before[1]
        if ticks > _LONGEST:
            raise AbcSyntaxError("it has a note longer than 64 quarters")
        self.measures[-1].ticks += ticks - self._last.ticks
        self._last.ticks = ticks
        self._scale = after

    def _start_tuplet(self, match: re.Match[str]) -> None:
        number, time, count = _parts(match, 3)
        played = int(number)
        if played < 2:
            return
        compound = self._metre is not None and self._metre[0] in (6, 9, 12)
        usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(played, 3 if compound else 2)
        self._tuplet = (int(time or usual), played, int(count or played))

    def _quoted(self, match: re.Match[str]) -> None:
        chord = _chord(_parts(match, 1)[0].strip())
        if chord is not None:
            self.measures[-1].chords.append((self.measures[-1].ticks, chord))

    def _tie(self, match: re.Match[str]) -> None:
        if self._last is not None:
            self._last.tied = True

    def _inline(self, match: re.Match[str]) -> None:
        self.field(*_parts(match, 2))

    def _bar(self, match: re.Match[str]) -> None:
        sign, number = _parts(match, 2)
        double = _DOUBLE.search(sign) is not None
        if double or number:
            self._ending = int(number) if number else 0
        if self.measures[-1].ticks:
            self._next_measure(opens=double)
        else:
            self.measures[-1].opens |= double
            self.measures[-1].ending = self._ending
        self._tuplet, self._scale = (1, 1, 0), (1, 1)
        if self._last is not None and not self._last.tied:
            self._last = None

    def _open_ending(self, match: re.Match[str]) -> None:
        self._ending = int(_parts(match, 1)[0])
        if self.measures[-1].ticks:
            self._next_measure(opens=False)
        self.measures[-1].ending = self._ending
