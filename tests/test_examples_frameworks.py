"""Environments of segue train unmodified under frameworks of others: the scripts that do it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
import yaml
from gymnasium import spaces

from segue.experiments.evaluation import evaluate, random_action

FOLDER = Path(__file__).parents[1] / "docs" / "examples"
SEEDS = range(20_000, 20_010)


@pytest.fixture
def example(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that the test names, imported as a user's module would be."""
    monkeypatch.syspath_prepend(str(FOLDER))
    torch.set_num_threads(1)
    return importlib.import_module(request.param)


def named(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", [name], indirect=True)


def run(
    example: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *arguments: str,
) -> dict[str, float]:
    """Figures that the script prints, by name."""
    monkeypatch.setattr(sys, "argv", [str(example.__file__), *arguments])
    example.main()
    lines = [line.rsplit(": ", 1) for line in capsys.readouterr().out.splitlines()]
    numbers = [line for line in lines if len(line) == 2 and _is_number(line[1])]
    return {name: float(number) for name, number in numbers}


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def random_mean(env: gym.Env[Any, Any]) -> float:
    return evaluate(env, "random", random_action(np.random.default_rng(0)), SEEDS).mean


@pytest.mark.parametrize(
    ("example", "agent", "steps"),
    [
        ("train_single_file_ppo", "PPO", "40000"),
        ("train_rl_zoo3", "rl-zoo3's PPO", "4096"),
        ("train_torchrl", "TorchRL's PPO", "4096"),
    ],
    indirect=["example"],
)
def test_it_prints_a_return_well_above_random(
    example: ModuleType,
    agent: str,
    steps: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = run(example, monkeypatch, capsys, "--steps", steps)
    # Half of the way from random play to the optimum, with a small part of the usual steps.
    assert figures[agent] > (figures["random"] + figures["exact optimum"]) / 2
    assert figures["exact optimum"] >= max(figures.values())


@pytest.mark.parametrize(
    "example", ["train_single_file_ppo", "train_rl_zoo3", "train_torchrl"], indirect=True
)
def test_help_says_what_it_is(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["example", "--help"])
    with pytest.raises(SystemExit) as left:
        example.main()
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert "--steps" in text
    assert "--seed" in text


@named("train_single_file_ppo")
def test_observations_of_every_kind_become_numbers(example: ModuleType) -> None:
    integers = spaces.MultiDiscrete([3, 2])
    space = spaces.Dict({"a": integers, "b": spaces.Box(-1, 1, (2, 2)), "c": spaces.Discrete(2)})
    seen = {
        "a": np.array([[2, 0], [0, 1]], np.int16),
        "b": np.arange(8.0).reshape(2, 2, 2),
        "c": np.array([1, 0]),
    }
    rows = [[0, 0, 1, 1, 0, 0, 1, 2, 3, 0, 1], [1, 0, 0, 0, 1, 4, 5, 6, 7, 1, 0]]
    assert example.encode(space, seen).tolist() == rows


@named("train_single_file_ppo")
def test_advantages_stop_at_the_end_of_an_episode_and_go_on_past_a_time_limit(
    example: ModuleType,
) -> None:
    def column(*values: Any) -> torch.Tensor:
        return torch.tensor(values)[:, None]

    unused = torch.zeros(3, 1)
    # The second step ends the first episode; by the rules, or by a time limit.
    for terminated, last_of_episode in ((True, 2.0 - 20.0), (False, 2.0 + 0.5 * 30.0 - 20.0)):
        rollout = example.Rollout(
            *(unused, unused, unused, unused),
            values=column(10.0, 20.0, 30.0),
            rewards=column(1.0, 2.0, 4.0),
            terminated=column(False, terminated, False),
            over=column(False, True, False),
            real=column(True, True, False),
        )
        settings = example.Settings(discount=0.5, decay=0.5)
        found = example.advantages(rollout, torch.tensor([40.0]), settings).flatten()
        first = 1.0 + 0.5 * 20.0 - 10.0 + 0.25 * last_of_episode
        assert found[:2].tolist() == [first, last_of_episode]


@named("train_single_file_ppo")
def test_steps_that_begin_an_episode_are_not_learnt_from(example: ModuleType) -> None:
    settings = example.Settings(envs=2, rollout=7)
    env_id = "segue/Counterpoint-v0"
    player = example.Player(env_id, settings, seed=0, masked=True)
    agent = example.Agent(player.space, player.count)
    rollouts = [player.collect(agent)[0] for _ in range(4)]
    over, real = (torch.cat([getattr(one, name) for one in rollouts]) for name in ("over", "real"))
    assert over.any()
    assert torch.equal(real[1:], ~over[:-1])
    assert real[0].all()
    masks, actions = (
        torch.cat([getattr(one, name) for one in rollouts]) for name in ("masks", "actions")
    )
    assert masks.gather(2, actions[..., None]).all()


@named("train_single_file_ppo")
def test_it_trains_others_environments_too_and_does_without_masks(example: ModuleType) -> None:
    agent = example.train("CartPole-v1", 20_000, settings=example.Settings(discount=0.98))
    env = gym.make("CartPole-v1")
    assert evaluate(env, "PPO", agent.act, SEEDS).mean > 3 * random_mean(env)
    free = example.Player("segue/LeadSheet-v0", example.Settings(envs=2), seed=0, masked=False)
    assert free.mask.all()
    with pytest.raises(SystemExit, match="Discrete"):
        example.train("Pendulum-v1", 100)


def test_rl_zoo3s_own_command_trains_with_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (FOLDER / "train_rl_zoo3.py").read_text()
    command = text[text.index("--algo") : text.index("--num-threads")].replace("\\\n", " ")
    settings = str(FOLDER / "rl_zoo3_ppo.yml")
    words = [settings if word.endswith(".yml") else word for word in command.split()]
    less = ["-n", "1024", "-f", str(tmp_path), "--eval-freq", "-1", "--num-threads", "1"]
    monkeypatch.setattr(sys, "argv", ["rl_zoo3", *words, *less])
    importlib.import_module("rl_zoo3.train").train()
    assert list(tmp_path.glob("ppo/segue-LeadSheet-v0_1/*.zip"))


def test_rl_zoo3s_settings_hold_nothing_that_it_would_evaluate() -> None:
    (settings,) = yaml.safe_load((FOLDER / "rl_zoo3_ppo.yml").read_text()).values()
    assert {name: value for name, value in settings.items() if isinstance(value, str)} == {
        "policy": "MlpPolicy"
    }
