"""What ``segue sample`` does: melodies by the attention model, free, from a motif, in a gap."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from segue.agents.generators.conditions import METRES, Conditions
from segue.agents.generators.melody_model import MelodyModel
from segue.agents.generators.pretrained import pretrained_model
from segue.agents.generators.reader import Plan
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import Tokens
from segue.envs.melody.sequences import Sequence16, encode_tune
from segue.envs.melody.tokens import fit, notes_of
from segue.envs.melody.types import FIRST_ONSET, HOLD, NOTE_OFF
from segue.envs.music.chords import Chord
from segue.envs.music.corpus.midi_process import MidiProcess
from segue.envs.music.corpus.reading import read_file
from segue.envs.music.metre import Metre
from segue.envs.music.midi import write_midi
from segue.envs.music.moods import mood
from segue.envs.music.musicxml import write_musicxml
from segue.envs.music.piano_roll import write_piano_roll
from segue.envs.music.tune import ChordSpan, Note, Tune
from segue.experiments.attention_run import MODEL
from segue.experiments.manifest import write_manifest
from segue.experiments.progress import progress_bar
from segue.experiments.run_folder import RunFolder, write_text

Outcome = tuple[dict[str, Any], list[str]]

_MINOR = ("minor", "dorian", "phrygian")
_TEMPO = 100.0
_ALONE = (100, 0, 0, 0, 0)


@dataclass(frozen=True)
class Asked:
    """What is asked of melodies.

    Attributes
    ----------
    model : Path or None
        Run of ``segue train attention``, or its file; None for the model that comes with segue.
    count, bars, seed : int
        Melodies, bars of each, seed.
    mode, metre : str
        Such as ``"dorian"`` and ``"6/8"``; a motif's own where there is one.
    density : float or None
        Onsets a quarter.
    temperature, nucleus : float
        As `MelodyModel.sample`.
    motif : Path or None
        File of written music, with whose first tune every melody begins.
    gap : str or None
        Bars of that tune, such as ``"5-8"``, that are written anew instead.
    """

    model: Path | None
    count: int
    bars: int
    seed: int
    mode: str
    metre: str
    density: float | None
    temperature: float
    nucleus: float
    motif: Path | None
    gap: str | None


@dataclass(frozen=True)
class _Motif:
    """A tune to go on with, as the model reads it, and by how much it was moved."""

    sequence: Sequence16
    shift: int
    tonic: int


def sample_verb(asked: Asked, out: Path | None, command: Sequence[str]) -> Outcome:
    """``segue sample``."""
    torch.set_num_threads(1)
    model = _model(asked.model)
    motif = None if asked.motif is None else _motif(asked.motif)
    if asked.gap is not None and motif is None:
        raise SegueError("--gap says which bars of a tune to write anew; name it with --motif.")
    plan = _plan(asked, motif)
    if asked.count < 1:
        raise SegueError(f"{asked.count} melodies cannot be written; ask for 1 or more.")
    if asked.seed < 0:
        raise SegueError(f"seed is {asked.seed}; give a whole number from 0 on.")
    rng = np.random.default_rng(asked.seed)
    with progress_bar("writing melodies") as tell:
        tell(0.0, f"{asked.count} melodies")
        tokens = _written(asked, model, plan, motif, rng)
        folder = RunFolder.create(None, "melodies", "attention", asked.seed, out)
        config = {name: str(value) for name, value in vars(asked).items()}
        write_manifest(folder, command=command, seed=asked.seed, config=config, sources=[])
        nats = -model.log_likelihood(plan, tokens) / plan.length
        files = []
        for number, row in enumerate(tokens):
            tell(number / len(tokens), f"melody {number + 1}")
            tune = _tune(row, plan, motif, f"Melody {number + 1}")
            stem = folder.path / f"melody_{number + 1:03d}"
            write_midi(tune, stem.with_suffix(".mid"))
            write_musicxml(tune, stem.with_suffix(".musicxml"))
            write_piano_roll(tune, stem.with_suffix(".png"))
            files.append(str(stem.with_suffix(".mid")))
    record = {
        "run": str(folder.path),
        "files": files,
        "nats": nats.tolist(),
        "tokens": tokens.tolist(),
    }
    write_text(folder.path / "melodies.json", json.dumps(record) + "\n")
    lines = [
        f"{file}: {value:.3f} nats a sixteenth"
        for file, value in zip(files, nats.tolist(), strict=True)
    ]
    return record, [*lines, f"MIDI, MusicXML and piano rolls: {folder.path}"]


def _model(path: Path | None) -> MelodyModel:
    if path is None:
        return pretrained_model()
    return MelodyModel.load(path / MODEL if path.is_dir() else path)


def _motif(path: Path) -> _Motif:
    """Read the first tune of a file."""
    with MidiProcess() as midi:
        reading = read_file(path, midi)
    if not reading.tunes:
        raise SegueError(reading.problems[0] if reading.problems else f"{path} holds no tune.")
    tune = reading.tunes[0]
    sequence, shift = encode_tune(tune), fit(tune)
    if sequence is None or shift is None:
        raise SegueError(
            f"The first tune of {path} does not fit on the grid of sixteenths from C3 to B5, or "
            "has fewer than four notes; give another motif."
        )
    return _Motif(sequence, shift, tune.tonic)


def _plan(asked: Asked, motif: _Motif | None) -> Plan:
    conditions = Conditions(mode=asked.mode, metre=_metre(asked.metre), density=asked.density)
    if motif is None:
        beats, unit = _metre(asked.metre)
        bar = 16 * beats // unit
        return Plan(max(0, asked.bars) * bar, bar, conditions=conditions)
    tune = motif.sequence
    known = Conditions(
        mode=tune.mode if tune.mode != "harmonic_minor" else "minor",
        metre=tune.metre if tune.metre in METRES else None,
        density=asked.density,
    )
    length = asked.bars * tune.bar - tune.start
    if asked.gap is not None:
        length = len(tune.tokens)
    return Plan(max(0, length), tune.bar, tune.start, known)


def _metre(text: str) -> tuple[int, int]:
    known = {f"{beats}/{unit}": (beats, unit) for beats, unit in METRES}
    if text not in known:
        raise SegueError(f"The model knows no metre {text!r}; give one of {', '.join(known)}.")
    return known[text]


def _written(
    asked: Asked,
    model: MelodyModel,
    plan: Plan,
    motif: _Motif | None,
    rng: np.random.Generator,
) -> Tokens:
    if asked.gap is not None and motif is not None:
        first, last = _gap(asked.gap, motif.sequence)
        before, after = motif.sequence.tokens[:first], motif.sequence.tokens[last:]
        filled = [
            model.fill(
                plan,
                before,
                after,
                rng,
                temperature=asked.temperature,
                nucleus=asked.nucleus,
            )
            for _ in range(asked.count)
        ]
        return np.stack(filled)
    begun: npt.NDArray[np.int8] = np.zeros(0, dtype=np.int8)
    if motif is not None:
        begun = _without_end(motif.sequence.tokens)
    return model.sample(
        plan,
        asked.count,
        rng,
        temperature=asked.temperature,
        nucleus=asked.nucleus,
        motif=begun,
    )


def _gap(text: str, tune: Sequence16) -> tuple[int, int]:
    """First sixteenth of the bars that are named, and the first behind them."""
    found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", text.strip())
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    begin = max(0, (first - 1) * tune.bar - tune.start)
    end = min(last * tune.bar - tune.start, len(tune.tokens))
    if not 1 <= first <= last or begin >= end:
        raise SegueError(
            f"--gap {text} names no bars of the tune, which has {tune.bars}; write it as 5-8."
        )
    return begin, end


def _without_end(tokens: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """A motif up to the end of its last note, so that the melody can go on there."""
    last = int(np.flatnonzero(tokens >= FIRST_ONSET)[-1])
    events = np.flatnonzero(tokens[last + 1 :] != HOLD)
    return tokens[: last + 1 + int(events[0])] if len(events) else tokens


def _tune(tokens: Tokens, plan: Plan, motif: _Motif | None, title: str) -> Tune:
    """A melody as a tune for the writers of files, which begins with a whole bar."""
    shift, tonic = (motif.shift, motif.tonic) if motif else (0, 0)
    lead = plan.start / 4
    row = tokens.copy()
    row[0] = NOTE_OFF if row[0] == HOLD else row[0]
    notes = tuple(
        Note(note.onset + lead, note.duration, note.pitch - shift) for note in notes_of(row)
    )
    mode = plan.conditions.mode or "major"
    metre = plan.conditions.metre or (4, 4)
    bars = -(-(plan.start + plan.length) // plan.bar)
    written = Metre(*metre)
    quality = "min" if mode in _MINOR else "maj"
    # The tonic chord stands for the key; only the melody is heard.
    style = replace(mood("hopeful"), bass="none", drums="none", pad_program=None, volumes=_ALONE)
    return Tune(
        title=title,
        tonic=tonic,
        mode=mode,
        tempo=_TEMPO,
        metre=written,
        bars=bars,
        mood="hopeful",
        notes=notes,
        chords=(ChordSpan(0.0, bars * written.quarters, Chord(tonic, quality)),),
        style=style,
    )
