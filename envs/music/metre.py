"""Metre: how a bar is counted and felt, and how swing bends it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError

SLOTS_PER_QUARTER = 2
"""Melodies are written on a grid of eighth notes."""

STRAIGHT, WIDEST_SWING = 1.0, 3.0
"""Range of the swing ratio, long to short eighth: 1 straight, 2 triplet, 3 dotted."""

_UNITS, _MOST_BEATS = (1, 2, 4, 8), 16


@dataclass(frozen=True)
class Metre:
    """A time signature.

    Of eighths in threes (3/8, 6/8, 9/8, 12/8) a bar is *compound*: its beats are dotted quarters.
    Otherwise its beats are quarters.

    Attributes
    ----------
    beats : int
        Upper figure, 1 to 16.
    unit : int
        Lower figure: 1, 2, 4 or 8.

    Raises
    ------
    SegueError
        If a bar of it is no whole number of quarters or of dotted quarters.
    """

    beats: int
    unit: int

    def __post_init__(self) -> None:
        known = 1 <= self.beats <= _MOST_BEATS and self.unit in _UNITS
        if not known or (not self.compound and self.beats * 4 % self.unit):
            raise SegueError(
                f"The metre {self} cannot be written; give one whose bars are quarters or dotted "
                "quarters, such as 2/4, 3/4, 4/4 or 6/8."
            )

    def __str__(self) -> str:
        return f"{self.beats}/{self.unit}"

    @property
    def compound(self) -> bool:
        """Whether the beat divides into three eighths."""
        return self.unit == 8 and self.beats % 3 == 0

    @property
    def quarters(self) -> float:
        """Length of a bar in quarter notes."""
        return self.beats * 4 / self.unit

    @property
    def slots(self) -> int:
        """Length of a bar in eighth notes."""
        return round(self.quarters * SLOTS_PER_QUARTER)

    @property
    def pulse(self) -> float:
        """Length of the felt beat in quarter notes: 1.5 in compound metre, else 1."""
        return 1.5 if self.compound else 1.0

    @property
    def pulses(self) -> int:
        """Felt beats in a bar: 6/8 has two."""
        return round(self.quarters / self.pulse)

    @property
    def groups(self) -> tuple[tuple[float, float], ...]:
        """Start and length, in quarters, of the groups that a bar is felt in; each has an accent.

        Compound metre is felt in its dotted quarters; other bars in groups of two, three or four
        quarters, such as 3 + 2 in 5/4 and 3 + 3 in 6/4; a bar of one quarter is a group.
        """
        lengths = [1.5] * self.pulses if self.compound else _grouped(round(self.quarters))
        starts = [sum(lengths[:index]) for index in range(len(lengths))]
        return tuple((float(s), float(n)) for s, n in zip(starts, lengths, strict=True))

    def strengths(self) -> npt.NDArray[np.float64]:
        """Metrical strength of each eighth of a bar, (slots,).

        1 on the downbeat; .5 on the second of two groups, and half-way through a bar of one, two
        or four beats; .25 on other beats; .125 between them. Source: the metrical grid of Lerdahl &
        Jackendoff (1983), one halving a level.
        """
        slot = np.arange(self.slots)
        strength = np.where(slot % (self.pulse * SLOTS_PER_QUARTER) == 0, 0.25, 0.125)
        if len(self.groups) == 2:
            strength[round(self.groups[1][0] * SLOTS_PER_QUARTER)] = 0.5
        if self.pulses in (1, 2, 4) and self.slots % 2 == 0:
            strength[self.slots // 2] = 0.5
        strength[0] = 1.0
        return strength

    def swung(self, time: float, swing: float) -> float:
        """Where a place in the written music sounds when its eighths swing.

        Of each pair of eighths the first sounds `swing` times as long as the second; all within
        them follows in proportion, and every beat stays where it is. In compound metre the pair
        is the first two eighths of each dotted quarter, as in a lilting jig.

        Parameters
        ----------
        time : float
            Quarter notes from the beginning.
        swing : float
            Ratio of the long to the short eighth, 1 (straight) to 3.
        """
        beat = time // self.pulse * self.pulse
        place = time - beat
        if place >= 1:
            return time
        turn = swing / (1 + swing)  # Where the second eighth begins.
        bent = place * 2 * turn if place < 0.5 else turn + (place - 0.5) * 2 * (1 - turn)
        return beat + bent


def _grouped(beats: int) -> list[float]:
    if beats <= 4:
        return [beats]
    if beats in (5, 6):
        return [3, beats - 3]
    return [4, *_grouped(beats - 4)]


COMMON_TIME = Metre(4, 4)

METRES = {str(metre): metre for metre in (Metre(2, 4), Metre(3, 4), COMMON_TIME, Metre(6, 8))}
"""The metres that tunes are composed in, by name."""


def parse_metre(text: str) -> Metre:
    """Read a metre that tunes are composed in, such as ``"6/8"``.

    Raises
    ------
    SegueError
        If the text is none of `METRES`.
    """
    name = re.sub(r"\s", "", text)
    if name not in METRES:
        raise SegueError(f"Unknown metre {text!r}; choose one of {', '.join(METRES)}.")
    return METRES[name]


def check_swing(swing: float) -> None:
    """Refuse a swing ratio outside 1 to 3 with a `SegueError`."""
    if not STRAIGHT <= swing <= WIDEST_SWING:
        raise SegueError(
            f"A swing of {swing} is out of range; give {STRAIGHT:g} (straight) to "
            f"{WIDEST_SWING:g}, such as 2 for triplets."
        )
