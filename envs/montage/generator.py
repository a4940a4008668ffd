"""Bins of shots from analysed footage."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.beats import BeatGrid
from segue.envs.film.shots import FEATURES, THIRDS, ShotTable
from segue.envs.montage.dynamics import clock
from segue.envs.montage.synthetic import capacity
from segue.envs.montage.types import HANDLE, MIRRORED, REVERSED, Bank


def beat_frames(grid: BeatGrid, beats: int, rate: Fraction) -> npt.NDArray[np.int64]:
    """Frame of each of the first `beats` beats, and of their end, from the first beat on."""
    times = grid.times[: beats + 1] - grid.times[0]
    return np.asarray(np.rint(times * float(rate)), dtype=np.int64)


def beats_for(grid: BeatGrid, seconds: float) -> int:
    """Most beats of `grid` that last no longer than `seconds`."""
    inside = int(np.searchsorted(grid.times - grid.times[0], seconds + 1e-6, side="right"))
    return min(len(grid), inside - 1)


def bins_from_footage(
    table: ShotTable,
    rows: npt.NDArray[np.int64],
    grid: BeatGrid,
    beats: int,
    shots: int,
    bins: int,
    seed: int,
    turned: bool = False,
) -> Bank:
    """Draw bins of shots from footage.

    Parameters
    ----------
    table : ShotTable
        The analysed shots; their files must share one frame rate.
    rows : ndarray
        Rows of `table` that may be drawn (the training or the test part).
    grid : BeatGrid
        Beats to cut to.
    beats : int
        Length of the film.
    shots : int
        Shots in a bin; fewer where `rows` has fewer.
    bins : int
        How many bins; one is enough where a bin holds every row, unless they are turned.
    seed : int
        Seed of the drawing.
    turned : bool
        Mirror every other shot and reverse every other one, by chance: four times as many shots
        to train on, and none that can be rendered.

    Raises
    ------
    SegueError
        When files differ in frame rate, or a bin's shots cannot fill the film.
    """
    rate = _only_rate(table)
    frames = beat_frames(grid, beats, rate)
    rows = rows[_usable(table, rows) >= np.diff(frames).max()]
    size = min(shots, len(rows))
    generator = np.random.default_rng(seed)
    count = 1 if size == len(rows) and not turned else bins
    picked = np.stack(
        [np.sort(generator.choice(rows, size, replace=False)) for _ in range(count)]
        if size
        else [np.zeros(0, dtype=np.int64)]
    )
    _check_filled(_usable(table, picked), frames, rate)
    bank = bank_of_rows(table, picked, grid, frames)
    return turn(bank, generator.integers(0, 4, picked.shape).astype(np.int8)) if turned else bank


def _only_rate(table: ShotTable) -> Fraction:
    """Frames per second of all files, or SegueError where they differ."""
    rates = {footage.rate for footage in table.footage}
    if len(rates) != 1:
        named = ", ".join(sorted(str(rate) for rate in rates))
        raise SegueError(
            f"the footage has several frame rates ({named} fps); give files of one frame rate."
        )
    return rates.pop()


def _usable(table: ShotTable, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Frames of shots between their handles, in the shape of `rows`."""
    return table.frames[rows].astype(np.int64) - 2 * HANDLE


def _check_filled(
    lengths: npt.NDArray[np.int64], frames: npt.NDArray[np.int64], rate: Fraction
) -> None:
    """Refuse bins, whose shots have `lengths` (bins, n), that cannot fill the film."""
    can_fill = int(capacity(lengths, frames).min()) if lengths.size else 0
    if can_fill < len(frames) - 1:
        longest_beat = int(np.diff(frames).max())
        raise SegueError(
            f"the film is to last {float(frames[-1] / rate):.1f} s but the shots of the footage "
            f"fill {can_fill * longest_beat / float(rate):.1f} s; give more footage or a shorter "
            "length."
        )


