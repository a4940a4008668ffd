"""Whole tunes as rows of tokens, with what is known of them beside.

The grid is that of `segue.envs.melody.prior`: sixteenths, 38 tokens. A tune is moved so that its
tonic is C and its pitches lie in the grid's range, as `segue.envs.melody.tokens.fit` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.melody.tokens import LEAST_ONSETS, PER_QUARTER, fit
from segue.envs.melody.types import FIRST_ONSET, HOLD, LOW, NOTE_OFF
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.tune import ChordSpan

NO_CHORD = 0
"""Chord bits of a sixteenth whose harmony is not known."""

ROOT_SHIFT = 12
"""Bits from here on hold the chord's root, 0 (C) to 11; those below its pitch classes."""


@dataclass(frozen=True)
class Sequence16:
    """A tune on the sixteenth grid.

    Attributes
    ----------
    tokens : ndarray (t,) int8
        Tokens; the first one states what sounds, an onset or note off.
    bar : int
        Sixteenths in a bar.
    start : int
        Place in the bar of the first token, 0 <= start < bar; more than 0 with a pickup.
    mode : str
        Mode of the key, whose tonic is C.
    metre : tuple of int, (beats, unit)
        Time signature.
    tempo : float
        Quarter notes a minute; 120 also where nobody said.
    source : str
        Where the tune comes from, such as ``"oneills1850/0001-0050.abc:7"``.
    chords : ndarray (t,) int32
        Pitch classes of the chord at each sixteenth as bits 0 to 11 and its root above them
        (`ROOT_SHIFT`), in the moved key; NO_CHORD where none is known.
    """

    tokens: npt.NDArray[np.int8]
    bar: int
    start: int
    mode: str
    metre: tuple[int, int]
    tempo: float
    source: str
    chords: npt.NDArray[np.int32]

    @property
    def bars(self) -> int:
        """Bars that the tokens touch, a pickup counted as one."""
        return -(-(self.start + len(self.tokens)) // self.bar)


def encode_tune(tune: CorpusTune) -> Sequence16 | None:
    """Put a tune on the sixteenth grid.

    What lies between sixteenths, such as triplets, is moved to the nearest; of notes that would
    begin together the first is kept. So a triplet of eighths becomes a sixteenth, an eighth and a
    sixteenth.

    Parameters
    ----------
    tune : CorpusTune
        As written.

    Returns
    -------
    Sequence16 or None
        From the pickup, or the first barline, to the end of the last note's bar; None where the
        bar is no whole number of sixteenths, the pitches do not fit, or there are too few notes.
    """
    shift = fit(tune)
    bar = round(tune.bar_quarters * PER_QUARTER)
    if shift is None or len(tune.notes) < LEAST_ONSETS or bar != tune.bar_quarters * PER_QUARTER:
        return None
    first = min(0, round(tune.notes[0].onset * PER_QUARTER))
    last = max(round((note.onset + note.duration) * PER_QUARTER) for note in tune.notes)
    last = max(last, round(tune.notes[-1].onset * PER_QUARTER) + 1)
    start = first % bar
    length = -(-(last - first + start) // bar) * bar - start
    tokens = np.full(length, HOLD, dtype=np.int8)
    tokens[0] = NOTE_OFF
    taken = end = -1
    for note in tune.notes:
        begin = round(note.onset * PER_QUARTER) - first
        if begin == taken:
            continue
        if 0 <= end < begin:
            tokens[end] = NOTE_OFF
        tokens[begin] = note.pitch + shift - LOW + FIRST_ONSET
        taken, end = begin, round((note.onset + note.duration) * PER_QUARTER) - first
        end = max(end, begin + 1)
    if end < length:
        tokens[end] = NOTE_OFF
    return Sequence16(
        tokens=tokens,
        bar=bar,
        start=start,
        mode=tune.mode,
        metre=tune.metre,
        tempo=tune.tempo,
        source=tune.source,
        chords=chord_bits(tune.chords, length, first, shift),
    )


def chord_bits(
    chords: Iterable[ChordSpan], length: int, first: int, shift: int
) -> npt.NDArray[np.int32]:
    """Chord of each sixteenth, as `Sequence16.chords`.

    Parameters
    ----------
    chords : iterable of ChordSpan
        In quarter notes from the first barline on.
    length : int
        Sixteenths.
    first : int
        Sixteenths from the first barline to the first token.
    shift : int
        Semitones by which the tune is moved.
    """
    bits = np.zeros(length, dtype=np.int32)
    for span in chords:
        begin = max(0, round(span.onset * PER_QUARTER) - first)
        end = max(0, round((span.onset + span.duration) * PER_QUARTER) - first)
        root = (span.chord.root + shift) % 12
        classes = sum(1 << (pc + shift) % 12 for pc in span.chord.pitch_classes)
        bits[begin:end] = classes | root << ROOT_SHIFT
    return bits


def encode_tunes(tunes: Sequence[CorpusTune]) -> list[Sequence16]:
    """Sequences of the tunes that fit on the grid, in their order."""
    found = (encode_tune(tune) for tune in tunes)
    return [sequence for sequence in found if sequence is not None]
