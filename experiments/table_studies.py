"""Settings of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from segue.envs.base.errors import SegueError
from segue.experiments.attention_table import AttentionStudy
from segue.experiments.briefs_table import BriefsStudy
from segue.experiments.frontier_table import FrontierStudy
from segue.experiments.generators_measure import GeneratorsStudy
from segue.experiments.growth_table import GrowthStudy
from segue.experiments.hearing_table import HearingStudy
from segue.experiments.imitation_study import DemonstrationStudy
from segue.experiments.melody_table import RLTunerStudy
from segue.experiments.montage_table import MontageStudy
from segue.experiments.strangers_table import StrangersStudy

RUNS = Path("runs")
"""Where tables keep the runs that they are made of."""


@dataclass(frozen=True)
class SeedStudy:
    """Settings of a table that has no others; its own are in ``configs/study__<table>.yaml``.

    Attributes
    ----------
    seeds : int
        Runs of each agent.
    """

    seeds: int

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise SegueError(f"seeds is {self.seeds}; give at least one.")


Study = (
    SeedStudy
    | AttentionStudy
    | BriefsStudy
    | DemonstrationStudy
    | FrontierStudy
    | GeneratorsStudy
    | GrowthStudy
    | HearingStudy
    | MontageStudy
    | RLTunerStudy
    | StrangersStudy
)

STUDIES: Mapping[str, type[Study]] = {
    "attention": AttentionStudy,
    "briefs": BriefsStudy,
    "demonstrations": DemonstrationStudy,
    "frontier": FrontierStudy,
    "generators": GeneratorsStudy,
    "growth": GrowthStudy,
    "hearing": HearingStudy,
    "montage": MontageStudy,
    "rl-tuner": RLTunerStudy,
    "strangers": StrangersStudy,
}
"""Records of settings, by table; the others have a `SeedStudy`."""
