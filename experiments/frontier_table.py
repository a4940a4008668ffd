"""Harmony, diversity and copying of a model tuned by an adversary: ``segue bench frontier``.

The three are told together, since each is easily had at the cost of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.agents.deep.checkpoint_files import read_checkpoints, write_checkpoint
from segue.agents.generators.attention import MelodyAttention
from segue.agents.generators.passages import Passages, note_in_chord, passages
from segue.agents.generators.pretrained import pretrained_model
from segue.agents.generators.tuning import Tuning, TuningConfig, write_over
from segue.envs.base.errors import SegueError
from segue.envs.melody.tokens import notes_of
from segue.envs.melody.types import FIRST_ONSET
from segue.envs.music.corpus.library import load_corpus
from segue.envs.music.metrics.interval_index import IntervalIndex
from segue.envs.music.metrics.originality import run_range
from segue.envs.music.metrics.vendi import vendi_score_of_melodies
from segue.experiments.attention_run import tunes_of
from segue.experiments.compose_wish import model_sources
from segue.experiments.manifest import write_manifest
from segue.experiments.melody_figures import copied_runs
from segue.experiments.progress import Tell
from segue.experiments.run_folder import RunFolder, write_config

CHORDED = ("bach",)
"""Collections whose harmony is known."""

HARMONY, DIVERSITY = 0.10, 0.90
"""More notes in their chords than maximum likelihood, and share of its Vendi score, at least."""

_CHECKPOINT_EVERY = 10

LIKELY = "maximum likelihood"
ADVERSARY = "tuned by its adversary"
HARMONY_TOO = "tuned for harmony, too"
"""Rows of the table."""

Figures = dict[str, Any]


@dataclass(frozen=True)
class FrontierStudy:
    """Settings of the table; its own are in ``configs/study__frontier.yaml``.

    Attributes
    ----------
    seeds : int
        Models tuned.
    split : str
        Tunes whose chords are written over: ``"test"``, or ``"validation"`` to choose settings.
    melodies : int
        Melodies over each passage.
    harmony_weight : float
        As in `TuningConfig`, of the models that are tuned for harmony, too.
    tuning : TuningConfig
        How they are tuned.

    Raises
    ------
    SegueError
        If a number is too small or there is no such split.
    """

    seeds: int
    split: str = "test"
    melodies: int = 3
    harmony_weight: float = 1.0
    tuning: TuningConfig = field(default_factory=TuningConfig)

    def __post_init__(self) -> None:
        if min(self.seeds, self.melodies) < 1:
            raise SegueError("seeds and melodies of the table must be at least one each.")
        if self.split not in ("validation", "test"):
            raise SegueError(f"split is {self.split!r}; give validation or test.")


@dataclass(frozen=True)
class Yardstick:
    """What melodies are measured against.

    Attributes
    ----------
    people : Passages
        Held-out passages, over whose chords is written.
    index : IntervalIndex
        The training tunes.
    copied : int
        Notes that the longest copied run of 95 % of people's passages does not exceed.
    """

    people: Passages
    index: IntervalIndex
    copied: int


def measure_frontier(
    study: FrontierStudy, folder: Path, command: Sequence[str], tell: Tell
) -> Figures:
    """Tune models and measure what they write over held-out chords.

    Parameters
    ----------
    study : FrontierStudy
        How many, and how.
    folder : Path
        Holds a run for each seed; what is there is gone on with.
    command : sequence of str
        For the manifests.
    tell : callable
        Told the share done and a text.
    """
    torch.set_num_threads(1)
    stick = yardstick(study.split)
    shown = tunes_of(CHORDED, "train")
    people = passages(shown)
    likely = pretrained_model().network
    plans = {
        ADVERSARY: study.tuning,
        HARMONY_TOO: replace(study.tuning, harmony_weight=study.harmony_weight),
    }
    found: dict[str, list[Figures]] = {
        "people, held out": [_figures(stick.people.tokens, stick.people.chords, stick)],
        LIKELY: [_written(likely, stick, study.melodies, seed) for seed in range(study.seeds)],
    }
    for number, (name, config) in enumerate(plans.items()):
        for seed in range(study.seeds):

            def part(share: float, text: str, at: int = number * study.seeds + seed) -> None:
                tell((at + share) / (2 * study.seeds), text)

            path = folder / f"{name.replace(' ', '-').replace(',', '')}__{seed}"
            network = tuned(config, people, seed, path, command, part)
            row = _written(network, stick, study.melodies, seed)
            found.setdefault(name, []).append(row)
    return {"rows": found, "copied": stick.copied, "passages": len(stick.people)}


def yardstick(split: str) -> Yardstick:
    """Read the default corpora."""
    corpus = load_corpus()
    index = IntervalIndex.build([[n.pitch for n in tune.notes] for tune in corpus.split("train")])
    people = passages(tunes_of(CHORDED, "test" if split == "test" else "validation"))
    return Yardstick(people, index, run_range(copied_runs(index, people.tokens)))


def tuned(
    config: TuningConfig,
    people: Passages,
    seed: int,
    path: Path,
    command: Sequence[str],
    tell: Tell,
) -> MelodyAttention:
    """Tune a model in a run's folder, or go on there."""
    run = Tuning(pretrained_model(), config, people, seed)
    folder = RunFolder.create(None, "", "", seed, path)
    for _, tree in read_checkpoints(folder.checkpoints):
        run.load_state(tree["model"])
        break
    else:
        write_config(folder, config)
        settings = asdict(config)
        sources = model_sources()
        write_manifest(folder, command=command, seed=seed, config=settings, sources=sources)
    while not run.finished:
        told = run.update()
        tell(run.step / config.updates, f"{told['note_in_chord']:.2f} of the notes in their chords")
        if run.step % _CHECKPOINT_EVERY == 0 or run.finished:
            write_checkpoint(folder.checkpoints, "Tuning", run.state(), {})
    return run.network


