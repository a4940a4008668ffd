"""``segue compare``: what agents reached, side by side, and how sure that is."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments.compare_cloning import AGENT, EPISODES, clone_beside, found_beside
from segue.experiments.compare_figures import band_plot, interval_plot, profile_values
from segue.experiments.compare_runs import Group, Run, by_env, find_runs, grouped
from segue.experiments.compare_scores import (
    Measure,
    Pair,
    Row,
    measure_of,
    pair_record,
    pairs_of,
    row_record,
    rows_of,
)
from segue.experiments.compare_table import (
    EXPLAINED,
    bands_csv,
    intervals_csv,
    main_table,
    pair_table,
    pairs_csv,
    separation_lines,
)
from segue.experiments.figures import colours
from segue.experiments.manifest import command_line, hide_home, write_manifest
from segue.experiments.progress import Tell, progress_bar
from segue.experiments.run_folder import ROOT, RunFolder
from segue.experiments.separation import Separation, separation
from segue.experiments.statistics import (
    Band,
    Floats,
    band,
    interquartile_curve,
    on_grid,
    performance_profile,
)

Outcome = tuple[dict[str, Any], list[str]]

FORMAT = "segue.compare.v1"
POINTS = 101
"""Of each curve in a picture."""
BAND_RESAMPLES = 2_000
"""Of the bands in pictures, as in Agarwal et al. (2021); tables take many more."""


@dataclass(frozen=True)
class Comparison:
    """Everything about the agents on one environment.

    Attributes
    ----------
    env : str
        Gymnasium id.
    measure : Measure
        How returns become scores.
    rows : list of Row
        Agents, then baselines.
    pairs : list of Pair
        Every two of them.
    profiles, curves : mapping of str to (x, Band)
        Share of scores above a value, over values; and the interquartile mean of the training
        return over steps, of the agents that have such a curve.
    separation : Separation
        Training, tuning and testing.
    notes : list of str
        What else must be known.
    """

    env: str
    measure: Measure
    rows: list[Row]
    pairs: list[Pair]
    profiles: Mapping[str, tuple[Floats, Band]]
    curves: Mapping[str, tuple[Floats, Band]]
    separation: Separation
    notes: list[str]


def compare_verb(
    paths: Sequence[Path], out: Path | None, clone: bool, command: Sequence[str]
) -> Outcome:
    """Compare runs: tables on stdout, and with pictures, CSV and JSON in a folder.

    Parameters
    ----------
    paths : sequence of Path
        Runs of ``segue train``, or folders that hold some.
    out : Path or None
        Folder for what is written; None for a new one in ``runs/compare/``.
    clone : bool
        Whether behaviour cloning is trained where there is none beside the runs.
    command : sequence of str
        How it was started.

    Raises
    ------
    SegueError
        If there are no runs, they cannot be compared, or the folder cannot be written to.
    """
    with progress_bar("comparing") as tell:
        runs, left_out = find_runs(paths)
        if not runs:
            raise SegueError(f"there is nothing to compare: {left_out[0]}")
        found = [compare(of_env, clone, command, tell) for of_env in by_env(runs).values()]
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        folder = RunFolder.create(None, "", "", 0, out or ROOT / "compare" / stamp)
        config = {"runs": [str(run.path) for run in runs]}
        write_manifest(folder, command=command, seed=0, config=config, sources=())
        for one in found:
            _write_pictures(one, folder.path)
        said = _said(found, left_out)
        ending = f"Made by `{' '.join(map(hide_home, command_line(command)))}`."
        _write(folder.path / "compare.md", "\n".join(["# Comparison", "", *said, "", ending, ""]))
        record = _record(found, left_out)
        _write(folder.path / "compare.json", json.dumps(record, indent=1, allow_nan=False) + "\n")
    for one in found:
        for warning in one.separation.warnings:
            print(f"segue: {one.env}: {warning}", file=sys.stderr)
    for of_env in record["environments"].values():
        for row in of_env["rows"]:
            del row["scores"]  # A line is for reading; the file has them.
    written = f"pictures, CSV and JSON: {folder.path}"
    return {"out": str(folder.path), **record}, [*said, "", written]


def compare(runs: Sequence[Run], clone: bool, command: Sequence[str], tell: Tell) -> Comparison:
    """Compare runs of one environment, and behaviour cloning with them.

    Raises
    ------
    SegueError
        If they cannot be compared.
    """
    groups, notes = grouped(runs)
    if not any(group.runs[0].config.agent == AGENT for group in groups):
        runs, more = _with_cloning(runs, groups, clone, command, tell)
        groups, repeated = grouped(runs)
        notes = [*repeated, *more]
    env = runs[0].result.env
    measure = measure_of(runs[0].result)
    rows = rows_of(groups, measure, tell)
    if "greedy" not in runs[0].result.baselines:
        notes.append(f"{env} has no greedy policy.")
    curves, without = _curves(groups)
    if without:
        notes.append(f"No curve of training, of two points or more: {', '.join(without)}.")
    pairs = pairs_of(rows, tell)
    profiles, apart = _profiles(rows, measure), separation(groups, tell)
    return Comparison(env, measure, rows, pairs, profiles, curves, apart, notes)


def _with_cloning(
    runs: Sequence[Run], groups: Sequence[Group], clone: bool, command: Sequence[str], tell: Tell
) -> tuple[Sequence[Run], list[str]]:
    """Add runs of behaviour cloning, or say why there are none."""
    if near := found_beside(runs):
        return [*runs, *near], []
    if not clone:
        return runs, ["There is no run of behaviour cloning among these or beside them."]
    try:
        made = clone_beside(groups, command, tell)
    except SegueError as error:
        return runs, [f"There is no behaviour cloning: {error}"]
    place = os.path.relpath(made[0].path.parent)
    told = f"Behaviour cloning learnt from {EPISODES} episodes, for this table; its runs: {place}."
    return [*runs, *made], [told]


def _profiles(rows: Sequence[Row], measure: Measure) -> dict[str, tuple[Floats, Band]]:
    taus = profile_values([row.scores for row in rows], measure.bounded, POINTS)
    share = partial(performance_profile, taus=taus)
    return {
        row.label: (taus, band(row.scores, np.random.default_rng(0), share, BAND_RESAMPLES))
        for row in rows
    }


def _curves(groups: Sequence[Group]) -> tuple[dict[str, tuple[Floats, Band]], list[str]]:
    """Give the curves of the groups that have some, and the labels of the others."""
    found, without = {}, []
    for group in groups:
        results = [run.result for run in group.runs]
        kept = [(result.curve_steps, result.curve_returns) for result in results]
        grid, values = on_grid(kept, POINTS)
        if len(grid) < 2:
            without.append(group.label)
            continue
        generator = np.random.default_rng(0)
        # A curve is one run's from its first to its last step.
        of = band(values, generator, interquartile_curve, BAND_RESAMPLES, whole=True)
        found[group.label] = (grid, of)
    return found, without


def _write_pictures(one: Comparison, folder: Path) -> None:
    labels = [row.label for row in one.rows]
    palette = dict(zip(labels, colours(len(labels)), strict=True))
    lines = {row.label: row.iqm.value for row in one.rows if not row.trained}
    bars = {row.label: (row.iqm, row.whole) for row in one.rows if row.trained}
    name = file_name(one.env)
    label = f"IQM of the {one.measure.name}".replace(" (", "\n(")
    files = {
        "intervals.svg": interval_plot(bars, lines, label, palette),
        "intervals.csv": intervals_csv(one.rows, one.measure),
        "pairs.csv": pairs_csv(one.pairs),
        "profile.svg": band_plot(
            one.profiles, f"{one.measure.name}, tau", "share of scores above tau", palette
        ),
        "profile.csv": bands_csv(one.profiles, "tau", "share"),
    }
    if one.curves:
        raw = {f"{row.label}, test": row.returns for row in one.rows if not row.trained}
        files["curve.svg"] = band_plot(
            one.curves, "steps", "training return, IQM over seeds", palette, raw, steps=True
        )
        files["curve.csv"] = bands_csv(one.curves, "steps", "iqm")
    for end, text in files.items():
        _write(folder / f"{name}-{end}", text)


def file_name(env: str) -> str:
    """Name of an environment as the beginning of a file's."""
    return "".join(sign if sign.isalnum() or sign in "-." else "-" for sign in env)


