"""The film's sound: its music cut to the picture's exact length and coded as AAC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Edit
from segue.envs.film.gate import open_media, require_audio

SAMPLE_RATE = 48_000
"""Samples per second of the film's sound."""

FADE_SECONDS = 0.3
"""Length of the fade at the end of the film."""

BIT_RATE = 192_000
"""Bits per second of the film's sound."""

_BLOCK = 1024  # samples of an AAC frame
_PREROLL_SECONDS = 0.5  # decoders such as MP3's need some frames before the sound is right


def write_soundtrack(edit: Edit, path: Path) -> None:
    """Write the film's music, exactly as long as its picture, to an MP4 file.

    Music that ends before the film is followed by silence.

    Parameters
    ----------
    edit : Edit
        An edit whose `music` is not None.
    path : Path
        The file.

    Raises
    ------
    SegueError
        If the music cannot be read or ends before ``edit.music_start``.
    """
    samples = round(edit.seconds * SAMPLE_RATE)
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        assert isinstance(stream, AudioStream)
        stream.bit_rate = BIT_RATE
        done = 0
        for block in _blocks(_music(edit, samples), samples):
            frame = AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = SAMPLE_RATE, done
            output.mux(stream.encode(frame))
            done += block.shape[1]
        output.mux(stream.encode(None))


def _blocks(
    chunks: Iterator[npt.NDArray[np.float32]], samples: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Cut chunks (2, n) into AAC frames, `samples` in all, with silence and fade at the end."""
    fade = min(round(FADE_SECONDS * SAMPLE_RATE), samples)
    rest = np.zeros((2, 0), np.float32)
    done = 0
    while done < samples:
        size = min(_BLOCK, samples - done)
        while rest.shape[1] < size:
            chunk = next(chunks, np.zeros((2, _BLOCK), np.float32))
            rest = np.concatenate([rest, chunk], axis=1)
        left = samples - (done + np.arange(size))
        yield np.ascontiguousarray(rest[:, :size] * np.clip(left / fade, 0, 1).astype(np.float32))
        rest = rest[:, size:]
        done += size


def _music(edit: Edit, samples: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield at least `samples` of the music from its start on, or all there is, as (2, n)."""
    assert edit.music is not None
    start = round(edit.music_start * SAMPLE_RATE)
    place: int | None = None  # of the next sample, counted from the start of the sound file
    heard = False
    with open_media(edit.music) as container:
        stream = require_audio(container)
        zero = (stream.start_time or 0) * (stream.time_base or 0)
        if edit.music_start > _PREROLL_SECONDS:
            seconds = float(zero) + edit.music_start - _PREROLL_SECONDS
            container.seek(int(seconds * av.time_base))
        resampler = AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
        for frame in container.decode(stream):
            if place is None:
                at = 0 if frame.time is None else frame.time - float(zero)
                place = round(at * SAMPLE_RATE)
            for piece in resampler.resample(frame):
                sound = piece.to_ndarray().astype(np.float32, copy=False)
                skip = min(max(start - place, 0), sound.shape[1])
                place += sound.shape[1]
                if skip < sound.shape[1]:
                    heard = True
                    yield sound[:, skip:]
            if place >= start + samples:
                break
    if not heard:
        raise SegueError(
            f"{edit.music} ends before second {edit.music_start:g}, where the film's music should "
            "start; choose an earlier start."
        )
