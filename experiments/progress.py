"""How far long work has come, told on stderr so that stdout stays for data."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

Tell = Callable[[float, str], None]
"""Called with the share done, in [0, 1], and what is being done."""


@contextmanager
def progress_bar(description: str) -> Iterator[Tell]:
    """Show a bar while the block runs; it goes when the block ends.

    Where stderr is not a terminal, a plain line is printed whenever the work enters another stage
    or another quarter. Two texts that differ only in their numbers are one stage.

    Parameters
    ----------
    description : str
        What the whole work is.

    Yields
    ------
    callable
        To be told the share done and the stage.
    """
    if sys.stderr.isatty():
        yield from _bar(Console(stderr=True), description)
    else:
        yield _lines(description)


def _bar(console: Console, description: str) -> Iterator[Tell]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[stage]}", markup=False, style="dim"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(description, total=1.0, stage="")

        def tell(share: float, text: str) -> None:
            progress.update(task, completed=min(max(share, 0.0), 1.0), stage=text)

        yield tell


def _lines(description: str) -> Tell:
    last: list[tuple[str, int]] = []

    def tell(share: float, text: str) -> None:
        quarter = int(min(max(share, 0.0), 1.0) * 4)
        now = (re.sub(r"\d+", "0", text), quarter)
        if last != [now]:
            last[:] = [now]
            print(f"{description}: {25 * quarter} % {text}".rstrip(), file=sys.stderr, flush=True)

    return tell
