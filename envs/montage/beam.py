"""Beam search over montages, guided by the relaxation: a return that is really reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.montage.choices import choices
from segue.envs.montage.relaxation import Relaxation
from segue.envs.montage.stages import ENDS, Stages, ends
from segue.envs.montage.types import LENGTHS

Ints = npt.NDArray[np.int64]

WIDTH = 8


@dataclass(frozen=True)
class Line:
    """A montage so far.

    Attributes
    ----------
    hope : float
        Upper bound of what it can come to.
    value : float
        Return so far.
    end : int
        How its last piece ends; see `segue.envs.montage.stages`.
    used : frozenset of int
        Its shots.
    path : tuple of (beat, end, option)
        Its pieces.
    """

    hope: float
    value: float
    end: int
    used: frozenset[int]
    path: tuple[tuple[int, int, int], ...]


def beam(stages: Stages, guide: Relaxation, width: int = WIDTH) -> Line:
    """Keep at every beat the `width` most hopeful montages; the best one at the end.

    Of lines with the same last end and the same shots only the best goes on. Where shots may
    return, the charge for it is counted for immediate repeats only.
    """
    beats = stages.bank.beats
    frontier: list[list[Line]] = [[] for _ in range(beats + 1)]
    frontier[0] = [Line(guide.bound, 0.0, stages.ends, frozenset(), ())]
    over: list[Line] = []
    for beat in range(beats):
        kept = _best(frontier[beat], width)
        frontier[beat] = []
        for line in kept:
            following = _following(stages, guide, beat, line, width)
            if not following:
                over.append(_closed(line, line.value + float(stages.stop[beat])))
            for after, found in following:
                frontier[after].append(found)
    over += [_closed(line, line.value) for line in frontier[beats]]
    return max(over, key=lambda line: line.value)


def _closed(line: Line, value: float) -> Line:
    return Line(value, value, line.end, line.used, line.path)


def _best(lines: list[Line], width: int) -> list[Line]:
    """Best `width` lines, one of each last end and set of shots."""
    found: dict[tuple[int, frozenset[int]], Line] = {}
    for line in sorted(lines, key=lambda line: -line.value):
        found.setdefault((line.end, line.used), line)
    return sorted(found.values(), key=lambda line: -line.hope)[:width]


def _following(
    stages: Stages, guide: Relaxation, beat: int, line: Line, width: int
) -> list[tuple[int, Line]]:
    """Most hopeful ways to go on: the beat after the piece, and the line."""
    reward = stages.best[beat, line.end]
    allowed = np.ones(stages.bank.shots, dtype=np.bool_)
    if not stages.reuse:
        allowed[list(line.used)] = False
    before = -2 if line.end == stages.ends or stages.reuse else line.end // ENDS
    end = np.arange(stages.ends)[:, None]
    after = beat + np.asarray(LENGTHS)
    ahead = guide.ahead(after[None], end, np.asarray(before))
    # Charges of shots that are never used are paid back.
    refund = float(guide.multipliers[allowed].sum())
    hope = np.where(allowed[end // ENDS], line.value + reward + ahead + refund, -np.inf)
    flat = hope.ravel()
    top = np.argsort(-flat, kind="stable")[: 2 * width]
    return [
        (
            int(after[option]),
            Line(
                hope=float(flat[at]),
                value=line.value + float(reward[goal, option]),
                end=int(goal),
                used=line.used | {int(goal) // ENDS},
                path=(*line.path, (beat, int(goal), int(option))),
            ),
        )
        for at in top
        if flat[at] > -np.inf
        for goal, option in [divmod(int(at), len(LENGTHS))]
    ]


def actions_of(stages: Stages, line: Line) -> Ints:
    """Actions (pieces, 5) of a line: of those that lead from end to end, the best."""
    last, found = stages.ends, []
    for beat, end, option in line.path:
        every = choices(
            stages.bank, stages.reward, stages.cursors(beat, np.array([last])), stages.reuse
        )
        fits = (ends(every) == end) & (every.option == option)
        worth = np.where(fits, every.worth(), -np.inf)
        found.append(every.actions(worth.reshape(1, -1).argmax(axis=1))[0])
        last = end
    return np.array(found, dtype=np.int64).reshape(-1, 5)
