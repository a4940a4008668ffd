"""Loudness and true peak by ITU-R BS.1770-5, and the gain that brings a film to its target.

One pass over the sound keeps, for every 5 ms, its K-weighted energy and its true peak. From these
two short lists the gain and the limiter's curve follow without touching the sound again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from segue.envs.film.source_sound import SAMPLE_RATE, Stereo

TARGET = -16.0
"""Integrated loudness of a film, in LUFS: what streaming services ask of stereo."""

CEILING = -1.0
"""Highest true peak of a film, in dBTP."""

CODING_HEADROOM = 1.0
"""Decibels below `CEILING` at which the limiter works, since AAC coding moves peaks."""

MOST_GAIN = 30.0
"""Decibels; what is quieter still stays below the target, or its noise would roar."""

MOST_LIMITING = 12.0
"""Decibels that the limiter takes from the highest peak at most; more would be heard as pumping."""

HOP = SAMPLE_RATE // 200
"""Samples of one entry of the lists: 5 ms."""

_BLOCK_HOPS, _STEP_HOPS = 80, 20
"""The standard's 400 ms blocks, overlapping by three quarters."""

_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0
_LOOK = 10  # hops that the limiter looks ahead and behind: 50 ms

_FFT = 65_536
_TAPS = 12_288  # the weighting's response has died away to 1e-9 by then
_PEAK_TAPS = 24

# BS.1770-5, tables 1 and 2: the head's shelf and the low cut, at 48 kHz.
_SHELF = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (-1.69065929318241, 0.73248077421585),
)
_LOW_CUT = ((1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621))

