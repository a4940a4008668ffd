"""The page of a report of runs: one file without scripts that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence

from segue.experiments import report_sections
from segue.experiments import run_report_sections as sections
from segue.experiments.compare_scores import BASELINES
from segue.experiments.compare_table import EXPLAINED
from segue.experiments.report_html import escaped, number
from segue.experiments.run_report_cards import Card
from segue.experiments.run_report_html import (
    estimate,
    folded,
    interval,
    paragraph,
    wide_table,
    with_code,
)
from segue.experiments.run_report_records import Part, Report
from segue.experiments.run_report_runs import Trouble
from segue.experiments.run_report_style import STYLE
from segue.experiments.run_report_works import Work

POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
"""Content security policy: nothing but what lies inside the page, and no script."""


def page(report: Report) -> str:
    """Write a report as HTML."""
    title = _title(report)
    lead = paragraph(_lead(report), "lead")
    body = [
        f"<header><h1>{escaped(title)}</h1>{lead}{_contents(report)}</header>",
        _troubles(report.troubles),
        _overview(report.parts),
        *(_part(number, part) for number, part in enumerate(report.parts)),
        _works(report.works),
        _reading(report),
    ]
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            f"<title>{escaped(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
            *(part for part in body if part),
            '</main>\n<footer class="soft">Written by segue.</footer>\n</body>\n</html>\n',
        )
    )


def _title(report: Report) -> str:
    names = list(dict.fromkeys(part.comparison.env for part in report.parts))
    if len(names) in (1, 2):
        return "Report on " + " and ".join(names)
    return f"Report on {len(names)} environments" if names else "Report"


def _lead(report: Report) -> str:
    runs = sum(len(group.runs) for part in report.parts for group in part.groups)
    agents = sum(len(part.groups) for part in report.parts)
    bad = len({one.path for one in report.troubles})
    told = [_count(runs, "finished run"), f"{_count(agents, 'agent')} in all"]
    if report.works:
        told.append(_count(len(report.works), "film or tune", "films and tunes"))
    lost = f" With {_count(bad, 'run')} something is wrong: see below." if bad else ""
    return f"{', '.join(told)}; written {report.time:%Y-%m-%d %H:%M} UTC.{lost}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _contents(report: Report) -> str:
    links = [(f"env-{number}", part.title) for number, part in enumerate(report.parts)]
    if report.troubles:
        links.insert(0, ("troubles", "What went wrong"))
    if report.works:
        links.append(("works", "Films and tunes"))
    links.append(("reading", "How to read this"))
    found = "".join(f'<li><a href="#{place}">{escaped(name)}</a></li>' for place, name in links)
    return f'<nav aria-label="Contents"><ul>{found}</ul></nav>'


def _troubles(troubles: Sequence[Trouble]) -> str:
    if not troubles:
        return ""
    found = ""
    for one in troubles:
        who = f" ({one.config.agent} on {one.config.env})" if one.config else ""
        found += (
            f'<li><span class="kind">{escaped(one.kind)}</span><strong>'
            f"{escaped(str(one.path) + who)}</strong><br>{with_code(one.reason)}</li>"
        )
    return (
        f'<section class="alert" id="troubles"><h2>What went wrong</h2><ul>{found}</ul></section>'
    )


def _overview(parts: Sequence[Part]) -> str:
    """Scores of all agents on all environments in one table."""
    if len(parts) < 2:
        return ""
    rows: list[tuple[str, list[str]]] = []
    for part in parts:
        others = {row.label: row.iqm.value for row in part.comparison.rows if not row.trained}
        for row in part.comparison.rows:
            if not row.trained:
                continue
            cells = [
                escaped(part.title),
                escaped(row.label),
                estimate(row.iqm, len(row.scores)),
                interval(row.whole, len(row.scores)),
                *(number(others[name]) if name in others else "" for name in BASELINES),
                str(len(row.seeds)),
                escaped(part.comparison.measure.name),
            ]
            rows.append(("", cells))
    names = ["Environment", "Agent", "IQM", "Whole runs drawn"]
    table = wide_table(
        "Interquartile mean (IQM) of all scores with 95 % intervals, beside random and greedy play",
        [*names, *(name.capitalize() for name in BASELINES), "Seeds", "A score is the"],
        rows,
        numbers=range(2, 7),
    )
    return f"<section><h2>All at once</h2>{table}</section>"


def _part(number: int, part: Part) -> str:
    shown = ""
    for group, cards in zip(part.groups, part.cards, strict=True):
        if cards:
            shown += f"<h4>{escaped(group.label)}</h4>{paragraph(sections.failures(group), 'soft')}"
            shown += "".join(_card(card, group.label, part) for card in cards)
    if shown:
        shown = f"<h3>What they made</h3>{shown}"
    return (
        f'<section id="env-{number}"><h2>{escaped(part.title)}</h2>{sections.about(part)}'
        f"{sections.results(part)}{sections.charts(part)}{shown}{sections.run_facts(part)}"
        "</section>"
    )


def _card(card: Card, label: str, part: Part) -> str:
    one = card.chosen
    tags = "".join(_tag(name) for name in card.beaten_by)
    media = _media(card, label, part)
    problem = paragraph(card.problem)
    if problem:
        problem = f'<div class="alert">{problem}</div>'
    facts = {
        "task": card.brief,
        "return": number(one.value),
        **{f"{name} play": number(value) for name, value in card.others.items()},
    }
    if part.comparison.measure.bounded:
        facts["score"] = f"{number(one.score)}, {part.comparison.measure.name}"
    if card.bound is not None:
        facts["optimum" if one.run.result.exact else "upper bound"] = number(card.bound)
    facts["test episode"] = f"seed {one.seed}" + (f", {card.steps} steps" if card.steps else "")
    facts["agent"] = f"seed {one.run.result.seed}, {one.run.path}"
    facts = {name: value for name, value in facts.items() if value}
    terms = {name.replace("_", " "): number(value, sign=True) for name, value in card.terms.items()}
    side = report_sections.facts(facts) + folded("Reward terms", report_sections.facts(terms))
    style = "card" if card.picture or card.sound else "card bare"
    return (
        f'<article class="{style}"><div class="made"><h5>{escaped(one.rank)}{tags}</h5>'
        f"{problem}{media}</div><div>{side}</div></article>"
    )


def _tag(name: str) -> str:
    """Mark an episode on which a baseline did better; worse than chance is a failure."""
    failed = name == BASELINES[0]
    said = f"failure: worse than {name} play" if failed else f"worse than {name} play"
    return f'<span class="{"kind" if failed else "tag"}">{escaped(said)}</span>'


def _media(card: Card, label: str, part: Part) -> str:
    """The work to see and hear."""
    one = card.chosen
    what = f"{one.rank} test episode of {label} on {part.comparison.env}, seed {one.seed}"
    text = ""
    if card.picture:
        width, height = card.size
        kind = "score" if card.notation else "picture at its end"
        said = escaped(f"{what}: {kind}")
        style = "scroll score" if card.notation else "scroll"
        text += (
            f'<div class="{style}" tabindex="0" role="region" aria-label="{said}">'
            f'<img src="{card.picture}" alt="{said}" width="{width}" height="{height}"></div>'
        )
    if card.sound:
        text += (
            f'<audio controls preload="metadata" src="{card.sound}" '
            f'aria-label="{escaped(what)}: sound"></audio>'
        )
    if card.moving:
        said = escaped(f"{what}, from beginning to end")
        text += folded("Watch it being made", f'<img src="{card.moving}" alt="{said}">')
    if card.dropped:
        left = f"Left out, so that the page stays small: {', '.join(card.dropped)}."
        text += paragraph(left, "soft")
    elif card.steps and not card.picture:
        text += paragraph("The environment draws no picture here.", "soft")
    return text


def _works(works: Sequence[Work]) -> str:
    if not works:
        return ""
    found = ""
    for one in works:
        figures = "".join(
            f'<div class="scroll" tabindex="0" role="region" aria-label="{escaped(what)}">'
            f"{report_sections.figure(what, data)}</div>"
            for what, data in one.pictures
        )
        links = "".join(
            f'<li><a href="{escaped(address)}">{escaped(what)}</a> ({size})</li>'
            for what, address, size in one.links
        )
        facts = {"made": one.origin.time, "command": one.origin.command}
        facts = {name: value for name, value in (facts | dict(one.settings)).items() if value}
        sources = report_sections.sources(one.origin.sources).replace("h2>", "h4>")
        problem = f'<div class="alert">{paragraph(one.problem)}</div>' if one.problem else ""
        found += (
            f"<h3>{escaped(str(one.path))}</h3>{problem}{figures}<ul>{links}</ul>"
            f"{folded('How it was made', report_sections.facts(facts))}{sources}"
        )
    note = paragraph("Films and sound files stay where they are: the links lead to them.", "soft")
    return f'<section class="works" id="works"><h2>Films and tunes</h2>{note}{found}</section>'


def _reading(report: Report) -> str:
    text = "".join(paragraph(part) for part in EXPLAINED)
    text += paragraph(
        "Shown episodes are chosen by their score among all test episodes of all runs of an agent, "
        "and replayed from the newest checkpoint of their run on the seed of the test. Worse "
        "than random or greedy play means that this baseline did better on the very same episode."
    )
    if report.budget.refused:
        left = ", ".join(f"{count} {kind}" for kind, count in report.budget.refused.items())
        text += paragraph(f"Left out, so that the page stays small: {left}.")
    return (
        f'<section id="reading"><h2>How to read this</h2>{text}</section>'
        + report_sections.command(report.command)
    )


__all__ = ["POLICY", "page"]
