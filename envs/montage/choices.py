"""The worth of every action at many cursors at once: what all solvers of the montage build on.

A reward sees of a piece its shot, the third that it enters, its length, transition and effect. So
terms are evaluated on an open grid of those, mirrored pieces apart; hardly any term looks at
transition *and* effect, which can then be chosen one without the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.film.effects import EFFECTS
from segue.envs.film.shots import THIRDS
from segue.envs.film.transitions import TRANSITIONS
from segue.envs.montage import dynamics, views
from segue.envs.montage.dynamics import Ints
from segue.envs.montage.types import FIRST, IN_POINTS, LENGTHS, Bank
from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.film_view import CUT, MIRROR, CutView

TRANSITION, EFFECT = 0, 1
"""Axes of the grid; then shot, entry, length and cursor, the longest."""


@dataclass(frozen=True)
class Cursors:
    """Where pieces are to be laid, k places.

    Attributes
    ----------
    bin, beat : ndarray (k,) or (1,) int64
        Bin of the episode, and the beat that comes; one for all where they share it.
    last_shot, last_third, last_mirrored : ndarray (k,)
        How the last piece ends; see `MontageBatch`.
    """

    bin: Ints
    beat: Ints
    last_shot: Ints
    last_third: Ints
    last_mirrored: npt.NDArray[Any]


@lru_cache(maxsize=8)
def _kinds(effects: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    found: dict[Any, list[int]] = {}
    for index, name in enumerate(effects):
        found.setdefault((index == MIRROR, EFFECTS[name].speed), []).append(index)
    return tuple(tuple(members) for members in found.values())


def effect_kinds() -> tuple[tuple[int, ...], ...]:
    """Effects that leave a piece in one place: of one speed, and mirrored or not."""
    return _kinds(tuple(EFFECTS))


@dataclass(frozen=True)
class Kind:
    """Actions whose effects leave a piece in one place, at k cursors.

    Attributes
    ----------
    best : ndarray (shots, THIRDS, lengths, k) float64
        By entry and length: worth with the best transition and the best effect.
    by_transition : ndarray (transitions, 1, shots, THIRDS, lengths, k) float64
        What tells one transition from the other.
    by_effect : ndarray (transitions or 1, effects, shots, THIRDS, lengths, k or 1) float64
        What tells the kind's effects apart; by transition, too, where a term looks at both.
    effects : tuple of int
        The effects.
    """

    best: FloatArray
    by_transition: FloatArray
    by_effect: FloatArray
    effects: tuple[int, ...]

    def worth(self, entry: Ints, option: Ints) -> FloatArray:
        """Worth of pieces (k or 1, shots, in-points, lengths) at each cursor."""
        cursor, shot = np.ogrid[: self.best.shape[3], : len(self.best)]
        return np.asarray(self.best[shot[..., None, None], entry, option, cursor[..., None, None]])

    def craft(self, cursor: int, shot: int, entry: int, option: int) -> tuple[int, int]:
        """Best transition and effect of one piece."""
        shared = cursor if self.by_effect.shape[5] > 1 else 0
        total = (
            self.by_transition[:, :, shot, entry, option, cursor]
            + self.by_effect[:, :, shot, entry, option, shared]
        )
        transition, effect = divmod(int(total.argmax()), len(self.effects))
        return transition, self.effects[effect]


@dataclass(frozen=True)
class Choices:
    """Every action at k cursors, the best transition and effect of each kind taken.

    Attributes
    ----------
    kinds : tuple of Kind
        As `effect_kinds` has them.
    piece : Piece
        Where each action's piece lies, (k or 1, shots, in-points, lengths, kinds).
    legal : ndarray, like the piece, bool
        Used shots apart.
    """

    kinds: tuple[Kind, ...]
    piece: dynamics.Piece
    legal: npt.NDArray[np.bool_]

    @property
    def option(self) -> Ints:
        """Index into `LENGTHS` of each piece's length."""
        return np.asarray(np.searchsorted(LENGTHS, self.piece.beats))

    def worth(self) -> FloatArray:
        """Reward of each, (k, shots, in-points, lengths, kinds); -inf where illegal.

        What stays empty at the end is not charged.
        """
        entry, option = self.piece.entry, self.option
        values = [kind.worth(entry[..., c], option[..., c]) for c, kind in enumerate(self.kinds)]
        return np.where(self.legal, np.stack(values, axis=-1), -np.inf)

    def actions(self, flat: Ints) -> Ints:
        """Actions (k, 5) of one index per cursor into what `worth` gives for it."""
        shots = len(self.kinds[0].best)
        shape = (shots, IN_POINTS, len(LENGTHS), len(self.kinds))
        entry, option, found = self.piece.entry, self.option, []
        for k, (shot, in_point, length, c) in enumerate(
            zip(*np.unravel_index(flat, shape), strict=True)
        ):
            at = (k if len(entry) > 1 else 0, shot, in_point, length, c)
            craft = self.kinds[c].craft(k, shot, int(entry[at]), int(option[at]))
            found.append((shot, in_point, length, *craft))
        return np.array(found, dtype=np.int64)


