"""Tables of results: what agents reach, trained on the spot, as Markdown and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments import (
    demonstrations_table,
    imitation_study,
    melody_table,
    montage_table,
    strangers_table,
    summary_table,
)
from segue.experiments.counterpoint_table import counterpoint_markdown, measure_counterpoint
from segue.experiments.highlight_table import highlight_markdown, measure_highlight
from segue.experiments.imitation_table import imitation_markdown, imitation_picture
from segue.experiments.progress import Tell, progress_bar
from segue.experiments.summary_table import SummaryFiles

TABLES = (
    "counterpoint",
    "demonstrations",
    "finished-edit",
    "highlight",
    "montage",
    "rl-tuner",
    "strangers",
)
"""What there are tables of."""

RUNS = Path("runs")
SEEDS = 20
"""Of tabular Q-learning in counterpoint and highlight."""


def make_table(
    name: str,
    out: Path,
    seeds: int | None,
    command: Sequence[str],
    summaries: SummaryFiles | None = None,
) -> dict[str, Any]:
    """Train the agents of a table and write it.

    Parameters
    ----------
    name : str
        One of `TABLES`.
    out : Path
        Folder for ``<name>.md``, ``<name>.json`` and a picture, if there is one; made if missing.
    seeds : int or None
        Seeds of each agent; None for the table's own number.
    command : sequence of str
        What was called, for the table's foot.
    summaries : SummaryFiles or None
        What highlight evaluates on TVSum beside; None for nothing.

    Returns
    -------
    dict
        ``figures``, ``markdown`` and the ``files`` written.

    Raises
    ------
    SegueError
        If `seeds` is not positive or the folder cannot be written.
    """
    if seeds is not None and seeds < 1:
        raise SegueError(f"seeds is {seeds}; give at least one.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SegueError(f"{out} cannot be made ({error.strerror}); name another folder.") from None
    paths = [out / f"{name}.md", out / f"{name}.json"]
    with ExitStack() as written:
        # Opened first: that they cannot be written should be known before hours of training.
        page, record = (written.enter_context(atomic_path(path)) for path in paths)
        with progress_bar(name) as tell:
            if name == "highlight":
                figures, text = _highlight(seeds, summaries, tell)
            else:
                figures, text = _MAKERS[name](seeds, command, tell)
        page.write_text(f"{text}\nMade by `{' '.join(command)}`.\n")
        record.write_text(json.dumps(figures, indent=1) + "\n")
        if name in _PICTURES:
            paths.append(out / f"{name}.svg")
            picture = written.enter_context(atomic_path(paths[-1]))
            picture.write_text(_PICTURES[name](figures))
    return {"figures": figures, "markdown": text, "files": [str(path) for path in paths]}


def _counterpoint(seeds: int | None, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    del command
    figures = measure_counterpoint(seeds or SEEDS, tell=tell)
    return figures, counterpoint_markdown(figures)


def _highlight(seeds: int | None, summaries: SummaryFiles | None, tell: Tell) -> tuple[Any, str]:
    # First what depends on files, which may be wrong.
    evaluated = summary_table.measure_summaries(summaries, tell) if summaries else None
    figures = measure_highlight(seeds or SEEDS, tell=tell)
    text = highlight_markdown(figures)
    if evaluated is not None:
        figures["summaries"] = evaluated
        text += "\n" + summary_table.summary_markdown(evaluated)
    return figures, text


def _rl_tuner(seeds: int | None, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    rows = melody_table.measure(RUNS / "rl-tuner", command, tell, seeds or melody_table.SEEDS)
    # JSON has no word for what cannot be told, such as the share of no leaps.
    figures = {
        row.name: [
            {key: None if math.isnan(value) else value for key, value in seed.items()}
            for seed in row.seeds
        ]
        for row in rows
    }
    return figures, melody_table.markdown(rows)


def _finished_edit(seeds: int | None, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    del command
    count = seeds or demonstrations_table.SEEDS
    rows = demonstrations_table.measure(tell, count)
    return demonstrations_table.figures(rows), demonstrations_table.markdown(rows, count)


def _montage(seeds: int | None, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    count = seeds or montage_table.SEEDS
    found = montage_table.measure_montage(RUNS / "montage", command, tell, count)
    return found, montage_table.montage_markdown(found)


def _demonstrations(seeds: int | None, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    figures = imitation_study.measure_demonstrations(
        RUNS / "demonstrations", command, tell, seeds or imitation_study.SEEDS
    )
    return figures, imitation_markdown(figures)


def _strangers(seeds: int | None, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    figures = strangers_table.measure_strangers(command, tell, seeds or strangers_table.SEEDS)
    return figures, strangers_table.strangers_markdown(figures)


_MAKERS = {
    "counterpoint": _counterpoint,
    "demonstrations": _demonstrations,
    "finished-edit": _finished_edit,
    "montage": _montage,
    "rl-tuner": _rl_tuner,
    "strangers": _strangers,
}

_PICTURES = {"demonstrations": imitation_picture}
