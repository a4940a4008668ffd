"""The examples in docs/examples do what their texts say."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from segue.agents.registry import Surroundings
from segue.envs.base.vector import SegueVectorEnv
from segue.experiments.evaluation import episode_bounds, evaluate, random_action
from segue.experiments.learning import make_vector_env
from segue.experiments.train import train
from segue.experiments.train_config import TrainConfig

FOLDER = Path(__file__).parents[1] / "docs" / "examples"


@pytest.fixture
def example(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example that the test names, imported as a user's module would be."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module(request.param)


def named(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", [name], indirect=True)


@named("own_environment")
def test_the_environment_passes_gymnasiums_check(example: ModuleType) -> None:
    check_env(gym.make("Rhythm-v0", render_mode="rgb_array").unwrapped)


@named("own_environment")
@pytest.mark.parametrize("hits", range(3, 9))
def test_the_optimum_is_the_best_of_every_possible_bar(example: ModuleType, hits: int) -> None:
    every = (np.arange(2**16)[:, None] >> np.arange(16)) & 1
    bars = every[every.sum(axis=1) == hits]
    task = example.Rhythm()
    batch = task.allocate(len(bars))
    rows = np.arange(len(bars))
    task.begin(batch, rows, np.full(len(bars), hits - example.FEWEST, dtype=np.uint64))
    total = np.zeros(len(bars))
    for slot in range(example.SLOTS):
        assert not batch.terminated.any()
        assert (batch.mask[rows, bars[:, slot]] == 1).all()
        task.step(batch, bars[:, slot])
        np.testing.assert_array_equal(batch.reward, batch.terms.sum(axis=0))
        total += batch.reward
    assert batch.terminated.all()
    np.testing.assert_array_equal(batch.played, bars == 1)
    assert task.bound(batch, 0).exact
    assert task.bound(batch, 0).value == pytest.approx(total.max(), abs=1e-12)


@named("own_environment")
def test_an_illegal_hit_or_rest_is_replaced(example: ModuleType) -> None:
    env: Any = gym.make("Rhythm-v0").unwrapped
    for action in (0, 1):
        env.reset(seed=0)
        over = False
        while not over:
            _, _, over, _, _ = env.step(action)
        played, hits = env.batch.played[0], int(env.batch.state[0, 3])
        expected = np.arange(16) >= 16 - hits if action == 0 else np.arange(16) < hits
        np.testing.assert_array_equal(played, expected)
    _, reward, over, _, _ = env.step(1)
    assert over
    assert reward == 0.0


@named("own_environment")
def test_rows_of_the_vector_environment_equal_single_ones(example: ModuleType) -> None:
    envs, env = gym.make_vec("Rhythm-v0", num_envs=8), gym.make("Rhythm-v0")
    observation, _ = envs.reset(seed=5)
    generator = np.random.default_rng(0)
    actions = generator.integers(2, size=(16, 8))
    rewards = []
    for line in actions:
        observation, reward, *_ = envs.step(line)
        rewards.append(reward)
    for row in range(8):
        env.reset(seed=5 + row)
        for slot, line in enumerate(actions):
            single, reward, *_ = env.step(line[row])
            assert reward == rewards[slot][row]
        np.testing.assert_array_equal(single, observation[row])


@pytest.mark.parametrize(
    ("example", "env_id"),
    [("own_environment", "own_environment:Rhythm-v0"), ("own_reward", "own_reward:Singable-v0")],
    indirect=["example"],
)
def test_training_uses_the_examples_own_vector_form(example: ModuleType, env_id: str) -> None:
    envs = make_vector_env(env_id, 4, {})
    assert isinstance(envs.unwrapped, SegueVectorEnv)
    assert envs.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP


@named("own_environment")
def test_an_agent_trains_on_it_as_the_text_says(example: ModuleType, tmp_path: Path) -> None:
    small: dict[str, Any] = {"n_steps": 16, "batch_size": 64, "n_epochs": 1}
    config = TrainConfig(
        "own_environment:Rhythm-v0",
        "maskable-ppo",
        steps=64,
        num_envs=4,
        eval_episodes=2,
        hyperparameters=small,
    )
    result = train(config, tmp_path, ["segue"])
    assert result.steps == 64
    assert result.bounds is not None
    assert result.bounds.exact
    assert {other.name for other in result.others} == {"random", "greedy"}


def test_the_environment_runs_as_a_script() -> None:
    command = [sys.executable, str(FOLDER / "own_environment.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Warn" not in done.stderr
    found = [float(number) for number in re.findall(r"= (\d\.\d+) of the optimum", done.stdout)]
    assert len(found) == 2
    assert all(0.0 < fraction < 1.0 for fraction in found)


@named("own_reward")
def test_the_new_term_moves_the_optimum_into_the_range(
    example: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    example.main()
    found = re.findall(r"(\w+): MIDI pitches (\d+) to (\d+)", capsys.readouterr().out)
    highest = {name: int(high) for name, _, high in found}
    term = example.Singable()
    assert highest["preset"] > term.highest
    assert highest["singable"] <= term.highest


@named("own_reward")
def test_the_new_term_is_reported_beside_the_others(example: ModuleType) -> None:
    env = gym.make("Singable-v0")
    _, info = env.reset(seed=0)
    mask = info["action_mask"]
    action = int(np.flatnonzero(mask)[-1])
    assert example.LOW + action - example.FIRST_PITCH > example.Singable().highest
    _, reward, _, _, info = env.step(action)
    assert info["reward_terms"]["singable"] == -2.0
    assert sum(info["reward_terms"].values()) == pytest.approx(reward)


@named("own_agent")
def test_illegal_actions_have_no_probability(example: ModuleType) -> None:
    envs = gym.make_vec(example.ENV, num_envs=4)
    observation, info = envs.reset(seed=0)
    spaces = envs.single_observation_space, envs.single_action_space
    agent = example.Reinforce(Surroundings(*spaces, 4, True, 0))
    chance = agent.probabilities(observation, info["action_mask"] == 1)
    np.testing.assert_array_equal(chance > 0, info["action_mask"] == 1)
    np.testing.assert_allclose(chance.sum(axis=1), 1.0)


@named("own_agent")
def test_the_agent_learns(example: ModuleType) -> None:
    env, seeds = gym.make(example.ENV, piece_seed=1), range(10_000, 10_004)
    learnt = evaluate(env, "REINFORCE", example.playing(example.train(40)), seeds)
    random = evaluate(env, "random", random_action(np.random.default_rng(0)), seeds)
    best = episode_bounds(env, seeds)
    assert best is not None
    assert learnt.mean - random.mean > 0.3 * best.mean
    assert learnt.terms["legality"] == 0.0


@named("own_agent")
def test_the_agent_is_reported_beside_the_baselines(
    example: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    example.main(updates=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["REINFORCE", "random", "greedy"]
    assert all("of the exact optimum" in line for line in lines)