def _said(found: Sequence[Comparison], left_out: Sequence[str]) -> list[str]:
    """Write Markdown of all environments."""
    lines: list[str] = []
    for one in found:
        name = file_name(one.env)
        pictures = ["intervals", "profile", *(["curve"] if one.curves else [])]
        lines += [
            f"## {one.env}",
            "",
            f"Scores: {one.measure.name}, on {one.rows[0].scores.shape[1]} test episodes.",
            "",
            *main_table(one.rows, one.measure),
            "",
            *pair_table(one.pairs),
            "",
            *(f"- {note}" for note in one.notes),
            *separation_lines(one.separation),
            "",
            " ".join(f"![{what}]({name}-{what}.svg)" for what in pictures),
            "",
        ]
    lines += [text for part in EXPLAINED for text in (part, "")]
    return [*lines, *(f"Left out: {reason}" for reason in left_out)]


def _record(found: Sequence[Comparison], left_out: Sequence[str]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "environments": {
            one.env: {
                "measure": one.measure.name,
                "rows": [row_record(row, one.measure.bounded) for row in one.rows],
                "pairs": [pair_record(pair) for pair in one.pairs],
                "separation": asdict(one.separation),
                "notes": one.notes,
            }
            for one in found
        },
        "left_out": list(left_out),
    }


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


__all__ = ["Comparison", "compare", "compare_verb"]
