"""``segue report`` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.experiments.cli_shared import AsJson, command, finish


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Runs of segue train, edit or demo, or folders that hold some."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The page, .html; default a new one in runs/reports/.")
    ] = None,
    episodes: Annotated[
        int, typer.Option(help="Test episodes of each agent to show, from best to worst.")
    ] = 3,
    as_json: AsJson = False,
) -> None:
    """Write one page about runs that opens offline: tables, curves, what they made, failures."""
    from segue.experiments.run_report import report_verb

    record, lines = report_verb(runs, out, episodes, command())
    finish(record, lines, as_json)
