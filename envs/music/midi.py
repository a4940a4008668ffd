"""MIDI files."""

from __future__ import annotations

from pathlib import Path

import symusic

from segue.envs.base.atomic import atomic_path
from segue.envs.music.arrange import arrange
from segue.envs.music.metre import check_swing
from segue.envs.music.parts import Part
from segue.envs.music.scales import MODES, signature
from segue.envs.music.tune import Tune

TICKS_PER_QUARTER = 480

_VOLUME, _PAN = 7, 10


def midi_bytes(tune: Tune, end: float | None = None) -> bytes:
    """The arranged tune as a standard MIDI file of type 1, 480 ticks a quarter.

    Parameters
    ----------
    tune : Tune
        The tune.
    end : float, optional
        Where the file ends, in quarter notes, if that is later than the last note: a last
        controller event is put there, so that players go on until then.

    Returns
    -------
    bytes
        A file with tempo, metre and key, and one named track for each part of
        `segue.envs.music.arrange.arrange`, its eighths swung as the tune asks.

    Raises
    ------
    SegueError
        If the mood or the key is unknown, or the swing out of range.
    """
    check_swing(tune.swing)
    score = symusic.Score(TICKS_PER_QUARTER)
    score.tempos.append(symusic.Tempo(0, qpm=tune.tempo))
    score.time_signatures.append(symusic.TimeSignature(0, tune.metre.beats, tune.metre.unit))
    fifths = signature(tune.tonic, tune.mode)
    score.key_signatures.append(symusic.KeySignature(0, fifths, int(3 in MODES[tune.mode])))
    for part in arrange(tune):
        score.tracks.append(_track(part, tune))
    if end is not None:
        last = symusic.ControlChange(round(end * TICKS_PER_QUARTER), _PAN, 64)
        score.tracks[0].controls.append(last)
    data: bytes = score.dumps_midi()
    return data


def write_midi(tune: Tune, path: Path | str) -> None:
    """Write `midi_bytes` of a tune to a file.

    Parameters
    ----------
    tune : Tune
        The tune.
    path : Path or str
        The file to make; it appears whole or not at all.

    Raises
    ------
    SegueError
        If the file cannot be written, or as `midi_bytes`.
    """
    data = midi_bytes(tune)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def _track(part: Part, tune: Tune) -> symusic.Track:
    metre, swing = tune.metre, tune.swing
    track = symusic.Track(name=part.name, program=part.program, is_drum=part.is_drum)
    track.controls.append(symusic.ControlChange(0, _VOLUME, part.volume))
    track.controls.append(symusic.ControlChange(0, _PAN, part.pan))
    for note in part.notes:
        start = round(metre.swung(note.onset, swing) * TICKS_PER_QUARTER)
        end = metre.swung(note.onset + note.duration, swing)
        stop = round(end * TICKS_PER_QUARTER)
        track.notes.append(symusic.Note(start, max(1, stop - start), note.pitch, note.velocity))
    return track
