"""What others bring in one small file each: every verb takes it, by name or as a plug-in."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C

from segue.agents import registry
from segue.agents.deep import NativeVecEnv, build, load_checkpoint, save_checkpoint
from segue.agents.deep.plain_algorithm import PlainAlgorithm
from segue.agents.registry import AgentSpec, Surroundings, Transition, find_agent, register_agent
from segue.envs.base.errors import SegueError
from segue.envs.base.references import load_reference, resolve_options
from segue.experiments.cli import main
from segue.experiments.learning import make_env, make_vector_env

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
SMALL = ("--set", "num_envs=4", "--set", "eval_episodes=3")


@pytest.fixture
def segue(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a verb in this process, the examples being importable; its JSON, or its error."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def run(*arguments: str | Path) -> Any:
        monkeypatch.setattr(sys, "argv", ["segue", *map(str, arguments), "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        if ended.value.code == 2:
            return [line for line in said.err.splitlines() if line.startswith("segue: ")][-1]
        return json.loads(said.out)

    return run


def digest(run: Path) -> str:
    """Of the newest checkpoint's arrays."""
    newest = max(run.glob("checkpoints/checkpoint-*"))
    return hashlib.sha256((newest / "arrays.safetensors").read_bytes()).hexdigest()


def test_every_verb_takes_an_environment_of_ones_own(segue: Any, tmp_path: Path) -> None:
    env, run = "own_environment:Rhythm-v0", tmp_path / "run"
    given = ("--agent", "maskable-ppo", "--steps", "64", "--out", run, *SMALL)
    small = ("--set", "hyperparameters.n_steps=16", "--set", "hyperparameters.batch_size=16")
    trained = segue("train", env, *given, *small)
    assert trained["steps"] == 64
    assert set(trained["baselines"]) == {"random", "greedy"}
    assert 0.0 < trained["fraction_of_optimum"] < 1.0
    assert segue("evaluate", run, "--episodes", "3")["mean_return"] == trained["mean_return"]
    assert segue("train", "--resume", run, "--steps", "128")["steps"] == 128
    for player in ("greedy", str(run)):
        out = tmp_path / f"shown-{Path(player).name}"
        kept = segue("demonstrations", "record", env, "--by", player, "--episodes", 2, "--out", out)
        assert kept["episodes"] == 2
    copied = segue(
        *("train", env, "--agent", "bc", "--demonstrations", tmp_path / "shown-greedy"),
        *("--set", "cloning.epochs=1", *SMALL, "--out", tmp_path / "copy"),
    )
    assert "agreement" in copied or copied["steps"] == 0
    checked = segue("check", env)
    assert checked["passed"], [c for c in checked["checks"] if c["findings"]]
    assert checked["warnings"] == 0


def test_a_reward_of_ones_own_is_named_on_the_command_line(segue: Any, tmp_path: Path) -> None:
    given = ("--steps", "64", *SMALL, "--set", "env_options.bars=2")
    option = "env_options.reward=own_reward:SINGABLE"
    run = tmp_path / "run"
    segue("train", "segue/LeadSheet-v0", "--agent", "a2c", *given, "--set", option, "--out", run)
    assert "reward: own_reward:SINGABLE" in (run / "config.yaml").read_text()
    assert "singable" in json.loads((run / "result.json").read_text())["terms"]
    segue("evaluate", run, "--episodes", "2")
    options = '{"reward": "own_reward:SINGABLE", "bars": 2}'
    assert segue("check", "segue/LeadSheet-v0", "--options", options)["passed"]
    kept = segue(
        *("demonstrations", "record", "segue/LeadSheet-v0", "--by", "optimum", "--episodes", 1),
        *(
            "--option",
            "bars=2",
            "--option",
            "reward=own_reward:SINGABLE",
            "--out",
            tmp_path / "shown",
        ),
    )
    assert kept["episodes"] == 1
    for value, told in (
        ("own_reward:NOTHING", "no reward 'NOTHING'"),
        ("own_reward:FIRST_PITCH", "of the type int, no reward"),
        ("nowhere_at_all:X", "no module 'nowhere_at_all'"),
    ):
        option = f"env_options.reward={value}"
        out = tmp_path / "refused"
        line = segue("train", "segue/LeadSheet-v0", "--agent", "ppo", "--set", option, "--out", out)
        assert told in line
        assert line.endswith(".")
        assert not out.exists()


