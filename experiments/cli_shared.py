"""What every verb of the command line shares: options, and how it ends."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

BEGAN = time.perf_counter()

Out = Annotated[Path | None, typer.Option(help="Folder of the run; default a new one in runs/.")]
Seed = Annotated[int, typer.Option(help="Seed; the same seed gives the same result.")]
AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON line on stdout.")]


def finish(record: dict[str, Any], lines: list[str], as_json: bool) -> None:
    """Print what came out, as lines for people or as one JSON line."""
    if as_json:
        typer.echo(json.dumps({"seconds": round(time.perf_counter() - BEGAN, 3)} | record))
    else:
        for line in lines:
            typer.echo(line)


def command() -> list[str]:
    """How segue was started, for manifests."""
    return ["segue", *sys.argv[1:]]
