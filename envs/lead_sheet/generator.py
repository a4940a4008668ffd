"""Where episodes of `segue/LeadSheet-v0` come from: pieces drawn by mood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.lead_sheet.types import LOW, PITCHES, SLOTS_PER_BEAT, Bank, Piece
from segue.envs.music.chords import QUALITIES, Chord, roman
from segue.envs.music.moods import Mood, mood
from segue.envs.music.scales import MODES, scale_classes
from segue.rewards.melody import (
    FULL_CADENCE,
    HALF_CADENCE,
    HOLD,
    NO_CADENCE,
    NO_MOTIF,
    ONSET,
    REST,
    STRONG,
)

BEATS_PER_BAR = 4
PHRASE_BARS = 4
MOST_BARS = 64

_FORMS = ("abac", "abac", "ddbc", "abac")
"""Rhythm of each bar of the first to fourth phrase; ``c`` is the cadence's long note."""


def metrical_strength(slots_per_bar: int) -> npt.NDArray[np.float64]:
    """Strength of each slot of a bar: 1 downbeat, .5 mid-bar, .25 other beats, .125 off-beats.

    Source: the metrical grid of Lerdahl & Jackendoff (1983), one halving a level.
    """
    slot = np.arange(slots_per_bar)
    strength = np.where(slot % SLOTS_PER_BEAT == 0, 0.25, 0.125)
    strength[slots_per_bar // 2] = 0.5
    strength[0] = 1.0
    return strength


def draw_piece(mood_name: str, bars: int, generator: np.random.Generator) -> Piece:
    """Draw a piece: key, tempo, progression, rhythmic and melodic motif, arch and cadences.

    Parameters
    ----------
    mood_name : str
        A key of `segue.envs.music.moods.MOODS`.
    bars : int
        Length, 1 to 64.
    generator : numpy Generator

    Raises
    ------
    SegueError
        For an unknown mood or a length out of range.
    """
    if not 1 <= bars <= MOST_BARS:
        raise SegueError(f"bars is {bars}; give a length from 1 to {MOST_BARS} bars.")
    chosen = mood(mood_name)
    tonic = int(generator.choice(chosen.tonics))
    tempo = float(round(generator.uniform(*chosen.tempo)))
    chords = _progression(chosen, tonic, bars, generator)
    template, motif = _motifs(chosen.density, bars, generator)
    return Piece(
        mood=mood_name,
        tonic=tonic,
        mode=chosen.mode,
        tempo=tempo,
        beats_per_bar=BEATS_PER_BAR,
        chords=chords,
        template=template,
        motif=motif,
        cadence=_cadences(chords, tonic),
        target=_arch(bars),
    )


def _progression(
    chosen: Mood, tonic: int, bars: int, generator: np.random.Generator
) -> tuple[Chord, ...]:
    """One progression, returning until the bars are filled; the last bar is the tonic's."""
    picked = chosen.progressions[int(generator.integers(len(chosen.progressions)))]
    numerals = [picked[bar % len(picked)] for bar in range(bars)]
    minor_third = 3 in MODES[chosen.mode]
    numerals[-1] = "i" if minor_third else "I"
    return tuple(roman(numeral, tonic, chosen.mode) for numeral in numerals)


def _motifs(
    density: float, bars: int, generator: np.random.Generator
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Rhythm template and directions of every slot, by the form of the phrases."""
    slots = BEATS_PER_BAR * SLOTS_PER_BEAT
    cells = {name: _cell(density, slots, generator) for name in "abd"}
    cadence = np.full(slots, HOLD, dtype=np.int8)
    cadence[0] = ONSET
    cadence[-SLOTS_PER_BEAT:] = REST
    cells["c"] = (cadence, np.full(slots, NO_MOTIF, dtype=np.int8))
    names = [_FORMS[bar // PHRASE_BARS % 4][bar % PHRASE_BARS] for bar in range(bars)]
    names[-1] = "c"
    template = np.concatenate([cells[name][0] for name in names])
    motif = np.concatenate([cells[name][1] for name in names])
    return template, motif


def _cell(
    density: float, slots: int, generator: np.random.Generator
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """One bar of rhythm, the likelier on strong slots, and a direction for each onset."""
    strength = metrical_strength(slots)
    chance = np.clip(density * (0.5 + 1.6 * strength), 0.0, 0.95)
    onset = generator.random(slots) < chance
    onset[0] = True
    onset[slots // 2] |= generator.random() < 0.6
    template = np.where(onset, ONSET, HOLD).astype(np.int8)
    direction = generator.choice(np.array([-1, 1], dtype=np.int8), size=slots)
    free = ~onset | (np.arange(slots) == 0)
    return template, np.where(free, NO_MOTIF, direction).astype(np.int8)


def _cadences(chords: Sequence[Chord], tonic: int) -> npt.NDArray[np.int8]:
    """Cadence on the first slot of each phrase's last bar: full on the tonic's chord."""
    slots = BEATS_PER_BAR * SLOTS_PER_BEAT
    cadence = np.full(len(chords) * slots, NO_CADENCE, dtype=np.int8)
    for bar, chord in enumerate(chords):
        if bar % PHRASE_BARS == PHRASE_BARS - 1 or bar == len(chords) - 1:
            cadence[bar * slots] = FULL_CADENCE if chord.root == tonic else HALF_CADENCE
    return cadence


def _arch(bars: int) -> npt.NDArray[np.float64]:
    """An arch over each phrase, and a greater one over the piece with its top at 5/8."""
    slots = bars * BEATS_PER_BAR * SLOTS_PER_BEAT
    phrase = PHRASE_BARS * BEATS_PER_BAR * SLOTS_PER_BEAT
    slot = np.arange(slots)
    small = 3.5 * np.sin(np.pi * (slot % phrase) / phrase)
    great = 6.0 * np.exp(-0.5 * ((slot / slots - 0.625) / 0.15) ** 2)
    return np.asarray(LOW + 7.0 + small + great)


def lay_out(pieces: Sequence[Piece]) -> Bank:
    """Lay out pieces of one length for the compiled rules.

    Raises
    ------
    SegueError
        When there is no piece, or they differ in length or metre.
    """
    if not pieces or len({(piece.slots, piece.beats_per_bar) for piece in pieces}) != 1:
        raise SegueError("the pieces of one environment must be of one length and metre.")
    tables, strength = [], []
    for piece in pieces:
        bar_of = np.arange(piece.slots) // piece.slots_per_bar
        tones = np.array([_bits(chord.pitch_classes) for chord in piece.chords])[bar_of]
        weight = np.tile(metrical_strength(piece.slots_per_bar), len(piece.chords))
        hidden = (tones | _bits(scale_classes(piece.tonic, piece.mode)), tones, weight >= STRONG)
        tables.append(np.stack((*hidden, *_visible(piece, bar_of)), axis=1).astype(np.int32))
        strength.append(weight)
    return Bank(tuple(pieces), pieces[0].slots, np.concatenate(strength), np.concatenate(tables))


def _bits(classes: frozenset[int]) -> int:
    return sum(1 << pitch for pitch in range(PITCHES) if (pitch + LOW) % 12 in classes)


def _visible(piece: Piece, bar_of: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], ...]:
    """Columns of the observation that depend on the slot alone; see `observation.space`."""
    qualities, modes = list(QUALITIES), list(MODES)
    root = np.array([(chord.root - piece.tonic) % 12 for chord in piece.chords])
    quality = np.array([qualities.index(chord.quality) for chord in piece.chords])
    following = np.minimum(bar_of + 1, len(piece.chords) - 1)
    return (
        np.arange(piece.slots) % piece.slots_per_bar,
        root[bar_of],
        quality[bar_of],
        root[following],
        quality[following],
        np.full(piece.slots, modes.index(piece.mode)),
        piece.template,
        piece.motif + 1,
        piece.cadence,
        np.clip(np.rint(piece.target) - LOW, 0, PITCHES - 1),
    )
