"""The melody of a MIDI file: part, top line, grid, metre, key, and chords where it has any."""

from __future__ import annotations

from typing import Any

from segue.envs.music.corpus.gate import DEFAULT_LIMITS, Limits, NotationError
from segue.envs.music.corpus.harmony import POLYPHONIC, estimate_chords
from segue.envs.music.corpus.keys import find_key
from segue.envs.music.corpus.layout import LONGEST_TITLE, bar_ticks, checked_metre
from segue.envs.music.corpus.measures import TICKS, Key, TimeSignature, WrittenNote
from segue.envs.music.corpus.melody import melody_part, skyline
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.tune import ChordSpan, Note

# Places in a quarter note that played onsets are moved to: thirty-seconds, triplets of eighths
# and of sixteenths.
_PLACES = sorted({TICKS * n // 8 for n in range(9)} | {TICKS * n // 6 for n in range(7)})
_SHORTEST = TICKS // 8


def read_midi(
    parsed: dict[str, Any], source: str, title: str, licence: str, limits: Limits = DEFAULT_LIMITS
) -> CorpusTune:
    """Make a melody of a parsed MIDI file.

    Of the parts that are no percussion the one that `melody_part` chooses is taken, of it the top
    line, in the longest stretch in one metre. Onsets and ends move to the nearest thirty-second or
    sixth of a quarter note. A melody that begins in the second half of a bar begins with a pickup.
    A key signature is trusted for its accidentals only, and not at all where all are C major,
    which is what programs write that know none.

    Parameters
    ----------
    parsed : dict
        What `MidiProcess.parse` returns.
    source, title, licence : str
        As in `CorpusTune`.
    limits : Limits
        `quarters` is heeded.

    Raises
    ------
    NotationError
        If there are no notes, or it is too long.
    """
    scale = TICKS / parsed["quarter"] if parsed["quarter"] > 0 else 0.0
    names = [part["name"] for part in parsed["parts"]]
    parts = [_written(part["notes"], scale) for part in parsed["parts"]]
    everything = [note for part in parts for note in part]
    if not everything or not scale:
        raise NotationError(f"{source} has no notes; leave it out.")
    if max(note.place + note.ticks for note in everything) > limits.quarters * TICKS:
        raise NotationError(
            f"{source} is longer than the {limits.quarters:,} quarter notes allowed; split it."
        )
    line = _on_grid(skyline(parts[melody_part(names, parts)]))
    metre, start, line = _longest_stretch(parsed["metres"], scale, line)
    bar = bar_ticks(metre)
    first = _first_barline(line, start, bar)
    tonic, mode = _key(parsed["keys"], everything)
    tempo = float(parsed["tempo"])
    return CorpusTune(
        title=title[:LONGEST_TITLE],
        source=source,
        licence=licence,
        tonic=tonic,
        mode=mode,
        metre=metre,
        tempo=tempo if 20.0 <= tempo <= 400.0 else 120.0,
        pickup=max(0, first - line[0].place) / TICKS,
        notes=tuple(Note((n.place - first) / TICKS, n.ticks / TICKS, n.pitch) for n in line),
        chords=_chords(everything, line, first, bar),
    )


def _written(notes: list[list[int]], scale: float) -> list[WrittenNote]:
    return [
        WrittenNote(round(tick * scale), max(1, round(ticks * scale)), pitch)
        for tick, ticks, pitch in notes
        if tick >= 0 and 0 <= pitch <= 127
    ]


def _snapped(tick: int) -> int:
    quarter, place = divmod(tick, TICKS)
    return quarter * TICKS + min(_PLACES, key=lambda p: abs(p - place))


def _on_grid(line: list[WrittenNote]) -> list[WrittenNote]:
    """Move a monophonic line to the grid; of two notes that meet there the later one stays."""
    moved: list[WrittenNote] = []
    for note in line:
        onset, stop = _snapped(note.place), _snapped(note.place + note.ticks)
        while moved and moved[-1].place >= onset:
            moved.pop()
        if moved:
            moved[-1].ticks = min(moved[-1].ticks, onset - moved[-1].place)
        moved.append(WrittenNote(onset, max(_SHORTEST, stop - onset), note.pitch))
    return moved


def _longest_stretch(
    changes: list[list[int]], scale: float, line: list[WrittenNote]
) -> tuple[TimeSignature, int, list[WrittenNote]]:
    """Metre, first barline and notes of the stretch in one metre with most notes.

    Notes of a shorter bar just before it, by which programs write a pickup, are taken along.
    """
    signs: list[tuple[int, TimeSignature]] = [(0, (4, 4))]
    for tick, beats, unit in sorted(changes):
        place, metre = round(tick * scale), checked_metre(beats, unit)
        if metre is None or (metre == signs[-1][1] and place > 0):
            continue
        if place == signs[-1][0]:
            signs.pop()
        signs.append((place, metre))
    ends = [place for place, _ in signs[1:]] + [line[-1].place + 1]
    counts = [0] * len(signs)
    index = 0
    for note in line:
        while note.place >= ends[index] and index < len(ends) - 1:
            index += 1
        counts[index] += 1
    best = max(range(len(signs)), key=lambda i: (counts[i], -i))
    start, metre = signs[best]
    begin = start
    if best and start - signs[best - 1][0] < bar_ticks(metre):
        begin = signs[best - 1][0]
    return metre, start, [n for n in line if begin <= n.place < ends[best]]


def _first_barline(line: list[WrittenNote], start: int, bar: int) -> int:
    """Barline where a melody counts from, after its pickup; `start` is any barline."""
    before = start + (line[0].place - start) // bar * bar
    return before + bar if 2 * (line[0].place - before) >= bar else before


def _chords(
    notes: list[WrittenNote], line: list[WrittenNote], first: int, bar: int
) -> tuple[ChordSpan, ...]:
    """Chords under a line, by the bars from `first` on; none where little but it sounds."""
    if len(notes) <= POLYPHONIC * len(line):
        return ()
    found = estimate_chords(notes, first, line[-1].place + line[-1].ticks, bar)
    return tuple(ChordSpan((at - first) / TICKS, n / TICKS, chord) for at, n, chord in found)


def _key(signatures: list[list[int]], notes: list[WrittenNote]) -> Key:
    sounding = [(note.pitch, float(note.ticks)) for note in notes]
    known = [fifths for _, fifths, _ in signatures if -7 <= fifths <= 7]
    return find_key(sounding, known[0] if any(known) else None)
