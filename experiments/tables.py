"""Tables of results: what agents reach, trained on the spot, as Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import Any

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments.overrides import OPTION, with_settings
from segue.experiments.progress import progress_bar
from segue.experiments.summary_table import SummaryFiles
from segue.experiments.table_makers import MAKERS, PICTURES, make_highlight
from segue.experiments.table_studies import STUDIES as STUDIES
from segue.experiments.table_studies import SeedStudy as SeedStudy
from segue.experiments.table_studies import Study as Study
from segue.experiments.typed_yaml import load_yaml

TABLES = (
    "attention",
    "briefs",
    "counterpoint",
    "demonstrations",
    "finished-edit",
    "frontier",
    "generators",
    "growth",
    "hearing",
    "highlight",
    "montage",
    "rl-tuner",
    "strangers",
)
"""What there are tables of."""


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
                figures, text = make_highlight(study, summaries, tell)
            else:
                figures, text = MAKERS[name](study, command, tell)
        page.write_text(f"{text}\nMade by `{' '.join(command)}`.\n")
        record.write_text(json.dumps(figures, indent=1) + "\n")
        if name in PICTURES:
            paths.append(out / f"{name}.svg")
            picture = written.enter_context(atomic_path(paths[-1]))
            picture.write_text(PICTURES[name](figures))
    return {"figures": figures, "markdown": text, "files": [str(path) for path in paths]}
