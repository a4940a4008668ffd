"""The sweep: what is drawn, how it is judged, and that no accident changes the table."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from stable_baselines3 import PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from sweep_runs import (
    ENV,
    checkpointed,
    kill_in_the_middle,
    made_up,
    table,
    waited_for,
    write_space,
)

from segue.envs.base.errors import SegueError
from segue.experiments import sweep_local
from segue.experiments.cli import main
from segue.experiments.sweep import run_count, sweep
from segue.experiments.sweep_local import run_local
from segue.experiments.sweep_plan import FIRST_SEED, SweepConfig, whole_runs
from segue.experiments.sweep_run import PROCESS, outcome, run_one, without_advice
from segue.experiments.sweep_sampler import BATCH, Sampler
from segue.experiments.sweep_space import Space, default_space, read_space
from segue.experiments.sweep_table import best_yaml, sweep_markdown, sweep_record, write_table
from segue.experiments.sweep_verb import Asked, Machine, resume_sweep_verb, sweep_verb
from segue.experiments.train import check_trainable
from segue.experiments.train_config import TrainConfig, default_config
from segue.experiments.train_result import TrainResult
from segue.experiments.typed_yaml import load_yaml

STEPS = 1_000
RATE = "hyperparameters.learning_rate"
BASE = TrainConfig("segue/LeadSheet-v0", "ppo", steps=400, test_options={"piece_seed": 1000})
RATES = Space({RATE: {"type": "float", "low": 1e-5, "high": 0.1, "log": True}})


def asked(folder: Path, **changes: Any) -> Asked:
    given = Asked(ENV, "ppo", write_space(folder), 2, 2, STEPS, "random", False, 5)
    return replace(given, **changes)


def nobody(share: float, text: str) -> None: ...


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The table of one worker."""
    folder = tmp_path_factory.mktemp("undisturbed")
    sweep_verb(asked(folder), Machine(workers=1), folder / "out", ["segue", "sweep"], dry=False)
    return table(folder / "out")


