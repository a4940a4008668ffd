"""What moves, stands out and sounds in a file, cell by cell: one decoding pass, remembered.

The picture is divided into `GRID` cells, so that any part of it can be judged afterwards without
decoding it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from segue.envs.base.cache import cache_folder, file_digest, load_arrays, store_arrays
from segue.envs.film.beat_tracking import SAMPLE_RATE, read_mono
from segue.envs.film.features import Picture, colour_shares, grey, unit_colours
from segue.envs.film.frame_grid import displayed_size, grid_frames, upright
from segue.envs.film.gate import MediaError, frame_rate, open_media, require_video
from segue.envs.film.shots import COLOURS, THUMBNAIL

WATCH_VERSION = 1
"""To be raised whenever the same file would give other arrays."""

WATCHED = (160, 90)
"""Width and height at which pictures are looked at, whatever their own shape."""
GRID = (9, 16)
"""Rows and columns of cells."""
SAMPLES_PER_SECOND = 8
SAMPLES_PER_THUMBNAIL = 16

Progress = Callable[[float, str], None]
"""Called with the share done, in [0, 1], and what is being done."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Watched:
    """What was found in a file.

    Attributes
    ----------
    facts : ndarray (6,) int64
        Numerator and denominator of the frame rate, frames, displayed width and height, has sound.
    motion : ndarray (samples, *GRID) float32
        Mean absolute difference of luma to the sample before, in [0, 1].
    detail : ndarray (samples, *GRID) float32
        Mean gradient of luma, in [0, 1].
    loudness : ndarray (samples,) float32
        RMS of the sound; 0 where there is none.
    colours : ndarray (COLOURS,) float32
        Colour histogram of the whole file, of unit length.
    thumbnails : ndarray (k, *THUMBNAIL, 3) uint8
        RGB, one every `SAMPLES_PER_THUMBNAIL` samples.
    """

    facts: npt.NDArray[np.int64]
    motion: Floats
    detail: Floats
    loudness: Floats
    colours: Floats
    thumbnails: npt.NDArray[np.uint8]

    @property
    def rate(self) -> Fraction:
        """Frames per second."""
        return Fraction(int(self.facts[0]), int(self.facts[1]))

    @property
    def seconds(self) -> float:
        """Length of the picture."""
        return float(self.facts[2] / self.rate)

    @property
    def has_sound(self) -> bool:
        """True when the file holds an audio stream."""
        return bool(self.facts[5])


def watch(path: Path, *, cache: Path | None = None, progress: Progress | None = None) -> Watched:
    """Look at a file, or remember what was seen in the same content before.

    Parameters
    ----------
    path : Path
        A film.
    cache : Path or None
        Folder that remembers; None is the user's.
    progress : callable or None
        Called about every second of film.

    Raises
    ------
    SegueError
        If the file cannot be read or has no picture.
    """
    folder, digest = cache_folder(cache), file_digest(path)
    known = _cached(folder, digest)
    if known is None:
        known = _watch_file(path, progress or (lambda share, text: None))
        arrays = {part.name: getattr(known, part.name) for part in fields(Watched)}
        store_arrays(folder, "cameras", WATCH_VERSION, digest, arrays)
    return known


def _watch_file(path: Path, progress: Progress) -> Watched:
    with open_media(path) as container:
        stream = require_video(container)
        rate = frame_rate(stream)
        pictures, frames, rotation = _samples(container, rate, progress)
        if len(pictures.motion) < 2:
            raise MediaError(f"{path} shows less than a quarter of a second; give a longer film.")
        size = displayed_size(stream, rotation)
        sound = bool(container.streams.audio)
    facts = (rate.numerator, rate.denominator, frames, *size, int(sound))
    return Watched(
        facts=np.array(facts, dtype=np.int64),
        motion=np.array(pictures.motion, dtype=np.float32),
        detail=np.array(pictures.detail, dtype=np.float32),
        loudness=_loudness(path, len(pictures.motion)) if sound else _silence(pictures),
        colours=unit_colours((pictures.colours / len(pictures.motion)).astype(np.float32)),
        thumbnails=np.array(pictures.thumbnails, dtype=np.uint8),
    )


