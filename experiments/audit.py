"""An audit of melody rewards: whether they prefer what people wrote to noise and exploits.

Each human line is scored by the environment itself, step by step, and so are its rivals; a reward
that lets a rival win often would teach an agent to play like that rival.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.base.task import Task
from segue.experiments.audit_rivals import (
    MAKERS,
    N_GRAM,
    RANDOM,
    REPEATED,
    RIVALS,
    SCALE,
    SHUFFLED,
    Lines,
    Maker,
    Passages,
)

Scores = npt.NDArray[np.float64]
"""(1 + terms, n): the return of each of n lines, then the sum of each weighted term."""

WHOLE = "whole reward"
"""Name of the row that stands for the sum of the terms."""

Z = 1.96
"""Standard deviations of a 95 % interval."""

TARGETS = {RANDOM: 0.99, SHUFFLED: 0.9, REPEATED: 1.0, SCALE: 1.0}
"""Least share of wins, by kind of rival, of a reward that may be trained on."""

TERM_TARGETS = {"realism": {N_GRAM: 0.7, RANDOM: 1.0}}
"""Least shares of wins of single terms, where a reward has them: a judge must tell people from what
it was trained to tell them from, by itself."""

TIE = 1e-9
"""Returns that differ by less are equal."""


@dataclass(frozen=True)
class Rate:
    """How often human lines beat a kind of rival.

    Attributes
    ----------
    wins, losses, ties : int
        Lines that beat every rival of the kind, that lost to one, or that scored the same as the
        best.
    tunes : int
        Tunes that the lines which won or lost come from.
    """

    wins: int
    losses: int
    ties: int
    tunes: int

    @property
    def share(self) -> float:
        """Wins among the lines that won or lost, 0 to 1; NaN when none did."""
        decided = self.wins + self.losses
        return self.wins / decided if decided else float("nan")

    @property
    def tied(self) -> float:
        """Ties among all lines, 0 to 1."""
        return self.ties / max(1, self.wins + self.losses + self.ties)

    def interval(self) -> tuple[float, float]:
        """95 % interval of the share (Wilson 1927), for as many trials as there are tunes.

        Lines of one tune are much alike. They count as if the second told nothing that the first
        had not, which makes the interval wide rather than narrow.
        """
        n = self.tunes
        if n == 0:
            return float("nan"), float("nan")
        centre = (self.share + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z * sqrt(self.share * (1 - self.share) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
        return max(0.0, centre - half), min(1.0, centre + half)

    def as_json(self) -> dict[str, Any]:
        """Record for ``--json``: share, ties and interval; None where nothing was decided."""
        return {
            "share": _finite(self.share),
            "interval": [_finite(edge) for edge in self.interval()],
            "ties": self.tied,
            "wins": self.wins,
            "losses": self.losses,
            "tunes": self.tunes,
        }


@dataclass(frozen=True)
class Part:
    """Human lines of one length, and the environment that scores them.

    Attributes
    ----------
    task : Task
        The environment with the reward; its `begin` takes the draws.
    passages : Passages
        The lines.
    draws : ndarray (n,) uint64
        What each line's episode is begun with.
    tunes : ndarray (n,) int64
        Number of the tune that each line comes from.
    """

    task: Task[Any]
    passages: Passages
    draws: npt.NDArray[np.uint64]
    tunes: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Subject:
    """A reward to be audited, and what it is shown.

    Attributes
    ----------
    name : str
        The preset.
    parts : tuple of Part
        At least one; their tasks have the same terms.
    left_out : int
        Passages that are not shown, since the environment cannot play them.
    more : tuple of Maker
        Rivals beside `MAKERS`.
    """

    name: str
    parts: tuple[Part, ...]
    left_out: int = 0
    more: tuple[Maker, ...] = ()


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    name : str
        The preset.
    lines, tunes : int
        Human lines, and the tunes that they come from.
    left_out : int
        As in `Subject`.
    means : mapping of str to float
        Mean weighted value of each term on the human lines, and of the whole.
    rates : mapping of str to mapping of str to Rate
        By term (`WHOLE` first), by kind of rival; the same kinds for each.
    """

    name: str
    lines: int
    tunes: int
    left_out: int
    means: Mapping[str, float]
    rates: Mapping[str, Mapping[str, Rate]]

    @property
    def missed(self) -> tuple[str, ...]:
        """Kinds of rivals that are not beaten as often as they should be.

        By the whole reward as often as `TARGETS` asks, by a term (``term: kind``) as often as
        `TERM_TARGETS` does.
        """
        asked = {WHOLE: TARGETS, **TERM_TARGETS}
        # What is never decided (NaN) is missed.
        return tuple(
            kind if term == WHOLE else f"{term}: {kind}"
            for term, targets in asked.items()
            for kind, least in targets.items()
            if term in self.rates and not self.rates[term][kind].share >= least
        )

    def as_json(self) -> dict[str, Any]:
        """Record for ``--json``: shares, ties and intervals; None where nothing was decided."""
        rates = {
            term: {kind: rate.as_json() for kind, rate in by_kind.items()}
            for term, by_kind in self.rates.items()
        }
        return {
            "preset": self.name,
            "lines": self.lines,
            "tunes": self.tunes,
            "left_out": self.left_out,
            "missed": list(self.missed),
            "human_means": dict(self.means),
            "rates": rates,
        }


