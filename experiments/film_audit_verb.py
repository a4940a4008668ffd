"""What ``segue audit film`` does: audits, their tables and pictures, and the folder of the run."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.film.analysis import analyse
from segue.envs.film.human_edits import FILE, read_edits
from segue.envs.film.shots import ShotTable
from segue.envs.highlight.annotations import read_tvsum
from segue.experiments import film_audit_highlight as highlight
from segue.experiments import film_audit_montage as montage
from segue.experiments import film_audit_multicam as multicam
from segue.experiments.demonstrations import source_of
from segue.experiments.figures import win_rates
from segue.experiments.film_audit import FilmAudit
from segue.experiments.manifest import Source, write_manifest
from segue.experiments.progress import progress_bar
from segue.experiments.run_folder import RunFolder

MONTAGE, MULTICAM, HIGHLIGHT = PRESETS = ("montage", "multicam", "highlight")


@dataclass(frozen=True)
class Material:
    """What is at hand to audit on; drawn scenes and videos always are.

    Attributes
    ----------
    films : tuple of Path
        Finished films of one frame rate, edits by people.
    edits : tuple of Path
        Demonstrations, folders or files of ``segue demonstrations``.
    tvsum : Path or None
        TVSum's ``ydata-tvsum50.mat``.
    """

    films: tuple[Path, ...] = ()
    edits: tuple[Path, ...] = ()
    tvsum: Path | None = None


def film_verb(
    material: Material,
    presets: Sequence[str] | None,
    copies: int,
    seed: int,
    out: Path | None,
    command: Sequence[str],
) -> tuple[dict[str, Any], list[str]]:
    """Audit the rewards of the film tasks and write the run folder.

    Parameters
    ----------
    material : Material
        What to audit on.
    presets : sequence of str or None
        Of `PRESETS`; None for all that the material suits.
    copies : int
        Rivals of each kind for each passage.
    seed : int
        Of the rivals, and of what is drawn.
    out : Path or None
        Folder of the run; None for a new one in ``runs/``.
    command : sequence of str
        How it was started.

    Returns
    -------
    record : dict
        The audits and the files.
    lines : list of str
        The same as tables.

    Raises
    ------
    SegueError
        For a wrong argument, or material that cannot be read or has too few shots.
    """
    chosen = _checked(material, presets, copies, seed)
    audits, table = _audits(chosen, material, copies, seed)
    folder = RunFolder.create(None, "film", "audit", seed, out)
    files = {name: str(path) for name, path in _write(folder.path, audits).items()}
    config: dict[str, Any] = {"presets": chosen, "copies": copies}
    config |= {"films": list(map(str, material.films)), "edits": list(map(str, material.edits))}
    used = _sources(table, material)
    write_manifest(folder, command=command, seed=seed, config=config, sources=used)
    found = [one.as_json() for one in audits]
    tables = [line for one in audits for line in (*one.markdown().splitlines(), "")]
    lines = [*tables, *(f"{name}: {path}" for name, path in files.items())]
    return {"run": str(folder.path), "files": files, "presets": found}, lines


def _checked(
    material: Material, presets: Sequence[str] | None, copies: int, seed: int
) -> tuple[str, ...]:
    """The presets to audit; refuse what cannot be."""
    if copies < 1 or seed < 0:
        raise SegueError(f"copies is {copies} and seed {seed}; give 1 or more, and 0 or more.")
    unknown = [name for name in presets or () if name not in PRESETS]
    if unknown:
        raise SegueError(f"Unknown preset {unknown[0]!r}; choose one of {', '.join(PRESETS)}.")
    if MONTAGE in (presets or ()) and not material.films:
        raise SegueError("The preset montage is audited on finished films; give at least one.")
    return tuple(dict.fromkeys(presets or PRESETS))


def _audits(
    chosen: Sequence[str], material: Material, copies: int, seed: int
) -> tuple[list[FilmAudit], ShotTable | None]:
    """Audit each preset on what suits it; also the films, analysed."""
    table = None
    if material.films:
        with progress_bar("audit") as tell:
            table = analyse(material.films, progress=tell)
    audits: list[FilmAudit] = []
    if MONTAGE in chosen and table is not None:
        audits.append(montage.audit_films(table, copies, seed))
    elif MONTAGE in chosen:
        print("segue: montage is not audited, since no finished film was given.", file=sys.stderr)
    if MULTICAM in chosen:
        audits += _multicam(table, material.edits, copies, seed)
    if HIGHLIGHT in chosen:
        audits += _highlight(table, material.tvsum, copies, seed)
    return audits, table


def _multicam(
    table: ShotTable | None, edits: Sequence[Path], copies: int, seed: int
) -> list[FilmAudit]:
    """On drawn conversations, and on what people cut, each passage once."""
    cuts = [one for path in edits for one in read_edits(path)]
    works = [[shots] for shots in multicam.shots_of_films(table)] if table else []
    works += [multicam.runs_of_edit(one) for one in cuts]
    # The same edit may lie there in several formats.
    found: dict[multicam.Passage, int] = {}
    for number, runs in enumerate(works):
        for passage in (passage for run in runs for passage in multicam.passages(run)):
            found.setdefault(passage, number)
    audits = [multicam.audit_drawn(copies, seed)]
    if found:
        edited = len(set(found.values()))
        audits.append(multicam.audit_edits(tuple(found), edited, copies, seed))
    elif works:
        raise SegueError(
            f"The films and edits have no {multicam.LEAST:g} s of shots by two set-ups in a row; "
            "give longer ones, or leave out the preset multicam."
        )
    return audits


def _highlight(
    table: ShotTable | None, tvsum: Path | None, copies: int, seed: int
) -> list[FilmAudit]:
    """On drawn videos, on films as they are and damaged, and on annotators' summaries."""
    audits = [highlight.audit_drawn(copies, seed)]
    if table is not None:
        audits.append(highlight.audit_films(table, copies, seed))
        audits.append(highlight.audit_damaged(table, copies, seed))
    if tvsum is not None:
        audits.append(highlight.audit_annotators(read_tvsum(tvsum), copies, seed))
    return audits


def _write(folder: Path, audits: Sequence[FilmAudit]) -> dict[str, Path]:
    """Write record, tables and pictures."""
    texts = {
        "audit-film.json": json.dumps([one.as_json() for one in audits], indent=2) + "\n",
        "audit-film.md": "\n".join(one.markdown() for one in audits),
    }
    for one in audits:
        shares = {term: [rate.share for rate in by.values()] for term, by in one.rates.items()}
        columns = tuple(next(iter(one.rates.values())))
        texts[f"audit-{one.name}.svg"] = win_rates(shares, columns)
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return {name: folder / name for name in texts}


def _sources(table: ShotTable | None, material: Material) -> list[Source]:
    films = [
        Source(one.path.name, one.licence, one.attribution, one.digest)
        for one in (table.footage if table else ())
    ]
    files = [path / FILE if path.is_dir() else path for path in material.edits]
    files += [material.tvsum] if material.tvsum else []
    return films + [source_of(path) for path in files]
