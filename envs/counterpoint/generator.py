"""Where episodes of `segue/Counterpoint-v0` come from: cantus firmi drawn by rule, laid out flat.

The rules of a cantus firmus are those of the textbooks (Jeppesen, *Counterpoint*, 1939; Salzer &
Schachter, *Counterpoint in Composition*, 1969); Fux gives none, and his six keep most of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.counterpoint import dynamics
from segue.envs.counterpoint.cantus_firmi import FINALS, FUX, MODES
from segue.envs.counterpoint.types import (
    AHEAD,
    LOWEST_NOTE,
    NO_MOVE,
    NO_NOTE,
    NO_PITCH,
    PITCHES,
    WIDEST_MOVE,
    Bank,
    CantusFirmus,
)
from segue.rewards.counterpoint_view import CADENTIAL, FIRST, INNER, LAST

SHORTEST, LONGEST = 8, 14
"""Notes of a drawn cantus firmus."""
LOWEST_DRAWN, HIGHEST_DRAWN, WIDEST_RANGE = -5, 12, 16
"""Its lowest and highest note above the final, and its range: a tenth."""
TRIES = 100_000
"""Lines tried before giving up; about one in five is good."""

_STEP, _RECOVERY, _LEAP = 2, 4, 5
"""Semitones of the largest step, of the largest move that recovers a leap, and of the smallest
leap that wants it: a fourth."""
_STEP_WEIGHT, _THIRD_WEIGHT, _LEAP_WEIGHT = 6.0, 3.0, 1.0
"""How often steps, thirds and leaps are drawn, relative to each other."""
_OUTLINES = (6, 10, 11)
"""Semitones that no two turning points in a row may lie apart: tritone and sevenths."""


def draw_cantus(generator: np.random.Generator) -> CantusFirmus:
    """Draw a cantus firmus of 8 to 14 notes in any of the six modes.

    It starts and ends on the final, which a step down leads to; moves by seconds to fifths, minor
    sixths up and octaves, mostly by step; repeats no note and no pair of notes; answers each leap
    of a fourth or more by a step or third in the other direction, and skips no two times in one
    direction; stays within a tenth; has one climax, which is not the final; outlines neither a
    tritone nor a seventh between its turning points. It is none of Fux's, and has a legal
    counterpoint.
    """
    for _ in range(TRIES):
        mode = list(MODES)[int(generator.integers(len(MODES)))]
        length = int(generator.integers(SHORTEST, LONGEST + 1))
        degrees = _line(MODES[mode], length, generator)
        if not _is_good(degrees):
            continue
        pitches = tuple(FINALS[mode] + degree for degree in degrees)
        cantus = CantusFirmus(f"{mode} {'-'.join(map(str, pitches))}", mode, pitches)
        if pitches != FUX[mode].pitches and _allowed(cantus)[0, NO_PITCH]:
            return cantus
    raise RuntimeError(f"no cantus firmus in {TRIES} tries")


def draw_cantus_firmi(count: int, seed: int) -> tuple[CantusFirmus, ...]:
    """Draw `count` different cantus firmi; those of a smaller count come first.

    Raises
    ------
    SegueError
        If `count` is negative.
    """
    if count < 0:
        raise SegueError(f"generated is {count}; give how many cantus firmi to draw, 0 or more.")
    drawn: dict[tuple[int, ...], CantusFirmus] = {}
    generator = np.random.default_rng(seed)
    while len(drawn) < count:
        cantus = draw_cantus(generator)
        drawn.setdefault(cantus.pitches, cantus)
    return tuple(drawn.values())


def _line(scale: tuple[int, ...], length: int, generator: np.random.Generator) -> tuple[int, ...]:
    """Draw degrees note by note, each a good sequel of those before; short if there is none."""
    notes = [note for note in range(LOWEST_DRAWN, HIGHEST_DRAWN + 1) if note % 12 in scale]
    line = [0]
    while len(line) < length - 2:
        sequels = [note for note in notes if _follows(line, note)]
        if not sequels:
            return ()
        size = np.abs(np.array(sequels) - line[-1])
        narrow = np.where(size <= _STEP, _STEP_WEIGHT, _THIRD_WEIGHT)
        weight = np.where(size >= _LEAP, _LEAP_WEIGHT, narrow)
        line.append(int(generator.choice(sequels, p=weight / weight.sum())))
    for note in (scale[1], 0):
        if not _follows(line, note):
            return ()
        line.append(note)
    return tuple(line)


def _follows(line: Sequence[int], note: int) -> bool:
    """Tell whether `note` may come after `line`, by the rules of single moves and pairs."""
    move = note - line[-1]
    if move == 0 or not dynamics.is_melodic.py_func(move):
        return False
    if len(line) < 2:
        return True
    last = line[-1] - line[-2]
    skips = abs(move) > _STEP and abs(last) > _STEP
    if move * last > 0 and (skips or abs(last) >= _LEAP):
        return False
    if abs(last) >= _LEAP and abs(move) > _RECOVERY:
        return False
    return not (len(line) > 2 and note == line[-2] and line[-1] == line[-3])


def _is_good(degrees: Sequence[int]) -> bool:
    """Tell whether a whole line keeps the rules that look at all of it."""
    if not degrees or max(degrees) - min(degrees) > WIDEST_RANGE:
        return False
    if max(degrees) == 0 or degrees.count(max(degrees)) != 1:
        return False
    moves = [there - here for here, there in pairwise(degrees)]
    if 2 * sum(abs(move) <= _STEP for move in moves) < len(moves):
        return False
    turns = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(moves)) if a * b < 0), len(moves)]
    return all(abs(degrees[b] - degrees[a]) not in _OUTLINES for a, b in pairwise(turns))


def lay_out(cantus_firmi: Sequence[CantusFirmus]) -> Bank:
    """Lay out cantus firmi for the compiled rules.

    Raises
    ------
    SegueError
        When there is none, or one above which no counterpoint is legal.
    """
    if not cantus_firmi:
        raise SegueError("there is no cantus firmus; name one or set generated above 0.")
    allowed = [_allowed(cantus) for cantus in cantus_firmi]
    for cantus, bits in zip(cantus_firmi, allowed, strict=True):
        if not bits[0, NO_PITCH]:
            raise SegueError(
                f"No counterpoint above the cantus firmus {cantus.name!r} keeps the absolute "
                "rules; give another."
            )
    lengths = [len(cantus.pitches) for cantus in cantus_firmi]
    return Bank(
        cantus_firmi=tuple(cantus_firmi),
        starts=np.cumsum([0, *lengths[:-1]]).astype(np.int64),
        most_bars=max(lengths),
        bar_table=np.concatenate([_bars(cantus) for cantus in cantus_firmi]),
        allowed=np.concatenate(allowed),
    )


def _bars(cantus: CantusFirmus) -> npt.NDArray[np.int32]:
    """Rows of `Bank.bar_table`."""
    notes = np.array(cantus.degrees)
    bars = len(notes)
    number = np.arange(bars)
    place = np.where(number >= bars - 5, CADENTIAL, INNER)
    place[0], place[-1] = FIRST, LAST
    lydian = np.where((number >= bars - 4) & (cantus.mode == "lydian"), 1 << 6 | 1 << 18, 0)
    move = np.concatenate(([NO_MOVE], np.diff(notes) + WIDEST_MOVE))
    seen = notes - LOWEST_NOTE
    mode = np.full(bars, list(MODES).index(cantus.mode))
    around = np.concatenate(([NO_NOTE], seen, [NO_NOTE] * AHEAD))
    visible = (mode, *(around[shift : bars + shift] for shift in range(AHEAD + 2)))
    columns = (notes, move, place, lydian, np.full(bars, bars), *visible)
    return np.stack(columns, axis=1).astype(np.int32)


def _allowed(cantus: CantusFirmus) -> npt.NDArray[np.int32]:
    """Rows of `Bank.allowed`."""
    scale = MODES[cantus.mode]
    raised = cantus.mode != "phrygian" and 11 not in scale
    leading = 10 if cantus.mode == "phrygian" else 11
    scales = np.full(len(cantus.pitches), sum(1 << degree for degree in scale))
    scales[-2:] = 1 << leading, 1
    allowed: npt.NDArray[np.int32] = _completable(np.array(cantus.degrees), scales, raised)
    return allowed


@nb.njit(nogil=True, cache=True)
def _completable(
    notes: npt.NDArray[np.int64], scales: npt.NDArray[np.int64], raised: bool
) -> npt.NDArray[np.int32]:
    """Allow, from the last bar back to the first, what is permitted and leads to an end."""
    bars = len(notes)
    allowed = np.zeros((bars, PITCHES + 1), dtype=np.int32)
    for bar in range(bars - 1, -1, -1):
        at_end = (bar == 0) | (bar == bars - 1)
        for last in range(NO_PITCH if bar == 0 else 0, NO_PITCH + 1 if bar == 0 else PITCHES):
            bits = 0
            for pitch in range(PITCHES):
                fits = dynamics.fits_note(pitch, notes[bar], at_end, scales[bar])
                if bar == 0:
                    fits = fits and dynamics.is_perfect(pitch - notes[bar])
                else:
                    move = pitch - last
                    wrong = dynamics.moves_to_perfect(pitch, last, notes[bar], notes[bar - 1])
                    fits = fits and dynamics.is_melodic(move) and not wrong
                    if raised and bar == bars - 2:
                        fits = fits and not dynamics.is_augmented(move)
                if fits and bar < bars - 1:
                    fits = dynamics.legal(pitch, last, allowed[bar + 1, pitch]) != 0
                if fits:
                    bits |= 1 << pitch
            allowed[bar, last] = bits
    return allowed
