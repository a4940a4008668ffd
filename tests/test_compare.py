"""``segue compare``: figures against other libraries', what is refused, what is told."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compared_runs import APART, ENV, write_run
from scipy import stats
from typer.testing import CliRunner

from segue.envs.base.errors import SegueError
from segue.experiments import compare_cloning
from segue.experiments.cli import app
from segue.experiments.compare import compare_verb
from segue.experiments.compare_runs import Group, by_env, find_runs, grouped
from segue.experiments.compare_scores import Row, measure_of, pair_of, pairs_of, row_of, rows_of
from segue.experiments.run_result import Scores
from segue.experiments.train import train
from segue.experiments.train_config import TrainConfig

COMMAND = ["segue", "compare"]
CHANCE = np.random.default_rng(0)


def groups_of(path: Path) -> list[Group]:
    (runs,) = by_env(find_runs([path])[0]).values()
    return grouped(runs)[0]


def several(folder: Path, seeds: int, level: float, spread: float = 0.1, **more: Any) -> None:
    """Write runs of one agent whose returns lie around a level."""
    for seed in range(seeds):
        name = f"{more.get('agent', 'ppo')}-{level}-{seed}"
        write_run(folder / name, CHANCE.normal(level, spread, 8).tolist(), seed=seed, **more)


def compared(folder: Path, bc: bool = False) -> dict[str, Any]:
    compare_verb([folder], folder / "out", bc, COMMAND)
    record: dict[str, Any] = json.loads((folder / "out" / "compare.json").read_text())
    return record


def test_figures_are_those_of_other_libraries(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    returns = {"ppo": generator.gamma(2, 1, (6, 9)), "dqn": generator.gamma(3, 1, (5, 9))}
    for agent, of_agent in returns.items():
        for seed, of_seed in enumerate(of_agent):
            write_run(tmp_path / f"{agent}{seed}", of_seed.tolist(), agent, seed)
    found = compared(tmp_path)["environments"][ENV]
    assert found["measure"] == "fraction of the optimum"
    rows = {row["label"]: row for row in found["rows"]}
    assert set(rows) == {"dqn", "ppo", "random", "greedy"}
    for agent, of_agent in returns.items():
        scores, row = of_agent / 4.0, rows[agent]
        np.testing.assert_array_equal(row["scores"], scores)
        assert row["seeds"] == list(range(len(scores)))
        expected = stats.trim_mean(scores, 0.25, axis=None)
        assert row["iqm"]["value"] == pytest.approx(expected, abs=1e-9)
        assert row["median"]["value"] == pytest.approx(np.median(scores.mean(axis=0)), abs=1e-9)
        gap = 1.0 - np.minimum(scores, 1.0).mean()
        assert row["optimality_gap"]["value"] == pytest.approx(gap, abs=1e-9)
        rows_drawn = generator.integers(len(scores), size=(4_000, *scores.shape))
        drawn = [stats.trim_mean(scores[of, range(9)], 0.25, axis=None) for of in rows_drawn]
        low, high = np.quantile(drawn, [0.025, 0.975])
        assert row["iqm"]["low"] == pytest.approx(low, abs=0.05 * (high - low))
        assert row["iqm"]["high"] == pytest.approx(high, abs=0.05 * (high - low))
    pair = next(pair for pair in found["pairs"] if {pair["ours"], pair["theirs"]} == set(returns))
    ours, theirs = returns[pair["ours"]], returns[pair["theirs"]]
    u = [stats.mannwhitneyu(ours[:, t], theirs[:, t]).statistic / 30 for t in range(9)]
    assert pair["probability_of_improvement"]["value"] == pytest.approx(np.mean(u), abs=1e-9)


def test_everything_is_written_twice_alike(tmp_path: Path) -> None:
    several(tmp_path / "runs", 5, 2.0)
    several(tmp_path / "runs", 5, 3.0, agent="a2c")
    record, lines = compare_verb([tmp_path / "runs"], tmp_path / "one", False, COMMAND)
    compare_verb([tmp_path / "runs"], tmp_path / "two", False, COMMAND)
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    ends = ("curve.csv", "curve.svg", "intervals.csv", "intervals.svg", "pairs.csv")
    ends += ("profile.csv", "profile.svg")
    named = {f"segue-Counterpoint-v0-{end}" for end in ends}
    assert set(files) == named | {"compare.md", "compare.json", "manifest.json"}
    for name, data in files.items():
        if name != "manifest.json":  # It tells the time.
            assert (tmp_path / "two" / name).read_bytes() == data
    for name in named:
        if name.endswith("svg"):
            assert ET.fromstring(files[name].decode()).tag.endswith("svg")
    curve = list(csv.DictReader(files["segue-Counterpoint-v0-curve.csv"].decode().splitlines()))
    # Curves end at the seeds, 0 to 4: the middle three have the mean 2.
    last = [float(row["iqm"]) for row in curve if row["steps"] == "64.0"]
    assert last == [2.0, 2.0]
    assert "scores" not in record["environments"][ENV]["rows"][0]
    said = "\n".join(lines)
    words = (
        "5: 0-4",
        "random",
        "greedy",
        "optimality gap",
        "behaviour cloning",
        "Tuning",
        "64",
        "2.0 s",
    )
    assert [word for word in words if word not in said] == []
    assert "a2c is better than ppo" in said


def test_better_needs_five_seeds(tmp_path: Path) -> None:
    several(tmp_path, 4, 1.0)
    several(tmp_path, 10, 3.0, agent="a2c")
    pairs = compared(tmp_path)["environments"][ENV]["pairs"]
    verdicts = {(pair["ours"], pair["theirs"]): pair["verdict"] for pair in pairs}
    assert verdicts["a2c", "ppo"] == "not said: under 5 seeds (ppo has 4)"
    assert "ppo has 4" in verdicts["ppo", "random"]
    assert verdicts["a2c", "greedy"] == "a2c is better than greedy"


def row(label: str, scores: Any) -> Row:
    array = np.asarray(scores, float)
    return row_of(label, array, returns=0.0, trained=True, seeds=tuple(range(len(array))))


def test_a_policy_of_one_run_is_judged_by_its_episodes() -> None:
    # Eleven of twenty episodes are won: that is chance. Nineteen are not.
    theirs = row_of("greedy", np.zeros((1, 20)), returns=0.0)
    for wins, verdict in ((11, "open: the interval holds 0.5"), (19, "ours is better than greedy")):
        ours = row("ours", np.tile(np.where(np.arange(20) < wins, 1.0, -1.0), (5, 1)))
        assert pair_of(ours, theirs).verdict == verdict


def test_equal_agents_are_left_open() -> None:
    scores = np.random.default_rng(3).normal(size=(10, 6))
    assert pair_of(row("a", scores), row("b", scores)).verdict == "open: the interval holds 0.5"
    assert pairs_of([row("a", scores), row("b", scores + 9)])[0].verdict == "b is better than a"


def test_lucky_seeds_are_not_taken_for_many_episodes() -> None:
    # Two of five seeds of each fail on all of fifty episodes; otherwise ours is a little better.
    ours, theirs = np.full((5, 50), 0.9), np.full((5, 50), 0.8)
    ours[:2] = theirs[:2] = 0.0
    pair = pair_of(row("ours", ours), row("theirs", theirs))
    assert pair.chance.low > 0.5 > pair.whole.low
    assert pair.verdict.startswith("open")


@pytest.mark.parametrize(
    ("changes", "name", "scores"),
    [
        ({}, "fraction of the optimum", [0.25, 0.5]),
        ({"exact": False}, "fraction of the upper bound", [0.25, 0.5]),
        ({"bounds": None, "exact": False}, "return", [1.0, 2.0]),
        # Random play has -4 on average: 5 and 6 of the way of 3 and 2.
        ({"bounds": (-1.0, -2.0)}, "normalised return (random 0, optimum 1)", [5 / 3, 6 / 2]),
        ({"bounds": (-4.0, 2.0)}, "return", [1.0, 2.0]),
        ({"bounds": (-1.0, 2.0), "baselines": {}}, "return", [1.0, 2.0]),
    ],
)
def test_scores_are_given_by_what_is_known(
    tmp_path: Path, changes: dict[str, Any], name: str, scores: list[float]
) -> None:
    given = {"baselines": {"random": Scores((-5.0, -3.0))}} | changes
    write_run(tmp_path / "run", [1.0, 2.0], result=given)
    (group,) = groups_of(tmp_path)
    measure = measure_of(group.runs[0].result)
    assert measure.name == name
    np.testing.assert_allclose(measure.scores([1.0, 2.0]), scores)
    assert rows_of([group], measure)[0].iqm.value == pytest.approx(np.mean(scores))


def test_cloning_is_trained_once_and_then_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_cloning, "EPISODES", 3)
    run = tmp_path / "runs" / "a"
    small = {"n_steps": 16, "batch_size": 16, "n_epochs": 1}
    more: dict[str, Any] = {"num_envs": 2, "eval_episodes": 4, "hyperparameters": small, **APART}
    train(TrainConfig(ENV, "ppo", 32, 3, **more), run, COMMAND)
    record, lines = compare_verb([run], tmp_path / "one", True, COMMAND)
    (place,) = (tmp_path / "runs" / "cloning").iterdir()
    assert sorted(path.name for path in place.iterdir()) == ["0", "demonstrations"]
    labels = [row["label"] for row in record["environments"][ENV]["rows"]]
    assert labels == ["bc", "ppo", "random", "greedy"]
    assert any("for this table; its runs" in line for line in lines)
    without, _ = compare_verb([run], tmp_path / "none", False, COMMAND)
    notes = without["environments"][ENV]["notes"]
    assert "There is no run of behaviour cloning among these or beside them." in notes
    monkeypatch.setattr(compare_cloning, "train", None)
    for paths in ([run], [tmp_path / "runs"]):
        again, _ = compare_verb(paths, tmp_path / "two", True, COMMAND)
        assert again["environments"][ENV]["rows"] == record["environments"][ENV]["rows"]


def test_an_environment_with_nobody_to_clone_says_so(tmp_path: Path) -> None:
    more: dict[str, Any] = {"env_options": {}, "test_options": {}}
    result = {"bounds": None, "exact": False, "baselines": {"random": Scores((1.0, 2.0))}}
    write_run(tmp_path / "run", [3.0, 4.0], env="CartPole-v1", result=result, **more)
    record, _ = compare_verb([tmp_path], tmp_path / "out", True, COMMAND)
    notes = " ".join(record["environments"]["CartPole-v1"]["notes"])
    assert "no behaviour cloning: CartPole-v1 has neither a solver nor a greedy policy" in notes
    assert "CartPole-v1 has no greedy policy" in notes
    assert not (tmp_path / "cloning").exists()


def test_the_verb_ends_in_one_json_line_or_one_sentence(tmp_path: Path) -> None:
    several(tmp_path, 5, 2.0)
    command = ["compare", str(tmp_path), "--no-bc", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["environments"][ENV]["rows"][0]["seeds"] == [0, 1, 2, 3, 4]
    refused = CliRunner().invoke(app, ["compare", str(tmp_path / "nothing")])
    assert isinstance(refused.exception, SegueError)


def test_cloning_of_one_s_own_is_taken(tmp_path: Path) -> None:
    several(tmp_path / "runs", 5, 2.0)
    several(tmp_path / "runs" / "mine", 2, 3.0, agent="bc")
    other = {"test_options": {"generated": 5}}
    several(tmp_path / "runs" / "other", 2, 3.5, agent="bc", **other)
    runs = [tmp_path / "runs" / f"ppo-2.0-{seed}" for seed in range(5)]
    record, _ = compare_verb(runs, tmp_path / "out", True, COMMAND)
    rows = {row["label"]: row["seeds"] for row in record["environments"][ENV]["rows"]}
    assert rows["bc"] == [0, 1]
    assert not (tmp_path / "runs" / "cloning").exists()
