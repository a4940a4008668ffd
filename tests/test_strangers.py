"""The table of environments that are not segue's: known scores, and what is made of the runs."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from segue.agents.deep import NativeVecEnv
from segue.envs.base.errors import SegueError
from segue.experiments import strangers_table, tables
from segue.experiments.learning import make_vector_env
from segue.experiments.strangers_table import (
    StrangersStudy,
    known_score,
    measure_strangers,
    optimal_values,
    strangers_markdown,
)
from segue.experiments.train_config import default_config

STUDY = tables.read_study("strangers", None, {})
assert isinstance(STUDY, StrangersStudy)
REWARDED = ("q-learning", "double-q", "q-lambda", "ppo", "maskable-ppo", "a2c", "dqn")


def silent(share: float, text: str) -> None:
    """Take no notice."""


def test_backward_induction_on_a_chain_that_can_be_worked_out() -> None:
    # From 0: action 0 ends with reward 1; action 1 goes to 1 with chance .5, else stays, for -1.
    # From 1: action 0 ends with reward 10; action 1 stays for nothing.
    table = {
        0: {0: [(1.0, 0, 1.0, True)], 1: [(0.5, 1, -1.0, False), (0.5, 0, -1.0, False)]},
        1: {0: [(1.0, 1, 10.0, True)], 1: [(1.0, 1, 0.0, False)]},
    }
    assert optimal_values(table, 0).tolist() == [0.0, 0.0]
    assert optimal_values(table, 1).tolist() == [1.0, 10.0]
    # With two steps to go it pays to try: -1 + (10 + 1) / 2.
    assert optimal_values(table, 2).tolist() == [4.5, 10.0]
    # An outcome that is listed twice counts twice, as in Gymnasium's tables.
    twice = {0: {0: [(0.25, 0, 1.0, True), (0.25, 0, 1.0, True), (0.5, 0, 3.0, True)]}}
    assert optimal_values(twice, 5).tolist() == [2.0]


def test_known_scores() -> None:
    lake = known_score("FrozenLake-v1")
    # Published: the best policy reaches the goal in .74 of the episodes within 100 steps.
    assert lake.optimum == pytest.approx(0.744, abs=1e-3)
    assert lake.least == pytest.approx(0.95 * 0.744, abs=1e-3)
    dry = gym.make("FrozenLake-v1", is_slippery=False).unwrapped
    assert optimal_values(dry.P, 6)[0] == 1.0  # type: ignore[attr-defined]
    assert optimal_values(dry.P, 5)[0] == 0.0  # type: ignore[attr-defined]
    taxi = known_score("Taxi-v4")
    assert taxi.optimum == pytest.approx(7.93, abs=5e-3)
    pole = known_score("CartPole-v1")
    assert (pole.least, pole.optimum) == (475.0, None)
    with pytest.raises(SegueError, match="Pendulum-v1"):
        known_score("Pendulum-v1")


def test_taxi_is_the_newest() -> None:
    versions = [spec.version for spec in gym.registry.values() if spec.name == "Taxi"]
    assert f"Taxi-v{max(version or 0 for version in versions)}" in STUDY.envs


def test_masks_in_the_infos_of_others_are_used() -> None:
    venv = NativeVecEnv(make_vector_env("Taxi-v4", 5, {}))
    assert venv.has_masks
    assert venv.has_attr("action_masks")
    venv.seed(0)
    seen = venv.reset()
    alone = gym.make("Taxi-v4").unwrapped
    generator = np.random.default_rng(0)
    for _ in range(250):  # past a time limit
        masks = np.stack(venv.env_method("action_masks"))
        expected = np.stack([alone.action_mask(int(state)) for state in seen])  # type: ignore[attr-defined]
        assert np.array_equal(masks, expected == 1)
        seen, _, _, _ = venv.step(generator.integers(6, size=5))
    for env in ("CartPole-v1", "FrozenLake-v1"):
        bare = NativeVecEnv(make_vector_env(env, 2, {}))
        assert not bare.has_masks
        assert not bare.has_attr("action_masks")


@pytest.mark.parametrize("env", STUDY.envs)
@pytest.mark.parametrize("agent", REWARDED)
def test_settings_come_with_segue(env: str, agent: str) -> None:
    config = default_config(env, agent)
    if agent == "maskable-ppo" and env != "Taxi-v4":
        return  # It is refused there.
    assert config.eval_episodes >= 50, "the general settings have 20"


def test_runs_become_a_table() -> None:
    told: list[float] = []
    figures = measure_strangers(
        ["segue", "bench"],
        lambda share, text: told.append(share),
        StrangersStudy(
            seeds=2,
            envs=("FrozenLake-v1",),
            agents=("q-learning", "maskable-ppo", "dqn"),
            teacher="q-learning",
            demonstrations={},
            steps=3_000,
        ),
    )
    assert all(before <= after for before, after in pairwise(told))
    table, refused, deep = figures["runs"]
    assert "no action masks" in refused["refused"]
    for run in (table, deep):
        assert len(run["returns"]) == 2
        assert run["low"] <= run["mean"] == np.mean(run["returns"]) <= run["high"]
        assert run["reached"] == (run["mean"] >= figures["known"]["FrozenLake-v1"]["least"])
        assert run["steps"] >= 3_000
    assert json.loads(json.dumps(figures)) == figures
    page = strangers_markdown(figures)
    assert "0.7442" in page
    assert "`segue train FrozenLake-v1 --agent dqn`" in page
    assert f"| {table['mean']:.3f} | {table['low']:.3f} to {table['high']:.3f} |" in page


def test_agents_that_need_demonstrations_get_some_of_the_teacher() -> None:
    study = StrangersStudy(1, ("Taxi-v4",), ("bc",), "q-learning", {"Taxi-v4": 100}, 40_000)
    figures = measure_strangers(["segue", "bench"], silent, study)
    (run,) = figures["runs"]
    assert run["mean"] > run["random"] + 100


def test_the_verb_writes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []

    def measure(command: Any, tell: Any, study: StrangersStudy) -> dict[str, Any]:
        asked.append(study)
        return {"seeds": study.seeds, "known": {}, "runs": []}

    monkeypatch.setattr(strangers_table, "measure_strangers", measure)
    study = tables.read_study("strangers", None, {"seeds": 5, "envs": ["Taxi-v4"]})
    made = tables.make_table("strangers", tmp_path, study, ["segue", "bench"])
    assert asked == [study]
    assert (study.seeds, study.envs) == (5, ("Taxi-v4",))
    assert (tmp_path / "strangers.md").read_text().startswith(made["markdown"][:20])
