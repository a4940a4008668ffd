"""Chord changes: reading them as lead sheets write them, and finding their key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from segue.envs.base.errors import SegueError
from segue.envs.music.chords import Chord, parse_symbol
from segue.envs.music.metre import SLOTS_PER_QUARTER, Metre
from segue.envs.music.scales import MODES
from segue.envs.music.tune import ChordSpan

REPEAT = "%"
"""Says again: alone in a bar the bar before, beside others the chord before."""

Key = tuple[int, str]
"""Tonic (pitch class, 0 is C) and mode (a key of `segue.envs.music.scales.MODES`)."""

_KEY = re.compile(r"([A-Ga-g])\s*(##|bb|[#b♯♭]|sharp\b|flat\b)?[\s_-]*(.*)", re.IGNORECASE)
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"": 0, "#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1, "##": 2, "bb": -2}
_DOMINANTS = ("7", "9", "7sus4")
_MODE_NAMES = {
    **{name: name for name in MODES},
    **{"": "major", "maj": "major", "ionian": "major"},
    **{"m": "minor", "min": "minor", "aeolian": "minor", "natural_minor": "minor"},
}


def parse_changes(text: str, metre: Metre) -> tuple[ChordSpan, ...]:
    """Read chord changes.

    Parameters
    ----------
    text : str
        Chord symbols as of `segue.envs.music.chords.parse_symbol`. With bar lines (``|``) the
        symbols between two of them share that bar; without, each symbol fills a bar. `REPEAT`
        stands for the bar before, or within a bar for the chord before.
    metre : Metre
        What the bars are filled with: the chords of a bar share its beats (or its eighths, if
        they are more than the beats), and those that come first take what is left over. So three
        chords in 4/4 last two beats, one and one, and two in 3/4 two beats and one.

    Returns
    -------
    tuple of ChordSpan
        In order, without gaps, from 0 to the end of the last bar; bars that say the same chord
        on stay apart.

    Raises
    ------
    SegueError
        If a symbol cannot be read, a bar is empty or holds too many chords, or nothing comes
        before a repeat.
    """
    stripped = re.sub(r"\|[\s|]*\|", "|", text.strip()).strip("| \t\n")
    if not stripped:
        raise SegueError("The chords are empty; write symbols such as Am7 D7 | Gmaj7.")
    bars = [bar.split() for bar in stripped.split("|")]
    if len(bars) == 1 and "|" not in text:
        bars = [[symbol] for symbol in bars[0]]
    read: list[tuple[Chord, ...]] = []
    for number, symbols in enumerate(bars, start=1):
        if symbols == [REPEAT] and read:
            read.append(read[-1])
        else:
            read.append(_bar(symbols, number, read[-1][-1] if read else None))
    return spread(read, metre)


def _bar(symbols: Sequence[str], number: int, before: Chord | None) -> tuple[Chord, ...]:
    chords: list[Chord] = []
    for symbol in symbols:
        if symbol != REPEAT:
            before = parse_symbol(symbol)
        elif before is None:
            raise SegueError(
                f"Bar {number} of the chords repeats {REPEAT!r}, but nothing is before."
            )
        chords.append(before)
    return tuple(chords)


def spread(bars: Sequence[Sequence[Chord]], metre: Metre) -> tuple[ChordSpan, ...]:
    """Lay out the chords of each bar in time, as `parse_changes` describes.

    Raises
    ------
    SegueError
        If a bar holds more chords than eighths.
    """
    spans: list[ChordSpan] = []
    for number, chords in enumerate(bars):
        if len(chords) > metre.slots:
            raise SegueError(
                f"Bar {number + 1} has {len(chords)} chords; a bar of {metre} holds up to "
                f"{metre.slots}, one an eighth."
            )
        by_beat = len(chords) <= metre.pulses
        units = metre.pulses if by_beat else metre.slots
        length = metre.pulse if by_beat else 1 / SLOTS_PER_QUARTER
        onset = number * metre.quarters
        each, more = divmod(units, len(chords))
        for place, chord in enumerate(chords):
            duration = (each + (place < more)) * length
            spans.append(ChordSpan(onset, duration, chord))
            onset += duration
    return tuple(spans)


def fill(spans: Sequence[ChordSpan], bars: int, metre: Metre) -> tuple[ChordSpan, ...]:
    """Repeat changes until they fill so many bars.

    Raises
    ------
    SegueError
        If they do not go into the bars a whole number of times.
    """
    length = round((spans[-1].onset + spans[-1].duration) / metre.quarters)
    if bars % length:
        raise SegueError(
            f"The chords fill {length} bars of {metre}, which do not go evenly into the {bars} "
            f"asked for; give a multiple of {length} bars."
        )
    again = length * metre.quarters
    return tuple(
        replace(span, onset=span.onset + turn * again)
        for turn in range(bars // length)
        for span in spans
    )


def parse_key(text: str) -> Key:
    """Read the name of a key.

    Parameters
    ----------
    text : str
        A note and a mode, such as ``"G major"``, ``"A minor"``, ``"D dorian"``, ``"Bb"`` (major),
        ``"F#m"`` or ``"E flat harmonic minor"``.

    Raises
    ------
    SegueError
        If it names no key.
    """
    match = _KEY.fullmatch(text.strip())
    name = re.sub(r"[\s-]+", "_", match[3].strip().lower()) if match else None
    if match is None or name not in _MODE_NAMES:
        raise SegueError(
            f"Cannot read the key {text!r}; write a note and one of "
            f"{', '.join(mode.replace('_', ' ') for mode in MODES)}, such as G major."
        )
    sign = _SIGNS[(match[2] or "").lower()]
    return (_LETTERS[match[1].upper()] + sign) % 12, _MODE_NAMES[name]


def find_key(spans: Sequence[ChordSpan]) -> Key:
    """Find the major or minor key of chord changes.

    Each key is worth the time that the tones of the chords lie in its scale (in minor with the
    raised seventh in the dominant), a little more for chords on its tonic at the end and the
    beginning, and for every dominant seventh that falls a fifth to the tonic.

    Parameters
    ----------
    spans : sequence of ChordSpan
        At least one.

    Returns
    -------
    tuple of (int, str)
        Tonic and ``"major"`` or ``"minor"``; of two keys that are worth the same, the major one.
    """
    keys = [(tonic, mode) for mode in ("major", "minor") for tonic in range(12)]
    return max(keys, key=lambda key: _worth(spans, key))


def _worth(spans: Sequence[ChordSpan], key: Key) -> float:
    tonic, mode = key
    third = 3 if mode == "minor" else 4
    total = sum(span.duration for span in spans)

    def is_tonic(chord: Chord) -> bool:
        return chord.root == tonic and (tonic + third) % 12 in chord.pitch_classes

    worth = 0.0
    for span in spans:
        scale = {(tonic + step) % 12 for step in MODES[mode]}
        if mode == "minor" and span.chord.root in ((tonic + 7) % 12, (tonic + 11) % 12):
            scale.add((tonic + 11) % 12)
        inside = len(span.chord.pitch_classes & scale) / len(span.chord.pitch_classes)
        worth += span.duration / total * (2 * inside - 1)
    worth += 0.15 * is_tonic(spans[-1].chord) + 0.15 * is_tonic(spans[0].chord)
    for before, after in pairwise(spans):
        falls = (before.chord.root - after.chord.root) % 12 == 7 and is_tonic(after.chord)
        # A seventh chord that goes on falling is itself a dominant.
        rests = after.chord.quality not in _DOMINANTS
        worth += 0.1 * (falls and rests and before.chord.quality in _DOMINANTS)
    return worth
