"""From media files to a table of shots: one decoding pass a file, remembered in the cache.

Every frame is decoded once, scaled to `ANALYSED` whatever its shape, and shown to the shot
detector; about `SAMPLES_PER_SECOND` of them are described. When the shots are known, the
descriptions are averaged over the early, middle and late third of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from segue.envs.base.cache import cache_folder, file_digest, load_arrays, store_arrays
from segue.envs.film.features import (
    Picture,
    Vector,
    colour_shares,
    grey,
    motion,
    still_features,
    unit_colours,
)
from segue.envs.film.frame_grid import displayed_size, grid_frames, upright
from segue.envs.film.gate import MediaError, frame_rate, open_media, probe, require_video
from segue.envs.film.sample_film import known_source
from segue.envs.film.shot_detection import ShotDetector, Span
from segue.envs.film.shots import COLOURS, FEATURES, THIRDS, THUMBNAIL, Footage, ShotTable

ANALYSIS_VERSION = 1
"""To be raised whenever the same file would give another table."""

ANALYSED = (160, 90)
"""Width and height at which pictures are analysed."""

SAMPLES_PER_SECOND = 8
MOST_SAMPLES = 30_000
"""Descriptions kept of one file, which bounds memory (about 210 MB) for films of hours."""

Progress = Callable[[float, str], None]
"""Called with the share done, in [0, 1], and what is being done."""

_MOTION = slice(FEATURES.index("motion"), FEATURES.index("motion_y") + 1)


@dataclass(frozen=True)
class _Analysis:
    """What the cache keeps of a file: `ShotTable`'s columns and the facts found by decoding."""

    facts: npt.NDArray[np.int64]  # rate numerator, denominator, frames, width, height, has sound
    start: npt.NDArray[np.int32]
    frames: npt.NDArray[np.int32]
    features: npt.NDArray[np.float32]
    colours: npt.NDArray[np.float32]
    thumbnails: npt.NDArray[np.uint8]


@dataclass
class _Samples:
    """Descriptions of some frames of a file, one row a sampled frame."""

    places: list[int] = field(default_factory=list)
    features: list[Vector] = field(default_factory=list)
    colours: list[Vector] = field(default_factory=list)
    thumbnails: list[Picture] = field(default_factory=list)

    def add(self, place: int, picture: Picture, luma: Picture, movement: Sequence[float]) -> None:
        described = still_features(picture, luma)
        described[_MOTION] = movement
        small = cv2.resize(picture, THUMBNAIL[::-1], interpolation=cv2.INTER_AREA)
        self.places.append(place)
        self.features.append(described)
        self.colours.append(colour_shares(picture))
        self.thumbnails.append(np.ascontiguousarray(small[..., ::-1], dtype=np.uint8))


def analyse(
    paths: Sequence[Path], *, cache: Path | None = None, progress: Progress | None = None
) -> ShotTable:
    """Find and describe every shot of some films.

    Shots are disjoint and in order but need not touch: dissolves, fades and passages of even
    colour (black above all) belong to none, and shots under half a second are dropped (or, a
    flash inside one shot, joined to it). Pictures of other shapes than 16:9 are described, and
    their thumbnails drawn, stretched to it.

    Parameters
    ----------
    paths : sequence of Path
        The films; the same content twice counts once.
    cache : Path or None
        Folder that remembers analyses; None is the user's (`cache.cache_folder`).
    progress : callable or None
        Called about every second of film.

    Returns
    -------
    ShotTable
        One row a shot, in order of file and time.

    Raises
    ------
    SegueError
        If no film is given, one cannot be read, has no picture, or none of them holds a shot.
    """
    if not paths:
        raise MediaError("No footage was given; name at least one film or folder of films.")
    folder = cache_folder(cache)
    footage: list[Footage] = []
    found: list[_Analysis] = []
    for number, path in enumerate(map(Path, paths)):
        facts = probe(path)
        digest = file_digest(path)
        if any(digest == other.digest for other in footage):
            continue
        analysis = _cached(folder, digest)
        if analysis is None:

            def report(share: float, text: str, number: int = number) -> None:
                if progress:
                    progress((number + share) / len(paths), text)

            analysis = _analyse_file(path, facts.seconds, report)
            store_arrays(
                folder,
                "shots",
                ANALYSIS_VERSION,
                digest,
                {part.name: getattr(analysis, part.name) for part in fields(_Analysis)},
            )
        footage.append(_footage(path, digest, analysis))
        found.append(analysis)
    if progress:
        progress(1.0, f"{sum(len(one.start) for one in found)} shots")
    return _table(tuple(footage), found)


def _analyse_file(path: Path, seconds: float | None, progress: Progress) -> _Analysis:
    """Decode a file once."""
    with open_media(path) as container:
        stream = require_video(container)
        rate = frame_rate(stream)
        expected = max(int((seconds or 0.0) * rate), 1)
        detector, samples, rotation = _watch(container, rate, expected, path.name, progress)
        count = detector.count
        if count < 2:
            raise MediaError(f"{path} has only {count} frame(s); give a film, not a picture.")
        shots = detector.shots()
        if not shots:
            raise MediaError(
                f"{path} holds no shot of half a second or more that shows something; give "
                "longer footage."
            )
        size = displayed_size(stream, rotation)
        sound = bool(container.streams.audio)
    facts = np.array((rate.numerator, rate.denominator, count, *size, sound), np.int64)
    return _pool(facts, shots, samples)