def test_an_agent_of_ones_own_trains_resumes_and_plays(segue: Any, tmp_path: Path) -> None:
    given = ("--set", "num_envs=8", "--set", "eval_episodes=2", "--set", "checkpoint_every=600")
    given = ("segue/LeadSheet-v0", "--agent", "own_agent:REINFORCE", *given)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    trained = segue("train", *given, "--steps", "2000", "--out", whole)
    assert trained["steps"] == 2048
    segue("train", *given, "--steps", "700", "--out", parts)
    assert digest(parts) != digest(whole)
    resumed = segue("train", "--resume", parts, "--steps", "2000")
    assert digest(parts) == digest(whole)
    assert resumed["mean_return"] == trained["mean_return"]
    assert segue("evaluate", whole)["mean_return"] == trained["mean_return"]
    curve = json.loads((whole / "result.json").read_text())["curve"]
    assert len(curve["steps"]) == len(curve["returns"]) > 10
    shown = tmp_path / "shown"
    assert segue(
        "demonstrations", "record", given[0], "--by", whole, "--out", shown, "--episodes", 1
    )
    for agent, told in (
        ("own_agent:NOBODY", "no agent 'NOBODY'"),
        ("own_agent:main", "own_agent:main is no agent"),
        ("nobody", "there is no agent 'nobody'"),
    ):
        assert told in segue("train", given[0], "--agent", agent)
    assert "needs MultiDiscrete" in segue("train", "segue/Montage-v0", *given[1:])
    wrong = ("--set", "hyperparameters.nonsense=1")
    assert "'reinforce' cannot be made" in segue("train", *given, *wrong)


def test_an_algorithm_class_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Patient(A2C):
        pass

    class Masked(MaskablePPO):
        pass

    monkeypatch.setattr(registry, "_REGISTERED", {})
    register_agent(AgentSpec("patient", Patient))
    register_agent(AgentSpec("masked", Masked))
    venv = NativeVecEnv(make_vector_env("CartPole-v1", 2, {}))
    model = build("patient", venv, seed=0, hyperparameters={"n_steps": 4})
    assert type(model) is Patient
    assert model.learn(8).num_timesteps == 8
    with pytest.raises(SegueError, match="needs action masks"):
        build("masked", venv, seed=0, hyperparameters={})
    with pytest.raises(SegueError, match="no hyperparameter 'tempo'"):
        build("patient", venv, seed=0, hyperparameters={"tempo": 1})
    register_agent(AgentSpec("patient", Patient))  # once more is no other
    with pytest.raises(SegueError, match="exists already"):
        register_agent(AgentSpec("patient", Masked))
    with pytest.raises(SegueError, match="cannot be called"):
        register_agent(AgentSpec("My Agent", Patient))
    assert find_agent("nobody") is None