def _finite(value: float) -> float | None:
    return None if np.isnan(value) else value


def score(task: Task[Any], lines: Lines, draws: npt.NDArray[np.uint64]) -> Scores:
    """Play lines through an environment.

    Parameters
    ----------
    task : Task
        The environment.
    lines : ndarray (n, steps) int64
        The actions.
    draws : ndarray (n,) uint64
        What each episode is begun with.

    Returns
    -------
    ndarray (1 + terms, n) float64
        Return of each line, then the sum of each weighted term, in the order of `term_names`.
    """
    batch = task.allocate(len(lines))
    task.begin(batch, np.arange(len(lines)), draws)
    total = np.zeros((1 + len(task.term_names), len(lines)))
    for actions in lines.T:
        task.step(batch, np.ascontiguousarray(actions))
        total[0] += batch.reward
        total[1:] += batch.terms
    return total


def random_lines(
    task: Task[Any], steps: int, draws: npt.NDArray[np.uint64], generator: np.random.Generator
) -> Lines:
    """Play uniformly among the legal actions: (n, steps)."""
    batch = task.allocate(len(draws))
    task.begin(batch, np.arange(len(draws)), draws)
    played = []
    for _ in range(steps):
        keys = np.where(batch.mask == 1, generator.random(batch.mask.shape), -1.0)
        played.append(keys.argmax(axis=1))
        task.step(batch, played[-1])
    return np.stack(played, axis=1)


def audit(subject: Subject, seed: int = 0) -> Audit:
    """Set every human line against one rival of each maker and one of noise.

    Parameters
    ----------
    subject : Subject
        Reward and lines.
    seed : int
        Of the rivals.
    """
    generator = np.random.default_rng(seed)
    terms = subject.parts[0].task.term_names
    human: list[Scores] = []
    makers = (*MAKERS, *subject.more)
    kinds = [kind for kind in RIVALS if kind in {RANDOM, *(maker.kind for maker in makers)}]
    margins: dict[str, list[Scores]] = {kind: [] for kind in kinds}
    for part in subject.parts:
        # Tables of another size may hold the terms in another order.
        rows = [0, *(1 + part.task.term_names.index(name) for name in terms)]
        own = score(part.task, part.passages.lines, part.draws)
        human.append(own[rows])
        for kind, best in _best_rivals(part, makers, generator).items():
            margins[kind].append((own - best)[rows])
    tunes = np.concatenate([part.tunes for part in subject.parts])
    names = (WHOLE, *terms)
    compared = {kind: np.concatenate(parts, axis=1) for kind, parts in margins.items()}
    rates = {
        name: {kind: rate_of(compared[kind][row], tunes) for kind in kinds}
        for row, name in enumerate(names)
    }
    means = dict(zip(names, np.concatenate(human, axis=1).mean(axis=1).tolist(), strict=True))
    return Audit(subject.name, len(tunes), len(np.unique(tunes)), subject.left_out, means, rates)


def _best_rivals(
    part: Part, makers: Sequence[Maker], generator: np.random.Generator
) -> dict[str, Scores]:
    """Greatest score of each line's rivals, by kind; row by row, since any term may be fooled."""
    task, lines = part.task, part.passages.lines
    noise = random_lines(task, lines.shape[1], part.draws, generator)
    best = {RANDOM: score(task, noise, part.draws)}
    onsets = (lines >= 2).sum(axis=1)
    for maker in makers:
        rivals = score(task, maker.make(part.passages, generator), part.draws)
        rivals = np.where(onsets >= maker.least_onsets, rivals, -np.inf)
        best[maker.kind] = np.maximum(best.get(maker.kind, -np.inf), rivals)
    return best


def rate_of(margins: npt.NDArray[np.float64], tunes: npt.NDArray[np.int64]) -> Rate:
    """Count wins, losses and ties of margins (n,), and the tunes of what was decided."""
    won, lost = margins > TIE, margins < -TIE
    decided = won | lost
    return Rate(
        int(won.sum()), int(lost.sum()), int((~decided).sum()), len(np.unique(tunes[decided]))
    )
