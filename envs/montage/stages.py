"""The worth of every step from one cut to the next, for the solvers of one bin."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.film.shots import THIRDS
from segue.envs.montage.choices import Choices, Cursors, choices, effect_kinds
from segue.envs.montage.types import FIRST, LENGTHS, Bank
from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.film_view import MIRROR, CutView

ENDS = THIRDS * 2
"""Ways in which a piece of one shot can end: its third, mirrored or not."""


def end_of(
    shot: npt.ArrayLike, third: npt.ArrayLike, mirrored: npt.ArrayLike
) -> npt.NDArray[np.int64]:
    """Number of an end: ``(shot * THIRDS + third) * 2 + mirrored``."""
    number = np.asarray(shot, np.int64) * THIRDS + np.asarray(third, np.int64)
    return np.asarray(2 * number + np.asarray(mirrored, np.int64))


def ends(found: Choices) -> npt.NDArray[np.int64]:
    """Ends of the pieces of all choices, shaped like them."""
    mirrored = np.array([MIRROR in kind for kind in effect_kinds()])
    shot = np.arange(found.piece.exit.shape[1])[:, None, None, None]
    return end_of(shot, found.piece.exit, mirrored)


class Stages:
    """Best reward of every beat, last end, next end and length, over the rest of the action.

    Ends are numbered by `end_of`; the number after the last stands for the start of the film.

    Attributes
    ----------
    best : ndarray (beats, ends + 1, ends, lengths) float64
        -inf where impossible, as a shot after itself is unless `reuse`. The axis of the length
        is that of `LENGTHS`.
    stop : ndarray (beats + 1,) float64
        Value of ending at a beat: what is left empty is charged.
    """

    def __init__(
        self, bank: Bank, reward: WeightedSum[CutView], bin_: int, reuse: bool = False
    ) -> None:
        self.bank, self.reward, self.bin, self.reuse = bank, reward, bin_, reuse
        self.ends = bank.shots * ENDS
        empty = reward.weights.get("duration", 0.0)
        self.stop = -empty * (1.0 - np.arange(bank.beats + 1) / bank.beats)
        shape = (bank.beats, self.ends + 1, self.ends, len(LENGTHS))
        self.best: FloatArray = np.full(shape, -np.inf)
        for beat in range(bank.beats):
            self._fill(beat)

    def cursors(self, beat: int, ends: npt.NDArray[np.int64]) -> Cursors:
        """Places at `beat` after pieces of the given ends."""
        number = np.minimum(ends, self.ends - 1)
        return Cursors(
            bin=np.array([self.bin]),
            beat=np.array([beat]),
            last_shot=np.where(ends == self.ends, FIRST, number // ENDS),
            last_third=number // 2 % THIRDS,
            last_mirrored=number % 2 == 1,
        )

    def _fill(self, beat: int) -> None:
        lasts = np.arange(self.ends + 1)
        rows = lasts[-1:] if beat == 0 else lasts[:-1]
        found = choices(self.bank, self.reward, self.cursors(beat, rows), self.reuse)
        goals = ends(found)
        for c, kind in enumerate(found.kinds):
            _scatter(
                self.best[beat],
                int(rows[0]),
                kind.best,
                np.ascontiguousarray(found.piece.entry[0, ..., c]),
                np.ascontiguousarray(found.option[0, ..., c]),
                np.ascontiguousarray(goals[0, ..., c]),
                np.ascontiguousarray(found.legal[0, ..., c]),
                ENDS,
                self.reuse,
            )


@nb.njit(nogil=True, cache=True)
def _scatter(
    best: FloatArray,
    first: int,
    worth: FloatArray,
    entry: npt.NDArray[np.int64],
    option: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    legal: npt.NDArray[np.bool_],
    ends_of_shot: int,
    reuse: bool,
) -> None:
    """Keep in `best` (from row `first` on) the best `worth` of the pieces that end alike."""
    shots, in_points, lengths = entry.shape
    for shot, in_point, length in np.ndindex(shots, in_points, lengths):
        if not legal[shot, in_point, length]:
            continue
        choice, goal = option[shot, in_point, length], end[shot, in_point, length]
        worths = worth[shot, entry[shot, in_point, length], choice]
        for k in range(len(worths)):
            after_itself = shot == (first + k) // ends_of_shot and not reuse
            if not after_itself and worths[k] > best[first + k, goal, choice]:
                best[first + k, goal, choice] = worths[k]
