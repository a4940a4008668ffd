"""Renders a run of an edit's frames to a silent H.264 file; what a render worker does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

from segue.envs.base.errors import SegueError
from segue.envs.film.ahead import ahead
from segue.envs.film.edit import Edit
from segue.envs.film.effects import EFFECTS
from segue.envs.film.pictures import FORMAT, Fitter, frame_from_planes, planes
from segue.envs.film.plan import Layer, Moment, moments, shown_frames
from segue.envs.film.planes import BLACK, Planes
from segue.envs.film.reader import ReaderPool
from segue.envs.film.transitions import TRANSITIONS

if TYPE_CHECKING:
    from moviepy import VideoClip


FRAMES_AHEAD = 3
"""Pictures that are drawn while others are coded."""


@dataclass(frozen=True)
class Coding:
    """How the picture is coded; the same for all runs of one film, so that they can be joined.

    Attributes
    ----------
    preset : str
        x264 preset.
    crf : int
        x264 constant rate factor.
    threads : int
        Threads of the encoder and of each decoder.
    matrix : int
        Colour matrix, see `segue.envs.film.pictures.colour_matrix`.
    """

    preset: str
    crf: int
    threads: int
    matrix: int


class Piece:
    """One piece of the edit while it is on screen.

    Parameters
    ----------
    edit : Edit
        The edit.
    number : int
        Which piece.
    pool : ReaderPool
        Where its reader comes from.
    fitter : Fitter
        Brings frames to the film's form.
    """

    def __init__(self, edit: Edit, number: int, pool: ReaderPool, fitter: Fitter) -> None:
        self._edit = edit
        self._cut = edit.cuts[number]
        self._pool = pool
        self._fitter = fitter
        self._reader = pool.lend(self._cut.source)
        self._held: tuple[int, VideoFrame] | None = None
        self._shown = shown_frames(edit, number)
        self._length = float(len(self._shown) / edit.rate)
        spec = EFFECTS[self._cut.effect]
        # A time map is in `Cut.speed` and draws nothing.
        self._draw = spec.draw if spec.speed == 1 else None
        self._clip = self._build_clip() if spec.speed == 1 and not spec.draw else None

    def picture(self, frame: int) -> VideoFrame:
        """Return the fitted picture at `frame` of the piece, its effect applied."""
        if self._draw is None and self._clip is None:
            return self._plain(frame)
        # A clock of its own: 0 is the first frame that is seen, handles included.
        seconds = float((frame - self._shown.start) / self._edit.rate)
        if self._draw is None:
            return self._through_moviepy(seconds)
        plain = self._plain(frame)
        before = planes(plain)
        after = self._draw(before, seconds, self._length)
        if after is before:
            return plain
        self._check([plane.shape for plane in after], [plane.shape for plane in before])
        return frame_from_planes(after)

    def close(self) -> None:
        """Give the reader back."""
        self._pool.give_back(self._reader)

    def _plain(self, frame: int) -> VideoFrame:
        """Return the fitted picture without effect."""
        number = self._edit.source_frame(self._cut, frame)
        if self._held is None or self._held[0] != number:
            fitted = self._fitter.fit(self._reader.frame(number), self._reader.aspect)
            self._held = (number, fitted)
        return self._held[1]

    def _build_clip(self) -> VideoClip | None:
        """Make the moviepy clip that applies the effect; None where nothing filters pixels."""
        effect = EFFECTS[self._cut.effect].build(self._length)
        if effect is None:
            return None
        from moviepy import VideoClip

        def frame_function(t: float) -> npt.NDArray[np.uint8]:
            frame = self._shown.start + round(Fraction(t) * self._edit.rate)
            return self._fitter.rgb(self._plain(frame))

        return VideoClip(frame_function, duration=self._length).with_effects([effect])

    def _through_moviepy(self, seconds: float) -> VideoFrame:
        """Return the picture that a moviepy effect makes."""
        assert self._clip is not None
        picture = self._clip.get_frame(seconds)
        self._check(picture.shape, (self._edit.height, self._edit.width, 3))
        if picture.dtype != np.uint8:
            picture = np.clip(picture, 0, 255).astype(np.uint8)
        return self._fitter.from_rgb(picture)

    def _check(self, shape: object, wanted: object) -> None:
        """Refuse an effect that changes the picture's size."""
        if shape != wanted:
            raise SegueError(
                f"The effect {self._cut.effect!r} gave a picture of shape {shape}; it must keep "
                f"{wanted}."
            )


