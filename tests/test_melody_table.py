"""RL Tuner's table: its figures on melodies made by hand, its text, and its trained agents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.melody import types
from segue.envs.melody.ngram_fit import fit_ngram
from segue.envs.melody.prior import TOKENS
from segue.envs.melody.types import STEPS
from segue.envs.music.metrics.interval_index import IntervalIndex
from segue.experiments import melody_figures, melody_table, tables
from segue.experiments.melody_figures import TARGETS, Row, Yardstick
from segue.experiments.train import make_agent
from segue.experiments.train_config import default_config
from segue.rewards.phrase import PHRASE

SMALL = {"policy": "integers", "n_steps": 32, "batch_size": 32, "learning_rate": 0.001}
SCALE = [60, 62, 64, 65, 67, 69, 71, 72]
TRITONES = [60, 66] * 4


def quarters(pitches: list[int]) -> list[int]:
    """Tokens of eight quarter notes."""
    return [token for pitch in pitches for token in (pitch - 46, 1, 1, 1)]


@pytest.fixture(scope="module")
def stick() -> Yardstick:
    """A corpus of one scale, of which a melody may have four notes in a row."""
    windows = np.array([quarters(SCALE), quarters(SCALE[::-1])])
    return Yardstick(fit_ngram(windows), IntervalIndex.build([SCALE]), copied=4)


@pytest.fixture(scope="module")
def melodies() -> npt.NDArray[np.int8]:
    """A scale twice, tritones, and the same ones begun from above; none has a fifth or more."""
    lines = [SCALE, SCALE, TRITONES, TRITONES[::-1]]
    return np.array([quarters(line) for line in lines], dtype=np.int8)


def row(**changes: float) -> dict[str, float]:
    """Figures that reach each target exactly; then `changes`, blanks for underscores."""
    found = {name: edge for name, (_, edge) in TARGETS.items()}
    found |= {"alike": 0.1, "copied": 0.02, "log p": -51.26, "notes": 15.04}
    return found | {name.replace("_", " "): value for name, value in changes.items()}


# --- figures -----------------------------------------------------------------------------------


def test_figures_of_melodies_made_by_hand(melodies: npt.NDArray[np.int8], stick: Yardstick) -> None:
    found = melody_figures.figures(melodies, stick, 0)
    assert np.isnan(found["leaps resolved"])
    assert found == {**melody_figures.figures(melodies, stick, 0), "leaps resolved": ANY}
    assert found["starts with tonic"] == 0.75
    assert found["unique maximum"] == found["unique minimum"] == 0.5
    assert found["not in key"] == 8 / 128
    assert found["distinct"] == 0.75
    assert found["copied"] == 0.5
    assert found["notes"] == 8.0
    # Holds are alike in all pairs; of the onsets only the first of the scale and the tritones.
    assert found["alike"] == pytest.approx((6 + 4 * 25 / 32 + 6 * 24 / 32) / 16, abs=0.01)
    likely = [
        sum(
            float(stick.prior.log_probabilities(line[None, :step])[0, token])
            for step, token in enumerate(line)
        )
        for line in melodies
    ]
    assert found["log p"] == pytest.approx(np.mean(likely), abs=1e-3)
    assert likely[0] > likely[2]
    assert set(TARGETS) | {"alike", "copied", "log p", "notes"} == set(found)


def test_a_run_is_copied_only_beyond_peoples_longest(
    melodies: npt.NDArray[np.int8], stick: Yardstick, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = replace(stick, copied=8)
    assert melody_figures.figures(melodies, far, 0)["copied"] == 0.0
    assert melody_figures.figures(melodies, replace(stick, copied=7), 0)["copied"] == 0.5
    monkeypatch.setattr(melody_figures, "COPIES", 2)
    assert melody_figures.figures(melodies, stick, 0)["copied"] == 1.0


# --- targets and text --------------------------------------------------------------------------


def test_the_worst_seed_must_reach_a_target() -> None:
    assert melody_table.missed(Row("met", (row(), row(distinct=1.0, not_in_key=0.0)))) == []
    worse = row(starts_with_tonic=0.94, excessively_repeated=0.0003)
    assert melody_table.missed(Row("missed", (row(), worse))) == [
        "starts with tonic 94.000 % instead of >= 95 %",
        "excessively repeated 0.030 % instead of <= 0.02 %",
    ]


def test_the_table_has_a_column_for_each_row_and_a_verdict() -> None:
    name = "PPO by the reward `segue`"
    rows = [Row("people", (row(),)), Row(name, (row(distinct=0.992), row(distinct=0.998)))]
    lines = melody_table.markdown(rows).splitlines()
    assert lines[:2] == [
        f"| per cent | target | published | people | {name} |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    assert len(lines) == 2 + len(row()) + 2
    assert "| starts with tonic | >= 95 | 28.8 | 95.0 | 95.0 (95.0 to 95.0) |" in lines
    assert "| distinct among all melodies | >= 99 |  | 99.00 | 99.50 (99.20 to 99.80) |" in lines
    assert "| not in key | <= 0.1 | 0.1 | 0.100 | 0.100 (0.100 to 0.100) |" in lines
    assert (
        "| log p under the n-gram (nats a melody) |  |  | -51.3 | -51.3 (-51.3 to -51.3) |" in lines
    )
    assert f"{name}: every seed reaches every target. *Published*" in lines[-1]
    held = Row(f"{name}, attention", (row(unique_maximum=0.5),))
    told = melody_table.markdown([*rows, held, Row("others", (row(distinct=0.1),))])
    assert f"{name}: every seed reaches every target. {name}, attention: the worst" in told
    assert "seed misses unique maximum 50.000 % instead of >= 90 %. *Published*" in told


# --- agents ------------------------------------------------------------------------------------


def test_the_agents_differ_in_reward_and_temperature() -> None:
    default = default_config("segue/Melody-v0", "ppo")
    segue = melody_table.agent_config("segue", 3, None)
    tuner = melody_table.agent_config("rl-tuner", 4, 2000)
    assert (segue.seed, segue.steps, tuner.seed, tuner.steps) == (3, default.steps, 4, 2000)
    assert tuple(segue.temperature) == tuple(default.temperature) != ()
    assert tuple(tuner.temperature) == (1.0, 1.0)
    for config, reward in ((segue, "segue"), (tuner, "rl-tuner")):
        assert config.env_options == {"prior": "corpus", "reward": reward}
        assert config.hyperparameters["policy"] == "integers"
    held = melody_table.agent_config("segue", 0, None, "attention")
    assert held.env_options["prior"] == "segue.agents.generators.pretrained:attention"
    assert held.env_options["reward_weights"]["prior"] < PHRASE.weights["prior"]
    assert held.temperature[1] > segue.temperature[1]
    rates = [config.hyperparameters["learning_rate"] for config in (segue, tuner, default)]
    assert rates[0] == rates[2] == 2 * rates[1]


def test_play_draws_the_same_melodies_for_the_same_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(
        melody_table.agent_config("segue", 0, 64), env_options={}, hyperparameters=SMALL
    )
    model, _ = make_agent(config, 2)
    written = melody_table.play(model, 5, seed=3)
    assert (written.dtype, written.shape) == (np.int8, (5, STEPS))
    assert written.min() >= 0
    assert written.max() < TOKENS
    assert len(np.unique(written, axis=0)) == 5
    np.testing.assert_array_equal(written, melody_table.play(model, 5, seed=3))
    assert (written != melody_table.play(model, 5, seed=4)).any()
    monkeypatch.setattr(melody_table, "BATCH", 2)
    parts = melody_table.play(model, 5, seed=3)
    assert parts.shape == (5, STEPS)
    assert len(np.unique(parts, axis=0)) == 5


def test_play_shows_the_agent_what_it_wrote() -> None:
    class Counting:
        """Writes one pitch more each time, and holds at every fourth step."""

        def predict(self, seen: Any, deterministic: bool) -> tuple[Any, None]:
            assert not deterministic
            step = seen[:, types.STEP]
            np.testing.assert_array_equal(step, step[0])
            onset = step[0] - 1 if step[0] % 4 != 1 else step[0] - 2
            if step[0]:
                np.testing.assert_array_equal(seen[:, types.FIRST], np.maximum(onset, 0))
            return np.where(step % 4 == 0, 1, step + 2) if step[0] else step + 2, None

    model: Any = Counting()
    line = [step + 2 if step % 4 or not step else 1 for step in range(STEPS)]
    assert melody_table.play(model, 3, seed=0).tolist() == [line] * 3


def test_finished_agents_are_taken_up_again(
    tmp_path: Path,
    stick: Yardstick,
    melodies: npt.NDArray[np.int8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = replace(
        default_config("segue/Melody-v0", "ppo"),
        num_envs=16,
        env_options={},
        hyperparameters=SMALL,
    )
    monkeypatch.setattr(melody_table, "default_config", lambda env, agent: small)
    monkeypatch.setattr(melody_table, "yardstick", lambda attention: stick)
    monkeypatch.setattr(melody_table, "corpus_windows", lambda split: melodies)
    shares: list[float] = []

    def measured() -> list[Row]:
        def tell(share: float, text: str) -> None:
            shares.append(share)

        study = melody_table.RLTunerStudy(seeds=1, melodies=100, steps=1024)
        return melody_table.measure(tmp_path, ["segue"], tell, study)

    rows = measured()
    assert [row.name for row in rows] == [
        "people, held out",
        "uniform random",
        "prior (n-gram)",
        "PPO by the reward `rl-tuner`",
        "PPO by the reward `segue`",
    ]
    assert 0.0 <= min(shares) < 0.1
    assert 0.9 < max(shares) <= 1.0
    assert rows[0].seeds[0]["copied"] == melody_figures.figures(melodies, stick, 0)["copied"] == 0.5
    (uniform,), (drawn,) = rows[1].seeds, rows[2].seeds
    assert uniform["notes"] == pytest.approx(STEPS * 36 / 38, abs=0.5)
    assert drawn["log p"] > uniform["log p"] + 100

    def newest() -> dict[Path, int]:
        found = tmp_path.glob("*/checkpoints/*/*")
        return {path: path.stat().st_mtime_ns for path in found}

    before = newest()
    assert {path.relative_to(tmp_path).parts[0] for path in before} == {"rl-tuner__0", "segue__0"}
    for one, other in zip(measured(), rows, strict=True):
        assert one.name == other.name
        for seed, same in zip(one.seeds, other.seeds, strict=True):
            assert seed == pytest.approx(same, rel=0, abs=0, nan_ok=True)
    assert newest() == before


# --- the files ---------------------------------------------------------------------------------


def test_wrong_seeds_and_folders_are_told(tmp_path: Path) -> None:
    for seeds in (0, -3):
        with pytest.raises(SegueError, match="seeds, melodies and steps of the table must be at"):
            tables.read_study("rl-tuner", None, {"seeds": seeds})
        with pytest.raises(SegueError, match=rf"^seeds is {seeds}; give at least one\.$"):
            tables.read_study("counterpoint", None, {"seeds": seeds})
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(SegueError, match=r"^\S+file\S* cannot be made \(.+\); name another"):
            tables.make_table("rl-tuner", out, tables.read_study("rl-tuner", None, {}), ["segue"])


def test_a_table_is_written_as_markdown_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def measure(folder: Path, command: Any, tell: Any, study: Any) -> list[Row]:
        asked.append((folder, study.seeds, study.melodies))
        return [Row("PPO", (row(),) * study.seeds)]

    monkeypatch.setattr(melody_table, "measure", measure)
    two = tables.read_study("rl-tuner", None, {"seeds": 2, "melodies": 7})
    made = tables.make_table("rl-tuner", tmp_path / "new" / "out", two, ["segue", "bench"])
    markdown, numbers = (Path(file) for file in made["files"])
    assert (markdown.name, numbers.name) == ("rl-tuner.md", "rl-tuner.json")
    assert markdown.parent == numbers.parent == tmp_path / "new" / "out"
    assert markdown.read_text() == f"{made['markdown']}\nMade by `segue bench`.\n"
    assert json.loads(numbers.read_text()) == made["figures"] == {"PPO": [row(), row()]}
    assert asked == [(Path("runs/rl-tuner"), 2, 7)]