_Hops = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Mastering:
    """What is done to a film's sound.

    Attributes
    ----------
    gain : float
        Factor for all of it.
    curve : ndarray (hops + 1,) float32
        The limiter's factor at the border of every two hops, in (0, 1].
    """

    gain: float
    curve: _Hops

    def apply(self, sound: Stereo, first: int) -> Stereo:
        """Return the finished sound of samples `first` on."""
        at = np.arange(first, first + sound.shape[1], dtype=np.float64) / HOP
        low = int(at[0]) if len(at) else 0
        part = self.curve[low : low + sound.shape[1] // HOP + 3]
        factor = np.interp(at - low, np.arange(len(part)), part) * self.gain
        return np.asarray(sound * factor, np.float32)


class LoudnessMeter:
    """Measures sound that comes in pieces, in constant memory but for two numbers every 5 ms."""

    def __init__(self) -> None:
        self._rest = np.zeros((2, 0), np.float32)
        self._past = np.zeros((2, _TAPS), np.float32)
        self._energies: list[_Hops] = []
        self._peaks: list[_Hops] = []

    def add(self, sound: Stereo) -> None:
        """Take the next piece in."""
        self._rest = np.concatenate([self._rest, sound], axis=1)
        whole = (_FFT - _TAPS) // HOP * HOP
        while self._rest.shape[1] >= whole:
            self._measure(self._rest[:, :whole])
            self._rest = self._rest[:, whole:]

    def finish(self) -> tuple[_Hops, _Hops]:
        """Return energies, summed over the channels, and true peaks of all hops."""
        left = self._rest.shape[1]
        if left:
            silence = np.zeros((2, -left % HOP), np.float32)
            self._measure(np.concatenate([self._rest, silence], axis=1))
            self._rest = np.zeros((2, 0), np.float32)
        if not self._energies:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        return np.concatenate(self._energies), np.concatenate(self._peaks)

    def _measure(self, sound: Stereo) -> None:
        count = sound.shape[1]
        with_past = np.concatenate([self._past, sound], axis=1)
        self._past = with_past[:, -_TAPS:]
        spectrum = np.fft.rfft(with_past, _FFT, axis=1)
        weighted = np.fft.irfft(spectrum * _weighting(), _FFT, axis=1)
        weighted = weighted[:, _TAPS : _TAPS + count]
        energy = np.square(weighted).reshape(2, -1, HOP).mean(axis=2).sum(axis=0)
        self._energies.append(energy.astype(np.float32))
        # The peaks of a hop's last samples are known with the next ones: they count there.
        around = with_past[:, _TAPS - _PEAK_TAPS : _TAPS + count]
        peaks = np.maximum(np.abs(sound), _between(around)).max(axis=0)
        self._peaks.append(peaks.reshape(-1, HOP).max(axis=1))


def integrated_loudness(energies: _Hops) -> float:
    """Gated loudness of a whole programme in LUFS; minus infinity for silence.

    Parameters
    ----------
    energies : ndarray (hops,) float
        From `LoudnessMeter.finish`.
    """
    if len(energies) < _BLOCK_HOPS:
        blocks = np.array([energies.mean()]) if len(energies) else np.zeros(0)
    else:
        sums = np.concatenate([[0.0], np.cumsum(energies, dtype=np.float64)])
        starts = np.arange(0, len(energies) - _BLOCK_HOPS + 1, _STEP_HOPS)
        blocks = (sums[starts + _BLOCK_HOPS] - sums[starts]) / _BLOCK_HOPS
    loud = blocks[blocks > _energy_of(_ABSOLUTE_GATE)]
    if not len(loud):
        return -np.inf
    gated = loud[loud > loud.mean() * 10 ** (_RELATIVE_GATE / 10)]
    return float(-0.691 + 10 * np.log10(gated.mean()))


def master(energies: _Hops, peaks: _Hops) -> Mastering:
    """Find the gain to `TARGET` and the limiter's curve below `CEILING`.

    What the limiter takes away is made good by more gain, as far as `MOST_LIMITING` allows.

    Parameters
    ----------
    energies, peaks : ndarray (hops,) float
        From `LoudnessMeter.finish`.
    """
    level = integrated_loudness(energies)
    if not np.isfinite(level):
        return Mastering(1.0, np.ones(len(peaks) + 1, np.float32))
    ceiling = 10 ** ((CEILING - CODING_HEADROOM) / 20)
    highest = 20 * np.log10(ceiling / max(float(peaks.max()), 1e-9)) + MOST_LIMITING
    decibels = min(TARGET - level, MOST_GAIN, highest)
    for _ in range(6):
        gain = 10 ** (decibels / 20)
        curve = _limiter(peaks * gain, ceiling)
        reached = integrated_loudness(energies * np.square(gain * (curve[1:] + curve[:-1]) / 2))
        if abs(TARGET - reached) < 0.05:
            break
        decibels = min(decibels + TARGET - reached, MOST_GAIN, highest)
    return Mastering(gain, curve)


def _limiter(peaks: _Hops, ceiling: float) -> _Hops:
    """Factors at the hops' borders that bring every peak under the ceiling, without corners."""
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    # The lowest factor needed within reach, then its mean over a shorter reach: never above what
    # is needed, also between two borders.
    padded = np.pad(needed, _LOOK + 1, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * _LOOK + 2).min(axis=1)
    reach = 2 * (_LOOK // 2) + 1
    smooth = np.convolve(
        np.pad(lowest, reach // 2, mode="edge"), np.full(reach, 1 / reach), "valid"
    )
    return smooth.astype(np.float32)


def _energy_of(loudness: float) -> float:
    return float(10 ** ((loudness + 0.691) / 10))


@lru_cache(maxsize=1)
def _weighting() -> npt.NDArray[np.complex128]:
    """The K-weighting's response, cut to `_TAPS` so that blocks can be filtered one by one."""
    z = np.exp(-2j * np.pi * np.arange(2 * _FFT + 1) / (4 * _FFT))
    response = np.ones_like(z)
    for above, below in (_SHELF, _LOW_CUT):
        response *= (above[0] + above[1] * z + above[2] * z**2) / (
            1 + below[0] * z + below[1] * z**2
        )
    impulse = np.fft.irfft(response)[:_TAPS]
    return np.asarray(np.fft.rfft(impulse, _FFT))


@lru_cache(maxsize=1)
def _interpolators() -> npt.NDArray[np.float32]:
    """Filters (3, taps) for the values a quarter, a half and three quarters of a sample on."""
    at = np.arange(_PEAK_TAPS) - (_PEAK_TAPS // 2 - 1)
    shifted = at[None] - np.array([0.25, 0.5, 0.75])[:, None]
    window = np.cos(np.pi * shifted / _PEAK_TAPS) ** 2
    return np.asarray(np.sinc(shifted) * window, np.float32)


def _between(sound: Stereo) -> npt.NDArray[np.float32]:
    """Highest values between the samples (four-fold oversampling), (2, n - taps)."""
    highest = np.zeros((2, sound.shape[1] - _PEAK_TAPS), np.float32)
    for channel, samples in enumerate(sound):
        for taps in _interpolators():
            between = np.abs(np.convolve(samples, taps[::-1], "valid"))[: highest.shape[1]]
            np.maximum(highest[channel], between, out=highest[channel])
    return highest
