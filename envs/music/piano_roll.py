"""A tune as a piano roll, quick enough to draw at every step of an episode."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.music.chords import Chord
from segue.envs.music.scales import pitch_class_name, pitch_name, scale_classes
from segue.envs.music.tune import Note, Tune

Color = tuple[int, int, int]
"""Red, green and blue, 0-255."""

_PAPER = (250, 249, 246)
_OUTSIDE = (240, 238, 233)  # Rows of pitches outside the scale.
_CHORD = (210, 224, 238)
_CHORD_ROOT = (186, 207, 229)
_BAR, _BEAT = (150, 148, 142), (226, 224, 218)
_INK, _FAINT = (38, 38, 42), (120, 118, 112)
# The melody: on a chord tone, on another note of the scale, outside it.
_ON_CHORD, _IN_SCALE, _CHROMATIC = (28, 107, 160), (222, 142, 38), (196, 58, 66)
_LEGEND = (("chord tone", _ON_CHORD), ("in the scale", _IN_SCALE), ("outside", _CHROMATIC))

_LEFT, _TOP, _BOTTOM, _RIGHT = 0.055, 0.13, 0.05, 0.012


def piano_roll(tune: Tune, height: int = 480, width: int = 960) -> npt.NDArray[np.uint8]:
    """Draw a tune.

    Time runs to the right, pitch upwards. Blue-grey rows are the tones of the sounding chord, the
    root darker; melody notes are blue on a chord tone, orange on another note of the scale, red
    outside it. Chord symbols stand above, note names on the left, bar numbers below.

    Parameters
    ----------
    tune : Tune
        The tune, which may have no notes yet.
    height, width : int
        Size in pixels, each at least 64.

    Returns
    -------
    ndarray (height, width, 3) uint8
        RGB.
    """
    view = RollView(tune, height, width)
    picture = empty_roll(view)
    draw = ImageDraw.Draw(picture)
    for note in tune.notes:
        draw_note(draw, view, note, note_color(view, note))
    return np.asarray(picture, dtype=np.uint8)


def write_piano_roll(tune: Tune, path: Path | str) -> None:
    """Write `piano_roll` of a tune as a picture of 1440 x 720 pixels.

    Parameters
    ----------
    tune : Tune
        The tune.
    path : Path or str
        The file to make (.png); it appears whole or not at all.

    Raises
    ------
    SegueError
        If the suffix is another one, or the file cannot be written.
    """
    if Path(path).suffix.lower() != ".png":
        raise SegueError(f"{path} has no suffix of a picture; name it .png.")
    with atomic_path(path) as temporary:
        Image.fromarray(piano_roll(tune, 720, 1440)).save(temporary, format="PNG")


class RollView:
    """Where things stand in a picture.

    Parameters
    ----------
    tune, height, width
        As for `piano_roll`.
    """

    def __init__(self, tune: Tune, height: int, width: int) -> None:
        self.tune = tune
        self.height, self.width = height, width
        pitches = [note.pitch for note in tune.notes] or [60, 72]
        # At least an octave and a half, so that a young melody does not fill the picture.
        spare = max(2, math.ceil((19 - (max(pitches) - min(pitches))) / 2))
        self.low, self.high = min(pitches) - spare, max(pitches) + spare
        self.left, self.right = max(24, width * _LEFT), width * (1 - _RIGHT)
        self.top, self.bottom = height * _TOP, height * (1 - _BOTTOM)
        self.row = (self.bottom - self.top) / (self.high - self.low + 1)

    def x(self, onset: float) -> float:
        """Place of a moment, given in quarter notes."""
        return self.left + (self.right - self.left) * min(1.0, onset / self.tune.quarters)

    def y(self, pitch: int) -> float:
        """Upper edge of a pitch's row."""
        return self.top + (self.high - pitch) * self.row

    def box(self, note: Note) -> tuple[float, float, float, float]:
        """Left, upper, right and lower edge of a note."""
        left, right = self.x(note.onset) + 1, self.x(note.onset + note.duration) - 1
        y = self.y(note.pitch)
        inset = min(1.5, self.row * 0.1)
        return left, y + inset, max(left + 2, right), y + self.row - inset

    def chord_at(self, onset: float) -> Chord | None:
        """Chord that sounds at a moment, given in quarter notes."""
        for span in self.tune.chords:
            if span.onset <= onset < span.onset + span.duration:
                return span.chord
        return None


