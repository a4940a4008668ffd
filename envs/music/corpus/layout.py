"""From measures as written to a melody on a time line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from segue.envs.music.corpus.gate import DEFAULT_LIMITS, Limits, NotationError
from segue.envs.music.corpus.keys import find_key
from segue.envs.music.corpus.measures import (
    TICKS,
    Heading,
    Key,
    Measure,
    TimeSignature,
    WrittenNote,
)
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.tune import ChordSpan, Note

LONGEST_TITLE = 200
"""Characters of a title that are kept."""

_UNITS = (1, 2, 4, 8, 16, 32, 64)


def lay_out(
    measures: Sequence[Measure], heading: Heading, limits: Limits = DEFAULT_LIMITS
) -> CorpusTune:
    """Make a melody of written measures.

    - Every section is taken once, with its last ending: repeats would only count the same bars
      twice, and a first ending followed by the second is a passage that nobody plays.
    - Where metre or key change, the longest stretch in one metre and key is taken.
    - The first full bar begins at 0 and every barline lies on a multiple of the bar. The short
      bars around a repeat sign or a double bar, which make up one bar together, are joined; what
      else is too short or too long, by the composer's or the copyist's doing, is filled up with
      silence, so that metric positions hold in the rest of the tune.
    - Ties are joined. A key that is not given is found from the notes.

    Parameters
    ----------
    measures : sequence of Measure
        In the order in which they are written.
    heading : Heading
        Title, source, licence and tempo.
    limits : Limits
        `quarters` is heeded.

    Raises
    ------
    NotationError
        If there is no note, the piece is too long, or a pitch is none of MIDI's.
    """
    stretch = _longest_stretch(last_endings(measures))
    metre = stretch[0].metre or _commonest_metre(stretch) if stretch else (4, 4)
    starts = barlines(stretch, metre)
    if stretch and starts[-1] + stretch[-1].ticks > limits.quarters * TICKS:
        raise NotationError(
            f"{heading.source} is longer than the {limits.quarters:,} quarter notes allowed; "
            "split it."
        )
    notes = _joined(stretch, starts)
    if not notes:
        raise NotationError(f"{heading.source} has no notes; leave it out.")
    if not all(0 <= note.pitch <= 127 for note in notes):
        raise NotationError(
            f"{heading.source} has a note outside the range of MIDI, 0 to 127; check its octaves."
        )
    tonic, mode = stretch[0].key or find_key([(n.pitch, n.ticks) for n in notes])
    pickup = max(0, -starts[0])
    return CorpusTune(
        title=heading.title[:LONGEST_TITLE],
        source=heading.source,
        licence=heading.licence,
        tonic=tonic,
        mode=mode,
        metre=metre,
        tempo=heading.tempo,
        pickup=pickup / TICKS,
        notes=tuple(Note(n.place / TICKS, n.ticks / TICKS, n.pitch) for n in notes),
        chords=_spans(stretch, starts),
    )


def checked_metre(beats: int, unit: int) -> TimeSignature | None:
    """Return the time signature, or None where it makes no sense (``0/4``, ``4/3``, ``200/4``)."""
    return (beats, unit) if 1 <= beats <= 32 and unit in _UNITS else None


def bar_ticks(metre: TimeSignature) -> int:
    """Length of a bar in ticks."""
    return metre[0] * 4 * TICKS // metre[1]


def last_endings(measures: Sequence[Measure]) -> list[Measure]:
    """Drop alternative endings that another one follows; empty measures go, too."""
    kept: list[Measure] = []
    for measure in measures:
        if not measure.ticks:
            continue
        while kept and 0 < kept[-1].ending < measure.ending:
            kept.pop()
        kept.append(measure)
    return kept


def barlines(measures: Sequence[Measure], metre: TimeSignature) -> list[int]:
    """Place measures so that barlines fall on multiples of the bar.

    Parameters
    ----------
    measures : sequence of Measure
        In order.
    metre : tuple of int
        Time signature of them all.

    Returns
    -------
    list of int
        Onset of each in ticks; the first is negative where it is a pickup.
    """
    bar = bar_ticks(metre)
    starts: list[int] = []
    at = 0
    for index, measure in enumerate(measures):
        length = measure.ticks
        missing = -at % bar
        if index == 0:
            at = -length if length < bar and len(measures) > 1 else 0
        elif length < bar and measure.opens and length != missing:
            # A pickup within the piece leads to a barline, after as much silence as that takes.
            at += (missing - length) % bar
        elif length % bar != missing:
            at += missing
        starts.append(at)
        at += length
    return starts


def _longest_stretch(measures: Sequence[Measure]) -> list[Measure]:
    """Most ticks in a row in one metre and key; of equals the first."""
    stretches: list[tuple[tuple[TimeSignature | None, Key | None], list[Measure]]] = []
    for measure in measures:
        signs = (measure.metre, measure.key)
        if not stretches or stretches[-1][0] != signs:
            stretches.append((signs, []))
        stretches[-1][1].append(measure)
    return max((s for _, s in stretches), key=lambda s: sum(m.ticks for m in s), default=[])


def _commonest_metre(measures: Sequence[Measure]) -> TimeSignature:
    """Return what fits the commonest measure of music that names no metre; 4/4 if nothing does."""
    ticks, _ = Counter(measure.ticks for measure in measures).most_common(1)[0]
    for unit in (4, 8, 16):
        beats, rest = divmod(ticks * unit, 4 * TICKS)
        metre = None if rest else checked_metre(beats, unit)
        if metre is not None:
            return metre
    return (4, 4)


def _joined(measures: Sequence[Measure], starts: Sequence[int]) -> list[WrittenNote]:
    """Notes on the time line, ties joined."""
    notes: list[WrittenNote] = []
    for measure, start in zip(measures, starts, strict=True):
        for note in measure.notes:
            if note.pitch < 0 or note.ticks <= 0:
                continue
            onset = start + note.place
            last = notes[-1] if notes else None
            if (
                last is not None
                and last.tied
                and last.pitch == note.pitch
                and last.place + last.ticks == onset
            ):
                last.ticks += note.ticks
                last.tied = note.tied
            else:
                notes.append(WrittenNote(onset, note.ticks, note.pitch, note.tied))
    return notes


def _spans(measures: Sequence[Measure], starts: Sequence[int]) -> tuple[ChordSpan, ...]:
    """Chords on the time line, each until the next one or the end."""
    changes = {
        start + place: chord
        for measure, start in zip(measures, starts, strict=True)
        for place, chord in measure.chords
    }
    onsets = sorted(changes)
    ends = [*onsets[1:], starts[-1] + measures[-1].ticks]
    return tuple(
        ChordSpan(onset / TICKS, (stop - onset) / TICKS, changes[onset])
        for onset, stop in zip(onsets, ends, strict=False)
        if stop > onset
    )
