"""A run that is interrupted and goes on ends as one that was not: every bit of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.vector import AutoresetMode
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecFrameStack

from segue.agents.deep import NativeVecEnv, build, load_checkpoint, save_checkpoint
from segue.agents.deep.algorithm_state import algorithm_state
from segue.agents.deep.replay_state import (
    check_replay_state,
    is_plain_buffer,
    load_replay_state,
    replay_state,
)
from segue.agents.deep.replayable_env import ReplayableVectorEnv
from segue.agents.deep.tensor_tree import join, split
from segue.envs.base.errors import SegueError
from segue.experiments.learning import make_vector_env

torch.set_num_threads(1)

SETTINGS: dict[str, dict[str, Any]] = {
    "a2c": {},
    "dqn": {
        **{"buffer_size": 200, "learning_starts": 40, "batch_size": 16, "train_freq": 2},
        **{"target_update_interval": 60, "exploration_fraction": 0.8},
    },
    "maskable-ppo": {"n_steps": 16, "batch_size": 32, "n_epochs": 2},
    "ppo": {"n_steps": 16, "batch_size": 32, "n_epochs": 2, "target_kl": 0.05},
}
OURS, STRANGER, MASKED = "segue.envs:segue/Multicam-v0", "CartPole-v1", "Taxi-v4"
STEPS = 640


def make(name: str, env: str, seed: int = 0, **settings: Any) -> BaseAlgorithm:
    venv = NativeVecEnv(make_vector_env(env, 4, {}))
    small = {"policy_kwargs": {"net_arch": [8]}}
    return build(name, venv, seed=seed, hyperparameters=small | SETTINGS[name] | settings)


class SaveOnce(BaseCallback):
    """Saves between two rollouts in the middle of a run."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= STEPS // 2 and not self.folder.exists():
            save_checkpoint(self.model, self.folder, {})

    def _on_step(self) -> bool:
        return True


def files(model: BaseAlgorithm, folder: Path) -> dict[str, bytes]:
    """All that an agent is, as a checkpoint writes it."""
    path = save_checkpoint(model, folder, {})
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.mark.parametrize(
    ("name", "env"),
    [
        *((name, OURS) for name in SETTINGS),
        *((name, STRANGER) for name in ("a2c", "dqn", "ppo")),
        *((name, MASKED) for name in ("dqn", "maskable-ppo")),
    ],
)
def test_every_agent_goes_on_exactly(name: str, env: str, tmp_path: Path) -> None:
    whole = make(name, env)
    whole.learn(STEPS, callback=SaveOnce(tmp_path / "half"))
    torch.manual_seed(99)
    np.random.seed(99)
    resumed = make(name, env, seed=7)
    load_checkpoint(resumed, tmp_path / "half")
    assert STEPS // 2 <= resumed.num_timesteps < STEPS
    resumed.learn(STEPS - resumed.num_timesteps, reset_num_timesteps=False)
    assert files(resumed, tmp_path / "one") == files(whole, tmp_path / "other")
    assert resumed._n_updates == whole._n_updates > 0


@pytest.mark.parametrize("name", ["a2c", "dqn", "ppo"])
def test_a_falling_learning_rate_goes_on_exactly_and_ends_low(name: str, tmp_path: Path) -> None:
    falling = {"learning_rate": [0.01, 0.001]}
    whole = make(name, OURS, **falling)
    whole.learn(STEPS, callback=SaveOnce(tmp_path / "half"))
    resumed = make(name, OURS, seed=7, **falling)
    load_checkpoint(resumed, tmp_path / "half")
    resumed.learn(STEPS - resumed.num_timesteps, reset_num_timesteps=False)
    assert files(resumed, tmp_path / "one") == files(whole, tmp_path / "other")
    (group,) = whole.policy.optimizer.param_groups
    assert 0.00099 < group["lr"] < 0.004
    for wrong in ([0.1], [0.1, -1], [0.1, "a"]):
        with pytest.raises(SegueError, match="give a number, or two from 0 on"):
            make(name, OURS, learning_rate=wrong)


def test_a_process_that_is_killed_goes_on_exactly(tmp_path: Path) -> None:
    """Two kills of each; the full check is ``python -m segue.experiments.resume_check``."""
    command = [sys.executable, "-W", "ignore", "-m", "segue.experiments.resume_check"]
    command += ["--kills", "2", "--env", STRANGER, "--env", "FrozenLake-v1", "--out", str(tmp_path)]
    for agent in ("dqn", "ppo", "q-learning"):
        command += ["--agent", agent]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = json.loads((tmp_path / "resume.json").read_text())["outcomes"]
    assert [one["agent"] for one in outcomes] == ["dqn", "ppo", "q-learning"]
    assert all(one["kills"] == 2 and not one["unequal"] for one in outcomes)
    assert all(one["checkpoints"] > 5 for one in outcomes)
    assert "| dqn | CartPole-v1 |" in (tmp_path / "resume.md").read_text()


