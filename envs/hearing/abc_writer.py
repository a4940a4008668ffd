"""Tunes of a corpus as ABC notation (version 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.scales import name_at, pitch_class_name, signature, spelling

_MODES = {
    **{"major": "", "minor": "m", "harmonic_minor": "m", "melodic_minor": "m"},
    **{"dorian": "dor", "phrygian": "phr", "lydian": "lyd", "mixolydian": "mix"},
}
_SHARPS = "FCGDAEB"
_SIGNS = {-1: "_", 0: "=", 1: "^"}
_NATURALS = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))
_FINEST = 48  # Parts of a quarter note to which times are exact.
_UNIT = Fraction(1, 4)  # Quarter notes of the unit length, L:1/16.
_BARS_PER_LINE = 4

Altered = dict[tuple[str, int | None], int]
"""Accidentals of a bar so far: by letter and octave, and by letter alone (None)."""


def abc_text(tune: CorpusTune, remarks: Sequence[str] = ()) -> str:
    """Write a tune as ABC.

    Notes are cut at barlines and where a chord enters, and tied. Lengths that are no whole number
    of sixteenths, such as those of triplets, are written as fractions.

    Parameters
    ----------
    tune : CorpusTune
        The tune.
    remarks : sequence of str
        Lines that are kept as ``N:`` fields.

    Returns
    -------
    str
        One tune; `segue.envs.music.corpus.abc_reader.read_abc` gives its notes again.
    """
    key = pitch_class_name(tune.tonic, tune.tonic, tune.mode) + _MODES[tune.mode]
    head = [
        *("X:1", f"T:{_line(tune.title)}", f"S:{_line(tune.source)}"),
        *(f"N:{_line(remark)}" for remark in remarks),
        *(f"M:{tune.metre[0]}/{tune.metre[1]}", "L:1/16"),
        *(f"Q:1/4={max(1, round(tune.tempo))}", f"K:{key}"),
    ]
    bars = [_bar(tune, start, stop) for start, stop in pairwise(_barlines(tune))]
    lines = [
        " | ".join(bars[first : first + _BARS_PER_LINE]) + " |"
        for first in range(0, len(bars), _BARS_PER_LINE)
    ]
    return "\n".join([*head, *lines]) + "\n"


def _line(text: str) -> str:
    """Text that keeps to its line."""
    return "".join(sign if sign.isprintable() else " " for sign in text).replace("%", r"\%")


def _exact(quarters: float) -> Fraction:
    return Fraction(round(quarters * _FINEST), _FINEST)


def _barlines(tune: CorpusTune) -> list[Fraction]:
    """From the pickup to the end of the last bar, in quarter notes."""
    bar = _exact(tune.bar_quarters)
    last = tune.notes[-1]
    end = _exact(last.onset + last.duration)
    bars = -(-end // bar)
    full = [index * bar for index in range(max(int(bars), 1) + 1)]
    return [-_exact(tune.pickup), *full] if tune.pickup > 0 else full


def _bar(tune: CorpusTune, start: Fraction, stop: Fraction) -> str:
    """Notes, rests and chord symbols from one barline to the next."""
    names = {
        max(_exact(span.onset), start): span.chord.symbol_in(tune.tonic, tune.mode)
        for span in tune.chords
        if start < _exact(span.onset + span.duration) and _exact(span.onset) < stop
        if _exact(span.onset) >= start
    }
    signs = _key_signature(tune)
    altered: Altered = {}
    words = []
    for begin, end, pitch in _sounding(tune, start, stop):
        edges = [begin, *sorted(place for place in names if begin < place < end), end]
        for index, (a, b) in enumerate(pairwise(edges)):
            chord = f'"{names[a]}"' if a in names else ""
            last = index == len(edges) - 2
            if pitch is None:
                words.append(f"{chord}z{_length(b - a)}")
                continue
            goes_on = not last or (end == stop and _continues(tune, stop))
            tie = "-" if goes_on else ""
            words.append(f"{chord}{_name(tune, pitch, signs, altered)}{_length(b - a)}{tie}")
    return " ".join(words)


def _sounding(
    tune: CorpusTune, start: Fraction, stop: Fraction
) -> list[tuple[Fraction, Fraction, int | None]]:
    """Notes and rests (pitch None) that fill a bar."""
    found: list[tuple[Fraction, Fraction, int | None]] = []
    now = start
    for note in tune.notes:
        begin = max(_exact(note.onset), start)
        end = min(_exact(note.onset + note.duration), stop)
        if begin >= end:
            continue
        if begin > now:
            found.append((now, begin, None))
        found.append((begin, end, note.pitch))
        now = end
    return [*found, (now, stop, None)] if now < stop else found


def _continues(tune: CorpusTune, place: Fraction) -> bool:
    """Whether a note sounds on across a barline."""
    return any(
        _exact(note.onset) < place < _exact(note.onset + note.duration) for note in tune.notes
    )


def _length(quarters: Fraction) -> str:
    units = quarters / _UNIT
    return "" if units == 1 else str(units)


def _key_signature(tune: CorpusTune) -> dict[str, int]:
    """Alteration of each letter by the key signature."""
    fifths = signature(tune.tonic, tune.mode)
    signs = dict.fromkeys(_SHARPS, 0)
    for letter in _SHARPS[: max(fifths, 0)] + _SHARPS[::-1][: max(-fifths, 0)]:
        signs[letter] = 1 if fifths > 0 else -1
    return signs


def _name(tune: CorpusTune, pitch: int, signs: dict[str, int], altered: Altered) -> str:
    """A note's name, with an accidental unless `signs` or what was `altered` gives it already."""
    name = name_at(spelling(tune.tonic, tune.mode)[pitch % 12])
    letter, sign = name[0], name.count("#") - name.count("b")
    octave = (pitch - sign - _NATURALS[letter]) // 12 - 1
    text = letter.lower() + "'" * (octave - 5) if octave >= 5 else letter + "," * (4 - octave)
    # To some readers an accidental holds in every octave until the barline, to others in its own;
    # only what both understand is left out.
    places = ((letter, None), (letter, octave))
    if all(altered.get(place, signs[letter]) == sign for place in places):
        return text
    altered.update(dict.fromkeys(places, sign))
    return _SIGNS[sign] + text
