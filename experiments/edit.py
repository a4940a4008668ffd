"""Cutting a film: analyse footage, train an editor on one part of it, cut from the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from segue.agents.deep import NativeVecEnv, build
from segue.envs.film.beats import BeatGrid
from segue.envs.film.edit import Edit
from segue.envs.film.renderer import render
from segue.envs.film.shots import ShotTable
from segue.envs.film.timelines import to_otio, write_otio, write_timeline
from segue.envs.montage.env import MontageEnv, MontageVectorEnv
from segue.envs.montage.generator import first_bins
from segue.envs.montage.render import to_edit
from segue.experiments.evaluation import (
    TEST_SEED,
    Evaluation,
    baselines,
    episode_bounds,
    evaluate,
    model_action,
    play,
)
from segue.experiments.imitation import EXPERT_ENVS, imitate_expert
from segue.experiments.learning import Curve, learn
from segue.experiments.material import EditConfig, Material
from segue.experiments.pretrained import start_from_pretrained
from segue.experiments.run_folder import RunFolder
from segue.experiments.tensorboard import FRACTION, Board
from segue.experiments.train_config import default_config

Progress = Callable[[float, str], None]

EXCHANGED = ("timeline.edl", "timeline.fcpxml", "timeline.xml")
"""Timelines that name the media by their whole paths, as editing programs want it."""

ENV, AGENT = "segue/Montage-v0", "maskable-ppo"
EXPERT_BINS, EXPERT_DECISIONS = 20, 10_000
"""Training bins that are solved for the expert, and how often it is asked, or, in a short training,
once a step."""


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
    beat_frames : ndarray (beats + 1,) int64
        Frame of each beat, and of the end.
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
    beat_frames: npt.NDArray[np.int64]
    beat_errors: npt.NDArray[np.float64]


def cut_film(
    material: Material, config: EditConfig, folder: RunFolder, board: Board, progress: Progress
) -> EditResult:
    """Train an editor on the training bins, test it, and let it cut the first test bin.

    Parameters
    ----------
    material : Material
        Footage and music.
    config : EditConfig
        Settings.
    folder : RunFolder
        Gets the checkpoints.
    board : Board
        Gets the curves.
    progress : callable
        Called with the share done of the present stage and a text.
    """
    model, curve = _train_editor(material, config, folder, board, progress)
    env = MontageEnv(bank=material.test_bank, render_mode="rgb_array")
    seeds, act = _one_seed_a_bin(env), model_action(model)
    policies = [evaluate(env, AGENT, act, seeds, progress), *baselines(env, seeds)]
    progress(0.0, "bounding the test bins")
    found = episode_bounds(env, seeds)
    assert found is not None
    board.scalars(model.num_timesteps, {FRACTION: policies[0].mean / found.mean})
    growing: list[npt.NDArray[np.uint8]] = []

    def watched(e: gym.Env[Any, Any], observation: Any, info: Mapping[str, Any]) -> Any:
        growing.append(env.render())
        return act(e, observation, info)

    play(env, watched, seeds[0])
    edit = to_edit(
        material.test_bank,
        env.batch,
        0,
        material.table,
        env.task.term_names,
        material.title,
        material.music,
        float(material.grid.times[0]),
    )
    return EditResult(
        edit=edit,
        table=material.table,
        held_out=material.held_out,
        policies=policies,
        bound=found.mean,
        curve=curve,
        strip=env.render(),
        growing=[*growing[1:], env.render()],
        beat_frames=material.test_bank.beat_frames,
        beat_errors=beat_errors(edit, material.grid),
    )


def _train_editor(
    material: Material, config: EditConfig, folder: RunFolder, board: Board, progress: Progress
) -> tuple[OnPolicyAlgorithm, Curve]:
    """Go on from the editor that comes with segue: learn from the expert on some of the training
    bins, then from reward.
    """
    bank = material.train_bank
    venv = NativeVecEnv(MontageVectorEnv(64, bank=bank, autoreset_mode=AutoresetMode.SAME_STEP))
    settings = default_config(ENV, AGENT)
    model = build(AGENT, venv, seed=config.seed, hyperparameters=settings.hyperparameters)
    assert isinstance(model, OnPolicyAlgorithm)
    if not start_from_pretrained(model):
        progress(0.0, "effects or transitions of your own: the editor begins from nothing")
    decisions = min(EXPERT_DECISIONS, config.steps)
    few = first_bins(bank, max(1, EXPERT_BINS * decisions // EXPERT_DECISIONS))
    teachers = MontageVectorEnv(EXPERT_ENVS, bank=few, autoreset_mode=AutoresetMode.SAME_STEP)
    imitate_expert(model, teachers, decisions, config.seed, progress)
    return model, learn(model, venv, board, config.steps, progress, folder.checkpoints)


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


def write_film(
    edit: Edit, folder: Path, progress: Progress, workers: int | None = None
) -> dict[str, Path]:
    """Render the film and write its timelines into `folder`; return the files by name."""
    paths = {name: folder / name for name in ("film.mp4", "timeline.otio", *EXCHANGED)}
    render(
        edit,
        paths["film.mp4"],
        progress=lambda share: progress(share, "rendering film.mp4"),
        workers=workers,
    )
    write_otio(edit, paths["timeline.otio"])
    for name in EXCHANGED:
        write_timeline(to_otio(edit), paths[name])
    return paths
