"""Which sound of a timeline is its pieces' own, and which is music."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from segue.envs.film.timelines.flatten import Piece
from segue.envs.film.timelines.footage import Footage, media_names
from segue.envs.film.timelines.layout import Placed, place, source_start
from segue.envs.film.timelines.vocabulary import GAIN, MUSIC, SEGUE


@dataclass(frozen=True)
class OwnSound:
    """The sound that the pieces bring along.

    Attributes
    ----------
    gain : float
        In [0, 1]; 0 where there is none.
    leads : dict of int to int
        By the piece's index: frames by which its sound comes before its picture.
    clips : tuple of Clip
        The clips that are such sound.
    """

    gain: float = 0.0
    leads: dict[int, int] = field(default_factory=dict)
    clips: tuple[otio.schema.Clip, ...] = ()


def own_sound_of(
    timeline: otio.schema.Timeline, pieces: Sequence[Piece], rate: Fraction
) -> OwnSound:
    """Find the sound that belongs to the pieces: of the same media and in sync with one of them.

    Parameters
    ----------
    timeline : Timeline
        The timeline.
    pieces : sequence of Piece
        What it shows.
    rate : Fraction
        Its frames per second.
    """
    by_name: dict[str, list[int]] = {}
    for number, piece in enumerate(pieces):
        for name in media_names(piece.clip)[:1]:
            by_name.setdefault(name, []).append(number)
    leads: dict[int, int] = {}
    clips: list[otio.schema.Clip] = []
    for placed in _sounds(timeline, rate):
        if role(placed.item) == MUSIC:
            continue
        for name in media_names(placed.item)[:1]:
            leaders = {
                number: pieces[number].start - placed.start
                for number in by_name.get(name, ())
                if _in_sync(placed, pieces[number], rate)
            }
            if leaders:
                nearest = min(leaders, key=lambda number: abs(leaders[number]))
                leads.setdefault(nearest, leaders[nearest])
                clips.append(placed.item)
    gain = min(max(gain_of(clips[0]), 0.0), 1.0) if clips else 0.0
    return OwnSound(gain, leads, tuple(clips))


def music_of(
    timeline: otio.schema.Timeline, rate: Fraction, own: OwnSound, footage: Footage
) -> tuple[Path, Fraction] | None:
    """Find the music: the longest other sound, one that is called music before any other.

    Parameters
    ----------
    timeline : Timeline
        The timeline.
    rate : Fraction
        Its frames per second.
    own : OwnSound
        What is no music.
    footage : Footage
        Where the file may be.

    Returns
    -------
    (Path, Fraction) or None
        The file and its second at the film's first frame; None without music, or where its file
        is not there.
    """
    others = [p for p in _sounds(timeline, rate) if not any(p.item is c for c in own.clips)]
    if not others:
        return None
    chosen = max(others, key=lambda placed: (role(placed.item) == MUSIC, placed.frames))
    path = footage.find(chosen.item)
    if path is None:
        return None
    known = chosen.item.media_reference and chosen.item.media_reference.available_range
    start = source_start(chosen.item)
    if known is not None:
        start -= Fraction(known.start_time.to_seconds()).limit_denominator(1_000_000)
    return path, max(start - chosen.start / rate, Fraction(0))


def role(item: otio.core.Item) -> str:
    """What a sound is: ``"music"``, ``"dialogue"``, or what its file calls it."""
    known = item.metadata.get(SEGUE, {})
    return str(known.get("role", "")).split(".")[0].casefold()


def gain_of(item: otio.core.Item) -> float:
    """Gain of a sound; 1 where nothing tells it."""
    for effect in item.effects:
        if effect.effect_name == GAIN:
            return float(effect.metadata.get(SEGUE, {}).get(GAIN, 1.0))
    return 1.0


def _sounds(timeline: otio.schema.Timeline, rate: Fraction) -> list[Placed]:
    """Clips of the sound tracks where they stand."""
    return [
        placed
        for track in timeline.audio_tracks()
        for placed in place(track, rate)
        if isinstance(placed.item, otio.schema.Clip) and not placed.is_gap and placed.frames
    ]


def _in_sync(placed: Placed, piece: Piece, rate: Fraction) -> bool:
    """Whether a sound runs with a piece's picture: the same source at the same frame."""
    apart = source_start(placed.item) - piece.source
    expected = (placed.start - piece.start) / rate * piece.speed
    overlap = min(placed.end, piece.end) - max(placed.start, piece.start)
    return overlap > 0 and abs(apart - expected) <= abs(piece.speed) / rate / 2
