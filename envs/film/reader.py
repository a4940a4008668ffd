"""Frames of media files by number, in the order in which an edit wants them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av.error
from av.video.frame import VideoFrame

from segue.envs.film.frame_grid import displayed_size
from segue.envs.film.gate import BAD_DATA, MediaError, frame_rate, open_media, require_video

DECODE_ON_SECONDS = 2
"""A wanted frame at most this far ahead is decoded to; one further away is sought."""

MOST_READERS = 6
"""Readers that a `ReaderPool` keeps open while nobody uses them."""


class FrameReader:
    """Reads one file's frames, numbered as in `segue.envs.film.frame_grid`.

    Reading forward is a plain decode. A jump seeks the key frame before and leaves out, on the way
    to the wanted frame, the pictures that no other picture depends on.

    Parameters
    ----------
    path : Path
        A media file with a picture.
    threads : int
        Decoder threads.

    Attributes
    ----------
    aspect : Fraction
        Width of one coded pixel divided by its height.
    size : tuple of int
        Width and height as displayed, in pixels.

    Raises
    ------
    MediaError
        If the file cannot be read.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self.path = path
        self._threads = threads
        self._files = ExitStack()
        self._first = 0
        self._skipped = False
        self._shown = (-1, self._open())
        self._first = _stamp(self._shown[1]) or 0
        self._shown = (0, self._shown[1])
        self._next = next(self._frames, None)
        self.aspect = self._stream.sample_aspect_ratio or Fraction(1)
        self.size = displayed_size(self._stream, self._shown[1].rotation)

    def frame(self, number: int) -> VideoFrame:
        """Return frame `number`, or the last one before it that the file has.

        Raises
        ------
        MediaError
            If the file is damaged there.
        """
        ahead = number - self._shown[0]
        if ahead < 0 or ahead > DECODE_ON_SECONDS * self._rate:
            self._seek(number)
            if self._shown[0] < number - 1 and self._skipped:
                # A picture held for long may be one of those left out: look again at each.
                self._seek(number, skip=False)
        self._advance(number)
        return self._shown[1]

    def close(self) -> None:
        """Close the file."""
        self._files.close()

    def _open(self) -> VideoFrame:
        """Open the file, or open it again, and decode its first picture."""
        self._files.close()
        with ExitStack() as stack:
            self._container = stack.enter_context(open_media(self.path))
            self._stream = require_video(self._container)
            self._stream.thread_type = "AUTO"
            self._stream.codec_context.thread_count = self._threads
            self._rate = frame_rate(self._stream)
            self._base = Fraction(self._stream.time_base or 1)
            self._frames = self._decode()
            first = next(self._frames, None)
            if first is None:
                raise MediaError(
                    f"{self.path} has no picture that can be decoded; export it again."
                )
            self._files = stack.pop_all()
        return first

    def _seek(self, number: int, *, skip: bool = True) -> None:
        """Stand on the last frame not after `number`."""
        back = Fraction(0)
        while True:
            at = max(number / self._rate - back, Fraction(0))
            frame = self._land(at, number if skip else 0)
            if frame is not None and self._place(frame) <= number:
                break
            if at == 0:
                # Such as MPEG-TS, which is sought by guess: only its beginning is certain.
                frame = self._open()
                break
            # The guess led behind the wanted frame, or past the end.
            back = 2 * back + 1
        self._shown = (self._place(frame), frame)
        self._next = next(self._frames, None)
        self._advance(number)

    def _land(self, at: Fraction, wanted: int) -> VideoFrame | None:
        """Seek second `at` and decode the first picture there; None where there is none."""
        try:
            self._container.seek(int(at / self._base) + self._first, stream=self._stream)
        except av.error.FFmpegError:
            return None
        self._skipped = False
        self._frames = self._decode(wanted)
        return next(self._frames, None)

    def _advance(self, number: int) -> None:
        """Decode until the next picture lies behind frame `number`."""
        while self._next is not None and (place := self._place(self._next)) <= number:
            if place > self._shown[0]:  # of two pictures on one place the earlier stays
                self._shown = (place, self._next)
            self._next = next(self._frames, None)

    def _decode(self, wanted: int = 0) -> Iterator[VideoFrame]:
        """Decode from where the container stands; leave out what `wanted` does not need."""
        context = self._stream.codec_context
        try:
            for packet in self._container.demux(self._stream):
                idle = packet.pts is not None and self._place_of(packet.pts) < wanted - 1
                self._skipped = self._skipped or idle
                context.skip_frame = "NONREF" if idle else "DEFAULT"
                yield from packet.decode()
        except BAD_DATA as error:
            raise MediaError(f"{self.path} is damaged; copy or export it again.") from error

    def _place(self, frame: VideoFrame) -> int:
        """Number of a decoded frame; without any time stamp it follows the one before."""
        stamp = _stamp(frame)
        return self._shown[0] + 1 if stamp is None else self._place_of(stamp)

    def _place_of(self, pts: int) -> int:
        return round((pts - self._first) * self._base * self._rate)


def _stamp(frame: VideoFrame) -> int | None:
    """Time stamp of a frame; AVI has that of its packet only."""
    return frame.dts if frame.pts is None else frame.pts


class ReaderPool:
    """Lends readers, one for each piece that is on screen, and keeps a few for the next pieces.

    Parameters
    ----------
    threads : int
        Decoder threads of each reader.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._idle: list[FrameReader] = []
        self._lent: list[FrameReader] = []

    def lend(self, path: Path) -> FrameReader:
        """Return a reader of `path` that nobody else uses."""
        for reader in reversed(self._idle):
            if reader.path == path:
                self._idle.remove(reader)
                break
        else:
            reader = FrameReader(path, self._threads)
        self._lent.append(reader)
        return reader

    def give_back(self, reader: FrameReader) -> None:
        """Take a reader back; the one unused for longest is closed when there are too many."""
        self._lent.remove(reader)
        self._idle.append(reader)
        if len(self._idle) > MOST_READERS:
            self._idle.pop(0).close()

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for reader in (*self._idle, *self._lent):
            reader.close()
