"""The stored result of a run: written whole, read strictly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segue.envs.base.errors import SegueError
from segue.experiments import run_result
from segue.experiments.evaluation import TEST_SEED
from segue.experiments.run_folder import RunFolder, read_config, write_config
from segue.experiments.run_result import RESULT, RunResult, Scores, read_result, write_result
from segue.experiments.train import evaluate_run, resume, train
from segue.experiments.train_config import TrainConfig

ENV = "segue/Counterpoint-v0"
FULL = RunResult(
    env=ENV,
    agent="ppo",
    seed=3,
    steps=128,
    seconds=1.5,
    test_seeds=(10_000, 10_001),
    returns=(-3.0, 0.1 + 0.2),
    terms={"climax": -1.0},
    baselines={"random": Scores((-9.0, -8.0), {"climax": -2.0}), "greedy": Scores((-5.0, 1e-300))},
    bounds=(-1.0, 0.5),
    exact=True,
    curve_steps=(64, 128),
    curve_returns=(-20.0, -10.0),
    agreement={"decisions": 0.5},
)


def test_what_is_written_is_read_bit_for_bit(tmp_path: Path) -> None:
    path = write_result(tmp_path, FULL)
    assert path == tmp_path / RESULT
    assert read_result(path) == read_result(tmp_path) == FULL
    bare = RunResult("e", "bc", 0, 0, 0.0, (7,), (1.0,))
    write_result(tmp_path, bare)
    assert read_result(path) == bare
    assert [file.name for file in tmp_path.iterdir()] == [RESULT]


def test_the_file_names_its_parts(tmp_path: Path) -> None:
    record = json.loads(write_result(tmp_path, FULL).read_text())
    assert record["format"] == "segue.result.v1"
    assert record["bounds"] == {"values": [-1.0, 0.5], "exact": True}
    assert record["curve"] == {"steps": [64, 128], "returns": [-20.0, -10.0]}
    assert record["baselines"]["random"] == {"returns": [-9.0, -8.0], "terms": {"climax": -2.0}}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"returns": (1.0,)}, "1 returns stand by 2 test seeds"),
        ({"returns": (1.0, float("nan"))}, "returns are not finite"),
        ({"bounds": (1.0,)}, "1 bounds"),
        ({"bounds": ()}, "0 bounds"),
        ({"bounds": None}, "no bounds"),
        ({"baselines": {"greedy": Scores((1.0,))}}, "returns of greedy"),
        ({"baselines": {"greedy": Scores((1.0, float("inf")))}}, "scores of greedy"),
        ({"curve_steps": (64,)}, "curve"),
        ({"curve_steps": (128, 64)}, "ascend"),
        ({"terms": {"climax": float("nan")}}, "terms"),
        ({"seconds": -1.0}, "below 0"),
        ({"test_seeds": (), "returns": ()}, "no returns"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(FULL, **changes)


def damaged(tmp_path: Path, *place: str, value: Any) -> Path:
    """Write a result in which one part is another, or gone."""
    record = json.loads(write_result(tmp_path, FULL).read_text())
    part = record
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    if value is ...:
        del part[place[-1]]
    path = tmp_path / RESULT
    path.write_text(json.dumps(record))
    return path


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (("format",), "segue.result.v9", "format"),
        (("agent",), ..., "'agent' is missing"),
        (("agent",), 7, "7 is no name"),
        (("more",), 1, "'more' is unknown"),
        (("seed",), True, "True is no whole number"),
        (("steps",), 1.5, "1.5 is no whole number"),
        (("returns",), "12", "a list is expected"),
        (("returns",), [1.0, "2"], "'2' is no number"),
        (("returns",), [1.0, float("nan")], "returns are not finite"),
        (("returns",), [1.0, 10**400], "too large"),
        (("returns",), [1.0, 2.0, 3.0], "3 returns stand by 2"),
        (("bounds", "exact"), "yes", "exact is not true or false"),
        (("baselines", "random"), 5, "random is no mapping"),
        (("terms",), [1.0], "no mapping"),
        (("curve",), None, "the curve is no mapping"),
    ],
)
def test_a_damaged_file_is_named_with_the_reason(
    tmp_path: Path, place: tuple[str, ...], value: Any, reason: str
) -> None:
    path = damaged(tmp_path, *place, value=value)
    with pytest.raises(SegueError, match=reason) as caught:
        read_result(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, "\xff\xfe"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / RESULT
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SegueError, match="no result of a run"):
        read_result(path)


def test_missing_and_huge_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SegueError, match="segue evaluate"):
        read_result(tmp_path)
    write_result(tmp_path, FULL)
    monkeypatch.setattr(run_result, "LARGEST", 100)
    with pytest.raises(SegueError, match="more than 100 bytes"):
        read_result(tmp_path)


def small(agent: str = "ppo") -> TrainConfig:
    hyper = {"n_steps": 16, "batch_size": 16, "n_epochs": 1}
    return TrainConfig(ENV, agent, 32, 5, num_envs=2, eval_episodes=3, hyperparameters=hyper)


def test_every_run_keeps_its_result(tmp_path: Path) -> None:
    result = train(small(), tmp_path, ["segue"])
    kept = read_result(tmp_path)
    assert (kept.env, kept.agent, kept.seed, kept.steps) == (ENV, "ppo", 5, 32)
    assert kept.test_seeds == (TEST_SEED, TEST_SEED + 1, TEST_SEED + 2)
    assert kept.returns == tuple(result.evaluation.returns)
    assert kept.terms == dict(result.evaluation.terms)
    assert {name: scores.returns for name, scores in kept.baselines.items()} == {
        other.name: tuple(other.returns) for other in result.others
    }
    assert result.bounds is not None
    assert kept.bounds == tuple(result.bounds.values)
    assert kept.exact
    assert kept.seconds == pytest.approx(result.seconds)
    assert kept.curve_steps == tuple(result.curve.steps)

    more = resume(tmp_path, 64)
    longer = read_result(tmp_path)
    assert longer.steps == 64
    assert longer.curve_steps[: len(kept.curve_steps)] == kept.curve_steps
    assert longer.seconds == pytest.approx(kept.seconds + more.seconds)

    (tmp_path / RESULT).unlink()
    evaluate_run(tmp_path, 1)
    assert not (tmp_path / RESULT).exists()
    evaluate_run(tmp_path, None)
    assert read_result(tmp_path) == replace(longer, seconds=0.0)


def test_returns_that_are_not_finite_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path)
    write_config(folder, small())
    result = train(read_config(folder, TrainConfig), tmp_path, ["segue"])
    result.evaluation.returns[0] = float("nan")
    with pytest.raises(SegueError, match="returns are not finite"):
        result.keep(small(), goes_on=False)
