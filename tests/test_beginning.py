"""How deep agents begin: demonstrations, experts and `segue train` with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segue.agents.demonstrations import Episode, play_greedy, play_optimum, record, write_episodes
from segue.envs.base.errors import SegueError
from segue.experiments import beginning
from segue.experiments.beginning import agreement, begin
from segue.experiments.imitation import CRITIC
from segue.experiments.learning import make_env
from segue.experiments.train import make_agent, train
from segue.experiments.train_config import TrainConfig

ENV = "segue/LeadSheet-v0"
OPTIONS = {"pieces": 1, "bars": 1}
"""Eight slots over one piece."""
NETWORK = {"policy": "integers", "policy_kwargs": {"net_arch": [64]}}


def config(agent: str, **settings: Any) -> TrainConfig:
    usual: dict[str, Any] = {
        "steps": 1_024,
        "num_envs": 8,
        "eval_episodes": 2,
        "env_options": OPTIONS,
        "hyperparameters": NETWORK,
        "cloning": {"epochs": 150},
    }
    return TrainConfig(ENV, agent, **usual | settings)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The solver's line on the only piece."""
    folder = tmp_path_factory.mktemp("shown") / "optimum-v0"
    env = make_env(ENV, OPTIONS)
    write_episodes(
        record(env, play_optimum, [0], "optimum"),
        folder,
        env_id=ENV,
        observation_space=env.observation_space,
        action_space=env.action_space,
    )
    return folder


def optimum() -> float:
    env = make_env(ENV, OPTIONS)
    env.reset(seed=0)
    return float(env.get_wrapper_attr("bound")().value)


def test_cloning_alone_plays_what_was_shown(shown: Path, tmp_path: Path) -> None:
    result = train(config("bc", demonstrations=str(shown)), tmp_path / "run", ["segue"])
    assert result.steps == 0
    assert result.evaluation.mean == pytest.approx(optimum())
    again = train(config("bc", demonstrations=str(shown)), tmp_path / "again", ["segue"])
    hashes = [
        json.loads(next((run / "checkpoints").glob("*/manifest.json")).read_text())["sha256"]
        for run in (result.run, again.run)
    ]
    assert hashes[0]["arrays.safetensors"] == hashes[1]["arrays.safetensors"]


def test_dagger_learns_from_the_solver_alone(tmp_path: Path) -> None:
    result = train(config("dagger", steps=12_000), tmp_path / "run", ["segue"])
    assert result.steps == 0
    assert result.evaluation.mean == pytest.approx(optimum())
    assert result.others[0].mean < optimum() - 10  # random play


def test_a_critic_watches_after_cloning_if_reward_follows(shown: Path) -> None:
    """PPO begins with the cloned actor and a critic that has watched it; BC needs none."""
    before: dict[str, dict[str, torch.Tensor]] = {}
    after: dict[str, dict[str, torch.Tensor]] = {}
    for agent in ("bc", "maskable-ppo"):
        one = config(agent, demonstrations=str(shown))
        model, _ = make_agent(one, 8)
        before[agent] = {k: v.clone() for k, v in model.policy.state_dict().items()}
        losses = begin(model, one).losses
        assert len(losses) == 150
        assert losses[-1] < 0.1 < losses[0]
        after[agent] = model.policy.state_dict()
    names = [name for name in after["bc"] if name.startswith(CRITIC)]
    assert names
    for name in names:
        torch.testing.assert_close(after["bc"][name], before["bc"][name], rtol=0, atol=0)
        assert not torch.equal(after["maskable-ppo"][name], before["maskable-ppo"][name])
    for name in set(after["bc"]) - set(names):
        assert torch.equal(after["bc"][name], after["maskable-ppo"][name]), name


def test_greedy_demonstrations_are_the_greedy_players(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def clone(model: Any, decisions: Any, **settings: Any) -> list[float]:
        seen.append(decisions)
        return [1.0]

    monkeypatch.setattr(beginning, "clone", clone)
    one = config("bc", greedy_demonstrations=3, seed=4)
    assert begin(make_agent(one, 1)[0], one).losses == [1.0]
    episodes = record(make_env(ENV, OPTIONS), play_greedy, range(4, 7), "")
    np.testing.assert_array_equal(seen[0].actions, np.concatenate([e.actions for e in episodes]))


def test_episodes_held_out_are_not_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def clone(model: Any, decisions: Any, **settings: Any) -> list[float]:
        seen.update(settings, decisions=decisions)
        return []

    monkeypatch.setattr(beginning, "clone", clone)
    one = config("bc", greedy_demonstrations=5, cloning={"epochs": 2, "held_out": 0.4})
    begin(make_agent(one, 1)[0], one)
    assert (len(seen["decisions"].actions), len(seen["held_out"].actions)) == (3 * 8, 2 * 8)
    assert seen["epochs"] == 2


def test_agreement_counts_free_decisions_and_changes() -> None:
    """Three actions: the agent always takes the second; one decision leaves no choice."""

    class Always:
        def predict(self, seen: Any, **_: Any) -> tuple[Any, None]:
            return np.ones(len(seen), np.int64), None

    masks = np.ones((5, 3), bool)
    masks[4, :2] = False
    actions = np.array([1, 1, 0, 1, 2])
    episode = Episode(np.zeros((6, 2)), actions, np.zeros(5), True, masks)
    found = agreement(Always(), [episode])  # type: ignore[arg-type]
    assert found == {"decisions": 3 / 4, "changes": 1 / 2}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"agent": "bc"}, "learns from demonstrations and none are named"),
        ({"agent": "q-learning", "demonstrations": "x"}, "takes no demonstrations"),
        ({"agent": "dqn", "demonstrations": "shown", "hyperparameters": {}}, "cannot imitate"),
        ({"agent": "dagger", "env": "CartPole-v1", "env_options": {}}, "no expert to ask"),
        ({"agent": "dagger", "env": "segue/Melody-v0", "env_options": {}}, "no expert to ask"),
        ({"agent": "maskable-ppo", "demonstrations": "nowhere"}, "nowhere"),
    ],
)
def test_what_cannot_be_is_said(
    settings: dict[str, Any], words: str, shown: Path, tmp_path: Path
) -> None:
    if settings.get("demonstrations") == "shown":
        settings = {**settings, "demonstrations": str(shown)}
    wrong = TrainConfig(**{**vars(config("ppo", hyperparameters={})), **settings})
    with pytest.raises(SegueError, match=words):
        train(wrong, tmp_path / "run", ["segue"])
