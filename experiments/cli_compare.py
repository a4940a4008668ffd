"""``segue compare`` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.experiments.cli_shared import AsJson, command, finish


def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs of segue train, or folders that hold some.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for what is written; default in runs/compare/.")
    ] = None,
    bc: Annotated[
        bool,
        typer.Option(help="Train behaviour cloning, a baseline, where there is none beside them."),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Compare agents over their seeds: intervals, probability of improvement, pictures, CSV."""
    from segue.experiments.compare import compare_verb

    record, lines = compare_verb(runs, out, bc, command())
    finish(record, lines, as_json)
