"""What ``segue compose`` does: a record for ``--json`` and lines to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from segue.envs.base.errors import SegueError
from segue.envs.lead_sheet.types import Brief
from segue.envs.music.audio import check_soundfont
from segue.envs.music.brief.telling import record as understood_record
from segue.envs.music.brief.types import Understanding
from segue.experiments.brief_words import UNDERSTOOD, understood_lines, write_understood
from segue.experiments.compose import Composition, compose
from segue.experiments.compose_wish import chord_tones, compose_wish, melodist_of, model_sources
from segue.experiments.manifest import write_manifest
from segue.experiments.progress import progress_bar
from segue.experiments.run_folder import RunFolder
from segue.experiments.tensorboard import Board
from segue.experiments.tune_files import show_tune, soundfont_source, write_tune

Outcome = tuple[dict[str, Any], list[str]]


def compose_verb(
    brief: Brief | Understanding,
    seed: int,
    soundfont: Path | None,
    out: Path | None,
    command: Sequence[str],
    chords: str | None = None,
    by: str | None = None,
) -> Outcome:
    """``segue compose``; `chords` stand beside words, `by` is as for `melodist_of`."""
    in_words = isinstance(brief, Understanding)
    if by == "attention" and not in_words:
        raise SegueError("the attention model composes what words ask for; give some, too.")
    melodist = melodist_of(by or ("attention" if in_words else "q-learning"))
    if soundfont is not None:
        check_soundfont(soundfont)
    with progress_bar("composing") as tell:
        if isinstance(brief, Understanding):
            composition = compose_wish(brief.wish, seed, tell, chords, melodist)
            config = {"text": brief.reading.text, "chords": chords} | asdict(brief.wish)
        else:
            composition = compose(brief, seed, tell)
            config = asdict(brief)
        folder = RunFolder.create(None, "segue/LeadSheet-v0", "compose", seed, out)
        sources = [soundfont_source(soundfont)]
        if melodist is not None:
            sources += model_sources()
        write_manifest(folder, command=command, seed=seed, config=config, sources=sources)
        paths = write_tune(composition, folder.path, tell, soundfont)
        if isinstance(brief, Understanding):
            paths[UNDERSTOOD] = write_understood(brief, seed, folder.path)
        # A tune made again in its folder starts its curves anew.
        with Board(folder.path, purge_step=0) as board:
            show_tune(board, composition, folder.path)
            board.sound("tune/sound", paths["tune.wav"], composition.steps)
    record: dict[str, Any] = {
        "run": str(folder.path),
        "files": {name: str(path) for name, path in paths.items()},
        "chord_tones": chord_tones(composition.tune),
    }
    if melodist is None:
        record |= {
            "steps": composition.steps,
            "mean_return": composition.value,
            "fraction_of_optimum": composition.fraction,
            "greedy": composition.greedy,
            "random": composition.random,
        }
    lines: list[str] = []
    if isinstance(brief, Understanding):
        record["brief"] = understood_record(brief)
        lines = understood_lines(brief)
    places = [f"{name}: {path}" for name, path in paths.items()]
    return record, [*lines, tune_line(composition), *places, board_line(folder)]


def tune_line(composition: Composition) -> str:
    """Say how good a tune is."""
    tune = composition.tune
    if composition.by == "attention":
        share = 100 * chord_tones(tune)
        return f"{tune.title}: by the attention model, {share:.0f} % of its notes are chord tones"
    return (
        f"{tune.title}: return {composition.value:.2f} = {composition.fraction:.4f} of the exact "
        f"optimum {composition.optimum:.2f} (greedy {composition.greedy:.2f}, "
        f"random {composition.random:.2f})"
    )


def board_line(folder: RunFolder) -> str:
    """Say how to see a run in TensorBoard."""
    return f"TensorBoard: tensorboard --logdir {folder.path}"