def test_two_workers_and_a_killed_one_give_the_same_table(
    undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    killed: list[Path] = []
    killer = threading.Thread(target=lambda: killed.append(kill_in_the_middle(tmp_path / "out")))
    killer.start()
    sweep_verb(asked(tmp_path), Machine(workers=2), tmp_path / "out", ["segue", "sweep"], dry=False)
    killer.join()
    assert table(tmp_path / "out") == undisturbed
    # What was killed went on in the same folder, from its checkpoint: two files of events.
    assert len(list(killed[0].glob("events.*"))) == 2
    assert not list(tmp_path.glob(f"out/trials/*/*/{PROCESS}"))


def test_a_killed_driver_is_gone_on_with_to_the_same_table(
    undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-W", "ignore", "-m", "segue.experiments.cli", "sweep", ENV]
    command += ["--agent", "ppo", "--space", str(write_space(tmp_path)), "--trials", "2"]
    command += ["--seeds", "2", "--steps", str(STEPS), "--seed", "5", "--workers", "2"]
    driver = subprocess.Popen([*command, "--out", str(out)], stderr=subprocess.DEVNULL)
    (run, *_) = waited_for(lambda: list(checkpointed(out)), 60.0)
    driver.kill()
    driver.wait()
    waited_for(lambda: [run] if is_free(run / PROCESS) else [], 10.0)
    resume_sweep_verb(out, Machine(workers=2), ["segue", "sweep", "--resume", str(out)])
    assert table(out) == undisturbed
    # Nothing is left to do: the table comes from what lies there.
    (out / "sweep.json").unlink()
    resume_sweep_verb(out, Machine(workers=1), ["segue", "sweep", "--resume", str(out)])
    assert table(out) == undisturbed


def is_free(lock: Path) -> bool:
    """Tell whether no process is at a run, since the one that was has ended with its driver."""
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_a_run_that_is_killed_too_often_ends_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_local, "RETRIES", 0)
    space = read_space(write_space(tmp_path), TrainConfig(ENV, "ppo"))
    config = SweepConfig(TrainConfig(ENV, "ppo", steps=STEPS), space, trials=1)
    runs = whole_runs(config, Sampler(config).ask()[0], tmp_path, ("segue",))
    killer = threading.Thread(target=kill_in_the_middle, args=(tmp_path,))
    killer.start()
    with pytest.raises(SegueError, match=r"trials/000/100[12] ended unexpectedly 1 times"):
        run_local(runs, 2, lambda run: None)
    killer.join()
    assert all(is_free(lock) for lock in tmp_path.glob(f"trials/*/*/{PROCESS}"))


def test_a_run_goes_on_from_its_newest_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped when all is learnt and nothing judged; then there is nothing left to learn."""
    base = TrainConfig(ENV, "ppo", 64, num_envs=2, hyperparameters={"n_steps": 16})
    config = SweepConfig(base, RATES)
    run, *_ = whole_runs(config, Sampler(config).ask()[0], tmp_path, ("segue",))

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as changed:
        changed.setattr(TrainResult, "keep", stop)
        with pytest.raises(KeyboardInterrupt):
            run_one(run)
    monkeypatch.delattr(PPO, "learn")
    monkeypatch.delattr(OnPolicyAlgorithm, "learn")
    run_one(run)
    assert outcome(run).returns is not None


def test_settings_that_cannot_be_trained_with_are_told(tmp_path: Path) -> None:
    """A step size that makes the weights overflow; the sweep goes on and says so."""
    space = Space({"hyperparameters.learning_rate": {"type": "choice", "values": [1e30]}})
    base = TrainConfig(ENV, "ppo", steps=64, num_envs=2, hyperparameters={"n_steps": 16})
    config = SweepConfig(base, space, trials=1, seeds=1)

    def engine(runs: Any, done: Any) -> None:
        for run in runs:
            run_one(run)
            done(run)

    trials = sweep(config, tmp_path, engine, ["segue"], nobody)
    assert "ValueError" in trials[0].outcomes[0].reason
    record = sweep_record(config, trials)
    assert record["best"] is None
    assert record["trials"][0]["iqm"] is None
    assert "| 0 | failed |" in sweep_markdown(config, trials)
    assert not [path for path in write_table(tmp_path, config, trials, "") if "best" in path.name]


def test_trials_are_ranked_by_the_interquartile_mean(tmp_path: Path) -> None:
    config = SweepConfig(BASE, RATES, trials=5, seeds=3)

    def value(run: TrainConfig) -> float:
        rate = run.hyperparameters["learning_rate"]
        return float(0.1 * (run.seed - FIRST_SEED - 2) - abs(np.log(rate / 0.001)))

    engine = made_up(value)
    trials = sweep(config, tmp_path, engine, ["segue"], nobody)
    far = [abs(np.log(one.trial.settings[RATE] / 0.001)) for one in trials]
    assert far == sorted(far)
    assert len({one.trial.number for one in trials}) == 5
    best = trials[0].worth
    assert best is not None
    assert best.value == pytest.approx(-far[0] + 0.195, abs=0.01)  # 40 episodes, 0.00 to 0.39 above
    assert best.low < best.value < best.high
    seeds = {run.seed for one in trials for run in one.outcomes}
    assert seeds == {FIRST_SEED + 1, FIRST_SEED + 2, FIRST_SEED + 3}


def test_halving_runs_all_shortly_and_the_best_quarter_whole(tmp_path: Path) -> None:
    """With few steps high learning rates look good; with all of them the one nearest 0.001 is."""
    seen: list[TrainConfig] = []

    def value(run: TrainConfig) -> float:
        seen.append(run)
        rate = run.hyperparameters["learning_rate"]
        return float(rate if run.steps < BASE.steps else -abs(np.log(rate / 0.001)))

    config = SweepConfig(BASE, RATES, trials=8, seeds=3, halving=True)
    trials = sweep(config, tmp_path, made_up(value), ["segue"], nobody)
    rates = [one.trial.settings[RATE] for one in trials]
    highest = sorted(rates)[-2:]
    assert rates[0] == min(highest, key=lambda rate: abs(np.log(rate / 0.001)))
    assert set(rates[:2]) == set(highest)
    assert [len(one.outcomes) for one in trials] == [3, 3, 0, 0, 0, 0, 0, 0]
    assert sorted(run.steps for run in seen) == [100] * 8 + [400] * 6
    assert run_count(config) == len(seen) == 14
    assert {run.seed for run in seen if run.steps == 100} == {FIRST_SEED}


def test_no_test_is_seen(tmp_path: Path) -> None:
    config = SweepConfig(BASE, RATES, trials=1, seeds=1)
    (trial,) = Sampler(config).ask()
    (run,) = whole_runs(config, trial, tmp_path, ())
    assert run.config.test_options == {"piece_seed": 2000}
    assert run.config.eval_seed == 50_000
    assert run.config.seed >= FIRST_SEED
    assert run.config.eval_episodes == 40
    best = best_yaml(config, trial, "segue sweep")
    (tmp_path / "best.yaml").write_text(best)
    found = load_yaml(tmp_path / "best.yaml", TrainConfig)
    assert found == replace(BASE, hyperparameters={"learning_rate": trial.settings[RATE]})
    assert best.startswith("# Trial 0, the best of 1: segue sweep\n")


def test_random_trials_depend_on_the_seed_alone() -> None:
    def drawn(**changes: Any) -> list[Any]:
        return [one.settings for one in Sampler(SweepConfig(BASE, RATES, **changes)).ask()]

    assert drawn(trials=6) == drawn(trials=6)
    assert drawn(trials=3) == drawn(trials=6)[:3]
    assert drawn(trials=6) != drawn(trials=6, seed=1)


def test_the_parzen_estimator_draws_batches_by_what_came_before() -> None:
    """It comes nearer to the best rate than chance does; in what order it is told is all one."""

    def drawn(name: Any, turn: int = 1) -> list[float]:
        sampler = Sampler(SweepConfig(BASE, RATES, trials=40, sampler=name))
        found = []
        while batch := sampler.ask():
            assert len(batch) == (BATCH if name == "tpe" else 40)
            far = [abs(np.log(one.settings[RATE] / 0.001)) for one in batch]
            found += far
            sampler.tell([(one, -value) for one, value in zip(batch, far, strict=True)][::turn])
        return found

    guided = drawn("tpe")
    assert guided == drawn("tpe", turn=-1)
    assert np.mean(guided[20:]) < 0.7 * np.mean(drawn("random")[20:])


@pytest.mark.parametrize("agent", ["ppo", "maskable-ppo", "a2c", "dqn", "q-learning"])
@pytest.mark.parametrize("env", ["segue/Multicam-v0", "FrozenLake-v1"])
def test_every_trial_of_the_spaces_that_come_with_segue_can_be_trained(
    env: str, agent: str
) -> None:
    if agent == "maskable-ppo" and env == "FrozenLake-v1":
        return  # It has no masks.
    base = default_config(env, agent)
    config = SweepConfig(base, default_space(agent), trials=3)
    trials = Sampler(config).ask()
    assert len({str(one.settings) for one in trials}) == 3
    for trial in trials:
        with without_advice():
            check_trainable(whole_runs(config, trial, Path(), ())[0].config)


WRONG_SPACES: tuple[tuple[Any, str], ...] = (
    ({"search": {}}, "nothing to search"),
    ({"serch": {}}, "unknown field 'serch'; the fields are search, fixed"),
    ({"search": {"hyperparameters": {"type": "int", "low": 1, "high": 2}}}, "is no value of"),
    ({"search": {"gamma": {"type": "int", "low": 1, "high": 2}}}, "gamma is no field of .* num_"),
    ({"search": {"seed": {"type": "int", "low": 1, "high": 2}}}, "seed is the sweep's own"),
    ({"search": {RATE: {"type": "real", "low": 1, "high": 2}}}, "'real'; give one of float, int"),
    ({"search": {RATE: {"type": "float", "low": 2, "high": 1}}}, "low below high"),
    ({"search": {RATE: {"type": "float", "low": 0, "high": 1, "log": True}}}, "begins above 0"),
    ({"search": {RATE: {"type": "float", "low": 0}}}, "lacks the field 'high'"),
    ({"search": {RATE: {"type": "choice", "values": ["1e-4"]}}}, "write a number as 0.0001"),
    ({"search": {RATE: {"type": "choice", "values": []}}}, "has no values"),
    ({"search": {"num_envs": {"type": "float", "low": 1.5, "high": 2.5}}}, "num_envs is 1.5"),
    ({"search": {RATE: {"type": "choice", "values": [1]}}, "fixed": {RATE: 1}}, "and fixed"),
    ({"search": {"hyperparameters.gama": {"type": "choice", "values": [1]}}}, "'gama'; choose"),
)


@pytest.mark.parametrize(("content", "said"), WRONG_SPACES, ids=lambda one: str(one)[:40])
def test_a_wrong_space_is_told_in_a_sentence(content: Any, said: str, tmp_path: Path) -> None:
    space = tmp_path / "wrong.yaml"
    space.write_text(yaml.safe_dump(content))
    with pytest.raises(SegueError, match=said):
        sweep_verb(asked(tmp_path, space=space), Machine(), tmp_path / "out", [], dry=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--agent", "gail"], "no space comes with segue for gail"),
        (["--sampler", "grid"], "'grid'; choose random or tpe"),
        (["--engine", "slurm"], "'slurm'; choose one of local, ray"),
        (["--trials", "0"], "trials is 0"),
        (["--workers", "0"], "workers is 0"),
        (["--address", "auto"], "--engine ray"),
        (["--resume", "nowhere"], "nowhere is no sweep"),
    ],
)
def test_wrong_arguments_are_told_with_code_2(
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["segue", "sweep", ENV, "--agent", "ppo", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("segue:"))
    assert said in line


def test_a_dry_run_tells_the_trials_and_makes_nothing(tmp_path: Path) -> None:
    given = asked(tmp_path, trials=6, sampler="tpe")
    record, lines = sweep_verb(given, Machine(), tmp_path / "out", [], dry=True)
    assert record["runs"] == 12
    assert [one["trial"] for one in record["drawn"]] == [0, 1, 2, 3]
    assert lines[-1] == "2 more trials, drawn by what these give"
    assert not (tmp_path / "out").exists()
    assert json.dumps(record)


def test_another_sweep_in_the_folder_is_not_taken_for_this_one(tmp_path: Path) -> None:
    config = SweepConfig(BASE, RATES, trials=1, seeds=1)
    engine = made_up(lambda run: 1.0)
    sweep(config, tmp_path, engine, ["segue"], nobody)
    other = replace(config, seed=1)
    with pytest.raises(SegueError, match="made with other settings"):
        sweep(other, tmp_path, engine, ["segue"], nobody)
    (run,) = whole_runs(other, Sampler(other).ask()[0], tmp_path, ())
    with pytest.raises(SegueError, match="made with other settings"):
        outcome(run)
    (run.path / "result.json").unlink()
    (run.path / "manifest.json").write_text("{}")
    with pytest.raises(SegueError, match="made with other settings"):
        run_one(run)
    with pytest.raises(SegueError, match="holds a sweep already"):
        sweep_verb(asked(tmp_path), Machine(), tmp_path, [], dry=False)
