"""The verb ``check``."""

from __future__ import annotations

from typing import Annotated

import typer

from segue.experiments.cli_shared import AsJson, finish


def check(
    env: Annotated[str, typer.Argument(help="Gymnasium id, or module:id.")],
    options: Annotated[
        str | None,
        typer.Option(help="Of the environment: a YAML or JSON mapping, or a file of one."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Longest time of a check, in seconds.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Check an environment, one's own or another's; exit code 1 where it has faults."""
    from segue.experiments.check_verb import check_verb

    record, lines, code = check_verb(env, options, seconds)
    finish(record, lines, as_json)
    raise typer.Exit(code)
