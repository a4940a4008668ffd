"""A piano roll that plays: a cursor moves over it and the notes light up as they sound."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.music.piano_roll import Color, RollView, draw_note, empty_roll, note_color
from segue.envs.music.tune import Tune

FRAME_HUNDREDTHS = 8
"""Shortest stay of a frame: 12.5 a second. GIF counts in hundredths of a second."""

MAX_FRAMES = 480
"""Most frames of an animation; those of a longer tune stay longer."""

HEIGHT, WIDTH = 360, 720
"""Size in pixels."""

_CURSOR, _LIGHT, _WHITE = (214, 54, 64), (255, 214, 70), (255, 255, 255)

Indices = npt.NDArray[np.uint8]
"""Picture by places in a palette, (height, width) uint8."""


@dataclass(frozen=True)
class _States:
    """The roll before, while and after each of its notes sounds, all in one palette.

    Attributes
    ----------
    ahead, lit, played : ndarray (height, width) uint8
        The whole roll, all of its notes in that state.
    palette : ndarray (colours, 3) uint8
        RGB.
    cursor : int
        The cursor's place in the palette.
    """

    ahead: Indices
    lit: Indices
    played: Indices
    palette: npt.NDArray[np.uint8]
    cursor: int


def frame_hundredths(tune: Tune) -> list[int]:
    """How long each frame stays, in hundredths of a second; in sum, `tune.seconds`."""
    whole = max(2, round(100 * tune.seconds))
    stay = max(FRAME_HUNDREDTHS, math.ceil(whole / MAX_FRAMES))
    stays = [stay] * (whole // stay)
    rest = whole - sum(stays)
    if rest >= 2 or not stays:  # Browsers slow down what is shorter.
        return [*stays, rest]
    return [*stays[:-1], stays[-1] + rest]


def animation_frames(tune: Tune) -> Iterator[npt.NDArray[np.uint8]]:
    """Draw the roll as the tune plays.

    Notes to come are hollow, the sounding one shines yellow, those gone by have the full colours of
    `segue.envs.music.piano_roll.piano_roll`; a red cursor stands where the music is, swing
    included, at the middle of the frame's time.

    Parameters
    ----------
    tune : Tune
        The tune.

    Yields
    ------
    ndarray (`HEIGHT`, `WIDTH`, 3) uint8
        RGB; a frame for each of `frame_hundredths`.
    """
    view = RollView(tune, HEIGHT, WIDTH)
    states = _states(view)
    for frame in _indexed_frames(view, states):
        yield states.palette[frame]


def animation_bytes(tune: Tune) -> bytes:
    """The frames of `animation_frames` as an animated GIF, which plays again and again."""
    view = RollView(tune, HEIGHT, WIDTH)
    states = _states(view)
    images = []
    for frame in _indexed_frames(view, states):
        image = Image.frombytes("P", (WIDTH, HEIGHT), frame.tobytes())
        image.putpalette(states.palette.tobytes())
        images.append(image)
    stays = [10 * stay for stay in frame_hundredths(tune)]
    gif = io.BytesIO()
    first, *rest = images
    # Each frame lies on the one before, so that only what changed is stored.
    first.save(
        gif,
        "gif",
        save_all=True,
        append_images=rest,
        duration=stays,
        loop=0,
        disposal=1,
        optimize=False,
    )
    return gif.getvalue()


def write_animation(tune: Tune, path: Path | str) -> None:
    """Write `animation_bytes` of a tune to a file.

    Parameters
    ----------
    tune : Tune
        The tune.
    path : Path or str
        The file to make (.gif); it appears whole or not at all.

    Raises
    ------
    SegueError
        If the suffix is another one, or the file cannot be written.
    """
    if Path(path).suffix.lower() != ".gif":
        raise SegueError(f"{path} has no suffix of an animation; name it .gif.")
    with atomic_path(path) as temporary:
        temporary.write_bytes(animation_bytes(tune))


def _indexed_frames(view: RollView, states: _States) -> Iterator[Indices]:
    tune = view.tune
    # Where the music stands on paper for every moment that it sounds: swing bends eighths only.
    written = np.arange(0.0, tune.quarters + 0.5, 0.5)
    sounding = [tune.metre.swung(float(place), tune.swing) for place in written]
    stays = np.asarray(frame_hundredths(tune))
    middles = (np.cumsum(stays) - stays / 2) / 100 * tune.tempo / 60
    boxes = [_pixels(view, index) for index in range(len(tune.notes))]
    canvas = states.ahead.copy()
    begun = ended = 0
    for place in np.interp(middles, sounding, written):
        while ended < begun and _end(tune, ended) <= place:
            canvas[boxes[ended]] = states.played[boxes[ended]]
            ended += 1
        while begun < len(boxes) and tune.notes[begun].onset <= place:
            over = _end(tune, begun) <= place  # Shorter than a frame.
            canvas[boxes[begun]] = (states.played if over else states.lit)[boxes[begun]]
            begun += 1
            ended += over
        frame = canvas.copy()
        _draw_cursor(frame, view, view.x(float(place)), states.cursor)
        yield frame


def _end(tune: Tune, index: int) -> float:
    """Where a note ends, in quarter notes: at the latest where the next begins."""
    note = tune.notes[index]
    after = tune.notes[index + 1].onset if index + 1 < len(tune.notes) else math.inf
    return min(note.onset + note.duration, after)


def _pixels(view: RollView, index: int) -> tuple[slice, slice]:
    """The pixels that a note changes; those of no two notes meet, since their times do not."""
    left, upper, right, lower = view.box(view.tune.notes[index])
    return (
        slice(max(0, math.floor(upper) - 2), math.ceil(lower) + 3),
        slice(math.floor(left), math.floor(right) + 1),
    )


def _draw_cursor(frame: Indices, view: RollView, x: float, color: int) -> None:
    """Draw a line with a pointer at its head, and how far the tune is at its foot."""
    top, bottom, column = round(view.top), round(view.bottom), round(x)
    frame[top:bottom, column : column + 2] = color
    for row in range(5):
        frame[top - 5 + row, column - 4 + row : column + 6 - row] = color
    frame[bottom : bottom + 2, round(view.left) : column + 2] = color


def _states(view: RollView) -> _States:
    empty = empty_roll(view)
    pictures = []
    for state in ("ahead", "lit", "played"):
        picture = empty.copy()
        draw = ImageDraw.Draw(picture)
        for note in view.tune.notes:
            color = note_color(view, note)
            fill = {"ahead": _WHITE, "lit": _LIGHT, "played": color}[state]
            draw_note(draw, view, note, fill, color, swell=2.0 if state == "lit" else 0.0)
        pictures.append(np.asarray(picture, dtype=np.uint8))
    palette, indexed = _in_one_palette(np.stack(pictures), _CURSOR)
    ahead, lit, played = indexed
    return _States(ahead, lit, played, palette, cursor=0)


def _in_one_palette(
    pictures: npt.NDArray[np.uint8], first: Color
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Find the 256 most frequent colours, and the nearest of them for every pixel.

    Parameters
    ----------
    pictures : ndarray (n, height, width, 3) uint8
        RGB.
    first : Color
        Comes first in the palette.

    Returns
    -------
    palette : ndarray (colours, 3) uint8
        RGB, at most 256.
    indexed : ndarray (n, height, width) uint8
        Places in it.
    """
    red, green, blue = pictures.astype(np.int32).transpose(3, 0, 1, 2)
    packed, inverse, counts = np.unique(
        red << 16 | green << 8 | blue, return_inverse=True, return_counts=True
    )
    colors = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1)
    kept = np.argsort(-counts, kind="stable")[:255]
    palette = np.concatenate([np.array([first]), colors[kept]])
    far = ((colors[:, None] - palette[None]) ** 2).sum(axis=2)
    place = far.argmin(axis=1).astype(np.uint8)
    return palette.astype(np.uint8), place[inverse].reshape(pictures.shape[:3])
