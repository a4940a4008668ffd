"""Footage that carries its frame numbers, and edits of it: what the tests of rendering share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from segue.envs.film.edit import Cut, Edit
from segue.envs.film.pictures import planes
from segue.envs.film.planes import Planes
from segue.envs.film.segments import render_frames

RATE = Fraction(24)
SIZE = (192, 108)
BITS = 8
LENGTH = 240
MATRIX_709 = 1


def write_film(path: Path, frames: Iterator[npt.NDArray[np.uint8]], rate: Fraction) -> None:
    """Encode RGB frames with B-frames and key frames 50 apart."""
    with av.open(str(path), "w") as output:
        stream = None
        for picture in frames:
            if stream is None:
                options = {"preset": "fast", "crf": "12", "g": "50", "sc_threshold": "0"}
                # AVI cannot say when a B-frame is shown; its own codec has none.
                codec = "mpeg4" if path.suffix == ".avi" else "libx264"
                stream = output.add_stream(codec, rate=rate, options=options)
                stream.width, stream.height = picture.shape[1], picture.shape[0]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.colorspace = 1
                stream.codec_context.color_range = 1
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=1, src_color_range=2, dst_color_range=1
            )
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def numbered(count: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Pictures that carry their number as bars, dark for 0, bright for 1."""
    width, height = SIZE
    for number in range(count):
        picture = np.zeros((height, width, 3), np.uint8)
        for bit in range(BITS):
            bar = slice(bit * width // BITS, (bit + 1) * width // BITS)
            picture[:, bar] = 210 if number >> bit & 1 else 40
        yield picture


def number_of(luma: npt.NDArray[np.uint8]) -> int:
    height, width = luma.shape
    middle = luma[height // 2, [int((bit + 0.5) * width / BITS) for bit in range(BITS)]]
    return sum(1 << bit for bit in range(BITS) if middle[bit] > 125)


def lumas(path: Path) -> list[npt.NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [planes(frame)[0].copy() for frame in container.decode(video=0)]


def solid(colour: tuple[int, int, int], count: int) -> Iterator[npt.NDArray[np.uint8]]:
    for _ in range(count):
        yield np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)


def cut(source: Path, in_point: int, frames: int, **changes: object) -> Cut:
    plain = Cut(source, RATE, LENGTH, in_point, frames, Fraction(1), "none", "cut", 0, "shot")
    return replace(plain, **changes)  # type: ignore[arg-type]


def edit_of(*cuts: Cut, **changes: object) -> Edit:
    plain = Edit("a film", RATE, *SIZE, cuts)
    return replace(plain, **changes)  # type: ignore[arg-type]


def pictures(edit: Edit) -> list[Planes]:
    frames = render_frames(edit, 0, edit.frames, MATRIX_709, 1)
    return [tuple(plane.copy() for plane in planes(frame)) for frame in frames]  # type: ignore[misc]


def numbers(edit: Edit) -> list[int]:
    return [number_of(y) for y, _, _ in pictures(edit)]


def flashing(count: int, every: int) -> Iterator[npt.NDArray[np.uint8]]:
    for number in range(count):
        yield from solid((255,) * 3 if number % every == every // 2 else (0,) * 3, 1)


def mixed_edit(film: Path, rate: Fraction = RATE) -> Edit:
    cuts = (
        cut(film, 10, 40, shot="one", reward_terms={"beat": 0.5}),
        cut(film, 100, 30, shot="two", transition="dissolve", transition_frames=8),
        cut(film, 150, 24, shot="three", speed=Fraction(1, 2), effect="slow_motion"),
        cut(film, 60, 30, shot="four", transition="wipe", transition_frames=12, effect="mirror"),
        cut(film, 20, 30, shot="five", transition="fade_through_black", transition_frames=12),
    )
    cuts = tuple(replace(c, source_rate=rate) for c in cuts)
    return edit_of(*cuts, rate=rate, music=film, music_start=1.5)


def write_sounding_film(
    path: Path, sound: npt.NDArray[np.float32], frames: int = LENGTH, begin: float = 0.0
) -> None:
    """Encode numbered frames with stereo sound (2, samples) of 48 kHz from second `begin` on."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = output.add_stream("pcm_s16le", rate=48_000, layout="stereo")
        for picture in numbered(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            output.mux(video.encode(frame.reformat(format="yuv420p")))
        output.mux(video.encode(None))
        coded = (np.clip(sound, -1, 1) * 32_767).astype(np.int16)
        for first in range(0, coded.shape[1], 4800):
            block = np.ascontiguousarray(coded[:, first : first + 4800].T.reshape(1, -1))
            heard = av.AudioFrame.from_ndarray(block, "s16", layout="stereo")
            heard.sample_rate, heard.pts = 48_000, first + round(begin * 48_000)
            heard.time_base = Fraction(1, 48_000)
            output.mux(audio.encode(heard))
        output.mux(audio.encode(None))


def tone(pitch: float, seconds: float, level: float = 0.2) -> npt.NDArray[np.float32]:
    """A sine in both channels."""
    at = np.arange(round(seconds * 48_000)) / 48_000
    return np.tile((level * np.sin(2 * np.pi * pitch * at)).astype(np.float32), (2, 1))


def clicks(seconds: float, every: float = 1.0) -> npt.NDArray[np.float32]:
    """A click of 2 ms in both channels at 0, `every`, 2 x `every`, ... seconds."""
    sound = np.zeros((2, round(seconds * 48_000)), np.float32)
    for at in np.arange(0, seconds, every):
        sound[:, round(at * 48_000) : round(at * 48_000) + 96] = 0.8
    return sound
