"""Stretches of a film that can be watched apart from one another, in any process.

A stretch begins at a key frame that was seen to be found again by seeking; where there is none
(one key frame in a screen recording, a transport stream that is sought by guess, missing time
stamps) the stretch before goes on. So the stretches depend on the file alone, not on who watches.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from segue.envs.film.gate import DEFAULT_LIMITS, frame_rate, open_media, require_video

STRETCH_SECONDS = 30.0
"""Least length of a stretch of a long film; each costs a seek and a second decoded twice."""

SHORT_STRETCH_SECONDS = 10.0
"""Least length of a stretch of a short film, which is to be a quarter of it."""

WARM_UP = 12
"""Frames after its key frame that a stretch leaves to the one before, which sees them on end."""

LOOK_AHEAD = 12
"""Frames that a stretch decodes beyond its own: as many as the shot detector lags behind."""

_MOST_MISSES = 3
_MOST_LEADING = 64


@dataclass(frozen=True)
class Stretch:
    """Frames of a film.

    Attributes
    ----------
    owned : tuple of (int, int or None)
        Frames that it tells about: the first, and the one after the last (None: to the end).
    start : int
        First frame to look at.
    seek : int or None
        Time stamp of the key frame to begin at, in the stream's unit; None is the file's beginning.
    origin : Fraction or None
        Seconds of the file's first frame by its time stamp; None with `seek`.
    """

    owned: tuple[int, int | None]
    start: int = 0
    seek: int | None = None
    origin: Fraction | None = None


WHOLE = Stretch((0, None))


def plan_stretches(path: Path) -> tuple[tuple[Stretch, ...], int]:
    """Divide a film.

    Parameters
    ----------
    path : Path
        The film.

    Returns
    -------
    tuple
        The stretches in order, which own each frame once; and about how many frames the film has,
        at least 1.

    Raises
    ------
    MediaError
        If the file cannot be read, has no picture or is damaged.
    """
    with open_media(path) as container:
        stream = require_video(container)
        rate, base = frame_rate(stream), Fraction(stream.time_base or 0)
        origin, keys, last = _key_frames(container, stream)
        if origin is None or not base:
            return (WHOLE,), 1
        length = min((last - origin) * base, Fraction(DEFAULT_LIMITS.seconds))
        expected = max(round(length * rate), 1)
        seconds = min(STRETCH_SECONDS, max(SHORT_STRETCH_SECONDS, float(length) / 4))
        least = int(Fraction(seconds) / base)
        starts: list[int] = []
        misses = 0
        for key in keys:
            before = starts[-1] if starts else origin
            if key - before >= least and last - key >= least // 2 and misses < _MOST_MISSES:
                if _is_found(container, stream, key):
                    starts.append(key)
                else:
                    misses += 1
    places = [round((key - origin) * base * rate) for key in starts]
    firsts = [0, *(place + WARM_UP for place in places)]
    stops = [*firsts[1:], None]
    stretches = [Stretch((firsts[0], stops[0]))]
    for k, key in enumerate(starts):
        stretches.append(Stretch((firsts[k + 1], stops[k + 1]), places[k], key, origin * base))
    return tuple(stretches), expected


def _key_frames(
    container: InputContainer, stream: VideoStream
) -> tuple[int | None, list[int], int]:
    """Time stamps of the first frame, of the key frames after it in order, and of the last frame.

    The first is None where one cannot tell, such as without time stamps.
    """
    first = next(container.decode(stream), None)
    if first is None or first.pts is None or first.time_base != stream.time_base:
        return None, [], 0
    keys, last = {first.pts}, first.pts
    for packet in container.demux(stream):
        if packet.pts is None:
            if packet.size:
                return None, [], 0
            continue
        last = max(last, packet.pts)
        if packet.is_keyframe:
            keys.add(packet.pts)
    return first.pts, sorted(key for key in keys if key > first.pts), last


def _is_found(container: InputContainer, stream: VideoStream, key: int) -> bool:
    """Tell whether seeking a key frame's time stamp and decoding on leads to that very frame."""
    try:
        container.seek(key, stream=stream)
        for _, frame in zip(range(_MOST_LEADING), container.decode(stream), strict=False):
            if frame.pts is None or frame.pts > key:
                return False
            if frame.pts == key:
                return bool(frame.key_frame)
    except av.error.FFmpegError:
        pass
    return False
