"""How sounding lengths are written: note values cut where a reader expects it."""

from __future__ import annotations

from dataclasses import dataclass

from segue.envs.music.metre import Metre
from segue.envs.music.tune import Tune

# Values in quarter notes, dotted ones among them, largest first.
_VALUES = (4.0, 3.0, 2.0, 1.5, 1.0, 0.75, 0.5, 0.375, 0.25, 0.125)
_FINEST = 0.125


@dataclass(frozen=True)
class WrittenNote:
    """One note head or rest.

    Attributes
    ----------
    bar : int
        0-based.
    place : float
        Quarter notes from the barline.
    value : float
        Length in quarter notes.
    pitch : int or None
        MIDI pitch; None for a rest.
    tied_from, tied_to : bool
        Whether a tie comes in, goes out.
    """

    bar: int
    place: float
    value: float
    pitch: int | None
    tied_from: bool
    tied_to: bool


def written_notes(tune: Tune) -> list[WrittenNote]:
    """Write out the melody of a tune, with rests, so that every bar is full.

    Lengths are cut at barlines and so that the beat stays visible: a note that begins between
    beats does not hide the middle of a bar, nor a short one a beat. Notes on no grid of thirty-
    seconds (triplets) are cut at barlines only.

    Parameters
    ----------
    tune : Tune
        The tune. Notes beyond its last bar are cut off there; of two that overlap the first
        ends where the second begins.

    Returns
    -------
    list of WrittenNote
        In order.
    """
    written: list[WrittenNote] = []
    now = 0.0
    notes = [note for note in tune.notes if note.onset < tune.quarters]
    for index, note in enumerate(notes):
        after = notes[index + 1].onset if index + 1 < len(notes) else tune.quarters
        end = min(note.onset + note.duration, after)
        written += _pieces(now, note.onset, None, tune.metre)
        written += _pieces(note.onset, end, note.pitch, tune.metre)
        now = max(now, end)
    return written + _pieces(now, tune.quarters, None, tune.metre)


def _pieces(start: float, end: float, pitch: int | None, metre: Metre) -> list[WrittenNote]:
    pieces: list[WrittenNote] = []
    while end - start > 1e-6:
        bar = int((start + 1e-6) // metre.quarters)
        place = max(0.0, start - bar * metre.quarters)
        room = min(end - start, metre.quarters - place)
        value = _value(place, room, pitch is None, metre)
        start = start + value if value < end - start else end
        tied_from, tied_to = bool(pieces), end - start > 1e-6
        sounds = pitch is not None
        pieces.append(
            WrittenNote(bar, place, value, pitch, sounds and tied_from, sounds and tied_to)
        )
    return pieces


def _value(place: float, room: float, rests: bool, metre: Metre) -> float:
    """The longest value that may stand at a place and has room there."""
    if rests and place == 0 and room == metre.quarters:
        return room  # A whole bar's rest, in any metre.
    if place % _FINEST or room % _FINEST:
        return room  # A triplet.
    if metre.compound:
        return _in_compound(place, room, rests)
    if rests:
        return _rest(place, room, metre)
    return next(v for v in _VALUES if v <= room and _readable(place, v, metre))


def _in_compound(place: float, room: float, rests: bool) -> float:
    """Whole dotted quarters from a beat; within a beat nothing that crosses into the next."""
    after = place % 1.5
    if after == 0 and not rests and room >= 3.0:
        return 3.0
    left = min(room, 1.5 - after)
    if after == 0 and left == 1.5:
        return 1.5
    choices: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25, _FINEST)
    if rests:  # Never dotted; a quarter only where a beat begins.
        choices = (1.0, 0.5, 0.25, _FINEST) if after == 0 else (0.5, 0.25, _FINEST)
    return next(v for v in choices if v <= left and after % min(v, 0.5) == 0)


def _readable(place: float, value: float, metre: Metre) -> bool:
    end = place + value
    if place % 1 == 0:
        # From a beat anything goes that ends on one, or within the next.
        return value != 0.375 and (end % 1 == 0 or value <= 1.5)
    if value >= 1:
        return place % 0.5 == 0 and not any(place < strong < end for strong in _strong(metre))
    if value == _FINEST:
        return True
    return end <= int(place) + 1 and place % (0.125 if value < 0.5 else 0.25) == 0


def _strong(metre: Metre) -> list[float]:
    """Beats that must not be hidden: the first of each group, the third of four."""
    starts = metre.groups
    return [start for start, _ in starts] + [start + 2 for start, size in starts if size == 4]


def _rest(place: float, room: float, metre: Metre) -> float:
    """As for notes, but rests are never dotted, and longer than a beat only in groups of four."""
    start, size = max(group for group in metre.groups if group[0] <= place)
    longest = 2 if size == 4 else 1
    values = (v for v in (2.0, 1.0, 0.5, 0.25, _FINEST) if v <= min(room, longest))
    return next(v for v in values if (place - start) % v == 0)
