"""Generated footage whose cuts and movements are known, for tests and for want of real footage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.error
import cv2
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError

DIRECTIONS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Right, down, left, up: shot ``k`` moves in direction ``k % 4``."""

SOUND_RATE = 44_100
CLICKS_PER_MINUTE = 120


def write_synthetic_film(
    path: Path | str,
    *,
    shots: int = 24,
    seed: int = 0,
    rate: Fraction = Fraction(24),
    size: tuple[int, int] = (320, 180),
    seconds_per_shot: tuple[float, float] = (2.0, 5.0),
    sound: bool = True,
) -> tuple[int, ...]:
    """Write a film of hard cuts between moving patterns (H.264 yuv420p, AAC).

    Each shot has a palette and a pattern of blobs of its own, which moves by `DIRECTIONS` at a
    fifth of the picture's width a second. The sound is a tone per shot and a click
    `CLICKS_PER_MINUTE` times a minute. The file appears whole or not at all.

    Parameters
    ----------
    path : Path or str
        The film, ``.mp4``.
    shots : int
        Number of shots, >= 1.
    seed : int
        Same seed, same pictures.
    rate : Fraction
        Frames per second.
    size : tuple of int
        Width and height in pixels, both even.
    seconds_per_shot : tuple of float
        Shortest and longest shot; at least one frame is written.
    sound : bool
        With a sound track.

    Returns
    -------
    tuple of int
        First frame of each shot, and after the last the number of frames of the film.

    Raises
    ------
    SegueError
        If the size is odd or too small, or no shot is asked for.
    """
    width, height = size
    if width % 2 or height % 2 or min(size) < 16:
        raise SegueError(f"The size {width} x {height} cannot be encoded; give even numbers >= 16.")
    if shots < 1:
        raise SegueError(f"A film of {shots} shots cannot be written; ask for at least one.")
    generator = np.random.default_rng(seed)
    lengths = [max(round(generator.uniform(*seconds_per_shot) * rate), 1) for _ in range(shots)]
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        _encode_shots(container, generator, lengths, rate, size, sound)
    return (0, *np.cumsum(lengths).tolist())


def _encode_shots(
    container: OutputContainer,
    generator: np.random.Generator,
    lengths: Sequence[int],
    rate: Fraction,
    size: tuple[int, int],
    sound: bool,
) -> None:
    """Encode shots of `lengths` frames, each followed by its sound."""
    video = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
    assert isinstance(video, VideoStream)
    (video.width, video.height), video.pix_fmt = size, "yuv420p"
    audio = container.add_stream("aac", rate=SOUND_RATE, layout="mono") if sound else None
    first = 0
    for shot, frames in enumerate(lengths):
        for picture in _pictures(generator, DIRECTIONS[shot % 4], frames, size, float(rate)):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        if isinstance(audio, AudioStream):
            span = (first, first + frames)
            _write_tone(container, audio, span, rate, pitch=220.0 * 2 ** (shot % 12 / 12))
        first += frames
    container.mux(video.encode(None))
    if isinstance(audio, AudioStream):
        container.mux(audio.encode(None))


def _pictures(
    generator: np.random.Generator,
    direction: tuple[int, int],
    frames: int,
    size: tuple[int, int],
    rate: float,
) -> Iterator[npt.NDArray[np.uint8]]:
    """Frames of one shot, ``(height, width, 3)`` RGB, cut out of one large pattern."""
    width, height = size
    step = width / 5 / rate
    reach = int(step * frames) + 2
    large = (height + reach * abs(direction[1]), width + reach * abs(direction[0]))
    pattern = _pattern(generator, large, unit=height)
    for frame in range(frames):
        # Content moves right when the window that looks at it moves left.
        moved = int(step * frame)
        x, y = (moved if d < 0 else (reach - moved if d else 0) for d in direction)
        yield np.ascontiguousarray(pattern[y : y + height, x : x + width])


def _pattern(
    generator: np.random.Generator, size: tuple[int, int], unit: int
) -> npt.NDArray[np.uint8]:
    """Ellipses of three colours on a fourth, about ten to a square of `unit` pixels."""
    palette = generator.integers(0, 256, (4, 3)).tolist()
    canvas = np.full((*size, 3), palette[0], np.uint8)
    for _ in range(10 * size[0] * size[1] // unit**2):
        centre = (int(generator.integers(size[1])), int(generator.integers(size[0])))
        axes = (int(generator.integers(unit // 16, unit // 4)) + 1, unit // 8)
        colour = palette[int(generator.integers(1, 4))]
        cv2.ellipse(canvas, centre, axes, float(generator.uniform(0, 180)), 0, 360, colour, -1)
    return canvas


def _write_tone(
    container: OutputContainer,
    stream: AudioStream,
    span: tuple[int, int],
    rate: Fraction,
    pitch: float,
) -> None:
    """Write the sound of the frames of a span: a quiet tone and clicks."""
    start, stop = (round(frame / rate * SOUND_RATE) for frame in span)
    at = np.arange(start, stop)
    beat = SOUND_RATE * 60 // CLICKS_PER_MINUTE
    click = np.exp(-(at % beat) / 400.0) * np.sin(2 * np.pi * 1500 * at / SOUND_RATE)
    wave = 0.05 * np.sin(2 * np.pi * pitch * at / SOUND_RATE) + 0.6 * click
    frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), "fltp", layout="mono")
    frame.sample_rate = SOUND_RATE
    frame.pts = start
    frame.time_base = Fraction(1, SOUND_RATE)
    container.mux(stream.encode(frame))
