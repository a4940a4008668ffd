"""What words of a brief make of a tune: fields understood, and measurements of the results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import symusic

from segue.envs.base.errors import SegueError
from segue.envs.music.brief.defaults import understand
from segue.envs.music.brief.reading import read
from segue.envs.music.brief.types import Understanding
from segue.envs.music.midi import midi_bytes
from segue.envs.music.musicxml import musicxml_bytes
from segue.envs.music.scales import MODES, scale_classes
from segue.envs.music.tune import Tune
from segue.experiments.compose_wish import chord_tones, compose_wish, melodist_of
from segue.experiments.progress import Tell

MORE = ("tempo", "major", "density", "register")
"""What of two tunes may be compared."""


@dataclass(frozen=True)
class BriefCase:
    """A brief and what a person reads in it.

    Attributes
    ----------
    name, text : str
        What it is called, and the brief.
    asks : mapping of str to Any
        Fields of `segue.envs.music.brief.types.Wish`, or ``seconds``, and their values.
    """

    name: str
    text: str
    asks: Mapping[str, Any]


@dataclass(frozen=True)
class BriefPair:
    """Two briefs, by name, the first of which asks for more of something, one of `MORE`."""

    one: str
    other: str
    more: str


@dataclass(frozen=True)
class BriefsStudy:
    """Settings of the table; its own are in ``configs/study__briefs.yaml``.

    Attributes
    ----------
    seeds : int
        Tunes of each brief; measurements are their means.
    briefs : tuple of BriefCase
        What is asked for.
    pairs : tuple of BriefPair
        Which of them are compared.
    by : str
        Who composes: ``"attention"`` or ``"q-learning"``.

    Raises
    ------
    SegueError
        If there is no seed, two briefs have one name, or a pair names what is not there.
    """

    seeds: int
    briefs: tuple[BriefCase, ...]
    pairs: tuple[BriefPair, ...]
    by: str = "attention"

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise SegueError(f"seeds is {self.seeds}; give at least one.")
        names = {brief.name for brief in self.briefs}
        if len(names) < len(self.briefs):
            raise SegueError("Two briefs have one name; give each its own.")
        for pair in self.pairs:
            if not {pair.one, pair.other} <= names:
                raise SegueError(f"The pair {pair.one}, {pair.other} names no two briefs.")
            if pair.more not in MORE:
                raise SegueError(f"A pair differs in {pair.more!r}; give one of {', '.join(MORE)}.")


def measure_tune(tune: Tune) -> dict[str, float]:
    """Measure a tune on its MIDI file.

    Returns
    -------
    dict of str to float
        ``tempo`` (quarter notes a minute), ``density`` (onsets of the melody a quarter note),
        ``register`` (mean MIDI pitch of the melody), ``in mode`` and ``in parallel`` (share of
        its notes in the scale of the key, and in the minor or major one on the same tonic),
        ``major`` (share of its notes in the major scale less that in the minor one).
    """
    score = symusic.Score.from_midi(midi_bytes(tune))
    pitches = np.array([note.pitch for note in score.tracks[0].notes])

    def share(mode: str) -> float:
        return float(np.isin(pitches % 12, list(scale_classes(tune.tonic, mode))).mean())

    parallel = "major" if 3 in MODES[tune.mode] else "minor"
    return {
        "tempo": float(score.tempos[0].qpm),
        "density": len(pitches) / tune.quarters,
        "register": float(pitches.mean()),
        "in mode": share(tune.mode),
        "in parallel": share(parallel),
        "major": share("major") - share("minor"),
    }


def measure_briefs(study: BriefsStudy, tell: Tell) -> dict[str, Any]:
    """Understand and compose every brief, twice, and compare the pairs.

    Returns
    -------
    dict
        ``briefs``: by name, ``text``, ``right`` and ``wrong`` fields of those asked for,
        ``unknown`` words, ``content`` (count of words), the measurements of `measure_tune`,
        ``chord tones`` (share of the notes) and ``same`` (whether MIDI and MusicXML of the
        second time are equal, byte by byte). ``pairs``: each with both measurements and ``holds``.
    """
    rows: dict[str, dict[str, Any]] = {}
    for index, case in enumerate(study.briefs):
        tell(index / len(study.briefs), case.name)
        rows[case.name] = _row(case, study.seeds, study.by)
    pairs = []
    for pair in study.pairs:
        one, other = (rows[name][pair.more] for name in (pair.one, pair.other))
        pairs.append(
            {"one": pair.one, "other": pair.other, "more": pair.more}
            | {"values": [one, other], "holds": one > other}
        )
    return {"briefs": rows, "pairs": pairs}


def _row(case: BriefCase, seeds: int, by: str) -> dict[str, Any]:
    understanding = understand(read(case.text))
    right = [name for name, value in case.asks.items() if value_of(understanding, name) == value]
    measured, same = [], True
    for seed in range(seeds):
        made, again = (
            compose_wish(understanding.wish, seed, melodist=melodist_of(by)) for _ in range(2)
        )
        measured.append(measure_tune(made.tune) | {"chord tones": chord_tones(made.tune)})
        same &= all(write(made.tune) == write(again.tune) for write in (midi_bytes, musicxml_bytes))
    means = {name: float(np.mean([one[name] for one in measured])) for name in measured[0]}
    return {
        "text": case.text,
        "right": right,
        "wrong": [name for name in case.asks if name not in right],
        "unknown": list(understanding.reading.unknown),
        "content": understanding.reading.content,
        **means,
        "same": same,
    }


def value_of(understanding: Understanding, name: str) -> Any:
    """A field of the wish, or something else that was said."""
    if hasattr(understanding.wish, name):
        return getattr(understanding.wish, name)
    said = understanding.reading.said.get(name)
    return said.value if said else None


def briefs_markdown(figures: Mapping[str, Any]) -> str:
    """Write the figures as Markdown."""
    head = ["brief", "fields", "unknown", "tempo", "in mode", "in parallel", "onsets a quarter"]
    head += ["mean pitch", "chord tones", "same file"]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    rows = figures["briefs"]
    for row in rows.values():
        right, asked = len(row["right"]), len(row["right"]) + len(row["wrong"])
        cells = [row["text"].replace("|", "\\|"), f"{right} of {asked}"]
        cells += [", ".join(row["unknown"]), f"{row['tempo']:.0f}", f"{row['in mode']:.2f}"]
        cells += [f"{row['in parallel']:.2f}", f"{row['density']:.2f}", f"{row['register']:.1f}"]
        cells += [f"{row['chord tones']:.2f}", "yes" if row["same"] else "no"]
        lines.append(f"| {' | '.join(cells)} |")
    right = sum(len(row["right"]) for row in rows.values())
    asked = right + sum(len(row["wrong"]) for row in rows.values())
    unknown = sum(len(row["unknown"]) for row in rows.values())
    content = sum(row["content"] for row in rows.values())
    lines += [
        "",
        f"{right} of {asked} fields understood as asked; {content - unknown} of {content} words "
        "known.",
        "",
        "| pair | more | first | second | holds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for pair in figures["pairs"]:
        one, other = (f"{value:.2f}" for value in pair["values"])
        holds = "yes" if pair["holds"] else "no"
        lines.append(
            f"| {pair['one']}, {pair['other']} | {pair['more']} | {one} | {other} | {holds} |"
        )
    return "\n".join(lines) + "\n"
