"""The montage's table, and how cuts and paces are measured for it."""

from __future__ import annotations

import numpy as np
import pytest

from segue.envs.montage.env import Montage
from segue.envs.montage.synthetic import synthetic_bank
from segue.experiments.beat_measure import beat_f, free_pace, pace
from segue.experiments.montage_films import Films, by_lines, compared, mean_pace, solved
from segue.experiments.montage_table import EDITORS, table
from segue.rewards.film import Pacing

BEATS = np.arange(8) * 0.5


def test_cuts_on_the_beats_they_claim() -> None:
    assert beat_f(np.array([0.5, 1.5, 3.0]), BEATS) == 1.0
    assert beat_f(np.array([0.57, 1.43, 3.0]), BEATS) == 1.0
    assert beat_f(np.array([0.58, 1.5, 3.0, 2.0]), BEATS) == 0.75
    assert beat_f(np.array([0.75]), BEATS) == 0.0
    # Two cuts on one beat: one of them is matched, of two cuts and one beat.
    assert beat_f(np.array([0.5, 0.55]), BEATS) == pytest.approx(2 / 3)
    assert beat_f(np.zeros(0), BEATS) == 1.0
    assert beat_f(np.array([0.6]), BEATS, window=0.1) == 1.0
    with pytest.raises(ValueError, match="no beats"):
        beat_f(np.array([1.0]), np.zeros(0))


def test_the_pace_is_a_mean_over_time() -> None:
    term = Pacing(calm=4.0, lively=1.0, width=0.5)
    assert pace(np.array([0.0, 4.0]), 5.0, np.array([0.0, 1.0]), term) == 1.0
    off = np.exp(-0.5 * (np.log(2.0) / 0.5) ** 2)
    assert pace(np.array([0.0, 4.0]), 6.0, np.array([0.0, 1.0]), term) == pytest.approx(
        (4 + 2 * off) / 6
    )


def test_the_free_pace_is_that_of_the_best_cuts_on_any_frame() -> None:
    beats, energy = np.array([0.0, 0.3, 0.8, 1.0]), np.array([0.0, 1.0, 0.5])
    term, rate = Pacing(calm=0.5, lively=0.2, width=0.4), 10.0
    best = 0.0
    # Brute force over all sets of cuts between ten frames.
    for chosen in range(2**9):
        starts = np.array([0] + [frame for frame in range(1, 10) if chosen >> (frame - 1) & 1])
        here = energy[np.searchsorted(beats, starts / rate + 1e-9, side="right") - 1]
        best = max(best, pace(starts / rate, 1.0, here, term))
    assert free_pace(beats, energy, rate, term) == pytest.approx(best)
    assert free_pace(np.arange(41) * 0.5, np.zeros(40), 24.0) == pytest.approx(1.0, abs=1e-9)


def test_the_table_compares_editors_on_the_same_bins() -> None:
    bank = synthetic_bank(4, 8, 16, 1)
    task, silent = Montage(bank), Montage(bank, reward_weights={"sync": 0.0})
    solutions, _ = solved(task)
    # In place of trained ones.
    found = compared(task, silent, {"agent": [by_lines(solutions)] * 2})
    lines = Films(task, by_lines(solutions)).returns
    np.testing.assert_allclose(lines, [solution.line.value for solution in solutions], atol=1e-9)
    bounds = np.array([solution.relaxation.bound for solution in solutions])
    assert found["bound"] == pytest.approx(bounds.mean())
    share = {name: row["share"]["value"] for name, row in found["editors"].items()}
    assert share["random"] < share["greedy"] < share["beam"] == share["agent"] <= 1.0
    assert found["editors"]["agent"]["runs"] == 2
    # Every cut is on a beat by the rules of the task.
    assert {row["beat_f"] for row in found["editors"].values()} == {1.0}
    assert found["random_cutter_f"] < 0.9
    assert found["above_greedy"]["value"] > 0.8
    assert found["solver_seconds"] > 0
    assert all(row["pace"] <= found["free_pace"] for row in found["editors"].values())
    text = table(found)
    assert [title in text for name, title in EDITORS.items() if name != "before"] == [True] * 5
    assert EDITORS["before"] not in text
    assert f"{100 * share['beam']:.1f} %" in text


def test_the_reward_lets_a_film_keep_beat_and_pace() -> None:
    """Its optimum keeps within 5 % of the pace of the optimum that need not heed the beats."""
    bank = synthetic_bank(3, 16, 32, 5)
    paces = []
    for weights in ({}, {"sync": 0.0}):
        task = Montage(bank, reward_weights=weights)
        films = Films(task, by_lines(solved(task)[0]))
        paces.append(mean_pace([films]))
    assert paces[0] > 0.95 * paces[1]
    free = free_pace(
        bank.beat_frames / float(bank.rate), bank.energy.astype(float), float(bank.rate)
    )
    assert 0.9 * free < min(paces)
    assert max(paces) <= free
