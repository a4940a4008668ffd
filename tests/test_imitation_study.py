"""The study of demonstrations: its runs, its figures, its table."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.agents.demonstrations import read_episodes
from segue.experiments import imitation_study
from segue.experiments.imitation import CRITIC_DECISIONS
from segue.experiments.imitation_study import (
    PLACES,
    DemonstrationStudy,
    Job,
    Place,
    jobs,
    measure_demonstrations,
    study_config,
)
from segue.experiments.imitation_table import (
    first_reached,
    imitation_markdown,
    imitation_picture,
    shares,
    steps_to_target,
)
from segue.experiments.learning import make_env
from segue.experiments.tables import read_study

SMALL = Place("segue/LeadSheet-v0", {"pieces": 3, "bars": 1}, {"piece_seed": 1000})
SMALL_STUDY = DemonstrationStudy(seeds=1, counts=(1, 2), episodes=2, share=0.95)
STUDY = read_study("demonstrations", None, {})
assert isinstance(STUDY, DemonstrationStudy)
COUNTS = STUDY.counts


def made_up(better: float) -> dict[str, Any]:
    """An environment of four test episodes, in which shown agents are `better` than PPO."""
    optima = [10.0, 20.0, 10.0, 20.0]
    runs: dict[str, Any] = {}
    for method in ("ppo", "bc", "dqfd", "gail", "bc-ppo", "dagger"):
        for count in (0,) if method == "ppo" else COUNTS:
            share = 0.5 if method == "ppo" else 0.5 + better
            run: dict[str, Any] = {"returns": [share * one for one in optima]}
            if method in ("ppo", "bc-ppo"):
                grown = np.linspace(0, 10, 11) if method == "ppo" else np.linspace(8, 12, 11)
                run["curve"] = [list(range(1_000, 12_000, 1_000)), grown.tolist()]
            runs[f"{method} {count}"] = [dict(run) for _ in range(5)]
    baselines = {"random": [0.0] * 4, "greedy": [8.0, 16.0, 8.0, 16.0]}
    return {"optima": optima, "steps": 11_000, "baselines": baselines, "runs": runs}


def test_every_agent_has_a_run_for_each_seed_and_count() -> None:
    found = jobs(replace(STUDY, seeds=2))
    names = {job.name for job in found}
    assert len(found) == len(names) == 2 * 2 * (4 * len(COUNTS) + 2)
    for place in PLACES:
        for count in COUNTS:
            for method in ("bc", "dqfd", "gail", "bc-ppo"):
                assert {Job(place, method, count, seed).name for seed in (0, 1)} <= names


def test_training_tuning_and_test_are_apart(tmp_path: Path) -> None:
    """Tests are of other pieces than those shown and trained on, and begin from nothing else."""
    for place in PLACES:
        job = Job(place, "ppo", 0, 3)
        config = study_config(job, tmp_path, 40)
        assert config.greedy_demonstrations == config.expert_decisions == 0
        assert config.demonstrations == ""
        (seed,) = (name for name in config.test_options if name.endswith("_seed"))
        assert config.test_options[seed] == 1000 != config.env_options.get(seed, 0)
        shown = study_config(Job(place, "bc-ppo", 10, 3), tmp_path, 40)
        assert shown.hyperparameters == config.hyperparameters
        assert shown.demonstrations
        assert replace(shown, demonstrations="") == config


def test_runs_are_made_once_and_gathered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imitation_study, "PLACES", (SMALL,))
    monkeypatch.setattr(imitation_study, "METHODS", ("bc",))
    trained: list[str] = []

    class Inside:
        """Runs in this process, at once."""

        def __init__(self, *_: Any) -> None: ...
        def __enter__(self) -> Inside:
            return self

        def __exit__(self, *_: Any) -> None: ...
        def submit(self, call: Any, *arguments: Any) -> Any:
            future: Future[Any] = Future()
            future.set_result(call(*arguments))
            return future

    real = imitation_study.train

    def train(config: Any, out: Path, command: Any) -> Any:
        trained.append(out.name)
        small = {"steps": 512, "num_envs": 4, "hyperparameters": {}, "eval_episodes": 2}
        if config.agent == "maskable-ppo":
            small["hyperparameters"] = {"n_steps": 32, "batch_size": 64}
        return real(replace(config, **small, cloning={"epochs": 3}), out, command)

    monkeypatch.setattr(imitation_study, "ProcessPoolExecutor", Inside)
    monkeypatch.setattr(imitation_study, "train", train)
    found = measure_demonstrations(tmp_path, ["segue"], lambda share, text: None, SMALL_STUDY)
    place = found["places"][SMALL.env]
    assert set(place["runs"]) == {"ppo 0", "bc 1", "bc 2", "dagger 2"}
    assert len(trained) == 4
    assert len(place["optima"]) == 2
    assert len(place["runs"]["ppo 0"][0]["curve"][0]) == 4
    again = measure_demonstrations(tmp_path, ["segue"], lambda share, text: None, SMALL_STUDY)
    assert again == found
    assert len(trained) == 4
    two = read_episodes(imitation_study._shown(SMALL, tmp_path, 2, 0))
    env = make_env(SMALL.env, SMALL.train)
    unwrapped: Any = env.unwrapped
    pieces = set()
    for episode in two:
        env.reset(seed=episode.seed)
        assert episode.total == pytest.approx(unwrapped.bound().value)
        pieces.add(unwrapped.task.situation(unwrapped.batch, 0)[0])
    assert len(pieces) == 2


def test_shares_are_of_each_episodes_optimum() -> None:
    place = made_up(0.25)
    np.testing.assert_allclose(shares(place, "bc 10"), np.full((5, 4), 0.75))


def test_steps_to_the_return_that_ppo_ends_at() -> None:
    """PPO ends at 10; 95 % of that from 0 it passes at its last point, the others at their 5th."""
    target, found = steps_to_target(made_up(0.1), COUNTS, 0.95)
    assert target == pytest.approx(9.5)
    assert found["ppo 0"] == [11_000] * 5
    assert found["bc-ppo 1"] == [5_000 + CRITIC_DECISIONS] * 5
    assert first_reached({"curve": [[1, 2], [0.0, 1.0]]}, 2.0) == np.inf


def test_the_table_says_who_is_better() -> None:
    text = imitation_markdown(
        {**vars(STUDY), "seeds": 5, "places": {"segue/LeadSheet-v0": made_up(0.25)}}
    )
    assert "| behaviour cloning | 75.0 (75.0 to 75.0) |" in text
    assert "| PPO, none shown | 50.0 (50.0 to 50.0) |" in text
    assert "| greedy (mean) | 80.0 |" in text
    assert "| 0 | 11,000 | 100 % | 0 of 5 |" in text
    assert "| 10 | 13,000 | 118 % | 0 of 5 |" in text
    assert "| DQfD | 0.50 (0.50 to 0.50) |" in text  # as good as cloning


def test_the_figure_names_its_curves() -> None:
    svg = imitation_picture({**vars(STUDY), "places": {"segue/LeadSheet-v0": made_up(0.25)}})
    for name in ("PPO, none shown", "100 shown", "optimum", "greedy"):
        assert name in svg
