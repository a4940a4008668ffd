"""Tunes of a corpus as MIDI files: the melody, and its chords as block chords."""

from __future__ import annotations

import math
from pathlib import Path

import symusic

from segue.envs.base.atomic import atomic_path
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.midi import TICKS_PER_QUARTER
from segue.envs.music.scales import MODES, signature

_MELODY, _CHORDS = 90, 60
"""Velocities."""
_CHORD_OCTAVE = 48
"""MIDI pitch from which on chord tones are written."""


def tune_midi(tune: CorpusTune) -> bytes:
    """Write a tune as a standard MIDI file of type 1.

    Parameters
    ----------
    tune : CorpusTune
        The tune. A pickup stands at the end of a first bar, so that barlines are where they should
        be.

    Returns
    -------
    bytes
        Tempo, metre and key; a track ``Melody``, and a track ``Chords`` if there are any.
    """
    begins = min([note.onset for note in tune.notes] + [span.onset for span in tune.chords])
    ahead = max(0, math.ceil(-begins / tune.bar_quarters)) * tune.bar_quarters
    score = symusic.Score(TICKS_PER_QUARTER)
    score.tempos.append(symusic.Tempo(0, qpm=tune.tempo))
    score.time_signatures.append(symusic.TimeSignature(0, *tune.metre))
    fifths = signature(tune.tonic, tune.mode)
    score.key_signatures.append(symusic.KeySignature(0, fifths, int(3 in MODES[tune.mode])))

    def note(onset: float, duration: float, pitch: int, velocity: int) -> symusic.Note:
        start = round((onset + ahead) * TICKS_PER_QUARTER)
        stop = round((onset + ahead + duration) * TICKS_PER_QUARTER)
        return symusic.Note(start, max(1, stop - start), pitch, velocity)

    melody = symusic.Track(name="Melody", program=0)
    melody.notes.extend(note(n.onset, n.duration, n.pitch, _MELODY) for n in tune.notes)
    score.tracks.append(melody)
    if tune.chords:
        chords = symusic.Track(name="Chords", program=0)
        for span in tune.chords:
            for tone in sorted(span.chord.pitch_classes):
                pitch = _CHORD_OCTAVE + tone
                chords.notes.append(note(span.onset, span.duration, pitch, _CHORDS))
        score.tracks.append(chords)
    data: bytes = score.dumps_midi()
    return data


def write_tune_midi(tune: CorpusTune, path: Path | str) -> None:
    """Write `tune_midi` to a file, whole or not at all.

    Raises
    ------
    SegueError
        If the file cannot be written.
    """
    data = tune_midi(tune)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
