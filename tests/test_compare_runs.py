"""Which runs are compared, which belong together, and what they were trained and tested on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from compared_runs import ENV, write_run

import segue.experiments.separation
from segue.envs.base.errors import SegueError
from segue.experiments.compare_runs import Group, by_env, find_runs, grouped
from segue.experiments.learning import make_env
from segue.experiments.run_folder import CONFIG
from segue.experiments.run_result import RESULT
from segue.experiments.separation import bank_seeds, fingerprint, ranges, separation
from segue.experiments.sweep_plan import FIRST_SEED, VALIDATION_SEED

RETURNS = [1.0, 2.0]


def groups_of(path: Path) -> list[Group]:
    (runs,) = by_env(find_runs([path])[0]).values()
    return grouped(runs)[0]


def test_runs_are_found_where_they_lie(tmp_path: Path) -> None:
    near = write_run(tmp_path / "near", RETURNS)
    below = write_run(tmp_path / "study" / "below", RETURNS, seed=1)
    write_run(tmp_path / "study" / "too" / "deep", RETURNS, seed=2)
    write_run(tmp_path / ".hidden", RETURNS, seed=3)
    write_run(tmp_path / "cloning" / "made", RETURNS, "bc", seed=4)
    unfinished = write_run(tmp_path / "unfinished", RETURNS, seed=5)
    (unfinished / RESULT).unlink()
    (unfinished / "checkpoints").mkdir()
    tuned = write_run(tmp_path / "trial", RETURNS, seed=1_001, eval_seed=VALIDATION_SEED)
    (tmp_path / "film").mkdir()
    (tmp_path / "film" / CONFIG).write_text("length: 30.0\n")  # a run of another verb
    found, left_out = find_runs([tmp_path, near])
    assert [run.path for run in found] == [near, below]
    assert left_out == [
        f"{tuned} was judged on episodes for tuning.",
        f"{unfinished} is not finished; segue train --resume goes on with it.",
    ]
    named, _ = find_runs([tuned, tmp_path / "cloning"])
    assert [run.result.agent for run in named] == ["ppo", "bc"]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="missing is no folder"):
        find_runs([tmp_path / "missing"])
    with pytest.raises(SegueError, match="holds no finished run"):
        find_runs([tmp_path])
    run = write_run(tmp_path / "run", RETURNS)
    other = write_run(tmp_path / "other", RETURNS, seed=1)
    (run / RESULT).write_bytes((other / RESULT).read_bytes())
    with pytest.raises(SegueError, match="of another seed than config"):
        find_runs([tmp_path])
    (run / RESULT).write_text("{")
    with pytest.raises(SegueError, match="is no result of a run"):
        find_runs([run])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"test_options": {"generated": 4, "cantus_seed": 7}}, "cantus_seed 1000 and 7"),
        ({"env_options": {"cantus": "dorian"}}, "cantus default and dorian"),
        ({"eval_seed": 20_000}, "2 seeds from 10000 and 2 seeds from 20000"),
        ({"result": {"bounds": (4.0, 5.0)}}, "bounds are not the same"),
        ({"result": {"bounds": None, "exact": False}}, "bounds are not the same"),
    ],
)
def test_other_test_episodes_are_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    write_run(tmp_path / "a", RETURNS)
    write_run(tmp_path / "b", RETURNS, "dqn", **changes)
    with pytest.raises(SegueError, match=reason):
        by_env(find_runs([tmp_path])[0])


def test_what_is_observed_and_trained_on_may_differ(tmp_path: Path) -> None:
    more = {"test_options": {"generated": 4, "cantus_seed": 1000}}
    write_run(tmp_path / "a", RETURNS, env_options={"observation_mode": "frames"}, **more)
    write_run(tmp_path / "b", RETURNS, env_options={"generated": 99}, **more)
    write_run(tmp_path / "c", RETURNS, env="segue/LeadSheet-v0")
    found = by_env(find_runs([tmp_path])[0])
    assert {env: len(runs) for env, runs in found.items()} == {ENV: 2, "segue/LeadSheet-v0": 1}


def test_each_configuration_has_a_row_of_its_own(tmp_path: Path) -> None:
    for seed in range(2):
        write_run(tmp_path / f"a{seed}", RETURNS, seed=seed, hyperparameters={"gamma": 0.9})
        write_run(tmp_path / f"b{seed}", RETURNS, seed=seed, steps=128, checkpoint_every=seed + 1)
        write_run(tmp_path / f"c{seed}", RETURNS, "dqn", seed=seed)
    groups = groups_of(tmp_path)
    assert [(group.label, group.seeds) for group in groups] == [
        ("dqn", [0, 1]),
        ("ppo (gamma 0.9, steps 64)", [0, 1]),
        ("ppo (gamma default, steps 128)", [0, 1]),
    ]


def test_a_run_counts_once(tmp_path: Path) -> None:
    write_run(tmp_path / "a", RETURNS)
    write_run(tmp_path / "b", RETURNS)
    groups, left_out = grouped(find_runs([tmp_path])[0])
    assert groups[0].seeds == [0]
    assert left_out == [f"{tmp_path / 'b'} repeats {tmp_path / 'a'}."]
    write_run(tmp_path / "c", [1.0, 2.5])
    with pytest.raises(SegueError, match="differ in their returns"):
        groups_of(tmp_path)


def test_seeds_may_each_be_shown_something_else(tmp_path: Path) -> None:
    for seed in range(3):
        write_run(tmp_path / str(seed), RETURNS, "bc", seed=seed, demonstrations=f"shown/{seed}")
    assert [group.seeds for group in groups_of(tmp_path)] == [[0, 1, 2]]
    write_run(tmp_path / "more", RETURNS, "bc", seed=0, demonstrations="other")
    assert len(groups_of(tmp_path)) == 4


def test_ranges_are_short() -> None:
    assert ranges([3, 0, 1, 2, 7, 9, 8, 9]) == "0-3, 7-9"
    assert ranges([5]) == "5"
    assert ranges([]) == ""


def test_pieces_of_another_seed_are_kept_apart(tmp_path: Path) -> None:
    env, small = "segue/LeadSheet-v0", {"bars": 4, "pieces": 4}
    more: dict[str, Any] = {"env_options": small, "test_options": {**small, "piece_seed": 1000}}
    write_run(tmp_path / "a", RETURNS, env=env, **more)
    found = separation(groups_of(tmp_path))
    assert bank_seeds(env) == {"piece_seed": 0}
    assert found.training == "ppo: agent's seeds 0; piece_seed 0"
    assert found.testing == "episodes 10000-10001; piece_seed 1000"
    assert "piece_seed 2000" in found.tuning
    assert "256 training episodes" in found.checked
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"env_options": {}, "test_options": {}}, "2 of 2 test episodes are training episodes"),
        ({"env_options": {}, "test_options": {}}, "test episodes are ones that tuning judges by"),
        ({"agent": "q-learning"}, "2 of 2 test episodes are training episodes"),
        ({"seed": FIRST_SEED}, "is of those that tuning uses"),
        ({"eval_seed": 300}, "was tested on seeds 300-301, not on those for tests"),
        ({"eval_seed": 60_000}, "not on those for tests"),
        ({"seed": 9_990, "num_envs": 20}, "was trained on seeds that it is tested on"),
        ({"greedy_demonstrations": 10_001}, "was trained on seeds that it is tested on"),
        ({"env": "nowhere/Env-v0"}, "not held against each other"),
    ],
)
def test_what_is_not_kept_apart_is_told(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    run = write_run(tmp_path / "run", RETURNS, **changes)
    (group,), _ = grouped(find_runs([run])[0])
    found = separation([group])
    assert reason in " ".join([*found.warnings, found.checked])


def test_a_bank_of_the_same_seed_is_told_though_no_piece_was_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segue.experiments.separation, "PROBES", 0)
    write_run(tmp_path / "run", RETURNS, test_options={})
    (warning, *_) = separation(groups_of(tmp_path)).warnings
    assert "pieces of one seed, cantus_seed 0" in warning


def test_a_fingerprint_is_of_the_piece() -> None:
    env = make_env(ENV, {"generated": 8})
    prints = {seed: fingerprint(env, seed) for seed in range(20)}
    assert len(set(prints.values())) > 3
    for seed, found in prints.items():
        assert fingerprint(env, seed) == found
        env.reset(seed=seed)
        assert (prints[0] == found) == (pitches(env) == first(env))
    cart = make_env("CartPole-v1", {})
    assert fingerprint(cart, 0) == fingerprint(cart, 0) != fingerprint(cart, 1)


def pitches(env: gym.Env[Any, Any]) -> Any:
    return env.unwrapped.cantus_firmus.pitches  # type: ignore[attr-defined]


def first(env: gym.Env[Any, Any]) -> Any:
    env.reset(seed=0)
    return pitches(env)
