"""Beats of a sound file, and the exact grid of a tune that was written by numbers.

Beats come from `segue.envs.film.tempo`, sections from `segue.envs.film.sections`. Bars are taken to
be of four beats, phrases of four bars.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.beats import BeatGrid
from segue.envs.film.gate import Limits, MediaError, open_media
from segue.envs.film.sections import beat_features, novelty, section_starts
from segue.envs.film.sound_reader import mono_blocks
from segue.envs.film.tempo import beat_places, drums, near

Progress = Callable[[float, str], None]
"""Called with the share done, in [0, 1], and what is being done."""

Array = npt.NDArray[np.float64]

SAMPLE_RATE = 22_050
HOP = 256
"""Samples between two values of the onset envelope: 11.6 ms."""

ONSET_DELAY = 1.5 * HOP / SAMPLE_RATE
"""Seconds by which the tracker is late, measured on clicks of 80 to 150 a minute (17 ms).

The envelope is a difference of two values, and its windows are longer than a hop.
"""

MUSIC_LIMITS = Limits(size=2 * 2**30, seconds=3600.0)

BAR = 4
"""Beats of a bar of tracked music."""
PHRASE_BARS = 4
PHRASE, DOWNBEAT, MID_BAR, OTHER = 1.0, 0.7, 0.4, 0.25
"""Strength of a beat by its place."""

_STEADY = 8
_ONSET_SHARE = 0.2


def track_beats(path: Path | str, *, progress: Progress | None = None) -> BeatGrid:
    """Find the beats of a sound file or of a film's sound.

    A beat's strength is four fifths its place (`PHRASE`, `DOWNBEAT`, `MID_BAR`, `OTHER`, on those
    places on which onsets weigh most) and one fifth the rank of its own onset, so that phrases
    stand out and yet few beats are equal. Its energy is the RMS of its sound over the 95th
    percentile of the piece, at most 1.

    Parameters
    ----------
    path : Path or str
        Any file that `gate.open_media` opens and that has sound, at most an hour.
    progress : callable or None
        Called a few times.

    Returns
    -------
    BeatGrid
        Beats within the file.

    Raises
    ------
    SegueError
        If the file cannot be read, has no sound, or no beat can be heard in it.
    """
    tell = progress or (lambda share, text: None)
    name = Path(path).name
    tell(0.0, f"listening to {name}")
    sound = read_mono(path)
    tell(0.4, f"finding the beats of {name}")
    onsets = _onset_envelope(sound, highest=SAMPLE_RATE / 2)
    bass = _onset_envelope(sound, highest=200.0)
    beats = beat_places(onsets, bass, SAMPLE_RATE / HOP)
    if not len(beats):
        raise SegueError(f"No beat can be heard in {path}; give music with a pulse.")
    times = _beat_times(beats, len(sound) / SAMPLE_RATE)
    places = np.round((times[:-1] + ONSET_DELAY) * SAMPLE_RATE / HOP).astype(np.int64)
    heard = near(onsets, places)
    # Bass marks the bar in most music, so it decides together with everything else.
    downbeat, phrase = _bars(drums(heard, near(bass, places)))
    placed = metrical_strength(len(heard), BAR, phrase)
    rank = np.argsort(np.argsort(heard)) / max(len(heard) - 1, 1)
    tell(0.7, f"finding the sections of {name}")
    downbeats = np.arange(downbeat, len(heard), BAR)
    novel = novelty(beat_features(sound, SAMPLE_RATE, times))
    tell(1.0, f"{len(heard)} beats")
    return BeatGrid(
        times,
        ((1 - _ONSET_SHARE) * placed + _ONSET_SHARE * rank).astype(np.float32),
        beat_energy(sound, times).astype(np.float32),
        60.0 / _period(times),
        downbeats,
        section_starts(novel, downbeats),
    )


def grid_of_tune(
    tempo: float,
    beats: int,
    beats_per_bar: int,
    energy: npt.NDArray[np.float32] | None = None,
) -> BeatGrid:
    """Return the exact grid of a tune whose tempo and metre are known.

    Parameters
    ----------
    tempo : float
        Beats per minute, > 0.
    beats : int
        Number of beats, >= 1, the first at 0 s and a downbeat.
    beats_per_bar : int
        >= 1.
    energy : ndarray (beats,) float32 or None
        Loudness of each beat in [0, 1]; None is 1 everywhere.

    Returns
    -------
    BeatGrid
        Strengths `PHRASE` every `PHRASE_BARS` bars, `DOWNBEAT`, `MID_BAR` half-way through bars of
        an even number of beats from four, and `OTHER`.

    Raises
    ------
    SegueError
        If a number is out of range or `energy` is of another length.
    """
    if not (np.isfinite(tempo) and tempo > 0) or beats < 1 or beats_per_bar < 1:
        raise SegueError(
            f"No grid has a tempo of {tempo}, {beats} beats and {beats_per_bar} to the bar; "
            "give positive numbers."
        )
    loudness = np.ones(beats, np.float32) if energy is None else np.asarray(energy, np.float32)
    if loudness.shape != (beats,) or not np.all((loudness >= 0) & (loudness <= 1)):
        raise SegueError(f"The energy of {beats} beats must be {beats} numbers from 0 to 1.")
    times = np.arange(beats + 1, dtype=np.float64) * (60.0 / tempo)
    strength = metrical_strength(beats, beats_per_bar).astype(np.float32)
    downbeats = np.arange(0, beats, beats_per_bar)
    return BeatGrid(times, strength, loudness, float(tempo), downbeats)


def metrical_strength(beats: int, beats_per_bar: int, first: int = 0) -> Array:
    """Strength of each beat by its place, ``(beats,)``; beat `first` starts a phrase."""
    place = np.arange(beats) - first
    strength = np.full(beats, OTHER)
    if beats_per_bar >= 4 and beats_per_bar % 2 == 0:
        strength[place % beats_per_bar == beats_per_bar // 2] = MID_BAR
    strength[place % beats_per_bar == 0] = DOWNBEAT
    strength[place % (beats_per_bar * PHRASE_BARS) == 0] = PHRASE
    return strength


def read_mono(path: Path | str) -> npt.NDArray[np.float32]:
    """Decode the first audio stream to mono at `SAMPLE_RATE`, ``(samples,)`` in about [-1, 1].

    Raises
    ------
    MediaError
        If the file cannot be read, has no sound or more than ``MUSIC_LIMITS.seconds`` of it.
    """
    parts: list[npt.NDArray[np.float32]] = []
    room = int(MUSIC_LIMITS.seconds * SAMPLE_RATE) + SAMPLE_RATE
    with open_media(path, limits=MUSIC_LIMITS) as container:
        for part in mono_blocks(container, SAMPLE_RATE):
            parts.append(part)
            room -= len(part)
            if room < 0:
                raise MediaError(
                    f"{path} has more than {MUSIC_LIMITS.seconds:,.0f} s of sound; cut it shorter."
                )
    if not parts:
        raise MediaError(f"{path} has a sound track without any sound in it; give another.")
    return np.concatenate(parts)


def _onset_envelope(sound: npt.NDArray[np.float32], highest: float) -> Array:
    """Onset strength of the sound below `highest` hertz, one value a `HOP`."""
    # Imported late: they bring numba, which takes a second to load.
    from librosa import feature, power_to_db
    from librosa.onset import onset_strength

    bands = 128 if highest > 1000 else 8
    padded = np.pad(sound, (0, max(0, 4096 - len(sound))))
    spectrum = feature.melspectrogram(
        y=padded, sr=SAMPLE_RATE, hop_length=HOP, n_mels=bands, fmax=highest
    )
    loudness = power_to_db(spectrum, ref=np.max)
    return np.asarray(onset_strength(S=loudness, sr=SAMPLE_RATE, hop_length=HOP), dtype=np.float64)


def _beat_times(beats: npt.NDArray[np.int64], seconds: float) -> Array:
    """Seconds of the beats and of the last one's end, from the file's start to its end.

    Before the first and after the last beat that can be heard the pulse goes on as it was, so
    that a quiet opening or close has beats too.
    """
    heard = np.maximum(beats * (HOP / SAMPLE_RATE) - ONSET_DELAY, 0.0)
    opening = _period(heard[: 2 * _STEADY + 1])
    closing = _period(heard[-2 * _STEADY - 1 :])
    before = heard[0] - opening * np.arange(int(heard[0] / opening), 0, -1)
    after = heard[-1] + closing * np.arange(1, int((seconds - heard[-1]) / closing) + 1)
    times = np.concatenate([before, heard, after])
    return np.asarray(times, dtype=np.float64)


def _period(times: Array) -> float:
    """Median seconds of a beat, each measured over several, since beats lie on a grid of hops."""
    step = min(_STEADY, len(times) - 1)
    return float(np.median(times[step:] - times[:-step])) / step


def _bars(weight: Array) -> tuple[int, int]:
    """First downbeat and first beat of a phrase: where beats so far apart weigh most."""
    downbeat = max(range(BAR), key=lambda first: float(weight[first::BAR].mean()))
    starts = range(downbeat, min(BAR * PHRASE_BARS, len(weight)), BAR)
    phrase = max(starts, key=lambda first: float(weight[first :: BAR * PHRASE_BARS].mean()))
    return downbeat, phrase


def beat_energy(sound: npt.NDArray[np.float32], times: Array) -> Array:
    """Loudness of each beat: root mean square over the 95th percentile of all, at most 1.

    Parameters
    ----------
    sound : ndarray (samples,) float32
        Mono, as `read_mono` gives it.
    times : ndarray (b + 1,) float64
        Seconds of the beats and of the end of the last.

    Returns
    -------
    ndarray (b,) float64
        In [0, 1].
    """
    edges = np.round(times * SAMPLE_RATE).astype(np.int64)
    pieces = pairwise(edges.tolist())
    loudness = np.array(
        [np.sqrt(np.mean(np.square(sound[a:b], dtype=np.float64))) for a, b in pieces]
    )
    return np.asarray(np.minimum(loudness / max(float(np.percentile(loudness, 95)), 1e-9), 1.0))
