"""The rules of `segue/Montage-v0`: pure functions of index arrays that broadcast together.

The same functions serve a batch (every array of shape ``(n,)``) and the exact solvers (each
array on an axis of its own); none knows of rewards, Gymnasium or files.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numba as nb
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
)
from segue.rewards.film_view import CUT, MIRROR

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[Any]

OVERRUN = 1 << 30
"""Frames of a piece that would end after the film: more than any shot has."""


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


def span_of(frames: Array, speed: Fraction) -> Ints:
    """Frames of a shot that `frames` of the timeline show at `speed`, rounded up."""
    return np.asarray(-(-frames * speed.numerator // speed.denominator), dtype=np.int64)


def clock(beat_frames: Ints) -> tuple[Ints, Ints]:
    """Tables of what a piece takes, by the beat that it begins on and the choice of length.

    Returns
    -------
    ndarray (beats, lengths) int64
        Frames on the timeline; OVERRUN past the end of the film.
    ndarray (beats, lengths, effects) int64
        Frames of the shot.
    """
    beats = len(beat_frames) - 1
    end = np.arange(beats)[:, None] + np.asarray(LENGTHS)
    inside = end <= beats
    frames = beat_frames[np.minimum(end, beats)] - beat_frames[:-1, None]
    frames = np.where(inside, frames, OVERRUN)
    speeds = [effect.speed for effect in EFFECTS.values()]
    return frames, np.stack([span_of(frames, speed) for speed in speeds], axis=2)


def place(
    bank: Bank, bin_: Array, beat: Ints, shot: Ints, in_point: Ints, length: Ints, effect: Ints
) -> Piece:
    """Lay a piece at `beat`.

    A length that the shot cannot fill, or that overruns the film, becomes the longest one that
    does not; the in-point is taken at 0, 1/2 or all of what the shot can spare.
    """
    usable = bank.frames[bin_, shot]
    spans = bank.spans[beat, :, effect]
    choice = np.zeros_like(spans[..., 0])
    for option in range(1, len(LENGTHS)):
        choice = np.where((spans[..., option] <= usable) & (option <= length), option, choice)
    span = bank.spans[beat, choice, effect]
    offset = np.maximum(usable - span, 0) * in_point // (IN_POINTS - 1)
    leave = THIRDS * (offset + span - 1) // usable
    return Piece(
        beats=np.asarray(LENGTHS)[choice],
        frames=bank.lengths[beat, choice],
        span=span,
        offset=offset,
        entry=THIRDS * offset // usable,
        exit=np.minimum(leave, THIRDS - 1),
    )


@nb.njit(nogil=True, cache=True)
def write_legal(
    rows: Ints,
    bin_: Ints,
    beat: Ints,
    cuts: Ints,
    used: npt.NDArray[np.bool_],
    usable_frames: Ints,
    beat_frames: Ints,
    lengths: tuple[int, ...],
    transitions: int,
    reuse: bool,
    mask: npt.NDArray[np.int8],
    terminated: npt.NDArray[np.bool_],
) -> None:
    """Write the masks of `rows` (those of the parts of the action, one after the other), and
    whether the film is over: full, or no shot left to fill it with.

    Legal are: a shot that can fill a beat and, unless `reuse`, is unused; any in-point; a length
    within what is left of the film (one beat always); a plain cut on the first piece, any
    transition later; any effect. The parts are legal or not independently of each other.
    `usable_frames` is `Bank.frames`.
    """
    beats, shots = len(beat_frames) - 1, used.shape[1]
    length_at = shots + IN_POINTS
    transition_at = length_at + len(lengths)
    for k in range(len(rows)):
        i = rows[k]
        now = min(beat[i], beats - 1)
        need = beat_frames[now + 1] - beat_frames[now]
        mask[i] = 1
        some = False
        for shot in range(shots):
            usable = (reuse or not used[i, shot]) and usable_frames[bin_[i], shot] >= need
            mask[i, shot] = usable
            some |= usable
        terminated[i] = beat[i] >= beats or not some
        for choice in range(1, len(lengths)):
            mask[i, length_at + choice] = beat[i] + lengths[choice] <= beats
        if cuts[i] == 0:
            for transition in range(transitions):
                mask[i, transition_at + transition] = transition == CUT


@nb.njit(nogil=True, cache=True)
def transition(
    rows: Ints,
    action: Ints,
    offset: Ints,
    span: Ints,
    beats: Ints,
    leave: Ints,
    timeline: Ints,
    cuts: Ints,
    beat: Ints,
    used: npt.NDArray[np.bool_],
    laid: Ints,
    last_shot: Ints,
    last_third: Ints,
    last_mirrored: npt.NDArray[np.bool_],
) -> None:
    """Lay the pieces of `rows` on their timelines.

    `action` (n, 5) is legal; `offset`, `span`, `beats` and `leave` (its exit) are the `Piece`;
    the rest is the state, written in place.
    """
    for k in range(len(rows)):
        i = rows[k]
        shot, effect = action[i, 0], action[i, 4]
        place = timeline[i, cuts[i]]
        place[0], place[1], place[2], place[3] = shot, offset[i], span[i], beats[i]
        place[4], place[5], place[6] = action[i, 3], effect, beat[i]
        cuts[i] += 1
        beat[i] += beats[i]
        used[i, shot] = True
        laid[i, shot] = cuts[i]
        last_shot[i], last_third[i], last_mirrored[i] = shot, leave[i], effect == MIRROR


@nb.njit(nogil=True, cache=True)
def keep(
    rows: Ints,
    terms: npt.NDArray[np.float64],
    cuts: Ints,
    piece_terms: npt.NDArray[np.float64],
) -> None:
    """Note the reward terms of the pieces that `rows` have just laid."""
    for k in range(len(rows)):
        i = rows[k]
        for term in range(len(terms)):
            piece_terms[i, cuts[i] - 1, term] = terms[term, i]


@nb.njit(nogil=True, cache=True)
def replace_illegal(
    mask: npt.NDArray[np.int8], actions: Ints, sizes: tuple[int, ...]
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Replace each illegal part of `actions` (n, 5) by the first legal one of its kind.

    Returns
    -------
    ndarray (n, 5) int64
        Actions of which every part is legal; 0 where no part of a kind is.
    ndarray (n,) bool
        Whether something was replaced.
    """
    kept = actions.copy()
    illegal = np.zeros(len(actions), dtype=np.bool_)
    for i in range(len(actions)):
        begin = 0
        for part in range(len(sizes)):
            asked, size = actions[i, part], sizes[part]
            if asked < 0 or asked >= size or mask[i, begin + asked] == 0:
                illegal[i] = True
                kept[i, part] = 0
                for other in range(size):
                    if mask[i, begin + other] == 1:
                        kept[i, part] = other
                        break
            begin += size
    return kept, illegal


def transition_frames(bank: Bank, beat: Ints | int) -> Ints:
    """Even length of a transition at a cut on `beat`: within 2/5 of the beats on either side."""
    beats = np.diff(bank.beat_frames)
    around = np.minimum(beats[beat], beats[np.maximum(beat, 1) - 1])
    return np.asarray(np.minimum(LONGEST_TRANSITION, 2 * (around * 2 // 5)))
