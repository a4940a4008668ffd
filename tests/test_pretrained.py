"""The editor that comes with segue."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.base_class import BaseAlgorithm

from segue.agents.deep import NativeVecEnv, build
from segue.envs.base.errors import SegueError
from segue.envs.film.effects import EFFECTS
from segue.envs.montage.env import Montage, MontageVectorEnv
from segue.experiments.montage_films import Films, by_model, each
from segue.experiments.pretrained import start_from_pretrained, write_pretrained
from segue.experiments.train import train
from segue.experiments.train_config import TrainConfig, default_config


def editor(shots: int) -> BaseAlgorithm:
    env = MontageVectorEnv(2, bins=2, shots=shots, beats=16, autoreset_mode=AutoresetMode.SAME_STEP)
    settings = default_config("segue/Montage-v0", "maskable-ppo").hyperparameters
    return build("maskable-ppo", NativeVecEnv(env), seed=0, hyperparameters=settings)


def test_it_edits_bins_that_it_never_saw_better_than_greedy() -> None:
    model = editor(shots=8)
    assert start_from_pretrained(model)
    # Neither these bins nor any of its training, and other numbers of shots.
    for shots in (16, 12):
        task = Montage(bins=24, bin_seed=7, shots=shots)
        own = editor(shots)
        start_from_pretrained(own)
        agent = Films(task, by_model(own)).returns
        greedy = Films(task, lambda batch, task=task: each(task.greedy, batch)).returns  # type: ignore[misc]
        assert agent.mean() > greedy.mean()


def test_another_policy_begins_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EFFECTS, "negative", EFFECTS["sepia"])
    model = editor(shots=8)
    before = [parameter.clone() for parameter in model.policy.parameters()]
    assert not start_from_pretrained(model)
    for old, new in zip(before, model.policy.parameters(), strict=True):
        torch.testing.assert_close(old, new)


def test_weights_and_card_are_written_from_a_run(tmp_path: Path) -> None:
    config = TrainConfig(
        "segue/Montage-v0",
        "maskable-ppo",
        steps=16,
        num_envs=2,
        eval_episodes=2,
        env_options={"bins": 2, "shots": 6, "beats": 8},
        hyperparameters={
            "policy": "chained",
            "policy_kwargs": {"hidden": 16},
            "n_steps": 8,
            "batch_size": 16,
        },
    )
    train(config, tmp_path / "run", ["segue", "train"])
    weights, card = write_pretrained(tmp_path / "run", tmp_path)
    assert weights.stat().st_size < 200_000
    text = card.read_text()
    assert "16 steps from reward" in text
    assert "on 2 episodes" in text
    assert "nan" not in text


def test_only_runs_of_the_montage_are_taken(tmp_path: Path) -> None:
    hyperparameters = {"n_steps": 8, "batch_size": 8}
    config = TrainConfig("CartPole-v1", "ppo", 16, 0, 1, 1, hyperparameters=hyperparameters)
    train(config, tmp_path / "run", ["segue", "train"])
    with pytest.raises(SegueError, match="name one of segue/Montage-v0"):
        write_pretrained(tmp_path / "run", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
