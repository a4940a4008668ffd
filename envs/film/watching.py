"""Watching a stretch of a film: one decoding pass, all small.

Every frame is scaled to `ANALYSED`, whatever its shape, and shown to the shot detector; one of
every so many is described.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from segue.envs.film.features import (
    SAMPLED,
    Picture,
    Vector,
    camera_motion,
    colour_shares,
    grey,
    motion,
    optical_flow,
    still_features,
)
from segue.envs.film.frame_grid import displayed_size, grid_frames, upright
from segue.envs.film.gate import frame_rate, open_media, require_video
from segue.envs.film.shot_detection import Evidence, ShotDetector
from segue.envs.film.shots import COLOURS, THUMBNAIL
from segue.envs.film.stretches import LOOK_AHEAD, Stretch

ANALYSED = (160, 90)
"""Width and height at which pictures are analysed."""

MOST_SAMPLES = 60_000
"""Descriptions kept of one stretch, which bounds memory (about 420 MB) whatever a header says."""

MOVEMENT = slice(SAMPLED.index("motion"), SAMPLED.index("motion_y") + 1)
CAMERA = slice(SAMPLED.index("camera_x"), SAMPLED.index("camera_y") + 1)

# PyAV scales with a thread a core from version 17 on, which for pictures so small costs more than
# it brings.
_ONE_THREAD = {"threads": 1} if int(av.__version__.split(".")[0]) >= 17 else {}

FIRST = 3
"""Place of the first frame's number among the facts."""


@dataclass(frozen=True)
class Watched:
    """What a stretch of film looked like.

    Attributes
    ----------
    facts : ndarray (4,) int64
        Displayed width and height in pixels, 1 with sound, number of the first frame (`FIRST`).
    evidence : Evidence
        What its frames tell about shots.
    places : ndarray (samples,) int64
        Numbers of the described frames.
    features : ndarray (samples, len(SAMPLED)) float32
        See `features.SAMPLED`.
    colours : ndarray (samples, COLOURS) float32
        Shares of the pixels.
    thumbnails : ndarray (samples, *THUMBNAIL, 3) uint8
        RGB.
    """

    facts: npt.NDArray[np.int64]
    evidence: Evidence
    places: npt.NDArray[np.int64]
    features: Vector
    colours: Vector
    thumbnails: Picture


@dataclass
class _Samples:
    """Descriptions of some frames, one row a sampled frame."""

    places: list[int] = field(default_factory=list)
    features: list[Vector] = field(default_factory=list)
    colours: list[Vector] = field(default_factory=list)
    thumbnails: list[Picture] = field(default_factory=list)

    def add(self, place: int, picture: Picture, luma: Picture, flow: Vector | None) -> None:
        described = still_features(picture, luma)
        if flow is not None:
            described[MOVEMENT] = motion(flow)
            described[CAMERA] = camera_motion(flow)
        small = cv2.resize(picture, THUMBNAIL[::-1], interpolation=cv2.INTER_AREA)
        self.places.append(place)
        self.features.append(described)
        self.colours.append(colour_shares(picture))
        self.thumbnails.append(np.ascontiguousarray(small[..., ::-1], dtype=np.uint8))

    def watched(self, facts: npt.NDArray[np.int64], evidence: Evidence) -> Watched:
        return Watched(
            facts,
            evidence,
            np.array(self.places, np.int64),
            np.array(self.features, np.float32).reshape(-1, len(SAMPLED)),
            np.array(self.colours, np.float32).reshape(-1, COLOURS),
            np.array(self.thumbnails, np.uint8).reshape(-1, *THUMBNAIL, 3),
        )


def watch(
    path: Path,
    stretch: Stretch,
    stride: int,
    report: Callable[[int], None],
) -> Watched:
    """Decode a stretch and tell what it looks like.

    Parameters
    ----------
    path : Path
        The film.
    stretch : Stretch
        Of `stretches.plan_stretches`.
    stride : int
        Frames whose number is divisible by it are described.
    report : callable
        Told how many frames of the stretch are done, about once a second of film.

    Raises
    ------
    MediaError
        If the file cannot be read or is damaged.
    """
    with open_media(path) as container:
        stream = require_video(container)
        # With more, what comes out of a damaged file would depend on their number; the other cores
        # have their own stretches.
        stream.codec_context.thread_count = 1
        rate = frame_rate(stream)
        if stretch.seek is not None:
            container.seek(stretch.seek, stream=stream)
        watcher = _Watcher(rate, stretch, stride)
        for index, frame in grid_frames(container, stream, origin=stretch.origin):
            if not watcher.see(index, frame):
                break
            if index % max(round(rate), 1) == 0:
                report(max(index - stretch.owned[0], 0))
        size = displayed_size(stream, watcher.rotation)
        facts = (*size, bool(container.streams.audio), stretch.owned[0])
    return watcher.watched(np.array(facts, np.int64))


class _Watcher:
    """Shows frames to the shot detector and describes some of those that the stretch owns."""

    def __init__(self, rate: Fraction, stretch: Stretch, stride: int) -> None:
        self.rotation = 0
        self._rate, self._stretch, self._stride = rate, stretch, stride
        self._samples = _Samples()
        self._detector = ShotDetector(rate, stretch.start)
        self._reformatter = VideoReformatter()
        self._frame: VideoFrame | None = None
        self._picture = self._luma = np.zeros(0, np.uint8)
        self._count = stretch.start

    def see(self, index: int, frame: VideoFrame) -> bool:
        """Take in a frame; return False when enough was seen."""
        first, stop = self._stretch.owned
        if stop is not None and index >= stop + LOOK_AHEAD:
            return False
        if index < self._stretch.start:
            return True  # pictures before the key frame, which came after it in the file
        before = None if self._frame is None else self._luma
        if frame is not self._frame:
            self.rotation = frame.rotation
            self._frame, self._picture = frame, _small(frame, self._reformatter)
            self._luma = grey(self._picture)
        self._detector.show(index, self._picture, self._luma)
        self._count = index + 1
        wanted = index >= first and (stop is None or index < stop) and index % self._stride == 0
        if wanted and len(self._samples.places) < MOST_SAMPLES:
            flow = None
            if before is not None:
                flow = optical_flow(before, self._luma, float(self._rate))
            self._samples.add(index, self._picture, self._luma, flow)
        return True

    def watched(self, facts: npt.NDArray[np.int64]) -> Watched:
        """Return what was seen."""
        first, stop = self._stretch.owned
        evidence = self._detector.evidence((first, self._count if stop is None else stop))
        return self._samples.watched(facts, evidence)


def _small(frame: VideoFrame, reformatter: VideoReformatter) -> Picture:
    """The frame as displayed, BGR, `ANALYSED` in size."""
    turned = bool(round(frame.rotation / 90) % 2)
    width, height = ANALYSED[::-1] if turned else ANALYSED
    small = reformatter.reformat(
        frame, width, height, "bgr24", interpolation=Interpolation.AREA, **_ONE_THREAD
    ).to_ndarray()
    return upright(np.asarray(small, dtype=np.uint8), frame.rotation)
