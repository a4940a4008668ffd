"""What ``segue audit film`` does: the audit, its table and picture, and the folder of the run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.film.analysis import analyse
from segue.envs.film.shots import ShotTable
from segue.experiments.audit_tables import rate_cell
from segue.experiments.figures import win_rates
from segue.experiments.film_audit import FilmAudit, audit_films
from segue.experiments.progress import progress_bar
from segue.experiments.run_folder import RunFolder, Source, write_manifest


def film_verb(
    films: Sequence[Path], copies: int, seed: int, out: Path | None, command: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """Audit the montage reward on finished films and write the run folder.

    Parameters
    ----------
    films : sequence of Path
        Finished films, edits by people.
    copies : int
        Rivals of each kind for each passage.
    seed : int
        Of the rivals.
    out : Path or None
        Folder of the run; None for a new one in ``runs/``.
    command : sequence of str
        How it was started.

    Returns
    -------
    record : dict
        The audit and the files.
    lines : list of str
        The same as a table.

    Raises
    ------
    SegueError
        For a wrong argument, or a film that cannot be read or has too few shots.
    """
    if copies < 1 or seed < 0:
        raise SegueError(f"copies is {copies} and seed {seed}; give 1 or more, and 0 or more.")
    with progress_bar("audit") as tell:
        table = analyse(films, progress=tell)
    found = audit_films(table, copies, seed)
    folder = RunFolder.create(None, "film", "audit", seed, out)
    texts = {
        "audit-film.json": json.dumps(as_json(found), indent=2) + "\n",
        "audit-film.md": markdown(found),
        "audit-film.svg": win_rates(
            {term: [rate.share for rate in by.values()] for term, by in found.rates.items()},
            tuple(next(iter(found.rates.values()))),
        ),
    }
    for name, text in texts.items():
        with atomic_path(folder.path / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    config = {"films": [str(film) for film in films], "copies": copies}
    write_manifest(folder, command=command, seed=seed, config=config, sources=_sources(table))
    files = {name: str(folder.path / name) for name in texts}
    record = {"run": str(folder.path), "files": files, **as_json(found)}
    return record, [*markdown(found).splitlines(), *(f"{n}: {path}" for n, path in files.items())]


def as_json(found: FilmAudit) -> dict[str, Any]:
    """Record of an audit for ``--json``."""
    rates = {
        term: {name: asdict(rate) | {"interval": rate.interval()} for name, rate in by.items()}
        for term, by in found.rates.items()
    }
    return {
        "passages": found.passages,
        "films": found.films,
        "missed": list(found.missed),
        "means": found.means,
        "rates": rates if found.rates else {},
    }


def markdown(found: FilmAudit) -> str:
    """Mean returns, and the table of wins by term and comparison."""
    means = ", ".join(f"{name} {mean:.2f}" for name, mean in found.means.items())
    verdict = f"misses {', '.join(found.missed)}" if found.missed else "passes"
    names = list(next(iter(found.rates.values())))
    lines = [
        f"### `montage`: {found.passages:,} human passages of {found.films:,} films; {verdict}",
        "",
        f"Mean returns: {means}.",
        "",
        f"| term | {' | '.join(names)} |",
        "| --- |" + " --- |" * len(names),
    ]
    for number, (term, by) in enumerate(found.rates.items()):
        head = f"**{term}**" if number == 0 else term
        lines.append(f"| {head} | {' | '.join(rate_cell(rate) for rate in by.values())} |")
    return "\n".join(lines) + "\n"


def _sources(table: ShotTable) -> list[Source]:
    return [
        Source(one.path.name, one.licence, one.attribution, one.digest) for one in table.footage
    ]
