"""What an agent sees of `segue/Montage-v0`."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.film.shots import FEATURES, THIRDS, THUMBNAIL
from segue.envs.montage.dynamics import OVERRUN
from segue.envs.montage.pictures import thumbnails
from segue.envs.montage.types import BAR, LENGTHS, Bank, MontageBatch
from segue.rewards.film_view import CUT, NONE

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

MODES = ("features", "frames", "sets")

AHEAD = LENGTHS[-1] + 1
"""Beats of the music that are in view from the cursor on."""
LONG_SHOT = 96
"""Frames of a shot that count as 1 in its observed length."""

TURNING = tuple(map(FEATURES.index, ("motion_x", "motion_y", "centroid_x", "centroid_y")))
"""Features that are compared across a cut; a mirror turns the first and the third round."""
SEEN = tuple(index for index, name in enumerate(FEATURES) if name not in ("contrast", "warmth"))
"""Features of a third that are shown: those that a reward term looks at."""
STATIC = THIRDS * len(SEEN) + 2
"""Columns of a shot that do not change: features of its thirds, length, place in the film."""
PAIRED = 3
"""Columns of a third beside the end of the last piece: likeness of colour, closeness of the salient
details, agreement of the movements."""
SHOT_WIDTH = STATIC + THIRDS * PAIRED + 4
"""Then: one film with the last piece, step in it, how lately it was seen, availability."""
CONTEXT_WIDTH = 2 * AHEAD + BAR + len(LENGTHS) + len(FEATURES) + 5
LAID_WIDTH = 6 + len(FEATURES)
"""Columns of a piece on the timeline: when it begins, its length, place of its shot in the film,
features where it ends, whether it is mirrored, under an effect, entered by more than a cut."""
SHEET_COLUMNS = 4


def space(bank: Bank, mode: str, reuse: bool = False) -> spaces.Dict:
    """Observation space; `reuse` says whether a shot may come again.

    ``shots`` (n * 39,), shot after shot: of each eight features of each of its thirds, its length
    (of LONG_SHOT frames, at most 2) and place in the film; then, beside the end of the last piece,
    of each third the colour likeness, ``1 / (1 + 2 d**2)`` of the distance of the salient
    details and the dot product of the movements; whether they are of one film, the step in it,
    how lately the shot was seen (1 / k for the k-th piece before), and 1 where it may come next.
    The features are brightness, saturation, sharpness, motion, motion_x, motion_y, centroid_x and
    centroid_y (`segue.envs.film.shots.FEATURES`; motion is a rank).
    ``context``: strength of the next nine beats; energy of the four before and of the next nine;
    frames of each length from here (of LONG_SHOT, at most 2); beats filled, of the whole; place in
    a group of 16 beats, as sine and cosine; the ten features where the last piece ends; whether it
    is mirrored; whether there is one. In mode ``frames`` also ``contact_sheet``: the thumbnails
    of the shots, four in a row, black where the shot is used.

    In mode ``sets`` also which shots are to be chosen from, and all of the timeline so far:
    ``shots_mask`` (n,), 1 where the shot may come next; ``timeline`` (m * 16,) for as many pieces
    as there may be, in the order in which they were laid: beats filled before it, of the whole; its
    length, of the longest; place of its shot in the film; the ten features where it ends; 1 where
    it is mirrored, under an effect, entered by more than a plain cut; ``timeline_mask`` (m,), 1
    where there is a piece.
    """
    low, high = -np.ones((bank.shots, SHOT_WIDTH)), np.ones((bank.shots, SHOT_WIDTH))
    high[:, STATIC - 2] = 2.0
    most = np.ones(CONTEXT_WIDTH, dtype=np.float32)
    most[2 * AHEAD + BAR :][: len(LENGTHS)] = 2.0
    parts: dict[str, spaces.Space[Any]] = {
        "shots": spaces.Box(
            low.astype(np.float32).ravel(), high.astype(np.float32).ravel(), dtype=np.float32
        ),
        "context": spaces.Box(-np.ones_like(most), most, dtype=np.float32),
    }
    if mode == "frames":
        parts["contact_sheet"] = spaces.Box(0, 255, sheet_shape(bank), dtype=np.uint8)
    if mode == "sets":
        pieces = most_pieces(bank, reuse)
        parts["shots_mask"] = spaces.MultiBinary(bank.shots)
        parts["timeline"] = spaces.Box(-1.0, 1.0, (pieces * LAID_WIDTH,), dtype=np.float32)
        parts["timeline_mask"] = spaces.MultiBinary(pieces)
    return spaces.Dict(parts)


def most_pieces(bank: Bank, reuse: bool) -> int:
    """How many pieces there may be on a timeline: each fills a beat at least."""
    return bank.beats if reuse else min(bank.shots, bank.beats)


def sheet_shape(bank: Bank) -> tuple[int, int, int]:
    """Height, width and colours of the contact sheet."""
    rows = -(-bank.shots // SHEET_COLUMNS)
    return rows * THUMBNAIL[0], SHEET_COLUMNS * THUMBNAIL[1], 3


def static_columns(bank: Bank) -> npt.NDArray[np.float32]:
    """Rows of ``shots`` at the start of an episode, (bins, n * SHOT_WIDTH)."""
    columns = np.zeros((bank.bins, bank.shots, SHOT_WIDTH), dtype=np.float32)
    thirds = bank.features[..., SEEN].reshape(bank.bins, bank.shots, -1)
    columns[..., : STATIC - 2] = thirds.clip(-1.0, 1.0)
    columns[..., STATIC - 2] = np.minimum(bank.frames / LONG_SHOT, 2.0)
    columns[..., STATIC - 1] = bank.position
    return columns.reshape(bank.bins, -1)


def music_ahead(bank: Bank) -> npt.NDArray[np.float32]:
    """Context columns that depend on the cursor alone, (beats + 1, 2 * AHEAD + BAR + 7).

    Strength of the beats ahead, energy of those around, 0 after the end and, before the start,
    that of the first; frames of the lengths, 0 where the film is over; beats filled; place in 16
    beats.
    """
    empty = np.zeros(AHEAD + 1, dtype=np.float32)
    strength = np.concatenate([bank.strength, empty])
    energy = np.concatenate([np.repeat(bank.energy[:1], BAR), bank.energy, empty])
    beat = np.arange(bank.beats + 1)
    window = beat[:, None] + np.arange(AHEAD)
    around = beat[:, None] + np.arange(AHEAD + BAR)
    lengths = np.where(bank.lengths < OVERRUN, np.minimum(bank.lengths / LONG_SHOT, 2.0), 0.0)
    lengths = np.concatenate([lengths, np.zeros((1, len(LENGTHS)))])
    angle = 2 * np.pi * beat / 16
    rest = np.stack([beat / bank.beats, np.sin(angle), np.cos(angle)], axis=1)
    parts = [strength[window], energy[around], lengths, rest]
    return np.concatenate(parts, axis=1).astype(np.float32)


def moving(bank: Bank) -> npt.NDArray[np.float32]:
    """Features TURNING of each third, line by line, (bins, 4, n * THIRDS)."""
    lines = np.moveaxis(bank.features[..., TURNING], -1, 1)
    return np.ascontiguousarray(lines.reshape(bank.bins, len(TURNING), -1))


@nb.njit(nogil=True, cache=True)
def encode(
    rows: Ints,
    bin_: Ints,
    beat: Ints,
    cuts: Ints,
    laid: Ints,
    last_shot: Ints,
    last_third: Ints,
    last_mirrored: Bools,
    mask: npt.NDArray[np.int8],
    static: Floats,
    ahead: Floats,
    similarity: Floats,
    position: Floats,
    film: npt.NDArray[np.int32],
    features: Floats,
    moving: Floats,
    shots: Floats,
    context: Floats,
) -> None:
    """Write the feature observation of `rows` into `shots` and `context`.

    The arrays up to `mask` are those of `MontageBatch`; `static` and `ahead` are the tables
    above, `moving`, too; the rest are the bank's. The static columns are written at the start of
    an episode only.
    """
    split, width = ahead.shape[1], features.shape[3]
    for k in range(len(rows)):
        i = rows[k]
        b, last = bin_[i], last_shot[i]
        if cuts[i] == 0:
            shots[i] = static[b]
            context[i] = 0.0
        else:
            third = last_third[i]
            for column in range(width):
                value = features[b, last, third, column]
                turned = last_mirrored[i] and (column == TURNING[0] or column == TURNING[2])
                context[i, split + column] = -value if turned else value
            context[i, split + width] = 1.0 if last_mirrored[i] else 0.0
            context[i, split + width + 1] = 1.0
            end = context[i, split:]
            _write_pairs(moving[b], similarity[b, last, third], end, shots[i])
            _write_steps(film[b], position[b], last, laid[i], cuts[i], shots[i])
        _tell_available(mask[i], shots[i])
        context[i, :split] = ahead[beat[i]]


@nb.njit(nogil=True, cache=True, fastmath=True)
def _write_pairs(moving: Floats, likeness: Floats, end: Floats, out: Floats) -> None:
    """Write the PAIRED columns of every third; unsigned indices spare tests of their sign.

    `moving` (4, n * THIRDS) and `likeness` (n, THIRDS) are the bin's, `end` (f or more,) the
    features that the last piece ends with, `out` (n * SHOT_WIDTH,) a row of ``shots``.
    """
    one, two = np.float32(1.0), np.float32(2.0)
    go_x, go_y, eye_x, eye_y = end[TURNING[0]], end[TURNING[1]], end[TURNING[2]], end[TURNING[3]]
    for shot in range(len(likeness)):
        for third in range(THIRDS):
            place = np.uint64(shot * THIRDS + third)
            at = np.uint64(shot * SHOT_WIDTH + STATIC + PAIRED * third)
            aside, above = moving[2, place] - eye_x, moving[3, place] - eye_y
            along = moving[0, place] * go_x + moving[1, place] * go_y
            out[at] = likeness[np.uint64(shot), np.uint64(third)]
            out[at + np.uint64(1)] = one / (one + two * (aside * aside + above * above))
            out[at + np.uint64(2)] = min(one, max(-one, along))


@nb.njit(nogil=True, cache=True)
def _write_steps(
    film: npt.NDArray[np.int32], position: Floats, last: int, laid: Ints, cuts: int, out: Floats
) -> None:
    """Write the three columns behind the pairs."""
    one = np.float32(1.0)
    for shot in range(len(film)):
        own = np.uint64(shot)
        at = np.uint64(shot * SHOT_WIDTH + STATIC + PAIRED * THIRDS)
        out[at] = film[own] == film[last]
        out[at + np.uint64(1)] = position[own] - position[last]
        seen = laid[own]
        out[at + np.uint64(2)] = one / np.float32(cuts + 1 - seen) if seen > 0 else 0.0


@nb.njit(nogil=True, cache=True)
def _tell_available(mask: npt.NDArray[np.int8], out: Floats) -> None:
    """Write the last column of every shot."""
    for shot in range(len(out) // SHOT_WIDTH):
        out[np.uint64((shot + 1) * SHOT_WIDTH - 1)] = mask[np.uint64(shot)]


@nb.njit(nogil=True, cache=True)
def encode_timeline(
    rows: Ints,
    bin_: Ints,
    cuts: Ints,
    last_shot: Ints,
    last_mirrored: Bools,
    placed: Ints,
    position: Floats,
    context: Floats,
    timeline: Floats,
    there: npt.NDArray[np.int8],
) -> None:
    """Write the last piece of `rows`, or nothing at all before the first one.

    The arrays up to `placed`, which is its `timeline`, are those of `MontageBatch`; `position` is
    the bank's; `context` (n, CONTEXT_WIDTH) has been written. `timeline` (n, m * LAID_WIDTH) and
    `there` (n, m) are filled. The pieces before stand as they were written.
    """
    beats, ends = np.float32(placed.shape[1]), context.shape[1] - 2 - len(FEATURES)
    for k in range(len(rows)):
        i = rows[k]
        piece = cuts[i] - 1
        if piece < 0:
            timeline[i] = 0.0
            there[i] = 0
            continue
        row = timeline[i, piece * LAID_WIDTH :]
        row[0] = placed[i, piece, 6] / beats
        row[1] = placed[i, piece, 3] / np.float32(LENGTHS[-1])
        row[2] = position[bin_[i], last_shot[i]]
        for column in range(len(FEATURES)):
            row[3 + column] = context[i, ends + column]
        row[LAID_WIDTH - 3] = last_mirrored[i]
        row[LAID_WIDTH - 2] = placed[i, piece, 5] != NONE
        row[LAID_WIDTH - 1] = placed[i, piece, 4] != CUT
        there[i, piece] = 1


def write_sheets(bank: Bank, batch: MontageBatch, rows: npt.NDArray[np.int64], fresh: bool) -> None:
    """Write the contact sheets of `rows`: anew at the start of an episode, else only darken."""
    observation = batch.observation
    assert isinstance(observation, dict)
    sheets, (height, width) = observation["contact_sheet"], THUMBNAIL
    for row in rows:
        if fresh:
            sheets[row] = 0
            pictures = thumbnails(bank, int(batch.bin[row]))[:, 1]
        last = batch.last_shot[row]
        shown = range(bank.shots) if fresh else ([last] if last >= 0 else [])
        for shot in shown:
            top, left = shot // SHEET_COLUMNS * height, shot % SHEET_COLUMNS * width
            picture = pictures[shot] if fresh else 0
            sheets[row, top : top + height, left : left + width] = picture
