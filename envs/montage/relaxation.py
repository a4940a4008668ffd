"""The montage without the rule that no shot comes twice: an upper bound, and a guide.

Each use of a shot is charged a multiplier, paid back once at the end; for multipliers >= 0 the
value is an upper bound, and subgradient steps lower it (Held & Karp 1970). No shot follows itself
nor comes again after one other piece (2-cycle elimination; Houck et al. 1980), so that little
of the bound is loose. What is left to gain at every cursor by these rules, less the charges, is
also the guide of the beam and of the expert.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.montage.stages import ENDS, Stages
from segue.envs.montage.types import LENGTHS
from segue.rewards.base import FloatArray

Ints = npt.NDArray[np.int64]

ITERATIONS = 200
PATIENCE = 10
"""Steps without a better bound, after which they get shorter."""
CLOSE = 1e-9


@dataclass(frozen=True)
class Relaxation:
    """What can still be gained when shots may return at a charge.

    Attributes
    ----------
    bound : float
        Upper bound of the return.
    multipliers : ndarray (shots,) float64
        Charge for each use of a shot.
    value : ndarray (beats + max(LENGTHS), ends) float32
        Best value from a beat and the end of the last piece on, less charges; 0 when the film is
        full.
    next_shot : ndarray like `value` int16
        Shot that comes next in it, -1 for none.
    other : ndarray like `value` float32
        Best value with another next shot.
    """

    bound: float
    multipliers: FloatArray
    value: npt.NDArray[np.float32]
    next_shot: npt.NDArray[np.int16]
    other: npt.NDArray[np.float32]

    def ahead(self, beat: Ints, end: Ints, before: Ints) -> FloatArray:
        """Value from `beat` on, after a piece with `end` that follows a piece of shot `before`.

        All broadcast together; the charge of the piece itself is counted.
        """
        again = self.next_shot[beat, end] == before
        value = np.where(again, self.other[beat, end], self.value[beat, end])
        return np.asarray(value - self.multipliers[end // ENDS])


def relax(stages: Stages, lower: float, iterations: int = ITERATIONS) -> Relaxation:
    """Lower the bound by subgradient steps.

    Parameters
    ----------
    stages : Stages
        The bin.
    lower : float
        A return that some montage has: what the steps aim at (Polyak 1969).
    iterations : int
        Most steps.
    """
    shots = stages.bank.shots
    multipliers = kept = np.zeros(shots)
    best, share, waited = np.inf, 1.0, 0
    for _ in range(1 if stages.reuse else iterations):
        value, uses = relaxed(stages, multipliers)
        if value < best - CLOSE:
            best, kept, waited = value, multipliers, 0
        elif (waited := waited + 1) > PATIENCE:
            share, waited, multipliers = 0.6 * share, 0, kept
        excess = np.where((multipliers <= 0.0) & (uses < 1), 0, uses - 1)
        if stages.reuse or not excess.any() or best - lower < CLOSE:
            break
        step = share * max(value - lower, CLOSE) / float(excess @ excess)
        multipliers = np.maximum(0.0, multipliers + step * excess)
    _, values, next_shot, other, _, _ = _backward(stages, kept)
    return Relaxation(
        best, kept, values.astype(np.float32), next_shot.astype(np.int16), other.astype(np.float32)
    )


def relaxed(stages: Stages, multipliers: FloatArray) -> tuple[float, Ints]:
    """Best value when shots may return at a charge, and how often the best line uses each.

    Parameters
    ----------
    multipliers : ndarray (shots,) float64
        Charge for each use, >= 0; the sum is paid back.
    """
    start, _, next_shot, _, choice, second = _backward(stages, multipliers)
    uses = np.zeros(stages.bank.shots, dtype=np.int64)
    beat, last, before = 0, stages.ends, -2
    while beat < stages.bank.beats:
        if last < stages.ends and next_shot[beat, last] < 0:
            break
        again = last < stages.ends and next_shot[beat, last] == before
        taken = int((second if again else choice)[beat, last])
        if taken < 0:
            break
        before = last // ENDS
        last, option = divmod(taken, len(LENGTHS))
        uses[last // ENDS] += 1
        beat += LENGTHS[option]
    return start + float(multipliers.sum()), uses


def _backward(
    stages: Stages, multipliers: FloatArray
) -> tuple[float, FloatArray, Ints, FloatArray, Ints, Ints]:
    beats, ends = stages.bank.beats, stages.ends
    value = np.full((beats + max(LENGTHS), ends), -np.inf)
    value[beats] = 0.0
    other, next_shot = value.copy(), np.full(value.shape, -1, dtype=np.int64)
    choice = np.full((beats, ends + 1), -1, dtype=np.int64)
    second = choice.copy()
    start = _sweep(
        stages.best,
        multipliers,
        stages.stop,
        np.asarray(LENGTHS),
        ENDS,
        stages.reuse,
        value,
        next_shot,
        other,
        choice,
        second,
    )
    return start, value, next_shot, other, choice, second


@nb.njit(nogil=True, cache=True)
def _sweep(
    best: FloatArray,
    charge: FloatArray,
    stop: FloatArray,
    lengths: Ints,
    ends_of_shot: int,
    reuse: bool,
    value: FloatArray,
    next_shot: Ints,
    other: FloatArray,
    choice: Ints,
    second: Ints,
) -> float:
    """Fill the arrays from the last beat to the first; returns the value of the start.

    `choice` and `second` are ``end * lengths + length`` of the next piece in `value` and `other`.
    """
    beats, lasts, ends, options = best.shape
    shots = ends // ends_of_shot
    start = stop[0]
    for back in range(beats):
        beat = beats - 1 - back
        for last in range(lasts):
            if (beat == 0) != (last == ends):
                continue
            own = -2 if reuse or last == ends else last // ends_of_shot
            first, runner = stop[beat], stop[beat]
            first_at, runner_at, first_shot = -1, -1, -1
            for shot in range(shots):
                top, at = -np.inf, -1
                for end in range(shot * ends_of_shot, (shot + 1) * ends_of_shot):
                    for option in range(options):
                        reward = best[beat, last, end, option]
                        if reward == -np.inf:
                            continue
                        after = beat + lengths[option]
                        ahead = value[after, end]
                        if next_shot[after, end] == own:
                            ahead = other[after, end]
                        if reward + ahead > top:
                            top, at = reward + ahead, end * options + option
                if at < 0:
                    continue
                top -= charge[shot]
                if top > first:
                    runner, runner_at = first, first_at
                    first, first_at, first_shot = top, at, shot
                elif top > runner:
                    runner, runner_at = top, at
            if last == ends:
                start = first
            else:
                value[beat, last], next_shot[beat, last] = first, first_shot
                other[beat, last] = runner
            choice[beat, last], second[beat, last] = first_at, runner_at
    return float(start)