def render_frames(
    edit: Edit, start: int, stop: int, matrix: int, threads: int
) -> Iterator[VideoFrame]:
    """Yield the film's frames `start` to `stop` - 1 as fitted pictures.

    Raises
    ------
    SegueError
        If a source cannot be read or an effect misbehaves.
    """
    fitter = Fitter(edit.width, edit.height, matrix)
    live: dict[int, Piece] = {}
    with ReaderPool(threads) as pool:
        for number, moment in enumerate(moments(edit, start, stop), start):
            layers = [layer for layer in (moment.leaving, moment.entering) if layer is not None]
            # Close before opening, so that the next piece gets the reader of the last.
            for cut in [cut for cut in live if cut not in {layer.cut for layer in layers}]:
                live.pop(cut).close()
            for layer in layers:
                if layer.cut not in live:
                    live[layer.cut] = Piece(edit, layer.cut, pool, fitter)
            yield _with_titles(edit, number, _compose(edit, moment, live))


def write_segment(
    edit: Edit,
    frames: tuple[int, int],
    coding: Coding,
    path: Path,
    report: Callable[[int], None],
) -> None:
    """Render one run of frames to an MP4 file without sound.

    Parameters
    ----------
    edit : Edit
        The edit; checked.
    frames : tuple of int
        First frame of the film, and the one after the last.
    coding : Coding
        How to code it.
    path : Path
        The file.
    report : callable
        Told after each frame how many of this run are done.

    Raises
    ------
    SegueError
        If a source cannot be read or an effect misbehaves.
    """
    with av.open(str(path), "w", format="mp4") as output:
        stream = add_video(output, edit, coding)
        pictures = render_frames(edit, *frames, coding.matrix, coding.threads)
        for count, frame in enumerate(ahead(pictures, FRAMES_AHEAD)):
            frame.pts = count
            frame.time_base = 1 / edit.rate
            frame.pict_type = PictureType.NONE  # a source's key frames are none of ours
            output.mux(stream.encode(frame))
            report(count + 1)
        output.mux(stream.encode(None))


def add_video(output: OutputContainer, edit: Edit, coding: Coding) -> VideoStream:
    """Add the film's H.264 stream to a container."""
    # A thread for the look-ahead alone would hold a second of pictures and save no time here.
    options = {
        "preset": coding.preset,
        "crf": str(coding.crf),
        "x264-params": "sync-lookahead=0",
    }
    stream = output.add_stream("libx264", rate=edit.rate, options=options)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = edit.width, edit.height, FORMAT
    context = stream.codec_context
    context.time_base = 1 / edit.rate
    context.thread_count = coding.threads
    context.thread_type = "FRAME"  # PyAV asks for slices, which cost time and bits
    context.color_range = 1
    context.colorspace = 1 if coding.matrix == Colorspace.ITU709 else 6
    if coding.matrix == Colorspace.ITU709:
        context.color_primaries = context.color_trc = 1
    return stream


def _compose(edit: Edit, moment: Moment, live: dict[int, Piece]) -> VideoFrame:
    """Draw the picture of one frame of the film."""
    if moment.leaving is None:
        frame = VideoFrame(edit.width, edit.height, FORMAT)
        for plane, black in zip(planes(frame), BLACK, strict=True):
            plane[...] = black
        return frame
    entering: Layer | None = moment.entering
    leaving = live[moment.leaving.cut].picture(moment.leaving.frame)
    if entering is None:
        return leaving
    blend = TRANSITIONS[edit.cuts[entering.cut].transition].blend
    assert blend is not None
    other = live[entering.cut].picture(entering.frame)
    return frame_from_planes(blend(planes(leaving), planes(other), moment.progress))


def _with_titles(edit: Edit, number: int, frame: VideoFrame) -> VideoFrame:
    """Draw the titles that stand on frame `number` of the film; most have none."""
    standing = [t for t in edit.titles if t.start <= number < t.start + t.frames]
    if not standing:
        return frame
    from segue.envs.film.titles import title_level, title_picture  # fonts, only where needed

    picture: Planes = planes(frame)
    for title in standing:
        drawn = title_picture(title.text, title.place, edit.width, edit.height)
        picture = drawn.draw(picture, title_level(title, number, float(edit.rate)))
    return frame_from_planes(picture)
