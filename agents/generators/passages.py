"""Passages of tunes with known harmony: what a melody over chords is learnt from and judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import NO_SUCH_PITCH, sounding_pitches
from segue.envs.melody.sequences import Sequence16
from segue.envs.melody.types import FIRST_ONSET, HOLD, LOW, NOTE_OFF

BAR = 16
"""Sixteenths in a bar of a passage."""

LEAST_ONSETS = 6
"""Onsets that a passage must have."""


@dataclass(frozen=True)
class Passages:
    """Melodies over chords, the tonic at C.

    Attributes
    ----------
    tokens : ndarray (n, t) int8
        The melodies.
    chords : ndarray (n, t) int32
        Their chords, as `segue.envs.melody.sequences.Sequence16.chords`.
    minor : ndarray (n,) bool
        Whether the mode is minor, else major.
    """

    tokens: npt.NDArray[np.int8]
    chords: npt.NDArray[np.int32]
    minor: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tokens)

    def rows(self, chosen: npt.NDArray[np.int64]) -> Passages:
        """Some of them, which may repeat."""
        return Passages(self.tokens[chosen], self.chords[chosen], self.minor[chosen])


def passages(tunes: Sequence[Sequence16], bars: int = 4) -> Passages:
    """Cut tunes in 4/4 whose harmony is known into passages that begin at every other barline.

    Parameters
    ----------
    tunes : sequence of Sequence16
        Others are passed over.
    bars : int
        Bars of a passage, >= 1.

    Raises
    ------
    SegueError
        If not one passage is found.
    """
    tokens, chords, minor = [], [], []
    length = bars * BAR
    for tune in tunes:
        if tune.metre != (4, 4) or tune.mode not in ("major", "minor"):
            continue
        for begin in range(-tune.start % BAR, len(tune.tokens) - length + 1, 2 * BAR):
            cut = tune.tokens[begin : begin + length].copy()
            known = tune.chords[begin : begin + length]
            if cut[0] == HOLD:
                events = np.flatnonzero(tune.tokens[:begin] != HOLD)
                cut[0] = tune.tokens[events[-1]] if len(events) else NOTE_OFF
            if known.all() and (cut >= FIRST_ONSET).sum() >= LEAST_ONSETS:
                tokens.append(cut)
                chords.append(known)
                minor.append(tune.mode == "minor")
    if not tokens:
        raise SegueError(
            f"No tune has {bars} bars of 4/4 with chords; add a corpus with chords, or ask for "
            "fewer bars."
        )
    return Passages(np.stack(tokens), np.stack(chords), np.array(minor))


def chord_tones(
    tokens: npt.NDArray[np.integer], chords: npt.NDArray[np.integer]
) -> npt.NDArray[np.bool_]:
    """Whether what sounds at each sixteenth belongs to the chord; False in silence, (n, t)."""
    pitches = sounding_pitches(tokens)
    classes = np.where(pitches == NO_SUCH_PITCH, 0, (pitches + LOW) % 12)
    belongs: npt.NDArray[np.bool_] = (chords >> classes & 1).astype(np.bool_)
    found: npt.NDArray[np.bool_] = belongs & (pitches != NO_SUCH_PITCH)
    return found


def note_in_chord(
    tokens: npt.NDArray[np.integer], chords: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    """Share of each melody's notes that belong to the chord at their onset, (n,)."""
    begins = tokens >= FIRST_ONSET
    fitting: npt.NDArray[np.float64] = (chord_tones(tokens, chords) & begins).sum(1) / np.maximum(
        begins.sum(1), 1
    )
    return fitting
