"""Films and sounds written for the tests of analysis: hard cuts, given frames, clicks."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from segue.envs.film.synthetic import write_synthetic_film

SHOTS = 8


def write_shots(path: Path) -> tuple[Path, tuple[int, ...]]:
    """Write a film of `SHOTS` shots; returns their first frames, and the end, with it."""
    return path, write_synthetic_film(path, shots=SHOTS, seed=1, seconds_per_shot=(0.8, 1.6))


def write_frames(
    path: Path,
    pictures: Iterable[np.ndarray],
    *,
    stamps: list[int] | None = None,
    pix_fmt: str = "yuv420p",
    rotate: int = 0,
    rate: int = 24,
) -> Path:
    pictures = list(pictures)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000) if stamps else Fraction(1, rate)
        if rotate:
            stream.set_display_rotation(rotate)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = stamps[number] if stamps else number
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_clicks(path: Path, tempo: float, seconds: float = 12.0) -> np.ndarray:
    rate = 22_050
    sound = np.zeros(int(seconds * rate))
    times = np.arange(0.3, seconds - 0.1, 60 / tempo)
    at = np.arange(rate // 20) / rate
    for number, time in enumerate(times):
        pitch, loudness = (150, 0.9) if number % 4 == 0 else (1000, 0.5)
        click = loudness * np.sin(2 * np.pi * pitch * at) * np.exp(-60 * at)
        start = int(time * rate)
        sound[start : start + len(at)] += click
    write_wave(path, sound, rate)
    return times


def write_wave(path: Path, sound: np.ndarray, rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sound * 32_000).astype("<i2").tobytes())
