"""Bins of made-up shots, as many and as varied as asked for.

The laws of the features are broad ones, about what analysed live action, drawn film and single
shots show: pictures a little dark, of moderate colour, rather sharp, the less so the more they
move; a mean flow that is mostly weak, whatever the amount of motion; a salient detail somewhere
about the middle; thirds of one shot much alike; shots of one set-up of like colours, and those of
one film of related ones.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.beat_tracking import grid_of_tune
from segue.envs.film.beats import BeatGrid
from segue.envs.film.shots import COLOURS, FEATURES, THIRDS, THUMBNAIL
from segue.envs.montage.dynamics import OVERRUN, clock
from segue.envs.montage.types import LENGTHS, Bank

Floats = npt.NDArray[np.float64]

RATE = Fraction(24)
TEMPO = 120.0
FILMS = 3
"""Most films that the shots of a bin come from."""
SHOTS_OF_SETUP = 3

SPREAD = 0.15
"""Concentration of the Dirichlet law of colours; the less, the fewer colours a picture has."""

SIGNED = ("warmth", "motion_x", "motion_y", "centroid_x", "centroid_y")
"""Features in [-1, 1]; the others lie in [0, 1]."""

_PALETTE = {"film": 0.3, "setup": 0.5, "own": 0.2}
"""Shares of a picture's colours that its film, its set-up and the third alone account for."""


def synthetic_bank(bins: int, shots: int, beats: int, seed: int) -> Bank:
    """Draw bins of made-up shots from smooth random laws; every bin can fill the film.

    Parameters
    ----------
    bins, shots, beats : int
        How many bins, shots in each, and beats of the film.
    seed : int
        Same seed, same bank.

    Raises
    ------
    SegueError
        When so few shots cannot fill the film.
    """
    if min(bins, shots, beats) < 1 or shots * max(LENGTHS) < beats:
        raise SegueError(
            f"{bins} bins of {shots} shots cannot fill {beats} beats, as no piece is longer than "
            f"{max(LENGTHS)}; give at least one bin and more shots."
        )
    generator = np.random.default_rng(seed)
    grid = made_up_beats(beats)
    frames = np.rint((grid.times - grid.times[0]) * float(RATE)).astype(np.int64)
    film, position = _places(generator, bins, shots)
    timeline, spans = clock(frames)
    return Bank(
        rate=RATE,
        beat_frames=frames,
        lengths=timeline,
        spans=spans,
        strength=grid.strength,
        energy=grid.energy,
        row=np.full((bins, shots), -1, dtype=np.int32),
        frames=_lengths(generator, (bins, shots), frames),
        features=_features(generator, (bins, shots)),
        similarity=likeness(generator, film, setups(generator, (bins, shots))),
        position=position,
        film=film,
        thumbnails=np.zeros((0, THIRDS, *THUMBNAIL, 3), dtype=np.uint8),
    )


def made_up_beats(beats: int) -> BeatGrid:
    """Beats of a tune of TEMPO that grows from calm to lively and back."""
    wave = 0.5 - 0.4 * np.cos(2 * np.pi * np.arange(beats) / beats)
    return grid_of_tune(TEMPO, beats, 4, wave.astype(np.float32))


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


def _lengths(
    generator: np.random.Generator, shape: tuple[int, int], beat_starts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Frames of the shots: log-normal, longer where a bin could not fill the film."""
    lengths = generator.lognormal(np.log(60.0), 0.5, shape)
    beats = len(beat_starts) - 1
    while (short := capacity(lengths.astype(np.int64), beat_starts) < beats).any():
        lengths[short] *= 1.25
    return np.asarray(np.maximum(lengths, np.diff(beat_starts).max()), dtype=np.int64)


def _places(
    generator: np.random.Generator, bins: int, shots: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Film of each shot and place in it, in the order of film and time."""
    films = generator.integers(1, FILMS + 1, (bins, 1))
    number = np.sort(generator.integers(0, films, (bins, shots)), axis=1)
    place = np.sort(number + generator.random((bins, shots)), axis=1)
    # Sorting keeps the films apart, as each has an interval of its own.
    return number.astype(np.int32), (place - number).clip(0.0, 1.0).astype(np.float32)


def _features(generator: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Features of a shot that wander a little from third to third."""

    def drawn(mean: float, between: float, within: float) -> Floats:
        centre = generator.normal(mean, between, (*shape, 1))
        return np.asarray(centre + generator.normal(0.0, within, (*shape, THIRDS)))

    motion = generator.random((*shape, 1)) + generator.normal(0.0, 0.1, (*shape, THIRDS))
    # Whatever a camera takes moves a little.
    motion = motion.clip(0.01, 1.0)
    saturation = np.abs(drawn(0.32, 0.16, 0.02))
    # The camera pans or something crosses: all of the motion may go one way, or none of it.
    angle = generator.uniform(0.0, 2 * np.pi, (*shape, 1)) + generator.normal(
        0.0, 0.4, (*shape, THIRDS)
    )
    flow = motion**1.5 * generator.random((*shape, 1))
    values = {
        "brightness": drawn(0.43, 0.14, 0.03),
        "contrast": drawn(0.36, 0.1, 0.02),
        "saturation": saturation,
        "warmth": 0.6 * saturation - 0.05 + drawn(0.0, 0.08, 0.02),
        "sharpness": drawn(0.72, 0.13, 0.04) - 0.15 * motion,
        "motion": motion,
        "motion_x": flow * np.cos(angle),
        "motion_y": flow * np.sin(angle),
        "centroid_x": drawn(0.05, 0.25, 0.07),
        "centroid_y": drawn(0.1, 0.2, 0.07),
    }
    signed = np.array([name in SIGNED for name in FEATURES])
    stacked = np.stack([values[name] for name in FEATURES], axis=-1)
    return stacked.clip(np.where(signed, -1.0, 0.0), 1.0).astype(np.float32)


def setups(generator: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Draw the set-up of each shot, (bins, n): one for SHOTS_OF_SETUP shots."""
    return np.asarray(generator.integers(-(-shape[1] // SHOTS_OF_SETUP), size=shape))


def likeness(
    generator: np.random.Generator, film: npt.NDArray[np.int32], setup: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Draw cosines of the colour histograms of every two thirds, (bins, n, THIRDS, n, THIRDS)."""
    bins, shots = film.shape
    here = np.arange(bins)[:, None]
    of_film = generator.dirichlet(np.full(COLOURS, SPREAD), (bins, FILMS))[here, film]
    of_setup = generator.dirichlet(np.full(COLOURS, SPREAD), (bins, int(setup.max()) + 1))
    of_setup = of_setup[here, setup]
    own = generator.dirichlet(np.full(COLOURS, SPREAD), (bins, shots, THIRDS))
    shared = _PALETTE["film"] * of_film + _PALETTE["setup"] * of_setup
    colours = (shared[:, :, None] + _PALETTE["own"] * own).reshape(bins, -1, COLOURS)
    unit = np.sqrt(colours / colours.sum(axis=-1, keepdims=True)).astype(np.float32)
    alike = (unit @ unit.transpose(0, 2, 1)).clip(0.0, 1.0)
    return np.asarray(alike.reshape(bins, shots, THIRDS, shots, THIRDS))
