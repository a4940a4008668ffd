"""Tables of results: what agents reach, trained on the spot, as Markdown and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import resources
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
from segue.experiments.imitation_study import DemonstrationStudy
from segue.experiments.imitation_table import imitation_markdown, imitation_picture
from segue.experiments.melody_table import RLTunerStudy
from segue.experiments.montage_table import MontageStudy
from segue.experiments.overrides import OPTION, with_settings
from segue.experiments.progress import Tell, progress_bar
from segue.experiments.strangers_table import StrangersStudy
from segue.experiments.summary_table import SummaryFiles
from segue.experiments.typed_yaml import load_yaml

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


@dataclass(frozen=True)
class SeedStudy:
    """Settings of a table that has no others; its own are in ``configs/study__<table>.yaml``.

    Attributes
    ----------
    seeds : int
        Runs of each agent.
    """

    seeds: int

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise SegueError(f"seeds is {self.seeds}; give at least one.")


Study = SeedStudy | DemonstrationStudy | MontageStudy | RLTunerStudy | StrangersStudy

STUDIES: Mapping[str, type[Study]] = {
    "demonstrations": DemonstrationStudy,
    "montage": MontageStudy,
    "rl-tuner": RLTunerStudy,
    "strangers": StrangersStudy,
}
"""Records of settings, by table; the others have a `SeedStudy`."""


def read_study(name: str, config: Path | None, settings: Mapping[str, Any]) -> Study:
    """Read the settings of a table.

    Parameters
    ----------
    name : str
        One of `TABLES`.
    config : Path or None
        YAML file; None for what comes with segue.
    settings : mapping of str to Any
        What stands in place of the file's, by path of the field.

    Raises
    ------
    SegueError
        If the file cannot be read, or a field is unknown or out of its range.
    """
    cls = STUDIES.get(name, SeedStudy)
    own = resources.files("segue.experiments") / "configs" / f"study__{name}.yaml"
    with resources.as_file(own) as file:
        return with_settings(load_yaml(config or file, cls), settings, OPTION)


def make_table(
    name: str,
    out: Path,
    study: Study,
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
    study : Study
        As of `read_study`.
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
        If the folder cannot be written.
    """
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
                figures, text = _highlight(study, summaries, tell)
            else:
                figures, text = _MAKERS[name](study, command, tell)
        page.write_text(f"{text}\nMade by `{' '.join(command)}`.\n")
        record.write_text(json.dumps(figures, indent=1) + "\n")
        if name in _PICTURES:
            paths.append(out / f"{name}.svg")
            picture = written.enter_context(atomic_path(paths[-1]))
            picture.write_text(_PICTURES[name](figures))
    return {"figures": figures, "markdown": text, "files": [str(path) for path in paths]}


def _counterpoint(study: Study, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    del command
    figures = measure_counterpoint(study.seeds, tell=tell)
    return figures, counterpoint_markdown(figures)


def _highlight(study: Study, summaries: SummaryFiles | None, tell: Tell) -> tuple[Any, str]:
    # First what depends on files, which may be wrong.
    evaluated = summary_table.measure_summaries(summaries, tell) if summaries else None
    figures = measure_highlight(study.seeds, tell=tell)
    text = highlight_markdown(figures)
    if evaluated is not None:
        figures["summaries"] = evaluated
        text += "\n" + summary_table.summary_markdown(evaluated)
    return figures, text


def _rl_tuner(study: Study, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    assert isinstance(study, RLTunerStudy)
    rows = melody_table.measure(RUNS / "rl-tuner", command, tell, study)
    # JSON has no word for what cannot be told, such as the share of no leaps.
    figures = {
        row.name: [
            {key: None if math.isnan(value) else value for key, value in seed.items()}
            for seed in row.seeds
        ]
        for row in rows
    }
    return figures, melody_table.markdown(rows)


def _finished_edit(study: Study, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    del command
    rows = demonstrations_table.measure(tell, study.seeds)
    return demonstrations_table.figures(rows), demonstrations_table.markdown(rows, study.seeds)


def _montage(study: Study, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    assert isinstance(study, MontageStudy)
    found = montage_table.measure_montage(RUNS / "montage", command, tell, study)
    return found, montage_table.montage_markdown(found)


def _demonstrations(study: Study, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    assert isinstance(study, DemonstrationStudy)
    folder = RUNS / "demonstrations"
    figures = imitation_study.measure_demonstrations(folder, command, tell, study)
    return figures, imitation_markdown(figures)


def _strangers(study: Study, command: Sequence[str], tell: Tell) -> tuple[Any, str]:
    assert isinstance(study, StrangersStudy)
    figures = strangers_table.measure_strangers(command, tell, study)
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
