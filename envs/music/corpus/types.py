"""Records of a corpus: what is kept of a melody that somebody wrote."""

from __future__ import annotations

from dataclasses import dataclass

from segue.envs.music.tune import ChordSpan, Note


@dataclass(frozen=True)
class CorpusTune:
    """One melody of a corpus, as written; nothing is transposed.

    Attributes
    ----------
    title : str
        Title, or the file's name where it has none.
    source : str
        Where it comes from: collection, file and number in it, such as ``"oneills1850:27"``.
    licence : str
        SPDX identifier, ``"public-domain"``, or ``"unknown"``.
    tonic : int
        Pitch class of the key, 0 (C) to 11 (B).
    mode : str
        A key of `segue.envs.music.scales.MODES`.
    metre : tuple of int, (beats, unit)
        Time signature, such as ``(6, 8)``.
    tempo : float
        Quarter notes per minute; 120 where the file gives none.
    pickup : float
        Quarter notes before the first full bar, 0 <= pickup < a bar.
    notes : tuple of Note
        Monophonic, in order of onset; onset 0 is the first barline, so notes of a pickup begin
        before 0.
    chords : tuple of ChordSpan
        The harmony in order of onset; empty where the file has none.
    confidence : float
        How sure the notes are, 0-1: 1 for written music, less where they were heard in a recording.
    """

    title: str
    source: str
    licence: str
    tonic: int
    mode: str
    metre: tuple[int, int]
    tempo: float
    pickup: float
    notes: tuple[Note, ...]
    chords: tuple[ChordSpan, ...] = ()
    confidence: float = 1.0

    @property
    def bar_quarters(self) -> float:
        """Length of a bar in quarter notes."""
        return self.metre[0] * 4.0 / self.metre[1]
