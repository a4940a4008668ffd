"""How good a montage can be: exact for small bins, an upper bound for others.

The reward of a piece depends on the beat, on how the last piece ends (shot, third, mirrored) and
on the action. Only the rule that no shot comes twice looks further back.

- *Exact*: dynamic programming over (beat, end of the last piece, set of used shots), for bins of
  up to EXACT_SHOTS shots.
- *Bound*: the relaxation of `segue.envs.montage.relaxation`, aimed at what a beam reaches.

Where shots may return, how lately each was seen looks further back, too; the bound counts only
the charge for a shot that follows itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.task import Bound
from segue.envs.montage.beam import WIDTH, Line, actions_of, beam
from segue.envs.montage.relaxation import ITERATIONS, Relaxation, relax
from segue.envs.montage.stages import ENDS, Stages
from segue.envs.montage.types import LENGTHS, Bank
from segue.rewards.base import WeightedSum
from segue.rewards.film_view import CutView

Ints = npt.NDArray[np.int64]

EXACT_SHOTS = 7
FIRST_STEPS = 20
"""Subgradient steps before the beam tells what to aim at."""


@dataclass(frozen=True)
class Solution:
    """What the solvers know of one bin.

    Attributes
    ----------
    relaxation : Relaxation
        The bound, and the values that guide beam and expert.
    line : Line
        The montage that the beam has found.
    actions : ndarray (pieces, 5) int64
        Its actions.
    """

    relaxation: Relaxation
    line: Line
    actions: Ints


def solve(stages: Stages, width: int = WIDTH, iterations: int = ITERATIONS) -> Solution:
    """Bound one bin from above, and from below by a beam of `width` lines."""
    rough = relax(stages, lower=0.0, iterations=FIRST_STEPS)
    line = beam(stages, rough, width)
    fine = relax(stages, line.value, iterations)
    line = max(line, beam(stages, fine, width), key=lambda found: found.value)
    return Solution(fine, line, actions_of(stages, line))


def bound(
    bank: Bank,
    reward: WeightedSum[CutView],
    bin_: int,
    reuse: bool = False,
    iterations: int = ITERATIONS,
) -> Bound:
    """Exact optimum for at most EXACT_SHOTS shots without reuse, otherwise an upper bound."""
    stages = Stages(bank, reward, bin_, reuse)
    if bank.shots <= EXACT_SHOTS and not reuse:
        return Bound(exact(stages), exact=True)
    aim = beam(stages, relax(stages, 0.0, min(FIRST_STEPS, iterations))).value
    return Bound(relax(stages, aim, iterations).bound, exact=False)


def exact(stages: Stages) -> float:
    """Optimal return, by dynamic programming over the sets of used shots."""
    beats = stages.bank.beats
    frontier: list[dict[tuple[int, int], float]] = [{} for _ in range(beats + 1)]
    frontier[0][stages.ends, 0] = 0.0
    best = -np.inf
    for beat in range(beats):
        for (last, used), value in frontier[beat].items():
            moved = False
            for end, option in np.argwhere(np.isfinite(stages.best[beat, last])):
                bit = 1 << int(end) // ENDS
                if used & bit:
                    continue
                moved = True
                goal = frontier[beat + LENGTHS[option]]
                key = (int(end), used | bit)
                total = value + float(stages.best[beat, last, end, option])
                goal[key] = max(goal.get(key, -np.inf), total)
            if not moved:
                best = max(best, value + float(stages.stop[beat]))
    return max([best, *frontier[beats].values()])
