"""``segue report``: runs on one page that needs no network, what they made and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments.compare import compare
from segue.experiments.compare_runs import Run, grouped, test_difference
from segue.experiments.compare_scores import row_record
from segue.experiments.manifest import command_line
from segue.experiments.progress import Tell, progress_bar
from segue.experiments.run_folder import ROOT, RunFolder
from segue.experiments.run_report_cards import Card, cards_of, within
from segue.experiments.run_report_facts import about, origin
from segue.experiments.run_report_media import Budget
from segue.experiments.run_report_page import page
from segue.experiments.run_report_records import Part, Report
from segue.experiments.run_report_replay import restored
from segue.experiments.run_report_runs import UNFINISHED, Survey, Trouble, parted, survey
from segue.experiments.run_report_works import work

Outcome = tuple[dict[str, Any], list[str]]

FORMAT = "segue.report.v1"
EPISODES = 3
"""Shown of each agent: the best, the median and the worst."""


def report_verb(
    paths: Sequence[Path], out: Path | None, episodes: int, command: Sequence[str]
) -> Outcome:
    """Write a page about runs.

    Parameters
    ----------
    paths : sequence of Path
        Runs, films and tunes, or folders that hold some.
    out : Path or None
        The page, ``.html``; None for a new one in ``runs/reports/``.
    episodes : int
        How many test episodes of each agent are shown, from best to worst; 0 for none.
    command : sequence of str
        How it was started.

    Raises
    ------
    SegueError
        If there is nothing to report, runs contradict each other, or the page cannot be written.
    """
    if episodes < 0:
        raise SegueError(f"episodes is {episodes}; give 0 or more.")
    now = datetime.now(timezone.utc)
    target = out or ROOT / "reports" / f"{now:%Y%m%dT%H%M%SZ}.html"
    if target.suffix.lower() not in (".html", ".htm") or target.is_dir():
        raise SegueError(f"{target} is no page; name a file that ends with .html.")
    RunFolder.create(None, "", "", 0, target.parent)  # Before the long work, not after it.
    with progress_bar("reporting") as tell:
        found = survey(paths)
        report = gather(found, target, episodes, command, now, tell)
        tell(1.0, "writing the page")
        text = page(report)
        with atomic_path(target) as temporary:
            temporary.write_text(text, encoding="utf-8")
    record = _record(report, target)
    runs = sum(len(group.runs) for part in report.parts for group in part.groups)
    lines = [f"report: {target} ({record['bytes'] / 1e6:.1f} MB)", f"{runs} finished runs"]
    lines += [f"{one.kind}: {one.path}: {one.reason}" for one in report.troubles]
    lines += [
        f"left out, for want of room: {n} {kind}" for kind, n in report.budget.refused.items()
    ]
    return record, lines


def gather(
    found: Survey,
    target: Path,
    episodes: int,
    command: Sequence[str],
    now: datetime,
    tell: Tell,
) -> Report:
    """Work out everything that the page tells.

    Raises
    ------
    SegueError
        If runs with the same settings and seed gave different returns.
    """
    troubles = [_explained(one) for one in found.troubles]
    parts: list[Part] = []
    every = parted(found.runs)
    for number, runs in enumerate(every):

        def told(share: float, text: str, number: int = number) -> None:
            tell((number + share) / len(every), text)

        part, more = _part(runs, parts, episodes, command, told)
        parts.append(part)
        troubles += more
    budget = Budget()
    works = [work(path, target, budget) for path in found.works]
    shown = within([cards for part in parts for cards in part.cards], budget)
    rest = iter(shown)
    parts = [replace(part, cards=[next(rest) for _ in part.cards]) for part in parts]
    return Report(parts, troubles, works, budget, " ".join(command_line(command)), now)


def _explained(one: Trouble) -> Trouble:
    """Say how far an unfinished run has come."""
    if one.kind != UNFINISHED or one.config is None:
        return one
    try:
        _, steps, damage = restored(one.config, RunFolder(one.path))
    except SegueError as error:
        holds = any((one.path / "checkpoints").glob("*"))
        why = f"its checkpoints cannot be read: {error}" if holds else "it has no checkpoint yet."
        return replace(one, reason=f"It has not ended, and {why}")
    reason = f"It has not ended: its newest checkpoint is of step {steps:,} of {one.config.steps:,}"
    if steps >= one.config.steps:
        reason = f"It has made its {steps:,} steps and was not tested"
    told = [f"{reason}; `segue train --resume {one.path}` goes on with it.", *damage]
    return replace(one, reason=" ".join(told))


def _part(
    runs: Sequence[Run],
    before: Sequence[Part],
    episodes: int,
    command: Sequence[str],
    tell: Tell,
) -> tuple[Part, list[Trouble]]:
    groups, _ = grouped(runs)
    comparison = compare(runs, False, command, lambda share, text: tell(0.5 * share, text))
    troubles: list[Trouble] = []
    cards = []
    for number, group in enumerate(groups):

        def told(share: float, text: str, number: int = number) -> None:
            tell(0.5 + 0.5 * (number + share) / len(groups), text)

        made, more = cards_of(group, comparison.measure, episodes, told)
        cards.append(made)
        troubles += more
    same = [part for part in before if part.comparison.env == comparison.env]
    apart = test_difference(same[0].groups[0].runs[0], runs[0]) if same else ""
    title = comparison.env
    if same:
        count = len(runs[0].result.returns)
        title += f", tested on {count} other episode{'s' * (count > 1)}"
    origins = {run.path: origin(run.path) for group in groups for run in group.runs}
    return Part(title, apart, about(runs[0]), groups, comparison, origins, cards), troubles


def _record(report: Report, target: Path) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "out": str(target),
        "bytes": target.stat().st_size,
        "environments": {
            part.title: {
                "measure": part.comparison.measure.name,
                "rows": [
                    {
                        name: value
                        for name, value in row_record(row, part.comparison.measure.bounded).items()
                        if name != "scores"
                    }
                    for row in part.comparison.rows
                ],
                "episodes": {
                    group.label: [_shown(card) for card in cards]
                    for group, cards in zip(part.groups, part.cards, strict=True)
                },
                "warnings": list(part.comparison.separation.warnings),
            }
            for part in report.parts
        },
        "troubles": [
            {"run": str(one.path), "kind": one.kind, "reason": one.reason}
            for one in report.troubles
        ],
        "works": [str(one.path) for one in report.works],
        "media_left_out": report.budget.refused,
    }


def _shown(card: Card) -> dict[str, Any]:
    media = ("picture", "sound", "moving")
    return {
        "rank": card.chosen.rank,
        "run": str(card.chosen.run.path),
        "test_seed": card.chosen.seed,
        "return": card.chosen.value,
        "score": card.chosen.score,
        "beaten_by": card.beaten_by,
        "problem": card.problem,
        "media": [name for name in media if getattr(card, name)],
    }


__all__ = ["EPISODES", "gather", "report_verb"]
