"""The one gate through which every media file is opened for reading.

A media file comes from anywhere, and FFmpeg would follow a playlist named ``holiday.mp4`` to other
files and hosts. The gate therefore has three locks:

1. The first bytes must be those of a real container, and FFmpeg may use that container's demuxer
   only (``format_whitelist``).
2. FFmpeg is handed an open file, not a name, so it needs no protocol and is allowed none
   (``protocol_whitelist``): neither a network nor another file.
3. A demuxer that asks its caller for a second file is refused (`io_open`).

Bytes, duration and picture size are capped, so that a hostile header cannot ask for more memory
than there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from segue.envs.base.errors import SegueError

FOLDER_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".mpeg")
"""Endings, in lower case, of the files that `film_files` takes from a folder."""

STANDARD_RATES = tuple(
    Fraction(rate)
    for rate in (
        *("12", "15", "24000/1001", "24", "25", "30000/1001", "30", "48000/1001", "48", "50"),
        *("60000/1001", "60", "100", "120000/1001", "120"),
    )
)
"""Rates that an average is taken for when it lies within `RATE_TOLERANCE` of them."""

RATE_TOLERANCE = Fraction(4, 10_000)
"""Less than half the distance between 23.976 and 24, so the nearest is always meant."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    *((4, box, "mov") for box in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (8, b"AVI ", "avi"),
    (8, b"WAVE", "wav"),
    (8, b"AIFF", "aiff"),
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "flac"),
    (0, b"ID3", "mp3,aac,flac"),
    *((0, bytes((0xFF, second)), "mp3") for second in (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2)),
    *((0, bytes((0xFF, second)), "aac") for second in (0xF1, 0xF9, 0xF0, 0xF8)),
    (0, b"\x00\x00\x01\xba", "mpeg"),
)
"""Where which bytes stand, and the names of FFmpeg's demuxers that may then be used."""

_TRANSPORT_PACKETS = ((0, 188), (4, 192))
"""First sync byte and packet length of MPEG transport streams (ISO/IEC 13818-1; Blu-ray's)."""

BAD_DATA = (
    av.error.InvalidDataError,
    av.error.PatchWelcomeError,
    av.error.DecoderNotFoundError,
    av.error.MemoryError,  # a picture that says of itself that it takes gigabytes
)
"""FFmpeg errors that speak of the file and not of the program that reads it."""


class MediaError(SegueError):
    """A media file that cannot be used, said in one sentence that names the file."""


@dataclass(frozen=True)
class Limits:
    """What the gate lets through.

    Attributes
    ----------
    size : int
        Bytes of the file.
    seconds : float
        Length in seconds.
    pixels : int
        Pixels of one picture; the default holds 8K.
    """

    size: int = 16 * 2**30
    seconds: float = 4 * 3600.0
    pixels: int = 36_000_000


@dataclass(frozen=True)
class MediaFacts:
    """What a file's header says.

    Attributes
    ----------
    path : Path
        The file.
    seconds : float or None
        Length; None where the header does not tell.
    rate : Fraction or None
        Frames per second; None without picture.
    width, height : int
        Picture size as coded, before any rotation, in pixels; 0 without picture.
    has_sound : bool
        True when it holds an audio stream.
    """

    path: Path
    seconds: float | None
    rate: Fraction | None
    width: int
    height: int
    has_sound: bool

    @property
    def has_picture(self) -> bool:
        """True when it holds a video stream that is more than a cover picture."""
        return self.rate is not None


DEFAULT_LIMITS = Limits()