class WithOwnState(PPO):
    """Has a number of its own that its learning depends on."""

    own = 0

    def train(self) -> None:
        self.own += 1
        super().train()

    def own_state(self) -> dict[str, Any]:
        return {"own": self.own, "tensor": torch.full((2,), float(self.own))}

    def load_own_state(self, state: dict[str, Any]) -> None:
        assert state["tensor"].tolist() == [state["own"]] * 2
        self.own = state["own"]


def test_an_agents_own_parts_are_kept(tmp_path: Path) -> None:
    def made() -> WithOwnState:
        venv = NativeVecEnv(make_vector_env(STRANGER, 4, {}))
        return WithOwnState("MlpPolicy", venv, n_steps=16, batch_size=32, seed=0, device="cpu")

    model = made()
    model.learn(128)
    save_checkpoint(model, tmp_path, {})
    other = made()
    load_checkpoint(other, tmp_path)
    assert other.own == model.own == 2


# Replay buffers.

PLAIN = Box(-1.0, 1.0, (3,), np.float32)
NESTED = Dict({"a": Box(0, 255, (2, 2), np.uint8), "b": Discrete(5)})


def buffer(kind: Callable[..., Any], space: Any, **settings: Any) -> Any:
    return kind(12, space, Discrete(3), device="cpu", n_envs=2, **settings)


