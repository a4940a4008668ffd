"""How each table is made: settings in, figures and Markdown out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from segue.experiments import (
    attention_table,
    briefs_table,
    demonstrations_table,
    frontier_table,
    generators_table,
    growth_table,
    hearing_table,
    imitation_study,
    melody_table,
    montage_table,
    strangers_table,
    summary_table,
)
from segue.experiments.attention_table import AttentionStudy
from segue.experiments.briefs_table import BriefsStudy
from segue.experiments.counterpoint_table import counterpoint_markdown, measure_counterpoint
from segue.experiments.frontier_table import FrontierStudy
from segue.experiments.generators_measure import GeneratorsStudy
from segue.experiments.growth_table import GrowthStudy
from segue.experiments.hearing_table import HearingStudy
from segue.experiments.highlight_table import highlight_markdown, measure_highlight
from segue.experiments.imitation_study import DemonstrationStudy
from segue.experiments.imitation_table import imitation_markdown, imitation_picture
from segue.experiments.melody_table import RLTunerStudy
from segue.experiments.montage_table import MontageStudy
from segue.experiments.progress import Tell
from segue.experiments.strangers_table import StrangersStudy
from segue.experiments.summary_table import SummaryFiles
from segue.experiments.table_studies import RUNS, SeedStudy, Study

Made = tuple[Any, str]
"""Figures, and the table as Markdown."""


def _counterpoint(study: Study, command: Sequence[str], tell: Tell) -> Made:
    del command
    assert isinstance(study, SeedStudy)
    assert isinstance(study, SeedStudy)
    figures = measure_counterpoint(study.seeds, tell=tell)
    return figures, counterpoint_markdown(figures)


def make_highlight(study: Study, summaries: SummaryFiles | None, tell: Tell) -> Made:
    """Make the table of `segue/Highlight-v0`, on data sets of video summaries, too."""
    assert isinstance(study, SeedStudy)
    assert isinstance(study, SeedStudy)
    # First what depends on files, which may be wrong.
    evaluated = summary_table.measure_summaries(summaries, tell) if summaries else None
    figures = measure_highlight(study.seeds, tell=tell)
    text = highlight_markdown(figures)
    if evaluated is not None:
        figures["summaries"] = evaluated
        text += "\n" + summary_table.summary_markdown(evaluated)
    return figures, text


def _hearing(study: Study, command: Sequence[str], tell: Tell) -> Made:
    del command
    assert isinstance(study, HearingStudy)
    figures = hearing_table.measure_hearing(study, tell)
    return figures, hearing_table.hearing_markdown(figures)


def _rl_tuner(study: Study, command: Sequence[str], tell: Tell) -> Made:
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


def _attention(study: Study, command: Sequence[str], tell: Tell) -> Made:
    del command
    assert isinstance(study, AttentionStudy)
    figures = attention_table.measure_attention(study, tell)
    return figures, attention_table.attention_markdown(figures)


def _frontier(study: Study, command: Sequence[str], tell: Tell) -> Made:
    assert isinstance(study, FrontierStudy)
    figures = frontier_table.measure_frontier(study, RUNS / "frontier", command, tell)
    return figures, frontier_table.frontier_markdown(figures)


def _generators(study: Study, command: Sequence[str], tell: Tell) -> Made:
    del command
    assert isinstance(study, GeneratorsStudy)
    attention = {"attention": [attention_table.windows_by] * study.seeds}
    return generators_table.measure(tell, study, attention)


def _growth(study: Study, command: Sequence[str], tell: Tell) -> Made:
    assert isinstance(study, GrowthStudy)
    figures = growth_table.measure_growth(study, RUNS / "growth", command, tell)
    return figures, growth_table.growth_markdown(figures)


def _briefs(study: Study, command: Sequence[str], tell: Tell) -> Made:
    del command
    assert isinstance(study, BriefsStudy)
    figures = briefs_table.measure_briefs(study, tell)
    return figures, briefs_table.briefs_markdown(figures)


def _finished_edit(study: Study, command: Sequence[str], tell: Tell) -> Made:
    del command
    assert isinstance(study, SeedStudy)
    assert isinstance(study, SeedStudy)
    rows = demonstrations_table.measure(tell, study.seeds)
    return demonstrations_table.figures(rows), demonstrations_table.markdown(rows, study.seeds)


def _montage(study: Study, command: Sequence[str], tell: Tell) -> Made:
    assert isinstance(study, MontageStudy)
    found = montage_table.measure_montage(RUNS / "montage", command, tell, study)
    return found, montage_table.montage_markdown(found)


def _demonstrations(study: Study, command: Sequence[str], tell: Tell) -> Made:
    assert isinstance(study, DemonstrationStudy)
    folder = RUNS / "demonstrations"
    figures = imitation_study.measure_demonstrations(folder, command, tell, study)
    return figures, imitation_markdown(figures)


def _strangers(study: Study, command: Sequence[str], tell: Tell) -> Made:
    assert isinstance(study, StrangersStudy)
    figures = strangers_table.measure_strangers(command, tell, study)
    return figures, strangers_table.strangers_markdown(figures)


class Maker(Protocol):
    """Makes a table."""

    def __call__(self, study: Study, command: Sequence[str], tell: Tell) -> Made:
        """Measure, and write it down."""
        ...


MAKERS: Mapping[str, Maker] = {
    "attention": _attention,
    "briefs": _briefs,
    "counterpoint": _counterpoint,
    "demonstrations": _demonstrations,
    "finished-edit": _finished_edit,
    "frontier": _frontier,
    "generators": _generators,
    "growth": _growth,
    "hearing": _hearing,
    "montage": _montage,
    "rl-tuner": _rl_tuner,
    "strangers": _strangers,
}

PICTURES = {"demonstrations": imitation_picture}
"""What draws a table, where somebody does."""
