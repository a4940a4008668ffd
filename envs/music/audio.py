"""Sound files: the arranged tune played through a soundfont."""

from __future__ import annotations

import io
import struct
from importlib.util import find_spec
from pathlib import Path

import midirenderer
import numpy as np
import numpy.typing as npt
import soundfile

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.music.midi import midi_bytes
from segue.envs.music.tune import Tune

FORMATS = {".wav": "WAV", ".flac": "FLAC"}
"""Formats of sound files by the suffix of their names."""

PEAK = 10 ** (-1 / 20)
"""Highest sample of a file: 1 dB under full scale, so that lossy coders do not clip."""

FADE_SECONDS = 0.25
"""Length of the fade at the end."""

SOUNDFONT_BYTES = 1 << 30
"""Largest soundfont that is read; the great orchestral ones have half of it."""

# The renderer ends with the last event; a little more, so that there is what to cut.
_MARGIN_SECONDS = 0.1

_FULL_SCALE = 32767

# A MIDI file of one track that ends at once.
_SILENCE = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0"


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
    tune: Tune, soundfont: Path | str | None = None
) -> tuple[npt.NDArray[np.int16], int]:
    """Play a tune.

    Parameters
    ----------
    tune : Tune
        The tune.
    soundfont : Path or str, optional
        An .sf2 file; `default_soundfont` if not given.

    Returns
    -------
    sound : ndarray (samples, 2) int16
        Stereo, its peak at `PEAK` of full scale; ``round(tune.seconds * rate)`` samples, the last
        `FADE_SECONDS` fading to silence.
    rate : int
        Samples per second: 48,000, the renderer's own and that of film, so that nothing is
        resampled.

    Raises
    ------
    SegueError
        If the soundfont cannot be used, or the mood or the key is unknown.
    """
    path = default_soundfont() if soundfont is None else Path(soundfont)
    end = tune.quarters + _MARGIN_SECONDS * tune.tempo / 60
    wave = _played(_soundfont_bytes(path), midi_bytes(tune, end), path)
    played, rate = soundfile.read(io.BytesIO(wave), dtype="float32", always_2d=True)
    whole: npt.NDArray[np.float32] = np.zeros((round(tune.seconds * rate), 2), np.float32)
    whole[: len(played)] = played[: len(whole)]
    fade = min(len(whole), round(FADE_SECONDS * rate))
    if fade:
        ramp = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fade, dtype=np.float32))
        whole[-fade:] *= ramp[:, None]
    peak = max(float(whole.max(initial=0.0)), -float(whole.min(initial=0.0)))
    if peak > 0:
        whole *= _FULL_SCALE * PEAK / peak
    return np.rint(whole, out=whole).astype(np.int16), int(rate)


def write_audio(tune: Tune, path: Path | str, soundfont: Path | str | None = None) -> None:
    """Write a tune as a sound file, as `write_sound`; it lasts `tune.seconds`, to a sample.

    Parameters
    ----------
    tune, soundfont
        As for `render_audio`.
    path : Path or str
        As for `write_sound`.

    Raises
    ------
    SegueError
        As `render_audio` and `write_sound`.
    """
    write_sound(*render_audio(tune, soundfont), path)


def write_sound(sound: npt.NDArray[np.int16], rate: int, path: Path | str) -> None:
    """Write samples as a sound file, 16 bit.

    Parameters
    ----------
    sound, rate
        As `render_audio` gives them.
    path : Path or str
        The file to make: ``.wav``, or ``.flac`` for the same samples in about half the bytes. It
        appears whole or not at all.

    Raises
    ------
    SegueError
        If the suffix is another one, or the file cannot be written.
    """
    kind = FORMATS.get(Path(path).suffix.lower())
    if kind is None:
        raise SegueError(f"{path} has no suffix of a sound file; name it {' or '.join(FORMATS)}.")
    with atomic_path(path) as temporary:
        soundfile.write(temporary, sound, rate, subtype="PCM_16", format=kind)


def check_soundfont(path: Path) -> None:
    """Find out whether a soundfont can be used, before there is a tune to play.

    Raises
    ------
    SegueError
        If it cannot; the message says why.
    """
    _played(_soundfont_bytes(path), _SILENCE, path)


def _played(soundfont: bytes, midi: bytes, path: Path) -> bytes:
    """Sound of a MIDI file as a WAV file; `path` is what to name where the soundfont fails."""
    try:
        wave: bytes = midirenderer.render_wave_from(soundfont, midi)
    except BaseException as error:
        # Written in Rust, it may panic over a damaged soundfont; a panic is no Exception.
        if not isinstance(error, RuntimeError) and type(error).__name__ != "PanicException":
            raise
        raise SegueError(
            f"The soundfont {path} is damaged or of an unknown kind ({error}); name another .sf2 "
            "file."
        ) from error
    return wave


def _soundfont_bytes(path: Path) -> bytes:
    """Read a soundfont. Not cached: it takes a hundredth of the time of playing."""
    try:
        if path.stat().st_size > SOUNDFONT_BYTES:
            raise SegueError(
                f"The soundfont {path} has more than {SOUNDFONT_BYTES >> 20} MB; name a smaller "
                "one."
            )
        data = path.read_bytes()
    except OSError as error:
        raise SegueError(
            f"Cannot read the soundfont {path}: {error.strerror}; name an .sf2 file."
        ) from error
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise SegueError(f"{path} is no soundfont; name an .sf2 file.")
    # The renderer would make room for what a chunk claims to hold before it reads.
    if not _chunks_fit(data, 12, len(data), lists=True):
        raise SegueError(f"The soundfont {path} is cut short or damaged; fetch it again.")
    return data


def _chunks_fit(data: bytes, start: int, end: int, lists: bool = False) -> bool:
    """Whether the RIFF chunks from `start` to `end` keep within, and those of their `lists`."""
    while start < end:
        if start + 8 > end:
            return False
        name, size = struct.unpack_from("<4sI", data, start)
        body, start = start + 8, start + 8 + size + size % 2
        if body + size > end:
            return False
        if lists and name == b"LIST" and not _chunks_fit(data, body + 4, body + size):
            return False
    return True
