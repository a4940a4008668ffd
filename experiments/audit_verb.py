"""What ``segue audit melody`` does: audits, their table, and the folder of the run."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.music.corpus.defaults import DEFAULT_NAMES, default_files, files_digest
from segue.envs.music.corpus.types import CorpusTune
from segue.experiments.audit import WHOLE, Audit, audit
from segue.experiments.audit_subjects import PRESETS, NoPassagesError, build, held_out
from segue.experiments.audit_tables import audit_lines, audit_markdown
from segue.experiments.figures import win_rates
from segue.experiments.manifest import Source, write_manifest
from segue.experiments.progress import Tell, progress_bar
from segue.experiments.run_folder import RunFolder


def melody_verb(
    presets: Sequence[str] | None,
    names: Sequence[str] | None,
    windows: int | None,
    seed: int,
    out: Path | None,
    command: Sequence[str],
) -> tuple[dict[str, Any], list[str]]:
    """Audit melody rewards and write the run folder.

    Parameters
    ----------
    presets : sequence of str or None
        Of `segue.experiments.audit_subjects.PRESETS`; None for all that the tunes suit.
    names : sequence of str or None
        Collections; None for the default ones.
    windows : int or None
        Human passages a preset, drawn from all; None for all.
    seed : int
        Of the rivals, and of the draw.
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
        For a wrong argument, or tunes that no preset suits.
    """
    _check(presets, windows, seed)
    with progress_bar("audit") as tell:
        tunes = held_out(names or None, lambda share, text: tell(0.5 * share, text))
        audits = _audits(presets, tunes, windows, seed, tell)
    folder = RunFolder.create(None, "melody", "audit", seed, out)
    files = _write(folder.path, audits)
    config = {
        "presets": [one.name for one in audits],
        "collections": list(names or DEFAULT_NAMES),
        "windows": windows,
    }
    write_manifest(folder, command=command, seed=seed, config=config, sources=_sources(tunes))
    record = {
        "run": str(folder.path),
        "files": {name: str(path) for name, path in files.items()},
        "presets": [one.as_json() for one in audits],
    }
    return record, [*audit_lines(audits), *(f"{name}: {path}" for name, path in files.items())]


def _check(presets: Sequence[str] | None, windows: int | None, seed: int) -> None:
    unknown = [name for name in presets or () if name not in PRESETS]
    if unknown:
        raise SegueError(f"Unknown preset {unknown[0]!r}; choose one of {', '.join(PRESETS)}.")
    if windows is not None and windows < 1:
        raise SegueError(f"windows is {windows}; give at least 1, or leave it out for all.")
    if seed < 0:
        raise SegueError(f"seed is {seed}; give 0 or more.")


def _audits(
    presets: Sequence[str] | None,
    tunes: Sequence[CorpusTune],
    windows: int | None,
    seed: int,
    tell: Tell,
) -> list[Audit]:
    """Audit each preset; those that nobody named are passed over where no passage suits them."""
    chosen = tuple(dict.fromkeys(presets or PRESETS))
    audits: list[Audit] = []
    unsuited: list[NoPassagesError] = []
    for number, name in enumerate(chosen):
        tell(0.5 + 0.5 * number / len(chosen), f"{name}: passages")
        try:
            subject = build(name, tunes, windows, np.random.default_rng(seed))
        except NoPassagesError as error:
            if presets:
                raise
            unsuited.append(error)
            continue
        tell(0.5 + 0.5 * (number + 0.5) / len(chosen), f"{name}: playing")
        audits.append(audit(subject, seed))
    if not audits:
        raise unsuited[0]
    for reason in unsuited:
        print(f"segue: {reason}", file=sys.stderr)
    return audits


def _write(folder: Path, audits: Sequence[Audit]) -> dict[str, Path]:
    texts = {
        "audit.json": json.dumps([one.as_json() for one in audits], indent=2) + "\n",
        "audit.md": audit_markdown(audits),
    }
    for one in audits:
        rows = {
            term: [rate.share for rate in by_kind.values()] for term, by_kind in one.rates.items()
        }
        texts[f"audit-{one.name}.svg"] = win_rates(rows, list(one.rates[WHOLE]))
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return {name: folder / name for name in texts}


def _sources(tunes: Sequence[CorpusTune]) -> list[Source]:
    """Collections of the tunes, and the default ones, of which the prior is made."""
    counts = Counter((tune.source.partition("/")[0], tune.licence) for tune in tunes)
    counts.update({(name, "public-domain"): 0 for name in DEFAULT_NAMES})
    return [
        Source(
            f"collection {name}, {count} tunes held out",
            licence,
            "",
            files_digest(default_files(name)) if name in DEFAULT_NAMES else "",
        )
        for (name, licence), count in counts.items()
    ]
