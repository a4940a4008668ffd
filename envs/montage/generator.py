"""Where bins of shots come from: analysed footage, or a procedure with known contents."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.beat_tracking import grid_of_tune
from segue.envs.film.beats import BeatGrid
from segue.envs.film.shots import COLOURS, FEATURES, THIRDS, THUMBNAIL, ShotTable
from segue.envs.montage.dynamics import OVERRUN, clock
from segue.envs.montage.types import HANDLE, LENGTHS, Bank

SYNTHETIC_RATE = Fraction(24)
SYNTHETIC_TEMPO = 120.0


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
        How many bins; one is enough where a bin holds every row.
    seed : int
        Seed of the drawing.

    Raises
    ------
    SegueError
        When files differ in frame rate, or a bin's shots cannot fill the film.
    """
    rates = {footage.rate for footage in table.footage}
    if len(rates) != 1:
        named = ", ".join(sorted(str(rate) for rate in rates))
        raise SegueError(
            f"the footage has several frame rates ({named} fps); give files of one frame rate."
        )
    rate = rates.pop()
    frames = beat_frames(grid, beats, rate)
    longest_beat = int(np.diff(frames).max())
    usable = table.frames[rows].astype(np.int64) - 2 * HANDLE
    rows = rows[usable >= longest_beat]
    size = min(shots, len(rows))
    generator = np.random.default_rng(seed)
    count = 1 if size == len(rows) else bins
    picked = np.stack(
        [np.sort(generator.choice(rows, size, replace=False)) for _ in range(count)]
        if size
        else [np.zeros(0, dtype=np.int64)]
    )
    lengths = table.frames[picked].astype(np.int64) - 2 * HANDLE
    can_fill = int(capacity(lengths, frames).min()) if size else 0
    if can_fill < beats:
        raise SegueError(
            f"the film is to last {float(frames[-1] / rate):.1f} s but the shots of the footage "
            f"fill {can_fill * longest_beat / float(rate):.1f} s; give more footage or a shorter "
            "length."
        )
    return _bank(table, picked, grid, frames)


def _bank(
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
        frames=table.frames[picked].astype(np.int64) - 2 * HANDLE,
        features=_with_ranked_motion(table.features)[picked],
        similarity=similarity.reshape(bins, shots, THIRDS, shots, THIRDS).astype(np.float32),
        position=positions(table)[picked],
        thumbnails=table.thumbnails[picked],
    )


def capacity(
    frames: npt.NDArray[np.int64], beat_starts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Beats that shots of `frames` (bins, n) can fill together, (bins,).

    Each gives one piece at normal speed, of the longest length that fits wherever it begins.
    """
    taken, _ = clock(beat_starts)
    need = np.where(taken < OVERRUN, taken, 0).max(axis=0)
    fits = (frames[..., None] >= need) & (need > 0)
    return np.asarray(np.where(fits, LENGTHS, 0).max(axis=-1).sum(axis=-1))


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
    rank = flat.argsort(kind="stable").argsort(kind="stable") / max(1, flat.size - 1)
    ranked[..., motion] = rank.reshape(features.shape[:-1])
    return ranked


def positions(table: ShotTable) -> npt.NDArray[np.float32]:
    """Place of each shot in its film: middle of the shot over the film's length, in [0, 1]."""
    total = np.array([footage.frames for footage in table.footage])[table.file]
    return np.asarray((table.start + table.frames / 2) / total, dtype=np.float32)


def synthetic_bank(bins: int, shots: int, beats: int, seed: int) -> Bank:
    """Draw bins of made-up shots: features from smooth random laws, plain thumbnails.

    The shots of a bin come from a few *set-ups* of like colours, as in a film. Every bin can
    fill the film.

    Raises
    ------
    SegueError
        When so few shots cannot.
    """
    if min(bins, shots, beats) < 1 or shots * max(LENGTHS) < beats:
        raise SegueError(
            f"{bins} bins of {shots} shots cannot fill {beats} beats, as no piece is longer than "
            f"{max(LENGTHS)}; give at least one bin and more shots."
        )
    generator = np.random.default_rng(seed)
    wave = 0.5 - 0.4 * np.cos(2 * np.pi * np.arange(beats) / beats)
    grid = grid_of_tune(SYNTHETIC_TEMPO, beats, 4, wave.astype(np.float32))
    frames = beat_frames(grid, beats, SYNTHETIC_RATE)
    shape = (bins, shots)
    setup = generator.dirichlet(np.full(COLOURS, 0.3), (bins, -(-shots // 3)))
    own = generator.dirichlet(np.full(COLOURS, 0.3), (*shape, THIRDS))
    which = generator.integers(setup.shape[1], size=shape)
    colours = np.sqrt(0.8 * setup[np.arange(bins)[:, None], which][:, :, None] + 0.2 * own)
    flat = (colours / np.linalg.norm(colours, axis=-1, keepdims=True)).reshape(bins, -1, COLOURS)
    similarity = np.einsum("bik,bjk->bij", flat, flat).clip(0.0, 1.0)
    lengths = generator.lognormal(np.log(60.0), 0.5, shape)
    beat = int(np.diff(frames).max())
    while (short := capacity(lengths.astype(np.int64), frames) < beats).any():
        lengths[short] *= 1.25
    timeline, spans = clock(frames)
    return Bank(
        rate=SYNTHETIC_RATE,
        beat_frames=frames,
        lengths=timeline,
        spans=spans,
        strength=grid.strength,
        energy=grid.energy,
        row=np.tile(np.arange(shots, dtype=np.int32), (bins, 1)),
        frames=np.maximum(lengths, beat).astype(np.int64),
        features=_synthetic_features(generator, shape),
        similarity=similarity.reshape(*shape, THIRDS, shots, THIRDS).astype(np.float32),
        position=np.sort(generator.random(shape), axis=1).astype(np.float32),
        thumbnails=_synthetic_thumbnails(generator, shape),
    )


def _synthetic_features(
    generator: np.random.Generator, shape: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Features of a shot that wander a little from third to third."""
    signed = np.array([name in _SIGNED for name in FEATURES])
    centre = generator.beta(1.5, 2.0, (*shape, 1, len(FEATURES)))
    values = centre + generator.normal(0.0, 0.06, (*shape, THIRDS, len(FEATURES)))
    motion = values[..., FEATURES.index("motion"), None].clip(0.0, 1.0)
    values = np.where(signed, 2.0 * values - 0.8, values)
    moving = np.array([name in ("motion_x", "motion_y") for name in FEATURES])
    values = np.where(moving, values * motion, values)
    return values.clip(np.where(signed, -1.0, 0.0), 1.0).astype(np.float32)


_SIGNED = ("warmth", "motion_x", "motion_y", "centroid_x", "centroid_y")


def _synthetic_thumbnails(
    generator: np.random.Generator, shape: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """One colour a shot, getting lighter to the right, darker from third to third."""
    colour = generator.integers(40, 200, (*shape, 1, 1, 1, 3))
    third = -15 * np.arange(THIRDS).reshape(1, 1, THIRDS, 1, 1, 1)
    ramp = np.linspace(0, 40, THUMBNAIL[1]).reshape(1, 1, 1, 1, -1, 1)
    full = np.broadcast_to(colour + third + ramp, (*shape, THIRDS, *THUMBNAIL, 3))
    return full.clip(0, 255).astype(np.uint8)