class Chance:
    """Draws legal actions, and remembers what it was told."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.generator = np.random.default_rng(around.seed)
        self.told: list[Transition] = []

    def act(self, observations: Any, masks: Any, explore: bool) -> Any:
        assert explore or len(masks) == 1
        sizes = self.around.action_space.nvec  # type: ignore[attr-defined]
        parts = np.split(masks, np.cumsum(sizes)[:-1], axis=1)
        return np.stack(
            [[self.generator.choice(np.flatnonzero(row)) for row in part] for part in parts], axis=1
        )

    def learn(self, transition: Transition) -> None:
        self.told.append(transition)

    def state(self) -> Mapping[str, Any]:
        return {"generator": self.generator.bit_generator.state}

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.generator.bit_generator.state = state["generator"]


def test_an_agent_is_told_every_step_as_it_was() -> None:
    options = {"shots": 4, "beats": 8, "bins": 4}
    venv = NativeVecEnv(make_vector_env("segue/Montage-v0", 3, options))
    model = PlainAlgorithm(AgentSpec("chance", Chance), venv, seed=5, hyperparameters={})
    model.learn(3 * 16)
    agent: Any = model.agent
    assert len(agent.told) == 16
    # The same actions in single environments lead to the same.
    for row in range(3):
        env = make_env("segue/Montage-v0", options)
        seen, info = env.reset(seed=5 + row)
        for step in agent.told:
            for key, part in seen.items():
                np.testing.assert_array_equal(step.observations[key][row], part)
            np.testing.assert_array_equal(step.masks[row], info["action_mask"] == 1)
            seen, reward, terminated, truncated, info = env.step(step.actions[row])
            assert step.rewards[row] == np.float32(reward)
            assert (step.terminated[row], step.truncated[row]) == (terminated, truncated)
            for key, part in seen.items():
                np.testing.assert_array_equal(step.following[key][row], part)
            if terminated:
                seen, info = env.reset()
    assert any(step.terminated.any() for step in agent.told)


def test_a_time_limit_is_told_as_one() -> None:
    class Still(Chance):
        def act(self, observations: Any, masks: Any, explore: bool) -> Any:
            assert masks is None
            return np.ones(len(observations), np.int64)

    venv = NativeVecEnv(make_vector_env("MountainCar-v0", 1, {}))
    model = PlainAlgorithm(AgentSpec("still", Still), venv, seed=0, hyperparameters={})
    model.learn(208)
    ends = [step for step in model.agent.told if step.truncated.any()]  # type: ignore[attr-defined]
    assert len(ends) == 1
    assert not ends[0].terminated.any()
    # Its last observation, not the first one of the next episode.
    assert abs(ends[0].following[0, 1]) + abs(ends[0].following[0, 0] + 0.5) > 0
    assert not np.array_equal(ends[0].following, model._last_obs)


def test_a_checkpoint_of_another_agent_is_refused(tmp_path: Path) -> None:
    options = {"shots": 4, "beats": 8, "bins": 4}
    venv = NativeVecEnv(make_vector_env("segue/Montage-v0", 2, options))
    one, other = (
        PlainAlgorithm(AgentSpec(name, Chance), venv, seed=0, hyperparameters={})
        for name in ("one", "other")
    )
    save_checkpoint(one, tmp_path, {})
    with pytest.raises(SegueError, match="of the agent 'one'"):
        load_checkpoint(other, tmp_path)
    with pytest.raises(SegueError, match="no method 'learn'"):
        PlainAlgorithm(
            AgentSpec("mute", lambda around: object.__new__(Mute)), venv, seed=0, hyperparameters={}
        )


class Mute:
    act = Chance.act


def plugin(folder: Path, **points: str) -> dict[str, str]:
    """An installed package with these entry points, and the variables of a process that has it."""
    info = folder / "own-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
    lines = [f"{name} = {module}" for name, module in points.items()]
    (info / "entry_points.txt").write_text("[segue.plugins]\n" + "\n".join(lines) + "\n")
    paths = [str(folder), str(EXAMPLES), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def run(environment: Mapping[str, str], *arguments: str | Path) -> Any:
    """Run a verb in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "segue.experiments.cli", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        env=dict(environment),
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_plug_ins_are_there_in_every_verb(tmp_path: Path) -> None:
    names = ("own_environment", "own_agent", "own_effect", "own_transition")
    with_plugins = plugin(tmp_path / "site", **{name: name for name in names})
    rows = {row["id"]: row for row in run(with_plugins, "envs")["environments"]}
    assert rows["Rhythm-v0"]["bound"] == "exact optimum"
    plain = gym.make("segue/Montage-v0").action_space.nvec  # type: ignore[attr-defined]
    more = [*plain[:3].tolist(), int(plain[3]) + 1, int(plain[4]) + 2]
    assert rows["segue/Montage-v0"]["actions"] == f"MultiDiscrete({more})"
    # Neither its id nor the agent's name tells the module.
    given = ("Rhythm-v0", "--agent", "reinforce", "--steps", "64", *SMALL)
    assert run(with_plugins, "train", *given, "--out", tmp_path / "run")["steps"] == 64
    assert run(with_plugins, "check", "Rhythm-v0")["passed"]
    small = {"shots": 4, "beats": 8, "bins": 4}
    options = [f"env_options.{name}={value}" for name, value in small.items()]
    film = [word for option in options for word in ("--set", option)]
    given = ("segue/Montage-v0", "--agent", "a2c", "--steps", "60", *SMALL)
    out = tmp_path / "film"
    assert run(with_plugins, "train", *given, *film, "--out", out)["steps"] == 60
    # The effects count among the choices, so without them the run does not fit.
    assert run(with_plugins, "evaluate", out, "--episodes", "1")["steps"] == 60
    without = subprocess.run(
        [sys.executable, "-m", "segue.experiments.cli", "evaluate", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert without.returncode == 2
    assert "does not fit" in without.stderr


def test_a_broken_plug_in_is_named(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "torn_plugin.py").write_text("raise ValueError('torn')\n")
    broken = plugin(tmp_path / "site" / "more", torn="torn_plugin")
    broken["PYTHONPATH"] += os.pathsep + str(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-m", "segue.experiments.cli", "envs"],
        capture_output=True,
        text=True,
        env=broken,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "torn_plugin of the plug-in 'torn'" in line
    assert "ValueError: torn" in line


def test_references(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "needs_more.py").write_text("import surely_not_installed\n")
    importlib.invalidate_caches()
    assert load_reference("os:path.sep", "thing") == os.sep
    for text, told in (
        ("os", "write it as module:attribute"),
        ("os:path.nothing", "has no thing 'path.nothing'"),
        ("needs_more:X", "needs 'surely_not_installed'"),
        ("needs_less:X", "no module 'needs_less'"),
    ):
        with pytest.raises(SegueError, match=told):
            load_reference(text, "thing")
    assert resolve_options({"reward": "segue", "bins": 3}) == {"reward": "segue", "bins": 3}
