"""The table of agents on `segue/Counterpoint-v0`: what is measured, with tiny budgets."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.counterpoint.cantus_firmi import FUX
from segue.envs.counterpoint.env import Counterpoint, CounterpointBatch
from segue.envs.counterpoint.types import CANTUS
from segue.experiments.counterpoint_agents import Plan, greedy, losses
from segue.experiments.counterpoint_table import (
    counterpoint_markdown,
    measure_counterpoint,
    summary,
)

TINY = Plan(seeds=1, ppo_steps=64, dqn_steps=64, drawn_steps=64, drawn=6, unseen=5)


def test_optimal_play_loses_nothing_and_greedy_play_what_it_costs() -> None:
    task = Counterpoint()
    count = len(FUX)

    def best(batch: CounterpointBatch) -> npt.NDArray[np.int64]:
        chosen = []
        for row in range(count):
            assert batch.state[row, CANTUS] == row
            numbered, solution = task.solved(row)
            chosen.append(int(solution.best[states[row]].argmax()))
            states[row] = int(numbered.model.next_state[states[row], chosen[-1]])
        return np.array(chosen)

    states = [0] * count
    gaps, points = losses(task, best)
    assert gaps.tolist() == points.tolist() == [0.0] * count
    gaps, points = losses(task, greedy(task))
    spread = [task.solved(k)[1].optimum - task.solved(k)[1].random_return for k in range(count)]
    assert points.tolist() == [13.0, 44.0, 18.0, 7.0, 12.0, 19.0]
    assert gaps == pytest.approx(points / spread)


def test_a_summary_tells_means_and_what_varies() -> None:
    gaps = np.array([[0.0, 0.1], [0.2, 0.3], [0.0, 0.0]])
    found = summary([(row, 10 * row) for row in gaps], drawn=False)
    assert found["gap"] == pytest.approx(0.1)
    assert found["points"] == pytest.approx(1.0)
    assert found["gap_by_seed"] == pytest.approx([0.05, 0.25, 0.0])
    assert found["at_optimum"] == pytest.approx(0.5)
    low, high = found["interval"]
    assert 0.0 <= low < 0.1 < high <= 0.25
    # One seed on all that there is does not vary, one seed on a sample does.
    one = [(gaps[1], gaps[1])]
    assert summary(one, drawn=False)["interval"] == pytest.approx([0.25, 0.25])
    assert summary(one, drawn=True)["interval"] == pytest.approx([0.2, 0.3])


def test_everything_is_measured_and_written() -> None:
    told: list[float] = []
    figures = measure_counterpoint(3, TINY, lambda share, text: told.append(share))
    assert told == sorted(told)
    assert 0.0 <= told[0] <= told[-1] < 1.0
    assert [row["name"] for row in figures["cantus_firmi"]] == list(FUX)
    for row in figures["cantus_firmi"]:
        assert row["q_learning"]["at_optimum"] == row["q_learning"]["seeds"] == 3
        assert row["random"] < row["greedy"] <= row["optimum"] < 0.0
        assert row["q_learning"]["median_steps"] <= row["q_learning"]["most_steps"]
    for found in (*figures["agents"].values(), *figures["unseen"].values()):
        low, high = found["interval"]
        assert low <= found["gap"] <= high
    json.dumps(figures)
    text = counterpoint_markdown(figures)
    assert "| Dorian | 11 | 344 | 8,370 | -7 | 2 | -57.3 | -20 | -18 | 3 of 3 |" in text
    for words in ("PPO, masked", "DQN", "5 unseen", "6 drawn", "means over 1 seeds"):
        assert words in text
