"""The film's sound: music and the pieces' own, as long as the picture, at one loudness, as AAC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Edit
from segue.envs.film.gate import has_sound, open_media
from segue.envs.film.loudness import LoudnessMeter, Mastering, master
from segue.envs.film.source_sound import (
    SAMPLE_RATE,
    SPEEDS,
    Sound,
    Stereo,
    music_sound,
    piece_sound,
)

FADE_SECONDS = 0.3
"""Length of the fade at the end of a film without a tail; a tail fades as long as it lasts."""

JOIN_SECONDS = Fraction(1, 50)
"""Length of the crossfade at a plain cut, so that it does not click."""

BIT_RATE = 192_000
"""Bits per second of the film's sound."""

_BLOCK = 1024  # samples of an AAC frame
_MIX_BLOCK = SAMPLE_RATE // 2


@dataclass(frozen=True)
class SoundPiece:
    """Where a piece's own sound lies; all places are samples of the film.

    Attributes
    ----------
    cut : int
        Index into ``Edit.cuts``.
    first, stop : int
        What is heard, crossfades included.
    fade_in, fade_out : int
        Lengths of the crossfades.
    start : Fraction
        Second of the source, after its first picture, that is heard at `first`.
    """

    cut: int
    first: int
    stop: int
    fade_in: int
    fade_out: int
    start: Fraction


def film_samples(edit: Edit) -> int:
    """Length of the film's sound in samples: that of its picture, to the nearest sample."""
    return round(edit.seconds * SAMPLE_RATE)


def is_heard(edit: Edit) -> bool:
    """Tell whether the film has sound: music, or pieces whose own sound is wanted."""
    return edit.music is not None or bool(_sounding(edit))


def lay_out(edit: Edit) -> list[SoundPiece]:
    """Lay the pieces' own sound on the timeline, J- and L-cuts and crossfades included."""
    at = [Fraction(frames) / edit.rate for frames in accumulate(c.frames for c in edit.cuts)]
    starts = [Fraction(0), *at]
    leads = [cut.sound_lead / edit.rate for cut in edit.cuts]
    joins = [start - lead for start, lead in zip(starts, leads, strict=False)] + [starts[-1]]
    halves = []
    for k in range(len(joins)):
        outer = k in (0, len(joins) - 1)
        frames = 0 if outer else edit.cuts[k].transition_frames
        room = [
            abs(joins[k] - joins[other]) / 2 for other in (k - 1, k + 1) if 0 <= other < len(joins)
        ]
        halves.append(min(max(frames / edit.rate, JOIN_SECONDS) / 2, *room))
    pieces = []
    for k, cut in enumerate(edit.cuts):
        # The film's own ends fade inside, the joins on both sides of their middle.
        first = joins[k] - (halves[k] if k else 0)
        stop = joins[k + 1] + (halves[k + 1] if k + 1 < len(edit.cuts) else 0)
        begun = round(first * SAMPLE_RATE)
        source = cut.in_point / cut.source_rate
        source += (Fraction(begun, SAMPLE_RATE) - starts[k]) * cut.speed
        fade_in, fade_out = (round(2 * half * SAMPLE_RATE) for half in halves[k : k + 2])
        end = round(stop * SAMPLE_RATE)
        pieces.append(SoundPiece(k, begun, end, fade_in, fade_out, source))
    return pieces


def mix(edit: Edit) -> Iterator[Stereo]:
    """Yield the film's sound before mastering, `film_samples` in all.

    Raises
    ------
    SegueError
        If a sound cannot be read, or the music ends before ``edit.music_start``.
    """
    samples = film_samples(edit)
    music = None
    if edit.music is not None:
        music = _Voice(_music(edit, samples))
    sounding = _sounding(edit)
    waiting = [piece for piece in lay_out(edit) if edit.cuts[piece.cut].source in sounding]
    waiting = [p for p in waiting if SPEEDS[0] <= edit.cuts[p.cut].speed <= SPEEDS[1]]
    live: list[tuple[SoundPiece, _Voice]] = []
    for first in range(0, samples, _MIX_BLOCK):
        count = min(_MIX_BLOCK, samples - first)
        block = np.zeros((2, count), np.float32) if music is None else music.take(count)
        while waiting and waiting[0].first < first + count:
            piece = waiting.pop(0)
            live.append((piece, _Voice(_own_sound(edit, piece))))
        for piece, voice in live:
            _add(block, first, piece, voice, edit.source_gain)
        for piece, voice in [pair for pair in live if pair[0].stop <= first + count]:
            voice.close()
            live.remove((piece, voice))
        yield block * _closing_fade(edit, samples, first, count)


