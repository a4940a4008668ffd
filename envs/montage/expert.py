"""An expert that knows the whole bin, and what it thinks of every other choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.task import Advice
from segue.envs.film.effects import EFFECTS
from segue.envs.film.transitions import TRANSITIONS
from segue.envs.montage.choices import Choices, Cursors, choices
from segue.envs.montage.relaxation import Relaxation
from segue.envs.montage.stages import ends
from segue.envs.montage.types import Bank, MontageBatch
from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.film_view import CutView

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MontageAdvice(Advice):
    """What every action is worth in k situations: its reward and, by the relaxation, prospect.

    Attributes
    ----------
    found : Choices
        The actions.
    total : ndarray (k, shots, in-points, lengths, kinds) float64
        Worth of each with its best transition and effect; -inf where illegal.
    """

    found: Choices
    total: FloatArray

    @property
    def actions(self) -> Ints:
        """Best action in each situation, (k, 5)."""
        return self.found.actions(self.total.reshape(len(self.total), -1).argmax(axis=1))

    def values(self, path: Ints) -> tuple[FloatArray, ...]:
        """Worth of each choice of each part, the parts before it as in `path` and the rest best.

        Parameters
        ----------
        path : ndarray (k, 5) int64
            Legal actions.

        Returns
        -------
        tuple of ndarray (k, choices of the part) float64
            -inf where illegal.
        """
        shot, in_point, length, transition, _ = path.T
        row = np.arange(len(path))
        crafts = self._crafts(row, shot, in_point, length)
        return (
            self.total.max(axis=(2, 3, 4)),
            self.total[row, shot].max(axis=(2, 3)),
            self.total[row, shot, in_point].max(axis=2),
            crafts.max(axis=2),
            crafts[row, transition],
        )

    def _crafts(self, row: Ints, shot: Ints, in_point: Ints, length: Ints) -> FloatArray:
        """Worth of every transition and effect of given pieces, (k, transitions, effects)."""
        crafts = np.full((len(row), len(TRANSITIONS), len(EFFECTS)), -np.inf)
        entries, options = self.found.piece.entry, self.found.option
        own = row if len(entries) > 1 else 0
        for c, kind in enumerate(self.found.kinds):
            entry = entries[own, shot, in_point, length, c]
            option = options[own, shot, in_point, length, c]
            cursor = row if kind.by_effect.shape[5] > 1 else 0
            apart = kind.by_transition[:, :, shot, entry, option, row]
            apart = apart + kind.by_effect[:, :, shot, entry, option, cursor]
            best = self.total[row, shot, in_point, length, c]
            values = best + apart - apart.max(axis=(0, 1))
            crafts[:, :, list(kind.effects)] = np.moveaxis(values, -1, 0)
        return crafts


def greedy_action(
    bank: Bank, reward: WeightedSum[CutView], batch: MontageBatch, row: int, reuse: bool = False
) -> Ints:
    """Legal action of the greatest immediate reward per beat; ties go to the lowest shot."""
    found = choices(bank, reward, cursors(bank, batch, np.array([row])), reuse)
    per_beat = found.worth() / found.piece.beats
    if not reuse:
        per_beat[batch.used[[row]]] = -np.inf
    return np.asarray(found.actions(per_beat.reshape(1, -1).argmax(axis=1))[0])


def cursors(bank: Bank, batch: MontageBatch, rows: Ints) -> Cursors:
    """Where the next pieces of `rows` are to be laid."""
    return Cursors(
        bin=batch.bin[rows],
        beat=np.minimum(batch.beat[rows], bank.beats - 1),
        last_shot=batch.last_shot[rows],
        last_third=batch.last_third[rows],
        last_mirrored=batch.last_mirrored[rows],
    )


def advice(
    bank: Bank,
    reward: WeightedSum[CutView],
    batch: MontageBatch,
    rows: Ints,
    guides: list[Relaxation],
    reuse: bool = False,
) -> MontageAdvice:
    """Say what every action is worth in `rows`.

    Parameters
    ----------
    guides : list of Relaxation
        Of the bin of each row.
    """
    found = choices(bank, reward, cursors(bank, batch, rows), reuse)
    goals, after = ends(found), batch.beat[rows].reshape(-1, 1, 1, 1, 1) + found.piece.beats
    total = found.worth()
    for k, guide in enumerate(guides):
        own = k if len(goals) > 1 else 0
        before = np.asarray(-2 if reuse else int(batch.last_shot[rows[k]]))
        total[k] += guide.ahead(after[k], goals[own], before)
    if not reuse:
        total[batch.used[rows]] = -np.inf
    return MontageAdvice(found, total)
