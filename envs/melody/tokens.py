"""Between tokens and notes, and from the tunes of a corpus to windows of tokens."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from segue.envs.melody.prior import Tokens
from segue.envs.melody.types import FIRST_ONSET, HOLD, LOW, NOTE_OFF, PITCHES, STEPS
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.tune import Note

PER_QUARTER = 4
"""Sixteenths in a quarter note."""

DUPLE = ((4, 4), (2, 2), (2, 4))
"""Metres whose bars fill the grid: one or two of them are a bar of it."""

LEAST_ONSETS = 4
"""Onsets that a window must have; with fewer there is hardly a melody to speak of."""

OFF_GRID = 1e-3
"""Quarter notes that an onset or an end may lie off the grid, for rounding in files."""


def notes_of(tokens: Tokens | Sequence[int]) -> tuple[Note, ...]:
    """Notes of a melody: onsets and durations in quarter notes, pitches as MIDI numbers.

    Holds prolong the note that sounds, and do nothing in silence; the last note ends with the
    tokens.
    """
    notes: list[Note] = []
    begin, pitch = 0, -1
    for step, token in enumerate([*(int(token) for token in tokens), NOTE_OFF]):
        if token == HOLD:
            continue
        if pitch >= 0:
            notes.append(Note(begin / PER_QUARTER, (step - begin) / PER_QUARTER, pitch))
        begin, pitch = step, token - FIRST_ONSET + LOW if token >= FIRST_ONSET else -1
    return tuple(notes)


def tokens_of(notes: Sequence[Note], steps: int = STEPS) -> npt.NDArray[np.int8] | None:
    """Tokens of notes, or None where they do not fit on the grid.

    Parameters
    ----------
    notes : sequence of Note
        Monophonic, in order of onset, from quarter 0 on. Where notes overlap, the later one cuts
        the earlier short.
    steps : int
        Sixteenths; notes that begin later are left out.

    Returns
    -------
    ndarray (steps,) int8 or None
        None where an onset or an end lies between the sixteenths, or a pitch outside 48 to 83.
        The first token states what sounds: an onset, or note off for silence. Later silence
        begins with note off and goes on with holds.
    """
    tokens = np.full(steps, HOLD, dtype=np.int8)
    tokens[0] = NOTE_OFF
    for note in notes:
        begin, end = _sixteenth(note.onset), _sixteenth(note.onset + note.duration)
        if begin is None or end is None or not 0 <= note.pitch - LOW < PITCHES:
            return None
        if begin >= steps:
            break
        if begin < 0 or end <= begin:
            return None
        tokens[begin] = note.pitch - LOW + FIRST_ONSET
        tokens[begin + 1 : end] = HOLD
        if end < steps:
            tokens[end] = NOTE_OFF
    return tokens


def _sixteenth(quarters: float) -> int | None:
    """Sixteenths in so many quarters, or None off the grid."""
    place = round(quarters * PER_QUARTER)
    return place if abs(place / PER_QUARTER - quarters) <= OFF_GRID else None


def fit(tune: CorpusTune) -> int | None:
    """Semitones that bring a tune's tonic to C and its pitches between 48 and 83.

    Of the octaves in which all pitches fit, the one whose mean pitch is nearest to the middle,
    65.5; None where none does or the tune has no notes.
    """
    if not tune.notes:
        return None
    pitches = [note.pitch for note in tune.notes]
    mean = sum(pitches) / len(pitches)
    shifts = [
        octave * 12 - tune.tonic
        for octave in range(-10, 11)
        if min(pitches) + octave * 12 - tune.tonic >= LOW
        and max(pitches) + octave * 12 - tune.tonic < LOW + PITCHES
    ]
    return min(shifts, key=lambda shift: abs(mean + shift - (LOW + 17.5)), default=None)


def encode_windows(
    tune: CorpusTune,
    modes: Collection[str] = ("major",),
    least_onsets: int = LEAST_ONSETS,
) -> npt.NDArray[np.int8]:
    """Cut a tune into windows of two bars of 4/4, as RL Tuner's tokens.

    Every barline of a tune in `DUPLE` metre begins a window, so windows overlap; one of 32
    sixteenths is two bars of 4/4 or 2/2, or four of 2/4. The tune is transposed so that its tonic
    is C and moved by octaves as `fit` says. Left out are windows that are not on the sixteenth
    grid (triplets, grace notes), that reach beyond the tune's last note, or that have too few
    onsets. The first token states what sounds: what is left of a note tied over the barline
    becomes a note of its own, and silence begins with note off.

    Parameters
    ----------
    tune : CorpusTune
        As written.
    modes : collection of str
        Modes that are wanted; a tune in another has no windows. The task's key is C major, which
        a minor or modal tune on C would be out of: so only major by default.
    least_onsets : int
        Onsets that a window must have.

    Returns
    -------
    ndarray (k, 32) int8
        The windows in order; k may be 0.
    """
    shift = fit(tune)
    windows: list[npt.NDArray[np.int8]] = []
    if tune.metre in DUPLE and tune.mode in modes and shift is not None:
        bar, length = tune.bar_quarters, STEPS / PER_QUARTER
        end = max(note.onset + note.duration for note in tune.notes)
        begin = 0.0
        while begin + length <= end + OFF_GRID:
            window = _window(tune.notes, begin, length, shift)
            if window is not None and (window >= FIRST_ONSET).sum() >= least_onsets:
                windows.append(window)
            begin += bar
    return np.array(windows, dtype=np.int8).reshape(-1, STEPS)


def _window(
    notes: Sequence[Note], begin: float, length: float, shift: int
) -> npt.NDArray[np.int8] | None:
    """Tokens of what sounds from quarter `begin` on, or None where it is not on the grid."""
    found = []
    for note in notes:
        if note.onset + note.duration <= begin + OFF_GRID or note.onset >= begin + length:
            continue
        first = max(note.onset, begin)
        last = min(note.onset + note.duration, begin + length)
        found.append(Note(first - begin, last - first, note.pitch + shift))
    return tokens_of(found)
