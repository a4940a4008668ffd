"""Tunes as arrays, for the cache: no pickle, and exact."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.music.chords import Chord
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.tune import ChordSpan, Note

FORMAT = 3
"""Bumped when the arrays or what a reader makes of a file change."""


def tunes_to_arrays(
    tunes: Sequence[CorpusTune], facts: Mapping[str, str]
) -> dict[str, npt.NDArray[np.generic]]:
    """Write tunes as arrays.

    Parameters
    ----------
    tunes : sequence of CorpusTune
        The tunes.
    facts : mapping of str to str
        What else is to be kept.

    Returns
    -------
    dict of str to ndarray
        ``words`` (bytes,) uint8: JSON in UTF-8; ``notes`` (notes, 3) float64: onset, duration,
        pitch; ``chords`` (chords, 2) float64: onset, duration.
    """
    words = {
        "facts": dict(facts),
        "tunes": [
            [
                *(tune.title, tune.source, tune.licence, tune.tonic, tune.mode, *tune.metre),
                *(tune.tempo, tune.pickup, tune.confidence, len(tune.notes)),
                [(span.chord.root, span.chord.quality) for span in tune.chords],
            ]
            for tune in tunes
        ],
    }
    notes = [(n.onset, n.duration, n.pitch) for tune in tunes for n in tune.notes]
    chords = [(span.onset, span.duration) for tune in tunes for span in tune.chords]
    text = json.dumps(words, ensure_ascii=False).encode("utf-8", "replace")
    return {
        "words": np.frombuffer(text, dtype=np.uint8),
        "notes": np.array(notes, dtype=np.float64).reshape(-1, 3),
        "chords": np.array(chords, dtype=np.float64).reshape(-1, 2),
    }


def arrays_to_tunes(
    arrays: Mapping[str, npt.NDArray[np.generic]] | None,
) -> tuple[tuple[CorpusTune, ...], dict[str, str]] | None:
    """Read what `tunes_to_arrays` wrote: tunes and facts, or None where it is not that."""
    if arrays is None:
        return None
    try:
        words: dict[str, Any] = json.loads(arrays["words"].tobytes())
        notes = [Note(on, n, int(p)) for on, n, p in arrays["notes"].tolist()]
        times = arrays["chords"].tolist()
        tunes = []
        note = chord = 0
        for *heading, count, symbols in words["tunes"]:
            spans = tuple(
                ChordSpan(onset, duration, Chord(root, quality))
                for (root, quality), (onset, duration) in zip(
                    symbols, times[chord : chord + len(symbols)], strict=True
                )
            )
            tunes.append(_tune(heading, tuple(notes[note : note + count]), spans))
            note, chord = note + count, chord + len(symbols)
        return tuple(tunes), words["facts"]
    except (KeyError, ValueError, TypeError, SegueError):
        return None


def _tune(heading: list[Any], notes: tuple[Note, ...], chords: tuple[ChordSpan, ...]) -> CorpusTune:
    title, source, licence, tonic, mode, beats, unit, tempo, pickup, sure = heading
    metre = (beats, unit)
    return CorpusTune(
        title, source, licence, tonic, mode, metre, tempo, pickup, notes, chords, confidence=sure
    )
