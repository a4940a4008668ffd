"""How good a montage can be: exact for small bins, an upper bound for others.

The reward of a piece depends on the beat, on how the last piece ends (shot, third, mirrored) and
on the action. Only the rule that no shot comes twice looks further back.

- *Exact*: dynamic programming over (beat, end of the last piece, set of used shots), for bins of
  up to EXACT_SHOTS shots.
- *Bound*: the same without the set, so that shots may return. Each use of a shot is charged a
  multiplier, paid back once at the end; for multipliers >= 0 every value is an upper bound, and
  subgradient steps lower it (Lagrangian relaxation; Held & Karp 1970).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.base.task import Bound
from segue.envs.film.shots import THIRDS
from segue.envs.montage import dynamics, views
from segue.envs.montage.types import FIRST, LENGTHS, Bank, MontageBatch
from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.film_view import CUT, MIRROR, CutView

EXACT_SHOTS = 7
ITERATIONS = 60


def reward_grid(
    bank: Bank,
    reward: WeightedSum[CutView],
    bin_: int,
    beat: int,
    last: tuple[npt.NDArray[Any], ...],
) -> tuple[FloatArray, dynamics.Piece]:
    """Reward of every action at `beat` after every given last piece.

    Parameters
    ----------
    last : three arrays (l,)
        Shot (FIRST for none), third and mirrored of the last pieces.

    Returns
    -------
    ndarray (l, shots, in-points, lengths, transitions, effects)
        Reward, -inf where illegal (used shots apart); what stays empty is not charged.
    Piece
        Of each action; its arrays broadcast against that shape.
    """
    sizes = dynamics.action_sizes(bank.shots)
    shot, in_point, length, transition, effect = (
        np.arange(size).reshape([-1 if axis == part else 1 for axis in range(6)])
        for part, size in enumerate(sizes, start=1)
    )
    last_shot, last_third, last_mirrored = (part.reshape(-1, 1, 1, 1, 1, 1) for part in last)
    at, where = np.full((1,) * 6, beat), np.full((1,) * 6, bin_)
    piece = dynamics.place(bank, where, at, shot, in_point, length, effect)
    view = views.look(
        bank, where, at, last_shot, last_third, last_mirrored, shot, transition, effect, piece
    )
    total = np.zeros((len(last[0]), *sizes))
    for value in reward.values(view):
        total += value
    need = bank.beat_frames[beat + 1] - bank.beat_frames[beat]
    legal = (
        (bank.frames[bin_][shot] >= need)
        & (np.asarray(LENGTHS)[length] <= max(1, bank.beats - beat))
        & ((transition == CUT) | (last_shot != FIRST))
    )
    return np.where(legal, total, -np.inf), piece


def greedy_action(
    bank: Bank, reward: WeightedSum[CutView], batch: MontageBatch, row: int
) -> npt.NDArray[np.int64]:
    """Legal action of the greatest immediate reward per beat; ties go to the lowest index."""
    last = (batch.last_shot[[row]], batch.last_third[[row]], batch.last_mirrored[[row]])
    beat = min(int(batch.beat[row]), bank.beats - 1)
    total, piece = reward_grid(bank, reward, int(batch.bin[row]), beat, last)
    per_beat = (total / piece.beats)[0]
    per_beat[batch.used[row]] = -np.inf
    return np.array(np.unravel_index(per_beat.argmax(), per_beat.shape))


class Stages:
    """Best reward of every beat, last piece, shot, length and end, over the rest of the action.

    Ends are numbered ``(shot * THIRDS + third) * 2 + mirrored``, and ``ends`` is the start.

    Attributes
    ----------
    best : list of ndarray (ends + 1, ends, lengths)
        A beat each; -inf where impossible. The axis of the length is that of `LENGTHS`.
    """

    def __init__(self, bank: Bank, reward: WeightedSum[CutView], bin_: int) -> None:
        self.bank = bank
        self.ends = bank.shots * THIRDS * 2
        self.empty_cost = _empty_cost(reward)
        index = np.arange(self.ends + 1)
        shot = np.where(index == self.ends, FIRST, index // (2 * THIRDS))
        self._last = (shot, index // 2 % THIRDS, index % 2)
        self.best = [self._stage(reward, bin_, beat) for beat in range(bank.beats)]

    def stop(self, beat: int) -> float:
        """Value of ending at `beat`: what is left empty is charged."""
        return -self.empty_cost * (1.0 - beat / self.bank.beats)

    def _stage(self, reward: WeightedSum[CutView], bin_: int, beat: int) -> FloatArray:
        last: tuple[npt.NDArray[Any], ...] = self._last
        if beat == 0:
            last = tuple(part[-1:] for part in last)
        total, piece = reward_grid(self.bank, reward, bin_, beat, last)
        best = np.full((self.ends + 1, self.ends, len(LENGTHS)), -np.inf)
        rows = slice(self.ends, None) if beat == 0 else slice(None)
        mirrored = np.arange(total.shape[5]) == MIRROR
        beats, leave = (
            np.broadcast_to(part, (1, *total.shape[1:4], 1, total.shape[5]))[0, :, :, :, 0]
            for part in (piece.beats, piece.exit)
        )
        over_transitions = total.max(axis=4)
        for shot, in_point, length, effect in np.ndindex(beats.shape):
            option = LENGTHS.index(int(beats[shot, in_point, length, effect]))
            end = (shot * THIRDS + int(leave[shot, in_point, length, effect])) * 2
            target = best[rows, end + int(mirrored[effect]), option]
            np.maximum(target, over_transitions[:, shot, in_point, length, effect], out=target)
        return best


def _empty_cost(reward: WeightedSum[CutView]) -> float:
    return reward.weights.get("duration", 0.0)


def relaxed(stages: Stages, multipliers: FloatArray) -> tuple[float, npt.NDArray[np.int64]]:
    """Best value when shots may return at a charge, and how often the best line uses each.

    Parameters
    ----------
    multipliers : ndarray (shots,) float64
        Charge for each use, >= 0; the sum is paid back.
    """
    beats, ends = stages.bank.beats, stages.ends
    charge = np.repeat(multipliers, 2 * THIRDS)[:, None]
    values = np.full((beats + max(LENGTHS) + 1, ends), -np.inf)
    values[beats] = 0.0
    choices = np.zeros((beats, ends + 1), dtype=np.int64)
    start = 0.0
    for beat in reversed(range(beats)):
        after = np.stack([values[beat + option] for option in LENGTHS], axis=1)
        total = (stages.best[beat] + (after - charge)).reshape(ends + 1, -1)
        choices[beat] = total.argmax(axis=1)
        top = total.max(axis=1)
        values[beat] = np.maximum(top[:ends], stages.stop(beat))
        start = float(top[ends])
    uses = np.zeros(stages.bank.shots, dtype=np.int64)
    beat, last = 0, ends
    while beat < beats:
        last, option = divmod(int(choices[beat, last]), len(LENGTHS))
        uses[last // (2 * THIRDS)] += 1
        beat += LENGTHS[option]
    return start + float(multipliers.sum()), uses


def exact(stages: Stages) -> float:
    """Optimal return, by dynamic programming over the sets of used shots."""
    beats = stages.bank.beats
    frontier: list[dict[tuple[int, int], float]] = [{} for _ in range(beats + 1)]
    frontier[0][stages.ends, 0] = 0.0
    best = -np.inf
    for beat in range(beats):
        for (last, used), value in frontier[beat].items():
            moved = False
            for end, option in np.argwhere(np.isfinite(stages.best[beat][last])):
                bit = 1 << int(end) // (2 * THIRDS)
                if used & bit:
                    continue
                moved = True
                goal = frontier[beat + LENGTHS[option]]
                key = (int(end), used | bit)
                total = value + float(stages.best[beat][last, end, option])
                goal[key] = max(goal.get(key, -np.inf), total)
            if not moved:
                best = max(best, value + stages.stop(beat))
    return max([best, *frontier[beats].values()])


def bound(
    bank: Bank, reward: WeightedSum[CutView], bin_: int, iterations: int = ITERATIONS
) -> Bound:
    """Exact optimum for at most EXACT_SHOTS shots, otherwise the Lagrangian bound."""
    stages = Stages(bank, reward, bin_)
    if bank.shots <= EXACT_SHOTS:
        return Bound(exact(stages), exact=True)
    multipliers, kept = np.zeros(bank.shots), np.zeros(bank.shots)
    best, share = np.inf, 0.05
    for _ in range(iterations):
        value, uses = relaxed(stages, multipliers)
        if value < best:
            best, kept = value, multipliers
        else:
            share *= 0.7
        excess = uses - 1
        if not (excess > 0).any():
            break
        # Polyak's step towards a value `share` below the best, from the best multipliers so far.
        step = share * abs(best) / float(excess @ excess)
        multipliers = np.maximum(0.0, kept + step * excess)
    return Bound(float(best), exact=False)
