"""How well recordings are heard: tunes of the corpora's test split, played by a soundfont.

Nothing of segue was set by these tunes. Each is played twice, at a drawn tempo: its melody alone
by one of sixteen instruments, and in the arrangement of one of the moods.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile

from segue.envs.base.errors import SegueError
from segue.envs.film.beat_tracking import read_mono, track_beats
from segue.envs.hearing.melody import melody_notes
from segue.envs.hearing.note_model import INSTALL, model_path
from segue.envs.hearing.single_pitch import monophonic_evidence
from segue.envs.hearing.transcribe import hear
from segue.envs.hearing.types import Heard, HeardNote
from segue.envs.music.corpus.library import load_corpus
from segue.envs.music.tune import Tune
from segue.experiments.hearing_material import Piece, draw_pieces, played_alone, played_in_full
from segue.experiments.hearing_measures import (
    BEAT_WINDOW,
    beat_f,
    chord_share,
    note_f,
    same_tempo,
)
from segue.experiments.progress import Tell

KINDS = ("alone", "arranged")
"""How each tune is played."""

TARGETS = {("alone", "notes"): 0.90, ("arranged", "chords"): 0.90, ("arranged", "tempo"): 0.95}
"""What is to be reached."""

_ROWS = {
    "notes": "notes of the melody, F (onset within 50 ms)",
    "notes_pyin": "the same by pYIN, without the network",
    "chords": "chords, share of the time (root, major or minor)",
    "tempo": "tempo within 2 %, no octave off",
    "tempo_tracker": "the same by the beat tracker of films alone",
    "beats": "beats, F (within 70 ms)",
    "metre": "metre",
    "tonic": "tonic",
    "real_time": "time it took, over the recording's",
}


@dataclass(frozen=True)
class HearingStudy:
    """Settings of the table; its own are in ``configs/study__hearing.yaml``.

    Attributes
    ----------
    tunes : int
        Of the test split.
    seconds : float
        Length of each recording, about.
    seed : int
        Of what is drawn.
    """

    tunes: int
    seconds: float
    seed: int = 0

    def __post_init__(self) -> None:
        if self.tunes < 1 or not 5 <= self.seconds <= 600:
            raise SegueError("The table needs at least one tune, and 5 to 600 seconds of each.")


def measure_hearing(study: HearingStudy, tell: Tell) -> dict[str, Any]:
    """Play tunes, listen, and compare.

    Parameters
    ----------
    study : HearingStudy
        Settings.
    tell : callable
        Told the share done and the stage.

    Returns
    -------
    dict
        ``tunes``; by kind of `KINDS` the means, and ``pieces`` with the figures of each.

    Raises
    ------
    SegueError
        If the network that hears several voices is not installed.
    """
    if model_path() is None:
        raise SegueError(f"The network that hears several voices is not installed; {INSTALL}.")
    tunes = load_corpus(progress=tell).split("test")
    pieces: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        file = Path(folder) / "recording.wav"
        drawn = draw_pieces(tunes, study.tunes, study.seconds, study.seed)
        for number, piece in enumerate(drawn):
            tell(number / study.tunes, "listening to tunes")
            row = {"source": piece.source, "program": piece.program, "mood": piece.tune.mood}
            pieces.append(row | {kind: _measure(piece, kind, file) for kind in KINDS})
    means = {kind: _means([piece[kind] for piece in pieces]) for kind in KINDS}
    return {"tunes": len(pieces), **means, "pieces": pieces}


def hearing_markdown(figures: Mapping[str, Any]) -> str:
    """The table as Markdown."""
    lines = [
        f"# Hearing recordings\n\n{figures['tunes']} tunes of the test split, played alone and "
        "arranged.\n",
        "| | melody alone | arranged | asked for |",
        "| --- | --- | --- | --- |",
    ]
    for key, words in _ROWS.items():
        cells = [_cell(figures[kind].get(key)) for kind in KINDS]
        asked = [f"{least:g} ({kind})" for (kind, row), least in TARGETS.items() if row == key]
        lines.append(f"| {words} | {cells[0]} | {cells[1]} | {', '.join(asked)} |")
    return "\n".join([*lines, ""])


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _measure(piece: Piece, kind: str, file: Path) -> dict[str, float]:
    """Figures of one recording."""
    tune = piece.tune
    sound, rate = (played_alone if kind == "alone" else played_in_full)(piece)
    soundfile.write(file, sound, rate, subtype="PCM_16")
    began = time.perf_counter()
    try:
        heard = hear(file)
    except SegueError:
        return {"notes": 0.0, "tempo": 0.0, "beats": 0.0, "metre": 0.0, "tonic": 0.0}
    spent = time.perf_counter() - began
    figures = {
        "notes": note_f(_truth(tune), _onsets(heard.notes)),
        "tempo": float(same_tempo(tune.tempo, heard.tune.tempo)),
        "tempo_tracker": float(same_tempo(tune.tempo / tune.metre.pulse, track_beats(file).tempo)),
        "beats": _beats(tune, heard),
        "metre": float(_same_metre(tune, heard)),
        "tonic": float(heard.tune.tonic == tune.tonic),
        "real_time": spent / heard.seconds,
    }
    if kind == "alone":
        single = melody_notes(monophonic_evidence(read_mono(file)))
        figures["notes_pyin"] = note_f(_truth(tune), _onsets(single))
    else:
        figures["chords"] = _chords(tune, heard)
    return figures


def _truth(tune: Tune) -> list[tuple[float, int]]:
    return [(note.onset * 60 / tune.tempo, note.pitch) for note in tune.notes]


def _onsets(notes: Sequence[HeardNote]) -> list[tuple[float, int]]:
    return [(note.start, note.pitch) for note in notes]


def _beats(tune: Tune, heard: Heard) -> float:
    """F of the felt beats between the first note and the last."""
    beat = 60 / tune.tempo * tune.metre.pulse
    truth = np.arange(0, round(tune.seconds / beat) + 1, dtype=np.float64) * beat
    edges = [note.onset * 60 / tune.tempo for note in (tune.notes[0], tune.notes[-1])]
    low, high = edges[0] - BEAT_WINDOW, edges[1] + BEAT_WINDOW
    found = heard.pulse.beats
    return beat_f(truth[(truth >= low) & (truth <= high)], found[(found >= low) & (found <= high)])


def _same_metre(tune: Tune, heard: Heard) -> bool:
    """Whether beats and their division agree; a bar of 2/2 may be heard as two of 2/4."""
    metre, (beats, unit) = tune.metre, heard.tune.metre
    if metre.unit == 2:
        return unit == 4 and beats in (2, 4)
    return (metre.beats, metre.unit) == (beats, unit)


def _chords(tune: Tune, heard: Heard) -> float:
    truth = [
        (span.onset * 60 / tune.tempo, (span.onset + span.duration) * 60 / tune.tempo, span.chord)
        for span in tune.chords
    ]
    spans = heard.tune.chords
    starts = heard.moments([span.onset for span in spans])
    ends = heard.moments([span.onset + span.duration for span in spans])
    found = [
        (start, end, span.chord)
        for start, end, span in zip(starts.tolist(), ends.tolist(), spans, strict=True)
    ]
    return chord_share(truth, found)


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each figure; a recording in which nothing was heard has none but zeros."""
    keys = {key for row in rows for key in row}
    found = {key: [row[key] for row in rows if key in row] for key in sorted(keys)}
    return {
        key: fmean(value for value in values if not np.isnan(value))
        for key, values in found.items()
        if not all(np.isnan(value) for value in values)
    }
