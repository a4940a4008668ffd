"""Records of what was heard in a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.music.corpus.types import CorpusTune

Floats = npt.NDArray[np.float64]

FIRST_PITCH = 21
"""MIDI pitch of the first column of `PitchEvidence`: the lowest key of a piano."""
PITCHES = 88
"""Columns of `PitchEvidence`."""


@dataclass(frozen=True)
class PitchEvidence:
    """How surely each key of a piano sounds, and is struck, in each frame of a recording.

    Frames are `segue.envs.film.beat_tracking.HOP` samples apart at its `SAMPLE_RATE`; frame ``t``
    is centred on sample ``t * HOP``.

    Attributes
    ----------
    sounds : ndarray (frames, PITCHES) float32
        In [0, 1].
    struck : ndarray (frames, PITCHES) float32
        In [0, 1]; peaks where a note begins.
    is_polyphonic : bool
        Whether several pitches at a time could be heard by the method that was used.
    """

    sounds: npt.NDArray[np.float32]
    struck: npt.NDArray[np.float32]
    is_polyphonic: bool


@dataclass(frozen=True)
class HeardNote:
    """One note of a recording.

    Attributes
    ----------
    start, end : float
        Seconds.
    pitch : int
        MIDI pitch.
    confidence : float
        Mean evidence that it sounds, 0-1.
    """

    start: float
    end: float
    pitch: int
    confidence: float


@dataclass(frozen=True)
class Pulse:
    """Beats and bars of a recording.

    Attributes
    ----------
    beats : ndarray (b,) float64
        Seconds of the felt beats, increasing, from before the first note to after the last.
    metre : tuple of int, (beats, unit)
        Time signature; with a unit of 8 the felt beat is a dotted quarter.
    downbeat : int
        Index in `beats` of a downbeat, 0 <= downbeat < beats of a bar.
    confidence : float
        How well the onsets keep to the grid, 0-1.
    """

    beats: Floats
    metre: tuple[int, int]
    downbeat: int
    confidence: float

    @property
    def quarters(self) -> float:
        """Quarter notes of a felt beat: 1.5 in compound metre, else 1."""
        return 1.5 if self.metre[1] == 8 else 1.0

    @property
    def beats_per_bar(self) -> int:
        """Felt beats of a bar."""
        return self.metre[0] // 3 if self.metre[1] == 8 else self.metre[0]

    @property
    def tempo(self) -> float:
        """Felt beats per minute: the median, each measured over several."""
        step = min(8, len(self.beats) - 1)
        return 60.0 * step / float(np.median(self.beats[step:] - self.beats[:-step]))


@dataclass(frozen=True)
class Heard:
    """All that was heard in a recording.

    Attributes
    ----------
    tune : CorpusTune
        The melody on the grid of beats, with chords and labels; `CorpusTune.confidence` is the
        least of `certainty`.
    mood : str
        A key of `segue.envs.music.moods.MOODS`: a proxy, see `segue.envs.hearing.labels`.
    certainty : dict of str to float
        0-1, of ``"melody"``, ``"beats"`` and ``"key"``.
    notes : tuple of HeardNote
        The melody in seconds, before it was put on the grid.
    pulse : Pulse
        Its beats.
    first_beat : int
        Place of the tune's first barline, in beats after `Pulse.downbeat`.
    seconds : float
        Length of the recording.
    """

    tune: CorpusTune
    mood: str
    certainty: dict[str, float]
    notes: tuple[HeardNote, ...]
    pulse: Pulse
    first_beat: int
    seconds: float

    def moments(self, quarters: npt.ArrayLike) -> Floats:
        """Seconds at which places of the tune, in quarter notes, were heard."""
        places = np.asarray(quarters, dtype=np.float64) / self.pulse.quarters + self.first_beat
        number = np.arange(len(self.pulse.beats)) - self.pulse.downbeat
        return np.asarray(np.interp(places, number, self.pulse.beats))