@contextmanager
def open_media(path: Path | str, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[InputContainer]:
    """Open a media file for reading; the container is closed when the ``with`` block ends.

    Parameters
    ----------
    path : Path or str
        A file.
    limits : Limits
        Caps on it.

    Yields
    ------
    InputContainer
        PyAV's container. Its decoders refuse pictures beyond ``limits.pixels``.

    Raises
    ------
    MediaError
        If the file is missing, a folder, empty, no real container, beyond the limits, or turns
        out to be damaged inside the ``with`` block.
    """
    path = Path(path)
    formats = _container_formats(path, limits)
    options = {"protocol_whitelist": "none", "format_whitelist": formats}
    # The block's own errors must not be taken for errors of opening, hence the two steps.
    with path.open("rb") as file:
        try:
            container = av.open(
                file,
                "r",
                options=options,
                metadata_errors="replace",
                io_open=_refuse_second_file,
            )
        except (av.error.FFmpegError, SegueError) as error:
            raise MediaError(
                f"{path} cannot be read as media ({_reason(error)}); "
                "it may be damaged or incomplete, so copy or export it again."
            ) from error
        with container:
            _check_header(path, container, limits)
            try:
                yield container
            except BAD_DATA as error:
                raise MediaError(
                    f"{path} is damaged ({_reason(error)}); copy or export it again."
                ) from error


def require_video(container: InputContainer) -> VideoStream:
    """Return the first video stream that is a film and not a cover picture, or raise MediaError."""
    for stream in filter(_is_known, container.streams.video):
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise MediaError(f"{container.name} has no picture: give a film, not a sound file.")


def require_audio(container: InputContainer) -> AudioStream:
    """Return the first audio stream, or raise MediaError."""
    for stream in filter(_is_known, container.streams.audio):
        return stream
    raise MediaError(f"{container.name} has no sound: give a sound file or a film with sound.")


def has_sound(container: InputContainer) -> bool:
    """Tell whether `require_audio` finds a stream."""
    return any(map(_is_known, container.streams.audio))


def probe(path: Path | str, *, limits: Limits = DEFAULT_LIMITS) -> MediaFacts:
    """Read the header of a media file; nothing is decoded. Raises MediaError like `open_media`."""
    with open_media(path, limits=limits) as container:
        sound = has_sound(container)
        seconds = None if container.duration is None else container.duration / av.time_base
        films = filter(_is_known, container.streams.video)
        if all(stream.disposition & Disposition.attached_pic for stream in films):
            return MediaFacts(Path(path), seconds, None, 0, 0, sound)
        video = require_video(container)
        rate = frame_rate(video)
        return MediaFacts(Path(path), seconds, rate, video.width, video.height, sound)


def frame_rate(stream: VideoStream) -> Fraction:
    """Frames per second of the stream's grid.

    The average rate, or the nearest of `STANDARD_RATES` where a container with coarse time stamps
    (Matroska's milliseconds) has blurred it.

    Raises
    ------
    MediaError
        If the file does not tell a rate between 1 and 240.
    """
    rate = stream.average_rate or stream.guessed_rate
    if rate is None or not 1 <= rate <= 240:
        raise MediaError(
            f"{stream.container.name} does not tell a frame rate between 1 and 240 a second; "
            "export it again at a constant rate."
        )
    nearest = min(STANDARD_RATES, key=lambda standard: abs(standard - rate))
    if abs(nearest - rate) <= RATE_TOLERANCE * rate:
        return nearest
    return rate.limit_denominator(1001)


def film_files(path: Path | str) -> tuple[Path, ...]:
    """List the footage that a person means by a file or a folder.

    A file stands for itself whatever its ending. A folder stands for the files directly in it that
    end in one of `FOLDER_SUFFIXES`, sorted by name; folders inside it and hidden files (such as
    the ``._`` companions that macOS writes) are left out.

    Raises
    ------
    MediaError
        If there is no such file or folder, or the folder holds no footage.
    """
    path = Path(path)
    if not path.is_dir():
        if not path.exists():
            raise MediaError(f"{path} does not exist; give a film or a folder of films.")
        return (path,)
    files = sorted(
        entry
        for entry in path.iterdir()
        if entry.suffix.lower() in FOLDER_SUFFIXES
        and not entry.name.startswith(".")
        and entry.is_file()
    )
    if not files:
        raise MediaError(f"{path} holds no footage; put {', '.join(FOLDER_SUFFIXES)} files there.")
    return tuple(files)


def _container_formats(path: Path, limits: Limits) -> str:
    """Names of the demuxers that may read the file, by its first bytes."""
    if not path.exists():
        raise MediaError(f"{path} does not exist; check the name.")
    if not path.is_file():
        raise MediaError(f"{path} is not a file; give a media file.")
    size = path.stat().st_size
    if size == 0:
        raise MediaError(f"{path} is empty; copy or export it again.")
    if size > limits.size:
        raise MediaError(
            f"{path} has {size:,} bytes, more than the {limits.size:,} allowed; cut it into parts."
        )
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror}); check its rights.") from error
    for offset, magic, formats in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return formats
    for offset, length in _TRANSPORT_PACKETS:
        if len(head) > offset + 2 * length and set(head[offset::length][:3]) == {0x47}:
            return "mpegts"
    raise MediaError(
        f"{path} is not a media file that segue reads, whatever its name says; give MP4/MOV, "
        "Matroska/WebM, AVI, MPEG, Ogg, WAV, AIFF, FLAC, MP3 or AAC."
    )


def _check_header(path: Path, container: InputContainer, limits: Limits) -> None:
    """Refuse what the header itself admits to be too big; cap the decoders for what it hides."""
    seconds = 0.0 if container.duration is None else container.duration / av.time_base
    if seconds > limits.seconds:
        raise MediaError(
            f"{path} lasts {seconds:,.0f} s, more than the {limits.seconds:,.0f} s allowed; "
            "cut it into parts."
        )
    if not container.streams.video and not container.streams.audio:
        raise MediaError(f"{path} holds neither picture nor sound; give a film or a sound file.")
    for stream in filter(_is_known, container.streams.video):
        if stream.width * stream.height > limits.pixels:
            raise MediaError(
                f"{path} has pictures of {stream.width} x {stream.height} pixels, more than the "
                f"{limits.pixels:,} allowed; scale it down."
            )
        stream.codec_context.options = {"max_pixels": str(limits.pixels)}


def _is_known(stream: AudioStream | VideoStream) -> bool:
    """Tell whether a stream can be decoded: PyAV gives one of an unknown codec no context.

    Phones lay such streams beside plain ones, which are then taken.
    """
    context: object = stream.codec_context  # PyAV's types do not say that it may be None
    return context is not None


def _refuse_second_file(url: str, flags: int, options: object) -> NoReturn:
    """Stand in for FFmpeg's opening of further files."""
    raise MediaError(f"it asks for another file, {url!r}")


def _reason(error: Exception) -> str:
    """Say the reason without the number and the file name that FFmpeg's errors carry."""
    return str(getattr(error, "strerror", None) or error).rstrip(".")
