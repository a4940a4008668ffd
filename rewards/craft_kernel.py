"""The tables of `segue.rewards.film_craft`, evaluated: two NumPy ufuncs.

Compiled, because an environment asks at every step for a worth that hangs on the row of each
element, and a solver for that of every row at every place.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, sqrt
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.rewards.base import FloatArray
from segue.rewards.film_craft import (
    CUES,
    EFFECT_TABLE,
    FACTORS,
    NEUTRAL,
    PARTS,
    PHRASE,
    SCENE,
    TRANSITION_TABLE,
    Preference,
)
from segue.rewards.film_view import EFFECT_NAMES, TRANSITION_NAMES


def _compiled(
    names: tuple[str, ...], table: Mapping[str, Preference]
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Lay a table out: base and weights (rows, 1 + CUES), factors (rows, CUES, PARTS).

    One more row is that of the unknown.
    """
    numbers = np.zeros((len(names) + 1, 1 + CUES))
    factors = np.zeros((len(names) + 1, CUES, PARTS), dtype=np.int64)
    numbers[-1, 0] = NEUTRAL
    for row, name in enumerate(names):
        numbers[row, 0] = table[name].base
        for place, (cue, weight) in enumerate(table[name].cues.items()):
            numbers[row, 1 + place] = weight
            factors[row, place, : len(cue)] = [FACTORS.index(factor) for factor in cue]
    return numbers, factors


_TRANSITION_NUMBERS, _TRANSITION_FACTORS = _compiled(TRANSITION_NAMES, TRANSITION_TABLE)
_EFFECT_NUMBERS, _EFFECT_FACTORS = _compiled(EFFECT_NAMES, EFFECT_TABLE)


@nb.njit(nogil=True, inline="always")
def _near(value: float, centre: float, width: float) -> float:
    return exp(-0.5 * ((value - centre) / width) ** 2)


@nb.njit(nogil=True)
def _music(code: int, strength: float, energy: float, rise: float) -> float:
    """Factors 1 to 6: what the music does at the cut."""
    if code == 1:
        return 1.0 if strength >= PHRASE else 0.0
    if code == 2:
        return strength
    if code == 3:
        return 1.0 - energy
    if code == 4:
        return energy
    return min(1.0, max(0.0, 2.0 * rise if code == 5 else -2.0 * rise))


@nb.njit(nogil=True)
def _movement(
    code: int, x: float, y: float, last_x: float, last_y: float, aside: float, above: float
) -> float:
    """Factors 8 to 12: what moves; `aside` and `above` tell how far the eye must jump."""
    if code == 8:
        return abs(x)
    if code == 9:
        return abs(y)
    if code == 10:
        return abs(last_x)
    if code == 11:
        return sqrt(max(0.0, x * last_x))
    # One velocity and one place of the eye.
    along, speeds = x * last_x + y * last_y, x * x + y * y + last_x * last_x + last_y * last_y
    eye = _near(aside, 0.0, 0.5) * _near(above, 0.0, 0.5)
    return float(max(0.0, 2.0 * along / (speeds + 0.02)) * eye)


@nb.njit(nogil=True)
def _picture(code: int, motion: float, colour: float, light: float, sharp: float) -> float:
    """Factors 16 to 28, but for the first and last piece: how the picture looks."""
    if code == 16:
        return motion
    if code == 17:
        return 1.0 - motion
    if code == 18:
        return float(_near(motion, 0.0, 0.15))
    if code == 21:
        return float(_near(colour, 0.0, 0.06))
    if code == 22:
        return float(_near(colour, 0.15, 0.08))
    if code == 23:
        return float(_near(colour, 0.6, 0.12))
    if code == 24:
        return float(_near(light, 0.2, 0.08))
    if code == 25:
        return float(_near(light, 0.6, 0.1))
    if code == 26:
        return float(_near(light, 0.7, 0.1))
    return float(_near(sharp, 0.2, 0.15) if code == 27 else _near(sharp, 0.45, 0.08))


_NUMBER = nb.float64
_ROW = nb.int64


@nb.vectorize([_NUMBER(_ROW, *[_NUMBER] * 15)], cache=True)
def transition_worth(
    row: int,
    strength: float,
    energy: float,
    rise: float,
    similarity: float,
    x: float,
    y: float,
    last_x: float,
    last_y: float,
    eye_x: float,
    eye_y: float,
    last_eye_x: float,
    last_eye_y: float,
    motion: float,
    step: float,
    same_film: float,
) -> float:
    """Worth of the transitions `row`, a NumPy ufunc; `step` is that in the film."""
    worth = _TRANSITION_NUMBERS[row, 0]
    for cue in range(CUES):
        part = _TRANSITION_NUMBERS[row, 1 + cue]
        if part == 0.0:
            break
        for place in range(PARTS):
            code = _TRANSITION_FACTORS[row, cue, place]
            if code == 0 or part == 0.0:
                break
            if code <= 6:
                part *= _music(code, strength, energy, rise)
            elif code == 7:
                part *= 1.0 - similarity
            elif code <= 12:
                aside, above = eye_x - last_eye_x, eye_y - last_eye_y
                part *= _movement(code, x, y, last_x, last_y, aside, above)
            elif code == 13:
                part *= same_film * _near(step, 0.0, SCENE)
            elif code == 14:
                part *= same_film * min(1.0, max(0.0, 3.0 * step))
            elif code == 15:
                part *= _near(last_eye_x, 0.0, 0.3) * _near(last_eye_y, 0.0, 0.3)
            else:
                part *= motion
        worth += part
    return float(worth)


@nb.vectorize([_NUMBER(_ROW, *[_NUMBER] * 9)], cache=True)
def effect_worth(
    row: int,
    strength: float,
    energy: float,
    rise: float,
    motion: float,
    colour: float,
    light: float,
    sharp: float,
    first: float,
    last: float,
) -> float:
    """Worth of the effects `row`, a NumPy ufunc."""
    worth = _EFFECT_NUMBERS[row, 0]
    for cue in range(CUES):
        part = _EFFECT_NUMBERS[row, 1 + cue]
        if part == 0.0:
            break
        for place in range(PARTS):
            code = _EFFECT_FACTORS[row, cue, place]
            if code == 0 or part == 0.0:
                break
            if code <= 6:
                part *= _music(code, strength, energy, rise)
            elif code == 19:
                part *= first
            elif code == 20:
                part *= last
            else:
                part *= _picture(code, motion, colour, light, sharp)
        worth += part
    return float(worth)


def applied(worth: Any, row: npt.NDArray[Any], *fields: npt.NDArray[Any]) -> FloatArray:
    """Call one of these ufuncs; fields of other types would each be copied in full."""
    return np.asarray(worth(row, *(np.asarray(part, dtype=np.float64) for part in fields)))
