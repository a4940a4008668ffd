"""One page about a run or an edit, in one file that needs no network."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from segue.envs.base.atomic import atomic_path
from segue.experiments import report_cuts, report_sections
from segue.experiments.report_html import escaped
from segue.experiments.report_records import CutRow, Report, ScoreRow
from segue.experiments.report_style import SCRIPT, STYLE

__all__ = ["CutRow", "Report", "ScoreRow", "write_report"]


def write_report(path: Path, report: Report) -> None:
    """Write a report as HTML.

    Everything is inside the file but the film and the tune, which it plays from where they lie:
    in its folder or below. A page may load nothing else (its content security policy), and its
    only script marks the cut that is playing.

    Parameters
    ----------
    path : Path
        The page, ``.html``; its folder must exist.
    report : Report
        What it tells.

    Raises
    ------
    SegueError
        If the page cannot be written.
    """
    text = _page(path, report)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _page(path: Path, report: Report) -> str:
    script = SCRIPT if report.film is not None and report.cuts else ""
    sections = (
        _stage(path, report),
        report_sections.scores(report.scores),
        report_sections.curves(report.curves),
        report_sections.pictures(report.pictures),
        report_cuts.table(report.cuts),
        report_sections.sources(report.sources),
        report_sections.command(report.command),
    )
    title, lead = escaped(report.title), escaped(report.lead)
    return "\n".join(
        part
        for part in (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">',
            f"<title>{title}</title>",
            f"<style>{STYLE}{report_cuts.thumbnails(report.cuts)}</style>\n</head>\n<body>\n<main>",
            f"<header><h1>{title}</h1>",
            f'<p class="lead">{lead}</p>' if lead else "",
            "</header>",
            *sections,
            '</main>\n<footer class="soft">Written by segue.</footer>',
            f"<script>{script}</script>" if script else "",
            "</body>\n</html>\n",
        )
        if part
    )


def _stage(path: Path, report: Report) -> str:
    """Media, the strip of the cuts below them, and the facts beside them."""
    media = ""
    if report.film is not None:
        media += report_sections.player("video", report.film, path)
    media += report_cuts.strip(report.cuts)
    if report.tune is not None:
        media += report_sections.player("audio", report.tune, path)
    facts = report_sections.facts(report.facts)
    if media and facts:
        return f'<div class="stage two"><div>{media}</div>{facts}</div>'
    return media or facts


def _policy(script: str) -> str:
    """Content security policy: the page's own pictures, styles, script and media."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    # Media by `*`, since 'self' means nothing for a page opened from a disk.
    return (
        "default-src 'none'; img-src data:; media-src *; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
