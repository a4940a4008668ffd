"""Drum patterns, built from the groups of beats that a bar is felt in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from segue.envs.music.parts import TimedNote, clamp_velocity, group_starts

# General MIDI percussion keys.
_KICK, _STICK, _SNARE, _CLOSED_HAT, _OPEN_HAT = 36, 37, 38, 42, 46
_LOW_TOM, _MIDDLE_TOM, _HIGH_TOM, _CRASH, _TAMBOURINE, _SHAKER = 41, 45, 48, 49, 54, 70

_PHRASE = 4  # Bars.
_TICK = 0.2  # Drums have no length; a short one keeps note-offs out of the way.

Hits = tuple[tuple[int, float, int], ...]
"""Percussion key, place in quarter notes, velocity."""

_EIGHTHS: Hits = tuple((_CLOSED_HAT, i / 2, 62 if i % 2 == 0 else 46) for i in range(8))

# By size of the group: what a group of four, three or two beats sounds like.
GROOVES: Mapping[str, Mapping[int, Hits]] = MappingProxyType(
    {
        "none": {},
        "pop": {
            4: (
                (_KICK, 0.0, 98),
                (_SNARE, 1.0, 92),
                (_KICK, 2.0, 92),
                (_KICK, 2.5, 78),
                (_SNARE, 3.0, 95),
                *_EIGHTHS,
            ),
            3: ((_KICK, 0.0, 98), (_SNARE, 1.0, 74), (_SNARE, 2.0, 80), *_EIGHTHS[:6]),
            2: ((_KICK, 0.0, 94), (_SNARE, 1.0, 90), *_EIGHTHS[:4]),
        },
        "light": {
            4: (
                (_KICK, 0.0, 74),
                (_STICK, 1.0, 66),
                (_KICK, 2.0, 66),
                (_STICK, 3.0, 70),
                *((_SHAKER, i / 2, 58 if i % 2 else 44) for i in range(8)),
            ),
            3: (
                (_KICK, 0.0, 74),
                (_STICK, 1.0, 58),
                (_STICK, 2.0, 62),
                *((_SHAKER, i / 2, 58 if i % 2 else 44) for i in range(6)),
            ),
            2: ((_KICK, 0.0, 72), (_STICK, 1.0, 66), (_SHAKER, 0.5, 56), (_SHAKER, 1.5, 58)),
        },
        "march": {
            4: (
                (_KICK, 0.0, 100),
                (_SNARE, 1.0, 70),
                (_SNARE, 1.5, 58),
                (_SNARE, 1.75, 62),
                (_KICK, 2.0, 92),
                (_SNARE, 3.0, 76),
                (_SNARE, 3.5, 64),
                (_SNARE, 0.5, 50),
            ),
            3: (
                (_KICK, 0.0, 100),
                (_SNARE, 1.0, 70),
                (_SNARE, 1.5, 58),
                (_SNARE, 1.75, 62),
                (_SNARE, 2.0, 74),
            ),
            2: ((_KICK, 0.0, 98), (_SNARE, 1.0, 72), (_SNARE, 1.5, 60)),
        },
        "pulse": {
            4: ((_LOW_TOM, 0.0, 84), (_LOW_TOM, 0.75, 58), (_LOW_TOM, 2.0, 70)),
            3: ((_LOW_TOM, 0.0, 84), (_LOW_TOM, 0.75, 58)),
            2: ((_LOW_TOM, 0.0, 78),),
        },
        "tension": {
            4: (
                (_LOW_TOM, 0.0, 90),
                (_LOW_TOM, 1.5, 66),
                (_LOW_TOM, 2.0, 74),
                (_MIDDLE_TOM, 3.0, 64),
                (_MIDDLE_TOM, 3.5, 72),
                *((_CLOSED_HAT, i / 4, 50 if i % 4 == 0 else 34) for i in range(16)),
            ),
            3: (
                (_LOW_TOM, 0.0, 90),
                (_LOW_TOM, 1.5, 66),
                (_MIDDLE_TOM, 2.5, 70),
                *((_CLOSED_HAT, i / 4, 50 if i % 4 == 0 else 34) for i in range(12)),
            ),
            2: (
                (_LOW_TOM, 0.0, 84),
                (_MIDDLE_TOM, 1.5, 66),
                *((_CLOSED_HAT, i / 4, 50 if i % 4 == 0 else 34) for i in range(8)),
            ),
        },
    }
)
"""Patterns by name, then by the size of the group of beats they fill."""

# What closes a phrase: sixteenths over one beat, growing; by pattern.
_FILLS: Mapping[str, tuple[int, ...]] = {
    "pop": (_SNARE, _SNARE, _HIGH_TOM, _LOW_TOM),
    "light": (_STICK, _TAMBOURINE),
    "march": (_SNARE, _SNARE, _SNARE, _SNARE),
    "pulse": (_MIDDLE_TOM, _LOW_TOM),
    "tension": (_MIDDLE_TOM, _MIDDLE_TOM, _LOW_TOM, _LOW_TOM),
}
_CRASHING = ("pop", "march")


def drum_notes(groove: str, bars: int, beats_per_bar: int, stop: float) -> tuple[TimedNote, ...]:
    """Play a groove with a fill at the end of each phrase of four bars.

    Parameters
    ----------
    groove : str
        A key of `GROOVES`.
    bars, beats_per_bar : int
        Length and metre of the tune.
    stop : float
        Where the final chord is struck, in quarter notes; one stroke marks it and no more follow.

    Returns
    -------
    tuple of TimedNote
        In order of onset; empty for ``"none"``.
    """
    if groove == "none":
        return ()
    hits: list[tuple[float, int, int]] = []
    for bar in range(bars):
        start = float(bar * beats_per_bar)
        hits += _bar(groove, start, beats_per_bar)
        if (bar + 1) % _PHRASE == 0 or bar == bars - 2:
            fill_start = start + beats_per_bar - 1
            hits = [hit for hit in hits if hit[0] < fill_start] + _fill(groove, fill_start)
        if bar and bar % _PHRASE == 0 and groove in _CRASHING:
            hits.append((start, _CRASH, 84))
    hits = [hit for hit in hits if hit[0] < stop]
    hits.append((stop, _KICK if groove in ("pop", "light", "march") else _LOW_TOM, 96))
    if groove in _CRASHING:
        hits.append((stop, _CRASH, 92))
    return tuple(TimedNote(o, _TICK, key, velocity) for o, key, velocity in sorted(hits))


def _bar(groove: str, start: float, beats_per_bar: int) -> list[tuple[float, int, int]]:
    hits = []
    for beat, size in group_starts(beats_per_bar):
        # A bar of one beat takes the first beat of the group of two.
        for key, place, velocity in GROOVES[groove][max(2, size)]:
            if place < size:
                # Groups after the first lean less.
                hits.append((start + beat + place, key, velocity - (6 if beat else 0)))
    return hits


def _fill(groove: str, start: float) -> list[tuple[float, int, int]]:
    keys = _FILLS[groove]
    swell = [clamp_velocity(66 + 26 * i / len(keys)) for i in range(len(keys))]
    return [(start + i / len(keys), key, swell[i]) for i, key in enumerate(keys)]
