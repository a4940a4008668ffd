"""What is audited: the melody rewards, and passages of tunes that nothing was fitted to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segue.envs.base.errors import SegueError
from segue.envs.lead_sheet import types as lead_sheet
from segue.envs.lead_sheet.env import LeadSheet
from segue.envs.lead_sheet.generator import piece_from_changes, to_actions, transposition
from segue.envs.lead_sheet.types import Piece
from segue.envs.melody import types as melody
from segue.envs.melody.corpus_prior import corpus_prior
from segue.envs.melody.env import Melody
from segue.envs.melody.tokens import LEAST_ONSETS, encode_windows
from segue.envs.music.corpus.defaults import DEFAULT_NAMES
from segue.envs.music.corpus.gate import Progress
from segue.envs.music.corpus.library import load_corpus
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.metre import Metre
from segue.envs.music.scales import MODES
from segue.envs.music.tune import Note
from segue.experiments.audit import Part, Subject
from segue.experiments.audit_rivals import Lines, Passages, written_by

JUDGE = "segue.agents.generators.pretrained:scorer"

MELODY_PRESETS: dict[str, tuple[str, str | None, str | None]] = {
    "segue": ("segue", "corpus", None),
    "segue-judged": ("segue", "corpus", JUDGE),
    "rl-tuner": ("rl-tuner", "corpus", None),
    "rl-tuner-rules": ("rl-tuner", None, None),
}
"""The arguments `reward`, `prior` and `judge` of `segue/Melody-v0` by preset."""

LEAD_SHEET = "lead-sheet"
"""The reward of `segue/LeadSheet-v0`."""

PRESETS = (*MELODY_PRESETS, LEAD_SHEET)
"""What can be audited."""

BARS = 8
"""Length of a passage over chords."""

MOST_UNPLAYABLE = 0.1
"""Share of a passage's notes that may be illegal, such as those outside its key and chords. With
more, what the environment would play is no longer what was written."""

_PIECES = 256  # In one environment, whose tables grow with them.


class NoPassagesError(SegueError):
    """No held-out tune has a passage that suits the preset."""


def held_out(names: Sequence[str] | None, progress: Progress | None = None) -> list[CorpusTune]:
    """Tunes of collections that neither the prior nor anybody's choice of settings has seen.

    Of all groups of variants among the default collections and those named, the ones are left out
    in which any tune lies in the default collections' training or validation split. So of a
    default collection its test split stays, and of another one every tune that is no copy or
    variant of what was trained or tuned on.

    Parameters
    ----------
    names : sequence of str or None
        Collections; None for the default ones.
    progress : callable or None
        Told the share done and the stage.

    Raises
    ------
    SegueError
        If a collection is unknown or nothing in it is held out.
    """
    chosen = tuple(dict.fromkeys(DEFAULT_NAMES if names is None else names))
    default = load_corpus(None, progress)
    seen = {tune.source for split in ("train", "validation") for tune in default.split(split)}
    corpus = load_corpus((*DEFAULT_NAMES, *chosen), progress)
    pairs = list(zip(corpus.tunes, corpus.groups, strict=True))
    known = {group for tune, group in pairs if tune.source in seen}
    # A source begins with the collection's name, which holds no slash.
    found = [
        tune
        for tune, group in pairs
        if group not in known and tune.source.partition("/")[0] in chosen
    ]
    if not found:
        raise SegueError(
            f"No tune of {', '.join(chosen)} is held out; add others that are no variants of the "
            "default collections' with segue corpus add."
        )
    return found


def build(
    preset: str, tunes: Sequence[CorpusTune], most: int | None, generator: np.random.Generator
) -> Subject:
    """Make the subject of one preset.

    Parameters
    ----------
    preset : str
        One of `PRESETS`.
    tunes : sequence of CorpusTune
        Held-out tunes.
    most : int or None
        Passages, drawn from all that there are; None for all.
    generator : numpy Generator
        Draws them.

    Raises
    ------
    SegueError
        For another preset; `NoPassagesError` when the tunes have no passage that suits it.
    """
    if preset in MELODY_PRESETS:
        return _melody_subject(preset, tunes, most, generator)
    if preset == LEAD_SHEET:
        return _lead_sheet_subject(tunes, most, generator)
    raise SegueError(f"Unknown preset {preset!r}; choose one of {', '.join(PRESETS)}.")


def _melody_subject(
    preset: str, tunes: Sequence[CorpusTune], most: int | None, generator: np.random.Generator
) -> Subject:
    windows = [encode_windows(tune) for tune in tunes]
    numbers = np.repeat(np.arange(len(tunes)), [len(found) for found in windows])
    if not len(numbers):
        raise NoPassagesError(
            "The held-out tunes have no two bars of 4/4 or 2/2 in a major key on a grid of "
            f"sixteenths, which {preset} needs; choose other collections with --corpus."
        )
    kept = _drawn(len(numbers), most, generator)
    lines = np.concatenate(windows)[kept].astype(np.int64)
    # Windows are in C, which the lowest pitch is.
    scale = np.isin(np.arange(melody.PITCHES) % 12, MODES["major"])
    passages = Passages(
        lines,
        np.broadcast_to(scale, (len(lines), melody.PITCHES)),
        np.zeros(len(lines), dtype=np.int64),
    )
    draws = generator.integers(2**63, size=len(lines), dtype=np.uint64)
    reward, prior, judge = MELODY_PRESETS[preset]
    part = Part(Melody(reward, prior, judge=judge), passages, draws, numbers[kept])
    return Subject(preset, (part,), more=(written_by(corpus_prior),))


def _lead_sheet_subject(
    tunes: Sequence[CorpusTune], most: int | None, generator: np.random.Generator
) -> Subject:
    found = [
        (piece, line, number)
        for number, tune in enumerate(tunes)
        for piece, line in chord_passages(tune)
    ]
    if not found:
        raise NoPassagesError(
            f"The held-out tunes have no {BARS} bars with chords, which {LEAD_SHEET} needs; choose "
            "other collections with --corpus."
        )
    by_metre = defaultdict(list)
    for index in _drawn(len(found), most, generator):
        by_metre[found[index][0].metre].append(found[index])
    parts = [
        _playable(_lead_sheet_part(passages[begin : begin + _PIECES]))
        for passages in by_metre.values()
        for begin in range(0, len(passages), _PIECES)
    ]
    shown = sum(len(part.tunes) for part in parts)
    left_out = sum(map(len, by_metre.values())) - shown
    if not shown:
        raise NoPassagesError(
            f"None of the {left_out} passages of the held-out tunes keeps to key and chords, which "
            f"{LEAD_SHEET} needs; choose other collections with --corpus."
        )
    return Subject(LEAD_SHEET, tuple(part for part in parts if len(part.tunes)), left_out)


def _lead_sheet_part(found: Sequence[tuple[Piece, Lines, int]]) -> Part:
    pieces = [piece for piece, _, _ in found]
    classes = (lead_sheet.LOW + np.arange(lead_sheet.PITCHES)) % 12
    scales = [np.isin((classes - piece.tonic) % 12, MODES[piece.mode]) for piece in pieces]
    tonics = [(piece.tonic - lead_sheet.LOW) % 12 for piece in pieces]
    passages = Passages(
        np.stack([line for _, line, _ in found]), np.stack(scales), np.array(tonics, dtype=np.int64)
    )
    return Part(
        LeadSheet(pieces=pieces),
        passages,
        np.arange(len(pieces), dtype=np.uint64),  # Each line over its own chords.
        np.array([number for _, _, number in found], dtype=np.int64),
    )


def _playable(part: Part) -> Part:
    """Leave out lines of which more than `MOST_UNPLAYABLE` of the onsets are illegal."""
    lines = part.passages.lines
    batch = part.task.allocate(len(lines))
    part.task.begin(batch, np.arange(len(lines)), part.draws)
    illegal = np.zeros(len(lines), dtype=np.int64)
    for actions in lines.T:
        legal = np.take_along_axis(batch.mask, actions[:, None], axis=1)[:, 0] == 1
        illegal += ~legal & (actions >= melody.FIRST_ONSET)
        part.task.step(batch, np.ascontiguousarray(actions))
    kept = illegal <= MOST_UNPLAYABLE * (lines >= melody.FIRST_ONSET).sum(axis=1)
    passages = Passages(lines[kept], part.passages.scales[kept], part.passages.tonics[kept])
    return replace(part, passages=passages, draws=part.draws[kept], tunes=part.tunes[kept])


def chord_passages(tune: CorpusTune) -> list[tuple[Piece, Lines]]:
    """Cut a tune with chords into passages of `BARS` bars for `segue/LeadSheet-v0`.

    They follow each other from the first barline on; each is moved into the middle of the range.
    Left out is what has fewer than `LEAST_ONSETS` onsets on the grid of eighths, or no chord.
    Nothing is asked of rhythm, motif, arch and cadences, so these terms are 0.
    """
    try:
        metre = Metre(*tune.metre)
    except SegueError:
        return []
    found: list[tuple[Piece, Lines]] = []
    length = BARS * metre.quarters
    end = max((note.onset + note.duration for note in tune.notes), default=0.0)
    for number in range(int(end / length + 1e-3)):
        begin = number * length
        notes = [
            Note(note.onset - begin, note.duration, note.pitch)
            for note in tune.notes
            if begin <= note.onset < begin + length
        ]
        spans = [
            replace(span, onset=span.onset - begin)
            for span in tune.chords
            if span.onset < begin + length and span.onset + span.duration > begin
        ]
        if not spans:
            continue
        shift = transposition(notes)
        piece = piece_from_changes(spans, tune.tonic, tune.mode, metre, BARS, transpose=shift)
        line = to_actions(notes, piece, shift)
        if (line >= melody.FIRST_ONSET).sum() >= LEAST_ONSETS:
            found.append((piece, line))
    return found


def _drawn(count: int, most: int | None, generator: np.random.Generator) -> list[int]:
    """Indices of at most so many of `count`, in order."""
    if most is None or most >= count:
        return list(range(count))
    return sorted(generator.choice(count, size=most, replace=False).tolist())
