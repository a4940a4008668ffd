"""Where episodes of `segue/LeadSheet-v0` come from: drawn pieces and those of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.lead_sheet.form import arch, cadences, motifs
from segue.envs.lead_sheet.types import LOW, PITCHES, Bank, Brief, Piece
from segue.envs.music.changes import Key, fill, find_key, parse_changes, parse_key, spread
from segue.envs.music.chords import QUALITIES, Chord, roman
from segue.envs.music.metre import SLOTS_PER_QUARTER, Metre, parse_metre
from segue.envs.music.moods import Mood, mood
from segue.envs.music.progressions import Bar, generate_progression
from segue.envs.music.scales import MODES, scale_classes
from segue.envs.music.tune import ChordSpan, Note
from segue.rewards.melody import FREE, NO_CADENCE, NO_MOTIF, NO_TARGET, STRONG

STOCK = 0.5
"""Share of progressions that are a stock one of the mood; the others are generated."""


def draw_piece(brief: Brief, generator: np.random.Generator) -> Piece:
    """Draw what the brief leaves open: key, tempo, progression; and rhythm, motif and arch.

    Parameters
    ----------
    brief : Brief
        What is asked for.
    generator : numpy Generator

    Raises
    ------
    SegueError
        For an unknown mood, metre or key, or chords that cannot be read or do not fill the bars.
    """
    chosen, metre = mood(brief.mood), parse_metre(brief.metre)
    # Drawn even where they are given, so that what is given changes nothing else.
    drawn: Key = (int(generator.choice(chosen.tonics)), chosen.mode)
    tempo = float(round(generator.uniform(*chosen.tempo)))
    template, motif = motifs(chosen.density, brief.bars, metre, generator)
    if brief.chords is not None:
        spans = fill(parse_changes(brief.chords, metre), brief.bars, metre)
        tonic, mode = find_key(spans) if brief.key is None else parse_key(brief.key)
    else:
        tonic, mode = drawn if brief.key is None else parse_key(brief.key)
        numerals = _progression(chosen, mode, brief.bars, generator)
        spans = spread([[roman(n, tonic, mode) for n in bar] for bar in numerals], metre)
    return Piece(
        mood=brief.mood,
        tonic=tonic,
        mode=mode,
        tempo=tempo if brief.tempo is None else float(brief.tempo),
        metre=metre,
        chords=spans,
        template=template,
        motif=motif,
        cadence=cadences(_by_slot(spans, len(template)), tonic, metre),
        target=arch(brief.bars, metre),
        swing=brief.swing,
    )


def _progression(
    chosen: Mood, mode: str, bars: int, generator: np.random.Generator
) -> tuple[Bar, ...]:
    """A stock progression, returning until the bars are filled, or a generated one.

    The last bar is the tonic's. Stock progressions are written for the mode of their mood.
    """
    generated = generate_progression(chosen.name, mode, bars, generator)
    picked = chosen.progressions[int(generator.integers(len(chosen.progressions)))]
    if generator.random() >= STOCK or mode != chosen.mode:
        return generated
    numerals = [picked[bar % len(picked)] for bar in range(bars)]
    numerals[-1] = "i" if 3 in MODES[mode] else "I"
    return tuple((numeral,) for numeral in numerals)


def piece_from_changes(
    chords: Sequence[ChordSpan],
    tonic: int,
    mode: str,
    metre: Metre,
    bars: int,
    *,
    transpose: int = 0,
    closes: bool = False,
) -> Piece:
    """Make a piece of a lead sheet that somebody wrote, to score a melody of theirs over it.

    Rhythm, motif and arch are free, since nobody asked their writer for one: the terms `rhythm`,
    `motif` and `contour` are 0 on it.

    Parameters
    ----------
    chords : sequence of ChordSpan
        In order of onset, at least one; each lasts until the next begins, and the first also
        holds before it. Onsets are moved to the grid of eighths.
    tonic, mode : int, str
        The key.
    metre : Metre
        Time signature.
    bars : int
        Length.
    transpose : int
        Semitones by which key and chords are moved; see `transposition`.
    closes : bool
        Whether phrases of four bars, and the end, are judged as cadences.

    Raises
    ------
    SegueError
        If there are no chords or no bars.
    """
    if not chords or bars < 1:
        raise SegueError("A lead sheet needs chords and bars; give at least one of each.")
    slots = bars * metre.slots
    moved = tuple(replace(span, chord=_moved(span.chord, transpose)) for span in chords)
    by_slot = _by_slot(moved, slots)
    tonic = (tonic + transpose) % 12
    nothing = np.full(slots, NO_CADENCE, dtype=np.int8)
    return Piece(
        mood="hopeful",
        tonic=tonic,
        mode=mode,
        tempo=120.0,
        metre=metre,
        chords=_spans(by_slot),
        template=np.full(slots, FREE, dtype=np.int8),
        motif=np.full(slots, NO_MOTIF, dtype=np.int8),
        cadence=cadences(by_slot, tonic, metre) if closes else nothing,
        target=np.full(slots, NO_TARGET),
    )


def transposition(notes: Sequence[Note]) -> int:
    """Semitones that bring a melody into the middle of the environment's two octaves."""
    if not notes:
        return 0
    pitches = [note.pitch for note in notes]
    return LOW + (PITCHES - 1) // 2 - (min(pitches) + max(pitches)) // 2


