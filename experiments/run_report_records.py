"""What a report of runs tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from segue.experiments.compare import Comparison
from segue.experiments.compare_runs import Group
from segue.experiments.run_report_cards import Card
from segue.experiments.run_report_facts import About, Origin
from segue.experiments.run_report_media import Budget
from segue.experiments.run_report_runs import Trouble
from segue.experiments.run_report_works import Work


@dataclass(frozen=True, eq=False)
class Part:
    """All about the agents on one environment's test episodes.

    Attributes
    ----------
    title : str
        Id of the environment; how its test episodes differ where there are several parts.
    apart : str
        In what they differ from those of another part; empty for the first.
    about : About
        The environment.
    groups : list of Group
        Agents.
    comparison : Comparison
        Tables, curves, separation.
    origins : mapping of Path to Origin
        Of each run.
    cards : list of list of Card
        Episodes of each agent.
    """

    title: str
    apart: str
    about: About
    groups: list[Group]
    comparison: Comparison
    origins: Mapping[Path, Origin]
    cards: list[list[Card]]


@dataclass(frozen=True, eq=False)
class Report:
    """Everything on the page.

    Attributes
    ----------
    parts : list of Part
        By environment.
    troubles : list of Trouble
        Runs without a result, or whose checkpoints are damaged.
    works : list of Work
        Films and tunes.
    budget : Budget
        What found no room.
    command : str
        That made it.
    time : datetime
        When.
    """

    parts: list[Part]
    troubles: list[Trouble]
    works: list[Work]
    budget: Budget
    command: str
    time: datetime


__all__ = ["Part", "Report"]