def bank_of_rows(
    table: ShotTable,
    picked: npt.NDArray[np.int64],
    grid: BeatGrid,
    frames: npt.NDArray[np.int64],
) -> Bank:
    """Lay out the rows `picked` (bins, n) of the table; `frames` are those of the beats."""
    bins, shots = picked.shape
    beats = len(frames) - 1
    colours = table.colours[picked].reshape(bins, shots * THIRDS, -1)
    similarity = np.einsum("bik,bjk->bij", colours, colours).clip(0.0, 1.0)
    lengths, spans = clock(frames)
    return Bank(
        rate=table.footage[0].rate,
        beat_frames=frames,
        lengths=lengths,
        spans=spans,
        strength=grid.strength[:beats].astype(np.float32),
        energy=bar_energy(grid.energy[:beats]),
        row=picked.astype(np.int32),
        frames=_usable(table, picked),
        features=_with_ranked_motion(table.features)[picked],
        similarity=similarity.reshape(bins, shots, THIRDS, shots, THIRDS).astype(np.float32),
        position=positions(table)[picked],
        film=table.file[picked].astype(np.int32),
        thumbnails=table.thumbnails,
    )


def first_bins(bank: Bank, count: int) -> Bank:
    """Keep the first `count` bins, or as many as there are."""
    parts = ("row", "frames", "features", "similarity", "position", "film")
    kept = {name: getattr(bank, name)[:count] for name in parts}
    return replace(bank, **kept, turned=None if bank.turned is None else bank.turned[:count])


def turn(bank: Bank, turned: npt.NDArray[np.int8]) -> Bank:
    """Mirror and reverse shots, as the bits `turned` (bins, n) say."""
    mirrored = (turned & MIRRORED > 0)[..., None]
    backward = (turned & REVERSED > 0)[..., None]
    order = np.where(backward, np.arange(THIRDS)[::-1], np.arange(THIRDS))
    features = np.take_along_axis(bank.features, order[..., None], axis=2)
    signs = np.ones((*turned.shape, 1, len(FEATURES)), dtype=np.float32)
    for name in ("motion_x", "centroid_x"):
        signs[..., FEATURES.index(name)] *= np.where(mirrored, -1, 1)
    for name in ("motion_x", "motion_y"):
        signs[..., FEATURES.index(name)] *= np.where(backward, -1, 1)
    likeness = np.take_along_axis(bank.similarity, order[:, :, :, None, None], axis=2)
    likeness = np.take_along_axis(likeness, order[:, None, None], axis=4)
    return replace(bank, features=features * signs, similarity=likeness, turned=turned)


def bar_energy(energy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Energy of the bar around each beat (mean of four beats), from 0 to 1 over the piece.

    Single beats alternate with the drums; cutting follows the longer wave. Music that hardly
    changes is .5 throughout.
    """
    window = np.ones(4)
    weight = np.convolve(np.ones(len(energy)), window)[2 : 2 + len(energy)]
    mean = np.convolve(energy, window)[2 : 2 + len(energy)] / weight
    spread = float(np.ptp(mean))
    if spread < 0.02:
        return np.full(len(energy), 0.5, dtype=np.float32)
    return np.asarray((mean - mean.min()) / spread, dtype=np.float32)


def _with_ranked_motion(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Replace the amount of motion by its rank among all thirds, in [0, 1].

    Footage differs in scale (a drawn film hardly moves by the measure of a hand-held one); rank
    and the energy of the music can be compared.
    """
    ranked, motion = features.copy(), FEATURES.index("motion")
    flat = features[..., motion].ravel()
    # Of equal amounts the least rank, so that none at all stays 0.
    rank = np.searchsorted(np.sort(flat), flat) / max(1, flat.size - 1)
    ranked[..., motion] = rank.reshape(features.shape[:-1])
    return ranked


def positions(table: ShotTable) -> npt.NDArray[np.float32]:
    """Place of each shot in its film: middle of the shot over the film's length, in [0, 1]."""
    total = np.array([footage.frames for footage in table.footage])[table.file]
    return np.asarray((table.start + table.frames / 2) / total, dtype=np.float32)
