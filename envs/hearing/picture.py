"""What was heard in a recording, laid over its spectrogram."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.film.beat_tracking import SAMPLE_RATE, read_mono
from segue.envs.hearing.types import Heard
from segue.envs.music.scales import key_name, pitch_name

WIDTH = 1440
"""Pixels across."""
ROW_SECONDS = 30.0
"""Seconds of a row."""
ROWS = 8
"""Most rows; what is beyond is not drawn."""

_TOP, _ROW, _GAP, _LEFT, _RIGHT = 40, 300, 34, 52, 16
_WINDOW = 4096  # Samples of a spectrum.
_PARTS = 3  # Lines of the picture a semitone.
_RANGE = 60.0  # Decibels from white to the darkest.
_SPARE = 5  # Semitones above and below the melody.
_PAPER, _INK, _FAINT = (250, 249, 246), (38, 38, 42), (120, 118, 112)
_MELODY, _UNSURE, _BAR, _BEAT = (196, 58, 66), (222, 142, 38), (28, 107, 160), (150, 178, 205)
_SURE = 0.5


def hearing_image(heard: Heard, sound: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Draw the melody, the beats and the chords over the spectrogram.

    Time runs to the right, 30 s a row; pitch runs upwards. The darker, the louder. Frames are the
    notes of the melody: red, or orange where they are not sure. Blue lines are barlines, short ones
    beats; chord symbols stand above.

    Parameters
    ----------
    heard : Heard
        What was heard.
    sound : ndarray (samples,) float32
        The recording, as `segue.envs.film.beat_tracking.read_mono` gives it.

    Returns
    -------
    ndarray (height, WIDTH, 3) uint8
        RGB; at most the first `ROWS` rows.
    """
    rows = int(np.clip(np.ceil(heard.seconds / ROW_SECONDS), 1, ROWS))
    picture = Image.new("RGB", (WIDTH, _TOP + rows * (_ROW + _GAP)), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((_LEFT, _TOP / 2), _heading(heard), _INK, _font(15), anchor="lm")
    pitches = [note.pitch for note in heard.notes]
    span = max(min(pitches) - _SPARE, 21), min(max(pitches) + _SPARE, 108)
    for row in range(rows):
        view = _RowView(row, span)
        begin, end = (round(view.second(edge) * SAMPLE_RATE) for edge in (0, 1))
        shades = _spectrogram(sound[begin:end], end - begin, span)
        picture.paste(Image.fromarray(shades), (_LEFT, view.top))
        _draw_row(draw, view, heard)
    return np.asarray(picture, dtype=np.uint8)


def write_picture(heard: Heard, recording: Path | str, path: Path | str) -> None:
    """Write `hearing_image` as a picture.

    Parameters
    ----------
    heard : Heard
        What was heard.
    recording : Path or str
        In what; it is read again.
    path : Path or str
        The file to make (.png); it appears whole or not at all.

    Raises
    ------
    SegueError
        If the suffix is another one, or a file cannot be read or written.
    """
    if Path(path).suffix.lower() != ".png":
        raise SegueError(f"{path} has no suffix of a picture; name it .png.")
    with atomic_path(path) as temporary:
        Image.fromarray(hearing_image(heard, read_mono(recording))).save(temporary, format="PNG")


class _RowView:
    """Where things stand in a row; `span` is the lowest and the highest pitch."""

    def __init__(self, row: int, span: tuple[int, int]) -> None:
        self.start = row * ROW_SECONDS
        self.top = _TOP + row * (_ROW + _GAP) + _GAP // 2
        self.low, self.high = span
        self.width = WIDTH - _LEFT - _RIGHT

    def second(self, share: float) -> float:
        """Moment at a share of the row's width."""
        return self.start + share * ROW_SECONDS

    def x(self, second: float) -> float:
        """Place of a moment, within the row."""
        share = (second - self.start) / ROW_SECONDS
        return _LEFT + self.width * min(max(share, 0.0), 1.0)

    def y(self, pitch: float) -> float:
        """Place of a pitch's upper edge."""
        return self.top + _ROW * (self.high + 1 - pitch - 1) / (self.high + 1 - self.low)

    def holds(self, start: float, end: float) -> bool:
        """Whether any of a stretch lies in the row."""
        return start < self.start + ROW_SECONDS and end > self.start


def _spectrogram(
    sound: npt.NDArray[np.float32], length: int, span: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Shades of a row, (_ROW, width, 3): louder is darker, by pitch and time."""
    width = WIDTH - _LEFT - _RIGHT
    padded = np.pad(sound, (_WINDOW // 2, length - len(sound) + _WINDOW // 2))
    starts = np.linspace(0, length - 1, width).astype(np.int64)
    window = np.hanning(_WINDOW).astype(np.float32)
    edges = np.arange(span[0], span[1] + 1 + 0.5 / _PARTS, 1 / _PARTS) - 0.5
    hertz = 440.0 * 2 ** ((edges - 69) / 12)
    bins = np.clip(hertz * _WINDOW / SAMPLE_RATE, 1, _WINDOW // 2 - 1)
    loud = np.zeros((len(edges) - 1, width))
    for first in range(0, width, 128):  # A bounded number of spectra at a time.
        rows = [padded[at : at + _WINDOW] * window for at in starts[first : first + 128]]
        energy = np.square(np.abs(np.fft.rfft(np.stack(rows), axis=1)))
        added = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(energy, axis=1)], axis=1)
        at_edges = np.array([np.interp(bins, np.arange(added.shape[1]), row) for row in added])
        loud[:, first : first + len(rows)] = np.diff(at_edges, axis=1).T
    decibels = 10 * np.log10(np.maximum(loud / max(float(loud.max()), 1e-9), 1e-12))
    shade = np.clip(1 + decibels / _RANGE, 0, 1)[::-1]
    shade = np.repeat(shade, -(-_ROW // len(shade)), axis=0)
    shade = shade[np.linspace(0, len(shade) - 1, _ROW).astype(np.int64)]
    paper, ink = np.array(_PAPER), np.array((70, 70, 78))
    return np.asarray(paper + (ink - paper) * shade[..., None] ** 1.5, dtype=np.uint8)


def _draw_row(draw: ImageDraw.ImageDraw, view: _RowView, heard: Heard) -> None:
    bottom = view.top + _ROW
    pulse = heard.pulse
    for index, beat in enumerate(pulse.beats.tolist()):
        if 0 <= beat <= heard.seconds and view.holds(beat, beat + 1e-6):
            is_bar = (index - pulse.downbeat) % pulse.beats_per_bar == 0
            top = view.top if is_bar else bottom - _ROW / 12
            draw.line((view.x(beat), top, view.x(beat), bottom), _BAR if is_bar else _BEAT)
    for note in heard.notes:
        if view.holds(note.start, note.end):
            box = (view.x(note.start), view.y(note.pitch), view.x(note.end), view.y(note.pitch - 1))
            draw.rectangle(box, outline=_MELODY if note.confidence >= _SURE else _UNSURE, width=2)
    _draw_words(draw, view, heard)


def _draw_words(draw: ImageDraw.ImageDraw, view: _RowView, heard: Heard) -> None:
    tune = heard.tune
    for pitch in range(view.low, view.high + 1):
        if pitch % 12 == tune.tonic:
            name = pitch_name(pitch, tune.tonic, tune.mode)
            middle = (view.y(pitch) + view.y(pitch - 1)) / 2
            draw.text((_LEFT - 6, middle), name, _FAINT, _font(11), anchor="rm")
    taken = 0.0
    seconds = np.maximum(heard.moments([span.onset for span in tune.chords]), 0.0)
    for second, span in zip(seconds.tolist(), tune.chords, strict=True):
        symbol = span.chord.symbol_in(tune.tonic, tune.mode)
        x = view.x(second) + 2
        if view.holds(second, second + 1e-6) and x >= taken:
            draw.text((x, view.top - 3), symbol, _INK, _font(12), anchor="ls")
            taken = x + _font(12).getlength(symbol) + 4
    for second in np.arange(view.start, view.start + ROW_SECONDS + 1, 5.0).tolist():
        draw.text((view.x(second), view.top + _ROW + 2), f"{second:g} s", _FAINT, _font(10))


def _heading(heard: Heard) -> str:
    tune = heard.tune
    sure = ", ".join(f"{name} {value:.2f}" for name, value in heard.certainty.items())
    return (
        f"{tune.title}    {key_name(tune.tonic, tune.mode)}, {tune.metre[0]}/{tune.metre[1]}, "
        f"{tune.tempo:.0f} bpm, {heard.mood.replace('_', ' ')}    sure: {sure}"
    )


@cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
