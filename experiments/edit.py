"""Cutting a film: analyse footage, train an editor on one part of it, cut from the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from segue.agents.deep import NativeVecEnv, build
from segue.envs.base.errors import SegueError
from segue.envs.film.analysis import analyse
from segue.envs.film.beat_tracking import track_beats
from segue.envs.film.beats import BeatGrid
from segue.envs.film.edit import Edit
from segue.envs.film.gate import film_files
from segue.envs.film.renderer import render
from segue.envs.film.shots import ShotTable
from segue.envs.film.timelines import write_edl, write_otio
from segue.envs.montage.env import MontageEnv, MontageVectorEnv
from segue.envs.montage.generator import beats_for, bins_from_footage
from segue.envs.montage.render import to_edit
from segue.envs.montage.types import HANDLE, Bank
from segue.experiments.evaluation import (
    TEST_SEED,
    Evaluation,
    baselines,
    evaluate,
    mean_bound,
    model_action,
    play,
)
from segue.experiments.learning import Curve, imitate_greedy, learn
from segue.experiments.run_folder import RunFolder
from segue.experiments.tensorboard import FRACTION, Board
from segue.experiments.train import default_config

Progress = Callable[[float, str], None]

ENV, AGENT = "segue/Montage-v0", "maskable-ppo"
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
    workers : int
        Processes that render.
    """

    length: float = 30.0
    seed: int = 0
    steps: int = 150_000
    shots: int = 24
    bins: int = 256
    test_bins: int = 8
    test_share: float = 0.4
    workers: int = 2


@dataclass(frozen=True)
class EditResult:
    """A cut film and how it came about.

    Attributes
    ----------
    edit : Edit
        The film, from the first test bin.
    table : ShotTable
        The analysed footage.
    held_out : bool
        Whether the film's shots were kept from training.
    policies : list of Evaluation
        The trained agent, then random and greedy, on the test bins.
    bound : float
        Mean upper bound of the test bins.
    curve : Curve
        Mean return in training.
    strip : ndarray (h, w, 3) uint8
        Picture of the timeline.
    growing : list of ndarray
        The same while the film grows, for an animation.
    beat_errors : ndarray (cuts - 1,) float64
        Seconds between each cut and the nearest beat of the music.
    """

    edit: Edit
    table: ShotTable
    held_out: bool
    policies: list[Evaluation]
    bound: float
    curve: Curve
    strip: npt.NDArray[np.uint8]
    growing: list[npt.NDArray[np.uint8]]
    beat_errors: npt.NDArray[np.float64]


def cut_film(
    footage: Path,
    music: Path,
    config: EditConfig,
    folder: RunFolder,
    board: Board,
    progress: Progress,
    grid: BeatGrid | None = None,
) -> EditResult:
    """Analyse `footage`, train an editor, and let it cut a film to `music`.

    Parameters
    ----------
    footage : Path
        A film or a folder of films of one frame rate.
    music : Path
        Any sound file; it becomes the film's sound.
    config : EditConfig
        Settings.
    folder : RunFolder
        Gets the checkpoints.
    board : Board
        Gets the curves.
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
    train_bank, test_bank, held_out = split(table, grid, beats, config)
    venv = NativeVecEnv(
        MontageVectorEnv(64, bank=train_bank, autoreset_mode=AutoresetMode.SAME_STEP)
    )
    settings = default_config(ENV, AGENT)
    model = build(AGENT, venv, seed=config.seed, hyperparameters=settings.hyperparameters)
    assert isinstance(model, OnPolicyAlgorithm)
    teacher = MontageEnv(bank=train_bank)
    imitate_greedy(model, teacher, settings.greedy_demonstrations, config.seed, progress)
    curve = learn(model, venv, board, config.steps, progress, folder.checkpoints)
    env = MontageEnv(bank=test_bank, render_mode="rgb_array")
    seeds = _one_seed_a_bin(env)
    act = model_action(model)
    policies = [evaluate(env, AGENT, act, seeds, progress), *baselines(env, seeds)]
    progress(0.0, "bounding the test bins")
    found = mean_bound(env, seeds)
    assert found is not None
    board.scalars(model.num_timesteps, {FRACTION: policies[0].mean / found[0]})
    growing: list[npt.NDArray[np.uint8]] = []

    def watched(e: MontageEnv, observation: object, info: dict[str, object]) -> object:
        growing.append(e.render())
        return act(e, observation, info)

    play(env, watched, seeds[0])  # type: ignore[arg-type]
    title = f"{files[0].stem} to {music.stem}"
    start = float(grid.times[0])
    edit = to_edit(test_bank, env.batch, 0, table, env.task.term_names, title, music, start)
    return EditResult(
        edit=edit,
        table=table,
        held_out=held_out,
        policies=policies,
        bound=found[0],
        curve=curve,
        strip=env.render(),
        growing=[*growing[1:], env.render()],
        beat_errors=beat_errors(edit, grid),
    )


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


def _one_seed_a_bin(env: MontageEnv) -> list[int]:
    """Test seeds that begin each bin of the bank once, in order of the bins."""
    found: dict[int, int] = {}
    seed = TEST_SEED
    while len(found) < env.task.bank.bins:  # type: ignore[attr-defined]
        env.reset(seed=seed)
        found.setdefault(int(env.batch.bin[0]), seed)
        seed += 1
    return [found[number] for number in sorted(found)]


def beat_errors(edit: Edit, grid: BeatGrid) -> npt.NDArray[np.float64]:
    """Seconds from each cut, as the film shows it, to the nearest beat of the music."""
    ends = np.cumsum([cut.frames for cut in edit.cuts])[:-1] / float(edit.rate)
    return np.asarray(np.abs(ends[:, None] + edit.music_start - grid.times).min(axis=1))


def write_film(edit: Edit, folder: Path, progress: Progress, workers: int = 2) -> dict[str, Path]:
    """Render the film and write its timelines into `folder`; return the files by name."""
    paths = {name: folder / name for name in ("film.mp4", "timeline.otio", "timeline.edl")}
    render(
        edit,
        paths["film.mp4"],
        progress=lambda share: progress(share, "rendering film.mp4"),
        workers=workers,
    )
    write_otio(edit, paths["timeline.otio"])
    write_edl(edit, paths["timeline.edl"])
    return paths
