"""From a recording to a tune: the whole of hearing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.beat_tracking import SAMPLE_RATE, Progress, read_mono, track_beats
from segue.envs.hearing.grid import beat_positions, written_chords, written_melody
from segue.envs.hearing.harmony import beat_chords, chroma_frames, pitch_class_frames
from segue.envs.hearing.labels import find_key_and_mode, nearest_mood
from segue.envs.hearing.melody import melody_notes, onset_events
from segue.envs.hearing.metre import accents, choose, count_beats, pulse_of, readings
from segue.envs.hearing.note_model import model_path, polyphonic_evidence
from segue.envs.hearing.single_pitch import monophonic_evidence
from segue.envs.hearing.tatum import Tatum, find_tatum
from segue.envs.hearing.types import Floats, Heard, HeardNote, PitchEvidence, Pulse
from segue.envs.music.corpus.layout import LONGEST_TITLE
from segue.envs.music.corpus.types import CorpusTune

FEWEST_NOTES = 4
"""Notes that a melody must have."""

LEAST_SURE = 0.3
"""Mean evidence that its notes must have."""

_SHORTEST = 1.0  # Seconds.
_QUIETEST = 1e-4  # Root mean square, full scale being 1: -80 dB.
_STEPS = (0.15, 0.8, 0.9)
_TRACKED = 0.5  # Confidence of beats that no tatum supports.
_ONSETS = 0.65, 0.3  # Evidence of an onset: of the network, of pYIN with the sound's onsets.


def hear(
    path: Path | str,
    *,
    source: str | None = None,
    licence: str = "unknown",
    progress: Progress | None = None,
) -> Heard:
    """Listen to a recording: melody, chords, beats, metre, key, mode, tempo and mood.

    Takes about a twentieth of the recording's length on one core, and less than 400 MB of memory
    for ten minutes.

    Parameters
    ----------
    path : Path or str
        Any file that `segue.envs.film.gate.open_media` opens and that has sound, at most an hour.
    source : str or None
        Where it comes from; None for the file's name.
    licence : str
        As `segue.envs.music.corpus.types.CorpusTune.licence`.
    progress : callable or None
        Told the share done and the stage.

    Returns
    -------
    Heard
        The same for the same file.

    Raises
    ------
    SegueError
        If the file cannot be read, or no melody or no beat can be heard in it.
    """
    path = Path(path)
    tell = progress or (lambda share, text: None)
    tell(0.0, f"listening to {path.name}")
    sound = read_mono(path)
    evidence = hear_pitches(sound, path, _part(tell, _STEPS[0], _STEPS[1]))
    notes = melody_notes(evidence)
    sure = _mean_confidence(notes)
    if len(notes) < FEWEST_NOTES or sure < LEAST_SURE:
        raise _nothing(path)
    if evidence.is_polyphonic:
        frames = pitch_class_frames(evidence)
    else:
        frames = chroma_frames(sound, _part(tell, _STEPS[1], _STEPS[2]))
    tell(_STEPS[2], f"finding the beats of {path.name}")
    pulse = hear_pulse(path, evidence, notes, frames[0])
    chords, _ = beat_chords(frames, pulse.beats)
    melody = written_melody(notes, pulse)
    harmony = written_chords(chords, pulse)
    tonic, mode, key = find_key_and_mode(melody, harmony)
    certainty = {"melody": sure, "beats": pulse.confidence, "key": key}
    tune = CorpusTune(
        title=" ".join(path.stem.replace("_", " ").split())[:LONGEST_TITLE],
        source=source or path.name,
        licence=licence,
        tonic=tonic,
        mode=mode,
        metre=pulse.metre,
        tempo=round(pulse.tempo * pulse.quarters, 2),
        pickup=0.0,
        notes=melody,
        chords=harmony,
        confidence=round(min(certainty.values()), 4),
    )
    span = beat_positions(np.array([notes[0].start, notes[-1].end]), pulse)
    mood = nearest_mood(mode, pulse.tempo, len(melody) / max(float(span[1] - span[0]), 1.0))
    tell(1.0, f"{len(melody)} notes")
    start = _first_barline(tune)
    first_beat = round(start / pulse.quarters)
    length = len(sound) / SAMPLE_RATE
    return Heard(_begun(tune, start), mood, certainty, notes, pulse, first_beat, length)


def hear_pitches(
    sound: npt.NDArray[np.float32], path: Path, progress: Progress | None = None
) -> PitchEvidence:
    """Evidence of pitches, by the network where it is installed, else of one pitch at a time.

    Raises
    ------
    SegueError
        If the sound is silent or shorter than a second; `path` is what to name.
    """
    if len(sound) < _SHORTEST * SAMPLE_RATE:
        raise _nothing(path)
    power = np.mean(np.square(sound, dtype=np.float64))
    if not np.isfinite(power) or np.sqrt(power) < _QUIETEST:
        raise _nothing(path)
    model = model_path()
    if model is None:
        return monophonic_evidence(sound, progress)
    return polyphonic_evidence(sound, model, progress)


def hear_pulse(
    path: Path,
    evidence: PitchEvidence,
    melody: tuple[HeardNote, ...],
    pitch_classes: Floats,
) -> Pulse:
    """Beats and metre: from the notes where these keep to a grid, else from the sound itself.

    Raises
    ------
    SegueError
        If there is no beat.
    """
    onsets = onset_events(evidence, _ONSETS[0 if evidence.is_polyphonic else 1])
    tatum = find_tatum(onsets[0], onsets[1])
    found = [] if tatum is None else readings(accents(tatum, onsets, melody, pitch_classes))
    if tatum is not None and found:
        return pulse_of(choose(found), tatum, onsets[0])
    grid = Tatum(track_beats(path).times, _TRACKED)
    if len(grid.times) < FEWEST_NOTES or not len(onsets[0]):
        raise _nothing(path)
    return pulse_of(count_beats(accents(grid, onsets, melody, pitch_classes)), grid, onsets[0])


def _first_barline(tune: CorpusTune) -> float:
    """Quarter notes to the barline before the first note, or to that after a pickup."""
    bar = tune.bar_quarters
    bars, missing = divmod(tune.notes[0].onset, bar)
    # Less than half a bar before a barline is a pickup to it.
    return (bars + (missing > bar / 2)) * bar


def _begun(tune: CorpusTune, start: float) -> CorpusTune:
    """The tune with `start`, in quarter notes, at 0, and what comes before as its pickup."""
    notes = tuple(replace(note, onset=note.onset - start) for note in tune.notes)
    end = np.ceil((notes[-1].onset + notes[-1].duration) / tune.bar_quarters) * tune.bar_quarters
    chords = []
    for span in tune.chords:
        onset = max(span.onset - start, min(notes[0].onset, 0.0))
        stop = float(min(span.onset + span.duration - start, end))
        if stop > onset:
            chords.append(replace(span, onset=onset, duration=stop - onset))
    return replace(tune, notes=notes, chords=tuple(chords), pickup=max(0.0, -notes[0].onset))


def _mean_confidence(notes: tuple[HeardNote, ...]) -> float:
    """Mean confidence of notes by their length."""
    lengths = np.array([note.end - note.start for note in notes])
    if not len(lengths):
        return 0.0
    return float(np.average([note.confidence for note in notes], weights=lengths))


def _nothing(path: Path) -> SegueError:
    return SegueError(f"No melody could be heard in {path}; give a recording of music.")


def _part(tell: Progress, start: float, end: float) -> Progress:
    return lambda share, text: tell(start + (end - start) * share, text)