def empty_roll(view: RollView) -> Image.Image:
    """Draw everything but the notes."""
    picture = Image.new("RGB", (view.width, view.height), _PAPER)
    draw = ImageDraw.Draw(picture)
    _draw_rows(draw, view)
    _draw_bars(draw, view)
    _draw_words(draw, view)
    return picture


def note_color(view: RollView, note: Note) -> Color:
    """Colour of a note by what it is in its chord and key."""
    chord = view.chord_at(note.onset)
    if chord is not None and note.pitch % 12 in chord.pitch_classes:
        return _ON_CHORD
    if note.pitch % 12 in scale_classes(view.tune.tonic, view.tune.mode):
        return _IN_SCALE
    return _CHROMATIC


def draw_note(
    draw: ImageDraw.ImageDraw,
    view: RollView,
    note: Note,
    fill: Color,
    outline: Color | None = None,
    swell: float = 0.0,
) -> None:
    """Draw one note, `swell` pixels beyond its row above and below."""
    left, upper, right, lower = view.box(note)
    radius = max(0.0, min(view.row, right - left) * 0.28)
    draw.rounded_rectangle((left, upper - swell, right, lower + swell), radius, fill, outline)


def _draw_rows(draw: ImageDraw.ImageDraw, view: RollView) -> None:
    tune = view.tune
    scale = scale_classes(tune.tonic, tune.mode)
    for pitch in range(view.low, view.high + 1):
        y = view.y(pitch)
        if pitch % 12 not in scale:
            draw.rectangle((view.left, y, view.right, y + view.row), _OUTSIDE)
        for span in tune.chords:
            if pitch % 12 in span.chord.pitch_classes:
                color = _CHORD_ROOT if pitch % 12 == span.chord.root else _CHORD
                end = span.onset + span.duration
                draw.rectangle((view.x(span.onset), y, view.x(end), y + view.row - 1), color)


def _draw_bars(draw: ImageDraw.ImageDraw, view: RollView) -> None:
    tune = view.tune
    pulse, pulses = tune.metre.pulse, tune.metre.pulses
    beat_width = (view.right - view.left) / tune.quarters * pulse
    for beat in range(tune.bars * pulses + 1):
        x = view.x(beat * pulse)
        if beat % pulses == 0:
            phrase = beat % (4 * pulses) == 0
            draw.line((x, view.top, x, view.bottom), _BAR, 2 if phrase else 1)
        elif beat_width >= 6:
            draw.line((x, view.top, x, view.bottom), _BEAT, 1)


def _draw_words(draw: ImageDraw.ImageDraw, view: RollView) -> None:
    tune = view.tune
    size = max(9.0, view.height / 32)
    font, small = _font(size), _font(max(8.0, min(size * 0.8, view.row * 0.95)))
    for pitch in range(view.low, view.high + 1):
        if pitch % 12 == tune.tonic or (pitch - tune.tonic) % 12 == 7:
            name = pitch_name(pitch, tune.tonic, tune.mode)
            middle = view.y(pitch) + view.row / 2
            ink = _INK if pitch % 12 == tune.tonic else _FAINT
            draw.text((view.left - 5, middle), name, ink, small, anchor="rm")
    taken = 0.0
    for span in tune.chords:
        x = view.x(span.onset) + 3
        symbol = span.chord.symbol_in(tune.tonic, tune.mode)
        if x >= taken:  # Rather leave one out than write two over each other.
            draw.text((x, view.top - size * 0.35), symbol, _INK, font, anchor="ls")
            taken = x + font.getlength(symbol) + 3
    every = 1 if (view.right - view.left) / tune.bars > 3 * size else 4
    for bar in range(0, tune.bars, every):
        x = view.x(bar * tune.metre.quarters) + 3
        draw.text((x, view.bottom + 2), str(bar + 1), _FAINT, _font(size * 0.75), anchor="la")
    key = f"{pitch_class_name(tune.tonic, tune.tonic, tune.mode)} {tune.mode.replace('_', ' ')}"
    words = (
        f"{tune.title}    {key}, {tune.metre}, {tune.tempo:g} bpm, {tune.mood.replace('_', ' ')}"
    )
    line = view.top * 0.32
    draw.text((view.left, line), words, _INK, font, anchor="lm")
    x = view.right
    if view.left + font.getlength(words) + 22 * size < x:
        for meaning, color in reversed(_LEGEND):
            x -= small.getlength(meaning) + 2
            draw.text((x, line), meaning, _FAINT, small, anchor="lm")
            x -= size
            draw.rounded_rectangle(
                (x, line - size * 0.3, x + size * 0.7, line + size * 0.3), 2, color
            )
            x -= size * 0.8


@cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