def fill(buffer: ReplayBuffer, space: Any, count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    space.seed(seed)

    def seen() -> Any:
        both = [space.sample() for _ in range(2)]
        if isinstance(space, Dict):
            return {key: np.stack([one[key] for one in both]) for key in space.spaces}
        return np.stack(both)

    last = seen()
    for _ in range(count):
        after, done = seen(), generator.random(2) < 0.3
        infos = [{"TimeLimit.truncated": bool(generator.random() < 0.5)} for _ in range(2)]
        buffer.add(last, after, generator.integers(0, 3, 2), generator.random(2), done, infos)
        last = after


@pytest.mark.parametrize("count", [0, 4, 6, 9])
@pytest.mark.parametrize(
    ("kind", "space", "settings"),
    [
        (ReplayBuffer, PLAIN, {}),
        (
            ReplayBuffer,
            PLAIN,
            {"optimize_memory_usage": True, "handle_timeout_termination": False},
        ),
        (DictReplayBuffer, NESTED, {}),
        (NStepReplayBuffer, PLAIN, {"n_steps": 3, "gamma": 0.9}),
    ],
    ids=["plain", "one array", "dict", "n-step"],
)
def test_replay_buffers_are_put_back(kind: Any, space: Any, settings: Any, count: int) -> None:
    first, used = buffer(kind, space, **settings), buffer(kind, space, **settings)
    fill(first, space, count, 1)
    fill(used, space, 5, 2)
    arrays: dict[str, Any] = {}
    state = join(json.loads(json.dumps(split(replay_state(first), arrays))), arrays)
    rows = {len(array) for array in state["arrays"].values()}
    assert max(rows) <= min(count + 1, 6)  # Only what is filled.
    check_replay_state(used, state)
    load_replay_state(used, state)
    fill(first, space, 2, 3)
    fill(used, space, 2, 3)
    for name, value in vars(first).items():
        np.testing.assert_equal(getattr(used, name), value) if name != "device" else None
    drawn = []
    for one in (first, used):
        np.random.seed(0)
        drawn.append([part for part in one.sample(20) if part is not None])
    for one, other in zip(*drawn, strict=True):
        for key in one if isinstance(one, dict) else [...]:
            assert torch.equal(one[key], other[key])


@pytest.mark.parametrize(
    "change",
    [{"pos": 6}, {"pos": -1}, {"pos": 2.0}, {"full": 1}, {"arrays": {}}, {"pos": 3}],
    ids=str,
)
def test_a_replay_of_another_form_is_refused(change: dict[str, Any]) -> None:
    one = buffer(ReplayBuffer, PLAIN)
    fill(one, PLAIN, 4, 1)
    check_replay_state(one, replay_state(one))
    with pytest.raises(ValueError, match="replay buffer"):
        check_replay_state(one, replay_state(one) | change)


def test_unknown_parts_are_refused(tmp_path: Path) -> None:
    class Odd(ReplayBuffer):
        pass

    assert not is_plain_buffer(Odd(8, PLAIN, Discrete(2)))
    stacked = VecFrameStack(NativeVecEnv(make_vector_env(STRANGER, 2, {})), 2)
    models = {
        "Odd": DQN("MlpPolicy", STRANGER, replay_buffer_class=Odd, buffer_size=10),
        "use_sde": PPO("MlpPolicy", "Pendulum-v1", use_sde=True),
        "VecFrameStack": PPO("MlpPolicy", stacked),
    }
    for said, model in models.items():
        with pytest.raises(SegueError, match=said):
            save_checkpoint(model, tmp_path, {})
    assert not list(tmp_path.iterdir())


# Environments of others.


def shown(step: Any) -> str:
    with np.printoptions(precision=17):
        return repr(step)


def vector(env: str, count: int = 3, **settings: Any) -> ReplayableVectorEnv:
    return ReplayableVectorEnv([lambda: gym.make(env, **settings)] * count)


@pytest.mark.parametrize("steps", [0, 7, 60])
@pytest.mark.parametrize(
    ("env", "settings"),
    [
        ("CartPole-v1", {}),
        ("FrozenLake-v1", {}),
        ("Taxi-v4", {"max_episode_steps": 25, "is_rainy": True}),
        ("MountainCarContinuous-v0", {"max_episode_steps": 20}),
        ("Blackjack-v1", {}),
    ],
)
def test_envs_of_others_go_on_exactly(env: str, settings: Any, steps: int) -> None:
    one, other = vector(env, **settings), vector(env, **settings)
    one.reset(seed=[5, None, 7])
    one.action_space.seed(0)
    for _ in range(steps):
        one.step(one.action_space.sample())
    arrays: dict[str, Any] = {}
    state = json.loads(json.dumps(split(one.state_dict(), arrays)))
    other.load_state_dict(join(state, arrays))
    np.testing.assert_equal(other.state_dict(), one.state_dict())
    for _ in range(40):
        action = one.action_space.sample()
        assert shown(other.step(action)) == shown(one.step(action))


def test_the_other_way_to_reset_goes_on_exactly_too() -> None:
    one, other = (
        ReplayableVectorEnv([lambda: gym.make("CartPole-v1")] * 2, AutoresetMode.NEXT_STEP)
        for _ in range(2)
    )
    one.reset(seed=0)
    over = np.zeros(2, bool)
    while not over.any():  # The next step of one begins an episode.
        _, _, over, _, _ = one.step(np.zeros(2, np.int64))
    other.load_state_dict(one.state_dict())
    for _ in range(30):
        action = np.ones(2, np.int64)
        assert shown(other.step(action)) == shown(one.step(action))


class Hidden(gym.Env[Any, Any]):
    """Goes on where a reset should begin anew: each step draws one number more."""

    observation_space, action_space = Box(0.0, 1.0, (1,)), Discrete(2)

    def __init__(self, part: str) -> None:
        self.part, self.steps = part, 0

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        seen = 1.0 / self.steps if self.part == "observation" else 0.0
        reward = float(self.steps) if self.part == "reward" else 0.0
        if self.part == "draws":
            self.np_random.random(self.steps)
        return np.full(1, seen, np.float32), reward, False, False, {}


@pytest.mark.parametrize("part", ["observation", "reward", "draws"])
def test_an_env_that_cannot_be_resumed_exactly_is_told(part: str, tmp_path: Path) -> None:
    def made(seed: int) -> PPO:
        venv = NativeVecEnv(ReplayableVectorEnv([lambda: Hidden(part)] * 2))
        return PPO("MlpPolicy", venv, n_steps=16, batch_size=32, seed=seed, device="cpu")

    model, other = made(0), made(1)
    model.learn(64)
    save_checkpoint(model, tmp_path, {})
    other.learn(32)

    def state() -> str:
        arrays: dict[str, Any] = {}
        without = {"env": None, "last_obs": None}  # They cannot be brought back.
        tree = split(algorithm_state(other) | without, arrays)
        return json.dumps([tree, *(array.tolist() for array in arrays.values())])

    before = state()
    with pytest.raises(SegueError, match="Hidden cannot be resumed exactly"):
        load_checkpoint(other, tmp_path)
    assert state() == before
    assert other._last_obs is None
    other.learn(32, reset_num_timesteps=False)
    load_checkpoint(other, tmp_path, to_learn=False)
    for one, two in zip(model.policy.parameters(), other.policy.parameters(), strict=True):
        assert torch.equal(one, two)
