"""What a report tells of an environment: results, curves, what was made, what was run."""

from __future__ import annotations

from collections.abc import Mapping

from segue.experiments import report_sections
from segue.experiments.compare_figures import band_plot, interval_plot
from segue.experiments.compare_runs import Group
from segue.experiments.compare_scores import Row
from segue.experiments.figures import colours, term_bars
from segue.experiments.report_html import chart_address, escaped, number
from segue.experiments.run_report_cards import beaten
from segue.experiments.run_report_facts import settings, sources_of, versions_of
from segue.experiments.run_report_html import (
    estimate,
    folded,
    interval,
    items,
    paragraph,
    wide_table,
)
from segue.experiments.run_report_records import Part
from segue.experiments.separation import ranges


def about(part: Part) -> str:
    """What the environment is."""
    text = paragraph(part.about.title, "lead") if part.about.title else ""
    if part.apart:
        text += paragraph(
            f"Apart from the other runs, since these were tested on other episodes ({part.apart})."
        )
    more = "".join(map(paragraph, part.about.description))
    return text + folded("The environment", more + report_sections.facts(part.about.facts))


def results(part: Part) -> str:
    """Table of agents and baselines, every two compared, warnings and notes."""
    one = part.comparison
    palette = dict(zip([row.label for row in one.rows], colours(len(one.rows)), strict=True))
    names = ["Agent", "IQM", "Whole runs drawn", "Mean", "Median", "Mean return"]
    if one.measure.bounded:
        names.insert(5, "Gap to 1")
    cells = [(("" if row.trained else "base"), _row(row, part, palette)) for row in one.rows]
    count = one.rows[0].scores.shape[1]
    caption = f"{one.measure.name.capitalize()}, on {count} test episode{'s' * (count > 1)}"
    names += ["Steps", "Training", "Seeds"]
    table = wide_table(caption, names, cells, numbers=range(1, len(names) - 1))
    pairs = wide_table(
        "How likely one is to beat the other on a test episode",
        ["", "Probability", "Whole runs drawn", "Verdict"],
        [
            (
                "",
                [
                    escaped(f"{pair.ours} beats {pair.theirs}"),
                    estimate(pair.chance, 2),
                    interval(pair.whole, 2),
                    escaped(pair.verdict),
                ],
            )
            for pair in one.pairs
        ],
        numbers=(1, 2),
    )
    warnings = items(one.separation.warnings)
    if warnings:
        warnings = f'<div class="alert"><h3>Not kept apart</h3>{warnings}</div>'
    return (
        f"<h3>Results</h3>{table}{warnings}{folded('Every two compared', pairs)}{items(one.notes)}"
    )


def _row(row: Row, part: Part, palette: Mapping[str, str]) -> list[str]:
    runs = len(row.scores)
    swatch = f'<span class="swatch" style="background:{palette[row.label]}"></span>'
    cells = [
        f"{swatch}{escaped(row.label)}",
        estimate(row.iqm, runs),
        interval(row.whole, runs),
        number(row.mean.value),
        number(row.median.value),
        number(row.returns),
        f"{row.steps:,}" if row.trained else "",
        f"{row.seconds:,.1f}&#8239;s" if row.seconds else "",
        f"{len(row.seeds)}: {ranges(row.seeds)}" if row.trained else "baseline",
    ]
    if part.comparison.measure.bounded:
        cells.insert(5, number(row.gap.value))
    return cells


def charts(part: Part) -> str:
    """Intervals, curves, profile and reward terms."""
    one = part.comparison
    palette = dict(zip([row.label for row in one.rows], colours(len(one.rows)), strict=True))
    bars = {row.label: (row.iqm, row.whole) for row in one.rows if row.trained}
    lines = {row.label: row.iqm.value for row in one.rows if not row.trained}
    axis = f"IQM of the {one.measure.name}".replace(" (", "\n(")
    figures = [
        (
            "Interquartile mean of each agent: bar, interval of single scores; line, of whole runs",
            interval_plot(bars, lines, axis, palette),
        )
    ]
    if one.curves:
        raw = {f"{row.label}, test": row.returns for row in one.rows if not row.trained}
        figures.append(
            (
                "Return while learning, interquartile mean over seeds with its 95 % band",
                band_plot(one.curves, "steps", "training return", palette, raw, steps=True),
            )
        )
    figures.append(
        (
            "Performance profile: the share of all scores above each value, with 95 % bands",
            band_plot(one.profiles, f"{one.measure.name}, tau", "share above tau", palette),
        )
    )
    if terms := _terms(part):
        figures.append(("What each reward term gave, mean of a test episode", term_bars(terms)))
    drawn = "".join(
        report_sections.figure(caption, chart_address(chart)) for caption, chart in figures
    )
    return f'<h3>Curves</h3><div class="curves">{drawn}</div>'


