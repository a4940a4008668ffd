"""Film frames on a constant grid, upright: how a frame of a file is numbered.

Frame ``i`` of a file is what a player shows at ``i / rate`` seconds after the file's first frame.
In footage of constant rate that is simply the i-th frame. Footage of variable rate (phones, screen
recordings) is put on the grid of its average rate: a frame that lasts longer is counted again, and
of two frames that fall on one place the earlier stays. Everything that counts frames of
footage counts them so.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from segue.envs.film.gate import DEFAULT_LIMITS, Limits, MediaError, frame_rate


def grid_frames(
    container: InputContainer,
    stream: VideoStream,
    *,
    limits: Limits = DEFAULT_LIMITS,
    origin: Fraction | None = None,
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode the stream, frame by frame of the grid.

    Decoding uses FFmpeg's frame threads.

    Parameters
    ----------
    container, stream : InputContainer, VideoStream
        The file, at its beginning or, with `origin`, where it was sought.
    limits : Limits
        Caps on it.
    origin : Fraction or None
        Seconds of the file's first frame, by its time stamp; None where that comes first now.

    Yields
    ------
    tuple of (int, VideoFrame)
        0, 1, 2, ... without gaps (from another number on with `origin`), and the picture as coded;
        see `upright`. The same picture comes again where the file holds it for longer than one
        frame.

    Raises
    ------
    MediaError
        If the stream runs beyond ``limits.seconds``.
    """
    stream.thread_type = "AUTO"
    rate = frame_rate(stream)
    most = int(limits.seconds * rate) + 1
    first = origin
    shown: VideoFrame | None = None
    count = 0
    for frame in container.decode(stream):
        place = count
        if frame.pts is not None and frame.time_base is not None:
            seconds = frame.pts * Fraction(frame.time_base)
            first = seconds if first is None else first
            place = round((seconds - first) * rate)
            if shown is None and origin is not None:
                count = place
        if max(place, count) > most:
            raise MediaError(
                f"{container.name} has pictures beyond the {limits.seconds:,.0f} s allowed; "
                "cut it into parts."
            )
        while shown is not None and count < place:
            yield count, shown
            count += 1
        if place >= count:
            yield count, frame
            count += 1
        shown = frame


def upright(picture: npt.NDArray[np.uint8], rotation: int) -> npt.NDArray[np.uint8]:
    """Turn a picture as its file asks (the display matrix of phone footage).

    Parameters
    ----------
    picture : ndarray (height, width, channels) uint8
        As decoded.
    rotation : int
        ``VideoFrame.rotation``: degrees anticlockwise. Whole quarter turns are carried out,
        anything between is rounded to one.

    Returns
    -------
    ndarray (height, width, channels) or (width, height, channels) uint8
        As displayed, contiguous.
    """
    quarters = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, quarters)) if quarters else picture


def displayed_size(stream: VideoStream, rotation: int) -> tuple[int, int]:
    """Width and height in pixels as displayed: pixel shape and quarter turns taken in."""
    aspect = stream.sample_aspect_ratio
    width = round(stream.width * aspect) if aspect else stream.width
    size = (max(width, 1), stream.height)
    return size[::-1] if round(rotation / 90) % 2 else size
