"""Joins rendered runs and their sound by copying packets; nothing is coded again."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Edit
from segue.envs.film.gate import open_media, require_audio, require_video

_MOVIE_TIMESCALE = 240_000
"""Ticks a second of the edit lists: divisible by every usual rate, so that no frame is cut off.

The muxer's milliseconds end a track up to one millisecond early.
"""

_Timed = tuple[float, int, "Packet[Any]"]


def join(edit: Edit, segments: Sequence[Path], sound: Path | None, path: Path) -> None:
    """Write one MP4 file whose index stands at the front.

    Parameters
    ----------
    edit : Edit
        For the rate and the number of frames.
    segments : sequence of Path
        The runs in order, coded alike.
    sound : Path or None
        The AAC soundtrack.
    path : Path
        The file.

    Raises
    ------
    SegueError
        If the runs do not hold the film's frames or were not coded alike.
    """
    options = {"movflags": "+faststart", "movie_timescale": str(_MOVIE_TIMESCALE)}
    with av.open(str(path), "w", format="mp4", options=options) as output:
        output.metadata["title"] = edit.title
        with open_media(segments[0]) as first:
            template = require_video(first)
            header = template.codec_context.extradata
            picture = output.add_stream_from_template(template)
        picture.time_base = 1 / edit.rate
        sources = [_pictures(edit, segments, header, picture)]
        if sound is not None:
            with open_media(sound) as music:
                track = output.add_stream_from_template(require_audio(music))
            sources.append(_sounds(sound, track))
        # Interleaved here, so that the muxer need not hold one stream until the other comes.
        for _, _, packet in heapq.merge(*sources, key=lambda timed: timed[:2]):
            output.mux_one(packet)


def _pictures(
    edit: Edit, segments: Sequence[Path], header: bytes | None, stream: VideoStream
) -> Iterator[_Timed]:
    """Yield the packets of all runs with the film's own time stamps, in frames."""
    delay = max(_reordering(path, edit.rate) for path in segments)
    base = count = 0
    for path in segments:
        with open_media(path) as container:
            source = require_video(container)
            if source.codec_context.extradata != header:
                raise SegueError(
                    f"The runs of {edit.title!r} were coded differently; render again."
                )
            for packet in container.demux(source):
                if packet.pts is None:
                    continue
                packet.pts = base + _frame(packet, edit.rate)
                # Decoding order is the order of the packets; only its delay must be the same.
                packet.dts = count - delay
                packet.duration = 1
                packet.time_base = 1 / edit.rate
                packet.stream = stream
                count += 1
                yield float((count - 1 - delay) / edit.rate), 0, packet
            base = count
    if count != edit.frames:
        raise SegueError(
            f"The runs of {edit.title!r} have {count} frames, not {edit.frames}; render again."
        )


def _sounds(path: Path, stream: AudioStream) -> Iterator[_Timed]:
    """Yield the packets of the soundtrack."""
    with open_media(path) as container:
        for packet in container.demux(require_audio(container)):
            if packet.dts is None:
                continue
            packet.stream = stream
            yield float(packet.dts * (packet.time_base or Fraction(1))), 1, packet


def _reordering(path: Path, rate: Fraction) -> int:
    """How many frames at most a packet comes after its place, which B-frames cause."""
    with open_media(path) as container:
        places = [
            _frame(packet, rate)
            for packet in container.demux(require_video(container))
            if packet.pts is not None
        ]
    return max(order - place for order, place in enumerate(places))


def _frame(packet: Packet[Any], rate: Fraction) -> int:
    """Frame number of a packet in its run."""
    assert packet.pts is not None
    return round(packet.pts * Fraction(packet.time_base or 1) * rate)