def _terms(part: Part) -> dict[str, Mapping[str, float]]:
    """Mean reward terms of agents and baselines, in the order of the table."""
    found: dict[str, Mapping[str, float]] = {}
    for group in part.groups:
        every = [run.result.terms for run in group.runs]
        names = dict.fromkeys(name for terms in every for name in terms)
        found[group.label] = {
            name: sum(terms.get(name, 0.0) for terms in every) / len(every) for name in names
        }
    baselines = part.groups[0].runs[0].result.baselines
    found |= {name: scores.terms for name, scores in baselines.items()}
    # What is nought for everybody would take room from what differs.
    names = dict.fromkeys(name for terms in found.values() for name in terms)
    some = [name for name in names if any(terms.get(name) for terms in found.values())]
    shown: dict[str, Mapping[str, float]] = {
        who: {name: terms.get(name, 0.0) for name in some} for who, terms in found.items()
    }
    return shown if some else {}


def failures(group: Group) -> str:
    """Say on how many test episodes the baselines did better."""
    told = []
    for name in group.runs[0].result.baselines:
        better, count = beaten(group.runs, name)
        told.append(f"{name} play on {better} of {count}")
    return f"Test episodes on which others did better: {', '.join(told)}." if told else ""


def run_facts(part: Part) -> str:
    """Settings, separation, versions, sources, commands, and every run with its time."""
    labels = [group.label for group in part.groups]
    every = settings(part.groups)
    rows = [
        (
            "differs" if one.differs else "",
            [f"<code>{escaped(one.name)}</code>", *map(escaped, one.values)],
        )
        for one in every
    ]
    differing = [row for row in rows if row[0]]
    alike = [(style, cells[:2]) for style, cells in rows if not style]
    origins = list(part.origins.values())
    text = "<h3>What was run</h3>"
    if differing:
        text += wide_table("Settings in which the agents differ", ["Setting", *labels], differing)
    named = "Settings that all agents share" if len(labels) > 1 else "Settings"
    text += folded(named, wide_table(named, ["Setting", "Value"], alike))
    text += folded("Every run: folder, seed, result, time", _runs(part))
    text += folded("Commands", _commands(part))
    versions = versions_of(origins) | {
        "platform": " and ".join(dict.fromkeys(one.platform for one in origins if one.platform))
    }
    text += folded("Versions", report_sections.facts({k: v for k, v in versions.items() if v}))
    separation = part.comparison.separation
    apart = {
        "training": separation.training,
        "tuning": separation.tuning,
        "testing": separation.testing,
        "checked": separation.checked,
    }
    text += "<h4>Training, tuning and test episodes</h4>" + report_sections.facts(apart)
    sources = sources_of(origins)
    if sources:
        text += report_sections.sources(sources).replace("h2>", "h4>")
    return text


def _runs(part: Part) -> str:
    rows = []
    for group in part.groups:
        for run in group.runs:
            returns, one = run.result.returns, part.origins[run.path]
            score = part.comparison.measure.scores(returns).mean()
            rows.append(
                (
                    "",
                    [
                        escaped(str(run.path)),
                        escaped(group.label),
                        str(run.result.seed),
                        f"{run.result.steps:,}",
                        number(sum(returns) / len(returns)),
                        number(float(score)),
                        escaped(one.time.replace("T", " ").replace("+00:00", " UTC")),
                    ],
                )
            )
    names = ["Folder", "Agent", "Seed", "Steps", "Mean return", "Mean score", "Begun"]
    return wide_table("Every run", names, rows, numbers=(2, 3, 4, 5))


def _commands(part: Part) -> str:
    lines = [one.command for one in part.origins.values() if one.command]
    return "".join(f"<pre><code>{escaped(line)}</code></pre>" for line in dict.fromkeys(lines))


__all__ = ["about", "charts", "failures", "results", "run_facts"]