def _written(network: MelodyAttention, stick: Yardstick, melodies: int, seed: int) -> Figures:
    """Figures of melodies that a model writes over each held-out passage."""
    asked = stick.people.rows(np.repeat(np.arange(len(stick.people)), melodies))
    tokens = write_over(network, asked.chords, asked.minor, np.random.default_rng([seed, 1]))
    return _figures(tokens, asked.chords, stick)


def _figures(tokens: Any, chords: Any, stick: Yardstick) -> Figures:
    # Of as many melodies each, since the score grows with their number.
    rows = np.random.default_rng(0).permutation(len(tokens))[: len(stick.people)]
    runs = np.array(copied_runs(stick.index, tokens))
    return {
        "note in chord": float(note_in_chord(tokens, chords).mean()),
        "vendi": vendi_score_of_melodies([notes_of(tokens[row]) for row in rows]),
        "copied": float((runs > stick.copied).mean()),
        "run": int(np.quantile(runs, 0.95, method="higher")),
        "distinct": len(np.unique(tokens, axis=0)) / len(tokens),
        "onsets": float((tokens >= FIRST_ONSET).sum(axis=1).mean()),
    }


_SHOWN = {
    "note in chord": ("notes that belong to their chord, %", 100.0, 1),
    "vendi": ("Vendi score", 1.0, 2),
    "run": ("95 % of the longest copied runs reach, notes", 1.0, 0),
    "copied": ("melodies beyond people's 95 %, %", 100.0, 1),
    "distinct": ("distinct melodies, %", 100.0, 1),
    "onsets": ("notes a melody", 1.0, 1),
}


def frontier_markdown(figures: Figures) -> str:
    """Table of what `measure_frontier` found: mean over the seeds, least and greatest."""
    rows = figures["rows"]
    lines = ["| | " + " | ".join(rows) + " |", "| --- |" + " ---: |" * len(rows)]
    for name, (title, scale, digits) in _SHOWN.items():
        cells = [_cell([scale * seed[name] for seed in seeds], digits) for seeds in rows.values()]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    said = []
    for name in (ADVERSARY, HARMONY_TOO):
        pairs = list(zip(rows[LIKELY], rows[name], strict=True))
        gains = [after["note in chord"] - before["note in chord"] for before, after in pairs]
        kept = [after["vendi"] / before["vendi"] for before, after in pairs]
        said.append(
            f"- **{name}**: {_signed(gains)} of the notes more in their chords than maximum "
            f"likelihood, {_share(kept)} of its Vendi score."
        )
    return "\n".join(
        [
            *lines,
            "",
            *said,
            "",
            f"Four bars over the chords of {figures['passages']} held-out passages of chorales. "
            f"Wanted: {HARMONY:+.2f} and {100 * DIVERSITY:.0f} %, and copied runs as people's. An "
            "adversary asks for as much harmony as people have, and no more; more is only had "
            "where notes outside their chords cost something. Vendi scores are of as many "
            "melodies each. In brackets: the least and the greatest seed.",
            "",
        ]
    )


def _cell(values: Sequence[float], digits: int) -> str:
    mean = f"{np.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _signed(values: Sequence[float]) -> str:
    return f"{np.mean(values):+.3f} ({min(values):+.3f} to {max(values):+.3f})"


def _share(values: Sequence[float]) -> str:
    return f"{100 * np.mean(values):.0f} % ({100 * min(values):.0f} to {100 * max(values):.0f} %)"
