"""Settings of `segue train`: files, overrides, repeating a run from its manifest."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

import segue.envs
from segue.envs.base.errors import SegueError
from segue.experiments.cli import app
from segue.experiments.generator_config import CONFIGS as CONFIGS_OF_GENERATORS
from segue.experiments.generator_config import generator_config
from segue.experiments.generator_names import GENERATORS
from segue.experiments.manifest import read_manifest, version_differences
from segue.experiments.overrides import read_assignments, with_settings
from segue.experiments.tables import TABLES, read_study
from segue.experiments.train_config import TrainConfig, default_config, read_experiment
from segue.experiments.train_verb import Asked, seeds_verb, settled, train_verb

ENV = "segue/Counterpoint-v0"
FOLDER = Path(str(resources.files("segue.experiments"))) / "configs"
CONFIGS = sorted(FOLDER.glob("*-v[0-9]__*.yaml"))


def asked(*assignments: str, **given: Any) -> Asked:
    nothing = dict.fromkeys(
        ("env", "agent", "config", "repeat", "steps", "seed", "demonstrations"), None
    )
    return Asked(**{**nothing, **given}, assignments=assignments)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_file_that_comes_with_segue_is_a_whole_experiment(path: Path) -> None:
    env, agent = path.stem.split("__")
    config = read_experiment(path)
    assert (config.env.replace("/", "-"), config.agent) == (env, agent)
    assert config == default_config(config.env, config.agent)


def test_every_environment_has_an_experiment() -> None:
    assert set(segue.envs.IDS) <= {read_experiment(path).env for path in CONFIGS}


def test_every_table_has_its_settings() -> None:
    assert {path.stem for path in FOLDER.glob("study__*.yaml")} == {
        f"study__{name}" for name in TABLES
    }
    for name in TABLES:
        study = read_study(name, None, {})
        # Some measure what needs no training.
        (field, value), *_ = [
            pair for pair in (("seeds", 3), ("tunes", 9), ("run", "r")) if hasattr(study, pair[0])
        ]
        assert getattr(read_study(name, None, {field: value}), field) == value
        with pytest.raises(SegueError, match="unknown field 'sede'"):
            read_study(name, None, {"sede": 3})


def test_every_generator_has_its_settings() -> None:
    assert {path.stem for path in FOLDER.glob("generator__*.yaml")} == {
        f"generator__{name}" for name in GENERATORS
    }
    assert set(CONFIGS_OF_GENERATORS) == set(GENERATORS)
    for name in GENERATORS:
        assert generator_config(name, None).generator == name


def test_overrides_reach_every_depth_and_leave_the_rest() -> None:
    base = default_config("segue/LeadSheet-v0", "dqn")
    given = read_assignments(
        ["seed=4", "hyperparameters.gamma=0.5", "hyperparameters.policy_kwargs.net_arch=[8]"],
        TrainConfig,
    )
    changed = with_settings(base, given, "--set")
    assert changed.seed == 4
    assert changed.hyperparameters["gamma"] == 0.5
    assert changed.hyperparameters["policy_kwargs"] == {"net_arch": [8]}
    kept = {**changed.hyperparameters, "gamma": base.hyperparameters["gamma"]}
    kept["policy_kwargs"] = base.hyperparameters["policy_kwargs"]
    assert replace(changed, seed=base.seed, hyperparameters=kept) == base
    assert base.hyperparameters["gamma"] == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eval_episode=3", "unknown field 'eval_episode'; the fields are env, agent, steps"),
        ("steps=many", "steps is 'many'; give a whole number"),
        ("steps.x=3", "steps is 800000, which has no parts"),
        ("temperature=[a]", "temperature[0] is 'a'; give a number"),
        ("hyperparameters=3", "hyperparameters is 3; give a mapping"),
        ("gamma", "--set gamma sets nothing; write --set field=value"),
        ("seed=[", "has no value in YAML"),
        ("agent=pppo", "there is no agent 'pppo'; choose one of q-learning"),
    ],
)
def test_a_wrong_override_is_said_with_its_field_and_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(SegueError) as told:
        train_verb(asked(text, env="FrozenLake-v1", agent="q-lambda"), None, ["segue"], True)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_arguments_come_before_the_file_and_overrides_before_all(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"env: {ENV}\nagent: ppo\nsteps: 10\nseed: 1\nnum_envs: 2\n")
    config = settled(asked("seed=3", config=file, agent="a2c", steps=20, seed=2))
    options = default_config(ENV, "a2c")
    expected = replace(options, steps=20, seed=3, num_envs=2)
    assert config == expected


def test_a_file_without_environment_is_refused_unless_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("agent: ppo\n")
    with pytest.raises(SegueError, match="lacks the field 'env'"):
        settled(asked(config=file))
    assert settled(asked(config=file, env=ENV)).env == ENV


def test_a_dry_run_makes_nothing_and_tells_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    app(["train", ENV, "--agent", "ppo", "--seed", "2", "--dry-run"], standalone_mode=False)
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["env"] == ENV
    assert shown["seed"] == 2
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SegueError, match="has no hyperparameter 'gama'"):
        train_verb(asked("hyperparameters.gama=1", env=ENV, agent="ppo"), None, [], True)


@pytest.mark.parametrize("agent", ["ppo", "bc", "q-learning"])
def test_a_run_is_repeated_from_its_manifest_alone(tmp_path: Path, agent: str) -> None:
    short: dict[str, Any] = {"env": ENV, "agent": agent, "steps": 200, "seed": 5}
    changes = ["eval_episodes=4", "env_options={generated: 3}", "test_options={cantus_seed: 9}"]
    if agent == "bc":
        from segue.experiments.players import Recording
        from segue.experiments.recording import record_verb

        record_verb(Recording(ENV, "optimum", 3, 0, {"generated": 3}), tmp_path / "shown", [])
        short["demonstrations"] = tmp_path / "shown"
        changes.append("cloning={epochs: 2}")
    if agent == "ppo":
        changes += ["num_envs=4", "hyperparameters={n_steps: 16, batch_size: 32, gamma: 0.9}"]
    train_verb(asked(*changes, **short), tmp_path / "first", ["segue"], False)
    manifest = tmp_path / "manifest.json"
    shutil.copy(tmp_path / "first" / "manifest.json", manifest)
    (tmp_path / "first" / "config.yaml").unlink()
    train_verb(asked(repeat=manifest), tmp_path / "again", ["segue"], False)
    one, two = (
        json.loads((tmp_path / name / "result.json").read_text()) for name in ("first", "again")
    )
    for result in (one, two):
        del result["seconds"]
    assert one == two
    if agent == "bc":
        assert json.loads(manifest.read_text())["sources"][0]["name"] == "shown"
        data = next((tmp_path / "shown").rglob("metadata.json"))
        data.write_text(data.read_text() + " ")
        with pytest.raises(SegueError, match="tells of other demonstrations than lie in"):
            settled(asked(repeat=manifest))
        # Told what to do, one can do it.
        shutil.copytree(tmp_path / "shown", tmp_path / "named")
        named = settled(asked(repeat=manifest, demonstrations=tmp_path / "named"))
        assert named.demonstrations == str(tmp_path / "named")


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", '{"format": "segue.result.v1"}', "[" * 100_000):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(SegueError, match="is no manifest of a run"):
            read_manifest(tmp_path / "manifest.json")
    (tmp_path / "manifest.json").write_text('{"format": "segue.manifest.v1"}')
    with pytest.raises(SegueError, match="config holds nothing; give a mapping"):
        settled(asked(repeat=tmp_path))
    with pytest.raises(SegueError, match="cannot be read"):
        read_manifest(tmp_path / "none.json")


def test_other_versions_are_told(tmp_path: Path) -> None:
    train_verb(asked(env=ENV, agent="q-learning", steps=50), tmp_path / "run", ["segue"], False)
    manifest = read_manifest(tmp_path / "run" / "manifest.json")
    assert version_differences(manifest) == []
    manifest["libraries"]["torch"] = "1.0"
    manifest["python"] = "3.9.0"
    told = version_differences(manifest)
    assert [line.split()[0] for line in told] == ["Python", "torch"]


def test_many_seeds_are_single_runs_side_by_side(tmp_path: Path) -> None:
    short = ["num_envs=2", "hyperparameters={n_steps: 16, batch_size: 16}", "eval_episodes=3"]
    many = asked(*short, env=ENV, agent="ppo", steps=64, seed=4)
    record, lines = seeds_verb(many, 2, 2, tmp_path / "many", ["segue"])
    assert list(record["returns"]) == ["4", "5"]
    assert any("over 2 seeds" in line for line in lines)
    train_verb(asked(*short, env=ENV, agent="ppo", steps=64, seed=5), tmp_path / "one", [], False)
    one, same = (
        json.loads((path / "result.json").read_text())
        for path in (tmp_path / "one", tmp_path / "many" / "5")
    )
    assert one["returns"] == same["returns"]
    assert one["baselines"] == same["baselines"]
    before = (tmp_path / "many" / "4" / "result.json").stat().st_mtime_ns
    again, _ = seeds_verb(many, 3, 1, tmp_path / "many", ["segue"])
    assert list(again["returns"].values())[:2] == list(record["returns"].values())
    assert (tmp_path / "many" / "4" / "result.json").stat().st_mtime_ns == before
    with pytest.raises(SegueError, match="made with other settings"):
        seeds_verb(asked(env=ENV, agent="a2c", seed=4), 2, 1, tmp_path / "many", ["segue"])
    with pytest.raises(SegueError, match="is a run itself"):
        seeds_verb(many, 2, 1, tmp_path / "one", ["segue"])
    with pytest.raises(SegueError, match="seeds is 0; give at least one"):
        seeds_verb(many, 0, 1, tmp_path / "none", ["segue"])


def test_environments_of_segue_are_tested_on_other_pieces() -> None:
    for env in set(segue.envs.IDS) - {"segue/Melody-v0"}:
        found = {
            json.dumps({**config.env_options, **config.test_options}, sort_keys=True)
            for config in (default_config(env, agent) for agent in ("ppo", "dqn", "bc", "a2c"))
        }
        assert len(found) == 1, "agents of one environment are tested alike"
        config = default_config(env, "ppo")
        (seed,) = (name for name in config.test_options if name.endswith("_seed"))
        assert config.test_options[seed] != config.env_options.get(seed, 0)
    assert default_config(ENV, "q-learning").test_options == {}
    given = read_experiment(CONFIGS[0], ENV, "ppo")
    assert given.test_options["cantus_seed"] == 1000
