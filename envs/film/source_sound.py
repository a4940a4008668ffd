"""The sound of media files, brought to the film's sample rate and to the film's clock."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.filter import Graph

from segue.envs.film.gate import open_media, require_audio, require_video

SAMPLE_RATE = 48_000
"""Samples per second of the film's sound."""

Stereo = npt.NDArray[np.float32]
"""Left and right, (2, samples) float32, full scale at 1."""

Sound = Generator[Stereo, None, None]
"""Chunks of any length; closing it closes its file."""

SPEEDS = (Fraction(1, 2), Fraction(2))
"""Speeds between which a piece keeps its sound, at its own pitch; outside it is silent."""

_PREROLLS = (Fraction(1, 2), Fraction(5))
"""Seconds to seek ahead of the wanted place. Decoders such as MP3's need some frames before the
sound is right, and a file may lay its sound behind its picture."""

_GAP = SAMPLE_RATE // 20
"""A hole in the time stamps longer than this is silence; less is the clock's own roughness."""

_BLOCK = SAMPLE_RATE // 4


def music_sound(path: Path, start: Fraction, samples: int) -> Sound:
    """Yield `samples` of a sound file from second `start` on, or what there is of them.

    Seconds count from the first sample. Raises MediaError if the file cannot be read.
    """
    return _read(path, start, samples, from_picture=False)


def piece_sound(path: Path, start: Fraction, samples: int, speed: Fraction) -> Sound:
    """Yield `samples` of the sound that belongs to a film's picture, or what there is of them.

    Parameters
    ----------
    path : Path
        A media file with picture and sound.
    start : Fraction
        Second after the file's first picture; before the first sample there is silence.
    samples : int
        How many to yield.
    speed : Fraction
        Source seconds per second, within `SPEEDS`; the pitch stays.

    Yields
    ------
    Stereo
        Chunks of any length.

    Raises
    ------
    MediaError
        If the file cannot be read.
    """
    source = _read(path, start, ceil(samples * speed), from_picture=True)
    return source if speed == 1 else _stretched(source, samples, speed)


def _read(path: Path, start: Fraction, samples: int, *, from_picture: bool) -> Sound:
    """Decode from `start` on; seek as far ahead as it takes to hear the first sample in full."""
    first = round(start * SAMPLE_RATE)
    for preroll in (*_PREROLLS, None):
        seconds = None if preroll is None or start <= preroll else start - preroll
        chunks = _placed(path, seconds, from_picture=from_picture)
        head = next(chunks, None)
        if head is None and seconds is None:
            return
        if head is not None and (seconds is None or head[0] <= first):
            break
        chunks.close()
    assert head is not None
    done = 0
    while head is not None and done < samples:
        place, sound = head
        gap = place - (first + done)
        if gap > 0:  # nothing is heard until `place`
            silent = min(gap, samples - done, _BLOCK)
            yield np.zeros((2, silent), np.float32)
            done += silent
            continue
        sound = sound[:, -gap : samples - done - gap]
        if sound.shape[1]:
            yield sound
            done += sound.shape[1]
        head = next(chunks, None)
    chunks.close()


def _placed(
    path: Path, seconds: Fraction | None, *, from_picture: bool
) -> Generator[tuple[int, Stereo], None, None]:
    """Yield decoded chunks and the samples at which they stand, in order and without overlap."""
    with open_media(path) as container:
        stream = require_audio(container)
        clock = require_video(container) if from_picture else stream
        zero = Fraction(clock.start_time or 0) * Fraction(clock.time_base or 0)
        if seconds is not None:
            try:
                container.seek(int((zero + seconds) * av.time_base))
            except av.error.FFmpegError:  # past the end, or in a file that cannot be sought
                return
        resampler = AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
        place: int | None = None
        fed = Fraction(0)  # samples at the film's rate that the resampler should have given
        for frame in container.decode(stream):
            at = place if frame.pts is None else _sample(frame, zero)
            if place is None or at is None or at - (place + fed) > _GAP:
                place, fed = at or 0, Fraction(0)
                ahead = place
            fed += Fraction(frame.samples * SAMPLE_RATE, frame.sample_rate)
            for piece in resampler.resample(frame):
                sound = piece.to_ndarray().astype(np.float32, copy=False)
                yield ahead, sound
                ahead += sound.shape[1]
        if place is not None:
            for piece in resampler.resample(None):
                yield ahead, piece.to_ndarray().astype(np.float32, copy=False)


def _sample(frame: AudioFrame, zero: Fraction) -> int:
    """Place of a frame's first sample at the film's rate, counted from `zero`."""
    assert frame.pts is not None
    return round((frame.pts * Fraction(frame.time_base or 0) - zero) * SAMPLE_RATE)


def _stretched(chunks: Sound, samples: int, speed: Fraction) -> Sound:
    """Play chunks at another speed at the same pitch (FFmpeg's waveform overlap-add)."""
    graph = Graph()
    source = graph.add_abuffer(
        format="fltp", sample_rate=SAMPLE_RATE, layout="stereo", time_base=Fraction(1, SAMPLE_RATE)
    )
    tempo = graph.add("atempo", f"{float(speed):.9f}")
    planar = graph.add("aformat", "sample_fmts=fltp")
    graph.link_nodes(source, tempo, planar, graph.add("abuffersink")).configure()
    done = fed = 0
    ended = False
    while done < samples:
        try:
            sound = np.asarray(graph.pull().to_ndarray(), np.float32)
        except (av.error.BlockingIOError, EOFError):
            if ended:
                return
            chunk = next(chunks, None)
            if chunk is None:
                graph.push(None)
                ended = True
                continue
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(chunk), "fltp", layout="stereo")
            frame.sample_rate, frame.pts = SAMPLE_RATE, fed
            frame.time_base = Fraction(1, SAMPLE_RATE)
            fed += chunk.shape[1]
            graph.push(frame)
            continue
        yield sound[:, : samples - done]
        done += sound.shape[1]
