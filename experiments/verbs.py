"""What the verbs of the command line do: each gives a record for ``--json`` and lines to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from segue.envs.base.cache import file_digest
from segue.envs.base.errors import SegueError
from segue.envs.film.beat_tracking import beat_energy, grid_of_tune, read_mono
from segue.envs.film.beats import BeatGrid
from segue.envs.film.gate import film_files, open_media, require_audio
from segue.envs.film.sample_film import USER_LICENCE, sample_film
from segue.envs.film.titles import with_credits
from segue.envs.lead_sheet.types import Brief
from segue.envs.music.tune import Tune
from segue.experiments.compose import Composition, compose
from segue.experiments.compose_verb import board_line, tune_line
from segue.experiments.edit import EditResult, cut_film, write_film
from segue.experiments.edit_report import (
    show_on_board,
    sources_of,
    write_film_report,
    write_pictures,
)
from segue.experiments.manifest import Source, command_line, write_manifest
from segue.experiments.material import EditConfig, prepare
from segue.experiments.overrides import OPTION, read_assignments
from segue.experiments.progress import Tell, progress_bar
from segue.experiments.run_folder import RunFolder, write_config
from segue.experiments.tensorboard import Board
from segue.experiments.tune_files import show_tune, soundfont_source, write_tune

Outcome = tuple[dict[str, Any], list[str]]

DEMO_BRIEF = Brief("hopeful", 16)


def edit_verb(
    footage: Path, music: Path | None, config: EditConfig, out: Path | None, command: Sequence[str]
) -> Outcome:
    """``segue edit``."""
    if music is None:
        music = film_files(footage)[0]
    with open_media(music) as container:
        require_audio(container)
    film_files(footage)
    sound = [Source(music.name, USER_LICENCE, "", file_digest(music))]
    with progress_bar("editing") as tell:
        folder = RunFolder.create(None, "segue/Montage-v0", "edit", config.seed, out)
        return _edit(footage, music, config, folder, command, tell, sound)


def _edit(
    footage: Path,
    music: Path,
    config: EditConfig,
    folder: RunFolder,
    command: Sequence[str],
    tell: Tell,
    sound: Sequence[Source],
    composition: Composition | None = None,
    grid: BeatGrid | None = None,
) -> Outcome:
    """Cut, render and report; the second half of the demo as well."""
    try:
        material = prepare(footage, music, config, tell, grid)
    except SegueError:
        folder.discard_if_empty()
        raise
    write_config(folder, config)
    # A film made again in its folder starts its curves anew.
    with Board(folder.path, purge_step=0) as board:
        result = cut_film(material, config, folder, board, tell)
        sources = sources_of(result, sound)
        if config.credits:
            result = replace(result, edit=with_credits(result.edit, sources))
        paths = write_film(result.edit, folder.path, tell, config.workers)
        show_on_board(board, result, music, config.steps)
        if composition is not None:
            show_tune(board, composition, folder.path)
    settings = asdict(config)
    write_manifest(folder, command=command, seed=config.seed, config=settings, sources=sources)
    paths |= write_pictures(folder.path, result, paths["film.mp4"])
    paths["report.html"] = folder.path / "report.html"
    line = " ".join(command_line(command))
    write_film_report(
        paths["report.html"], result, paths["film.mp4"], music, sources, line, composition
    )
    agent = result.policies[0]
    record = {
        "run": str(folder.path),
        "files": {name: str(path) for name, path in paths.items()},
        "steps": config.steps,
        "mean_return": agent.mean,
        "fraction_of_bound": agent.mean / result.bound,
        "baselines": {one.name: one.mean for one in result.policies[1:]},
        "frames": result.edit.frames,
        "length": float(result.edit.seconds),
        "cuts": len(result.edit.cuts),
    }
    return record, [_film_line(result), *(f"{name}: {path}" for name, path in paths.items())]


def _film_line(result: EditResult) -> str:
    agent, *others = result.policies
    beside = ", ".join(f"{one.name} {one.mean:.3f}" for one in others)
    where = "shots kept from training" if result.held_out else "the training shots"
    return (
        f"{len(result.edit.cuts)} cuts, {float(result.edit.seconds):.2f} s; on test bins of "
        f"{where} the editor's return is {agent.mean:.3f} = {agent.mean / result.bound:.3f} of "
        f"the bound {result.bound:.3f} ({beside})"
    )


def demo_verb(
    footage: Path | None, steps: int, seed: int, out: Path | None, command: Sequence[str]
) -> Outcome:
    """``segue demo``: compose a tune and cut a film to it."""
    with progress_bar("demo") as tell:
        if footage is None:
            film = sample_film(progress=tell)
            footage = film.path
        film_files(footage)
        composition = compose(DEMO_BRIEF, seed, tell)
        folder = RunFolder.create(None, "segue", "demo", seed, out)
        tune = write_tune(composition, folder.path, tell)
        grid = tune_grid(composition.tune, tune["tune.wav"])
        config = replace(EditConfig(), seed=seed, steps=steps)
        wav = tune["tune.wav"]
        made = Source("tune.wav", "CC0-1.0", "composed by segue", file_digest(wav))
        record, lines = _edit(
            footage,
            wav,
            config,
            folder,
            command,
            tell,
            [made, soundfont_source(None)],
            composition,
            grid,
        )
    files = {name: str(path) for name, path in tune.items()} | record["files"]
    record = record | {"files": files, "tune_fraction_of_optimum": composition.fraction}
    places = [f"{name}: {path}" for name, path in files.items()]
    return record, [tune_line(composition), lines[0], *places, board_line(folder)]


def tune_grid(tune: Tune, wav: Path) -> BeatGrid:
    """Beats of a tune that segue composed: exact times, loudness from its sound.

    They are the felt ones: quarters, or in compound metre dotted quarters.
    """
    metre = tune.metre
    tempo, beats = tune.tempo / metre.pulse, tune.bars * metre.pulses
    exact = grid_of_tune(tempo, beats, metre.pulses)
    energy = beat_energy(read_mono(wav), exact.times).astype(np.float32)
    return grid_of_tune(tempo, beats, metre.pulses, energy)


def bench_verb(
    which: Sequence[str],
    config: Path | None,
    assignments: Sequence[str],
    out: Path,
    command: Sequence[str],
    quiet: bool,
    summaries: tuple[Path | None, Path | None, Sequence[Path], Path | None] = (
        None,
        None,
        (),
        None,
    ),
) -> Outcome:
    """``segue bench``; the tables of speed are printed unless `quiet`.

    `summaries` are what `summary_table.summary_files` takes, for highlight.
    """
    from segue.experiments import bench, tables
    from segue.experiments.summary_table import summary_files

    files = summary_files(*summaries)
    speeds = [name for name in which if name not in tables.TABLES]
    for name in speeds:
        if name not in bench.PARTS:
            known = ", ".join((*bench.PARTS, *tables.TABLES))
            raise SegueError(f"There is no benchmark {name!r}; choose from {known}.")
    chosen = [name for name in which if name in tables.TABLES]
    if config is not None and len(chosen) != 1:
        raise SegueError(f"{config} has the settings of one table; name that table alone.")
    if assignments and not chosen:
        raise SegueError(
            f"Benchmarks of speed have no settings; leave {OPTION} out, or name one of "
            f"{', '.join(tables.TABLES)}."
        )
    # All of them first: a wrong setting should be known before hours of training.
    studies = {}
    for name in chosen:
        given = read_assignments(assignments, tables.STUDIES.get(name, tables.SeedStudy))
        studies[name] = tables.read_study(name, config, given)
    record: dict[str, Any] = {}
    if speeds or not which:
        record |= bench.measure(speeds) if quiet else bench.bench(speeds)
    lines: list[str] = []
    for name, study in studies.items():
        made = tables.make_table(name, out, study, command, files)
        record[name] = made["figures"]
        lines += [made["markdown"], *made["files"]]
    return record, lines
