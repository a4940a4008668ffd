"""The rules of `segue/Montage-v0`: pure functions of index arrays that broadcast together.

The same functions serve a batch (every array of shape ``(n,)``) and the exact solvers (each
array on an axis of its own); none knows of rewards, Gymnasium or files.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.film.effects import EFFECTS
from segue.envs.film.shots import THIRDS
from segue.envs.film.transitions import TRANSITIONS
from segue.envs.montage.types import (
    IN_POINTS,
    LENGTHS,
    LONGEST_TRANSITION,
    Bank,
    MontageBatch,
)
from segue.rewards.film import CUT

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[Any]

SPEEDS: tuple[Fraction, ...] = tuple(effect.speed for effect in EFFECTS.values())


def action_sizes(shots: int) -> tuple[int, int, int, int, int]:
    """Choices of each part of an action: shot, in-point, length, transition, effect."""
    return shots, IN_POINTS, len(LENGTHS), len(TRANSITIONS), len(EFFECTS)


@dataclass(frozen=True)
class Piece:
    """Where pieces would lie, as arrays that broadcast together.

    Attributes
    ----------
    beats : int array
        Length in beats: the one asked for, or the longest that fits shot and film.
    frames : int array
        Length on the timeline in frames.
    span : int array
        Frames of the shot that are shown.
    offset : int array
        First of them, from the shot's start after its handle.
    entry, exit : int array
        Third of the shot in which the piece begins and ends, 0 to THIRDS - 1.
    """

    beats: Ints
    frames: Ints
    span: Ints
    offset: Ints
    entry: Ints
    exit: Ints


def span_of(frames: Ints, effect: Ints) -> Ints:
    """Frames of the shot that `frames` of the timeline show under `effect`, rounded up."""
    over = np.array([speed.numerator for speed in SPEEDS])[effect]
    under = np.array([speed.denominator for speed in SPEEDS])[effect]
    return np.asarray(-(-frames * over // under))


def place(
    bank: Bank, bin_: Array, beat: Ints, shot: Ints, in_point: Ints, length: Ints, effect: Ints
) -> Piece:
    """Lay a piece at `beat`.

    A length that the shot cannot fill, or that overruns the film, becomes the longest one that
    does not; the in-point is taken at 0, 1/2 or all of what the shot can spare.
    """
    usable = bank.frames[bin_, shot]
    start = bank.beat_frames[beat]
    beats = np.ones_like(start)
    for choice, option in enumerate(LENGTHS):
        end = np.minimum(beat + option, bank.beats)
        fits = (beat + option <= bank.beats) & (
            span_of(bank.beat_frames[end] - start, effect) <= usable
        )
        beats = np.where(fits & (choice <= length), option, beats)
    frames = bank.beat_frames[np.minimum(beat + beats, bank.beats)] - start
    span = span_of(frames, effect)
    offset = np.maximum(usable - span, 0) * in_point // (IN_POINTS - 1)
    entry = THIRDS * offset // usable
    leave = THIRDS * (offset + span - 1) // usable
    return Piece(beats, frames, span, offset, entry, np.minimum(leave, THIRDS - 1))


def usable_shots(bank: Bank, bin_: Array, beat: Ints, used: npt.NDArray[np.bool_]) -> Array:
    """Which shots may come next, bool (n, shots): unused, and long enough for one beat."""
    now = np.minimum(beat, bank.beats - 1)
    need = bank.beat_frames[now + 1] - bank.beat_frames[now]
    return np.asarray(~used & (bank.frames[bin_] >= need[:, None]))


def legal(bank: Bank, batch: MontageBatch) -> npt.NDArray[np.bool_]:
    """Mask of each part of the action, one after the other, bool (n, sum of sizes).

    Legal are: a shot that is unused and can fill a beat; any in-point; a length within what is
    left of the film (one beat always); a plain cut on the first piece, any transition later; any
    effect. The parts are legal or not independently of each other.
    """
    n, sizes = len(batch.beat), action_sizes(bank.shots)
    mask = np.ones((n, sum(sizes)), dtype=np.bool_)
    shots, lengths = slice(0, sizes[0]), sizes[0] + sizes[1]
    transitions = lengths + sizes[2]
    mask[:, shots] = usable_shots(bank, batch.bin, batch.beat, batch.used)
    left = bank.beats - batch.beat
    mask[:, lengths:transitions] = np.maximum(left, 1)[:, None] >= np.asarray(LENGTHS)
    other = np.arange(sizes[3]) != CUT
    mask[:, transitions : transitions + sizes[3]] = ~(other & (batch.cuts == 0)[:, None])
    return mask


def replace_illegal(
    mask: npt.NDArray[np.bool_], actions: Ints, sizes: tuple[int, ...]
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Replace each illegal part of `actions` (n, 5) by the first legal one of its kind.

    Returns
    -------
    ndarray (n, 5) int64
        Actions of which every part is legal.
    ndarray (n,) bool
        Whether something was replaced.
    """
    sizes_ = np.asarray(sizes)
    begins = np.concatenate([[0], np.cumsum(sizes_)[:-1]])
    inside = (actions >= 0) & (actions < sizes_)
    column = begins + np.where(inside, actions, 0)
    fine = inside & np.take_along_axis(mask, column, axis=1)
    illegal: npt.NDArray[np.bool_] = ~fine.all(axis=1)
    kept = actions
    if illegal.any():
        kept = actions.copy()
        for part, (begin, size) in enumerate(zip(begins, sizes, strict=True)):
            first = mask[:, begin : begin + size].argmax(axis=1)
            kept[:, part] = np.where(fine[:, part], actions[:, part], first)
    return kept, illegal


def transition_frames(bank: Bank, beat: Ints | int) -> Ints:
    """Even length of a transition at a cut on `beat`: within 2/5 of the beats on either side."""
    beats = np.diff(bank.beat_frames)
    around = np.minimum(beats[beat], beats[np.maximum(beat, 1) - 1])
    return np.asarray(np.minimum(LONGEST_TRANSITION, 2 * (around * 2 // 5)))