def _watch(
    container: InputContainer, rate: Fraction, expected: int, name: str, progress: Progress
) -> tuple[ShotDetector, _Samples, int]:
    """Show every frame to the shot detector and describe some."""
    stride = max(round(rate / SAMPLES_PER_SECOND), expected // MOST_SAMPLES, 1)
    detector, samples, reformatter = ShotDetector(rate), _Samples(), VideoReformatter()
    before: Picture | None = None
    rotation = 0
    for index, frame in grid_frames(container, require_video(container)):
        rotation = frame.rotation
        picture = _small(frame, reformatter)
        luma = grey(picture)
        detector.show(index, picture, luma)
        if index % stride == 0 and len(samples.places) < 2 * MOST_SAMPLES:
            moved = (0.0,) * 3 if before is None else motion(before, luma, float(rate))
            samples.add(index, picture, luma, moved)
        before = luma
        if index % max(round(rate), 1) == 0:
            progress(min(index / expected, 1.0), f"watching {name}")
    return detector, samples, rotation


def _small(frame: VideoFrame, reformatter: VideoReformatter) -> Picture:
    """The frame as displayed, BGR, `ANALYSED` in size."""
    turned = bool(round(frame.rotation / 90) % 2)
    width, height = ANALYSED[::-1] if turned else ANALYSED
    small = reformatter.reformat(
        frame, width, height, "bgr24", interpolation=Interpolation.AREA
    ).to_ndarray()
    return upright(np.asarray(small, dtype=np.uint8), frame.rotation)


def _pool(facts: npt.NDArray[np.int64], shots: list[Span], samples: _Samples) -> _Analysis:
    """Average the descriptions over each third of each shot."""
    places = np.array(samples.places)
    features, colours = np.array(samples.features), np.array(samples.colours)
    looks = np.zeros((len(shots), THIRDS, len(FEATURES)), np.float32)
    shares = np.zeros((len(shots), THIRDS, COLOURS), np.float32)
    thumbnails = np.zeros((len(shots), THIRDS, *THUMBNAIL, 3), np.uint8)
    for row, (start, stop) in enumerate(shots):
        inside = np.flatnonzero((places >= start) & (places < stop))
        # The movement from the last frame of another shot to the first of this one is none.
        moving = inside[places[inside] > start]
        for third in range(THIRDS):
            span = (start + (stop - start) * third // 3, start + (stop - start) * (third + 1) // 3)
            middle = (span[0] + span[1]) / 2
            pooled = _within(places, inside, span, middle)
            looks[row, third] = features[pooled].mean(axis=0)
            pairs = _within(places, moving, span, middle)
            looks[row, third, _MOTION] = features[pairs, _MOTION].mean(axis=0) if len(pairs) else 0
            shares[row, third] = colours[pooled].mean(axis=0)
            nearest = inside[np.argmin(np.abs(places[inside] - middle))]
            thumbnails[row, third] = samples.thumbnails[nearest]
    starts = np.array([start for start, _ in shots], np.int32)
    lengths = np.array([stop - start for start, stop in shots], np.int32)
    return _Analysis(facts, starts, lengths, looks, unit_colours(shares), thumbnails)


def _within(
    places: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], span: Span, middle: float
) -> npt.NDArray[np.int64]:
    """Rows sampled inside a span; the row nearest its middle where there is none."""
    chosen = rows[(places[rows] >= span[0]) & (places[rows] < span[1])]
    if len(chosen) or not len(rows):
        return chosen
    return rows[[int(np.argmin(np.abs(places[rows] - middle)))]]


def _cached(folder: Path, digest: str) -> _Analysis | None:
    """The remembered analysis, if it is whole and of the shape that this version writes."""
    arrays = load_arrays(folder, "shots", ANALYSIS_VERSION, digest)
    if arrays is None or set(arrays) != {part.name for part in fields(_Analysis)}:
        return None
    count = len(arrays["start"]) if arrays["start"].ndim == 1 else -1
    expected = {
        "facts": ((6,), np.int64),
        "start": ((count,), np.int32),
        "frames": ((count,), np.int32),
        "features": ((count, THIRDS, len(FEATURES)), np.float32),
        "colours": ((count, THIRDS, COLOURS), np.float32),
        "thumbnails": ((count, THIRDS, *THUMBNAIL, 3), np.uint8),
    }
    if count < 1 or any(
        arrays[name].shape != shape or arrays[name].dtype != kind
        for name, (shape, kind) in expected.items()
    ):
        return None
    return _Analysis(**arrays)  # type: ignore[arg-type]  # the types were just checked


def _footage(path: Path, digest: str, analysis: _Analysis) -> Footage:
    numerator, denominator, frames, width, height, sound = analysis.facts.tolist()
    licence, attribution = known_source(path, digest)
    rate = Fraction(numerator, denominator)
    return Footage(path, digest, rate, frames, width, height, bool(sound), licence, attribution)


def _table(footage: tuple[Footage, ...], found: list[_Analysis]) -> ShotTable:
    """Put the files' rows under one another."""
    lengths = [len(one.start) for one in found]
    return ShotTable(
        footage=footage,
        file=np.repeat(np.arange(len(found), dtype=np.int32), lengths),
        start=np.concatenate([one.start for one in found]),
        frames=np.concatenate([one.frames for one in found]),
        features=np.concatenate([one.features for one in found]),
        colours=np.concatenate([one.colours for one in found]),
        thumbnails=np.concatenate([one.thumbnails for one in found]),
    )