def choices(bank: Bank, reward: WeightedSum[CutView], at: Cursors, reuse: bool = False) -> Choices:
    """Evaluate every action at every cursor; with `reuse`, a shot repeated at once is charged."""
    kinds: dict[int, Kind] = {}
    for mirrored in (False, True):
        members = [i for i in range(len(EFFECTS)) if (i == MIRROR) == mirrored]
        plain, by_transition, by_effect = _folded(bank, reward, at, members, reuse)
        shared = plain + by_transition.max(axis=0) if by_effect.shape[0] == 1 else plain
        for index, belonging in enumerate(effect_kinds()):
            if (MIRROR in belonging) == mirrored:
                own = by_effect[:, [members.index(i) for i in belonging]]
                best = own if own.shape[0] == 1 else own + by_transition
                best = shared[0] + best.max(axis=(0, 1))
                kinds[index] = Kind(best, by_transition, own, belonging)
    piece, legal = _pieces(bank, at)
    return Choices(tuple(kinds[index] for index in range(len(kinds))), piece, legal)


def _folded(
    bank: Bank, reward: WeightedSum[CutView], at: Cursors, effects: list[int], reuse: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sum the terms that look neither at transition nor effect, at the transition, at the effect.

    Shaped (1, shots, THIRDS, lengths, k), and as `Kind` has them.
    """
    shape = (bank.shots, THIRDS, len(LENGTHS), len(at.last_shot))
    plain = np.zeros((1, 1, *shape))
    by_transition = np.zeros((len(TRANSITIONS), 1, *shape))
    by_effect = np.zeros((1, len(effects), *shape[:3], 1))
    for value in reward.values(_view(bank, at, effects, reuse)):
        value = value.reshape((1,) * (6 - value.ndim) + value.shape)
        if value.shape[EFFECT] > 1:
            by_effect = by_effect + value
        elif value.shape[TRANSITION] > 1:
            by_transition += value
        else:
            plain += value
    by_transition[CUT + 1 :, ..., at.last_shot == FIRST] = -np.inf
    return plain[0], by_transition, by_effect


def _view(bank: Bank, at: Cursors, effects: list[int], reuse: bool) -> CutView:
    def cursor(part: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return part.reshape(1, 1, 1, 1, 1, -1)

    shot, entry, option, transition = (
        np.arange(size).reshape([-1 if axis == place else 1 for axis in range(6)])
        for place, size in (
            (2, bank.shots),
            (3, THIRDS),
            (4, len(LENGTHS)),
            (TRANSITION, len(TRANSITIONS)),
        )
    )
    nothing = np.zeros((1,) * 6, dtype=np.int64)
    beat, last_shot = cursor(at.beat), cursor(at.last_shot)
    piece = dynamics.Piece(
        beats=np.asarray(LENGTHS)[option],
        frames=bank.lengths[beat, option],
        span=nothing,
        offset=nothing,
        entry=entry,
        exit=nothing,
    )
    view = views.look(
        bank,
        cursor(at.bin),
        beat,
        last_shot,
        cursor(at.last_third),
        cursor(at.last_mirrored),
        shot,
        transition,
        np.asarray(effects).reshape(1, -1, 1, 1, 1, 1),
        piece,
        recency=np.where((last_shot == shot) & reuse, 1.0, 0.0),
        mirrored=np.full((1,) * 6, effects == [MIRROR]),
    )
    if at.beat.shape == (1,):
        # Only the first beat has no piece before it: what is the same for all takes no axis.
        return replace(view, first=view.first[..., :1])
    return view


def _pieces(bank: Bank, at: Cursors) -> tuple[dynamics.Piece, npt.NDArray[np.bool_]]:
    """Lay every action, and tell which are legal."""
    sizes = (bank.shots, IN_POINTS, len(LENGTHS), len(effect_kinds()))
    shot, in_point, length, kind = np.ix_(*map(np.arange, sizes))
    effect = np.array([members[0] for members in effect_kinds()])[kind]
    bin_, beat = at.bin.reshape(-1, 1, 1, 1, 1), at.beat.reshape(-1, 1, 1, 1, 1)
    piece = dynamics.place(bank, bin_, beat, shot[None], in_point[None], length[None], effect[None])
    need = bank.beat_frames[beat + 1] - bank.beat_frames[beat]
    inside = np.asarray(LENGTHS)[length] <= np.maximum(1, bank.beats - beat)
    shape = (len(bin_), *sizes)
    full = {name: np.broadcast_to(part, shape) for name, part in vars(piece).items()}
    legal = np.broadcast_to((bank.frames[bin_, shot] >= need) & inside, shape)
    return dynamics.Piece(**full), legal
