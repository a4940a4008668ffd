"""The search for hyperparameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from segue.agents.deep import NativeVecEnv, build
from segue.experiments import search as search_module
from segue.experiments.evaluation import TEST_SEED
from segue.experiments.learning import make_env, make_vector_env
from segue.experiments.search import (
    FIRST_SEED,
    SEEDS,
    VALIDATION_SEED,
    draw,
    main,
    score,
    search,
    settings_yaml,
    validation_options,
)
from segue.experiments.train_config import TrainConfig

BASE = TrainConfig("segue/LeadSheet-v0", "dqn", steps=400, test_options={"piece_seed": 1000})


@pytest.mark.parametrize("agent", ["ppo", "maskable-ppo", "a2c", "dqn"])
@pytest.mark.parametrize("env_id", ["segue/Multicam-v0", "CartPole-v1"])
def test_drawn_settings_make_an_agent(agent: str, env_id: str) -> None:
    if agent == "maskable-ppo" and env_id == "CartPole-v1":
        return  # It has no masks.
    space = make_env(env_id, {}).observation_space
    generator = np.random.default_rng(0)
    drawn = [draw(agent, space, generator) for _ in range(3)]
    assert len({str(one) for one in drawn}) == 3
    for one in drawn:
        venv = NativeVecEnv(make_vector_env(env_id, one["num_envs"], {}))
        build(agent, venv, seed=0, hyperparameters=one["hyperparameters"])


def test_the_best_of_the_few_that_are_tried_long_is_taken() -> None:
    """With few steps high learning rates look good; with all of them the one nearest 0.001 is."""
    seen: list[TrainConfig] = []

    def judge(configs: Sequence[TrainConfig]) -> Iterable[float]:
        seen.extend(configs)
        for config in configs:
            rate = config.hyperparameters["learning_rate"]
            yield rate if config.steps < BASE.steps else -abs(np.log(rate / 0.001))

    best, tried = search(BASE, 8, judge)
    rates = [record["settings"]["hyperparameters"]["learning_rate"] for record in tried]
    full = [record for record in tried if record["full"]]
    assert len(full) == 2
    assert {len(record["full"]) for record in full} == {SEEDS}
    highest = sorted(rates)[-2:]
    assert best.hyperparameters["learning_rate"] == min(
        highest, key=lambda rate: abs(np.log(rate / 0.001))
    )
    assert [config.steps for config in seen] == [100] * 8 + [400] * 2 * SEEDS
    assert min(config.seed for config in seen) == FIRST_SEED
    assert best.steps == BASE.steps


def test_a_search_sees_no_test(monkeypatch: pytest.MonkeyPatch) -> None:
    assert validation_options(BASE) == {"piece_seed": 2000}
    played: list[int] = []

    def evaluate(env: Any, name: str, act: Any, seeds: Sequence[int]) -> Any:
        played.extend(seeds)
        found = env.unwrapped.lead_sheet.bank.pieces
        test = make_env(BASE.env, BASE.test_options).unwrapped
        assert found != test.lead_sheet.bank.pieces  # type: ignore[attr-defined]
        return type("Evaluation", (), {"mean": 1.5})

    monkeypatch.setattr(search_module, "evaluate", evaluate)
    one = TrainConfig(BASE.env, "ppo", steps=32, num_envs=2, test_options=BASE.test_options)
    config = TrainConfig(**{**vars(one), "hyperparameters": {"n_steps": 16, "batch_size": 32}})
    assert score(config) == 1.5
    assert min(played) == VALIDATION_SEED > TEST_SEED + 20_000


def test_settings_are_written_as_training_reads_them(tmp_path: Path) -> None:
    config = TrainConfig(
        "segue/LeadSheet-v0",
        "a2c",
        steps=7,
        num_envs=3,
        test_options={"piece_seed": 1000},
        hyperparameters={"gamma": 0.9, "policy_kwargs": {"net_arch": [8, 8]}},
    )
    text = settings_yaml(config, "Found.")
    assert text.startswith("# Found.\n")
    assert TrainConfig(config.env, config.agent, **yaml.safe_load(text)) == config


def test_the_command_writes_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        search_module, "search", lambda base, tries, judge, tell: (base, [{"tries": tries}])
    )
    main(["segue/LeadSheet-v0", "dqn", "--steps", "9", "--tries", "2", "--out", str(tmp_path)])
    assert "segue-LeadSheet-v0__dqn.yaml" in capsys.readouterr().out
    written = yaml.safe_load((tmp_path / "segue-LeadSheet-v0__dqn.yaml").read_text())
    assert written == {"steps": 9}
    with pytest.raises(SystemExit):
        main(["segue/LeadSheet-v0", "q-learning"])
