"""The tatum of a recording: the quickest regular pulse on which its notes begin.

Where onsets lie on a grid, the vectors that turn once a period add up, else they cancel (the
Fourier tempogram of Grosche and Mueller 2011, "Extracting predominant local pulse information from
music recordings", taken of onsets as points). Beats are looked for among multiples of the tatum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SHORTEST, LONGEST = 0.085, 0.7
"""Seconds of a tatum."""

CLEAR, FAINT = 0.75, 0.5
"""Resonances: from the first on notes keep to a grid, from the second on if that is steady."""

STEADY = 0.02
"""Share of a tatum by which a steady grid strays between stretches two seconds apart."""

_STEP = 0.004  # Of the logarithm of a period.
_WINDOW, _HOP = 8.0, 2.0  # Seconds within which the pulse is taken to be steady.
_LONGER = 0.12  # What a doubled period is worth: a grid fits as well when it is made finer.
_FEWEST = 4


@dataclass(frozen=True)
class Tatum:
    """A grid of tatums.

    Attributes
    ----------
    times : ndarray (n,) float64
        Seconds, increasing, from before the first onset to after the last.
    resonance : float
        How well onsets keep to it, 0-1.
    """

    times: Floats
    resonance: float

    @property
    def period(self) -> float:
        """Seconds of a tatum, the mean."""
        return float((self.times[-1] - self.times[0]) / (len(self.times) - 1))


def find_tatum(seconds: Floats, weights: Floats) -> Tatum | None:
    """Find the tatum of onsets; None where they keep to none.

    Parameters
    ----------
    seconds, weights : ndarray (n,) float64
        Of `segue.envs.hearing.melody.onset_events`, in order.
    """
    if len(seconds) < _FEWEST:
        return None
    periods = np.exp(np.arange(np.log(SHORTEST), np.log(LONGEST), _STEP))
    resonance = _resonance(seconds, weights, periods)
    peaks = np.flatnonzero((resonance[1:-1] >= resonance[:-2]) & (resonance[1:-1] > resonance[2:]))
    peaks = peaks[resonance[peaks + 1] >= FAINT] + 1
    if not len(peaks):
        return None
    worth = resonance[peaks] + _LONGER * np.log2(periods[peaks])
    best = peaks[int(worth.argmax())]
    fine = periods[best] * np.exp(np.linspace(-_STEP, _STEP, 21))
    period = float(fine[_resonance(seconds, weights, fine).argmax()])
    middles, shifts = _shifts(seconds, weights, period)
    if resonance[best] < CLEAR and _straying(shifts) > STEADY * period:
        return None
    return Tatum(_grid(seconds, period, middles, shifts), float(resonance[best]))


def _windows(seconds: Floats) -> list[slice]:
    """Onsets of each stretch, as slices; stretches with few onsets are left out."""
    starts = np.arange(seconds[0], max(seconds[-1] - _WINDOW / 2, seconds[0] + 0.1), _HOP)
    edges = np.searchsorted(seconds, np.stack([starts, starts + _WINDOW]))
    return [slice(a, b) for a, b in edges.T.tolist() if b - a >= _FEWEST]


def _resonance(seconds: Floats, weights: Floats, periods: Floats) -> Floats:
    """How well onsets keep to each period, 0-1, each stretch for itself."""
    total, mass = np.zeros(len(periods)), 1e-9
    for part in _windows(seconds):
        turns = np.exp(2j * np.pi * seconds[None, part] / periods[:, None])
        total += np.abs(turns @ weights[part])
        mass += float(weights[part].sum())
    return total / mass


def _shifts(seconds: Floats, weights: Floats, period: float) -> tuple[Floats, Floats]:
    """Middle of each stretch, and by how much its pulse is later than a strict one from 0 s on.

    How late it is is the angle of the sum of turns.
    """
    parts = _windows(seconds) or [slice(0, len(seconds))]
    middles = [np.average(seconds[part], weights=weights[part]) for part in parts]
    turns = [np.exp(2j * np.pi * seconds[part] / period) @ weights[part] for part in parts]
    shifts = np.unwrap(np.angle(turns) / (2 * np.pi) * period, period=period)
    return np.array(middles, dtype=np.float64), np.asarray(shifts, dtype=np.float64)


def _straying(shifts: Floats) -> float:
    """Seconds by which a pulse typically strays from a steady one between stretches."""
    steps = np.diff(shifts)
    return float(np.median(np.abs(steps - np.median(steps)))) if len(steps) else 0.0


def _grid(seconds: Floats, period: float, middles: Floats, shifts: Floats) -> Floats:
    """Tatums that follow the onsets; between the middles of stretches they are interpolated."""
    first = np.floor((seconds[0] - period / 2) / period)
    strict = np.arange(first, np.ceil((seconds[-1] + period) / period) + 1) * period
    return np.asarray(strict + np.interp(strict, middles, shifts), dtype=np.float64)