class _Pictures:
    """Measures of the sampled pictures, one entry a sample."""

    def __init__(self) -> None:
        self.motion: list[Floats] = []
        self.detail: list[Floats] = []
        self.thumbnails: list[Picture] = []
        self.colours = np.zeros(COLOURS)
        self._before: Picture | None = None

    def add(self, picture: Picture) -> None:
        """Measure one picture, BGR, `WATCHED` in size."""
        luma = grey(picture)
        before = luma if self._before is None else self._before
        self.motion.append(_by_cell(np.asarray(cv2.absdiff(luma, before)) / np.float32(255)))
        right = np.abs(np.asarray(cv2.Sobel(luma, cv2.CV_16S, 1, 0), dtype=np.int32))
        down = np.abs(np.asarray(cv2.Sobel(luma, cv2.CV_16S, 0, 1), dtype=np.int32))
        # A Sobel gradient is at most 4 * 255 to each side.
        self.detail.append(_by_cell((right + down) / np.float32(2040)))
        if (len(self.motion) - 1) % SAMPLES_PER_THUMBNAIL == 0:
            small = cv2.resize(picture, THUMBNAIL[::-1], interpolation=cv2.INTER_AREA)
            self.thumbnails.append(np.ascontiguousarray(small[..., ::-1], dtype=np.uint8))
        self.colours += colour_shares(picture)
        self._before = luma


def _samples(
    container: InputContainer, rate: Fraction, progress: Progress
) -> tuple[_Pictures, int, int]:
    """Decode everything; measure `SAMPLES_PER_SECOND` pictures; count frames, find the rotation."""
    pictures, reformatter, frames, rotation = _Pictures(), VideoReformatter(), 0, 0
    stream = require_video(container)
    expected = max(1.0, (container.duration or 0) / 1e6 * float(rate))
    for index, frame in grid_frames(container, stream):
        frames, rotation = index + 1, frame.rotation
        # Below `SAMPLES_PER_SECOND` frames a second, a picture is several samples.
        while len(pictures.motion) <= index * SAMPLES_PER_SECOND / rate:
            pictures.add(_small(frame, reformatter))
        if index % max(round(rate), 1) == 0:
            progress(min(index / expected, 1.0), f"watching {Path(container.name).name}")
    return pictures, frames, rotation


def _small(frame: VideoFrame, reformatter: VideoReformatter) -> Picture:
    """The frame as displayed, BGR, `WATCHED` in size."""
    turned = bool(round(frame.rotation / 90) % 2)
    width, height = WATCHED[::-1] if turned else WATCHED
    small = reformatter.reformat(frame, width, height, "bgr24", interpolation=Interpolation.AREA)
    return upright(np.asarray(small.to_ndarray(), dtype=np.uint8), frame.rotation)


def _by_cell(values: npt.NDArray[np.floating]) -> Floats:
    """Mean of each cell, `GRID`."""
    rows, columns = GRID
    cells = values.reshape(rows, values.shape[0] // rows, columns, values.shape[1] // columns)
    return np.asarray(cells.mean(axis=(1, 3)), dtype=np.float32)


def _loudness(path: Path, samples: int) -> Floats:
    """RMS of the sound around each sample, (samples,); the same length as the picture."""
    sound = read_mono(path).astype(np.float64)
    edges = np.arange(samples + 1) * SAMPLE_RATE // SAMPLES_PER_SECOND
    power = np.concatenate([[0.0], np.cumsum(sound * sound)])[np.minimum(edges, len(sound))]
    return np.sqrt(np.diff(power) / np.diff(edges)).astype(np.float32)


def _silence(pictures: _Pictures) -> Floats:
    return np.zeros(len(pictures.motion), dtype=np.float32)


def _cached(folder: Path, digest: str) -> Watched | None:
    """What is remembered, if it is whole and of the shape that this version writes."""
    arrays = load_arrays(folder, "cameras", WATCH_VERSION, digest)
    if arrays is None or set(arrays) != {part.name for part in fields(Watched)}:
        return None
    samples = len(arrays["motion"]) if arrays["motion"].ndim == 3 else -1
    expected = {
        "facts": ((6,), np.int64),
        "motion": ((samples, *GRID), np.float32),
        "detail": ((samples, *GRID), np.float32),
        "loudness": ((samples,), np.float32),
        "colours": ((COLOURS,), np.float32),
        "thumbnails": ((-(-samples // SAMPLES_PER_THUMBNAIL), *THUMBNAIL, 3), np.uint8),
    }
    if samples < 2 or any(
        arrays[name].shape != shape or arrays[name].dtype != kind
        for name, (shape, kind) in expected.items()
    ):
        return None
    return Watched(**arrays)  # type: ignore[arg-type]  # the types were just checked
