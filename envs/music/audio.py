"""Sound files: the arranged tune played through a soundfont."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path

import midirenderer
import numpy as np
import numpy.typing as npt
import soundfile
import soxr  # type: ignore[import-untyped]

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.music.midi import midi_bytes
from segue.envs.music.tune import Tune

PEAK = 10 ** (-1 / 20)
"""Highest sample of a file: 1 dB under full scale, so that lossy coders do not clip."""

FADE_SECONDS = 0.25
"""Length of the fade at the end."""

# The renderer ends with the last event; a little more, so that resampling has what to cut.
_MARGIN_SECONDS = 0.1


def default_soundfont() -> Path:
    """TimGM6mb (GPL-2), which the pretty_midi package carries.

    The package is only looked up, not imported: that would take longer than playing the tune.

    Raises
    ------
    SegueError
        If pretty_midi is not installed.
    """
    spec = find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "TimGM6mb.sf2"
        if path.is_file():
            return path
    raise SegueError(
        "There is no soundfont TimGM6mb.sf2 in the package pretty_midi; install it or name a "
        "soundfont (.sf2)."
    )


def render_audio(
    tune: Tune, sample_rate: int = 44100, soundfont: Path | None = None, tail: float = 0.0
) -> npt.NDArray[np.float32]:
    """Play a tune.

    Parameters
    ----------
    tune : Tune
        The tune.
    sample_rate : int
        Samples per second, 8,000-192,000.
    soundfont : Path, optional
        An .sf2 file; `default_soundfont` if not given.
    tail : float
        Seconds that follow the tune, in which the last chord dies away, 0-30.

    Returns
    -------
    ndarray (samples, 2) float32
        Stereo, in [-1, 1], its peak at `PEAK`; ``round((tune.seconds + tail) * sample_rate)``
        samples, the last `FADE_SECONDS` fading to silence.

    Raises
    ------
    SegueError
        If the soundfont cannot be read, or a number is out of range.
    """
    if not 8000 <= sample_rate <= 192000:
        raise SegueError(f"Sample rate {sample_rate} is out of range; give 8000 to 192000 Hz.")
    if not 0 <= tail <= 30:
        raise SegueError(f"A tail of {tail} s is out of range; give 0 to 30 s.")
    end = (tune.seconds + tail + _MARGIN_SECONDS) * tune.tempo / 60
    wave = midirenderer.render_wave_from(_soundfont_bytes(soundfont), midi_bytes(tune, end))
    sound, rate = soundfile.read(io.BytesIO(wave), dtype="float32", always_2d=True)
    if rate != sample_rate:
        sound = soxr.resample(sound, rate, sample_rate)
    samples = round((tune.seconds + tail) * sample_rate)
    whole: npt.NDArray[np.float32] = np.zeros((samples, 2), np.float32)
    whole[: len(sound)] = sound[:samples]
    fade = min(samples, round(FADE_SECONDS * sample_rate))
    if fade:
        ramp = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fade, dtype=np.float32))
        whole[samples - fade :] *= ramp[:, None]
    peak = float(np.abs(whole).max(initial=0.0))
    if peak > 0:
        whole *= PEAK / peak
    return whole


def write_wav(
    tune: Tune,
    path: Path | str,
    sample_rate: int = 44100,
    soundfont: Path | None = None,
    tail: float = 0.0,
) -> None:
    """Write a tune as a WAV file, 16 bit PCM, stereo.

    Parameters
    ----------
    tune, sample_rate, soundfont, tail
        As for `render_audio`. Without a tail the file lasts exactly `tune.seconds`, to a sample.
    path : Path or str
        The file to make; it appears whole or not at all.

    Raises
    ------
    SegueError
        If the file cannot be written, or as `render_audio`.
    """
    with atomic_path(path) as temporary:
        sound = render_audio(tune, sample_rate, soundfont, tail)
        soundfile.write(temporary, sound, sample_rate, subtype="PCM_16", format="WAV")


def _soundfont_bytes(soundfont: Path | None) -> bytes:
    path = default_soundfont() if soundfont is None else soundfont
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SegueError(
            f"Cannot read the soundfont {path}: {error.strerror}; name an .sf2 file."
        ) from error
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise SegueError(f"{path} is no soundfont; name an .sf2 file.")
    return data
