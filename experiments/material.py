"""What an edit is made from: analysed footage, beats, and bins for training and for testing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.analysis import analyse
from segue.envs.film.beat_tracking import track_beats
from segue.envs.film.beats import BeatGrid
from segue.envs.film.gate import film_files
from segue.envs.film.shots import ShotTable
from segue.envs.montage.generator import beats_for, bins_from_footage
from segue.envs.montage.types import HANDLE, Bank
from segue.experiments.evaluation import TEST_SEED

Progress = Callable[[float, str], None]

CREDITS_SECONDS, CREDITS_TIMES = 30, 8
SHORTEST_FILM = 2
"""Beats."""


@dataclass(frozen=True)
class EditConfig:
    """Settings of an edit.

    Attributes
    ----------
    length : float
        Longest film, in seconds; it ends on a beat.
    seed : int
        Of bins and agent.
    steps : int
        Training steps.
    shots : int
        Shots in a bin.
    bins, test_bins : int
        Bins drawn for training and for testing.
    test_share : float
        Part of the shots, the last ones, that training never sees.
    workers : int or None
        Processes that render; None chooses by machine and film.
    credits : bool
        Whether the film ends with credits, on black, for whom its sources name.
    """

    length: float = 30.0
    seed: int = 0
    steps: int = 10_000
    shots: int = 24
    bins: int = 256
    test_bins: int = 8
    test_share: float = 0.4
    workers: int | None = None
    credits: bool = True


@dataclass(frozen=True)
class Material:
    """Footage and music, ready for an editor.

    Attributes
    ----------
    title : str
        Name of the film.
    table : ShotTable
        The analysed footage.
    music : Path
        The sound.
    grid : BeatGrid
        Its beats.
    train_bank, test_bank : Bank
        Bins of shots.
    held_out : bool
        Whether the test bins' shots are kept from training.
    """

    title: str
    table: ShotTable
    music: Path
    grid: BeatGrid
    train_bank: Bank
    test_bank: Bank
    held_out: bool


def prepare(
    footage: Path,
    music: Path,
    config: EditConfig,
    progress: Progress,
    grid: BeatGrid | None = None,
) -> Material:
    """Analyse footage and music and draw the bins.

    Parameters
    ----------
    footage : Path
        A film or a folder of films of one frame rate.
    music : Path
        Any sound file; it becomes the film's sound.
    config : EditConfig
        Settings.
    progress : callable
        Called with the share done of the present stage and a text.
    grid : BeatGrid or None
        The beats of `music` where they are known; None finds them.

    Raises
    ------
    SegueError
        For footage or music that cannot be used, or too little of either.
    """
    _check(config)
    files = film_files(footage)
    grid = grid or track_beats(music, progress=progress)
    beats = beats_for(grid, config.length)
    if beats < SHORTEST_FILM:
        raise SegueError(
            f"{config.length:g} s of {music.name} hold {max(beats, 0)} whole beats; "
            f"give a length of at least {SHORTEST_FILM} beats."
        )
    table = analyse(files, progress=progress)
    title = f"{files[0].stem} to {music.stem}"
    return Material(title, table, music, grid, *split(table, grid, beats, config))


def split(
    table: ShotTable, grid: BeatGrid, beats: int, config: EditConfig
) -> tuple[Bank, Bank, bool]:
    """Draw training bins from the first shots and test bins from the last.

    Where either part alone cannot fill the film, both are drawn from all shots; the third value
    tells whether the test shots were kept apart.
    """
    rows = np.flatnonzero(~credits_like(table))
    border = len(rows) - round(config.test_share * len(rows))
    parts = (rows[:border], rows[border:])
    size = min(config.shots, *(_fit(table, part, grid, beats) for part in parts))
    draw = (config.bins, config.seed), (config.test_bins, TEST_SEED + config.seed)
    try:
        train, test = (
            bins_from_footage(table, part, grid, beats, size, bins, seed)
            for part, (bins, seed) in zip(parts, draw, strict=True)
        )
        return train, test, True
    except SegueError:
        size = min(config.shots, _fit(table, rows, grid, beats))
        train, test = (
            bins_from_footage(table, rows, grid, beats, size, bins, seed) for bins, seed in draw
        )
        return train, test, False


def credits_like(table: ShotTable) -> npt.NDArray[np.bool_]:
    """Which shots look like rolling credits: over CREDITS_SECONDS and CREDITS_TIMES the median.

    Only in files of at least ten shots, so that a folder of long takes is left alone.
    """
    found = np.zeros(len(table), dtype=np.bool_)
    for number, footage in enumerate(table.footage):
        own = table.file == number
        if own.sum() >= 10:
            longest = max(
                CREDITS_SECONDS * footage.rate, CREDITS_TIMES * np.median(table.frames[own])
            )
            found |= own & (table.frames > float(longest))
    return found


def _fit(table: ShotTable, rows: npt.NDArray[np.int64], grid: BeatGrid, beats: int) -> int:
    """Shots of `rows` that can fill a beat: no bin can hold more."""
    rate = float(table.footage[0].rate)
    longest = np.diff(grid.times[: beats + 1]).max() * rate + 1
    return int((table.frames[rows] - 2 * HANDLE >= longest).sum())


def _check(config: EditConfig) -> None:
    if not config.length > 0 or config.steps < 1 or config.seed < 0:
        raise SegueError(
            f"length is {config.length:g}, steps {config.steps} and seed {config.seed}; give a "
            "length above 0, at least one step and a seed from 0 on."
        )
