"""Beats of a sound file, and the exact grid of a tune that was written by numbers.

Tracking is librosa's (Ellis 2007, "Beat tracking by dynamic programming"), with a check of the
octave that such trackers often miss. Bars are taken to be of four beats, phrases of four bars.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.beats import BeatGrid
from segue.envs.film.gate import Limits, MediaError, open_media, require_audio

Progress = Callable[[float, str], None]
"""Called with the share done, in [0, 1], and what is being done."""

Array = npt.NDArray[np.float64]

SAMPLE_RATE = 22_050
HOP = 256
"""Samples between two values of the onset envelope: 11.6 ms."""

TEMPO_RANGE = (70.0, 160.0)
"""Beats per minute that a listener is likely to tap."""

ONSET_DELAY = 1.5 * HOP / SAMPLE_RATE
"""Seconds by which the tracker is late, measured on clicks of 80 to 150 a minute (17 ms).

The envelope is a difference of two values, and its windows are longer than a hop.
"""

MUSIC_LIMITS = Limits(size=2 * 2**30, seconds=3600.0)

PHRASE_BARS = 4
PHRASE, DOWNBEAT, MID_BAR, OTHER = 1.0, 0.7, 0.4, 0.25
"""Strength of a beat by its place."""

_FEWEST_BEATS = 4
_STEADY = 8
_ONSET_SHARE = 0.2
_WEAK, _EQUAL = 0.35, 0.75


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
    beats = _beat_frames(onsets) if onsets.max() > 0 else np.zeros(0, np.int64)
    if len(beats) < _FEWEST_BEATS:
        raise SegueError(f"No beat can be heard in {path}; give music with a pulse.")
    times = _beat_times(beats, len(sound) / SAMPLE_RATE)
    places = np.round((times[:-1] + ONSET_DELAY) * SAMPLE_RATE / HOP).astype(np.int64)
    heard = _near(onsets, places)
    # Bass marks the bar in most music, so it decides together with everything else.
    bass = _near(_onset_envelope(sound, highest=200.0), places)
    weight = heard / heard.mean() + bass / max(float(bass.mean()), 1e-9)
    rank = np.argsort(np.argsort(heard)) / max(len(heard) - 1, 1)
    strength = (1 - _ONSET_SHARE) * _placed(weight) + _ONSET_SHARE * rank
    tell(1.0, f"{len(heard)} beats")
    return BeatGrid(
        times,
        strength.astype(np.float32),
        beat_energy(sound, times).astype(np.float32),
        60.0 / _period(times),
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
    return BeatGrid(times, strength, loudness, float(tempo))


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
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    parts: list[npt.NDArray[np.float32]] = []
    room = int(MUSIC_LIMITS.seconds * SAMPLE_RATE) + SAMPLE_RATE
    with open_media(path, limits=MUSIC_LIMITS) as container:
        stream = require_audio(container)
        for frame in [*container.decode(stream), None]:
            for part in resampler.resample(frame):
                parts.append(np.asarray(part.to_ndarray(), dtype=np.float32).reshape(-1))
                room -= len(parts[-1])
            if room < 0:
                raise MediaError(
                    f"{path} has more than {MUSIC_LIMITS.seconds:,.0f} s of sound; cut it shorter."
                )
    if not parts:
        raise MediaError(f"{path} has a sound track without any sound in it; give another.")
    return np.concatenate(parts)


def octave_of(tempo: float, on_beat: float, between: float, alternate: float) -> float:
    """Tempo, or twice or half of it: the one that a listener would tap.

    Parameters
    ----------
    tempo : float
        What the tracker says, in beats per minute, > 0.
    on_beat, between : float
        Mean onset strength on its beats and half-way between them.
    alternate : float
        That of the weaker half of its beats (every second) over that of the stronger, in [0, 1].

    Returns
    -------
    float
        Folded into `TEMPO_RANGE`. Where two octaves lie in it, the double is taken if the onsets
        between are nearly as strong (`_EQUAL`), the half if every second beat is weak (`_WEAK`).
    """
    slowest, fastest = TEMPO_RANGE
    if tempo < slowest or (2 * tempo <= fastest and between >= _EQUAL * on_beat):
        return octave_of(2 * tempo, 1.0, 0.0, 1.0)
    if tempo > fastest or (tempo / 2 >= slowest and alternate <= _WEAK):
        return octave_of(tempo / 2, 1.0, 0.0, 1.0)
    return tempo


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


def _beat_frames(onsets: Array) -> npt.NDArray[np.int64]:
    """Places of the beats in the onset envelope, at the octave of `octave_of`."""
    from librosa.beat import beat_track

    tracked = {"onset_envelope": onsets, "sr": SAMPLE_RATE, "hop_length": HOP}
    found, beats = beat_track(**tracked)
    tempo = float(np.atleast_1d(found)[0])
    if tempo <= 0 or len(beats) < _FEWEST_BEATS:
        return np.zeros(0, np.int64)
    on_beat = _near(onsets, beats)
    between = _near(onsets, (beats[:-1] + beats[1:]) // 2)
    halves = sorted((float(on_beat[::2].mean()), float(on_beat[1::2].mean())))
    alternate = halves[0] / max(halves[1], 1e-9)
    better = octave_of(tempo, float(on_beat.mean()), float(between.mean()), alternate)
    if better != tempo:
        _, beats = beat_track(**tracked, bpm=better)
    return np.asarray(beats, dtype=np.int64)


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


def _near(onsets: Array, places: npt.NDArray[np.int64]) -> Array:
    """Largest onset strength within two values (23 ms) of each place."""
    around = np.clip(places[:, None] + np.arange(-2, 3), 0, len(onsets) - 1)
    return np.asarray(onsets[around].max(axis=1), dtype=np.float64)


def _placed(weight: Array) -> Array:
    """Metrical strengths, put where beats of a bar and bars of a phrase weigh most."""
    bar = 4
    downbeat = max(range(bar), key=lambda first: float(weight[first::bar].mean()))
    starts = range(downbeat, min(bar * PHRASE_BARS, len(weight)), bar)
    phrase = max(starts, key=lambda first: float(weight[first :: bar * PHRASE_BARS].mean()))
    return metrical_strength(len(weight), bar, phrase)


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
