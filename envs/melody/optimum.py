"""Bounds of `segue/Melody-v0`: an upper one by relaxation, and a good line by beam search.

What a sixteenth earns depends on the whole melody before it, so dynamic programming over all of it
is out of reach. The relaxation keeps a part of the state: last pitch, how long it has sounded,
whether a leap waits, whether highest and lowest pitch are unique. What the rest could say is
granted: each term takes the best value that it has for any combination of facts not against the
kind of move. Terms of the motif facts are bounded by themselves, over how many sixteenths were in
a returning motif; a term of a real value takes its best value everywhere, but one of what a judge
says only at the end, since nothing is said before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from segue.envs.melody.reward_grid import (
    AXES,
    BEGINS,
    END,
    EXTREMES,
    FLAGS,
    INTERVAL,
    JUDGED,
    LENGTHS,
    MOTIF,
    NOTE,
    PATTERN,
    PER_UNIT,
    on_all_axes,
    open_grid,
    real_axis,
    unknown_reals,
)
from segue.envs.melody.types import LEAP, NO_PITCH, PITCHES, STEPS, TOKENS, WINDOW
from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.melody_view import (
    FIRST,
    HELD,
    HOLD,
    LEAP_DOUBLED,
    LEAP_RESOLVED,
    NO_CLASS,
    OFF,
    ONSET,
    STOPPED,
    MelodyView,
)

if TYPE_CHECKING:
    from segue.envs.melody.env import Melody

_MOTIF_AXIS, _PATTERN_AXIS, _FLAGS_AXIS, _END_AXIS = 5, 7, 3, 8

Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Move:
    """Which places on the axes FLAGS and PATTERN a kind of move may have."""

    flags: Places
    pattern: Places


def _move(
    excessive: tuple[int, ...] = (0,),
    leap: tuple[int, ...] = (0,),
    after: bool = False,
    idle: int = 0,
    illegal: tuple[int, ...] = (0,),
    pattern: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] = ((0,), (0,), (0,)),
) -> _Move:
    any_of_three = (0, 1, 2) if after else (0,)
    flags = np.ix_(excessive, leap, any_of_three, any_of_three, (idle,), illegal)
    return _Move(
        np.ravel_multi_index(flags, FLAGS).ravel(),
        np.ravel_multi_index(np.ix_(*pattern), PATTERN).ravel(),
    )


_SOME = tuple(range(1, PATTERN[1]))
_AGAIN = (tuple(range(2, PATTERN[0])), (0,), (0,))
_ON = ((1,), _SOME, (0, *_SOME))
_WAITED = (0, LEAP_RESOLVED)

_HOLD = _move(excessive=(0, 1))
_OFF = _move(excessive=(0, 1), illegal=(0, 1))
_IDLE = _move(excessive=(0, 1), illegal=(0, 1), idle=1)
_BEGIN = _move(pattern=((1,), (0,), (0,)))
# By whether a leap waited before and waits after: the same pitch, up to a tritone, a fifth or more.
_ONSETS: dict[tuple[int, int], tuple[_Move | None, _Move | None, _Move | None]] = {
    (0, 0): (_move((0, 1), after=True, pattern=_AGAIN), _move(after=True, pattern=_ON), None),
    (0, 1): (None, None, _move(after=True, pattern=_ON)),
    (1, 0): (
        _move((0, 1), _WAITED, True, pattern=_AGAIN),
        _move((0,), _WAITED, True, pattern=_ON),
        _move((0,), _WAITED, True, pattern=_ON),
    ),
    (1, 1): (
        _move((0, 1), after=True, pattern=_AGAIN),
        _move(after=True, pattern=_ON),
        _move((0,), (0, LEAP_DOUBLED), True, pattern=_ON),
    ),
}


def upper_bound(
    reward: WeightedSum[MelodyView], with_prior: bool, with_judge: bool = False
) -> float:
    """Bound the return of every episode from above."""
    local, motif, steady = [], [], 0.0
    left_out = unknown_reals(with_prior, with_judge)
    for value in map(on_all_axes, reward.values(open_grid())):
        others = [size for axis, size in enumerate(value.shape) if axis not in (0, _MOTIF_AXIS)]
        real = real_axis(value)
        if real is not None:
            steady += 0.0 if real in left_out else _real_bound(value.ravel(), real)
        elif value.shape[_MOTIF_AXIS] > 1 and max(others) == 1:
            motif.append(np.broadcast_to(value.reshape(len(value), -1), (STEPS, value[0].size)))
        else:
            local.append(value.reshape(value.shape[:AXES]))
    return float(steady + _motif_bound(motif) + _Relaxation(local).value())


def _real_bound(curve: FloatArray, real: int) -> float:
    """Best sum of a term of one real value, (KNOTS,)."""
    best = float(curve.max())
    if real != JUDGED:
        return STEPS * best
    # Before the end it is 0.
    before = curve[round(-BEGINS[JUDGED] * PER_UNIT[JUDGED])]
    return float(best + (STEPS - 1) * before)


def _motif_bound(terms: list[FloatArray]) -> float:
    """Best sum of terms of step and MOTIF, over the count of sixteenths in returning motifs."""
    if not terms:
        return 0.0
    table = np.sum(terms, axis=0).reshape(STEPS, *MOTIF)
    value = np.zeros(MOTIF[1] + 1)
    for step in reversed(range(STEPS)):
        best = table[step, :, 0].max() if step >= WINDOW - 1 else table[step, 0, 0]
        after = value + best
        if step >= 2 * WINDOW - 1:
            again = table[step, 3:, 1:].max(axis=0) + value[1 : MOTIF[1]]
            after[: MOTIF[1] - 1] = np.maximum(after[: MOTIF[1] - 1], again)
        value = after
    return float(value[0])


class _Relaxation:
    """Dynamic programming over [length, top unique, bottom unique, last pitch, leap waits]."""

    def __init__(self, terms: list[FloatArray]) -> None:
        # Nothing is known of the motif here.
        self.terms = [term.max(axis=_MOTIF_AXIS, keepdims=True) for term in terms]
        self.reduced: dict[int, list[FloatArray]] = {}
        shape = (LENGTHS, 2, 2, NO_PITCH + 1)
        self.length, self.top, self.bottom, self.pitch = np.ix_(*map(np.arange, shape))

    def value(self) -> float:
        """Best return of the relaxed task."""
        value = np.zeros((LENGTHS, 2, 2, NO_PITCH + 1, 2))
        for step in reversed(range(STEPS)):
            value = np.maximum(self._quiet(step, value), self._onsets(step, value))
        return float(value[0, 0, 0, NO_PITCH, 0])

    def _quiet(self, step: int, value: FloatArray) -> FloatArray:
        """Hold or note off."""
        longer = np.minimum(np.arange(LENGTHS) + 1, LENGTHS - 1) * (np.arange(LENGTHS) > 0)
        before = np.where(self.pitch == NO_PITCH, NO_CLASS, self.pitch % 12)
        bits = (self.top, self.top, self.bottom, self.bottom)
        sounds = np.where(self.length > 0, self.pitch, NO_PITCH)
        final = np.minimum(self.length + 1, LENGTHS - 1) * (self.length > 0)
        held = stopped = np.full((LENGTHS, 2, 2, NO_PITCH + 1), -np.inf)
        for lone in (0, 1):
            # Only a melody without an onset has a lone hold.
            free = np.where((lone == 0) | (self.pitch == NO_PITCH), 0.0, -np.inf)
            ends = (*bits, lone)
            paid = self._pay(_HOLD, step, HOLD, sounds, before, HELD, 0, ends, final)
            held = np.maximum(held, paid + free)
            for idle, move in enumerate((_OFF, _IDLE)):
                when = free + np.where((self.length == 0) == idle, 0.0, -np.inf)
                place = (before, STOPPED, self.length, ends, 0)
                paid = self._pay(move, step, OFF, NO_PITCH, *place)
                stopped = np.maximum(stopped, paid + when)
        best = np.maximum(held[..., None] + value[longer], stopped[..., None] + value[:1])
        return np.asarray(best)

    def _onsets(self, step: int, value: FloatArray) -> FloatArray:
        """Best of the onsets of every pitch."""
        best = np.full(value.shape, -np.inf)
        state = [part[..., None, None, None] for part in (self.length, self.top, self.bottom)]
        last = np.arange(NO_PITCH).reshape(1, 1, 1, -1, 1, 1, 1)
        pitch, top, bottom = np.ix_(np.arange(PITCHES), np.arange(2), np.arange(2))
        size = np.abs(last - pitch)
        kinds = (size == 0, (size > 0) & (size < LEAP), size >= LEAP)
        for (waited, waits), moves in _ONSETS.items():
            after = value[1, top, bottom, pitch, waits]
            bits = (state[1], top, state[2], bottom, 0)
            places = (last % 12, size, state[0], bits, 1)
            for kind, move in zip(kinds, moves, strict=True):
                if move is not None:
                    paid = self._pay(move, step, ONSET, pitch, *places) + after
                    found = np.where(kind, paid, -np.inf).max(axis=(4, 5, 6))
                    best[..., :PITCHES, waited] = np.maximum(best[..., :PITCHES, waited], found)
        first = (NO_CLASS, FIRST, 0, (0, 1, 0, 1, 0), 1)
        paid = self._pay(_BEGIN, step, ONSET, np.arange(PITCHES), *first)
        best[0, 0, 0, NO_PITCH, 0] = (paid + value[1, 1, 1, :PITCHES, 0]).max()
        return best

    def _pay(
        self,
        move: _Move,
        step: int,
        kind: int,
        pitch: int | npt.NDArray[np.intp],
        before: int | npt.NDArray[np.intp],
        size: int | npt.NDArray[np.intp],
        ended: int | npt.NDArray[np.intp],
        extremes: tuple[int | npt.NDArray[np.intp], ...],
        final: int | npt.NDArray[np.intp],
    ) -> FloatArray:
        """Sum of the terms' best values for a kind of move, the rest of the facts given."""
        places = (
            step,
            kind * NOTE[1] + pitch,
            before * INTERVAL[1] + size,
            0,
            np.ravel_multi_index(np.broadcast_arrays(*extremes), EXTREMES),
            0,
            ended,
            0,
            1 + final if step == STEPS - 1 else 0,
        )
        total: FloatArray = np.zeros(1)
        for term in sorted(self._reduced(move), key=lambda term: term.size):
            seen = zip(places, term.shape, strict=True)
            total = total + term[tuple(place if size > 1 else 0 for place, size in seen)]
        return total

    def _reduced(self, move: _Move) -> list[FloatArray]:
        """Terms with the best of the flags, patterns and ends that `move` may have."""
        if id(move) not in self.reduced:
            found = []
            for term in self.terms:
                for axis, places in ((_FLAGS_AXIS, move.flags), (_PATTERN_AXIS, move.pattern)):
                    if term.shape[axis] > 1:
                        term = term.take(places, axis).max(axis=axis, keepdims=True)
                if term.shape[_END_AXIS] > 1:
                    ends = term[..., 1:].reshape(*term.shape[:_END_AXIS], *END)
                    ends = ends.max(axis=(-2, -1))
                    term = np.concatenate([term[..., :1], ends], axis=-1)
                found.append(term)
            self.reduced[id(move)] = found
        return self.reduced[id(move)]


def beam_line(task: Melody, width: int = 256) -> tuple[float, npt.NDArray[np.int64]]:
    """Return and tokens of a good melody: the best that a beam search finds.

    Parameters
    ----------
    task : Melody
        Rules, reward and prior.
    width : int
        Melodies kept after each sixteenth, >= 1.

    Returns
    -------
    float
        Its return, a lower bound of the optimum.
    ndarray (STEPS,) int64
        Its tokens; ties go to what was found first.
    """
    batch = task.allocate(width * TOKENS)
    task.begin(batch, np.arange(len(batch.reward)), np.zeros(len(batch.reward), dtype=np.uint64))
    actions = np.tile(np.arange(TOKENS), width)
    returns = np.zeros(len(actions))
    # At first all rows are the same melody; one of them is enough.
    returns[TOKENS:] = -np.inf
    for _ in range(STEPS):
        task.step(batch, actions)
        returns = returns + batch.reward
        kept = np.argsort(-returns, kind="stable")[:width].repeat(TOKENS)
        batch.take(batch, kept)
        returns = returns[kept]
    return float(returns[0]), batch.tokens(0).astype(np.int64)
