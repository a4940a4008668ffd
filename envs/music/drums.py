"""Drum patterns, built from the groups of beats that a bar is felt in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from segue.envs.music.metre import Metre
from segue.envs.music.parts import TimedNote, clamp_velocity
from segue.envs.music.tune import Tune

_KICK, _STICK, _SNARE, _CLOSED_HAT, _PEDAL_HAT = 36, 37, 38, 42, 44  # General MIDI keys.
_LOW_TOM, _MIDDLE_TOM, _HIGH_TOM, _CRASH, _RIDE, _TAMBOURINE, _SHAKER = 41, 45, 48, 49, 51, 54, 70

_PHRASE = 4  # Bars.
_TICK = 0.2  # Drums have no length; a short one keeps note-offs out of the way.

Hits = tuple[tuple[int, float, int], ...]
"""Percussion key, place in quarter notes, velocity."""


@dataclass(frozen=True)
class Groove:
    """A drum pattern.

    Attributes
    ----------
    four, three, two : tuple of (key, place, velocity)
        What groups of four, three and two quarters sound like.
    dotted, answer : tuple of (key, place, velocity)
        Dotted quarters of compound metre: the odd ones, and the even ones that answer them.
    fill : tuple of int
        Keys that close a phrase: spread over one beat, growing.
    stroke : int
        Key that marks the final chord.
    crash : bool
        Whether phrases open with a cymbal.
    """

    four: Hits
    three: Hits
    two: Hits
    dotted: Hits
    answer: Hits
    fill: tuple[int, ...]
    stroke: int = _KICK
    crash: bool = False

    def group(self, metre: Metre, number: int, size: float) -> Hits:
        """What the group of a bar sounds like; one of a single quarter takes half of `two`."""
        if metre.compound:
            return self.answer if number % 2 else self.dotted
        return {4: self.four, 3: self.three}.get(int(size), self.two)


def _every(key: int, step: float, count: int, strong: int, weak: int, per: int = 2) -> Hits:
    """Strokes at even distance, each `per`-th of them strong."""
    return tuple((key, i * step, weak if i % per else strong) for i in range(count))


_HATS, _THREE_HATS = _every(_CLOSED_HAT, 0.5, 8, 62, 46), _every(_CLOSED_HAT, 0.5, 3, 62, 46, 3)

GROOVES: Mapping[str, Groove | None] = MappingProxyType(
    {
        "none": None,
        "pop": Groove(
            four=(
                *((_KICK, 0.0, 98), (_SNARE, 1.0, 92), (_KICK, 2.0, 92), (_KICK, 2.5, 78)),
                *((_SNARE, 3.0, 95), *_HATS),
            ),
            three=((_KICK, 0.0, 98), (_SNARE, 1.0, 74), (_SNARE, 2.0, 80), *_HATS[:6]),
            two=((_KICK, 0.0, 94), (_SNARE, 1.0, 90), *_HATS[:4]),
            dotted=((_KICK, 0.0, 98), (_KICK, 1.0, 70), *_THREE_HATS),
            answer=((_SNARE, 0.0, 94), *_THREE_HATS),
            fill=(_SNARE, _SNARE, _HIGH_TOM, _LOW_TOM),
            crash=True,
        ),
        "light": Groove(
            four=(
                *((_KICK, 0.0, 74), (_STICK, 1.0, 66), (_KICK, 2.0, 66), (_STICK, 3.0, 70)),
                *_every(_SHAKER, 0.5, 8, 44, 58),
            ),
            three=(
                *((_KICK, 0.0, 74), (_STICK, 1.0, 58), (_STICK, 2.0, 62)),
                *_every(_SHAKER, 0.5, 6, 44, 58),
            ),
            two=((_KICK, 0.0, 72), (_STICK, 1.0, 66), (_SHAKER, 0.5, 56), (_SHAKER, 1.5, 58)),
            dotted=((_KICK, 0.0, 74), *_every(_SHAKER, 0.5, 3, 58, 46, 3)),
            answer=((_STICK, 0.0, 68), *_every(_SHAKER, 0.5, 3, 58, 46, 3)),
            fill=(_STICK, _TAMBOURINE),
        ),
        "march": Groove(
            four=(
                *((_KICK, 0.0, 100), (_SNARE, 0.5, 50), (_SNARE, 1.0, 70), (_SNARE, 1.5, 58)),
                *((_SNARE, 1.75, 62), (_KICK, 2.0, 92), (_SNARE, 3.0, 76), (_SNARE, 3.5, 64)),
            ),
            three=(
                *((_KICK, 0.0, 100), (_SNARE, 1.0, 70), (_SNARE, 1.5, 58)),
                *((_SNARE, 1.75, 62), (_SNARE, 2.0, 74)),
            ),
            two=((_KICK, 0.0, 98), (_SNARE, 1.0, 72), (_SNARE, 1.5, 60)),
            dotted=((_KICK, 0.0, 100), (_SNARE, 1.0, 62)),
            answer=((_SNARE, 0.0, 74), (_SNARE, 0.5, 56), (_SNARE, 1.0, 64)),
            fill=(_SNARE, _SNARE, _SNARE, _SNARE),
            crash=True,
        ),
        "pulse": Groove(
            four=((_LOW_TOM, 0.0, 84), (_LOW_TOM, 0.75, 58), (_LOW_TOM, 2.0, 70)),
            three=((_LOW_TOM, 0.0, 84), (_LOW_TOM, 0.75, 58)),
            two=((_LOW_TOM, 0.0, 78),),
            dotted=((_LOW_TOM, 0.0, 84), (_LOW_TOM, 1.0, 58)),
            answer=((_LOW_TOM, 0.0, 68),),
            fill=(_MIDDLE_TOM, _LOW_TOM),
            stroke=_LOW_TOM,
        ),
        "tension": Groove(
            four=(
                *((_LOW_TOM, 0.0, 90), (_LOW_TOM, 1.5, 66), (_LOW_TOM, 2.0, 74)),
                *((_MIDDLE_TOM, 3.0, 64), (_MIDDLE_TOM, 3.5, 72)),
                *_every(_CLOSED_HAT, 0.25, 16, 50, 34, 4),
            ),
            three=(
                *((_LOW_TOM, 0.0, 90), (_LOW_TOM, 1.5, 66), (_MIDDLE_TOM, 2.5, 70)),
                *_every(_CLOSED_HAT, 0.25, 12, 50, 34, 4),
            ),
            two=(
                *((_LOW_TOM, 0.0, 84), (_MIDDLE_TOM, 1.5, 66)),
                *_every(_CLOSED_HAT, 0.25, 8, 50, 34, 4),
            ),
            dotted=((_LOW_TOM, 0.0, 88), *_every(_CLOSED_HAT, 0.25, 6, 50, 34, 6)),
            answer=(
                *((_LOW_TOM, 0.0, 72), (_MIDDLE_TOM, 1.0, 66)),
                *_every(_CLOSED_HAT, 0.25, 6, 50, 34, 6),
            ),
            fill=(_MIDDLE_TOM, _MIDDLE_TOM, _LOW_TOM, _LOW_TOM),
            stroke=_LOW_TOM,
        ),
        "swing": Groove(
            four=(
                *((_RIDE, 0.0, 78), (_RIDE, 1.0, 86), (_RIDE, 1.5, 66), (_RIDE, 2.0, 78)),
                *((_RIDE, 3.0, 86), (_RIDE, 3.5, 66), (_PEDAL_HAT, 1.0, 74)),
                *((_PEDAL_HAT, 3.0, 74), (_KICK, 0.0, 58), (_KICK, 2.0, 50)),
            ),
            three=(
                *((_RIDE, 0.0, 80), (_RIDE, 1.0, 84), (_RIDE, 1.5, 64), (_RIDE, 2.0, 80)),
                *((_PEDAL_HAT, 1.0, 70), (_KICK, 0.0, 60)),
            ),
            two=(
                *((_RIDE, 0.0, 78), (_RIDE, 1.0, 86), (_RIDE, 1.5, 66)),
                *((_PEDAL_HAT, 1.0, 72), (_KICK, 0.0, 56)),
            ),
            dotted=((_RIDE, 0.0, 80), (_RIDE, 1.0, 66), (_KICK, 0.0, 58)),
            answer=((_RIDE, 0.0, 86), (_RIDE, 1.0, 66), (_PEDAL_HAT, 0.0, 72)),
            fill=(_SNARE, _HIGH_TOM),
        ),
    }
)
"""Drum patterns by name; ``"none"`` is no drummer."""


def drum_notes(name: str, tune: Tune, stop: float) -> tuple[TimedNote, ...]:
    """Play a groove with a fill at the end of each phrase of four bars.

    Parameters
    ----------
    name : str
        A key of `GROOVES`.
    tune : Tune
        Gives length and metre.
    stop : float
        Where the final chord is struck, in quarter notes; one stroke marks it and no more follow.

    Returns
    -------
    tuple of TimedNote
        In order of onset; empty for ``"none"``.
    """
    groove = GROOVES[name]
    if groove is None:
        return ()
    metre = tune.metre
    hits: list[tuple[float, int, int]] = []
    for bar in range(tune.bars):
        start = bar * metre.quarters
        hits += _bar(groove, start, metre)
        if (bar + 1) % _PHRASE == 0 or bar == tune.bars - 2:
            fill_start = start + metre.quarters - metre.pulse
            hits = [hit for hit in hits if hit[0] < fill_start]
            hits += _fill(groove, fill_start, metre.pulse)
        if bar and bar % _PHRASE == 0 and groove.crash:
            hits.append((start, _CRASH, 84))
    hits = [hit for hit in hits if hit[0] < stop]
    hits.append((stop, groove.stroke, 96))
    if groove.crash:
        hits.append((stop, _CRASH, 92))
    return tuple(TimedNote(o, _TICK, key, velocity) for o, key, velocity in sorted(hits))


def _bar(groove: Groove, start: float, metre: Metre) -> list[tuple[float, int, int]]:
    hits = []
    for number, (begin, size) in enumerate(metre.groups):
        for key, place, velocity in groove.group(metre, number, size):
            if place < size:
                # Groups after the first lean less.
                hits.append((start + begin + place, key, velocity - (6 if number else 0)))
    return hits


def _fill(groove: Groove, start: float, length: float) -> list[tuple[float, int, int]]:
    keys = groove.fill
    count = round(length * len(keys))  # As many a quarter as there are keys.
    return [
        (
            start + i / len(keys),
            keys[i * len(keys) // count],
            clamp_velocity(66 + 26 * i / count),
        )
        for i in range(count)
    ]
