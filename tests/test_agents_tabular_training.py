"""`segue train` with tabular agents: strangers by name, ours compiled, resumed runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from segue.agents.tabular import (
    QTable,
    load_newest,
    rollout_return,
    saved_tables,
    train_compiled,
)
from segue.envs.base.errors import SegueError
from segue.experiments.compose import q_learning_config
from segue.experiments.train import evaluate_run, resume, train
from segue.experiments.train_config import TABULAR, TrainConfig, default_config


def run(tmp_path: Path, env: str, agent: str, **changes: Any) -> Any:
    return train(replace(default_config(env, agent), **changes), tmp_path / "run", ("segue",))


def test_taxi_is_driven_well(tmp_path: Path) -> None:
    result = run(tmp_path, "Taxi-v4", "double-q", steps=70_000, eval_episodes=50)
    assert result.evaluation.mean > 5.0  # The best policy gets 7.9, random play -190.
    assert evaluate_run(tmp_path / "run", 50).evaluation.mean == result.evaluation.mean


@pytest.mark.parametrize("agent", ["q-learning", "q-lambda"])
def test_the_slippery_lake_is_crossed(agent: str, tmp_path: Path) -> None:
    result = run(tmp_path, "FrozenLake-v1", agent, steps=40_000, eval_episodes=200)
    assert result.evaluation.mean > 0.3  # The best policy gets .74, random play .015.


def test_the_pole_is_balanced_on_a_discretised_cart(tmp_path: Path) -> None:
    settings = dict(default_config("CartPole-v1", "q-learning").hyperparameters)
    settings["alpha"] = 0.3  # Quicker at first than what is best after five times the steps.
    changes: dict[str, Any] = {"steps": 120_000, "hyperparameters": settings}
    result = run(tmp_path, "CartPole-v1", "q-learning", eval_episodes=20, **changes)
    assert result.evaluation.mean >= 195.0


def test_parts_of_discrete_observations_need_no_settings(tmp_path: Path) -> None:
    result = run(tmp_path, "Blackjack-v1", "double-q", steps=3_000, eval_episodes=20)
    table = load_newest(QTable, tmp_path / "run" / "checkpoints")
    assert table.q.shape == (32 * 11 * 2, 2)
    assert result.steps == table.steps >= 3_000


@pytest.mark.parametrize("agent", TABULAR)
def test_counterpoint_reaches_its_optimum(agent: str, tmp_path: Path) -> None:
    record = run(tmp_path, "segue/Counterpoint-v0", agent).as_json()
    assert record["fraction_of_optimum"] == 1.0


@pytest.mark.parametrize(
    ("env", "options"),
    [
        ("segue/Counterpoint-v0", {"generated": 14}),
        ("segue/LeadSheet-v0", {"pieces": 20, "bars": 2}),
    ],
)
def test_q_learning_reaches_the_optimum_on_20_seeds(env: str, options: dict[str, Any]) -> None:
    made = gym.make(env, disable_env_checker=True, **options)
    for seed in range(20):
        made.reset(seed=seed)
        model = made.get_wrapper_attr("transition_model")()
        table = train_compiled(model, q_learning_config(model, seed, episodes=1_000_000))
        assert table.settled
        reached = rollout_return(model, table.policy().actions())
        assert reached == pytest.approx(made.get_wrapper_attr("optimum")(), abs=1e-9)


@pytest.mark.parametrize("env", ["segue/Counterpoint-v0", "Taxi-v4"])
def test_a_run_resumed_from_an_earlier_table_ends_as_it_did(env: str, tmp_path: Path) -> None:
    run(tmp_path, env, "q-lambda", steps=25_000, eval_episodes=1, checkpoint_every=3_000)
    folder = tmp_path / "run" / "checkpoints"
    newest, before = saved_tables(folder)
    whole = QTable.load(newest)
    newest.unlink()
    assert QTable.load(before).steps < whole.steps
    resume(tmp_path / "run", None)
    again = load_newest(QTable, folder)
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(array, again.arrays()[name])


def test_what_a_table_cannot_learn_is_told(tmp_path: Path) -> None:
    wrong: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("Acrobot-v1", {}, "cannot learn Acrobot-v1.*needs bins"),
        ("segue/Montage-v0", {}, "needs Discrete actions, and segue/Montage-v0"),
        ("CartPole-v1", {"hyperparameters": {"lambda": 0.5}}, "no hyperparameter 'lambda'"),
        ("Taxi-v4", {"hyperparameters": {"bins": 4}}, "bins and ranges are for Box"),
    )
    for env, changes, message in wrong:
        with pytest.raises(SegueError, match=message):
            run(tmp_path, env, "q-learning", **changes)
    assert list(tmp_path.iterdir()) == []


def test_tabular_agents_share_their_settings() -> None:
    assert replace(default_config("Taxi-v4", "double-q"), agent="q-learning") == default_config(
        "Taxi-v4", "q-learning"
    )
    assert default_config("Acrobot-v1", "q-lambda") == TrainConfig(
        "Acrobot-v1", "q-lambda", num_envs=8
    )
