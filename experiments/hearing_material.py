"""Recordings whose notes are known: tunes of the corpora, played by a soundfont."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import midirenderer
import numpy as np
import numpy.typing as npt
import soundfile
import symusic

from segue.envs.base.errors import SegueError
from segue.envs.music.audio import default_soundfont, render_audio
from segue.envs.music.corpus.harmony import estimate_chords
from segue.envs.music.corpus.measures import TICKS, WrittenNote
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.metre import Metre
from segue.envs.music.midi import TICKS_PER_QUARTER
from segue.envs.music.moods import MOODS
from segue.envs.music.tune import ChordSpan, Note, Tune

PROGRAMS = (0, 10, 11, 21, 24, 40, 42, 46, 56, 65, 68, 71, 73, 74, 80, 22)
"""General MIDI programs that play melodies alone: piano, music box, vibraphone, accordion, guitar,
violin, cello, harp, trumpet, saxophone, oboe, clarinet, flute, recorder, square lead, harmonica."""

TEMPI = (70.0, 140.0)
"""Range of the felt beats per minute; drawn on a logarithmic scale."""

FEWEST_NOTES = 30

Sound = tuple[npt.NDArray[np.float32], int]
"""Mono samples in [-1, 1], and how many there are a second."""


@dataclass(frozen=True)
class Piece:
    """A tune to be played.

    Attributes
    ----------
    source : str
        Of the tune in the corpus.
    tune : Tune
        Its beginning, at a drawn tempo, with chords found in the melody, a bar each.
    program : int
        Instrument for the melody alone.
    """

    source: str
    tune: Tune
    program: int


def draw_pieces(
    tunes: Sequence[CorpusTune], count: int, seconds: float, seed: int
) -> Iterator[Piece]:
    """Draw tunes, tempi, moods and instruments.

    Parameters
    ----------
    tunes : sequence of CorpusTune
        Of one split.
    count : int
        How many.
    seconds : float
        Length of each, to the end of a bar; shorter where the tune is.
    seed : int
        The same seed gives the same pieces.
    """
    rng = np.random.default_rng(seed)
    moods, drawn = tuple(MOODS), 0
    for index in rng.permutation(len(tunes)).tolist():
        tune = tunes[index]
        try:
            metre = Metre(*tune.metre)
        except SegueError:
            continue  # Such as 3/2: the arranger does not play it.
        if len(tune.notes) < FEWEST_NOTES:
            continue
        felt = math.exp(rng.uniform(*np.log(TEMPI)))
        mood = moods[drawn % len(moods)]
        excerpt = _excerpt(tune, metre, round(felt * metre.pulse, 1), seconds, mood)
        yield Piece(tune.source, excerpt, PROGRAMS[drawn % len(PROGRAMS)])
        drawn += 1
        if drawn == count:
            return


def _excerpt(tune: CorpusTune, metre: Metre, tempo: float, seconds: float, mood: str) -> Tune:
    """The beginning of a tune; a pickup stands at the end of a bar of its own."""
    lead = metre.quarters if tune.notes[0].onset < 0 else 0.0
    whole = lead + max(note.onset + note.duration for note in tune.notes)
    length = min(
        math.ceil(seconds * tempo / 60 / metre.quarters), math.ceil(whole / metre.quarters)
    )
    end = max(length, 1) * metre.quarters
    notes = tuple(
        replace(note, onset=note.onset + lead, duration=min(note.duration, end - note.onset - lead))
        for note in tune.notes
        if note.onset + lead < end
    )
    bar = round(metre.quarters * TICKS)
    written = [
        WrittenNote(round(n.onset * TICKS), round(n.duration * TICKS), n.pitch) for n in notes
    ]
    chords = estimate_chords(written, round(lead * TICKS), round(end * TICKS), bar)
    spans = tuple(ChordSpan(on / TICKS, ticks / TICKS, chord) for on, ticks, chord in chords)
    bars = round(end / metre.quarters)
    return Tune(tune.title, tune.tonic, tune.mode, tempo, metre, bars, mood, notes, spans)


def played_alone(piece: Piece) -> Sound:
    """The melody, played by the piece's own instrument."""
    score = symusic.Score(TICKS_PER_QUARTER)
    score.tempos.append(symusic.Tempo(0, qpm=piece.tune.tempo))
    track = symusic.Track(name="Melody", program=piece.program)
    for note in piece.tune.notes:
        track.notes.append(_midi_note(note))
    end = round(piece.tune.quarters * TICKS_PER_QUARTER)
    track.controls.append(symusic.ControlChange(end, 10, 64))  # Players go on until the last event.
    score.tracks.append(track)
    wave = midirenderer.render_wave_from(default_soundfont().read_bytes(), score.dumps_midi())
    sound, rate = soundfile.read(io.BytesIO(wave), dtype="float32", always_2d=True)
    mono = sound.mean(axis=1)
    return mono / max(float(np.abs(mono).max()), 1e-9), int(rate)


def played_in_full(piece: Piece) -> Sound:
    """The tune in the arrangement of its mood."""
    sound, rate = render_audio(piece.tune)
    return sound.mean(axis=1, dtype=np.float32) / np.float32(32768), rate


def _midi_note(note: Note) -> symusic.Note:
    start = round(note.onset * TICKS_PER_QUARTER)
    stop = round((note.onset + note.duration) * TICKS_PER_QUARTER)
    return symusic.Note(start, max(1, stop - start), note.pitch, 90)
