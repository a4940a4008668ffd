"""Watches whether a generator's melodies differ from each other and from those it learnt.

This file knows music: melodies stand on the token grid of `segue.envs.melody.prior`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import Tokens
from segue.envs.melody.tokens import notes_of
from segue.envs.melody.types import FIRST_ONSET
from segue.envs.music.metrics.frechet import Standard, frechet_distance, melody_features
from segue.envs.music.metrics.interval_index import IntervalIndex
from segue.envs.music.metrics.originality import copied_run
from segue.envs.music.metrics.vendi import vendi_score_of_melodies

LEAST_DISTINCT = 0.5
"""Share of distinct melodies below which a generator has collapsed."""

LEAST_VENDI = 0.5
"""Vendi score, as a share of people's, below which a generator has collapsed."""

_STANDARD = 4_000
"""Training windows that features are standardised on."""


@dataclass(frozen=True)
class Diversity:
    """What a set of melodies is like as a set.

    Attributes
    ----------
    distinct : float
        Distinct melodies among all, 0 to 1.
    vendi, human_vendi : float
        Vendi score of the melodies and of as many of people's; see
        `segue.envs.music.metrics.vendi`.
    mean_run, longest_run : float
        Notes of the longest run copied from the training windows: mean over the melodies, and
        the greatest.
    copies : float
        Share of the melodies that are training windows, token by token.
    frechet : float
        Frechet distance from people's held-out melodies; see `segue.envs.music.metrics.frechet`.
    """

    distinct: float
    vendi: float
    human_vendi: float
    mean_run: float
    longest_run: float
    copies: float
    frechet: float

    def figures(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)

    def collapse(self) -> str | None:
        """Say in one sentence that the generator has collapsed, or None.

        It has where fewer than `LEAST_DISTINCT` of its melodies are distinct, or its Vendi score
        is below `LEAST_VENDI` of that of people's.
        """
        if self.distinct < LEAST_DISTINCT:
            return (
                f"The generator has collapsed: only {100 * self.distinct:.1f} % of its melodies "
                f"are distinct, less than {100 * LEAST_DISTINCT:g} %."
            )
        if self.vendi < LEAST_VENDI * self.human_vendi:
            return (
                f"The generator has collapsed: its melodies are as diverse as {self.vendi:.1f} "
                f"different ones (Vendi score), less than {100 * LEAST_VENDI:g} % of people's "
                f"{self.human_vendi:.1f}."
            )
        return None


class DiversityWatch:
    """Measures melodies beside people's.

    Parameters
    ----------
    windows : int array, (n, t)
        Training windows, n >= 2: what may be copied, and what features are standardised on.
    validation : int array, (m, t)
        Held-out windows, m >= 2: what melodies are to be like.
    count : int
        Melodies that are measured at a time, at least 2.
    seed : int
        Which windows are taken where there are more than needed.

    Raises
    ------
    SegueError
        If there are too few of something.
    """

    def __init__(self, windows: Tokens, validation: Tokens, count: int, seed: int) -> None:
        if min(len(windows), len(validation), count) < 2:
            raise SegueError(
                f"There are {len(windows)} training and {len(validation)} validation windows, and "
                f"{count} melodies to be measured; give two or more of each."
            )
        self.count = count
        generator = np.random.default_rng(seed)
        self._index = IntervalIndex.build([_pitches(line) for line in windows])
        self._windows = {line.astype(np.int8).tobytes() for line in windows}
        self._standard = Standard.of(_features(_some(windows, _STANDARD, generator)))
        people = _some(validation, count, generator)
        self._human = self._standard(_features(people))
        self._human_vendi = _vendi(people)

    def measure(self, melodies: Tokens) -> Diversity:
        """Measure melodies, (count, t) tokens."""
        runs = [copied_run(self._index, _pitches(line)).notes for line in melodies]
        lines = [line.astype(np.int8).tobytes() for line in melodies]
        return Diversity(
            distinct=len(set(lines)) / len(lines),
            vendi=_vendi(melodies),
            human_vendi=self._human_vendi,
            mean_run=float(np.mean(runs)),
            longest_run=float(max(runs)),
            copies=float(np.mean([line in self._windows for line in lines])),
            frechet=frechet_distance(self._standard(_features(melodies)), self._human),
        )


def _some(windows: Tokens, count: int, generator: np.random.Generator) -> Tokens:
    return windows[generator.permutation(len(windows))[:count]]


def _pitches(line: Tokens) -> list[int]:
    """Pitches of a melody's notes up to a constant: only intervals count."""
    return [int(token) for token in line[line >= FIRST_ONSET]]


def _features(melodies: Tokens) -> npt.NDArray[np.float64]:
    return np.array([melody_features(notes_of(line)) for line in melodies])


def _vendi(melodies: Tokens) -> float:
    return vendi_score_of_melodies([notes_of(line) for line in melodies])


__all__ = ["LEAST_DISTINCT", "LEAST_VENDI", "Diversity", "DiversityWatch"]