def write_soundtrack(edit: Edit, path: Path) -> None:
    """Write the film's sound, mastered, exactly as long as its picture, to an MP4 file.

    The mix lies beside it on disk meanwhile, so that memory does not grow with the film.

    Parameters
    ----------
    edit : Edit
        An edit that `is_heard`.
    path : Path
        The file.

    Raises
    ------
    SegueError
        If a sound cannot be read, or the music ends before ``edit.music_start``.
    """
    raw = path.with_suffix(".raw")
    meter = LoudnessMeter()
    with raw.open("wb") as file:
        for block in mix(edit):
            meter.add(block)
            file.write(np.ascontiguousarray(block.T).tobytes())
    with raw.open("rb") as file:
        _encode(file, master(*meter.finish()), path)
    raw.unlink()


class _Voice:
    """Sound that is taken in blocks of any length; after its end comes silence."""

    def __init__(self, chunks: Sound) -> None:
        self._chunks: Sound | None = chunks
        self._rest = np.zeros((2, 0), np.float32)

    def take(self, count: int) -> Stereo:
        """Return the next `count` samples in an array of their own."""
        parts, have = [self._rest], self._rest.shape[1]
        while have < count:
            chunk = next(self._chunks, None) if self._chunks is not None else None
            if chunk is None:
                self.close()
                chunk = np.zeros((2, count - have), np.float32)
            parts.append(chunk)
            have += chunk.shape[1]
        whole = np.concatenate(parts, axis=1)
        self._rest = whole[:, count:].copy()
        return whole[:, :count]

    def close(self) -> None:
        """Close the file."""
        if self._chunks is not None:
            self._chunks.close()
            self._chunks = None


def _sounding(edit: Edit) -> set[Path]:
    """Sources whose own sound is wanted and there."""
    if not edit.source_gain:
        return set()
    sounding = set()
    for path in {cut.source for cut in edit.cuts}:
        with open_media(path) as container:
            if has_sound(container):
                sounding.add(path)
    return sounding


def _own_sound(edit: Edit, piece: SoundPiece) -> Sound:
    cut = edit.cuts[piece.cut]
    return piece_sound(cut.source, piece.start, piece.stop - piece.first, cut.speed)


def _music(edit: Edit, samples: int) -> Sound:
    """Yield the music, or refuse it where there is none to hear."""
    assert edit.music is not None
    heard = False
    for chunk in music_sound(edit.music, Fraction(edit.music_start), samples):
        heard = True
        yield chunk
    if not heard:
        raise SegueError(
            f"{edit.music} ends before second {edit.music_start:g}, where the film's music should "
            "start; choose an earlier start."
        )


def _add(block: Stereo, first: int, piece: SoundPiece, voice: _Voice, gain: float) -> None:
    """Add the part of a piece's sound that lies in a block that begins at `first`."""
    begin, end = max(piece.first, first), min(piece.stop, first + block.shape[1])
    if begin >= end:
        return
    at = np.arange(begin, end, dtype=np.float64)
    rising = (at - piece.first + 0.5) / max(piece.fade_in, 1)
    falling = (piece.stop - at - 0.5) / max(piece.fade_out, 1)
    # Sine and cosine: what fades out and what fades in keep their summed power.
    level = np.sin(np.pi / 2 * np.clip(np.minimum(rising, falling), 0, 1)) * gain
    block[:, begin - first : end - first] += (voice.take(end - begin) * level).astype(np.float32)


def _closing_fade(edit: Edit, samples: int, first: int, count: int) -> Stereo:
    """Factors (count,) of the fade at the film's end."""
    fade = max(round(FADE_SECONDS * SAMPLE_RATE), round(edit.tail / edit.rate * SAMPLE_RATE))
    left = samples - np.arange(first, first + count)
    return np.clip(left / min(fade, samples), 0, 1).astype(np.float32)


def _encode(file: BinaryIO, mastering: Mastering, path: Path) -> None:
    """Code a raw mix as AAC."""
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        assert isinstance(stream, AudioStream)
        stream.bit_rate = BIT_RATE
        done = 0
        while data := file.read(_BLOCK * 8):
            sound = mastering.apply(np.frombuffer(data, np.float32).reshape(-1, 2).T, done)
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(sound), "fltp", layout="stereo")
            frame.sample_rate, frame.pts = SAMPLE_RATE, done
            output.mux(stream.encode(frame))
            done += sound.shape[1]
        output.mux(stream.encode(None))
