"""How loud the sound of a stretch of film is, and whether it is like speech or like music.

Speech and music are *proxies* by their oldest marks, not the word of a trained model. Music holds
its tones: partials stay in one place of the spectrum (Seyerlehner et al. 2007, "Automatic music
detection in television productions"). Speech is loud and soft by turns about four times a second,
the rate of syllables (Scheirer & Slaney 1997, "Construction and evaluation of a robust
multifeature speech/music discriminator"), and what holds its tones does not count as speech. A
singer is both, a hum is music, a machine gun may pass for speech.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av.error
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.stream import Disposition, Stream

from segue.envs.film.gate import DEFAULT_LIMITS, MediaError, open_media
from segue.envs.film.sound_reader import Samples, mono_blocks

Array = npt.NDArray[np.float32]

RATE = 16_000
HOP = 512
"""Samples between two values of the envelope: 32 ms."""
WINDOW = 1024
STEP = 16
"""Hops between two values of speech and music: 512 ms."""

QUIETEST = 60.0
"""Decibels below full scale that count as silence."""

_BINS = slice(5, 261)  # 78 to 4,062 Hz
_COUNT = _BINS.stop - _BINS.start
_TONE_DECIBELS = 9.0
_NEIGHBOURS = 10
_PARTIALS = 5
_HELD = (0.35, 0.85)
_SYLLABLES = (2.5, 6.5)
_MODULATION = 64
_SYLLABLE_SHARE = 0.5
_BLOCK = 512


@dataclass(frozen=True)
class Heard:
    """The sound of a film.

    Attributes
    ----------
    start : float
        Seconds from the first frame of the picture to the first sample.
    power : ndarray (hops,) float32
        Mean square of the samples around each hop, full scale being 1.
    speech, music : ndarray (steps,) float32
        In [0, 1], one value for every `STEP` hops.
    """

    start: float
    power: Array
    speech: Array
    music: Array


SILENCE = Heard(0.0, *(np.zeros(0, np.float32) for _ in range(3)))


def listen(path: Path) -> Heard:
    """Hear the sound of a film or of a sound file; `SILENCE` where it has none.

    Sound that cannot be decoded counts as silence from there on: the picture can be cut all the
    same.

    Parameters
    ----------
    path : Path
        A film or a sound file.

    Raises
    ------
    MediaError
        If the file cannot be read.
    """
    ear = _Ear()
    most = DEFAULT_LIMITS.seconds * RATE
    with open_media(path) as container:
        if not container.streams.audio:
            return SILENCE
        start = _delay(container)
        try:
            for block in mono_blocks(container, RATE):
                ear.hear(block)
                if ear.samples > most:
                    raise MediaError(
                        f"{path} has sound beyond the {DEFAULT_LIMITS.seconds:,.0f} s allowed; "
                        "cut it into parts."
                    )
        except av.error.FFmpegError:
            pass
    return ear.heard(start)


def sound_features(heard: Heard, start: float, stop: float) -> Array:
    """Loudness, speech and music between two seconds of the film.

    Returns
    -------
    ndarray (3,) float32
        In the order of `shots.SOUND_FEATURES`; 0 where the film has no sound there.
    """
    first, last = ((second - heard.start) * RATE / HOP for second in (start, stop))
    power = heard.power[max(round(first), 0) : max(round(last), 0)]
    if not len(power) or not power.any():
        return np.zeros(3, np.float32)
    level = 10 * float(np.log10(max(float(power.mean(dtype=np.float64)), 1e-12)))
    at = np.arange(len(heard.speech)) * STEP + STEP // 2
    inside = (at >= first) & (at < last)
    if not inside.any():
        inside = np.arange(len(at)) == np.argmin(np.abs(at - (first + last) / 2))
    kinds = (float(heard.speech[inside].mean()), float(heard.music[inside].mean()))
    return np.array((np.clip(1 + level / QUIETEST, 0, 1), *kinds), np.float32)


class _Ear:
    """Takes sound in block by block and keeps little of it."""

    def __init__(self) -> None:
        self.samples = 0
        self._waiting: list[Samples] = [np.zeros(WINDOW // 2, np.float32)]
        self._room = WINDOW // 2
        self._power: list[Array] = []
        self._envelope: list[Array] = []
        self._tones: list[npt.NDArray[np.uint8]] = []

    def hear(self, block: Samples) -> None:
        """Take in samples of any number."""
        self.samples += len(block)
        self._waiting.append(block)
        self._room += len(block)
        if self._room >= _BLOCK * HOP + WINDOW:
            self._digest(whole_steps=True)

    def heard(self, start: float) -> Heard:
        """Return what was heard, when there is no more."""
        self._waiting.append(np.zeros(WINDOW, np.float32))
        self._digest(whole_steps=False)
        nothing = np.zeros(0, np.float32)
        power = np.concatenate([nothing, *self._power])
        music = held_tones(np.concatenate([np.zeros((0, _COUNT), np.uint8), *self._tones]))
        speech = syllables(np.concatenate([nothing, *self._envelope]), len(music)) * (1 - music)
        return Heard(start, power, speech, music)

    def _digest(self, *, whole_steps: bool) -> None:
        sound = np.concatenate(self._waiting)
        count = max((len(sound) - WINDOW) // HOP + 1, 0)
        count -= count % STEP if whole_steps else 0
        self._waiting = [sound[count * HOP :]]
        self._room = len(self._waiting[0])
        if not count:
            return
        rows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[: count * HOP : HOP]
        middle = rows[:, WINDOW // 4 : 3 * WINDOW // 4]
        self._power.append(np.square(middle).mean(axis=1, dtype=np.float64).astype(np.float32))
        spectrum = np.fft.rfft(rows * np.hanning(WINDOW).astype(np.float32), axis=1)[:, _BINS]
        energy = (np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32)
        self._envelope.append(np.sqrt(energy.sum(axis=1)))
        tones = np.pad(tones_of(energy), ((0, -count % STEP), (0, 0)))
        self._tones.append(tones.reshape(-1, STEP, _COUNT).sum(axis=1, dtype=np.uint8))


def tones_of(energy: Array) -> npt.NDArray[np.bool_]:
    """Which bins stand out by `_TONE_DECIBELS` from the mean of those around them.

    Parameters
    ----------
    energy : ndarray (hops, bins) float32
        Of the spectrum of each hop.
    """
    floor = 1e-3  # of a Hann-windowed spectrum of 1,024: about -80 dB of full scale
    decibels = 10 * np.log10(energy + floor)
    padded = np.pad(decibels, ((0, 0), (_NEIGHBOURS + 1, _NEIGHBOURS)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float64)
    width = 2 * _NEIGHBOURS + 1
    return np.asarray(decibels - (sums[:, width:] - sums[:, :-width]) / width > _TONE_DECIBELS)


def held_tones(counts: npt.NDArray[np.uint8]) -> Array:
    """How steadily the steadiest partials sound, from 0 to 1, one value a step.

    Share of two neighbouring steps (a second) in which each bin stands out, the mean of the
    `_PARTIALS` highest, from 0 at the lower to 1 at the upper of `_HELD`; of the second before and
    the second after, the better one.

    Parameters
    ----------
    counts : ndarray (steps, bins) uint8
        In how many of its `STEP` hops each bin stands out.
    """
    if not len(counts):
        return np.zeros(0, np.float32)
    padded = np.pad(counts, ((1, 1), (0, 0))).astype(np.float32)
    pairs = padded[:-1] + padded[1:]
    best = np.sort(pairs, axis=1)[:, -_PARTIALS:].mean(axis=1) / (2 * STEP)
    low, high = _HELD
    held = np.clip((best - low) / (high - low), 0, 1)
    return np.asarray(np.maximum(held[:-1], held[1:]), dtype=np.float32)


def syllables(envelope: Array, steps: int) -> Array:
    """How much the sound swells at the rate of syllables, from 0 to 1, ``(steps,)``.

    Over two seconds around each step: the share of the envelope's modulation that lies at
    `_SYLLABLES` hertz, over `_SYLLABLE_SHARE`, times its depth (deviation over mean), each at
    most 1.
    """
    if not steps:
        return np.zeros(0, np.float32)
    margin = _MODULATION // 2
    padded = np.pad(envelope, (margin, margin + max(steps * STEP - len(envelope), 0)))
    middle = np.arange(steps) * STEP + STEP // 2
    rows = np.lib.stride_tricks.sliding_window_view(padded, _MODULATION)[middle].astype(np.float64)
    mean = rows.mean(axis=1, keepdims=True)
    swing = (rows - mean) / np.maximum(mean, 1e-3)
    depth = np.minimum(swing.std(axis=1), 1.0)
    power = np.square(np.abs(np.fft.rfft(swing * np.hanning(_MODULATION), axis=1)))[:, 1:]
    hertz = np.arange(1, _MODULATION // 2 + 1) * RATE / HOP / _MODULATION
    inside = (hertz >= _SYLLABLES[0]) & (hertz <= _SYLLABLES[1])
    share = power[:, inside].sum(axis=1) / np.maximum(power.sum(axis=1), 1e-9)
    return np.asarray(np.minimum(share / _SYLLABLE_SHARE, 1) * depth, dtype=np.float32)


def _delay(container: InputContainer) -> float:
    """Seconds by which the sound begins after the picture, by the streams' own words."""
    sound = container.streams.audio[0]
    films = (s for s in container.streams.video if not s.disposition & Disposition.attached_pic)
    picture: Stream = next(films, sound)
    if picture.start_time is None or sound.start_time is None:
        return 0.0
    return float(
        sound.start_time * Fraction(sound.time_base or 0)
        - picture.start_time * Fraction(picture.time_base or 0)
    )
