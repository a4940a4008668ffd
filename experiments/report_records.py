"""What a report tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segue.experiments.manifest import Source

Picture = npt.NDArray[np.uint8]
"""RGB picture, (height, width, 3) uint8."""


@dataclass(frozen=True)
class ScoreRow:
    """How well one policy did.

    Attributes
    ----------
    name : str
        The policy.
    mean, low, high : float
        Its return and the interval of it.
    fraction : float or None
        Mean over the optimum or bound.
    note : str
        Such as the number of episodes; may be empty.
    """

    name: str
    mean: float
    low: float
    high: float
    fraction: float | None
    note: str = ""


@dataclass(frozen=True, eq=False)
class CutRow:
    """One piece of the film.

    Attributes
    ----------
    number : int
        From 1.
    time, length : float
        Where it begins in the film, and how long it is; seconds.
    shot, effect, transition : str
        Names; ``"none"`` and ``"cut"`` where the picture is left alone.
    thumbnail : ndarray (height, width, 3) uint8
        A picture of it; 256 pixels of width are enough.
    terms : mapping of str to float
        What each reward term gave for it, weighted.
    """

    number: int
    time: float
    length: float
    shot: str
    effect: str
    transition: str
    thumbnail: Picture
    terms: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Report:
    """A page about a run or an edit; what is empty is left out of it.

    Attributes
    ----------
    title : str
        Heading.
    lead : str
        One paragraph that says what this is and what came of it.
    facts : mapping of str to str
        Settings and figures, by name.
    scores : sequence of ScoreRow
        Policies to compare.
    curves : sequence of (caption, SVG text or PNG bytes)
        Charts.
    pictures : sequence of (caption, ndarray (height, width, 3) uint8)
        Pictures, such as the strip of the timeline or a score.
    film, tune : Path or None
        Media to play. They stay files of their own, in the report's folder or below it.
    cuts : sequence of CutRow
        The pieces of the film in order.
    sources : sequence of Source
        What it was made from.
    command : str
        The command that made it.
    """

    title: str
    lead: str
    facts: Mapping[str, str] = field(default_factory=dict)
    scores: Sequence[ScoreRow] = ()
    curves: Sequence[tuple[str, str | bytes]] = ()
    pictures: Sequence[tuple[str, Picture]] = ()
    film: Path | None = None
    tune: Path | None = None
    cuts: Sequence[CutRow] = ()
    sources: Sequence[Source] = ()
    command: str = ""
