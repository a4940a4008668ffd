"""What a drawn piece of `segue/LeadSheet-v0` asks of its melody: rhythm, motif, cadences, arch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segue.envs.lead_sheet.types import LOW
from segue.envs.music.chords import Chord
from segue.envs.music.metre import SLOTS_PER_QUARTER, Metre
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

PHRASE_BARS = 4

SYNCOPATION = 0.2
"""Share of onsets between the beats that may last into the next beat."""

_FORMS = ("abac", "abac", "ddbc", "abac")
"""Rhythm of each bar of the first to fourth phrase; ``c`` is the cadence's long note."""

Codes = npt.NDArray[np.int8]


def motifs(
    density: float, bars: int, metre: Metre, generator: np.random.Generator
) -> tuple[Codes, Codes]:
    """Rhythm template and directions of every slot, by the form of the phrases.

    Parameters
    ----------
    density : float
        How many notes, from 0 to 1; see `segue.envs.music.moods.Mood`.
    bars : int
        Length.
    metre : Metre
        Of the piece.
    generator : numpy Generator
    """
    cells = {name: _cell(density, metre, generator) for name in "abd"}
    cadence = np.full(metre.slots, HOLD, dtype=np.int8)
    cadence[0] = ONSET
    if metre.pulses > 1:
        cadence[-round(metre.pulse * SLOTS_PER_QUARTER) :] = REST
    cells["c"] = (cadence, np.full(metre.slots, NO_MOTIF, dtype=np.int8))
    names = [_FORMS[bar // PHRASE_BARS % 4][bar % PHRASE_BARS] for bar in range(bars)]
    names[-1] = "c"
    template = np.concatenate([cells[name][0] for name in names])
    motif = np.concatenate([cells[name][1] for name in names])
    return template, motif


def _cell(density: float, metre: Metre, generator: np.random.Generator) -> tuple[Codes, Codes]:
    """One bar of rhythm, the likelier on strong slots, and a direction for each onset."""
    slots, strength = metre.slots, metre.strengths()
    chance = np.clip(density * (0.5 + 1.6 * strength), 0.0, 0.95)
    onset = generator.random(slots) < chance
    onset[0] = True
    onset[1:] |= (strength[1:] >= STRONG) & (generator.random() < 0.6)
    # A short note leads on to the next slot; only some begin a syncopation.
    syncopates = generator.random(slots) < SYNCOPATION
    between = np.arange(slots) % round(metre.pulse * SLOTS_PER_QUARTER) > 0
    for slot in np.flatnonzero(onset & between & ~syncopates):
        onset[(slot + 1) % slots] = True
    template = np.where(onset, ONSET, HOLD).astype(np.int8)
    direction = generator.choice(np.array([-1, 1], dtype=np.int8), size=slots)
    free = ~onset | (np.arange(slots) == 0)
    return template, np.where(free, NO_MOTIF, direction).astype(np.int8)


def cadences(chords: Sequence[Chord], tonic: int, metre: Metre) -> Codes:
    """Cadence on the first slot of each phrase's last bar: full on the tonic's chord.

    Parameters
    ----------
    chords : sequence of Chord
        One a slot.
    tonic : int
        Pitch class.
    metre : Metre
        Of the piece.
    """
    cadence = np.full(len(chords), NO_CADENCE, dtype=np.int8)
    bars = len(chords) // metre.slots
    for bar in range(bars):
        if bar % PHRASE_BARS == PHRASE_BARS - 1 or bar == bars - 1:
            full = chords[bar * metre.slots].root == tonic
            cadence[bar * metre.slots] = FULL_CADENCE if full else HALF_CADENCE
    return cadence


def arch(bars: int, metre: Metre) -> npt.NDArray[np.float64]:
    """An arch over each phrase, and a greater one over the piece with its top at 5/8."""
    slots = bars * metre.slots
    phrase = PHRASE_BARS * metre.slots
    slot = np.arange(slots)
    small = 3.5 * np.sin(np.pi * (slot % phrase) / phrase)
    great = 6.0 * np.exp(-0.5 * ((slot / slots - 0.625) / 0.15) ** 2)
    return np.asarray(LOW + 7.0 + small + great)