def to_actions(notes: Sequence[Note], piece: Piece, transpose: int = 0) -> npt.NDArray[np.int64]:
    """Write a melody as the actions that play it.

    Parameters
    ----------
    notes : sequence of Note
        Monophonic, in order of onset; quarters from the beginning of the piece. Onsets and ends
        are moved to the grid of eighths. Of notes that begin in one slot the longest is kept;
        what begins before 0 or beyond the end is left out.
    piece : Piece
        What they are played over.
    transpose : int
        Semitones by which they are moved; pitches that still lie outside the two octaves of the
        environment come from the nearest octave inside.

    Returns
    -------
    ndarray (slots,) int64
        One action a slot. Some may be illegal there (a pitch outside key and chord, a leap of
        more than an octave), and then count as rests.
    """
    actions = np.zeros(piece.slots, dtype=np.int64)
    lengths = np.zeros(piece.slots)
    for note in notes:
        first = round(note.onset * SLOTS_PER_QUARTER)
        end = max(first + 1, round((note.onset + note.duration) * SLOTS_PER_QUARTER))
        if 0 <= first < piece.slots and note.duration > lengths[first]:
            index = note.pitch + transpose - LOW
            index = index % 12 if index < 0 else index
            index = index if index < PITCHES else PITCHES - 13 + (index - PITCHES + 1) % 12
            actions[first], lengths[first] = 2 + index, note.duration
            actions[first + 1 : end] = 1
    return actions


def _moved(chord: Chord, semitones: int) -> Chord:
    return replace(chord, root=(chord.root + semitones) % 12)


def _by_slot(spans: Sequence[ChordSpan], slots: int) -> tuple[Chord, ...]:
    """The chord of each slot."""
    return tuple(spans[index].chord for index in _span_of(spans, slots))


def _span_of(spans: Sequence[ChordSpan], slots: int) -> npt.NDArray[np.int64]:
    """Index of the span that sounds in each slot."""
    starts = np.rint([span.onset * SLOTS_PER_QUARTER for span in spans])
    return np.maximum(np.searchsorted(starts, np.arange(slots), side="right") - 1, 0)


def _spans(chords: Sequence[Chord]) -> tuple[ChordSpan, ...]:
    """Chord spans of one chord a slot, each as long as it lasts."""
    starts = [0] + [i for i in range(1, len(chords)) if chords[i] != chords[i - 1]]
    ends = [*starts[1:], len(chords)]
    return tuple(
        ChordSpan(start / SLOTS_PER_QUARTER, (end - start) / SLOTS_PER_QUARTER, chords[start])
        for start, end in zip(starts, ends, strict=True)
    )


def lay_out(pieces: Sequence[Piece]) -> Bank:
    """Lay out pieces of one length for the compiled rules.

    Raises
    ------
    SegueError
        When there is no piece, or they differ in length or metre.
    """
    if not pieces or len({(piece.slots, piece.metre) for piece in pieces}) != 1:
        raise SegueError("the pieces of one environment must be of one length and metre.")
    tables, strength = [], []
    for piece in pieces:
        span_of = _span_of(piece.chords, piece.slots)
        tones = np.array([_bits(span.chord.pitch_classes) for span in piece.chords])[span_of]
        weight = np.tile(piece.metre.strengths(), piece.bars)
        hidden = (tones | _bits(scale_classes(piece.tonic, piece.mode)), tones, weight >= STRONG)
        tables.append(np.stack((*hidden, *_visible(piece, span_of)), axis=1).astype(np.int32))
        strength.append(weight)
    return Bank(tuple(pieces), pieces[0].slots, np.concatenate(strength), np.concatenate(tables))


def _bits(classes: frozenset[int]) -> int:
    return sum(1 << pitch for pitch in range(PITCHES) if (pitch + LOW) % 12 in classes)


def _visible(piece: Piece, span_of: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], ...]:
    """Columns of the observation that depend on the slot alone; see `observation.space`."""
    qualities, modes = list(QUALITIES), list(MODES)
    root = np.array([(span.chord.root - piece.tonic) % 12 for span in piece.chords])
    quality = np.array([qualities.index(span.chord.quality) for span in piece.chords])
    following = np.minimum(span_of + 1, len(piece.chords) - 1)
    height = np.clip(np.rint(piece.target) - LOW, 0, PITCHES - 1)
    return (
        np.arange(piece.slots) % piece.metre.slots,
        root[span_of],
        quality[span_of],
        root[following],
        quality[following],
        np.full(piece.slots, modes.index(piece.mode)),
        piece.template,
        piece.motif + 1,
        piece.cadence,
        np.where(piece.target == NO_TARGET, PITCHES, height),
    )
