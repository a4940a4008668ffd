"""What an agent sees of `segue/Montage-v0`."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.film.shots import FEATURES, THIRDS, THUMBNAIL
from segue.envs.montage.types import LENGTHS, Bank, MontageBatch

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

MODES = ("features", "frames")

AHEAD = LENGTHS[-1] + 1
"""Beats of the music that are in view from the cursor on."""
LONG_SHOT = 96
"""Frames of a shot that count as 1 in its observed length."""

MOTION_X, CENTROID_X = FEATURES.index("motion_x"), FEATURES.index("centroid_x")
SEEN = tuple(index for index, name in enumerate(FEATURES) if name not in ("contrast", "warmth"))
"""Features of a third that are shown: those that a reward term looks at."""
STATIC = THIRDS * len(SEEN) + 2
"""Columns of a shot that do not change: features of its thirds, length, place in the film."""
SHOT_WIDTH = STATIC + THIRDS + 2
"""Then: likeness of its thirds to the end of the last piece, step in the film, availability."""
CONTEXT_WIDTH = 2 * AHEAD + len(FEATURES) + 5
SHEET_COLUMNS = 4


def space(bank: Bank, mode: str) -> spaces.Dict:
    """Observation space.

    ``shots`` (n * 31,), shot after shot: of each eight features of each of its thirds, its length
    (of LONG_SHOT frames, at most 2), place in the film, colour likeness of each third to the end of
    the last piece, step in the film from it, and 1 where it may come next. The features are
    brightness, saturation, sharpness, motion, motion_x, motion_y, centroid_x and centroid_y
    (`segue.envs.film.shots.FEATURES`; motion is a rank). ``context``: strength and
    energy of the next nine beats; the ten features where the last piece ends; whether it is
    mirrored; whether there is one; beats filled, of the whole; place in a group of 16 beats, as
    sine and cosine. In mode ``frames`` also ``contact_sheet``: the thumbnails of the shots,
    four in a row, black where the shot is used.
    """
    low, high = -np.ones((bank.shots, SHOT_WIDTH)), np.ones((bank.shots, SHOT_WIDTH))
    high[:, STATIC - 2] = 2.0
    parts: dict[str, spaces.Space[Any]] = {
        "shots": spaces.Box(
            low.astype(np.float32).ravel(), high.astype(np.float32).ravel(), dtype=np.float32
        ),
        "context": spaces.Box(-1.0, 1.0, (CONTEXT_WIDTH,), dtype=np.float32),
    }
    if mode == "frames":
        parts["contact_sheet"] = spaces.Box(0, 255, sheet_shape(bank), dtype=np.uint8)
    return spaces.Dict(parts)


def sheet_shape(bank: Bank) -> tuple[int, int, int]:
    """Height, width and colours of the contact sheet."""
    rows = -(-bank.shots // SHEET_COLUMNS)
    return rows * THUMBNAIL[0], SHEET_COLUMNS * THUMBNAIL[1], 3


def static_columns(bank: Bank) -> npt.NDArray[np.float32]:
    """Columns of the shots that do not change within an episode, (bins, n, STATIC)."""
    length = np.minimum(bank.frames / LONG_SHOT, 2.0)
    thirds = bank.features[..., SEEN].reshape(bank.bins, bank.shots, -1)
    parts = [thirds, length[..., None], bank.position[..., None]]
    columns = np.clip(np.concatenate(parts, axis=2), -1.0, 2.0)
    return np.asarray(columns, dtype=np.float32)


def music_ahead(bank: Bank) -> npt.NDArray[np.float32]:
    """Context columns that depend on the cursor alone, (beats + 1, 2 * AHEAD + 3).

    Strength and energy of the beats ahead, 0 after the end; beats filled; place in 16 beats.
    """
    empty = np.zeros(AHEAD + 1, dtype=np.float32)
    strength, energy = (np.concatenate([a, empty]) for a in (bank.strength, bank.energy))
    beat = np.arange(bank.beats + 1)
    window = beat[:, None] + np.arange(AHEAD)
    angle = 2 * np.pi * beat / 16
    rest = np.stack([beat / bank.beats, np.sin(angle), np.cos(angle)], axis=1)
    return np.concatenate([strength[window], energy[window], rest], axis=1).astype(np.float32)


@nb.njit(nogil=True, cache=True)
def encode(
    rows: Ints,
    bin_: Ints,
    beat: Ints,
    cuts: Ints,
    last_shot: Ints,
    last_third: Ints,
    last_mirrored: Bools,
    mask: npt.NDArray[np.int8],
    static: Floats,
    ahead: Floats,
    similarity: Floats,
    position: Floats,
    features: Floats,
    shots: Floats,
    context: Floats,
) -> None:
    """Write the feature observation of `rows` into `shots` and `context`.

    The arrays up to `mask` are those of `MontageBatch`; `static` and `ahead` are the tables
    above; the rest are the bank's. The static columns are written at the start of an
    episode only.
    """
    split, width = ahead.shape[1], features.shape[3]
    for k in range(len(rows)):
        i = rows[k]
        b, last, third = bin_[i], last_shot[i], last_third[i]
        after = cuts[i] > 0
        for shot in range(shots.shape[1]):
            if not after:
                for column in range(static.shape[2]):
                    shots[i, shot, column] = static[b, shot, column]
            for other in range(THIRDS):
                alike = similarity[b, last, third, shot, other]
                shots[i, shot, STATIC + other] = alike if after else 0.0
            step = position[b, shot] - position[b, last]
            shots[i, shot, SHOT_WIDTH - 2] = step if after else 0.0
            shots[i, shot, SHOT_WIDTH - 1] = mask[i, shot]
        for column in range(split):
            context[i, column] = ahead[beat[i], column]
        for column in range(width):
            value = features[b, last, third, column] if after else 0.0
            turned = last_mirrored[i] and column in (MOTION_X, CENTROID_X)
            context[i, split + column] = -value if turned else value
        context[i, split + width] = 1.0 if last_mirrored[i] else 0.0
        context[i, split + width + 1] = 1.0 if after else 0.0


def write_sheets(bank: Bank, batch: MontageBatch, rows: npt.NDArray[np.int64], fresh: bool) -> None:
    """Write the contact sheets of `rows`: anew at the start of an episode, else only darken."""
    observation = batch.observation
    assert isinstance(observation, dict)
    sheets, (height, width) = observation["contact_sheet"], THUMBNAIL
    for row in rows:
        if fresh:
            sheets[row] = 0
        last = batch.last_shot[row]
        shown = range(bank.shots) if fresh else ([last] if last >= 0 else [])
        for shot in shown:
            top, left = shot // SHEET_COLUMNS * height, shot % SHEET_COLUMNS * width
            picture = bank.thumbnails[batch.bin[row], shot, 1] if fresh else 0
            sheets[row, top : top + height, left : left + width] = picture
