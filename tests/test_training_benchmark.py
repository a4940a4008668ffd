"""The benchmark of training: equal work on both sides, honest shares, and what it prints."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecEnv

from segue.agents.deep import NativeVecEnv, build
from segue.experiments import training_benchmark
from segue.experiments.bench_tables import print_tables
from segue.experiments.learning import make_vector_env
from segue.experiments.training_benchmark import CASES, Case, Round, Trainer, measure_training

SHEET = "segue/LeadSheet-v0"
SMALL = {"policy": "integers", "policy_kwargs": {"width": 8, "activation": "relu"}}


def native(env: str, count: int, **options: Any) -> NativeVecEnv:
    return NativeVecEnv(make_vector_env(env, count, options))


def learnt(agent: str, venv: VecEnv, settings: dict[str, Any]) -> list[torch.Tensor]:
    model = build(agent, venv, seed=3, hyperparameters=settings)
    model.learn(4 * 160)
    return list(model.policy.state_dict().values())


@pytest.mark.parametrize("agent", ["ppo", "maskable-ppo"])
@pytest.mark.parametrize("policy", [SMALL, {}])
def test_both_sides_do_the_same_work(agent: str, policy: dict[str, Any]) -> None:
    # Not only as much: the weights are equal bit for bit, also after episodes have ended.
    settings = {"n_steps": 40, "batch_size": 80, "n_epochs": 2, **policy}
    options = {"bars": 2, "pieces": 2}
    ours = learnt(agent, native(SHEET, 4, **options), settings)
    theirs = learnt(agent, make_vec_env(SHEET, 4, env_kwargs=options), settings)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)


class Clock:
    """Time that passes only where it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def slow(self, owner: Any, name: str, seconds: float) -> None:
        call = getattr(owner, name)

        def slowed(*args: Any, **kwargs: Any) -> Any:
            self.now += seconds
            return call(*args, **kwargs)

        setattr(owner, name, slowed)


def test_time_counts_where_it_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(training_benchmark.time, "perf_counter", clock)
    venv = native(SHEET, 4)
    clock.slow(venv.vector_env, "step", 3.0)
    clock.slow(venv, "env_method", 0.5)
    trainer = Trainer(Case(SHEET, "maskable-ppo"), venv, 40)
    model: Any = trainer._agent
    clock.slow(model.policy, "evaluate_actions", 10.0)
    clock.slow(model.policy, "forward", 0.25)
    # Ten steps and their masks; one batch in each of four epochs.
    assert trainer.round() == Round(env=35.0, rollout=37.5, learning=40.0)
    assert trainer.round() == Round(env=35.0, rollout=37.5, learning=40.0)
    trainer.close()


def test_figures_are_of_medians_and_shares_add_up() -> None:
    rounds = [Round(1.0, 3.0, 6.0), Round(100.0, 300.0, 600.0), Round(1.0, 3.0, 6.0)]
    assert training_benchmark._figures(rounds, 900) == {
        "training_steps_per_second": 100.0,
        "rollout_steps_per_second": 300.0,
        "env": pytest.approx(1 / 9),
        "policy": pytest.approx(2 / 9),
        "learning": pytest.approx(6 / 9),
    }


def test_ratios_are_of_native_to_dummy() -> None:
    def side(training: float, rollout: float, env: float) -> dict[str, float]:
        rates = {"training_steps_per_second": training, "rollout_steps_per_second": rollout}
        return {**rates, "env": env}

    figures = {"native": side(30.0, 80.0, 0.1), "DummyVecEnv": side(10.0, 16.0, 0.6)}
    training, rollout, share = training_benchmark._ratios(figures)
    assert (training.measured, training.least) == (3.0, 1.5)
    assert (rollout.measured, rollout.least) == (5.0, 4.0)
    assert (share.measured, share.least) == (0.5, 1.0)


def test_every_contestant_is_measured_and_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_benchmark, "FEW", 4)
    monkeypatch.setattr(training_benchmark, "MANY", 8)
    monkeypatch.setattr(training_benchmark, "ROLLOUT", 16)
    settings = {**training_benchmark.HYPERPARAMETERS, "batch_size": 16}
    monkeypatch.setattr(training_benchmark, "HYPERPARAMETERS", settings)
    told: list[float] = []
    cases = (Case("segue/Melody-v0", "ppo"), Case(SHEET, "maskable-ppo", integers=False))
    found = measure_training(lambda share, text: told.append(share), cases, rounds=2)
    own, plain = found["cases"]
    assert [len(case["ratios"]) for case in (own, plain)] == [3, 0]
    for case in (own, plain):
        counts = [one["environments"] for one in case["contestants"].values()]
        assert counts == [4, 4, 8]
        for one in case["contestants"].values():
            assert one["env"] + one["policy"] + one["learning"] == pytest.approx(1.0)
            assert one["rollout_steps_per_second"] > one["training_steps_per_second"] > 0
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert all(before <= after for before, after in pairwise(told))
    console = Console(record=True, width=120)
    print_tables({"training": found}, console)
    text = console.export_text()
    assert "Training ppo in segue/Melody-v0; policy: integers" in text
    assert "native rollout / DummyVecEnv" in text


def test_native_environments_take_a_small_part_of_training() -> None:
    # Far from the published ratios, so that a busy machine does not matter.
    trainers = {
        "native": Trainer(CASES[0], native(SHEET, 64), 1_024),
        "dummy": Trainer(CASES[0], make_vec_env(SHEET, 64), 1_024),
    }
    env: dict[str, float] = {}
    for name, trainer in trainers.items():
        trainer.round()
        env[name] = float(np.median([trainer.round().env for _ in range(5)]))
        trainer.close()
    assert env["native"] < env["dummy"] / 3
